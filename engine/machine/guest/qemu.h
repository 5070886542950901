/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One virtual machine by qemu-system: a machine description becomes an argv (pure, testable), is
 * started, watched and always ended. The guest has no network, no display and no monitor; its
 * serial console comes out line by line, cleaned (console.h). Disks are raw files, never probed for
 * another format. QEMU leaves with status 0 even when the guest panics, so what counts are the
 * markers the guest prints, its console, and deadlines by the monotonic clock.
 *
 *	struct qemu_machine m = {.arch = "arm64", .cpus = 2, .memory_mb = 2048, ...};
 *	qemu_find(&m, cache_dir, &err);         // programs, firmware, accelerator
 *	qemu_run(&m, &watch, &err);             // until the guest is off
 *
 * QEMU dies with the process that started it (base/proc.h), and sees the files of its machine
 * alone (confined.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "machine/board/console.h"
#include "machine/sandbox/confined.h"
#include "machine/terminal.h"

enum qemu_bus { QEMU_NVME, QEMU_VIRTIO };

struct qemu_disk {
	const char *path;   /* raw file */
	const char *serial; /* at most 20 bytes of [A-Za-z0-9._-] */
	enum qemu_bus bus;
	bool readonly;
	bool snapshot; /* PATH is not changed: writes go to a file in tmp_dir and are lost */
};

struct qemu_machine {
	const struct strv *command; /* how QEMU is started; NULL: this machine's */
	const char *arch;           /* Debian's name: arm64, amd64 */
	const char *machine;        /* QEMU's name; NULL: the usual one of the architecture */
	unsigned cpus;
	unsigned memory_mb;
	uint64_t epoch;      /* what the guest's real-time clock shows at start; 0: the present */
	const char *tmp_dir; /* for QEMU's temporary files; what disks grow into lies there, too */
	bool efi;
	const char *cmdline_extra; /* EFI: for systemd-boot, through SMBIOS; NULL: none */
	const char *vars_path;     /* EFI: private, writable copy of the firmware's variables */
	const char *kernel, *initrd, *append; /* without EFI; initrd may be NULL */
	const struct qemu_disk *disks;        /* the first one is the boot disk */
	size_t disk_count;
	const char *console; /* a -chardev of id "console"; NULL: QEMU's stdin and stdout */

	/*
	 * EFI: flash memory of the firmware, and what vars_path begins as. Both or none: then
	 * qemu_find() takes this machine's.
	 */
	const char *firmware_code, *firmware_vars;

	/* Set by qemu_find(); text lives as long as the process. */
	const char *program;
	const char *accel; /* "kvm", or "tcg,thread=multi,..." */
	const char *cpu;   /* "cortex-a72"; what stands here is kept, but for kvm */
};

/* The serial console's name in the guest: "ttyAMA0". */
const char *qemu_console(const char *arch);
/* What is taken of the architecture where nobody says: "q35", "cortex-a72". */
const char *qemu_usual_machine(const char *arch);
const char *qemu_usual_cpu(const char *arch);
/* "qemu-system-aarch64", or NULL for an architecture that orch cannot emulate. */
const char *qemu_program(const char *arch);
/*
 * Appends how the QEMU of an unpacked tree is started (machine/sandbox/tree_program.h). ERR_USER
 * when there is none in it.
 */
int qemu_from_tree(const char *root, const char *arch, struct strv *ret,
		   struct err **err) warn_unused;
/*
 * Appends how QEMU is started: COMMAND of qemu_from_tree(); without (NULL) this machine's PROGRAM.
 */
void qemu_push(const struct strv *command, const char *program, struct strv *ret);
/* Shows a confined QEMU what it is started from: COMMAND's tree, or this machine's PROGRAM. */
void qemu_show(const struct strv *command, const char *program, struct confined *ret);
/* Finds program and firmware and chooses the accelerator; ERR_ENV names what to install. */
int qemu_find(struct qemu_machine *m, const char *cache_dir, struct err **err) warn_unused;
/*
 * The part of it that needs no child process; *ret_package: the package that
 * is missing. May be NULL.
 */
int qemu_look(struct qemu_machine *m, const char **ret_package, struct err **err) warn_unused;
/* Appends the whole command; MACHINE went through qemu_find(). */
void qemu_argv(const struct qemu_machine *m, struct strv *ret);

/*
 * Whether disks of a guest can still grow in DIR; to be asked every QEMU_ROOM_MS. QEMU's NVMe tells
 * the guest of one that cannot that it failed: a guest that does not look loses what was in its
 * cache and goes on. Other devices stop the guest, for ever (-drive werror=enospc, the default).
 */
bool qemu_has_room(const char *dir);
#define QEMU_ROOM_MS 1000

struct qemu_watch {
	const char *token; /* of the markers */
	unsigned begin_s;  /* time until the first marker; 0: no such deadline */
	unsigned total_s;  /* time for all; 0: no deadline */
	unsigned quit_s;   /* time to power off after *done became true; 0: 60 */
	const bool *done;  /* set by FN when the guest has reported its end */
	console_fn *fn;    /* lines (console's and QEMU's own), markers, panic */
	void *arg;
};
/*
 * Runs the machine until QEMU ends. 0 when it ended by itself, whatever the guest did; ERR_BUILD
 * after a kernel panic or when QEMU fails, ERR_TIMEOUT when a deadline passed; QEMU is gone in any
 * case.
 */
int qemu_run(const struct qemu_machine *m, const struct qemu_watch *watch,
	     struct err **err) warn_unused;
/*
 * Runs the machine, whose .console this sets, on our terminal as A says (attach_run(); its .console
 * and .process are set here), until QEMU ends or the user wants out; QEMU is gone in any case.
 */
int qemu_attach(struct qemu_machine *m, struct attach *a, enum attach_end *ret, int *ret_signal,
		struct err **err) warn_unused;
