/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One loop: look nodes up in the store as they become ready (this may settle whole chains without a
 * process), start what fits, wait for workers and signals.
 *
 *	WAITING --> READY --> HIT                            consider(), settle_lookup()
 *	              |-----> ASKED, FETCHING                consider(), remote.h
 *	              |-----> RUNNING --> BUILT | FAILED     start(), finish()
 *	   users of FAILED: SKIPPED                          settle_failed()
 *
 * Looking up compares what stat(2) tells of the blobs. Their bytes are hashed by the worker of the
 * first node that uses them (store/blob.h); when it finds one damaged, nothing more is started, and
 * when all that runs has ended the loop begins again: settle_damages().
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dirseal.h"
#include "base/file.h"
#include "run/farm.h"
#include "run/keylock.h"
#include "run/remote.h"
#include "run/space.h"

#define LOCK_RETRY_MS 200
/* A manifest older than this is made again before its node starts: files may have been edited. */
#define MANIFEST_FRESH_MS 1500

/* Nothing is running. */
static int make_room(struct sched *d, const struct space *want, struct err **err)
{
	char *text cleanup_free = NULL;

	if (room_make(&d->room, d->g, d->s, want, &text, err) < 0)
		return -1;
	if (text)
		sched_tell(d, &(struct event){.type = EVENT_NOTE, .text = text});
	return 0;
}

/* ERR_RESOURCE when what is wanted does not fit, whatever is removed. */
static int check_space(struct sched *d, const struct space *want, struct err **err)
{
	char *most cleanup_free = NULL, *more cleanup_free = NULL;

	if (make_room(d, want, err) < 0)
		return -1;
	most = str_bytes(d->room.freed);
	if (d->room.others)
		more = xstrdup(", and nothing could be removed: another orch uses it");
	else if (d->room.freed)
		more = xasprintf(", and removing all that the build does not need would free %s",
				 most);
	return space_check(d->s, want, more ? more : "", err);
}

/*
 * Before the first worker starts: how long all that is left may take, and
 * whether there is room for it.
 */
static int estimate(struct sched *d, struct err **err)
{
	struct event ev = {.type = EVENT_ESTIMATE, .jobs = d->pool.cpus};
	struct space needed;
	double longest = 0;

	d->estimated = true;
	for (size_t i = 0; i < d->g->nodes.count; i++) {
		const struct node *n = d->g->nodes.items[i];

		if (!n->wanted || n->state > NODE_READY)
			continue;
		ev.total++;
		ev.unknown += n->guessed;
		ev.seconds += n->estimate;
		longest = n->critical > longest ? n->critical : longest;
	}
	ev.seconds /= d->pool.cpus;
	if (ev.seconds < longest)
		ev.seconds = longest;
	if (space_needed(d->g, d->s, &needed, err) < 0)
		return -1;
	ev.bytes = needed.known + needed.guessed;
	sched_tell(d, &ev);
	return check_space(d, &needed, err);
}

/* Why a node runs, as a sentence. Caller frees. */
static char *reason(struct sched *d, const struct node *n)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	struct changes changes = {0};
	const char *text;
	char *own;

	if (d->memory[n->index].outside)
		return xstrdup("it failed in a user namespace");
	if (d->memory[n->index].reruns)
		return xstrdup("an input changed while it ran");
	if (plan_reason(arena, d->s, n, &changes, &text, &err) < 0)
		text = err->text;
	own = xstrdup(text);
	changes_clear(&changes);
	return own;
}

static void run_job(struct sched *d, struct node *n, struct slot slot, int lock)
{
	char *why cleanup_free = reason(d, n);
	struct err *e = NULL;
	struct job *job;

	if (job_start(&d->env, n, slot, d->memory[n->index].outside, &job, &e) < 0) {
		pool_give(&d->pool, slot);
		keylock_drop(d->s, &n->key, &lock);
		settle_failed(d, n, NULL, e);
		return;
	}
	runnings_push(&d->running, (struct running){job, lock});
	node_set_state(d, n, NODE_RUNNING);
	sched_tell(d, &(struct event){.type = EVENT_NODE_START,
				      .node = n,
				      .text = why,
				      .log_path = job->log_path});
}

/*
 * N has its slot. 0: it runs, or is settled without; 1: another orch builds it now; -1. The
 * manifest of a node that waited for its turn is made again, and the store asked again: it may have
 * been built elsewhere meanwhile.
 */
