/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/proc.h"
#include "server.h"
#include "tmp.h"

/* A server of one script, on a loopback port that the kernel chooses; it prints the port. */
static const char server[] =
	"import http.server, sys\n"
	"class H(http.server.BaseHTTPRequestHandler):\n"
	" tries = 0\n"
	" def log_message(self, *a): pass\n"
	" def do_GET(self):\n"
	"  p = self.path\n"
	"  if p == '/flaky':\n"
	"   H.tries += 1\n"
	"   if H.tries < 3: self.send_error(503); return\n"
	"   p = '/good'\n"
	"  if p == '/loop':\n"
	"   self.send_response(302); self.send_header('Location', '/loop'); self.end_headers(); "
	"return\n"
	"  if p == '/tofile':\n"
	"   self.send_response(302); self.send_header('Location', 'file:///etc/passwd')\n"
	"   self.end_headers(); return\n"
	"  if p == '/gone': self.send_error(404); return\n"
	"  if p == '/header':\n"
	"   self.wfile.write(b'HTTP/1.1 200 OK\\r\\nX: ')\n"
	"   try:\n"
	"    while True: self.wfile.write(b'x' * 65536)\n"
	"   except OSError: return\n"
	"  if p == '/silent':\n"
	"   import time; time.sleep(200); return\n"
	"  if p == '/dribbles':\n"
	"   self.send_response(200); self.send_header('Content-Length', '60000000')\n"
	"   self.end_headers()\n"
	"   import time\n"
	"   try:\n"
	"    while True: self.wfile.write(b'x' * 4000); time.sleep(1)\n"
	"   except OSError: return\n"
	"  if p in ('/away', '/away-secret'):\n"
	"   to = 'http://localhost:%d' % s.server_port\n"
	"   self.send_response(302)\n"
	"   self.send_header('Location', to + ('/open' if p == '/away' else '/secret'))\n"
	"   self.end_headers(); return\n"
	"  if p == '/near':\n"
	"   self.send_response(302); self.send_header('Location', '/secret'); self.end_headers()\n"
	"   self.wfile.write(b'a page about it'); return\n"
	"  if p == '/open' and self.headers.get('Authorization'): p = '/html'\n"
	"  if p == '/secret':\n"
	"   import base64\n"
	"   want = 'Basic ' + base64.b64encode(b'robot:s3 cr3t').decode()\n"
	"   if self.headers.get('Authorization') != want: self.send_error(401); return\n"
	"  body = b'<html>' if p == '/html' else b'hello\\n'\n"
	"  self.send_response(200)\n"
	"  if p == '/short': self.send_header('Content-Length', '100')\n"
	"  if p == '/endless':\n"
	"   self.end_headers()\n"
	"   try:\n"
	"    while True: self.wfile.write(b'x' * 65536)\n"
	"   except OSError: return\n"
	"  self.end_headers(); self.wfile.write(body)\n"
	"s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)\n"
	"sys.stdout.write('%d\\n' % s.server_port); sys.stdout.flush()\n"
	"s.serve_forever()\n";

static pid_t server_pid;
static char port[16];

static int setup(void **state)
{
	char *const argv[] = {"/usr/bin/python3", "-c", (char *)server, NULL};

	return dir_setup(state) < 0 ? -1 : server_start(argv, &server_pid, port, sizeof(port));
}

static int teardown(void **state)
{
	int status;

	kill(server_pid, SIGKILL);
	waitpid(server_pid, &status, 0);
	return dir_teardown(state);
}

/* Fetches PATH with the digest of "hello\n" and returns the error's class, or -1 for success. */
static int fetch(const char *path, uint64_t max, struct http_item *item)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s%s", port, path);
	char *dest cleanup_free = path_join(dir, "dest");
	struct err *err cleanup_err = NULL;
	struct digest want;
	int rc;

	digest_data("hello\n", 6, &want);
	struct http_source source = {url, NULL};

	*item = (struct http_item){.sources = &source,
				   .source_count = 1,
				   .dest = dest,
				   .max_size = max,
				   .sha256 = &want,
				   .name = "'it'"};
	unlink(dest);
	rc = http_fetch(item, 1, NULL, &err);
	assert_int_equal(path_exists(dest), rc == 0);
	return rc == 0 ? -1 : (int)err->code->cls;
}

