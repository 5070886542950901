/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>

#include "base/file.h"
#include "base/line.h"
#include "run/logpipe.h"
#include "run/pool.h"
#include "run/proto.h"
#include "run/queue.h"

static void words(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	static const char text[] = "a \"b \\\"c\\n\" d\nlast\n";
	const char *p = text, *end = text + sizeof(text) - 1;
	struct line w;

	assert_int_equal(line_read(arena, &p, end, &w), 0);
	assert_true(line_is(&w, "a", 3));
	assert_string_equal(w.items[1], "b \"c\n");
	assert_int_equal(line_read(arena, &p, end, &w), 0);
	assert_true(line_is(&w, "last", 1));
	assert_int_equal(line_read(arena, &p, end, &w), 1);
}

static void words_malformed(void **state)
{
	static const char *const bad[] = {"a",         "a  b\n",      " a\n",     "a \n",
					  "\n",        "\"a\n",       "\"a\"b\n", "a\"b\"\n",
					  "\"\\q\"\n", "\"\\x00\"\n", "a\tb\n"};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct arena *arena cleanup_arena = arena_new();
		const char *p = bad[i];
		struct line w;

		assert_int_equal(line_read(arena, &p, bad[i] + strlen(bad[i]), &w), -1);
		assert_ptr_equal(p, bad[i]);
	}
}

static void spec_fill(struct job_spec *s)
{
	*s = (struct job_spec){.store = "/s \"x\"",
			       .project_dir = "/p",
			       .outdir = "/o",
			       .workdir = "/w",
			       .cache_dir = "/c",
			       .cpus = 3,
			       .offline = true,
			       .owner = 77,
			       .began_ns = INT64_C(1764330000123456789),
			       .manifest = "orch-manifest 2\nkind x 1\n"};
	output_specs_push(&s->outputs, (struct output_spec){"a.img", OUTPUT_IMAGE});
	job_secrets_push(&s->secrets, (struct job_secret){"pki", "key", "/p/key"});
	artifacts_push(&s->hash, (struct artifact){"r:x", OUTPUT_TREE, {{1}}, 9, 8});
}

static void job_round_trip(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct job_spec in, back;

	spec_fill(&in);
	job_spec_write(&in, &out);
	assert_int_equal(job_spec_read(arena, out.buf, out.len, &back, &err), 0);
	assert_string_equal(back.store, in.store);
	assert_string_equal(back.manifest, in.manifest);
	assert_int_equal(back.cpus, 3);
	assert_true(back.offline);
	assert_int_equal(back.owner, 77);
	assert_true(back.began_ns == INT64_C(1764330000123456789));
	assert_int_equal(back.outputs.count, 1);
	assert_int_equal(back.outputs.items[0].type, OUTPUT_IMAGE);
	assert_string_equal(back.secrets.items[0].path, "/p/key");
	assert_int_equal(back.hash.count, 1);
	assert_int_equal(back.hash.items[0].type, OUTPUT_TREE);
	assert_true(back.hash.items[0].size == 9 && back.hash.items[0].digest.b[0] == 1);
	job_spec_clear(&back);
	/* a JOB that lacks a line is none */
	assert_int_equal(job_spec_read(arena, out.buf,
				       (size_t)(strstr(out.buf, "manifest") - out.buf), &back,
				       &err),
			 -1);
	assert_int_equal(err->code->cls, ERR_INTERNAL);
	job_spec_clear(&in);
}

/* One frame of F, which must be there. */
static struct frame next(struct frames *f)
{
	struct err *err cleanup_err = NULL;
	struct frame fr;

	assert_int_equal(frames_next(f, &fr, &err), 0);
	return fr;
}

