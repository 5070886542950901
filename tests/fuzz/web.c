/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest says to the web server of a scenario, in two pieces. */
#include <sys/socket.h>

#include "fuzz.h"
#include "machine/board/web.h"

static void quiet(void *arg, const char *line)
{
}

static void work(struct web *w)
{
	struct pollfd fds[WEB_FDS];
	size_t n;

	while (n = web_poll(w, fds, WEB_FDS), poll(fds, n, 0) > 0)
		web_take(w, fds, n);
}

static void talk(struct web *w, int fd, const uint8_t *data, size_t size)
{
	char answer[4096];

	if (size && send(fd, data, size, MSG_NOSIGNAL) < 0)
		return;
	do
		work(w);
	while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file content cleanup_fuzz_file = fuzz_file((const uint8_t *)"0123456789", 10);
	struct web_file file = {.path = "/a", .file = content.path};
	struct web *w = web_new(quiet, NULL);
	struct err *err cleanup_err = NULL;
	int pair[2];

	file.fault = size ? (enum web_fault)(data[0] % (WEB_HTML + 1)) : WEB_WELL;
	file.bytes = 5;
	assert(web_serve(w, &file, &err) == 0);
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	web_connect(w, pair[0]);
	talk(w, pair[1], data, size / 2);
	talk(w, pair[1], data + size / 2, size - size / 2);
	close(pair[1]);
	web_free(w);
	return 0;
}
