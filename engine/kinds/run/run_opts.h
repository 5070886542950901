/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind run. */
#include "recipe/schema.h"

struct run_opts {
	struct ref *root, *emulator;
	struct list inputs;  /* of struct ref * */
	struct list steps;   /* of struct step * */
	struct list env;     /* of struct pair * */
	struct list outputs; /* of const char * */
	struct list tools;   /* of const char * */
	const char *cache;   /* build_cache.h; NULL: none */
	int64_t cpus, memory, scratch, timeout;
	bool nested;
	bool as_root;         /* no key of kind run: see machine/sandbox/sandbox.h */
	int share;            /* run_shared() */
	struct list platform; /* of struct pair * */
};

/* The hook `shared` of the kind. */
bool run_shared(const void *opts);
/* Whether the steps run with this machine's programs (root: host). */
bool run_on_host(const struct run_opts *o);
