/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The helper's own processes: helper.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "remote/helper_wire.h"
#include "remote/left.h"
#include "remote/share.h"

#define SOCK 0
/* So long a farm that does not answer is not asked again. */
#define FARM_OFF_MS 30000
/* Bytes between two words of a transfer that goes on. */
#define TELL_BYTES (1024u * 1024)

struct lane {
	struct share *share; /* NULL: it cannot be used, see ERR */
	struct err *err;
	const struct remote_config *config;
	struct share *farm; /* the place that was asked last for what a farm keeps, or NULL */
	char *farm_url;
	char *farm_why; /* it does not answer, until FARM_UNTIL */
	uint64_t farm_until;
	const char *store;
	uint64_t id;    /* of the request that is served */
	uint64_t moved; /* since something was said */
};

static void reply(const struct helper_reply *r)
{
	struct str packet cleanup_str = STR_INIT;

	helper_reply_put(&packet, r);
	if (packet.len > HELPER_PACKET_MAX || helper_send(SOCK, &packet) < 0)
		_exit(1); /* nobody listens */
}

static void on_warning(void *arg, const char *text)
{
	const struct lane *l = arg;

	reply(&(struct helper_reply){.type = HELPER_WARNING, .id = l->id, .text = text});
}

static void on_bytes(void *arg, uint64_t bytes)
{
	struct lane *l = arg;

	l->moved += bytes;
	if (l->moved < TELL_BYTES)
		return;
	reply(&(struct helper_reply){.type = HELPER_MOVED, .id = l->id, .bytes = l->moved});
	l->moved = 0;
}

/* What RC, of a call of share.h, and its error or reason mean. */
static void end(struct lane *l, int rc, enum helper_answer good, enum helper_answer no,
		const char *why, struct err *err)
{
	struct helper_reply r = {.type = rc == 0 ? good : no, .id = l->id, .text = why};

	if (rc < 0) {
		r.type = HELPER_FAILED;
		r.text = err->text;
		r.code = err->code;
	}
	r.bytes = l->moved;
	l->moved = 0;
	reply(&r);
	err_free(err);
}

static void tell_record(uint64_t id, const struct result *r, struct arena *arena)
{
	struct helper_reply answer = {.type = HELPER_RECORD, .id = id, .by = r->host};

	result_to_record(r, "", NULL, arena, &answer.record);
	answer.moves = arena_alloc(arena, (r->output_count + 1) * sizeof(*answer.moves));
	for (size_t i = 0; i < r->output_count; i++)
		answer.moves[i] = r->outputs[i].bytes;
	reply(&answer);
}

static void answer(struct lane *l, uint64_t id, struct share_question *q, struct arena *arena)
{
	l->id = id;
	l->moved = 0;
	if (q->rc == 0)
		tell_record(id, q->result, arena);
	else
		end(l, q->rc, HELPER_MISS, HELPER_MISS, q->why, steal_ptr(q->err));
	share_question_release(q);
}

static void serve_asks(struct lane *l, const struct helper_request *asks, size_t n,
		       struct arena *arena)
{
	struct share_question *q cleanup_free = xcalloc(n, sizeof(*q));

	for (size_t i = 0; i < n; i++)
		q[i] = (struct share_question){.key = asks[i].key,
					       .manifest_size = asks[i].manifest_size,
					       .wanted = asks[i].artifacts,
					       .count = asks[i].count};
	share_results_get(l->share, q, n, arena);
	for (size_t i = 0; i < n; i++)
		answer(l, asks[i].id, &q[i], arena);
}

/* The output of R that is A, or NULL. */
static const struct result_output *find_output(const struct result *r, const struct artifact *a)
{
	for (size_t i = 0; i < r->output_count; i++) {
		const struct result_output *o = &r->outputs[i];

		if (str_eq(o->artifact.name, a->name) && o->artifact.type == a->type &&
		    o->artifact.size == a->size && digest_eq(&o->artifact.digest, &a->digest))
			return o;
	}
	return NULL;
}

