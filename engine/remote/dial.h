/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A byte stream to a server: TCP, through the machine's proxy where it has one, then TLS. Nothing
 * here waits: dial_step() is called again when the descriptor is ready, and gives up DIAL_MS after
 * dial_new(). The only place that knows libssl.
 *
 * Proxies are those of the environment (https_proxy, for streams without TLS http_proxy; no_proxy),
 * asked by CONNECT; never for this machine itself.
 */
#include <poll.h>
#include <stdbool.h>

#include "base/err.h"

#define DIAL_MS 5000

struct dial_opts {
	const char *host, *port;
	bool tls;       /* with ALPN: the server has to say "h2" */
	const char *ca; /* PEM file: who may sign its certificate; NULL: the machine's */
	const char *cert, *cert_key; /* PEM files of the client; NULL: none; the key in the same */
};

struct dial;
/* Everything in OPTS is the caller's and lives longer. */
struct dial *dial_new(const struct dial_opts *opts);
void dial_free(struct dial *d);
/*
 * 0: it stands; 1: not yet; -1 with E_REMOTE_UNREACHABLE, in words for whoever set it up, and
 * *RET_LASTING when another try would end the same (certificates).
 */
int dial_step(struct dial *d, bool *ret_lasting, struct err **err) warn_unused;
/* What it waits for, and for at most how many milliseconds. */
void dial_wait(const struct dial *d, struct pollfd *ret, int *ret_ms);
/* As read(2) and write(2), without signals; EAGAIN: later. 0 of a read: the server has ended it. */
ssize_t dial_read(struct dial *d, void *buf, size_t len);
ssize_t dial_write(struct dial *d, const void *data, size_t len);
/* Bytes are there that poll(2) does not know of. */
bool dial_pending(const struct dial *d);
/* What TLS said when a read or write failed; NULL: nothing. */
const char *dial_why(const struct dial *d);
/* Whether that would happen again (certificates). */
bool dial_is_lasting(const struct dial *d);
/* Bytes that the peer's machine has not taken yet. */
size_t dial_unsent(const struct dial *d);

/* "Basic <base64 of TEXT>"; caller frees. */
char *dial_basic(const char *text);
/* Whether HOST is this machine: localhost, 127.0.0.0/8, ::1. */
bool dial_is_local(const char *host);

/* ---- for tests ---- */

/* Whether LIST, the form of no_proxy, has HOST: names, .domains, *, with commas between. */
bool dial_spared(const char *list, const char *host);
