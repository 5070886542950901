/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What cmd_flash.c and flash_units.c share. */
#include "cli/session.h"
#include "cli/task.h"
#include "machine/flash.h"

struct flashing {
	struct session s;
	struct flash medium; /* of a card alone */
	const struct node *node;
	char *path; /* of the image, in the store */
	int image;
	uint64_t size; /* of it, bytes */
	struct task task;
};

/*
 * Opens the image of node NAME, which builder_first() has built: only one with a partition table is
 * a whole card.
 */
int flash_open_image(struct flashing *f, const char *name, struct err **err) warn_unused;
/* The names of all MEDIA have to be typed, or --yes to be given. */
int flash_ask(const struct cli *c, struct flash *const *media, size_t count,
	      struct err **err) warn_unused;
/* orch flash --provision: a card for each unit. Returns the exit code. */
int flash_units(struct flashing *f, struct cli *c);
