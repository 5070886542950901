/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/grpc_message.h"

#include <ctype.h>

#define TEXT_MAX 2048

const char *grpc_status_name(enum grpc_status status)
{
	static const char *const names[] = {
		"OK",
		"CANCELLED",
		"UNKNOWN",
		"INVALID_ARGUMENT",
		"DEADLINE_EXCEEDED",
		"NOT_FOUND",
		"ALREADY_EXISTS",
		"PERMISSION_DENIED",
		"RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION",
		"ABORTED",
		"OUT_OF_RANGE",
		"UNIMPLEMENTED",
		"INTERNAL",
		"UNAVAILABLE",
		"DATA_LOSS",
		"UNAUTHENTICATED",
	};

	return (unsigned)status < array_len(names) ? names[status] : "UNKNOWN";
}

void grpc_prefix(unsigned char ret[GRPC_PREFIX], size_t len)
{
	ret[0] = 0;
	for (int i = 0; i < 4; i++)
		ret[1 + i] = (unsigned char)(len >> (24 - 8 * i));
}

static size_t prefix_len(const unsigned char *p)
{
	return (size_t)p[1] << 24 | (size_t)p[2] << 16 | (size_t)p[3] << 8 | p[4];
}

/* The next message of DATA. Its bytes with the prefix; 0: not all there; or -1. */
static ssize_t one_message(struct grpc_reader *r, const unsigned char *data, size_t len, int *ret,
			   const char **ret_why)
{
	size_t size;

	if (len < GRPC_PREFIX)
		return 0;
	size = prefix_len(data);
	if (data[0] || size > r->max) {
		*ret = GRPC_READ_WRONG;
		*ret_why = data[0] ? "a compressed message, which nobody asked for"
				   : "a message that is larger than it can be";
		return -1;
	}
	if (len - GRPC_PREFIX < size)
		return 0;
	if (r->on_message(r->arg, data + GRPC_PREFIX, size)) {
		*ret = GRPC_READ_STOPPED;
		return -1;
	}
	return (ssize_t)(GRPC_PREFIX + size);
}

static int all_messages(struct grpc_reader *r, const unsigned char *data, size_t len,
			size_t *ret_used, const char **ret_why)
{
	int rc = 0;
	ssize_t n;

	*ret_used = 0;
	while ((n = one_message(r, data + *ret_used, len - *ret_used, &rc, ret_why)) > 0)
		*ret_used += (size_t)n;
	return rc;
}

int grpc_reader_feed(struct grpc_reader *r, const void *data, size_t len, const char **ret_why)
{
	size_t used;
	int rc;

	str_append_len(&r->buf, data, len);
	rc = all_messages(r, (const unsigned char *)r->buf.buf, r->buf.len, &used, ret_why);
	if (used) {
		r->buf.len -= used;
		memmove(r->buf.buf, r->buf.buf + used, r->buf.len + 1);
	}
	return rc;
}

bool grpc_reader_amid(const struct grpc_reader *r)
{
	return r->buf.len > 0;
}

void grpc_reader_release(struct grpc_reader *r)
{
	str_release(&r->buf);
}

enum grpc_status grpc_status_parse(const unsigned char *value, size_t len)
{
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		if (!isdigit(value[i]) || n > GRPC_UNAUTHENTICATED)
			return GRPC_UNKNOWN;
		n = 10 * n + value[i] - '0';
	}
	return len && n <= GRPC_UNAUTHENTICATED ? (enum grpc_status)n : GRPC_UNKNOWN;
}

static int hex_value(unsigned char c)
{
	if (isdigit(c))
		return c - '0';
	return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

char *grpc_text_parse(const unsigned char *value, size_t len)
{
	struct str raw cleanup_str = STR_INIT, shown = STR_INIT;

	for (size_t i = 0; i < len && raw.len < TEXT_MAX; i++) {
		int high = value[i] == '%' && i + 2 < len ? hex_value(value[i + 1]) : -1;
		int low = high < 0 ? -1 : hex_value(value[i + 2]);

		str_append_char(&raw, low < 0 ? (char)value[i] : (char)(16 * high + low));
		i += low < 0 ? 0 : 2;
	}
	str_escape(&shown, raw.buf, raw.len);
	return str_steal(&shown);
}

enum grpc_status grpc_status_of_http(int http)
{
	switch (http) {
	case 401:
		return GRPC_UNAUTHENTICATED;
	case 403:
	case 407:
		return GRPC_PERMISSION_DENIED;
	case 404:
		return GRPC_UNIMPLEMENTED;
	case 413:
	case 507:
		return GRPC_RESOURCE_EXHAUSTED;
	case 429:
	case 502:
	case 503:
	case 504:
		return GRPC_UNAVAILABLE;
	default:
		return GRPC_UNKNOWN;
	}
}
