/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind board. */
#include "recipe/schema.h"

struct board_opts {
	const char *machine, *arch, *cpu, *time_scale;
	int64_t cpus, serial;
	uint64_t memory;
	struct ref *firmware, *device_tree, *emulator;
	int load, card, network, watchdog, agent;
};

/* Whether commands can be run on it. */
bool board_takes_commands(const struct board_opts *o);
