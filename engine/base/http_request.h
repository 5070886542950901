/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Small HTTP requests, many at once, over connections that stay open: bodies are in memory. Each is
 * tried once; who asks looks at `status`. A server has 5 s to answer a connection, and 30 s may
 * pass without a byte; nothing else has a limit of time. Servers' certificates are looked at as
 * http.h says.
 */
#include "base/http.h"

struct http_request {
	const char *method; /* "GET", "HEAD" or "PUT" */
	const char *url;    /* http or https */
	const void *body;   /* of PUT: BODY_LEN bytes, the caller's */
	size_t body_len;
	size_t max; /* bytes that the answer may have: with more it ends as damaged */
	/* Called as soon as it has ended with 2xx, while others are under way; or NULL. */
	void (*came)(struct http_request *r);
	void *arg; /* the caller's */
	/* Results, of http_client_run(). */
	long status;       /* of HTTP; 0: none came, and `why` says why */
	struct str answer; /* the body, empty at first; or the beginning of it */
	uint64_t length;   /* that HEAD says the body has; UINT64_MAX: it does not say */
	char *why;         /* heap */
	bool lasting;      /* it would fail again: certificates, a URL that is none */
	bool too_large;
	/* Tries in a row that were answered with 2xx and ended too early, after CUT_AT bytes. */
	unsigned cuts;
	size_t cut_at;
};
/* Frees results. */
void http_request_release(struct http_request *r);

struct http_signing {
	const char *region, *key_id, *secret; /* AWS Signature Version 4, for s3 */
	const char *session;                  /* or NULL */
};
struct http_client_opts {
	const struct http_access *access;   /* NULL: zero; no `ask`, `elsewhere` or limits */
	const char *bearer;                 /* token; NULL: none */
	const struct http_signing *signing; /* NULL: not signed */
	bool netrc;                         /* without any of these: who ~/.netrc says we are */
	unsigned parallel;                  /* requests at once */
};
struct http_client;
/* Everything in OPTS is the caller's and lives longer. */
int http_client_new(const struct http_client_opts *opts, struct http_client **ret,
		    struct err **err) warn_unused;
void http_client_free(struct http_client *c);
/*
 * Does the requests that have no status yet and are not `lasting`. When the server cannot be
 * reached, those that had not begun end with the same words.
 */
void http_client_run(struct http_client *c, struct http_request *requests, size_t count);
