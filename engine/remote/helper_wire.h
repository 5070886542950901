/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What orch and its helper say to each other: packets of lines, see helper.h. */
#include "remote/helper.h"

#define HELPER_PACKET_MAX (160u * 1024)
/* Longer texts are cut. */
#define HELPER_TEXT_MAX 2000u
#define HELPER_GREETING "orch-helper "
/* Processes that serve. */
#define HELPER_LANES 8
/* Questions may travel together: with an empty line between them, and so many at most. */
#define HELPER_QUESTIONS_MAX 128u

enum helper_verb { HELPER_ASK, HELPER_FETCH, HELPER_PUSH };
#define HELPER_VERBS 3

struct helper_request {
	enum helper_verb verb;
	uint64_t id;
	struct digest key;
	size_t manifest_size;
	/* The outputs of the node (of a question, names and types alone), then what is near. */
	struct artifact *artifacts;
	size_t count, output_count;
	size_t output; /* fetch: which of them; push: 1 to repair it */
};

void helper_request_put(struct str *ret, const struct helper_request *q);
/* Everything lives in ARENA. E_INTERNAL. */
int helper_request_read(struct arena *arena, const char *data, size_t len,
			struct helper_request *ret, struct err **err) warn_unused;
void helper_reply_put(struct str *ret, const struct helper_reply *r);
int helper_reply_read(struct arena *arena, const char *data, size_t len, struct helper_reply *ret,
		      struct err **err) warn_unused;

/* Receives a packet into BUF of HELPER_PACKET_MAX + 1 bytes: its length; 0: gone; -1: errno. */
ssize_t helper_receive(int fd, char *buf);
/* Waits for room. 0, or -1 when the other side is gone. */
int helper_send(int fd, const struct str *packet);
