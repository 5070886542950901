/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * TLS on a connected socket, for dial.c alone. Nothing here waits or raises SIGPIPE.
 */
#include "remote/dial.h"

struct tls;
/* FD stays the caller's. NULL: a file of OPTS cannot be used, E_REMOTE_UNREACHABLE. */
struct tls *tls_new(const struct dial_opts *opts, int fd, struct err **err);
void tls_free(struct tls *t);
/* 0: done; 1: *RET_WAITS has the poll events to wait for; -1: tls_why(). */
int tls_shake(struct tls *t, short *ret_waits);
/* As dial_read() and dial_write(). */
ssize_t tls_read(struct tls *t, void *buf, size_t len);
ssize_t tls_write(struct tls *t, const void *data, size_t len);
bool tls_pending(const struct tls *t);
/* The first thing that failed, in words; NULL: nothing. */
const char *tls_why(const struct tls *t);
/* Another try would fail the same: it is about certificates or the protocol. */
bool tls_is_lasting(const struct tls *t);
