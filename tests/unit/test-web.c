/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The board's web server, over a socket of this machine's loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/proc.h"
#include "machine/board/web.h"
#include "machine/sandbox/confined.h"
#include "tmp.h"

static struct sockaddr_in where;
static struct str notes = STR_INIT;

static void note(void *arg, const char *line)
{
	str_printf(&notes, "%s\n", line);
}

static const char *at(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	struct err *err = NULL;

	assert_int_equal(file_write(at(name), text, strlen(text), 0600, false, &err), 0);
}

static void serve(struct web *w, const char *path, const char *file, enum web_fault fault,
		  uint64_t bytes, unsigned from)
{
	struct web_file f = {path, at(file), fault, bytes, from};
	struct err *err = NULL;

	assert_int_equal(web_serve(w, &f, &err), 0);
}

/* A socket of this machine's loopback, at WHERE. */
static int listening(void)
{
	socklen_t len = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	where = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&where, &len), 0);
	return fd;
}

static struct web *web_new_open(void)
{
	struct web *w = web_new(note, NULL);

	str_clear(&notes);
	web_open(w, listening());
	return w;
}

static int dial(void)
{
	struct timeval most = {.tv_sec = 10};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)), 0);
	return fd;
}

/* Lets it work until nothing comes for a while. */
static void settle(struct web *w)
{
	struct pollfd fds[WEB_FDS];

	for (;;) {
		size_t n = web_poll(w, fds, WEB_FDS);

		if (poll(fds, n, 20) <= 0)
			return;
		web_take(w, fds, n);
	}
}

/* What is answered on FD; *RET_END: and then the connection is closed. */
static char *answer_on(struct web *w, int fd, const char *request, bool *ret_end)
{
	struct str s = STR_INIT;
	char buf[4096];
	ssize_t n;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	settle(w);
	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		str_append_len(&s, buf, (size_t)n);
	if (ret_end)
		*ret_end = n == 0 || errno == ECONNRESET; /* with bytes unread */
	return str_steal(&s);
}

/* What is answered to one request, and whether the server closed. */
static char *ask(struct web *w, const char *method, const char *path, const char *more,
		 bool *ret_end)
{
	int fd cleanup_fd = dial();
	char *request cleanup_free =
		xasprintf("%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", method, path, more);

	return answer_on(w, fd, request, ret_end);
}

static void assert_answer(struct web *w, const char *method, const char *path, const char *more,
			  const char *const *parts)
{
	char *text cleanup_free = ask(w, method, path, more, NULL);

	for (; *parts; parts++)
		if (!strstr(text, *parts))
			fail_msg("'%s' is not in '%s'", *parts, text);
}
#define HAS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The body of an answer. */
static char *body_of(struct web *w, const char *path, const char *more, bool *ret_end)
{
	char *text cleanup_free = ask(w, "GET", path, more, ret_end);
	char *end = strstr(text, "\r\n\r\n");

	assert_non_null(end);
	return xstrdup(end + 4);
}

static void assert_body(struct web *w, const char *path, const char *more, const char *body)
{
	char *is cleanup_free = body_of(w, path, more, NULL);

	assert_string_equal(is, body);
}

static void test_files(void **state)
{
	struct web *w = web_new_open();

	put("a", "0123456789");
	put("none", "");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	serve(w, "/none", "none", WEB_WELL, 0, 0);
	assert_answer(w, "GET", "/a", "",
		      HAS("HTTP/1.1 200 OK\r\n", "Content-Length: 10\r\n",
			  "Accept-Ranges: bytes\r\n", "\r\n\r\n0123456789"));
	assert_answer(w, "GET", "/none", "", HAS("200 OK", "Content-Length: 0\r\n"));
	assert_answer(w, "GET", "/b", "", HAS("404", "Content-Length: 0\r\n"));
	assert_answer(w, "PUT", "/a", "", HAS("405", "Connection: close\r\n"));
	assert_answer(w, "HEAD", "/a", "", HAS("200 OK", "Content-Length: 10\r\n"));
	assert_int_equal(web_count(w, "/a").requests, 2);
	assert_int_equal(web_count(w, "/a").bytes, 10);
	assert_int_equal(web_count(w, "/b").requests, 0);
	web_forget(w, "/a");
	assert_int_equal(web_count(w, "/a").requests, 0);
	assert_non_null(strstr(notes.buf, "GET /a: 200, 10 bytes from 0\n"));
	assert_non_null(strstr(notes.buf, "GET /b: 404 Not Found\n"));
	web_free(w);
}