static void small_frames(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct frames f = FRAMES_INIT;
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL, *e cleanup_err = NULL, *sent cleanup_err = NULL;
	struct artifact a = {.name = "x.img",
			     .type = OUTPUT_IMAGE,
			     .size = 1ull << 40,
			     .allocated = 9},
			b;
	struct frame fr;
	const char *text;
	int64_t since;
	struct job_progress p;

	digest_data("x", 1, &a.digest);
	err_set(&sent, E_FETCH_FAILED, "no '\x1b' way");
	sent->errnum = 5;
	sent->file = xstrdup("recipes/a.yaml");
	sent->line = 3;
	sent->col = 4;
	progress_put(&out, &(struct job_progress){-1, 1ull << 40, "half\nway"});
	warning_put(&out, "it \"ends\"\n");
	output_put(&out, &a);
	misused_put(&out, &a, 1764330000);
	result_put(&out, NULL);
	result_put(&out, sent);
	/* one byte at a time: a frame is only seen when it is whole */
	for (size_t i = 0; i < out.len; i++)
		frames_feed(&f, out.buf + i, 1);
	fr = next(&f);
	assert_int_equal(progress_read(arena, &fr, &p, &err), 0);
	assert_int_equal(p.percent, -1);
	assert_true(p.loaded == 1ull << 40);
	assert_string_equal(p.text, "half\nway");
	fr = next(&f);
	assert_int_equal(fr.type, FRAME_WARNING);
	assert_int_equal(warning_read(arena, &fr, &text, &err), 0);
	assert_string_equal(text, "it \"ends\"\n");
	fr = next(&f);
	assert_int_equal(output_read(arena, &fr, &b, &err), 0);
	assert_true(digest_eq(&a.digest, &b.digest));
	assert_int_equal(b.size, a.size);
	assert_int_equal(b.type, OUTPUT_IMAGE);
	fr = next(&f);
	assert_int_equal(fr.type, FRAME_MISUSED);
	assert_int_equal(misused_read(arena, &fr, &b, &since, &err), 0);
	assert_true(digest_eq(&a.digest, &b.digest) && since == 1764330000);
	fr = next(&f);
	assert_int_equal(result_read(arena, &fr, &e, &err), 0);
	assert_null(e);
	fr = next(&f);
	assert_int_equal(result_read(arena, &fr, &e, &err), 0);
	assert_ptr_equal(e->code, E_FETCH_FAILED);
	assert_int_equal(e->errnum, 5);
	assert_int_equal(e->line, 3);
	assert_string_equal(e->file, "recipes/a.yaml");
	assert_string_equal(e->text, "no '\x1b' way");
	assert_int_equal(frames_next(&f, &fr, &err), 1);
	frames_release(&f);
}

/* What a farm keeps: an output, and an input of the next node. */
static void left(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct artifact a = {.name = "b", .type = OUTPUT_TREE, .size = 7, .shared = true}, b;
	struct job_spec spec = {.store = "/s",
				.project_dir = "/p",
				.outdir = "/o",
				.workdir = "/w",
				.cache_dir = "/c",
				.manifest = "m\n",
				.farm = {.url = "grpc://f:1", .leave = true}},
			back;
	struct frames f = FRAMES_INIT;
	struct str out cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct frame fr;

	digest_data("x", 1, &a.digest);
	digest_data("key", 3, &spec.farm.key);
	output_put(&out, &a);
	a.shared = false;
	output_put(&out, &a);
	frames_feed(&f, out.buf, out.len);
	fr = next(&f);
	assert_int_equal(output_read(arena, &fr, &b, &err), 0);
	assert_true(b.shared && b.size == 7 && digest_eq(&a.digest, &b.digest));
	fr = next(&f);
	assert_int_equal(output_read(arena, &fr, &b, &err), 0);
	assert_false(b.shared);
	frames_release(&f);
	job_lefts_push(&spec.farm.left, (struct job_left){spec.farm.key, a});
	job_spec_write(&spec, &text);
	assert_int_equal(job_spec_read(arena, text.buf, text.len, &back, &err), 0);
	assert_true(back.farm.leave && digest_eq(&back.farm.key, &spec.farm.key));
	assert_int_equal(back.farm.left.count, 1);
	assert_true(digest_eq(&back.farm.left.items[0].key, &spec.farm.key));
	assert_string_equal(back.farm.left.items[0].artifact.name, "b");
	job_spec_clear(&back);
	job_spec_clear(&spec);
}

