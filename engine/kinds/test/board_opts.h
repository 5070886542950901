/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind board. */
#include "recipe/kind.h"

struct board_opts {
	const char *machine, *arch, *cpu, *time_scale, *prepare, *name;
	int64_t cpus, serial;
	uint64_t memory;
	struct ref *firmware, *variables, *device_tree, *emulator, *kernel, *initramfs;
	int load, card, network, watchdog, agent, unseen;
};

/* Whether it is one that does not boot (machine/board/rauc_board.h). */
bool board_opts_rauc(const struct board_opts *o);
/* Whether it is reached by commands of the user's (machine/board/remote_board.h). */
bool board_opts_remote(const struct board_opts *o);
/* Whether commands can be run on it; of a remote board only its user knows, so it is true. */
bool board_takes_commands(const struct board_opts *o);
/*
 * Reports a REF that names a node of another kind. Whoever starts a board believes what its
 * outputs say, its QEMU among them, and a step can give its outputs any name.
 */
void board_check_ref(const struct kind_ctx *ctx, const struct ref *ref, struct err_list *errors);
/* Likewise, and one that QEMU does not boot. */
void board_check_boots(const struct kind_ctx *ctx, const struct ref *ref, struct err_list *errors);
/* The options of the board that REF names; NULL where that is none, or its recipe has errors. */
const struct board_opts *board_of_ref(const struct kind_ctx *ctx, const struct ref *ref);
