/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "run/farm.h"

/* Who makes it in our place. */
static void describe_farm(const struct job *j, struct job_farm *ret)
{
	const struct farm *f = j->env->opts->farm;
	char *failed cleanup_free = job_failed_path(j->env->store, j->node->name);

	*ret = (struct job_farm){.url = f->urls.items[j->slot.executor],
				 .instance = f->instance,
				 .ca = f->ca,
				 .cert = f->cert,
				 .cert_key = f->cert_key,
				 .token = f->token,
				 .timeout_s = j->timeout_s,
				 .again = j->slot.again || path_exists(failed),
				 .leave = j->slot.leave,
				 .key = j->node->key};
	farm_platform(f, j->node, &ret->platform);
}

static int queue_job(struct job *j, struct err **err)
{
	struct str payload cleanup_str = STR_INIT;
	struct job_spec spec;

	job_describe(j->arena, j->env, j->node, j->dir, j->slot.cpus, &spec);
	if (j->slot.farm) {
		describe_farm(j, &spec.farm);
		job_describe_left(j->env, j->node, &spec);
		j->rests_there = spec.farm.left.count > 0;
	}
	job_spec_write(&spec, &payload);
	job_spec_clear_lists(&spec);
	if (!frame_fits(FRAME_JOB, payload.len))
		return err_set(err, E_TOO_LARGE,
			       "the node has too many inputs (%zu bytes to describe them)",
			       payload.len);
	frame_put(&j->out, FRAME_JOB, &payload);
	return 0;
}