static void test_ranges(void **state)
{
	struct web *w = web_new_open();

	put("a", "0123456789");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	assert_answer(w, "GET", "/a", "range: bytes=2-4\r\n",
		      HAS("206 ", "Content-Range: bytes 2-4/10\r\n", "Content-Length: 3\r\n"));
	assert_body(w, "/a", "Range: bytes=2-4\r\n", "234");
	assert_body(w, "/a", "Range: bytes=8-\r\n", "89");
	assert_body(w, "/a", "Range: bytes=8-99\r\n", "89");
	assert_body(w, "/a", "Range: bytes=-3\r\n", "789");
	assert_body(w, "/a", "Range: bytes=-30\r\n", "0123456789");
	assert_body(w, "/a", "Range: bytes=0-1,3-4\r\n", "0123456789");
	assert_body(w, "/a", "Range: bytes=4-2\r\n", "0123456789");
	assert_body(w, "/a", "Range: lines=1-2\r\n", "0123456789");
	assert_body(w, "/a", "Range: bytes=99999999999999999999-\r\n", "0123456789");
	assert_answer(w, "GET", "/a", "Range: bytes=10-\r\n",
		      HAS("416 ", "Content-Range: bytes */10\r\n"));
	assert_answer(w, "GET", "/a", "Range: bytes=-0\r\n", HAS("416 "));
	web_free(w);
}

static void test_etag(void **state)
{
	struct web *w = web_new_open();
	char *first cleanup_free = NULL, *tag cleanup_free = NULL, *more cleanup_free = NULL;

	put("a", "0123456789");
	put("b", "another");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	first = ask(w, "HEAD", "/a", "", NULL);
	tag = xstrndup(strstr(first, "ETag: ") + 6, 34);
	more = xasprintf("If-None-Match: %s\r\n", tag);
	assert_answer(w, "GET", "/a", more, HAS("304 "));
	assert_answer(w, "GET", "/a", "If-None-Match: \"x\"\r\n", HAS("200 "));
	serve(w, "/a", "b", WEB_WELL, 0, 0);
	assert_answer(w, "GET", "/a", more, HAS("200 ", "\r\n\r\nanother"));
	web_free(w);
}

static void test_faults(void **state)
{
	struct web *w = web_new_open();
	char *cut cleanup_free = NULL, *longer cleanup_free = NULL;
	bool end;

	put("a", "0123456789");
	serve(w, "/a", "a", WEB_NO_RANGE, 0, 0);
	assert_answer(w, "GET", "/a", "Range: bytes=2-4\r\n", HAS("200 ", "\r\n\r\n0123456789"));
	serve(w, "/a", "a", WEB_HTML, 0, 0);
	assert_answer(w, "GET", "/a", "Range: bytes=2-4\r\n", HAS("200 ", "text/html", "log in"));
	serve(w, "/a", "a", WEB_CUT, 4, 0);
	assert_answer(w, "GET", "/a", "", HAS("Content-Length: 10\r\n"));
	cut = body_of(w, "/a", "Range: bytes=3-\r\n", &end);
	assert_string_equal(cut, "3456");
	assert_true(end);
	assert_body(w, "/a", "Range: bytes=3-5\r\n", "345");
	serve(w, "/a", "a", WEB_LENGTH, 100, 0);
	assert_answer(w, "HEAD", "/a", "", HAS("Content-Length: 100\r\n"));
	longer = body_of(w, "/a", "", &end);
	assert_string_equal(longer, "0123456789");
	assert_true(end);
	web_free(w);
}

