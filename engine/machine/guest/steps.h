/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * How steps get into a guest. They travel as one shell script on a raw disk of their own (no file
 * system, no driver but the disk's) whose serial number is STEPS_SERIAL. The kernel command line
 * gets `init=/bin/sh -- -c "..."`, where the text finds that disk by its serial number and runs it.
 * So the image that is booted is left as it is: by EFI, systemd-boot (257 or newer) takes the
 * addition from SMBIOS, without EFI it is part of -append.
 *
 * As PID 1 the script mounts /proc, /sys, /dev and /run, makes / writable, mounts the attached
 * disks that hold a file system at /mnt/NAME (on a tmpfs, so that no trace stays), that of the
 * inputs read-only, runs the steps one by one, there or in /, each by `/bin/sh -e` with a clean
 * environment, makes / read only and powers off. With SYSTEMD it instead puts a unit below /run and
 * hands over to /sbin/init; the steps then run when the default target is reached.
 *
 * It reports through markers (console.h): "begin", "step N" before and "done N RC" after each step,
 * "end RC" when the root file system is safe; "root SECTOR", where on the boot disk / lies
 * (512-byte sectors); "lost N" when disk N did not appear or mount, the disk of the inputs counting
 * last; "dirty" when / cannot be made read only.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define STEPS_SERIAL "orch-steps"
#define STEPS_ROOT_SERIAL "orch-root" /* of the boot disk */
#define STEPS_INPUTS_SERIAL "orch-inputs"
#define STEPS_INPUTS "inputs" /* the name below /mnt */

/*
 * A shell in place of the steps, in their environment, where they begin, with each step as
 * /run/orch/step-N. Markers: "shell" when it begins, "over RC" when it has ended, before "end 0".
 */
struct steps_shell {
	const char *input;            /* commands for it; NULL: it is on the terminal TTY */
	const char *tty;              /* "ttyS0" */
	const char *term;             /* TERM */
	const char *name;             /* for the prompt */
	unsigned short rows, columns; /* 0: unknown */
};

struct steps_disk {
	const char *serial; /* of the disk device */
	const char *name;   /* mounted at /mnt/NAME */
	bool mount;         /* false: a partitioned disk, only named in the environment */
};

struct steps_plan {
	const char *token;
	const char *const *scripts; /* texts for /bin/sh -e */
	size_t count;
	const struct steps_disk *disks;
	size_t disk_count;
	uint64_t epoch;         /* seconds; SOURCE_DATE_EPOCH of the steps */
	const char *const *env; /* texts "NAME=value" for the steps, beside the fixed ones */
	size_t env_count;
	bool inputs; /* a file system on the disk STEPS_INPUTS_SERIAL, for /mnt/inputs */
	bool systemd;
	const struct steps_shell *shell; /* NULL: the steps run */
};

/* Appends the script, padded with newlines to whole sectors. */
void steps_script(const struct steps_plan *plan, struct str *ret);
/* Appends "console=... panic=-1 init=/bin/sh -- -c \"...\""; nothing may follow it on the line. */
void steps_cmdline(const char *console, struct str *ret);
/* Appends ARGV as one shell command, words quoted where they need it. */
void steps_quote_argv(const char *const *argv, size_t count, struct str *ret);
