/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/proc.h"
#include "remote/grpc_priv.h"
#include "remote/retry.h"
#include "server.h"

static pid_t server_pid;
static char port[16];
static struct grpc *g;
static struct remote_access nobody;

static int setup(void **state)
{
	char *const argv[] = {"/usr/bin/python3", HOSTILE_H2, NULL};

	return server_start(argv, &server_pid, port, sizeof(port));
}

static int teardown(void **state)
{
	kill(server_pid, SIGKILL);
	waitpid(server_pid, NULL, 0);
	return 0;
}

static int connection(void **state)
{
	char *url cleanup_free = xasprintf("grpc://127.0.0.1:%s", port);
	struct err *err = NULL;

	return grpc_open(url, &nobody, &g, &err);
}

static int disconnection(void **state)
{
	grpc_close(steal_ptr(g));
	return 0;
}

/* What came: each message and a newline. */
static int take(void *arg, const void *data, size_t len)
{
	struct str *got = arg;

	str_append_len(got, data, len);
	str_append_char(got, '\n');
	return 0;
}

static int take_one(void *arg, const void *data, size_t len)
{
	return take(arg, data, len) + 1;
}

struct asked {
	struct grpc_call call;
	struct str request, got;
};

static void ask_for(struct asked *a, const char *word)
{
	*a = (struct asked){.request = STR_INIT, .got = STR_INIT};
	str_append(&a->request, word);
	a->call = (struct grpc_call){.method = "test.Test/Do",
				     .request = &a->request,
				     .on_message = take,
				     .arg = &a->got,
				     .silence_ms = GRPC_SILENCE_MS};
}

static void release(struct asked *a)
{
	grpc_call_release(&a->call);
	str_release(&a->request);
	str_release(&a->got);
}

static void answers(const char *word, enum grpc_status status, const char *got)
{
	struct asked a;

	ask_for(&a, word);
	assert_string_equal(grpc_status_name(grpc_perform(g, &a.call)), grpc_status_name(status));
	assert_string_equal(a.got.buf, got);
	release(&a);
}

static void says(const char *word, enum grpc_status status, const char *text)
{
	struct asked a;

	ask_for(&a, word);
	assert_string_equal(grpc_status_name(grpc_perform(g, &a.call)), grpc_status_name(status));
	assert_non_null(strstr(a.call.text, text));
	release(&a);
}

static void one_connection_carries_calls(void **state)
{
	answers("ok:one", GRPC_OK, "one\n");
	answers("ok:", GRPC_OK, "\n");
	answers("stream:3", GRPC_OK, "0\n1\n2\n");
	answers("bytewise:slow", GRPC_OK, "slow\n");
	answers("uninvited", GRPC_UNAVAILABLE, "");
	assert_true(grpc_known(g));
}

static struct asked inner;

static int start_another(void *arg, const void *data, size_t len)
{
	if (inner.call.method)
		return 0;
	ask_for(&inner, "ok:inner");
	grpc_start(g, &inner.call);
	assert_false(inner.call.submitted); /* the connection is amid reading */
	return 0;
}

static void messages_may_start_calls(void **state)
{
	struct asked outer;

	ask_for(&outer, "stream:3");
	outer.call.on_message = start_another;
	assert_int_equal(grpc_perform(g, &outer.call), GRPC_OK);
	while (!inner.call.done)
		grpc_step(g, -1);
	assert_string_equal(inner.got.buf, "inner\n");
	release(&outer);
	release(&inner);
}

static void calls_run_at_once(void **state)
{
	struct asked late, a[40];

	ask_for(&late, "silent");
	grpc_start(g, &late.call);
	for (size_t i = 0; i < array_len(a); i++) {
		ask_for(&a[i], i % 2 ? "ok:odd" : "big:300000");
		grpc_start(g, &a[i].call);
	}
	while (grpc_step(g, -1) > 1)
		;
	assert_false(late.call.done);
	for (size_t i = 0; i < array_len(a); i++) {
		assert_int_equal(a[i].call.status, GRPC_OK);
		assert_int_equal(a[i].got.len, i % 2 ? 4 : 300001);
		release(&a[i]);
	}
	grpc_cancel(g, &late.call);
	assert_int_equal(late.call.status, GRPC_CANCELLED);
	release(&late);
	answers("ok:after", GRPC_OK, "after\n");
}

static void large_requests_go_out(void **state)
{
	struct asked a;

	ask_for(&a, "ok:");
	for (size_t i = 0; i < 200000; i++)
		str_append(&a.request, "0123456789");
	assert_int_equal(grpc_perform(g, &a.call), GRPC_OK);
	assert_int_equal(a.got.len, 2000001);
	assert_int_equal(a.call.sent, 2000008);
	release(&a);
}

