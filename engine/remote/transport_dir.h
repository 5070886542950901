/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A directory as a shared cache, file:///DIR?size=2G: on a disk, on NFS, in what a CI keeps from
 * job to job.
 *
 *	DIR/ac/<key>        results
 *	DIR/cas/<sha256>    blobs
 *	DIR/tmp/            what is being written; each file gets its name when it is whole
 *
 * The same names as over HTTP: a web server can give the directory out as it is. Any number of
 * processes and machines may use it at once. After a crash of the machine a file may lack its
 * bytes; it has another size then, or is found out by its digest, and is put again.
 *
 * With `size`, whoever has written removes what was not used for the longest time: results, the
 * oldest first, then the blobs that no other result names. A result is never left without bytes.
 */
#include "remote/transport.h"

extern const struct transport_type transport_dir;

struct dir_usage {
	uint64_t results, blobs, bytes; /* bytes: of all files */
};
struct dir_pruned {
	struct dir_usage removed, left;
};
/* What the directory of URL holds. */
int transport_dir_usage(const char *url, struct dir_usage *ret, struct err **err) warn_unused;
/*
 * Removes until at most SIZE bytes are left, and what no result names and nobody has put in the
 * last hour. DRY_RUN: only says what would go. 1: URL is not a directory's.
 */
int transport_dir_prune(const char *url, uint64_t size, bool dry_run, struct dir_pruned *ret,
			struct err **err) warn_unused;
/* The directory that URL names, and its limit (0: none); heap. 1: it is not one's, -1. */
int transport_dir_url(const char *url, char **ret_dir, uint64_t *ret_size,
		      struct err **err) warn_unused;
