/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boards that orch does not start: their console's address, and a scene that plays on one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "machine/board/remote_console.h"
#include "machine/board/scene.h"
#include "tmp.h"

/* -- telnet -- */

/* Feeds TEXT in pieces; "what is left|what is answered", in hex where it is no text. */
static void check_telnet(const char *text, size_t len, const char *left, const char *answer,
			 size_t answer_len)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct telnet t = {0};
		struct str out cleanup_str = STR_INIT, reply cleanup_str = STR_INIT;
		char buf[64];

		for (size_t at = 0; at < len; at += piece) {
			size_t n = len - at < piece ? len - at : piece;

			memcpy(buf, text + at, n);
			str_append_len(&out, buf, telnet_filter(&t, buf, n, &reply));
		}
		assert_string_equal(out.buf ? out.buf : "", left);
		assert_int_equal(reply.len, answer_len);
		if (answer_len)
			assert_memory_equal(reply.buf, answer, answer_len);
	}
}
#define TELNET(text, left, answer) \
	check_telnet(text, sizeof(text) - 1, left, answer, sizeof(answer) - 1)

static void test_telnet(void **state)
{
	TELNET("plain\n", "plain\n", "");
	/* WILL ECHO, WILL SGA, DO BINARY: DONT, DONT, WONT; what they will not do is no question */
	TELNET("a\377\373\001b\377\373\003\377\375\000c", "abc",
	       "\377\376\001\377\376\003\377\374\000");
	TELNET("\377\374\001\377\376\001x", "x", "");
	TELNET("\377\372\030\001\377\377\377\360y", "y", "");
	TELNET("\377\371z\377\377", "z\377", "");
}

/* -- addresses -- */

static void check_sort(const char *text, enum remote_address sort, const char *rest)
{
	struct remote_board r = {0};
	const char *at;

	strv_push(&r.commands[REMOTE_CMD_CONSOLE], text);
	assert_int_equal(remote_console_sort(&r, &at), sort);
	assert_string_equal(at, rest);
	remote_board_clear(&r);
}

static void test_addresses(void **state)
{
	char *host = NULL, *port = NULL;

	check_sort("tcp://lab:4003", REMOTE_AT_TCP, "lab:4003");
	check_sort("telnet://[::1]:23", REMOTE_AT_TELNET, "[::1]:23");
	check_sort("unix:/run/x", REMOTE_AT_UNIX, "/run/x");
	check_sort("/dev/ttyUSB0", REMOTE_AT_TTY, "/dev/ttyUSB0");
	check_sort("/usr/bin/console", REMOTE_AT_COMMAND, "/usr/bin/console");
	assert_int_equal(remote_host_port("[::1]:23", &host, &port), 0);
	assert_string_equal(host, "::1");
	assert_string_equal(port, "23");
	free(host);
	free(port);
	assert_int_equal(remote_host_port("lab", &host, &port), 1);
	assert_int_equal(remote_host_port("lab:", &host, &port), 1);
	assert_int_equal(remote_host_port(":1", &host, &port), 1);
	assert_int_equal(remote_host_port("lab:65536", &host, &port), 1);
}

/* -- a scene -- */

static const struct board board = {
	.machine = (char *)REMOTE_BOARD, .name = (char *)"bench", .time_permille = 1000};

static void gather(void *arg, enum scene_source source, const char *line)
{
	str_printf(arg, "%s\n", line);
}

/* A command of `sh -c`, with the directory of the test as $0. */
static void set(struct remote_board *r, enum remote_command which, const char *script)
{
	strv_clear(&r->commands[which]);
	strv_push(&r->commands[which], "sh");
	strv_push(&r->commands[which], "-c");
	strv_push(&r->commands[which], script);
	strv_push(&r->commands[which], dir);
}

static void describe(struct remote_board *r, const char *console)
{
	*r = (struct remote_board){.name = "bench", .config = "config.yaml", .timeout_s = 10};
	set(r, REMOTE_CMD_POWER_ON, "echo on >>$0/log");
	set(r, REMOTE_CMD_POWER_OFF, "echo off >>$0/log");
	set(r, REMOTE_CMD_CONSOLE, console);
}

static struct scene *scene_of(const struct remote_board *r, struct str *log)
{
	struct scene_opts opts = {
		.board = &board, .remote = r, .dir = dir, .log = gather, .arg = log};
	struct scene *s = NULL;
	struct err *err = NULL;

	assert_int_equal(scene_new(&opts, &s, &err), 0);
	return s;
}

static int match(void *arg, const struct scene_line *line, struct err **err)
{
	return strstr(line->text, arg) != NULL;
}

static int await(struct scene *s, const char *text, unsigned seconds, struct err **err)
{
	struct scene_want want = {.fn = match, .arg = (char *)text, .what = "no such line"};

	return scene_wait(s, &want, seconds, NULL, err);
}

static void assert_file(const char *name, const char *text)
{
	char *path cleanup_free = path_join(dir, name);
	struct str s cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	assert_int_equal(file_read(path, 4096, &s, &err), 0);
	assert_string_equal(s.buf, text);
	assert_int_equal(unlink(path), 0);
}

