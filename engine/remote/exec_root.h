/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The directory in which an executor runs a command: what is in it, as blobs and as the messages
 * Directory that name them.
 */
#include "base/vec.h"
#include "remote/left.h"
#include "remote/transport.h"
#include "store/store.h"

enum root_type {
	ROOT_FILE,     /* a file that travels as it is */
	ROOT_ARTIFACT, /* an output of a node: a large one becomes PATH.parts/ (parts.h) */
	ROOT_TEXT,     /* .text */
	ROOT_LINK,     /* a symbolic link to .text */
	ROOT_FOLDER,   /* an empty directory; those above others need not be listed */
};
struct root_entry {
	enum root_type type;
	const char *path;        /* in the directory */
	const char *source;      /* absolute */
	struct digest digest;    /* FILE: SHA-256; ARTIFACT: its identity */
	enum output_type output; /* of an ARTIFACT */
	const char *text;
	bool executable;
	/* ARTIFACT: the executor keeps it, and SOURCE is not here; TEXT says of what node it is */
	const struct left_output *left;
};
DEFINE_VEC(root_entries, struct root_entry)

struct exec_root;
/* Reads the artifacts of ENTRIES, which live as long, to cut them. exec_root_free() frees it. */
int exec_root_new(const struct root_entries *entries, struct exec_root **ret,
		  struct err **err) warn_unused;
void exec_root_free(struct exec_root *r);
/* Adds a blob that is sent along; DATA is copied. *RET: what it is called. */
void exec_root_add(struct exec_root *r, const struct str *data, struct remote_blob *ret);
/* The Directory of all of it. */
const struct remote_blob *exec_root_top(const struct exec_root *r);
/*
 * Sends what the place has not. *RET_BYTES: how much that was. E_REMOTE_REFUSED: something that it
 * should keep is no longer there.
 */
int exec_root_upload(struct exec_root *r, struct transport *t, uint64_t *ret_bytes,
		     struct err **err) warn_unused;