static void servers_say_what_is_wrong(void **state)
{
	says("status:5 nothing%20here%0aat all", GRPC_NOT_FOUND, "nothing here\\nat all");
	says("status:99 x", GRPC_UNKNOWN, "x");
	says("status:-1 x", GRPC_UNKNOWN, "x");
	says("http:401", GRPC_UNAUTHENTICATED, "HTTP status 401");
	says("http:503", GRPC_UNAVAILABLE, "HTTP status 503");
	says("http:404", GRPC_UNIMPLEMENTED, "HTTP status 404");
	says("reset:7", GRPC_UNAVAILABLE, "reset");
	says("reset:2", GRPC_INTERNAL, "reset");
	answers("ok:still there", GRPC_OK, "still there\n");
}

static void what_no_server_should_send_is_refused(void **state)
{
	says("huge", GRPC_INTERNAL, "larger than it can be");
	says("compressed", GRPC_INTERNAL, "compressed");
	says("halfway", GRPC_INTERNAL, "within a message");
	answers("ok:still there", GRPC_OK, "still there\n");
	answers("midframe", GRPC_UNAVAILABLE, "");
	answers("garbage", GRPC_UNAVAILABLE, "");
	says("wrongframe", GRPC_UNAVAILABLE, "does not keep to HTTP/2");
	answers("endless_headers", GRPC_UNAVAILABLE, "");
	answers("ok:again", GRPC_OK, "again\n");
}

/* A flood ends by a limit, ours or nghttp2's, and by the caller's patience at the latest. */
static void a_flood_has_an_end(void **state)
{
	struct asked a;

	ask_for(&a, "settings_flood");
	a.call.limit_ms = 3000;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_UNAVAILABLE);
	assert_true(g->out.len < (64u << 20));
	release(&a);
}

static void messages_have_the_size_that_is_asked_for(void **state)
{
	struct asked a;

	ask_for(&a, "big:5000");
	a.call.message_max = 4999;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_INTERNAL);
	release(&a);
	ask_for(&a, "big:5000");
	a.call.message_max = 5000;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_OK);
	release(&a);
}

static void who_takes_messages_may_stop(void **state)
{
	struct asked a;

	ask_for(&a, "stream:50");
	a.call.on_message = take_one;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_CANCELLED);
	assert_string_equal(a.got.buf, "0\n");
	release(&a);
}

static void going_away_loses_nothing(void **state)
{
	answers("away", GRPC_OK, "bye\n");
	answers("ok:new connection", GRPC_OK, "new connection\n");
	says("away_now", GRPC_UNAVAILABLE, "");
	answers("ok:new connection", GRPC_OK, "new connection\n");
}

static void silence_has_an_end(void **state)
{
	struct asked a;

	ask_for(&a, "silent");
	a.call.silence_ms = 100;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_UNAVAILABLE);
	assert_non_null(strstr(a.call.text, "has not answered within"));
	release(&a);
	ask_for(&a, "silent");
	a.call.limit_ms = 100;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_UNAVAILABLE);
	release(&a);
	answers("late:0.3", GRPC_OK, "late\n");
}

/* A stream may be silent as long as its server shows that it lives. */
static void a_dead_server_is_found_out(void **state)
{
	struct asked a;

	g->ping_ms = 50;
	g->pong_ms = 400;
	ask_for(&a, "late:1.2");
	a.call.silence_ms = 0;
	assert_int_equal(grpc_perform(g, &a.call), GRPC_UNAVAILABLE);
	release(&a);
	g->pong_ms = 5000;
	ask_for(&a, "silent");
	a.call.silence_ms = 0;
	grpc_start(g, &a.call);
	for (uint64_t end = clock_ms() + 600; clock_ms() < end;)
		grpc_step(g, 20);
	assert_false(a.call.done);
	grpc_cancel(g, &a.call);
	release(&a);
}

static void a_server_is_not_asked_more_often_than_it_likes(void **state)
{
	assert_int_equal(g->ping_ms, 30000);
	answers("calm", GRPC_OK, "bye\n");
	assert_true(g->ping_ms > 300000);
	answers("ok:again", GRPC_OK, "again\n");
}

static void other_loops_can_wait(void **state)
{
	struct asked a;
	struct pollfd p;
	int ms;

	grpc_wait(g, &p, &ms);
	assert_int_equal(ms, -1);
	ask_for(&a, "ok:polled");
	grpc_start(g, &a.call);
	while (!a.call.done) {
		grpc_wait(g, &p, &ms);
		poll(&p, 1, ms);
		grpc_step(g, 0);
	}
	assert_string_equal(a.got.buf, "polled\n");
	release(&a);
}

static void closing_ends_calls(void **state)
{
	struct asked a;

	ask_for(&a, "silent");
	grpc_start(g, &a.call);
	grpc_close(steal_ptr(g));
	assert_true(a.call.done);
	assert_int_equal(a.call.status, GRPC_CANCELLED);
	release(&a);
	assert_int_equal(connection(state), 0);
}

/* A port on which nobody listens, or LISTENS and nobody answers. */
static int port_alone(bool listens, char *ret_url, size_t size)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(listens ? listen(fd, 4) : 0, 0);
	snprintf(ret_url, size, "grpc://127.0.0.1:%d", ntohs(a.sin_port));
	return fd;
}

