/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "fake-share.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "remote/share.h"

struct share {
	const char *place, *store;
	void (*moved)(void *arg, uint64_t bytes);
	void *moved_arg;
};

static char *of(const char *name)
{
	return path_join(getenv("FAKE_SHARE"), name);
}

static void read_text(const char *name, struct str *ret)
{
	char *path cleanup_free = of(name);
	struct err *ignored cleanup_err = NULL;

	(void)!file_read(path, 65536, ret, &ignored);
}

static unsigned count(const struct str *calls, char letter)
{
	unsigned n = 0;

	for (size_t i = 0; i < calls->len; i++)
		n += calls->buf[i] == letter;
	return n;
}

/* Notes the call: which one of its letter it is. */
static unsigned note(char letter)
{
	char *path cleanup_free = of("calls");
	struct str calls cleanup_str = STR_INIT;
	int fd cleanup_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || flock(fd, LOCK_EX) < 0 || write(fd, &letter, 1) != 1)
		abort();
	read_text("calls", &calls);
	return count(&calls, letter);
}

/* 0; 1 it is lost; -1. */
static int go_wrong(char letter, struct err **err)
{
	unsigned now = note(letter), nth;
	struct str fault cleanup_str = STR_INIT;
	char which, how[32];

	read_text("fault", &fault);
	if (sscanf(fault.buf, "%c%u %31s", &which, &nth, how) != 3 || which != letter ||
	    (nth && nth != now))
		return 0;
	if (str_eq(how, "crash"))
		raise(SIGKILL);
	while (str_eq(how, "hang"))
		pause();
	if (str_eq(how, "lost"))
		return 1;
	if (str_eq(how, "full"))
		return err_set(err, E_DISK_FULL, "no space left");
	if (str_eq(how, "refused"))
		return err_set(err, E_REMOTE_REFUSED, "the cache says no");
	return err_set(err, E_REMOTE_UNREACHABLE, "the cache does not answer");
}

int share_open(const struct remote_config *c, const char *store_dir, struct share **ret,
	       struct err **err)
{
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->place = getenv("FAKE_SHARE");
	(*ret)->store = store_dir;
	return 0;
}

int share_open_place(const struct remote_config *c, const char *url, const char *store_dir,
		     struct share **ret, struct err **err)
{
	return share_open(c, store_dir, ret, err);
}

void share_close(struct share *s)
{
	free(s);
}

void share_on_warning(struct share *s, void (*warn)(void *arg, const char *text), void *arg)
{
}

void share_on_bytes(struct share *s, void (*moved)(void *arg, uint64_t bytes), void *arg)
{
	s->moved = moved;
	s->moved_arg = arg;
}

int share_result_get(struct share *s, const struct digest *key, size_t manifest_size,
		     const struct artifact *wanted, size_t n, struct arena *arena,
		     struct result **ret, char **ret_why, struct err **err)
{
	struct record *rec;
	struct result *r = arena_alloc(arena, sizeof(*r));
	int rc = go_wrong('a', err);

	if (rc != 0)
		return rc;
	if (store_record_peek(s->place, key, arena, &rec) != 0)
		return 1;
	*r = (struct result){.key = *key,
			     .node = rec->node,
			     .seconds = rec->seconds,
			     .host = "farm",
			     .output_count = rec->output_count};
	r->outputs = arena_alloc(arena, rec->output_count * sizeof(*r->outputs));
	for (size_t i = 0; i < rec->output_count; i++)
		r->outputs[i] = (struct result_output){.artifact = rec->outputs[i],
						       .bytes = rec->outputs[i].size};
	*ret = r;
	return 0;
}

void share_results_get(struct share *s, struct share_question *q, size_t n, struct arena *arena)
{
	for (size_t i = 0; i < n; i++)
		q[i].rc = share_result_get(s, &q[i].key, q[i].manifest_size, q[i].wanted,
					   q[i].count, arena, &q[i].result, &q[i].why, &q[i].err);
}

void share_question_release(struct share_question *q)
{
	free(steal_ptr(q->why));
	err_free(steal_ptr(q->err));
}

void result_to_record(const struct result *r, const char *manifest, const struct digest *log,
		      struct arena *arena, struct record *ret)
{
	*ret = (struct record){.key = r->key,
			       .node = r->node,
			       .manifest = manifest,
			       .seconds = r->seconds,
			       .output_count = r->output_count};
	ret->outputs = arena_alloc(arena, r->output_count * sizeof(*ret->outputs));
	for (size_t i = 0; i < r->output_count; i++)
		ret->outputs[i] = r->outputs[i].artifact;
}

int share_fetch(struct share *s, const struct result_output *o, const struct artifact *near,
		size_t near_count, char **ret_why, struct err **err)
{
	const struct artifact *a = &o->artifact;
	char *from cleanup_free = cas_path(s->place, a->type, &a->digest);
	char *to cleanup_free = xasprintf("%s/tmp/fetch.%d", s->store, (int)getpid());
	struct artifact got = {.name = a->name};
	int rc = go_wrong('f', err);

	*ret_why = rc > 0 || !path_exists(from) ? xstrdup("it was evicted") : NULL;
	if (rc < 0 || *ret_why)
		return rc < 0 ? -1 : 1;
	s->moved(s->moved_arg, a->size);
	return file_copy(from, to, 0644, err) < 0 ||
			       cas_ingest(s->store, to, a->type, &got, NULL, err) < 0
		       ? -1
		       : 0;
}

static int copy_in(const char *from, const char *to, struct err **err)
{
	char *dir cleanup_free = path_dir(to);

	return path_mkdirs(dir, err) < 0 || path_exists(to) ? 0 : file_copy(from, to, 0644, err);
}

int share_push(struct share *s, const struct record *rec, const struct share_push_opts *opts,
	       enum share_pushed *ret, char **ret_why, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *from cleanup_free = NULL, *to cleanup_free = NULL;

	if (go_wrong('p', err) < 0)
		return -1;
	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];
		char *blob cleanup_free = cas_path(s->store, a->type, &a->digest);
		char *copy cleanup_free = cas_path(s->place, a->type, &a->digest);

		if (copy_in(blob, copy, err) < 0)
			return -1;
	}
	digest_hex(&rec->key, hex);
	from = xasprintf("%s/records/%.2s/%s", s->store, hex, hex + 2);
	to = xasprintf("%s/records/%.2s/%s", s->place, hex, hex + 2);
	*ret = SHARE_PUSHED;
	return copy_in(from, to, err);
}

void fake_share_open(void)
{
	struct err *err = NULL;
	char *dir cleanup_free = NULL;

	if (tmp_dir("/tmp", "orch-share", &dir, &err) < 0)
		abort();
	setenv("FAKE_SHARE", dir, 1);
}

void fake_share_close(void)
{
	struct err *ignored cleanup_err = NULL;

	(void)!path_remove(getenv("FAKE_SHARE"), &ignored);
	unsetenv("FAKE_SHARE");
}

void fake_share_fault(const char *fault)
{
	char *file cleanup_free = of("fault"), *calls cleanup_free = of("calls");
	struct err *err cleanup_err = NULL;

	unlink(calls);
	assert_int_equal(
		file_write(file, fault ? fault : "", fault ? strlen(fault) : 0, 0644, false, &err),
		0);
}

unsigned fake_share_calls(char letter)
{
	struct str calls cleanup_str = STR_INIT;

	read_text("calls", &calls);
	return count(&calls, letter);
}

void fake_share_evict(const char *what)
{
	char *path cleanup_free = of(what);
	struct err *err cleanup_err = NULL;

	assert_int_equal(path_remove(path, &err), 0);
}
