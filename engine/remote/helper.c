/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/proc.h"
#include "base/trace.h"
#include "base/vec.h"
#include "remote/helper_wire.h"

/* So many questions are not worth another lane. */
#define QUESTIONS_LEAST 8

/* Packets that wait for their turn: FIRST is the next one. */
struct waiting {
	struct strv packets;
	size_t first;
	size_t under_way, most; /* sent and not answered, and how many may be */
};

struct helper {
	struct helper_opts o;
	pid_t pid;
	int sock;
	bool ready; /* it has greeted */
	struct waiting queues[HELPER_VERBS];
	char packet[HELPER_PACKET_MAX + 1];
};

static int start_program(struct helper *h, int theirs, struct err **err)
{
	const struct helper_opts *o = &h->o;
	char *const argv[] = {
		(char *)o->program,          "remote", (char *)o->build, (char *)o->store,
		o->write ? "write" : "read", NULL};

	return proc_start(argv, &(struct proc_opts){.in = theirs}, &h->pid, err);
}

int helper_open(const struct helper_opts *o, struct helper **ret, struct err **err)
{
	struct helper *h;
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the cache's helper");
	h = xcalloc(1, sizeof(*h));
	h->o = *o;
	h->sock = fds[0];
	h->queues[HELPER_ASK].most = SIZE_MAX;
	h->queues[HELPER_FETCH].most = 3;
	h->queues[HELPER_PUSH].most = 2;
	rc = fcntl(h->sock, F_SETFL, O_NONBLOCK) < 0
		     ? err_errno(err, E_INTERNAL, errno, "cannot start the cache's helper")
		     : start_program(h, fds[1], err);
	close(fds[1]);
	if (rc < 0) {
		helper_close(h);
		return err_wrap(err, "cannot start the cache's helper");
	}
	*ret = h;
	return 0;
}

