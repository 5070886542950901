/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server of gRPC says: messages, in pieces of any size, and its words at the end. */
#include "fuzz.h"
#include "remote/grpc_message.h"

#define MESSAGE_MAX 1000

static int take(void *arg, const void *data, size_t len)
{
	size_t *sum = arg;

	assert(len <= MESSAGE_MAX);
	*sum += len;
	return len == 13;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t sum = 0, step = size ? data[0] % 17 + 1 : 1;
	struct grpc_reader r = {
		.buf = STR_INIT, .max = MESSAGE_MAX, .on_message = take, .arg = &sum};
	char *text cleanup_free = grpc_text_parse(data, size);
	const char *why = NULL;
	int rc = 0;

	assert(!strchr(text, '\n'));
	assert(grpc_status_parse(data, size) <= GRPC_UNAUTHENTICATED);
	for (size_t at = 1; at < size && !rc; at += step)
		rc = grpc_reader_feed(&r, data + at, size - at < step ? size - at : step, &why);
	assert(sum <= size && (rc != GRPC_READ_WRONG || why));
	assert(rc || r.buf.len < MESSAGE_MAX + GRPC_PREFIX);
	grpc_reader_release(&r);
	return 0;
}
