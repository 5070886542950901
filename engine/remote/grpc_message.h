/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What gRPC adds to HTTP/2: messages in a stream of bytes, each after five bytes (one that says
 * whether it is compressed, four of its length), and two headers at the end.
 */
#include "base/str.h"

#define GRPC_PREFIX 5

/* What a server says of a call; the numbers are gRPC's. */
enum grpc_status {
	GRPC_OK,
	GRPC_CANCELLED,
	GRPC_UNKNOWN,
	GRPC_INVALID_ARGUMENT,
	GRPC_DEADLINE_EXCEEDED,
	GRPC_NOT_FOUND,
	GRPC_ALREADY_EXISTS,
	GRPC_PERMISSION_DENIED,
	GRPC_RESOURCE_EXHAUSTED,
	GRPC_FAILED_PRECONDITION,
	GRPC_ABORTED,
	GRPC_OUT_OF_RANGE,
	GRPC_UNIMPLEMENTED,
	GRPC_INTERNAL,
	GRPC_UNAVAILABLE,
	GRPC_DATA_LOSS,
	GRPC_UNAUTHENTICATED,
};
/* "NOT_FOUND"; "UNKNOWN" for what is none. */
const char *grpc_status_name(enum grpc_status status);

void grpc_prefix(unsigned char ret[GRPC_PREFIX], size_t len);

/* Non-zero ends the stream. */
typedef int grpc_message_fn(void *arg, const void *data, size_t len);

struct grpc_reader {
	struct str buf;
	size_t max; /* no message may be longer: looked at before memory is taken */
	grpc_message_fn *on_message;
	void *arg;
};
#define GRPC_READ_STOPPED 1
#define GRPC_READ_WRONG 2 /* *ret_why is set */
/* The next LEN bytes. 0, or one of the above, after which nothing more may be fed. */
int grpc_reader_feed(struct grpc_reader *r, const void *data, size_t len, const char **ret_why);
/* Whether a message has begun that has no end. */
bool grpc_reader_amid(const struct grpc_reader *r);
void grpc_reader_release(struct grpc_reader *r);

/* The value of header grpc-status, not NUL-terminated. */
enum grpc_status grpc_status_parse(const unsigned char *value, size_t len);
/* The value of header grpc-message: %XX undone, one line fit for a terminal, cut; caller frees. */
char *grpc_text_parse(const unsigned char *value, size_t len);
/* What the status of an HTTP answer without grpc-status means. */
enum grpc_status grpc_status_of_http(int http);