static void nobody_is_there(void **state)
{
	struct err *err = NULL;
	struct grpc *alone;
	struct asked a;
	char url[64];
	int fd = port_alone(false, url, sizeof(url));

	assert_int_equal(grpc_open(url, &nobody, &alone, &err), 0);
	ask_for(&a, "ok:");
	assert_int_equal(grpc_perform(alone, &a.call), GRPC_UNAVAILABLE);
	assert_non_null(strstr(a.call.text, "Connection refused"));
	assert_false(grpc_known(alone));
	assert_false(grpc_lasting(alone));
	grpc_close(alone);
	release(&a);
	close(fd);
}

static void nobody_answers(void **state)
{
	struct err *err = NULL;
	struct grpc *alone;
	struct asked a;
	char url[64];
	int fd = port_alone(true, url, sizeof(url));

	assert_int_equal(grpc_open(url, &nobody, &alone, &err), 0);
	ask_for(&a, "ok:");
	a.call.limit_ms = 200;
	assert_int_equal(grpc_perform(alone, &a.call), GRPC_UNAVAILABLE);
	assert_false(grpc_known(alone));
	grpc_close(alone);
	release(&a);
	close(fd);
}

static void urls_are_looked_at(void **state)
{
	static const char *const wrong[] = {"grpc://", "grpc://:80", "grpc://h:1/path"};
	struct remote_access token = {.token = "s3cr3t"};
	struct grpc *ret;

	for (size_t i = 0; i < array_len(wrong); i++) {
		struct err *err cleanup_err = NULL;

		assert_int_equal(grpc_open(wrong[i], &nobody, &ret, &err), -1);
		assert_ptr_equal(err->code, E_REMOTE_URL);
	}
	struct err *err cleanup_err = NULL;

	assert_int_equal(grpc_open("grpc://h.example:1", &token, &ret, &err), -1);
	assert_null(strstr(err->text, "s3cr3t"));
	assert_non_null(strstr(err->text, "in clear"));
	err_free(steal_ptr(err));
	assert_int_equal(grpc_open("grpc://[::1]:1", &token, &ret, &err), 0);
	assert_string_equal(grpc_peer(ret), "[::1]:1");
	grpc_close(ret);
}

static void proxies_spare_hosts(void **state)
{
	assert_true(dial_spared("*", "a.example"));
	assert_true(dial_spared("x, a.example", "a.example"));
	assert_true(dial_spared(".example", "a.example"));
	assert_true(dial_spared("Example", "a.example"));
	assert_false(dial_spared("ample", "a.example"));
	assert_false(dial_spared("a.example", "b.a.example.org"));
	assert_false(dial_spared("", "a.example"));
	assert_false(dial_spared(",", "a.example"));
}

static void pauses_grow(void **state)
{
	struct retry r = {0};
	int base = 100, total = 0;

	for (unsigned i = 1; i < RETRY_TRIES; i++) {
		int ms = retry_pause(&r, true);

		assert_in_range(ms, base, base + base / 2);
		base *= 2;
		total += ms;
	}
	assert_int_equal(retry_pause(&r, true), -1);
	assert_in_range(total, 12700, 19050);
	r = (struct retry){0};
	for (total = 0; (base = retry_pause(&r, false)) >= 0; total++)
		r.since_ms -= (uint64_t)base; /* as if it had passed */
	assert_in_range(total, 2, 4);
}

static void a_breaker_lets_one_probe(void **state)
{
	struct breaker b = {0};

	assert_true(breaker_lets(&b));
	assert_true(breaker_failed(&b));
	assert_false(breaker_failed(&b));
	assert_false(breaker_lets(&b));
	b.until_ms = clock_ms();
	assert_true(breaker_lets(&b));
	assert_false(breaker_lets(&b));
	breaker_answered(&b);
	assert_true(breaker_lets(&b));
	assert_true(breaker_lets(&b));
}

#define CALL_TEST(f) cmocka_unit_test_setup_teardown(f, connection, disconnection)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CALL_TEST(one_connection_carries_calls),
		CALL_TEST(messages_may_start_calls),
		CALL_TEST(calls_run_at_once),
		CALL_TEST(large_requests_go_out),
		CALL_TEST(servers_say_what_is_wrong),
		CALL_TEST(what_no_server_should_send_is_refused),
		CALL_TEST(a_flood_has_an_end),
		CALL_TEST(messages_have_the_size_that_is_asked_for),
		CALL_TEST(who_takes_messages_may_stop),
		CALL_TEST(going_away_loses_nothing),
		CALL_TEST(silence_has_an_end),
		CALL_TEST(a_dead_server_is_found_out),
		CALL_TEST(a_server_is_not_asked_more_often_than_it_likes),
		CALL_TEST(other_loops_can_wait),
		CALL_TEST(closing_ends_calls),
		cmocka_unit_test(nobody_is_there),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(urls_are_looked_at),
		cmocka_unit_test(proxies_spare_hosts),
		cmocka_unit_test(pauses_grow),
		cmocka_unit_test(a_breaker_lets_one_probe),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
