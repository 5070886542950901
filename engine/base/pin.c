/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

#define NAME "ORCH_PIN"

#define LOW 100 /* numbers below are others' (run/spawner.c) */

static char place[32];
static int passed[] = {-1, -1};

void pin_take(void)
{
	char *pin = getenv(NAME);
	size_t len = pin ? strlen(pin) : 0;
	int made = len ? memfd_create("pin", MFD_CLOEXEC) : -1;
	int fd = made >= 0 ? fcntl(made, F_DUPFD_CLOEXEC, LOW) : -1;

	if (fd >= 0 && write(fd, pin, len) == (ssize_t)len) {
		snprintf(place, sizeof(place), "/proc/self/fd/%d", fd);
		passed[0] = fd;
	}
	if (made >= 0)
		close(made);
	if (pin)
		explicit_bzero(pin, len); /* /proc/PID/environ shows these very bytes */
	unsetenv(NAME);
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
