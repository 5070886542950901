/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The messages of the REAPI that all transports carry (reapi.proto), made of and read into ours.
 */
#include "remote/parts.h"
#include "remote/result.h"

/* R with its record's text as a message ActionResult, appended to RET. */
void reapi_result_pack(const struct result *r, const struct str *text, struct str *ret);

struct reapi_result;
/* NULL: it is not such a message, or one of a failed action. */
struct reapi_result *reapi_result_open(const void *message, size_t len);
void reapi_result_free(struct reapi_result *m);
static inline void reapi_result_freep(struct reapi_result **m)
{
	reapi_result_free(*m);
}
#define cleanup_reapi_result __attribute__((cleanup(reapi_result_freep)))
/* The record in it, LEN bytes; NULL: none. As long as M. */
const char *reapi_result_text(const struct reapi_result *m);
size_t reapi_result_len(const struct reapi_result *m);
/* Fills the trees of R's outputs that are in parts, in ARENA. 0, or 1 when one has none. */
int reapi_result_trees(const struct reapi_result *m, struct arena *arena, struct result *r);
/*
 * All blobs that a message names directly (no record of ours is needed), in ARENA: files, trees,
 * log. 0, or 1 when it cannot be read.
 */
int reapi_result_blobs(const void *message, size_t len, struct arena *arena,
		       struct result_blob **ret, size_t *ret_count);

/* The trees among them. */
int reapi_result_trees_all(const void *message, size_t len, struct arena *arena,
			   struct result_blob **ret, size_t *ret_count);

/*
 * The Directory with a map and its parts, each once, as `map` and by their digests; appended to
 * RET.
 */
void reapi_directory_pack(const struct result_blob *map, const struct part *parts, size_t count,
			  struct str *ret);
/* The Directory of the volumes "000", "001", ... */
void reapi_volumes_pack(const struct result_blob *directories, size_t count, struct str *ret);
/* The Tree of the packed DIRECTORY, appended to RET. */
void reapi_tree_pack(const struct str *directory, struct str *ret);
/* What the map in a Tree is called: 0, or 1 when there is none. */
int reapi_tree_map(const void *tree, size_t len, struct result_blob *ret);
/* All files of a Tree, in ARENA. 0 or 1. */
int reapi_tree_files(const void *tree, size_t len, struct arena *arena, struct result_blob **ret,
		     size_t *ret_count);
/* The digest of the Directory in a Tree, as its bytes stand there. 0 or 1. */
int reapi_tree_directory(const void *tree, size_t len, struct digest *ret);
