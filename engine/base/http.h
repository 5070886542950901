/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Fetching, the only place that knows libcurl. A download is verified while it is written and only
 * a complete file with the right digest ever gets its final name.
 */
#include "base/digest.h"
#include "base/err.h"

struct http_item {
	const char *url;             /* http, https or file */
	const char *dest;            /* final path; DEST.part while it is loaded */
	uint64_t size;               /* exact size in bytes, or 0: unknown */
	uint64_t max_size;           /* refuse more than this many bytes; 0: SIZE, else 4 GiB */
	const struct digest *sha256; /* NULL: not checked (index files that carry a signature) */
	const char *name;            /* for messages: "package 'rauc' 1.13-1", not a host */
	long status;                 /* result: HTTP status, 404 for a file that is gone; 0: none */
};

struct http_opts {
	const char *proxy; /* NULL: from the environment, as libcurl does */
	unsigned parallel; /* transfers at once; 0: 4 */
	/* Bytes over all items; may be NULL. */
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};

/*
 * Loads all items, retrying what may be retried (ERR_NET) with growing pauses. On failure the
 * error of the first failing item is returned; complete files of others stay.
 */
int http_fetch(struct http_item *items, size_t count, const struct http_opts *opts,
	       struct err **err) warn_unused;
