/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What the verbs of `orch cache` share (cmd_cache.c). */
#include "cli/session.h"
#include "cli/task.h"
#include "remote/share.h"

struct cache {
	struct cli *cli;
	struct session *s;
	struct remote_config config;
	struct share *share;
	struct task task;
	uint64_t moved;                           /* bytes, of what the task line tells */
	size_t cached, done, known, left, failed; /* nodes, see the verb */
	size_t unseen;                            /* nodes whose bytes a farm alone has */
	size_t downloads;
};

/*
 * Opens the caches of the user's configuration. Reading them is asked for by the command itself, so
 * mode: off does not stop it; WRITE: the key of `sign:` is read, too.
 */
int cache_open(struct cache *c, bool write, struct err **err) warn_unused;
/* Says TEXT on stderr, whatever the task line shows. */
void cache_warn(struct cache *c, const char *text);
/* What N had last, as what may have parts of what it has now; in the session's arena. */
int cache_near(struct cache *c, const struct node *n, const struct artifact **ret,
	       size_t *ret_count, struct err **err) warn_unused;
/* Brings what the caches have of the wanted nodes into the store; ONLY_TARGETS: their outputs. */
int cache_pull(struct cache *c, bool only_targets, struct err **err) warn_unused;
