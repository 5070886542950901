/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a farm made and keeps. Of a record whose outputs are shared (store.h) a file STORE/left/KEY
 * says where their bytes are; who had the node made writes it, before the record is:
 *
 *	orch-left 1
 *	place "grpc://build.example:8980"
 *	output "root.img" image <sha256> <size> <allocated>        in the order of the node's
 *	tree <bytes>
 *	...          the REAPI Tree of the action's `out`, laid out as run/detached.h says
 *
 * So an input of the farm's next node is named without its bytes (exec_root.h), and they are
 * fetched as those of a shared cache (share_fetch()). Identities are what the worker told: nobody
 * here has hashed the bytes. Whoever fetches them does, and so does a worker that gets them as an
 * input.
 */
#include "remote/result.h"

/* A directory of parts, as it stands in the Tree. */
struct left_volume {
	const char *packed; /* the message Directory, LEN bytes */
	size_t len;
	struct result_blob *files; /* all of it: the parts and, last, the map */
	size_t file_count;
};
struct left_output {
	struct result_output result; /* RESULT_BLOB, or RESULT_PARTS with maps */
	struct left_volume *volumes; /* result.tree_count */
};
/* Everything lives in the arena it was made in. */
struct left {
	const char *place; /* URL of the executor */
	struct left_output *outputs;
	size_t output_count;
};

/* Whether there is such a file, and the place in it, in ARENA: 0 or 1. Does not read the Tree. */
int left_place(const char *store_dir, const struct digest *key, struct arena *arena,
	       const char **ret);
/*
 * Writes it for OUTPUTS, as the worker told them; TREE is the farm's. E_REMOTE_DAMAGED when that
 * has not all of them, or a small one, which is named by its bytes, with others than were told.
 */
int left_save(const char *store_dir, const struct digest *key, const char *place,
	      const struct artifact *outputs, size_t count, const struct str *tree,
	      struct err **err) warn_unused;
/* 0; 1 there is none that can be read. */
int left_load(const char *store_dir, const struct digest *key, struct arena *arena,
	      struct left *ret);
/* The text of such a file. E_REMOTE_DAMAGED. */
int left_parse(const char *text, size_t len, struct arena *arena, struct left *ret,
	       struct err **err) warn_unused;
/* The output of L that is A, by name and digest, or NULL. */
const struct left_output *left_find(const struct left *l, const struct artifact *a);
