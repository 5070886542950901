/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/logpipe.h"

#include <errno.h>

#include "base/file.h"

void logpipe_init(struct logpipe *l, int in, int out)
{
	*l = (struct logpipe){.in = in, .out = out, .head_max = LOG_HEAD};
}

/*
 * A log that cannot be written (disk full) must not fail the node in a confusing way: the node's
 * own writes meet the same disk and say so.
 */
static void put(struct logpipe *l, const char *data, size_t len)
{
	struct err *err cleanup_err = NULL;

	(void)!fd_write_all(l->out, "log", data, len, &err);
}

static void keep(struct logpipe *l, const char *data, size_t len)
{
	if (!l->tail)
		l->tail = xmalloc(LOG_TAIL);
	for (size_t done = 0; done < len;) {
		size_t at = (size_t)((l->seen - l->head_max + done) % LOG_TAIL);
		size_t n = LOG_TAIL - at < len - done ? LOG_TAIL - at : len - done;

		memcpy(l->tail + at, data + done, n);
		done += n;
	}
}

static void take(struct logpipe *l, const char *data, size_t len)
{
	uint64_t room = l->seen < l->head_max ? l->head_max - l->seen : 0;
	size_t head = len < room ? len : (size_t)room;

	put(l, data, head);
	l->seen += head;
	keep(l, data + head, len - head);
	l->seen += len - head;
}

int logpipe_pump(struct logpipe *l)
{
	char buf[65536];

	for (;;) {
		ssize_t n = read(l->in, buf, sizeof(buf));

		if (n > 0)
			take(l, buf, (size_t)n);
		else if (n == 0)
			return 1;
		else if (errno != EINTR)
			return errno == EAGAIN ? 0 : 1;
	}
}

void logpipe_finish(struct logpipe *l)
{
	uint64_t more = l->seen > l->head_max ? l->seen - l->head_max : 0;
	size_t at;

	if (more > LOG_TAIL) {
		char *line cleanup_free =
			xasprintf("\n[%ju bytes left out here]\n", (uintmax_t)(more - LOG_TAIL));

		put(l, line, strlen(line));
		at = (size_t)(more % LOG_TAIL);
		put(l, l->tail + at, LOG_TAIL - at);
		put(l, l->tail, at);
	} else if (more) {
		put(l, l->tail, (size_t)more);
	}
	free(l->tail);
	l->tail = NULL;
}
