/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `cache: NAME`: a directory that the steps of a project's nodes keep from one run to the next, for
 * programs that know by themselves what of it is still good (ccache). It is in no key, and nothing
 * of it is a result. Several nodes may have it at once.
 */
#include "run/action.h"

#define BUILD_CACHE "/cache" /* inside */
/* Bytes that stay of one of them. */
#define BUILD_CACHE_SIZE (UINT64_C(5) << 30)

#define BUILD_CACHE_HELP                                                                      \
	"Name of a directory that the project's nodes of this name keep between runs, in no " \
	"key: /cache, which CCACHE_DIR and ORCH_CACHE_DIR name. 'orch repro' begins without it."

/* *RET: the directory NAME below A's caches_dir, in A's arena. */
int build_cache_open(struct action *a, const char *name, const char **ret,
		     struct err **err) warn_unused;
/* Appends what steps are told of it. */
void build_cache_env(struct strv *env);
/* Removes what was not used for the longest time, until it has SIZE bytes at most. */
void build_cache_trim(struct action *a, const char *dir, uint64_t size);