static int make_directories(struct job *j, int *ret_log, struct err **err)
{
	char *failed cleanup_free = job_failed_path(j->env->store, j->node->name);
	char *work cleanup_free = NULL, *out cleanup_free = NULL;

	if (tmp_dir(store_subdir(j->env->store, "tmp"), path_base(failed), &j->dir, err) < 0)
		return -1;
	work = xasprintf("%s/work", j->dir);
	out = xasprintf("%s/out", j->dir);
	j->log_path = xasprintf("%s/log", j->dir);
	if (mkdir(work, 0755) < 0 || mkdir(out, 0755) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a directory in '%s'",
				 j->dir);
	*ret_log = open(j->log_path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
	if (*ret_log < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", j->log_path);
	return 0;
}

int job_start(const struct job_env *env, struct node *n, struct slot slot, bool outside,
	      struct job **ret, struct err **err)
{
	struct job *j = xcalloc(1, sizeof(*j));
	int log cleanup_fd = -1;

	j->env = env;
	j->node = n;
	j->slot = slot;
	j->arena = arena_new();
	j->in = (struct frames)FRAMES_INIT;
	j->out = (struct str)STR_INIT;
	j->sock = -1;
	j->mode = env->mode;
	if (j->mode == SPAWN_USER_NS && (outside || node_demand(n).host_owners))
		j->mode = SPAWN_PLAIN;
	j->timeout_s = node_demand(n).timeout_s;
	if (!j->timeout_s)
		j->timeout_s = JOB_TIMEOUT_S;
	if (make_directories(j, &log, err) < 0 || queue_job(j, err) < 0 ||
	    spawner_start(env->spawner, j->mode, log, &j->pid, &j->sock, err) < 0) {
		job_free(j);
		return -1;
	}
	j->started_ms = clock_ms();
	/* Where it is queued first, the other machine counts. */
	j->deadline_ms = slot.farm ? UINT64_MAX : j->started_ms + j->timeout_s * 1000ull;
	*ret = j;
	return 0;
}

short job_events(const struct job *j)
{
	return (short)(POLLIN | (j->out.len ? POLLOUT : 0));
}

static void hang_up(struct job *j)
{
	if (j->sock >= 0)
		close(j->sock);
	j->sock = -1;
}

/* HASHED, DAMAGED or MISUSED */
static int take_blob(struct job *j, const struct frame *f, struct err **err)
{
	struct job_damage d = {0};

	if (f->type == FRAME_MISUSED) {
		d.misused = true;
		if (misused_read(j->arena, f, &d.blob, &d.since, err) < 0)
			return -1;
		job_damages_push(&j->damages, d);
		return 0;
	}
	if (blob_read(j->arena, f, &d.blob, &d.state, err) < 0)
		return -1;
	if (d.state.why)
		job_damages_push(&j->damages, d);
	else
		store_blob_good(j->env->store, &d.blob, &d.state.stamp);
	return 0;
}

static int take_frame(struct job *j, const struct frame *f, struct err **err)
{
	struct sink *sink = j->env->opts->sink;
	struct event ev = {.type = EVENT_NODE_PROGRESS, .node = j->node};
	struct job_progress p;
	struct artifact a;

	if (j->told)
		return err_set(err, E_INTERNAL, "a worker frame came after RESULT");
	switch (f->type) {
	case FRAME_PROGRESS:
		if (progress_read(j->arena, f, &p, err) < 0)
			return -1;
		ev.percent = p.percent;
		ev.bytes = p.loaded;
		ev.text = p.text;
		if (sink && !j->stop)
			sink->event(sink, &ev);
		return 0;
	case FRAME_WARNING:
		if (warning_read(j->arena, f, &ev.text, err) < 0)
			return -1;
		ev.type = EVENT_WARNING;
		if (sink)
			sink->event(sink, &ev);
		return 0;
	case FRAME_OUTPUT:
		if (output_read(j->arena, f, &a, err) < 0)
			return -1;
		artifacts_push(&j->outputs, a);
		return 0;
	case FRAME_HASHED:
	case FRAME_DAMAGED:
	case FRAME_MISUSED:
		return take_blob(j, f, err);
	case FRAME_OUTSIDE:
		j->goes_outside = j->mode == SPAWN_USER_NS;
		return 0;
	case FRAME_RESULT:
		j->told = true;
		return result_read(j->arena, f, &j->result, err);
	case FRAME_JOB:
	case FRAME_ABORT:
		break;
	}
	return err_set(err, E_INTERNAL, "a worker sent a frame that is not its own");
}

/* Reads what is there; a worker that breaks the protocol is killed. */
static void read_frames(struct job *j)
{
	struct frame f;
	int end = j->in_ended ? 1 : frames_read(&j->in, j->sock, &j->broken), rc = end;

	while (rc >= 0 && (rc = frames_next(&j->in, &f, &j->broken)) == 0)
		rc = take_frame(j, &f, &j->broken);
	if (rc < 0)
		spawn_kill(j->pid);
	if (rc < 0 || end == 1)
		hang_up(j);
}

void job_take(struct job *j, short revents)
{
	struct err *err cleanup_err = NULL;
	int end;

	if (j->sock < 0 || j->in_ended)
		return;
	if (revents & POLLOUT)
		(void)!frame_flush(&j->out, j->sock, &err);
	if (!(revents & ~POLLOUT))
		return;
	end = frames_read(&j->in, j->sock, &j->broken);
	j->in_ended = end == 1;
	if (end >= 0)
		return;
	spawn_kill(j->pid);
	hang_up(j);
}

void job_io(struct job *j, short revents)
{
	struct err *err cleanup_err = NULL;

	if (j->sock >= 0 && (revents & POLLOUT))
		(void)!frame_flush(&j->out, j->sock,
				   &err); /* a dead worker is seen when it is reaped */
	if (j->sock >= 0 && (revents & ~POLLOUT))
		read_frames(j);
}

void job_abort(struct job *j, enum job_stop why, bool hard)
{
	struct str none cleanup_str = STR_INIT;

	if (j->reaped)
		return;
	if (!j->stop)
		j->stop = why;
	if (hard || j->kill_ms) {
		spawn_kill(j->pid);
		return;
	}
	j->kill_ms = clock_ms() + JOB_GRACE_MS;
	frame_put(&j->out, FRAME_ABORT, &none);
	job_io(j, POLLOUT);
}

int job_tick(struct job *j, uint64_t now)
{
	uint64_t next = j->kill_ms ? j->kill_ms : j->deadline_ms;

	if (now < next)
		return next - now < 60000 ? (int)(next - now) : 60000;
	job_abort(j, JOB_TIMED_OUT, false);
	return JOB_GRACE_MS;
}

/* The last non-empty line of the log, escaped, or "". Caller frees. */
static char *last_log_line(const struct job *j)
{
	struct str s = STR_INIT;
	int fd cleanup_fd = open(j->log_path, O_RDONLY | O_CLOEXEC);
	char buf[1025];
	off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
	ssize_t n = fd < 0 ? 0 : pread(fd, buf, 1024, size > 1024 ? size - 1024 : 0);

	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		n--;
	if (n > 0) {
		const char *nl = memrchr(buf, '\n', (size_t)n);
		const char *start = nl ? nl + 1 : buf;

		str_escape(&s, start, (size_t)(buf + n - start));
	}
	return str_steal(&s);
}

static int died(const struct job *j, int status, struct err **err)
{
	char *how cleanup_free = proc_status_string(status);
	char *line cleanup_free = last_log_line(j);
	const char *oom = "";

	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_OUT_OF_MEMORY)
		return err_set(err, E_NO_MEMORY, "its worker ran out of memory");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		oom = " (perhaps the machine ran out of memory)";
	return err_set(err, E_WORKER_DIED, "its worker %s without a result%s%s%s%s", how, oom,
		       *line ? "; its log ends with '" : "", line, *line ? "'" : "");
}

/* Whether the outputs that came are those the node declares, each once. */
static int check_outputs(const struct job *j, struct err **err)
{
	const struct output_specs *want = &j->node->outputs;

	for (size_t i = 0; i < want->count && want->count == j->outputs.count; i++) {
		const struct artifact *a = &j->outputs.items[i];

		if (!str_eq(a->name, want->items[i].name) || a->type != want->items[i].type)
			return err_set(err, E_INTERNAL, "the worker sent output '%s' for '%s'",
				       a->name, want->items[i].name);
	}
	if (want->count != j->outputs.count)
		return err_set(err, E_INTERNAL, "the worker sent %zu outputs instead of %zu",
			       j->outputs.count, want->count);
	return 0;
}

int job_reaped(struct job *j, int status, struct err **err)
{
	struct pollfd p = {.fd = j->sock, .events = POLLIN};

	j->reaped = true;
	while (j->sock >= 0 && poll(&p, 1, 0) > 0) /* what it said before it ended */
		read_frames(j);
	hang_up(j);
	/* a result that was complete before the worker heard that it should stop is a result */
	if (j->told && !j->result && !j->broken && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return check_outputs(j, err);
	if (j->stop == JOB_TIMED_OUT)
		return err_set(err, E_NODE_TIMEOUT, "not done after %u s, its deadline",
			       j->timeout_s);
	if (j->stop == JOB_CANCELLED)
		return err_set(err, E_STOPPED, "stopped");
	if (j->broken) {
		*err = steal_ptr(j->broken);
		return -1;
	}
	if (j->result) {
		*err = steal_ptr(j->result);
		return -1;
	}
	return died(j, status, err);
}

double job_seconds(const struct job *j)
{
	return (double)(clock_ms() - j->started_ms) / 1000;
}

char *job_failed_path(struct store *s, const char *node)
{
	char *name cleanup_free = job_flat_name(node);

	return store_failed_path(s, name);
}

char *job_running_path(struct store *s, const char *node)
{
	char *failed cleanup_free = job_failed_path(s, node);

	return tmp_find(store_subdir(s, "tmp"), path_base(failed));
}

/*
 * Moves the directory to job_failed_path(). What was there goes away with this job's temporary
 * name. It stays its owner's alone: a set-id file of a step would be a way to him for others.
 */
static int keep_directory(struct job *j, struct err **err)
{
	char *kept cleanup_free = job_failed_path(j->env->store, j->node->name);
	char *old cleanup_free = NULL;

	if (tmp_dir(store_subdir(j->env->store, "tmp"), "replaced", &old, err) < 0)
		return -1;
	if (rename(kept, old) < 0 && errno != ENOENT)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot replace '%s'", kept);
	if (rename(j->dir, kept) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot keep '%s'", j->dir);
	free(j->dir);
	j->dir = steal_ptr(old);
	free(j->log_path);
	j->log_path = xasprintf("%s/log", kept);
	return 0;
}

void job_log(struct job *j, bool keep)
{
	struct err *err cleanup_err = NULL, *lost cleanup_err = NULL;
	char *copy cleanup_free = NULL;

	/* A log is for people: that it cannot be kept must not change the verdict on the node. */
	if (!keep) {
		char *old cleanup_free = job_failed_path(j->env->store, j->node->name);
		char *here cleanup_free = NULL;

		here = path_join(j->dir, "failed"); /* goes away with this job's directory */
		(void)!rename(old, here);
		if (store_log_put(j->env->store, j->log_path, &j->log, &err) == 0) {
			free(j->log_path);
			j->log_path = store_log_path(j->env->store, &j->log);
		}
		return;
	}
	copy = xasprintf("%s.copy", j->log_path);
	if (file_copy(j->log_path, copy, 0644, &err) == 0)
		(void)!store_log_put(j->env->store, copy, &j->log, &lost);
	err_free(steal_ptr(err));
	(void)!keep_directory(j, &err);
}

void job_free(struct job *j)
{
	struct err *err cleanup_err = NULL;

	if (!j)
		return;
	hang_up(j);
	if (j->dir)
		(void)!path_remove(j->dir, &err); /* else the next tmp_sweep() */
	arena_free(j->arena);
	frames_release(&j->in);
	str_release(&j->out);
	artifacts_clear(&j->outputs);
	for (size_t i = 0; i < j->damages.count; i++)
		blob_state_clear(&j->damages.items[i].state);
	job_damages_clear(&j->damages);
	err_free(j->result);
	err_free(j->broken);
	free(j->dir);
	free(j->log_path);
	free(j);
}
