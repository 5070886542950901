/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * How long a system took to start, as systemd tells it: the total of `systemd-analyze time`, which
 * is made of properties of org.freedesktop.systemd1.Manager, in microseconds.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct startup {
	uint64_t firmware;  /* before the kernel, boot loader included; 0: nobody told */
	uint64_t initramfs; /* since the kernel's start, like the next ones; 0: there was none */
	uint64_t userspace;
	uint64_t finish; /* 0: it has not finished */
};

/* The command that prints them. */
#define STARTUP_COMMAND                                                                  \
	"systemctl show --property=FirmwareTimestampMonotonic,InitRDTimestampMonotonic," \
	"UserspaceTimestampMonotonic,FinishTimestampMonotonic"
/* Takes a line of it, "FinishTimestampMonotonic=12345678"; others are left. */
void startup_read(struct startup *s, const char *line);
/* Microseconds in all. */
uint64_t startup_total(const struct startup *s);
/* "12.3 s (kernel 2.1 s, initramfs 3.0 s, userspace 7.2 s)" */
void startup_text(const struct startup *s, struct str *ret);

/* "40s", "1min 30s", "500ms", "90": microseconds. 0, or 1 when TEXT is not a time. */
int duration_parse(const char *text, uint64_t *ret);