static void test_power(void **state)
{
	struct remote_board r;
	struct str log cleanup_str = STR_INIT;
	struct board_power power = {0};
	struct err *err cleanup_err = NULL;
	struct scene *s;

	describe(&r, "echo hello; exec sleep 100");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(await(s, "hello", 10, &err), 0);
	assert_true(scene_is_on(s));
	assert_int_equal(scene_cut(s, &err), 0);
	assert_false(scene_is_on(s));
	scene_free(s);
	assert_file("log", "off\non\noff\n");
	assert_non_null(strstr(log.buf, "-- power on: board 'bench'\n"));
	assert_non_null(strstr(log.buf, "] hello\n"));
	remote_board_clear(&r);
}

static void test_shuts_down(void **state)
{
	struct remote_board r;
	struct str log cleanup_str = STR_INIT;
	struct board_power power = {0};
	struct err *err cleanup_err = NULL;
	struct scene *s;

	describe(&r, "echo '[ 9.1] reboot: Power down'; exec sleep 100");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(scene_wait_off(s, 10, &err), 0);
	assert_false(scene_is_on(s));
	scene_free(s);
	assert_file("log", "off\non\noff\n");
	/* a console that goes with the power says it, too */
	set(&r, REMOTE_CMD_CONSOLE, "echo going; sleep 0.2");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(scene_wait_off(s, 10, &err), 0);
	scene_free(s);
	assert_file("log", "off\non\noff\n");
	/* and one that stays is not off */
	set(&r, REMOTE_CMD_CONSOLE, "echo staying; exec sleep 100");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(scene_wait_off(s, 1, &err), -1);
	assert_string_equal(err->text, "the console did not say 'reboot: Power down', as Linux "
				       "does within 1 s");
	scene_free(s);
	assert_file("log", "off\non\noff\n");
	remote_board_clear(&r);
}

static void test_hangs_up(void **state)
{
	struct remote_board r;
	struct str log cleanup_str = STR_INIT;
	struct board_power power = {0};
	struct err *err cleanup_err = NULL;
	struct scene *s;

	describe(&r, "echo hello; echo nobody there >&2");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(await(s, "never", 10, &err), -1);
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_non_null(strstr(err->text, "board 'bench': its console sh hung up: nobody there"));
	scene_free(s);
	assert_file("log", "off\non\noff\n");
	remote_board_clear(&r);
}

/* Who listens only when the power is on is found all the same. */
static void test_late_socket(void **state)
{
	struct remote_board r;
	struct str log cleanup_str = STR_INIT;
	struct board_power power = {0};
	struct err *err cleanup_err = NULL;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char *path cleanup_free = path_join(dir, "console"),
		   *early cleanup_free = path_join(dir, "early");
	struct scene *s;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", early);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	describe(&r, "");
	strv_clear(&r.commands[REMOTE_CMD_CONSOLE]);
	strv_take(&r.commands[REMOTE_CMD_CONSOLE], xasprintf("unix:%s", path));
	set(&r, REMOTE_CMD_POWER_ON, "mv $0/early $0/console");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	peer = accept(fd, NULL, NULL);
	assert_int_equal(write(peer, "up\n", 3), 3);
	assert_int_equal(await(s, "up", 10, &err), 0);
	close(peer);
	close(fd);
	assert_int_equal(await(s, "never", 10, &err), -1);
	assert_non_null(strstr(err->text, "hung up"));
	scene_free(s);
	assert_file("log", "off\noff\n");
	remote_board_clear(&r);
}

static void test_commands_fail(void **state)
{
	struct remote_board r;
	struct str log cleanup_str = STR_INIT;
	struct board_power power = {0};
	struct err *err = NULL;
	struct scene *s;

	describe(&r, "echo hello; exec sleep 100");
	set(&r, REMOTE_CMD_POWER_ON, "exit 3");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), -1);
	assert_string_equal(err->text,
			    "board 'bench': 'sh' exited with 3 ('power-on' in config.yaml)");
	assert_false(scene_is_on(s));
	err_free(steal_ptr(err));
	scene_free(s);
	set(&r, REMOTE_CMD_POWER_ON, "sleep 100");
	r.timeout_s = 1;
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), -1);
	assert_int_equal(err->code->cls, ERR_TIMEOUT);
	err_free(steal_ptr(err));
	scene_free(s);
	set(&r, REMOTE_CMD_POWER_ON, "true");
	set(&r, REMOTE_CMD_COMMANDS, "echo no route >&2; exit 255");
	s = scene_of(&r, &log);
	assert_int_equal(scene_power_on(s, &power, true, &err), 0);
	assert_int_equal(scene_wait_agent(s, 2, &err), -1);
	assert_string_equal(err->text, "board 'bench' takes no commands within 2 s by 'sh' "
				       "('commands' in config.yaml); it said last: no route");
	err_free(steal_ptr(err));
	scene_free(s);
	assert_file("log", "off\noff\noff\noff\noff\noff\n");
	remote_board_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_telnet),        cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_power),         cmocka_unit_test(test_shuts_down),
		cmocka_unit_test(test_hangs_up),      cmocka_unit_test(test_late_socket),
		cmocka_unit_test(test_commands_fail),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