static int start(struct sched *d, struct node *n, struct slot slot, struct err **err)
{
	int lock = -1, rc;

	if (clock_ms() - d->memory[n->index].made_ms > MANIFEST_FRESH_MS &&
	    sched_make_manifest(d, n)) {
		pool_give(&d->pool, slot);
		return 0;
	}
	rc = keylock_try(d->s, &n->key, &lock, err);
	if (rc == 0)
		rc = settle_lookup(d, n, err);
	else if (rc == 1)
		lock = -1;
	if (rc == 1 && lock >= 0) {
		run_job(d, n, slot, lock);
		return 0;
	}
	pool_give(&d->pool, slot);
	keylock_drop(d->s, &n->key, &lock);
	return rc;
}

/* Whether N has to wait until all that runs has ended, so that room can be made. */
static int needs_room(struct sched *d, const struct node *n, bool *ret, struct err **err)
{
	struct space want = {0};

	*ret = false;
	if (space_of_node(n, d->s, &want, err) < 0)
		return -1;
	if (!room_is_short(&d->room, d->s, &want))
		return 0;
	*ret = d->running.count > 0;
	return *ret ? 0 : make_room(d, &want, err);
}

/* Whether this run builds what N is, for another node. */
static bool runs_here(const struct sched *d, const struct node *n)
{
	for (size_t i = 0; i < d->running.count; i++)
		if (digest_eq(&d->running.items[i].job->node->key, &n->key))
			return true;
	return false;
}

static void say_waits(struct sched *d, struct node *n)
{
	struct err *e = NULL;

	if (runs_here(d, n))
		return;
	if (d->opts->no_wait) {
		err_set(&e, E_NODE_BUSY, "another orch builds this node now");
		settle_failed(d, n, NULL, e);
	} else if (!d->memory[n->index].waits) {
		d->memory[n->index].waits = true;
		sched_warn(d, n, "another orch builds this node now; waiting for it");
	}
}

/* Starts what fits, best first; what does not goes back into the queue. */
static int start_all(struct sched *d, struct err **err)
{
	struct nodes back = {0};
	struct node *n;
	bool waits = false;
	int rc = 0;

	if (!d->ready.heap.count || d->stopping || d->again)
		return 0;
	if (!d->estimated && (estimate(d, err) < 0 || spawner_ready(d->env.spawner, err) < 0))
		return -1;
	pool_round(&d->pool);
	while (rc >= 0 && !waits && !d->stopping && !pool_is_full(&d->pool) &&
	       (n = queue_pop(&d->ready))) {
		struct slot slot;
		bool here;

		if (n->state != NODE_READY)
			continue; /* settled meanwhile, or an input is made again */
		rc = remote_need(d, n, false, &here, err);
		if (rc < 0 || !here)
			continue;
		rc = needs_room(d, n, &waits, err);
		if (rc < 0 || waits) {
			nodes_push(&back, n);
			continue;
		}
		if (!sched_take_slot(d, n, &slot)) {
			nodes_push(&back, n);
			continue;
		}
		rc = start(d, n, slot, err);
		if (rc == 1) {
			say_waits(d, n);
			if (n->state == NODE_READY)
				nodes_push(&back, n);
		}
	}
	for (size_t i = 0; i < back.count; i++)
		queue_push(&d->ready, back.items[i]);
	nodes_clear(&back);
	return rc < 0 ? -1 : 0;
}

/* A failure that the full disk explains better than its own text does. */
static void blame_disk(struct sched *d, struct err *e)
{
	if (e->code->cls != ERR_BUILD || !space_is_out(d->s))
		return;
	e->code = E_DISK_FULL;
	err_wrap(&e, "no space left in '%s'", store_dir(d->s));
}

/* The worker of running[I] ended with STATUS. */
static void finish(struct sched *d, size_t i, int status)
{
	struct running r = d->running.items[i];
	struct job *j = r.job;
	struct node *n = j->node;
	struct digest key = n->key;
	struct err *e = NULL;
	int rc = settle_damages(d, j, job_reaped(j, status, &e), &e);

	d->running.items[i] = d->running.items[--d->running.count];
	pool_give(&d->pool, j->slot);
	if (rc == 0)
		sched_farm_answered(d, j);
	if (rc == 0)
		rc = settle_built(d, j, &e);
	if (rc == 0)
		room_add(&d->room, n->record);
	if (rc < 0 && e->code->cls == ERR_ENV && j->goes_outside) {
		d->memory[n->index].outside = true;
		rc = 1;
	}
	if (rc < 0 && sched_make_here(d, j, e))
		rc = 1;
	if (rc == 1 || (rc < 0 && e->code->cls == ERR_CANCEL)) {
		err_free(e);
		node_set_state(d, n, NODE_READY); /* once more, or skipped with all that is left */
	} else if (rc < 0) {
		blame_disk(d, e);
		job_log(j, true);
		settle_failed(d, n, j, e);
	}
	keylock_drop(d->s, &key, &r.lock);
	job_free(j);
}

