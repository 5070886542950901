/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What was written to out/, remembered in a file there: path, what it is a copy of, and what
 * lstat(2) said of it. A file that is as it was is not written again.
 *
 *	struct stamps t cleanup_stamps = {0};
 *	stamps_read(&t, "/project", "out/.copied");
 *	if (!stamps_fresh(&t, "out/x/y", digest)) {
 *		...                                     // write it
 *		stamps_set(&t, "out/x/y", digest);
 *	}
 *	stamps_write(&t, &err);
 */
#include <stdbool.h>

#include "base/err.h"
#include "base/map.h"

struct stamps {
	struct arena *arena;
	const char *dir, *file;
	struct map known; /* path -> the rest of its line */
	bool changed;
};

/* FILE, as the paths below, is relative to DIR. One that cannot be read is as one that is empty. */
void stamps_read(struct stamps *t, const char *dir, const char *file);
/* Whether the file REL is as it was when it was remembered with this word. */
bool stamps_fresh(const struct stamps *t, const char *rel, const char *word);
/* Whether it is remembered, as whatever. */
bool stamps_know(const struct stamps *t, const char *rel);
/* Remembers it as it is. */
void stamps_set(struct stamps *t, const char *rel, const char *word);
void stamps_forget(struct stamps *t, const char *rel);
int stamps_write(const struct stamps *t, struct err **err) warn_unused;
void stamps_release(struct stamps *t);
#define cleanup_stamps __attribute__((cleanup(stamps_release)))