static size_t files_left(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	size_t n = 0;

	while ((de = readdir(d)))
		n += de->d_name[0] != '.';
	closedir(d);
	return n;
}

static void a_good_file_is_kept(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/good", 0, &item), -1);
	assert_int_equal(files_left(), 1);
}

static void a_wrong_digest_keeps_nothing(void **state)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s/good", port);
	char *dest cleanup_free = path_join(dir, "dest");
	struct err *err cleanup_err = NULL;
	struct digest want = {{1}};
	struct http_source source = {url, NULL};
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .sha256 = &want,
				 .name = "'it'"};

	unlink(dest);
	assert_int_equal(http_fetch(&item, 1, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_INTEGRITY);
	assert_int_equal(files_left(), 0);
}

static void hostile_servers_are_refused(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/endless", 1 << 20, &item), ERR_INTEGRITY);
	assert_int_equal(fetch("/loop", 0, &item), ERR_NET);
	assert_int_equal(fetch("/tofile", 0, &item), ERR_NET);
	assert_int_equal(fetch("/short", 0, &item), ERR_NET);
	assert_int_equal(fetch("/header", 0, &item), ERR_NET);
	assert_int_equal(files_left(), 0);
}

/* Whether fetching PATH ends between LEAST and MOST seconds, as a network error that says SAYS. */
static bool ends_within(const char *path, const char *says, double least, double most)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s%s", port, path);
	char *dest cleanup_free = path_join(dir, "slow");
	struct http_source source = {url, NULL};
	struct err *err cleanup_err = NULL;
	struct digest any = {{1}};
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .sha256 = &any,
				 .name = "'it'"};
	struct timespec from, to;
	double took;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &from);
	rc = http_fetch(&item, 1, NULL, &err);
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	if (rc == -1 && err->code->cls == ERR_NET && strstr(err->text, says) && took > least &&
	    took < most)
		return true;
	print_error("%s: %.1f s: %s\n", path, took, err ? err->text : "it came");
	return false;
}

/* A minute, for both at once. */
/* In a child: for whom 2000 bytes a second are enough, 4000 are. */
static pid_t start_patient(void)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s/dribbles", port);
	char *dest cleanup_free = path_join(dir, "patient");
	struct http_source source = {url, NULL};
	struct http_item item = {
		.sources = &source, .source_count = 1, .dest = dest, .name = "'it'"};
	const struct http_opts opts = {.pace = 2000};
	struct err *err cleanup_err = NULL;
	pid_t pid = fork();

	if (pid == 0)
		_exit(http_fetch(&item, 1, &opts, &err) == 0);
	return pid;
}

static void slow_servers_are_left(void **state)
{
	pid_t patient = start_patient(), pid = fork();
	int status;

	if (pid == 0)
		_exit(ends_within("/dribbles", "are asked for", 29, 50) ? 0 : 1);
	assert_true(ends_within("/silent", "too slow", 20, 66));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(waitpid(patient, &status, WNOHANG), 0); /* after more than 30 s */
	kill(patient, SIGTERM);
	assert_int_equal(waitpid(patient, &status, 0), patient);
	assert_int_equal(files_left(), 1); /* of whom was killed */
}

static void the_user_limits_downloads(void **state)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s/good", port);
	char *dest cleanup_free = path_join(dir, "dest");
	struct http_source source = {url, NULL};
	struct http_item item = {
		.sources = &source, .source_count = 1, .dest = dest, .size = 6, .name = "'it'"};
	const struct http_opts slow = {.pace = 1000}, small = {.max_size = 5};
	struct err *err cleanup_err = NULL;

	assert_int_equal(http_fetch(&item, 1, &slow, &err), 0);
	unlink(dest);
	assert_int_equal(http_fetch(&item, 1, &small, &err), -1);
	assert_non_null(strstr(err->text, "larger than the 5 bytes"));
	assert_false(path_exists(dest));
}