static void long_texts_are_cut(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct frames f = FRAMES_INIT;
	struct str out cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL, *sent cleanup_err = NULL, *e cleanup_err = NULL;
	const char *back;
	struct frame fr;
	struct job_progress p;

	for (size_t i = 0; i < FRAME_RESULT_MAX; i++)
		str_append(&text, "\x01\xc3\xa4");
	err_set(&sent, E_STEP_FAILED, "%s", text.buf);
	progress_put(&out, &(struct job_progress){7, UINT64_MAX, text.buf});
	warning_put(&out, text.buf);
	result_put(&out, sent);
	frames_feed(&f, out.buf, out.len);
	fr = next(&f);
	assert_int_equal(progress_read(arena, &fr, &p, &err), 0);
	assert_true(strlen(p.text) > 1000);
	fr = next(&f);
	assert_int_equal(warning_read(arena, &fr, &back, &err), 0);
	assert_true(strlen(back) > 1000);
	fr = next(&f);
	assert_int_equal(result_read(arena, &fr, &e, &err), 0);
	assert_string_equal(e->text, sent->text); /* which err_set() has shortened */
	frames_release(&f);
}

static void blobs(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct artifact a = {.name = "base:root.tar",
			     .type = OUTPUT_TREE,
			     .size = 7,
			     .allocated = 5},
			b;
	struct blob_state good = {.stamp = {1, 2, 3, -4, INT64_MAX}}, back;
	struct blob_state bad = {.stamp = {.ino = UINT64_MAX}, .why = "it \"is\" gone"};
	struct frames f = FRAMES_INIT;
	struct str out cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct frame fr;

	digest_data("x", 1, &a.digest);
	blob_put(&out, &a, &good);
	blob_put(&out, &a, &bad);
	frames_feed(&f, out.buf, out.len);
	fr = next(&f);
	assert_int_equal(fr.type, FRAME_HASHED);
	assert_int_equal(blob_read(arena, &fr, &b, &back, &err), 0);
	assert_true(blob_stamp_eq(&back.stamp, &good.stamp));
	assert_null(back.why);
	assert_string_equal(b.name, "base:root.tar");
	assert_true(b.type == OUTPUT_TREE && b.size == 7 && b.allocated == 5);
	assert_true(digest_eq(&a.digest, &b.digest));
	fr = next(&f);
	assert_int_equal(fr.type, FRAME_DAMAGED);
	assert_int_equal(blob_read(arena, &fr, &b, &back, &err), 0);
	assert_string_equal(back.why, "it \"is\" gone");
	assert_true(back.stamp.ino == UINT64_MAX);
	blob_state_clear(&back);
	frames_release(&f);
}

static void limits(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"of\x02\x00\x01\x20\x00\x00", 8}, /* PROGRESS of 8193 bytes */
		{"of\x01\x00\x01\x00\x00\x04", 8}, /* JOB over 64 MiB */
		{"of\x05\x00\xff\xff\xff\xff", 8},
		{"of\x0a\x00\x01\x00\x00\x00", 8}, /* OUTSIDE says nothing */
		{"of\x0b\x00\x00\x00\x00\x00", 8}, /* no such type */
		{"of\x00\x00\x00\x00\x00\x00", 8},
		{"of\x02\x01\x00\x00\x00\x00", 8},
		{"xf\x02\x00\x00\x00\x00\x00", 8},
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct frames f = FRAMES_INIT;
		struct err *err cleanup_err = NULL;
		struct frame fr;

		frames_feed(&f, bad[i].bytes, bad[i].len);
		assert_int_equal(frames_next(&f, &fr, &err), -1);
		assert_int_equal(err->code->cls, ERR_INTERNAL);
		frames_release(&f);
	}
}