void helper_close(struct helper *h)
{
	if (!h)
		return;
	close(h->sock);
	/* Idle lanes end by themselves, and are waited for: a container may have nobody else. */
	for (int i = 0; h->pid && i < 20; i++) {
		if (waitpid(h->pid, NULL, WNOHANG) != 0)
			h->pid = 0;
		else
			poll(NULL, 0, 10);
	}
	if (h->pid) {
		kill(h->pid, SIGKILL);
		while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (size_t i = 0; i < HELPER_VERBS; i++)
		strv_clear(&h->queues[i].packets);
	free(h);
}

pid_t helper_pid(const struct helper *h)
{
	return h->pid;
}

bool helper_ready(const struct helper *h)
{
	return h->ready;
}

int helper_fd(const struct helper *h)
{
	return h->sock;
}

/* The queue whose turn it is, or NULL. */
static struct waiting *next_queue(const struct helper *h)
{
	for (size_t i = 0; i < HELPER_VERBS; i++) {
		const struct waiting *w = &h->queues[i];

		if (w->first < w->packets.count && w->under_way < w->most)
			return (struct waiting *)w;
	}
	return NULL;
}

short helper_events(const struct helper *h)
{
	return (short)(POLLIN | (next_queue(h) ? POLLOUT : 0));
}

size_t helper_pending(const struct helper *h)
{
	size_t n = 0;

	for (size_t i = 0; i < HELPER_VERBS; i++)
		n += h->queues[i].packets.count - h->queues[i].first + h->queues[i].under_way;
	return n;
}

/* --- requests ------------------------------------------------------------------------------ */

/* In a request's id as it travels: its verb, so that the answer tells whose turn is over. */
#define ID_OF(verb, id) ((id) << 2 | (verb))

static void request(struct helper *h, struct helper_request *q)
{
	struct str text = STR_INIT;

	q->id = ID_OF(q->verb, q->id);
	helper_request_put(&text, q);
	strv_take(&h->queues[q->verb].packets, str_steal(&text));
}

void helper_ask(struct helper *h, uint64_t id, const struct digest *key, size_t manifest_size,
		const struct artifact *wanted, size_t count)
{
	request(h, &(struct helper_request){HELPER_ASK, id, *key, manifest_size,
					    (struct artifact *)wanted, count, count});
}

void helper_fetch(struct helper *h, uint64_t id, const struct record *rec, size_t output,
		  const struct artifact *near, size_t near_count)
{
	size_t count = rec->output_count;
	struct artifact *all cleanup_free = xcalloc(count + near_count + 1, sizeof(*all));

	for (size_t i = 0; i < count; i++)
		all[i] = rec->outputs[i];
	for (size_t i = 0; i < near_count; i++)
		all[count + i] = near[i];
	request(h, &(struct helper_request){HELPER_FETCH, id, rec->key, strlen(rec->manifest), all,
					    count + near_count, count, output});
}

void helper_push(struct helper *h, uint64_t id, const struct digest *key, bool repair)
{
	request(h, &(struct helper_request){
			   .verb = HELPER_PUSH, .id = id, .key = *key, .output = repair});
}

/* --- packets ------------------------------------------------------------------------------- */

/*
 * How many of what waits go into one packet. Questions are answered faster together, and faster
 * still by several lanes.
 */
static size_t packet_count(const struct helper *h, const struct waiting *w)
{
	size_t waiting = w->packets.count - w->first, n = 0, len = 0;
	size_t most = (waiting + HELPER_LANES - 1) / HELPER_LANES;

	if (w != &h->queues[HELPER_ASK])
		return 1;
	if (most < QUESTIONS_LEAST)
		most = QUESTIONS_LEAST;
	if (most > HELPER_QUESTIONS_MAX)
		most = HELPER_QUESTIONS_MAX;
	while (n < waiting && n < most) {
		len += strlen(w->packets.items[w->first + n]) + 1;
		if (n && len > HELPER_PACKET_MAX)
			break;
		n++;
	}
	return n;
}

static void forget_sent(struct waiting *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(steal_ptr(w->packets.items[w->first + i]));
	w->under_way += n;
	w->first += n;
	if (w->first == w->packets.count)
		w->first = w->packets.count = 0;
}

/* 0: sent, or there is no room now; -1. */
static int send_next(struct helper *h, struct waiting *w, bool *ret_full, struct err **err)
{
	struct str packet cleanup_str = STR_INIT;
	size_t n = packet_count(h, w);
	ssize_t sent;

	for (size_t i = 0; i < n; i++)
		str_printf(&packet, "%s%s", i ? "\n" : "", w->packets.items[w->first + i]);
	sent = send(h->sock, packet.buf, packet.len, MSG_NOSIGNAL);
	*ret_full = sent < 0 && (errno == EAGAIN || errno == EINTR);
	if (*ret_full)
		return 0;
	if (sent < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot write to the cache's helper");
	forget_sent(w, n);
	return 0;
}

static int send_all(struct helper *h, struct err **err)
{
	bool full = false;

	for (struct waiting *w; !full && (w = next_queue(h));)
		if (send_next(h, w, &full, err) < 0)
			return -1;
	return 0;
}

static int take_greeting(struct helper *h, struct err **err)
{
	const char *build = str_skip(h->packet, HELPER_GREETING);

	if (!build || !str_eq(build, h->o.build))
		return err_set(err, E_WORKER_PROGRAM,
			       "'%s' is of another build than this orch: install both together",
			       h->o.program);
	h->ready = true;
	return 0;
}

/* It has no more to say: how it ended. */
static int gone(struct helper *h, struct err **err)
{
	char *text cleanup_free = NULL;
	int status = 0;

	for (int i = 0; i < 100 && waitpid(h->pid, &status, WNOHANG) == 0; i++)
		poll(NULL, 0, 10);
	kill(h->pid, SIGKILL);
	h->pid = 0;
	text = proc_status_string(status);
	return err_set(err, E_CANNOT_START, "the cache's helper ended: it %s", text);
}

static int take_packet(struct helper *h, size_t len, struct arena *arena, helper_reply_fn *fn,
		       void *arg, struct err **err)
{
	struct helper_reply r;
	unsigned verb;

	if (!h->ready)
		return take_greeting(h, err);
	if (helper_reply_read(arena, h->packet, len, &r, err) < 0)
		return -1;
	verb = r.id & 3;
	r.id >>= 2;
	if (r.type != HELPER_WARNING && r.type != HELPER_MOVED) {
		if (verb >= HELPER_VERBS || !h->queues[verb].under_way)
			return err_set(err, E_INTERNAL,
				       "the cache's helper answers what nobody asked");
		h->queues[verb].under_way--;
	}
	fn(arg, &r);
	return 0;
}

int helper_io(struct helper *h, short revents, struct arena *arena, helper_reply_fn *fn, void *arg,
	      struct err **err)
{
	ssize_t n = 1;

	while (revents & ~POLLOUT && (n = helper_receive(h->sock, h->packet)) > 0)
		if (take_packet(h, (size_t)n, arena, fn, arg, err) < 0)
			return -1;
	if (n == 0)
		return gone(h, err);
	if (n < 0 && errno != EAGAIN)
		return err_errno(err, E_INTERNAL, errno, "cannot read from the cache's helper");
	return send_all(h, err);
}