static void a_missing_file_says_404(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/gone", 0, &item), ERR_NET);
	assert_true(item.gone);
}

static void a_flaky_server_is_tried_again(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/flaky", 0, &item), -1);
}

struct counter {
	unsigned count;
	char *last;
};

static void on_passed_over(void *arg, const char *name, const char *why)
{
	struct counter *c = arg;

	assert_string_equal(name, "'it'");
	c->count++;
	free(c->last);
	c->last = xstrdup(why);
}

/* Fetches "hello\n" from several places, space-separated paths or URLs. */
static int fetch_from(const char *places, struct counter *c, struct http_item *item,
		      struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	char *dest cleanup_free = path_join(dir, "dest");
	char *copy cleanup_free = xstrdup(places), *save = NULL;
	struct http_opts opts = {.passed_over = on_passed_over, .arg = c};
	struct http_source sources[8];
	struct digest want;
	size_t n = 0;

	digest_data("hello\n", 6, &want);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		sources[n++] = (struct http_source){
			*p == '/' ? arena_printf(arena, "http://127.0.0.1:%s%s", port, p) : p,
			NULL};
	*item = (struct http_item){.sources = sources,
				   .source_count = n,
				   .dest = dest,
				   .sha256 = &want,
				   .name = "'it'"};
	unlink(dest);
	return http_fetch(item, 1, &opts, err);
}

static void the_next_source_is_tried(void **state)
{
	static const char *const places[] = {"/gone /good", "/html /good", "/short /good",
					     "http://127.0.0.1:1/x /good",
					     "/loop /html /gone /good"};

	for (size_t i = 0; i < array_len(places); i++) {
		struct err *err cleanup_err = NULL;
		struct counter c = {0};
		struct http_item item;

		assert_int_equal(fetch_from(places[i], &c, &item, &err), 0);
		assert_int_equal(c.count, i == 4 ? 3 : 1);
		assert_non_null(strstr(c.last, "://127.0.0.1"));
		free(c.last);
	}
}

static void each_answer_is_said(void **state)
{
	struct err *err cleanup_err = NULL, *gone cleanup_err = NULL;
	struct counter c = {0};
	struct http_item item;

	assert_int_equal(fetch_from("/gone /html http:"
				    "//me:s3cr3t@127.0.0.1:1/x?key=s3cr3t",
				    &c, &item, &err),
			 -1);
	assert_ptr_equal(err->code, E_FETCH_REFUSED); /* one had other bytes */
	assert_false(item.gone);
	assert_non_null(strstr(err->text, "/gone: "));
	assert_non_null(strstr(err->text, "/html: has another sha256 than "));
	assert_non_null(strstr(err->text, "http://127.0.0.1:1/x?...: "));
	assert_null(strstr(err->text, "s3cr3t"));
	assert_int_equal(fetch_from("/gone /gone", &c, &item, &gone), -1);
	assert_int_equal(gone->code->cls, ERR_NET);
	assert_true(item.gone);
	free(c.last);
}

/* What is on this machine alone is not told, and what has no end is not opened. */
static void files_keep_their_digest(void **state)
{
	char *file cleanup_free = path_join(dir, "file"),
		   *pipe cleanup_free = path_join(dir, "pipe");
	char *dest cleanup_free = path_join(dir, "dest");
	const struct {
		const char *scheme, *path, *why;
	} all[] = {{"file://", file, "has another sha256 than 0100"},
		   {"file://localhost", pipe, "is not a regular file"},
		   {"file:", "/dev/t%74y", "is not a regular file"}};
	struct err *err cleanup_err = NULL;
	struct digest any = {{1}};
	size_t had = files_left();

	assert_int_equal(file_write(file, "secret", 6, 0600, false, &err), 0);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	for (size_t i = 0; i < array_len(all); i++) {
		char *url cleanup_free = xasprintf("%s%s", all[i].scheme, all[i].path);
		struct http_source source = {url, NULL};
		struct http_item item = {.sources = &source,
					 .source_count = 1,
					 .dest = dest,
					 .sha256 = &any,
					 .name = "'it'"};
		struct err *said cleanup_err = NULL;

		assert_int_equal(http_fetch(&item, 1, NULL, &said), -1);
		assert_non_null(strstr(said->text, all[i].why));
		assert_null(strstr(said->text, "2bb80d53")); /* of "secret" */
	}
	unlink(file);
	unlink(pipe);
	assert_int_equal(files_left(), had);
}