/* Reads whatever frames are in F with every reader. */
static void read_any(struct frames *f)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err = NULL;
	struct blob_state state;
	struct job_spec spec;
	struct artifact a;
	struct frame fr;
	int64_t since;
	struct job_progress p;

	while (frames_next(f, &fr, &err) == 0) {
		struct err *e cleanup_err = NULL;

		if (job_spec_read(arena, fr.data, fr.len, &spec, &err) == 0)
			job_spec_clear(&spec);
		err_free(steal_ptr(err));
		(void)!progress_read(arena, &fr, &p, &err);
		err_free(steal_ptr(err));
		(void)!output_read(arena, &fr, &a, &err);
		err_free(steal_ptr(err));
		(void)!result_read(arena, &fr, &e, &err);
		err_free(steal_ptr(err));
		if (blob_read(arena, &fr, &a, &state, &err) == 0)
			blob_state_clear(&state);
		err_free(steal_ptr(err));
		(void)!misused_read(arena, &fr, &a, &since, &err);
		err_free(steal_ptr(err));
	}
	err_free(err);
}

/* Mutated frames are refused or read, never more than that; the sanitizers watch. */
static void fuzz(void **state)
{
	struct str good cleanup_str = STR_INIT, payload cleanup_str = STR_INIT;
	struct job_spec spec;
	unsigned seed = 1;

	spec_fill(&spec);
	job_spec_write(&spec, &payload);
	frame_put(&good, FRAME_JOB, &payload);
	progress_put(&good, &(struct job_progress){5, 6, "p"});
	output_put(&good, &(struct artifact){.name = "n"});
	misused_put(&good, &(struct artifact){.name = "n"}, 1764330000);
	result_put(&good, NULL);
	job_spec_clear(&spec);
	for (int round = 0; round < 20000; round++) {
		struct frames f = FRAMES_INIT;
		char *copy cleanup_free = xmemdup(good.buf, good.len);
		size_t len = good.len;

		for (unsigned n = 1 + (unsigned)rand_r(&seed) % 6; n; n--)
			copy[(size_t)rand_r(&seed) % len] = (char)rand_r(&seed);
		if (rand_r(&seed) % 4 == 0)
			len = (size_t)rand_r(&seed) % len;
		frames_feed(&f, copy, len);
		read_any(&f);
		frames_release(&f);
	}
}

