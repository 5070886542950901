/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Asks shared caches about single nodes, one after the other, for commands that build nothing:
 * `--remote` of plan and why.
 */
#include "cli/session.h"

struct remote_ask;
/* E_REMOTE_URL when no cache is configured. */
int remote_ask_open(struct session *s, struct remote_ask **ret, struct err **err) warn_unused;
void remote_ask_close(struct remote_ask *a);
/* A plan_ask_fn; ARG is a struct remote_ask. That nobody answers is said once, on stderr. */
int remote_ask_node(void *arg, struct graph *g, struct node *n, uint64_t *ret_bytes,
		    const char **ret_by);
/* Whether they have a result under KEY, of a node with N's outputs. */
bool remote_ask_key(struct remote_ask *a, const struct node *n, const struct record *old);
