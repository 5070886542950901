/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "ORCH_PIN"

static char place[64];

void pin_take(void)
{
	char *pin = getenv(NAME);
	size_t len = pin ? strlen(pin) : 0;
	int fd = len ? memfd_create("pin", MFD_CLOEXEC) : -1;

	if (fd >= 0 && write(fd, pin, len) == (ssize_t)len)
		snprintf(place, sizeof(place), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (pin)
		explicit_bzero(pin, len); /* /proc/PID/environ shows these very bytes */
	unsetenv(NAME);
}

const char *pin_place(void)
{
	return *place ? place : NULL;
}