static void flush_and_read(void **state)
{
	struct frames f = FRAMES_INIT;
	struct str out cleanup_str = STR_INIT, big cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct frame fr;
	int fds[2], rc;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	memset(str_reserve(&big, 3000000), 'x', 3000000);
	big.len = 3000000;
	frame_put(&out, FRAME_JOB, &big);
	/* more than a socket holds: several rounds */
	while ((rc = frames_next(&f, &fr, &err)) == 1) {
		assert_int_equal(frame_flush(&out, fds[0], &err), 0);
		assert_int_equal(frames_read(&f, fds[1], &err), 0);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(fr.len, big.len);
	assert_int_equal(out.len, 0);
	close(fds[1]);
	frame_put(&out, FRAME_ABORT, &(struct str)STR_INIT);
	assert_int_equal(frame_flush(&out, fds[0], &err), 1);
	assert_int_equal(frames_read(&f, fds[0], &err), 1);
	close(fds[0]);
	frames_release(&f);
}

static void pool_memory_is_hard(void **state)
{
	struct pool p;
	struct slot a, b, c;

	pool_init(&p, 4, 1000);
	pool_round(&p);
	assert_true(pool_take(&p, (struct demand){.memory_mb = 600}, &a));
	assert_false(pool_take(&p, (struct demand){.memory_mb = 500}, &b));
	/* 300 would fit now, and still beside the 500 that waits: 500 + 300 <= 1000 */
	assert_true(pool_take(&p, (struct demand){.memory_mb = 300}, &c));
	pool_give(&p, c);
	pool_give(&p, a);
	assert_int_equal(p.used_cpus, 0);
	assert_int_equal(p.used_memory, 0);
}

static void pool_big_one_is_not_starved(void **state)
{
	struct pool p;
	struct slot a, b, c;

	pool_init(&p, 4, 1000);
	pool_round(&p);
	assert_true(pool_take(&p, (struct demand){.memory_mb = 400}, &a));
	/*
	 * wants more than there is: counts as all, so it waits, and nobody with memory overtakes it
	 */
	assert_false(pool_take(&p, (struct demand){.memory_mb = 5000}, &b));
	assert_false(pool_take(&p, (struct demand){.memory_mb = 400}, &c));
	assert_true(pool_take(&p, (struct demand){0}, &c));
	pool_give(&p, a);
	pool_round(&p);
	assert_true(pool_take(&p, (struct demand){.memory_mb = 5000}, &b));
	assert_int_equal(b.memory_mb, 1000);
}

static void pool_cpus_are_soft(void **state)
{
	struct pool p;
	struct slot a, b, c;

	pool_init(&p, 2, 10);
	pool_round(&p);
	assert_true(pool_take(&p, (struct demand){.cpus = 1}, &a));
	assert_true(pool_take(&p, (struct demand){.cpus = 8}, &b));
	assert_int_equal(b.cpus, 2);
	assert_false(pool_take(&p, (struct demand){.cpus = 1}, &c));
	pool_init(&p, 0, 0);
	assert_true(p.cpus >= 1 && p.memory_mb >= 1);
}

static void queue_order(void **state)
{
	static const double paths[] = {1, 5, 3, 5, 0, 9, 2};
	struct node nodes[array_len(paths)] = {0}, *n, *last = NULL;
	struct queue q = {0};
	size_t count = 0;

	for (size_t i = 0; i < array_len(paths); i++) {
		nodes[i].critical = paths[i];
		nodes[i].index = i;
		queue_push(&q, &nodes[i]);
	}
	for (; (n = queue_pop(&q)); last = n, count++)
		assert_true(!last || last->critical > n->critical ||
			    (last->critical == n->critical && last->index < n->index));
	assert_int_equal(count, array_len(paths));
	queue_clear(&q);
}

/* What a pipe of SIZE bytes "0123..." leaves in the log with a head of HEAD. */
static char *through_log(size_t size, uint64_t head)
{
	char path[] = "/tmp/orch-log.XXXXXX";
	int fds[2], out = mkstemp(path);
	struct err *err cleanup_err = NULL;
	struct str s = STR_INIT;
	struct logpipe l;

	assert_true(out >= 0 && pipe2(fds, O_NONBLOCK) == 0);
	logpipe_init(&l, fds[0], out);
	l.head_max = head;
	for (size_t i = 0; i < size; i++) {
		char c = (char)('0' + i % 10);

		while (write(fds[1], &c, 1) != 1)
			assert_int_equal(logpipe_pump(&l), 0);
	}
	close(fds[1]);
	assert_int_equal(logpipe_pump(&l), 1);
	logpipe_finish(&l);
	assert_int_equal(file_read(path, 1 << 24, &s, &err), 0);
	close(fds[0]);
	close(out);
	unlink(path);
	return str_steal(&s);
}

static void log_cap(void **state)
{
	char *all cleanup_free = through_log(25, 100), *ring cleanup_free = through_log(25, 10);
	char *cut cleanup_free = through_log(LOG_TAIL + 25, 7);
	const char *note = "0123456\n[18 bytes left out here]\n";

	assert_string_equal(all, "0123456789012345678901234");
	assert_string_equal(ring, "0123456789012345678901234");
	assert_memory_equal(cut, note, strlen(note));
	assert_int_equal(strlen(cut), strlen(note) + LOG_TAIL);
	assert_int_equal(cut[strlen(note)], '5');
	assert_int_equal(cut[strlen(cut) - 1], '0' + (LOG_TAIL + 24) % 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(words_malformed),
		cmocka_unit_test(job_round_trip),
		cmocka_unit_test(small_frames),
		cmocka_unit_test(left),
		cmocka_unit_test(long_texts_are_cut),
		cmocka_unit_test(blobs),
		cmocka_unit_test(limits),
		cmocka_unit_test(fuzz),
		cmocka_unit_test(flush_and_read),
		cmocka_unit_test(pool_memory_is_hard),
		cmocka_unit_test(pool_big_one_is_not_starved),
		cmocka_unit_test(pool_cpus_are_soft),
		cmocka_unit_test(queue_order),
		cmocka_unit_test(log_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
