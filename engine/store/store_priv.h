/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What an open store is made of, for store.c and history.c. */
#include "base/map.h"
#include "store/state.h"
#include "store/statcache.h"

struct store {
	char *dir, *tmp;
	char *warning;
	int lock; /* flock, held until store_close */
	struct state *state;
	bool rescued; /* once per process */
	struct statcache *cache;
	bool cache_loaded;
	struct arena *arena;
	struct map durations; /* node -> double */
	bool durations_loaded;
	struct map subdirs; /* name -> path */
};

/*
 * After a failed call: whether the database was damaged and has been replaced, so that the call can
 * be made again. Only while no other process uses the store.
 */
bool store_heal(struct store *s, struct err **err);
/* 0, or ERR_STORE: after a rescue that failed there is no database. */
int store_ready(const struct store *s, struct err **err) warn_unused;
/* Writes what the file-stat cache learned; failing only costs time later. */
void store_flush_cache(struct store *s);
