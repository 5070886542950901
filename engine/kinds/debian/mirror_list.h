/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Lists of mirrors, read as apt reads them (apt-transport-mirror(1); methods/mirror.cc of apt):
 *
 *	# a comment, when the '#' is the first byte
 *	https://near.example/debian/<TAB>priority:1 arch:amd64 arch:all type:deb
 *
 * What follows the tab is metadata, with tabs or spaces in between. Mirrors with a low priority
 * come first, those without one last; apt shuffles equal ones, here the order of the lines counts.
 * A mirror that limits something to certain values is not asked for a file with another.
 *
 * Lines are passed over that nothing here can fetch from: another scheme, a space before the tab,
 * and a local mirror of a list that came from a server.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/vec.h"

struct mirror_item {
	const char *url; /* without '/' at the end; user and password may be in it */
	uint64_t priority;
	size_t number;     /* of the items before it in the list */
	const char **tags; /* "arch:amd64", ends in NULL */
};
DEFINE_VEC(mirror_items, struct mirror_item)

/* A file as far as metadata asks for it; NULL: not known, all mirrors are taken to have it. */
struct mirror_file {
	const char *arch, *component, *type; /* type: what follows the last dot of its name */
};

/* Appends the mirrors of TEXT to RET, the first to be tried first. ONLINE: TEXT is a server's. */
void mirror_list_parse(struct arena *arena, const char *text, bool online,
		       struct mirror_items *ret);
bool mirror_item_serves(const struct mirror_item *m, const struct mirror_file *f);
