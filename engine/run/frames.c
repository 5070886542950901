/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames on a stream of bytes; proto.c has what is in them. */
#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "base/file.h"
#include "run/proto.h"

static const struct {
	const char *name;
	size_t max;
} types[] = {
	[FRAME_JOB] = {"JOB", FRAME_JOB_MAX},
	[FRAME_PROGRESS] = {"PROGRESS", FRAME_PROGRESS_MAX},
	[FRAME_ABORT] = {"ABORT", FRAME_ABORT_MAX},
	[FRAME_OUTPUT] = {"OUTPUT", FRAME_OUTPUT_MAX},
	[FRAME_RESULT] = {"RESULT", FRAME_RESULT_MAX},
	[FRAME_HASHED] = {"HASHED", FRAME_HASHED_MAX},
	[FRAME_DAMAGED] = {"DAMAGED", FRAME_DAMAGED_MAX},
	[FRAME_WARNING] = {"WARNING", FRAME_WARNING_MAX},
	[FRAME_MISUSED] = {"MISUSED", FRAME_MISUSED_MAX},
	[FRAME_OUTSIDE] = {"OUTSIDE", FRAME_OUTSIDE_MAX},
};

const char *frame_name(enum frame_type type)
{
	return types[type].name;
}

int frames_read(struct frames *f, int fd, struct err **err)
{
	ssize_t n;

	do
		n = read(fd, str_reserve(&f->in, 65536), 65536);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0 && errno == ECONNRESET)
		return 1;
	if (n < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot read from a worker");
	if (n == 0)
		return 1;
	f->in.len += (size_t)n;
	f->in.buf[f->in.len] = 0;
	return 0;
}

void frames_feed(struct frames *f, const void *data, size_t len)
{
	str_append_len(&f->in, data, len);
}

/* Forgets what was handed out, once it is worth moving the rest. */
static void compact(struct frames *f)
{
	if (f->used < f->in.len && f->used < 65536)
		return;
	memmove(f->in.buf, f->in.buf + f->used, f->in.len - f->used);
	f->in.len -= f->used;
	f->used = 0;
}

int frames_next(struct frames *f, struct frame *ret, struct err **err)
{
	const unsigned char *h;
	size_t len, type;

	if (f->used)
		compact(f);
	if (f->in.len - f->used < FRAME_HEADER)
		return 1;
	h = (const unsigned char *)f->in.buf + f->used;
	type = h[2];
	len = h[4] | (size_t)h[5] << 8 | (size_t)h[6] << 16 | (size_t)h[7] << 24;
	if (h[0] != 'o' || h[1] != 'f' || h[3] != 0 || type < FRAME_JOB || type >= array_len(types))
		return err_set(err, E_INTERNAL, "a worker frame is malformed");
	if (len > types[type].max)
		return err_set(err, E_INTERNAL, "a %s frame of %zu bytes is over its limit",
			       types[type].name, len);
	if (f->in.len - f->used - FRAME_HEADER < len)
		return 1;
	ret->type = (enum frame_type)type;
	ret->data = f->in.buf + f->used + FRAME_HEADER;
	ret->len = len;
	f->used += FRAME_HEADER + len;
	return 0;
}

void frames_release(struct frames *f)
{
	str_release(&f->in);
	f->used = 0;
}

bool frame_fits(enum frame_type type, size_t len)
{
	return len <= types[type].max;
}

void frame_put(struct str *out, enum frame_type type, const struct str *payload)
{
	size_t n = payload->len;
	const char header[FRAME_HEADER] = {'o',
					   'f',
					   (char)type,
					   0,
					   (char)(n & 0xff),
					   (char)(n >> 8 & 0xff),
					   (char)(n >> 16 & 0xff),
					   (char)(n >> 24 & 0xff)};

	assert(frame_fits(type, n));
	str_append_len(out, header, sizeof(header));
	str_append_len(out, payload->buf, n);
}

int frame_flush(struct str *out, int fd, struct err **err)
{
	size_t done = 0;
	int rc = 0;

	while (done < out->len) {
		ssize_t n = send(fd, out->buf + done, out->len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			rc = errno == EPIPE || errno == ECONNRESET ? 1 : -1;
			if (rc < 0)
				err_errno(err, E_INTERNAL, errno, "cannot write to a worker");
			break;
		}
		done += (size_t)n;
	}
	memmove(out->buf, out->buf + done, out->len - done);
	out->len -= done;
	return rc;
}
