/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t faults;
static struct sigaction before;
static uintptr_t page_size;

/* A page of zeros takes the place of the one that cannot be had; else it faults again, and dies. */
static void take_fault(int sig, siginfo_t *info, void *context)
{
	void *page = (void *)((uintptr_t)info->si_addr & ~(page_size - 1));
	int saved = errno;

	if (info->si_code != BUS_ADRERR ||
	    mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
		    MAP_FAILED)
		sigaction(SIGBUS, &before, NULL);
	else
		faults = faults + 1;
	errno = saved;
}

void map_faults_begin(void)
{
	struct sigaction take = {.sa_sigaction = take_fault, .sa_flags = SA_SIGINFO};

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	faults = 0;
	sigaction(SIGBUS, &take, &before);
}

unsigned map_faults_end(void)
{
	sigaction(SIGBUS, &before, NULL);
	return (unsigned)faults;
}