/* Reaps workers that ended. What plain ones left behind is ours too. */
static void reap(struct sched *d)
{
	pid_t *keep cleanup_free = NULL;
	bool plain = false;

	for (size_t i = 0; i < d->running.count;) {
		int status;
		pid_t pid = d->running.items[i].job->pid;

		if (waitpid(pid, &status, WNOHANG) == pid) {
			plain = plain || d->running.items[i].job->mode == SPAWN_PLAIN;
			finish(d, i, status);
		} else {
			i++;
		}
	}
	if (!plain)
		return;
	keep = xreallocarray(NULL, d->running.count + 2, sizeof(*keep));
	for (size_t i = 0; i < d->running.count; i++)
		keep[i] = d->running.items[i].job->pid;
	keep[d->running.count] = spawner_pid(d->env.spawner);
	keep[d->running.count + 1] = remote_pid(d);
	spawn_kill_strays(keep, d->running.count + 2);
}

static void read_signals(struct sched *d)
{
	sched_take_signals(d);
	d->child_ended = false;
	reap(d);
}

/* Milliseconds until something is due without an event. */
static int next_due(struct sched *d)
{
	int wait = sched_next_tick(d), due = remote_due(d);

	if (d->child_ended)
		return 0;
	if (due >= 0 && (wait < 0 || due < wait))
		wait = due;
	if (d->ready.heap.count && !d->stopping && !d->again && (wait < 0 || wait > LOCK_RETRY_MS))
		wait = LOCK_RETRY_MS;
	return wait;
}

static int wait_events(struct sched *d, struct err **err)
{
	size_t count = d->running.count;
	struct pollfd *p cleanup_free = xcalloc(count + 2, sizeof(*p));

	p[count] = (struct pollfd){.fd = d->signals, .events = POLLIN};
	remote_poll(d, &p[count + 1]);
	for (size_t i = 0; i < count; i++) {
		const struct job *j = d->running.items[i].job;

		p[i] = (struct pollfd){.fd = j->sock, .events = job_events(j)};
	}
	if (poll(p, count + 2, next_due(d)) < 0 && errno != EINTR)
		return err_errno(err, E_INTERNAL, errno, "cannot wait for workers");
	for (size_t i = 0; i < count; i++) {
		if (p[i].revents || d->running.items[i].job->in_ended)
			job_io(d->running.items[i].job, p[i].revents);
	}
	if (p[count].revents || d->child_ended)
		read_signals(d);
	sched_tick(d);
	if (remote_io(d, p[count + 1].revents, err) < 0)
		return -1;
	remote_tick(d);
	return 0;
}

/* Distinct wanted inputs; those without any are ready. What failed or was skipped stays that. */
static void count_inputs(struct sched *d)
{
	d->wanted = d->result->built = d->result->cached = d->asked = 0;
	for (size_t i = 0; i < d->g->nodes.count; i++) {
		struct node *n = d->g->nodes.items[i];

		n->nblock = 0;
		d->wanted += n->wanted;
		if (d->starts && (n->state == NODE_FAILED || n->state == NODE_SKIPPED))
			continue;
		n->state = NODE_WAITING;
		n->record = NULL;
	}
	for (size_t i = 0; i < d->g->nodes.count; i++) {
		const struct node *n = d->g->nodes.items[i];

		for (size_t u = 0; n->wanted && u < n->users.count; u++)
			n->users.items[u]->nblock++;
	}
	for (size_t i = d->g->order.count; i-- > 0;) {
		struct node *n = d->g->order.items[i];

		if (n->wanted && n->state == NODE_WAITING && !n->nblock)
			node_set_state(d, n, NODE_READY);
	}
}

static void start_again(struct sched *d)
{
	d->again = false;
	d->starts++;
	d->fresh.count = 0;
	queue_clear(&d->ready);
	count_inputs(d);
}

/* Nothing is to do, but perhaps to bring here what was asked for. */
static int is_done(struct sched *d, bool *ret, struct err **err)
{
	*ret = d->stopping;
	if (d->stopping || d->ready.heap.count || remote_busy(d))
		return 0;
	return remote_need_outputs(d, ret, err);
}

