/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind board. */
#include "recipe/kind.h"

struct board_opts {
	const char *machine, *arch, *cpu, *time_scale;
	int64_t cpus, serial;
	uint64_t memory;
	struct ref *firmware, *variables, *device_tree, *emulator;
	int load, card, network, watchdog, agent;
};

/* Whether commands can be run on it. */
bool board_takes_commands(const struct board_opts *o);
/*
 * Reports a REF that names a node of another kind. Whoever starts a board believes what its
 * outputs say, its QEMU among them, and a step can give its outputs any name.
 */
void board_check_ref(const struct kind_ctx *ctx, const struct ref *ref, struct err_list *errors);
