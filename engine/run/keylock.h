/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One lock per key, so that two orch on one store do not build the same node twice: the second
 * waits and then finds the first one's record. A lock is a flock on STORE/locks/<key>; it dies with
 * its holder, whatever kills it. Nobody ever blocks on one: the scheduler tries again from time to
 * time while other nodes go on, so there is no order in which two could wait for each other.
 */
#include "store/store.h"

/* 0 and the descriptor in *ret_fd; 1 when another process holds it; -1. */
int keylock_try(struct store *s, const struct digest *key, int *ret_fd,
		struct err **err) warn_unused;
/* Removes the file and lets go; *FD becomes -1. */
void keylock_drop(struct store *s, const struct digest *key, int *fd);
/* Removes the files that killed holders left: once per run, also when nothing will be built. */
void keylock_sweep(struct store *s);