static void a_name_and_password_are_sent(void **state)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s/secret", port);
	char *dest cleanup_free = path_join(dir, "dest");
	struct err *err cleanup_err = NULL;
	const struct http_access access = {.user = "robot", .password = "s3 cr3t", .proxy = ""};
	struct http_source source = {url, &access};
	struct http_item item = {
		.sources = &source, .source_count = 1, .dest = dest, .name = "'it'"};

	unlink(dest);
	assert_int_equal(http_fetch(&item, 1, NULL, &err), 0);
}

/* One who is asked who we are. */
struct asked {
	unsigned count;
	const char *password; /* NULL: does not know */
	const char *fails;    /* or cannot say why he does not */
};

static int on_ask(void *arg, const char *url, const char **ret_user, const char **ret_password,
		  struct err **err)
{
	struct asked *a = arg;

	a->count++;
	assert_non_null(strstr(url, "//127.0.0.1:"));
	if (a->fails)
		return err_set(err, E_CREDENTIAL_HELPER, "%s", a->fails);
	if (!a->password)
		return 1;
	*ret_user = "robot";
	*ret_password = a->password;
	return 0;
}

/* Fetches "hello\n" from PATH, COUNT times at once; returns what the error says, or NULL. */
static char *fetch_asking(const char *path, size_t count, struct asked *a)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s%s", port, path);
	const struct http_access access = {.proxy = "", .ask = on_ask, .ask_arg = a};
	struct http_source source = {url, &access};
	struct err *err cleanup_err = NULL;
	struct http_item items[8];
	char dest[8][512];
	struct digest want;

	digest_data("hello\n", 6, &want);
	for (size_t i = 0; i < count; i++) {
		snprintf(dest[i], sizeof(dest[i]), "%s/dest%zu", dir, i);
		unlink(dest[i]);
		items[i] = (struct http_item){.sources = &source,
					      .source_count = 1,
					      .dest = dest[i],
					      .sha256 = &want,
					      .name = "'it'"};
	}
	return http_fetch(items, count, NULL, &err) == 0 ? NULL : xstrdup(err->text);
}

static void a_server_that_asks_is_answered(void **state)
{
	struct asked a = {.password = "s3 cr3t"};

	assert_null(fetch_asking("/secret", 8, &a));
	assert_int_equal(a.count, 1);
	assert_null(fetch_asking("/good", 1, &a));
	assert_int_equal(a.count, 1);
}

static void a_wrong_answer_is_given_once(void **state)
{
	struct asked wrong = {.password = "w4rong"}, unknown = {0},
		     failing = {.fails = "the helper hangs"};
	char *text cleanup_free = fetch_asking("/secret", 1, &wrong);
	char *other cleanup_free = fetch_asking("/secret", 2, &unknown);
	char *why cleanup_free = fetch_asking("/secret", 1, &failing);

	assert_int_equal(wrong.count, 1);
	assert_non_null(strstr(text, "401"));
	assert_null(strstr(text, "w4rong"));
	assert_int_equal(unknown.count, 1);
	assert_non_null(strstr(other, "401"));
	assert_int_equal(failing.count, 1);
	assert_non_null(strstr(why, "401; the helper hangs"));
}