/* Two files under a path, one after the other. */
static void test_from_request(void **state)
{
	struct web *w = web_new_open();

	put("a", "first");
	put("b", "second");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	serve(w, "/a", "b", WEB_WELL, 0, 3);
	assert_body(w, "/a", "", "first");
	assert_body(w, "/a", "", "first");
	assert_body(w, "/a", "", "second");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	assert_body(w, "/a", "", "first");
	web_free(w);
}

/* A connection is kept, requests may come in pieces and together, and nonsense ends it. */
static void test_connection(void **state)
{
	static const char request[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
	struct web *w = web_new_open();
	char *none cleanup_free = NULL, *two cleanup_free = NULL, *bad cleanup_free = NULL,
		   *heap cleanup_free = xcalloc(1, 40000), *big cleanup_free = NULL;
	int fd cleanup_fd = dial(), other cleanup_fd = dial(), third cleanup_fd = dial();
	bool end;

	put("a", "0123456789");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	none = answer_on(w, fd, "GET /a HTTP/1.1\r\nHo", &end);
	assert_string_equal(none, "");
	two = answer_on(w, fd, "st: x\r\n\r\nGET /a HTTP/1.1\r\n\r\n", &end);
	assert_false(end);
	assert_non_null(strstr(strstr(two, "200 OK") + 6, "200 OK"));
	free(two);
	two = answer_on(w, fd, request, &end);
	assert_non_null(strstr(two, "0123456789"));
	bad = answer_on(w, other, "what?\r\n\r\n", &end);
	assert_true(end);
	memset(heap, 'x', 39999);
	big = answer_on(w, third, heap, &end);
	assert_string_equal(big, "");
	assert_true(end);
	web_close(w);
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(fd, heap, 1, 0), 0);
	assert_int_equal(web_count(w, "/a").requests, 3);
	web_free(w);
}

/* Who asks without end, and reads nothing, is not listened to for ever. */
static void test_endless(void **state)
{
	struct web *w = web_new_open();
	int fd = dial(), failed = 0;
	char asks[4096];

	put("large", "");
	assert_int_equal(truncate(at("large"), 64 << 20), 0);
	serve(w, "/large", "large", WEB_WELL, 0, 0);
	memset(asks, 'x', sizeof(asks));
	memcpy(asks, "GET /large HTTP/1.1\r\n\r\n", 23);
	for (int i = 0; i < 50 && !failed; i++) {
		failed = send(fd, asks, sizeof(asks), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
			 errno != EAGAIN;
		settle(w);
	}
	assert_true(failed);
	close(fd);
	web_free(w);
}

/* A program's own network, with one port: it reaches that, and nothing of this machine. */
static void test_confined(void **state)
{
	char *argv[] = {(char *)"/bin/bash", (char *)"-c",
			(char *)"exec 3<>/dev/tcp/127.0.0.1/80 && printf "
				"'GET /a HTTP/1.1\\r\\nConnection: close\\r\\n\\r\\n' >&3 && "
				"grep -q 0123456789 <&3 || exit 1; "
				"! exec 3<>/dev/tcp/127.0.0.1/$0 || exit 2",
			NULL, NULL};
	int host cleanup_fd = listening(), ends[2], fd, status;
	struct web *w = web_new(note, NULL);
	struct confined c cleanup_confined = {0};
	struct proc_opts opts = {0};
	struct err *err = NULL;
	char *port cleanup_free = xasprintf("%u", (unsigned)ntohs(where.sin_port));
	pid_t pid;

	argv[3] = port;
	put("a", "0123456789\n");
	serve(w, "/a", "a", WEB_WELL, 0, 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	confined_listen(&c, 80, ends[1]);
	confined_apply(&c, &opts);
	if (!opts.namespaces)
		skip();
	assert_int_equal(proc_start(argv, &opts, &pid, &err), 0);
	assert_int_equal(confined_take_socket(ends[0], &fd, &err), 0);
	web_open(w, fd);
	while (waitpid(pid, &status, WNOHANG) == 0)
		settle(w);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
	web_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),        cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_etag),         cmocka_unit_test(test_faults),
		cmocka_unit_test(test_from_request), cmocka_unit_test(test_connection),
		cmocka_unit_test(test_endless),      cmocka_unit_test(test_confined),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