/* The place URL, where a farm keeps things. */
static int open_farm(struct lane *l, const char *url, struct err **err)
{
	if (l->farm && str_eq(l->farm_url, url))
		return 0;
	share_close(steal_ptr(l->farm));
	free(steal_ptr(l->farm_why));
	free(l->farm_url);
	l->farm_url = xstrdup(url);
	if (share_open_place(l->config, url, l->store, &l->farm, err) < 0)
		return -1;
	share_on_warning(l->farm, on_warning, l);
	share_on_bytes(l->farm, on_bytes, l);
	return 0;
}

/* It does not answer: whoever asks next is told so at once. */
static int farm_is_off(struct lane *l, struct err *err, char **ret_why)
{
	free(l->farm_why);
	l->farm_why = xstrdup(err->text);
	l->farm_until = clock_ms() + FARM_OFF_MS;
	free(*ret_why);
	*ret_why = xstrdup(err->text);
	err_free(err);
	return 1;
}

/* What a farm keeps. 0; 1 it cannot be had, whatever the reason. */
static int fetch_left(struct lane *l, const struct helper_request *q, struct arena *arena,
		      char **ret_why)
{
	const struct artifact *a = &q->artifacts[q->output];
	const struct left_output *o;
	struct err *err = NULL;
	struct left left;
	int rc;

	if (left_load(l->store, &q->key, arena, &left) != 0 || !(o = left_find(&left, a)))
		return 1;
	if (open_farm(l, left.place, &err) < 0)
		return farm_is_off(l, err, ret_why);
	if (l->farm_why && clock_ms() < l->farm_until) {
		*ret_why = xstrdup(l->farm_why);
		return 1;
	}
	rc = share_fetch(l->farm, &o->result, q->artifacts + q->output_count,
			 q->count - q->output_count, ret_why, &err);
	return rc < 0 ? farm_is_off(l, err, ret_why) : rc;
}

