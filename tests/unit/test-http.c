/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/proc.h"
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
	"  body = b'hello\\n'\n"
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
	struct err *err = NULL;
	struct proc_opts opts = {0};
	int fds[2];
	ssize_t n;

	if (dir_setup(state) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	opts.out = fds[1];
	if (proc_start(argv, &opts, &server_pid, &err) < 0)
		return -1;
	close(fds[1]);
	n = read(fds[0], port, sizeof(port) - 1);
	if (n < 2)
		return -1;
	port[n - 1] = 0;
	return 0;
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
	*item = (struct http_item){
		.url = url, .dest = dest, .max_size = max, .sha256 = &want, .name = "'it'"};
	unlink(dest);
	rc = http_fetch(item, 1, NULL, &err);
	assert_int_equal(path_exists(dest), rc == 0);
	return rc == 0 ? -1 : (int)err->cls;
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
	struct http_item item = {.url = url, .dest = dest, .sha256 = &want, .name = "'it'"};

	unlink(dest);
	assert_int_equal(http_fetch(&item, 1, NULL, &err), -1);
	assert_int_equal(err->cls, ERR_INTEGRITY);
	assert_int_equal(files_left(), 0);
}

static void hostile_servers_are_refused(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/endless", 1 << 20, &item), ERR_INTEGRITY);
	assert_int_equal(fetch("/loop", 0, &item), ERR_NET);
	assert_int_equal(fetch("/tofile", 0, &item), ERR_NET);
	assert_int_equal(fetch("/short", 0, &item), ERR_NET);
	assert_int_equal(files_left(), 0);
}

static void a_missing_file_says_404(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/gone", 0, &item), ERR_NET);
	assert_int_equal(item.status, 404);
}

static void a_flaky_server_is_tried_again(void **state)
{
	struct http_item item;

	assert_int_equal(fetch("/flaky", 0, &item), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_kept),
		cmocka_unit_test(a_wrong_digest_keeps_nothing),
		cmocka_unit_test(hostile_servers_are_refused),
		cmocka_unit_test(a_missing_file_says_404),
		cmocka_unit_test(a_flaky_server_is_tried_again),
	};

	return cmocka_run_group_tests_name("http", tests, setup, teardown);
}
