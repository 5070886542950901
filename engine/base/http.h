/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Fetching, the only place that knows libcurl. A download is verified while it is written and only
 * a complete file with the right digest ever gets its final name. Servers have limits of time:
 * nothing may come for 60 s (or timeout_s, if that is more) in all tries of an item together, and
 * what comes must be 16 KiB/s (or .pace) on average from the 30th second on (or half of its part of
 * bytes_per_second, if that is less). A file: is a regular one. Which digest something has instead
 * of the right one is told of what others can read, too: not of files, and not of what has a
 * loopback or link-local address.
 */
#include "base/digest.h"
#include "base/err.h"

/* How a server is reached. All zero: as libcurl does by itself. */
struct http_access {
	const char *proxy;   /* URL; "": none; NULL: by the environment */
	const char *ca_file; /* PEM: who may sign servers' certificates; NULL: the machine's */
	const char *crl_file;
	const char *client_cert;
	const char *client_key;      /* NULL: it is in the file of the certificate */
	bool any_peer, any_host;     /* whoever signed its certificate, whatever host that names */
	const char *user, *password; /* for the source's own host, not for one it redirects to */
	/*
	 * Without USER: asked once for each server that answers 401. 0 with both, which live as
	 * long as the fetch, 1 when nobody knows them. NULL: nobody is asked.
	 */
	int (*ask)(void *ask_arg, const char *url, const char **ret_user, const char **ret_password,
		   struct err **err);
	void *ask_arg;
	/*
	 * How URL is reached, to which this server redirects; lives as long as the fetch. Another
	 * server's USER is his own; the same server is told what it was told before where there is
	 * none. May return NULL: it cannot be reached. Without it libcurl follows, as it is told to
	 * reach this one, but with no USER for another server.
	 */
	const struct http_access *(*elsewhere)(void *elsewhere_arg, const char *url);
	void *elsewhere_arg;
	unsigned timeout_s;        /* to connect, and of silence, of a try; 0: 30 */
	uint64_t bytes_per_second; /* 0: no limit */
};

struct http_source {
	const char *url;                  /* http, https or file; no secret in it is ever shown */
	const struct http_access *access; /* NULL: zero */
};

struct http_item {
	const struct http_source *sources; /* of the same file, tried in order */
	size_t source_count;               /* at least 1 */
	const char *dest;                  /* final path; DEST.part while it is loaded */
	uint64_t size;                     /* exact size in bytes, or 0: unknown */
	uint64_t max_size;           /* refuse more than this many bytes; 0: SIZE, else 4 GiB */
	const struct digest *sha256; /* NULL: not checked (index files that carry a signature) */
	const char *name;            /* for messages: "package 'rauc' 1.13-1" */
	bool gone;                   /* result: all sources say that there is no such file */
};

struct http_opts {
	unsigned parallel; /* transfers at once; 0: 4 */
	uint64_t pace;     /* bytes per second, on average, that are enough; 0: 16 KiB */
	uint64_t max_size; /* refuse larger items, whatever they say themselves; 0: none */
	void (*progress)(void *arg, uint64_t done,
			 uint64_t total); /* bytes over all items; may be NULL */
	/* A source was given up and the next is tried; may be NULL. */
	void (*passed_over)(void *arg, const char *name, const char *why);
	void *arg;
};

/*
 * Loads all items. What may pass (ERR_NET) is tried again, in rounds over the sources that are
 * left, with growing pauses; a source with the wrong bytes is not. On failure the error of the
 * first failing item says what each source answered: ERR_INTEGRITY if one had other bytes, else
 * ERR_NET. Complete files of others stay.
 */
int http_fetch(struct http_item *items, size_t count, const struct http_opts *opts,
	       struct err **err) warn_unused;
