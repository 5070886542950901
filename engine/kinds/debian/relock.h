/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `orch lock`: recipes/NODE.lock pins what the packages of a 'debian' node resolve to. Only this
 * asks the archives; a build uses the lock and nothing else.
 */
#include "kinds/debian/debian.h"

/* A word of `debs:` of a node, or of one that it builds on, with the packages that it names. */
struct relock_word {
	const char *word;  /* as the recipe has it */
	bool below;        /* of a node that it builds on */
	struct strv files; /* absolute */
};
DEFINE_VEC(relock_words, struct relock_word)

struct relock_opts {
	bool update; /* take current versions; else move no pin that the archives still have */
	const char *package; /* with update: only this package, and what it needs; NULL: all */
	const char *from;    /* with update: move only what this archive or suite has newer; NULL */
	bool offline;        /* make no connection: ERR_NET when that cannot be */
	const struct relock_words *debs; /* built by the caller; NULL: there are none */
	size_t *named; /* with PACKAGE: counts nodes that have it, or build on it; may be NULL */
	struct lock_moves *moves; /* gets what moved; may be NULL */
	const char *cache_dir;    /* absolute: where lists and indexes may be kept */
	const char *downloads;    /* absolute: what builds have downloaded, by digest */
	void (*say)(void *arg, const char *node, const char *text); /* what it does; may be NULL */
	void *arg;
};

/*
 * Resolves R, writes its lock when it changed, and appends to REPORT one line per package that
 * came, went or moved ("+ rauc 1.13-1", "- foo 2", "~ dbus 1.16.0-1 -> 1.16.2-2: archive 'debian'
 * no longer has 1.16.0-1"); nothing when it did not change. A node it builds on (`from:`) must be
 * locked already.
 *
 * A node that has no lock yet and extends another begins with the pins of that one's lock.
 *
 * A lock that is there but cannot be read is an error that leaves it as it is, with and without
 * update. One of format 1 is read, and written in format 2 with its pins. A pin stays as long as
 * an archive has it, in its index or in its pool, and the recipe asks for no other version or
 * suite; a package that the recipe newly asks for moves no pin. With PACKAGE, what a node below has
 * in an older version is taken here in its place, until that node has it, too. Returns 0, or -1.
 */
int relock_node(struct arena *arena, const struct project *p, const struct recipe *r,
		const struct relock_opts *opts, struct str *report, struct err **err) warn_unused;
