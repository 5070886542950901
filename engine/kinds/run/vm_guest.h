/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The guest of kind vm before it is started: its board, its disks, and what tells it the steps. The
 * image is a copy that may be written to, other disks are overlaid, so no input changes.
 *
 *	struct vm vm = {.a = a, .o = a->opts, .sector = -1, .image = path};
 *	vm_choose_board(&vm, err);
 *	vm_prepare(&vm, "WORKDIR/steps", err);
 *	vm_describe(&vm, &machine, err);
 *	... qemu_run(&machine, ...) ...
 *	vm_clear(&vm);
 */
#include "kinds/run/vm_opts.h"
#include "kinds/test/board_use.h"
#include "machine/guest/qemu.h"
#include "machine/guest/steps.h"
#include "run/action.h"

#define VM_BEGIN_S 900      /* from power on to the first step */
#define VM_QUIT_S 300       /* from the last step to power off */
#define VM_TOKEN_LEN 16     /* random bytes */
#define VM_IMAGE "boot.img" /* the copy that is booted, in the work directory */

struct vm {
	struct action *a;
	const struct vm_opts *o;
	struct board board; /* the recipe's, or what its options say */
	struct board_files files;
	const char *image; /* the copy that is booted */
	char token[2 * VM_TOKEN_LEN + 1];
	const char *const *scripts;
	struct steps_disk *steps_disks;
	struct qemu_disk *disks;
	size_t disk_count;
	const struct steps_shell *shell; /* in place of the steps; NULL: they run */
	/* what the guest reported */
	bool begun, over, dirty;
	long step;       /* running or last one, from 1 */
	long status;     /* exit status of the steps, when over */
	long lost;       /* number of a disk, or 0 */
	int64_t sector;  /* start of the root file system; -1: unknown */
	uint64_t logged; /* bytes */
};

/* The recipe's board, or one made of its options. */
int vm_choose_board(struct vm *vm, struct err **err) warn_unused;
/* Writes what the guest gets beside its image, the steps to STEPS_PATH. */
int vm_prepare(struct vm *vm, const char *steps_path, struct err **err) warn_unused;
/* The machine, ready for qemu_run(); what it points to lives as long as VM and its action. */
int vm_describe(struct vm *vm, struct qemu_machine *ret, struct err **err) warn_unused;
/*
 * Where the guest's clock starts, seconds: not before anything in a package, so that what the guest
 * makes can be told from it.
 */
uint64_t vm_clock(const struct action *a);
/* The first line of step N (from 1) that says something, for messages. Arena. */
const char *vm_step_title(const struct vm *vm, long n);
/* An error when a disk did not appear in the guest. */
int vm_judge_disks(const struct vm *vm, struct err **err);
void vm_clear(struct vm *vm);

/* maker->shell() of the kind. */
int vm_shell(struct action *a, const struct shell_request *q, int *ret_status,
	     struct err **err) warn_unused;
