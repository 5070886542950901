/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Between the files of base/http.h: http.c, which talks to libcurl, and http_source.c, which says
 * which source of an item is tried next and how long it may take. And what http_request.c has of
 * http.c.
 */

#include "base/http.h"
#include "base/map.h"

#define HTTP_TEXT_SIZE 256 /* CURL_ERROR_SIZE */
#define DEFAULT_PARALLEL 4

enum transfer_state { TRANSFER_WAITING, TRANSFER_RUNNING, TRANSFER_DONE };

struct transfer {
	struct http_item *item;
	struct fetch *fetch;
	enum transfer_state state;
	unsigned rounds; /* over all sources that are left */
	size_t source;   /* the one that is tried */
	/* Of this try, or if 'moved' of the next: the source, or where it redirects. */
	struct http_source at;
	bool moved;
	unsigned hops;       /* that this source has redirected */
	bool *given_up;      /* by source: not to be tried again */
	char **failed;       /* by source: what its last try ended with; NULL: not tried */
	bool refused;        /* one had other bytes */
	bool all_gone;       /* every answer was that there is no such file */
	uint64_t not_before; /* milliseconds, monotonic */
	void *easy;          /* CURL */
	int fd;
	char *part;
	struct hasher *hasher;
	uint64_t got;                  /* bytes of this try */
	uint64_t started_ms, moved_ms; /* this try; its last bytes */
	uint64_t silent_ms;            /* of all tries that failed */
	uint64_t timeout_ms;           /* of this try */
	char text[HTTP_TEXT_SIZE];
	long status;     /* of HTTP, of this try; 0: none */
	bool named;      /* this try said who we are */
	bool too_large;  /* of the body callback */
	struct err *err; /* of the body callback: disk full */
};

/* What a server was told, or is to be. */
struct http_login {
	const char *user, *password; /* NULL: nobody knows */
	const char *why;             /* they could not be asked; or NULL */
};

struct fetch {
	const struct http_opts *opts;
	void *multi; /* CURLM */
	struct transfer *transfers;
	size_t count;
	struct arena *arena;
	struct map down;   /* servers that could not be reached: not asked while there are others */
	struct map logins; /* struct http_login by server: what was asked for */
	unsigned running;
	uint64_t done_bytes, total_bytes;
};

static inline const struct http_source *source_of(const struct transfer *t)
{
	return &t->item->sources[t->source];
}

static inline unsigned parallel_of(const struct fetch *f)
{
	return f->opts->parallel ? f->opts->parallel : DEFAULT_PARALLEL;
}

/* Forgets the current try; a partial file never stays. */
void transfer_reset(struct transfer *t);
/* What the next try may wait for the first byte, and between two; milliseconds. */
uint64_t transfer_try_ms(const struct transfer *t);
/* What is left of the time in which nothing may come; milliseconds. */
uint64_t transfer_patience_ms(const struct transfer *t);
/*
 * How long this try, which failed, has waited for nothing; or, when it is libcurl that gave it up
 * (TIMEOUT), for next to nothing. Milliseconds.
 */
uint64_t transfer_silence_ms(const struct transfer *t, bool timeout);
/* Gives up a source that sends too slowly. */
int transfer_check_pace(struct transfer *t, struct err **err) warn_unused;
/* "scheme://host:port" of URL. */
const char *transfer_server(const struct transfer *t, const char *url);
/* The server of the current source cannot be reached: others are asked first from now on. */
void transfer_server_down(struct transfer *t);
/* The current source has failed, for good or for now: to the next one, or into the next round. */
int transfer_source_failed(struct transfer *t, const char *why, bool for_good,
			   struct err **err) warn_unused;
/* It has other bytes than it should. */
int transfer_source_refused(struct transfer *t, const char *why, struct err **err) warn_unused;

/* ---- for whoever talks to libcurl; CODE is its ---- */

/* Starts it, once. */
int http_init(struct err **err) warn_unused;
/* Proxy and TLS of a CURL. */
void http_set_access(void *easy, const struct http_access *a);
/* Whether another try may end in another way, and whether it never came to a connection. */
bool http_may_retry(int code);
bool http_not_reached(int code);
