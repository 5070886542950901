/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pin.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

#define NAME "ORCH_PIN"
#define PLACE_NAME "ORCH_PIN_FD" /* what another orch is told, see pin_hand_on() */

#define LOW 100 /* numbers below are others' (run/spawner.c) */

static char place[32];
static int passed[] = {-1, -1};

static void keep(int fd)
{
	snprintf(place, sizeof(place), "/proc/self/fd/%d", fd);
	passed[0] = fd;
}

/* From the orch that started this one. */
static void take_descriptor(const char *text)
{
	uint64_t fd;

	if (str_u64(text, &fd) == 0 && fd >= LOW && fd <= INT_MAX &&
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
		keep((int)fd);
}

static void take_text(char *pin)
{
	size_t len = strlen(pin);
	int made = len ? memfd_create("pin", MFD_CLOEXEC) : -1;
	int fd = made >= 0 ? fcntl(made, F_DUPFD_CLOEXEC, LOW) : -1;

	if (fd >= 0 && write(fd, pin, len) == (ssize_t)len)
		keep(fd);
	if (made >= 0)
		close(made);
	explicit_bzero(pin, len); /* /proc/PID/environ shows these very bytes */
}

void pin_take(void)
{
	const char *descriptor = getenv(PLACE_NAME);
	char *pin = getenv(NAME);

	if (descriptor)
		take_descriptor(descriptor);
	if (pin)
		take_text(pin);
	unsetenv(PLACE_NAME);
	unsetenv(NAME);
}

void pin_hand_on(struct strv *env)
{
	if (*place)
		strv_printf(env, PLACE_NAME "=%d", passed[0]);
}

bool pin_is_for(const char *key)
{
	return key && str_skip(key, "pkcs11:");
}

const char *pin_place(void)
{
	return *place ? place : NULL;
}

const int *pin_passed(void)
{
	return *place ? passed : NULL;
}