static int loop(struct sched *d, struct err **err)
{
	bool done;

	for (;;) {
		if (sched_consider_all(d, err) < 0 || start_all(d, err) < 0)
			return -1;
		if (d->again && !d->stopping && !d->running.count)
			start_again(d);
		if (d->fresh.count && !d->stopping && !d->again)
			continue; /* a hit under start() readied more */
		if (!d->running.count) {
			if (is_done(d, &done, err) < 0)
				return -1;
			if (done)
				return 0;
			if (d->fresh.count)
				continue; /* what could not be fetched is made */
		}
		if (wait_events(d, err) < 0)
			return -1;
	}
}

static void skip_rest(struct sched *d)
{
	const char *text = d->result->signal ? "stopped by a signal" : "stopped after a failure";

	for (size_t i = 0; i < d->g->order.count; i++) {
		struct node *n = d->g->order.items[i];

		if (!n->wanted || n->state > NODE_READY)
			continue;
		node_set_state(d, n, NODE_SKIPPED);
		sched_tell(d, &(struct event){.type = EVENT_NODE_SKIPPED, .node = n, .text = text});
	}
}

/* The run cannot go on: nothing may be left behind. */
static void kill_all(struct sched *d)
{
	sched_abort_all(d, true);
	while (d->running.count) {
		struct running r = d->running.items[--d->running.count];

		while (waitpid(r.job->pid, NULL, 0) < 0 && errno == EINTR)
			;
		keylock_drop(d->s, &r.job->node->key, &r.lock);
		job_free(r.job);
	}
}

struct signals {
	sigset_t mask;
	struct sigaction pipe, child;
};

/* Signals become events. SIGHUP stays ignored where it was (nohup). */
static int catch_signals(struct sched *d, struct signals *saved, struct err **err)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, normal = {.sa_handler = SIG_DFL}, hup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigaction(SIGPIPE, &ignore, &saved->pipe);
	sigaction(SIGCHLD, &normal, &saved->child); /* ignored, children would vanish unseen */
	sigprocmask(SIG_BLOCK, &set, &saved->mask);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot watch signals");
	return 0;
}

static void release_signals(struct sched *d, const struct signals *saved)
{
	if (d->signals >= 0)
		close(d->signals);
	sigprocmask(SIG_SETMASK, &saved->mask, NULL);
	sigaction(SIGPIPE, &saved->pipe, NULL);
	sigaction(SIGCHLD, &saved->child, NULL);
}

/* The store gave up waiting because of a signal that nobody has read yet: that is what ended us. */
static int end_by_signal(struct sched *d, struct err **err)
{
	read_signals(d);
	if (!d->result->signal || (*err)->code->cls != ERR_CANCEL)
		return -1;
	err_free(steal_ptr(*err));
	return 0;
}

int sched_run(struct graph *g, struct store *s, const struct sched_opts *opts,
	      struct sched_result *ret, struct err **err)
{
	uint64_t started = clock_ms();
	struct sched d = {.g = g,
			  .s = s,
			  .opts = opts,
			  .result = ret,
			  .signals = -1,
			  .tools = {.arena = g->arena}};
	struct signals saved;
	int rc;

	*ret = (struct sched_result){0};
	d.env = (struct job_env){.graph = g, .store = s, .opts = opts, .began_ns = dirseal_now()};
	d.memory = xcalloc(g->nodes.count + 1, sizeof(*d.memory));
	remote_open(&d);
	sched_mark_opened(&d);
	room_open(&d.room, opts->store_size);
	rc = catch_signals(&d, &saved, err);
	store_on_wait(sched_serve, &d);
	if (rc == 0) {
		keylock_sweep(s);
		count_inputs(&d);
		sched_tell(&d, &(struct event){.type = EVENT_RUN_START, .total = d.wanted});
		rc = loop(&d, err);
		if (rc == 0)
			rc = remote_drain(&d, err);
		if (rc < 0) {
			kill_all(&d);
			rc = end_by_signal(&d, err);
		}
		skip_rest(&d);
		settle_sums(&d);
		ret->wall_s = (double)(clock_ms() - started) / 1000;
		sched_tell(&d, &(struct event){.type = EVENT_RUN_END});
	}
	store_on_wait(NULL, NULL);
	remote_close(&d);
	spawner_close(d.env.spawner);
	release_signals(&d, &saved);
	queue_clear(&d.ready);
	nodes_clear(&d.fresh);
	runnings_clear(&d.running);
	map_clear(&d.tools.known);
	free(d.memory);
	return rc;
}