/* The record may be another by now, and so may what it names. */
static int fetch_shared(struct lane *l, const struct helper_request *q, struct arena *arena,
			char **ret_why, struct err **err)
{
	const struct result_output *o = NULL;
	struct result *r;
	int rc;

	rc = share_result_get(l->share, &q->key, q->manifest_size, q->artifacts, q->output_count,
			      arena, &r, ret_why, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		o = find_output(r, &q->artifacts[q->output]);
	if (!o) {
		if (!*ret_why)
			*ret_why = xstrdup("the cache has no such result any more");
		return 1;
	}
	free(*ret_why);
	return share_fetch(l->share, o, q->artifacts + q->output_count, q->count - q->output_count,
			   ret_why, err);
}

/* From the farm that keeps it, else from the caches. What the farm says is why it is lost. */
static int fetch(struct lane *l, const struct helper_request *q, struct arena *arena,
		 char **ret_why, struct err **err)
{
	char *cache cleanup_free = NULL;
	int rc;

	if (fetch_left(l, q, arena, ret_why) == 0)
		return 0;
	if (l->share && !*ret_why)
		return fetch_shared(l, q, arena, ret_why, err);
	rc = l->share ? fetch_shared(l, q, arena, &cache, err) : 1;
	if (rc < 0)
		err_free(steal_ptr(*err));
	if (!*ret_why)
		*ret_why = xstrdup("nobody keeps it any more");
	return rc == 0 ? 0 : 1;
}

static void serve_fetch(struct lane *l, const struct helper_request *q, struct arena *arena)
{
	char *why cleanup_free = NULL;
	struct err *err = NULL;
	int rc = fetch(l, q, arena, &why, &err);

	end(l, rc, HELPER_FETCHED, HELPER_LOST, why, err);
}

static int push(const struct lane *l, const struct helper_request *q, struct arena *arena,
		char **ret_why, struct err **err)
{
	const struct share_push_opts opts = {.repair = q->output != 0};
	enum share_pushed how;
	struct record *rec;

	if (store_record_peek(l->store, &q->key, arena, &rec) != 0)
		return err_set(err, E_NO_RESULT, "its record is no longer in the store");
	return share_push(l->share, rec, &opts, &how, ret_why, err);
}

static void serve_push(struct lane *l, const struct helper_request *q, struct arena *arena)
{
	char *why cleanup_free = NULL;
	struct err *err = NULL;
	int rc = push(l, q, arena, &why, &err);

	end(l, rc, HELPER_PUSHED, HELPER_PUSHED, why, err);
}

/* The requests of a packet: one, or several questions. Their number. */
static size_t read_requests(struct arena *arena, const char *data, size_t len,
			    struct helper_request *ret)
{
	const char *end = data + len;
	struct err *err = NULL;
	size_t n = 0;

	for (const char *p = data; p < end; n++) {
		const char *border = memmem(p, (size_t)(end - p), "\n\n", 2);
		const char *stop = border ? border + 1 : end;

		if (n == HELPER_QUESTIONS_MAX ||
		    helper_request_read(arena, p, (size_t)(stop - p), &ret[n], &err) < 0 ||
		    (n && ret[n].verb != HELPER_ASK)) {
			fprintf(stderr, "orch: %s\n", err ? err->text : "too many requests");
			_exit(1);
		}
		p = border ? border + 2 : end;
	}
	return n;
}

static void fail_all(const struct lane *l, const struct helper_request *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		reply(&(struct helper_reply){.type = HELPER_FAILED,
					     .id = q[i].id,
					     .code = l->err->code,
					     .text = l->err->text});
}

static void serve(struct lane *l, const char *data, size_t len)
{
	struct arena *arena cleanup_arena = arena_new();
	struct helper_request q[HELPER_QUESTIONS_MAX];
	size_t n = read_requests(arena, data, len, q);

	l->id = q[0].id;
	if (!l->share && q[0].verb != HELPER_FETCH)
		fail_all(l, q, n);
	else if (q[0].verb == HELPER_ASK)
		serve_asks(l, q, n, arena);
	else if (q[0].verb == HELPER_FETCH)
		serve_fetch(l, q, arena);
	else
		serve_push(l, q, arena);
}

static void run_lane(const struct remote_config *c, const char *store, pid_t parent)
{
	static char packet[HELPER_PACKET_MAX + 1];
	struct lane l = {.store = store, .config = c};
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	if (share_open(c, store, &l.share, &l.err) == 0) {
		share_on_warning(l.share, on_warning, &l);
		share_on_bytes(l.share, on_bytes, &l);
	}
	while ((n = helper_receive(SOCK, packet)) > 0)
		serve(&l, packet, (size_t)n);
	share_close(l.share);
	share_close(l.farm);
	free(l.farm_url);
	free(l.farm_why);
	err_free(l.err);
}

static int start_lane(const struct remote_config *c, const char *store)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		run_lane(c, store, parent);
		exit(0);
	}
	return pid < 0 ? -1 : 0;
}

int helper_serve(const struct remote_config *c, const char *store, const char *build)
{
	struct str hello cleanup_str = STR_INIT;
	int status = 0;

	prctl(PR_SET_NAME, "orch-helper");
	str_printf(&hello, "%s%s", HELPER_GREETING, build);
	if (helper_send(SOCK, &hello) < 0)
		return 127;
	for (unsigned i = 0; i < HELPER_LANES; i++) {
		if (start_lane(c, store) < 0) {
			perror("orch-helper");
			return 127;
		}
	}
	close(SOCK);
	/* All end when the socket closes. When one crashes, the others end with this process. */
	while (wait(&status) > 0 || errno == EINTR)
		if (status)
			return 1;
	return 0;
}
