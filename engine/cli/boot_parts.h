/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What commands that start a board take from nodes: their outputs, and what a device says. */
#include "cli/session.h"
#include "scenario/target.h"

/* The output NAME (NULL: the first) of N, which was built; or NULL. */
const struct artifact *boot_parts_output(const struct node *n, const char *name);
/* The place of its blob in the store, or NULL; caller frees. */
char *boot_parts_blob(const struct session *s, const struct node *n, const char *name);
/*
 * The first output of IMAGE as a card at PATH, with a line on a terminal while it is copied. Of the
 * next power of two above the image: what QEMU's cards, and real ones, have.
 */
int boot_parts_card(const struct session *s, const struct node *image, const char *path,
		    uint64_t *ret_size, struct err **err) warn_unused;
/* A variable store of BOARD's own in DIR, as on a new board; NULL where it has none. */
int boot_parts_variables(const struct session *s, const struct node *board, const char *dir,
			 char **ret, struct err **err) warn_unused;
/*
 * The device that boots from DISK, with a boot loader whose state can be read. ERR_USER: there is
 * none; the message says that WHAT needs it. target_clear(ret) in any case.
 */
int boot_parts_device(const struct session *s, const struct node *disk, const char *what,
		      struct target *ret, struct err **err) warn_unused;