/* The server under another name is another one. */
static void a_redirect_takes_no_password_along(void **state)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s/away", port);
	char *dest cleanup_free = path_join(dir, "dest");
	const struct http_access access = {.user = "robot", .password = "s3 cr3t", .proxy = ""};
	struct http_source source = {url, &access};
	struct err *err cleanup_err = NULL;
	struct asked a = {.password = "s3 cr3t"};
	char *text cleanup_free = NULL;
	struct digest want;
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .sha256 = &want,
				 .name = "'it'"};

	digest_data("hello\n", 6, &want);
	unlink(dest);
	assert_int_equal(http_fetch(&item, 1, NULL, &err), 0);
	text = fetch_asking("/away-secret", 1, &a);
	assert_non_null(strstr(text, "401"));
	assert_int_equal(a.count, 0);
}

/* What somebody knows of servers to which others redirect. */
struct known {
	struct http_access access;
	bool reached;
	char url[64];
};

static const struct http_access *on_redirect(void *arg, const char *url)
{
	struct known *k = arg;

	snprintf(k->url, sizeof(k->url), "%s", url);
	return k->reached ? &k->access : NULL;
}

/* NULL, or what fetching PATH from the server as FIRST says ended with. */
static char *fetch_over(const char *path, const struct http_access *first)
{
	char *url cleanup_free = xasprintf("http://127.0.0.1:%s%s", port, path);
	char *dest cleanup_free = path_join(dir, "dest");
	struct http_source source = {url, first};
	struct err *err cleanup_err = NULL;
	struct digest want;
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .size = str_eq(path, "/near") ? 6 : 0,
				 .sha256 = &want,
				 .name = "'it'"};

	digest_data("hello\n", 6, &want);
	unlink(dest);
	return http_fetch(&item, 1, NULL, &err) < 0 ? xstrdup(err->text) : NULL;
}

static void a_redirect_is_reached_in_its_own_way(void **state)
{
	static const struct {
		const char *path, *why;
	} bad[] = {{"/loop", "redirects too often"}, {"/tofile", "redirects to another protocol"}};
	struct known k = {.access = {.proxy = "", .user = "robot", .password = "s3 cr3t"},
			  .reached = true};
	struct http_access first = {.proxy = "", .elsewhere = on_redirect, .elsewhere_arg = &k};
	char *to cleanup_free = xasprintf("http://localhost:%s/secret", port);
	char *text cleanup_free = NULL;

	k.access.elsewhere = on_redirect;
	k.access.elsewhere_arg = &k;
	assert_null(fetch_over("/away-secret", &first));
	assert_string_equal(k.url, to);
	for (size_t i = 0; i < array_len(bad); i++) {
		char *said cleanup_free = fetch_over(bad[i].path, &first);

		assert_true(said && strstr(said, bad[i].why));
	}
	k.access.user = k.access.password = NULL;
	first.user = "robot";
	first.password = "s3 cr3t";
	text = fetch_over("/away-secret", &first);
	assert_true(text && strstr(text, "401"));
	assert_null(fetch_over("/near", &first)); /* the same server */
	k.reached = false;
	free(text);
	text = fetch_over("/away", &first);
	assert_true(text && strstr(text, "cannot be reached"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_kept),
		cmocka_unit_test(a_wrong_digest_keeps_nothing),
		cmocka_unit_test(hostile_servers_are_refused),
		cmocka_unit_test(slow_servers_are_left),
		cmocka_unit_test(the_user_limits_downloads),
		cmocka_unit_test(a_missing_file_says_404),
		cmocka_unit_test(a_flaky_server_is_tried_again),
		cmocka_unit_test(the_next_source_is_tried),
		cmocka_unit_test(each_answer_is_said),
		cmocka_unit_test(files_keep_their_digest),
		cmocka_unit_test(a_name_and_password_are_sent),
		cmocka_unit_test(a_server_that_asks_is_answered),
		cmocka_unit_test(a_wrong_answer_is_given_once),
		cmocka_unit_test(a_redirect_takes_no_password_along),
		cmocka_unit_test(a_redirect_is_reached_in_its_own_way),
	};

	return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
