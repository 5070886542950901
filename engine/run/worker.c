/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A worker: one attempt at one node, in two processes.
 *
 *	orchestrator ==socketpair== keeper ==socketpair, log pipe== runner ---> the kind's children
 *
 * The runner decodes the options and calls maker->run(). The keeper, which forked it, stays out of
 * the kind's way: it pumps the log, hands progress on, watches for ABORT or a closed socket, and
 * when the runner has ended kills whatever is left before it hashes the outputs and takes them into
 * the store. So nobody who had a part in making an output can change it after it was hashed.
 * Usually the keeper is the init process of a pid namespace (run/spawn.h) and the killing is one
 * system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "run/decode.h"
#include "run/detached.h"
#include "run/farm.h"
#include "run/logpipe.h"
#include "run/sched.h"
#include "run/spawner.h"
#include "run/worker_env.h"

struct keeper {
	struct arena *arena;
	struct job_spec spec;
	struct frames from_orch, from_runner;
	struct str to_orch, late;  /* late: the newest progress that to_orch had no room for */
	int signals, control, log; /* signalfd; to the runner; its stdout and stderr */
	pid_t runner;
	int status;                    /* of the runner, once ended */
	bool ended;                    /* the runner has */
	bool aborted;                  /* by ABORT, a closed socket or SIGTERM */
	bool told;                     /* the runner sent RESULT */
	struct err *result;            /* what it said */
	struct artifacts told_outputs; /* as the machine says that made them, if it is another */
	struct logpipe pipe;
};

/* ---- the runner ---- */

struct runner {
	int control;
	struct str out;
	char last[256]; /* progress line logged last */
	int last_percent;
	uint64_t sent; /* clock_ms() */
	/* Bytes: of downloads before the last one, of that, and as they were told. */
	uint64_t loaded_before, loaded, loaded_told;
};

static void say(const char *fmt, va_list ap)
{
	char *text cleanup_free = xvasprintf(fmt, ap);

	fprintf(stderr, "%s\n", text);
}

void action_log(struct action *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void action_progress(struct action *a, int percent, const char *fmt, ...)
{
	struct runner *r = a->worker;
	struct err *err cleanup_err = NULL;
	char text[sizeof(r->last)];
	uint64_t loaded;
	va_list ap;
	bool same;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!r) {
		fprintf(stderr, "orch: %s\n", text);
		return;
	}
	loaded = r->loaded_before + r->loaded;
	same = str_eq(text, r->last);
	if (!same)
		fprintf(stderr, "%s\n", text);
	else if ((percent == r->last_percent && loaded == r->loaded_told) ||
		 clock_ms() - r->sent < 200)
		return;
	snprintf(r->last, sizeof(r->last), "%s", text);
	r->last_percent = percent;
	r->loaded_told = loaded;
	r->sent = clock_ms();
	progress_put(&r->out, &(struct job_progress){percent, loaded, text});
	(void)!frame_flush(&r->out, r->control, &err);
}

void action_downloaded(struct action *a, uint64_t done, uint64_t total, const char *what)
{
	struct runner *r = a->worker;

	if (r && done < r->loaded)
		r->loaded_before += r->loaded;
	if (r)
		r->loaded = done;
	if (r || total)
		action_progress(a, total ? (int)(done * 100 / total) : -1, "%s", what);
}

void action_warning(struct action *a, const char *fmt, ...)
{
	struct runner *r = a->worker;
	struct err *err cleanup_err = NULL;
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	action_log(a, "warning: %s", text);
	if (!r)
		return;
	warning_put(&r->out, text);
	(void)!frame_flush(&r->out, r->control, &err);
}

void action_misused(struct action *a, const struct action_input *tree, int64_t since)
{
	const struct artifact what = {
		.name = tree->ref, .type = tree->output_type, .digest = tree->digest};
	struct runner *r = a->worker;
	struct err *err cleanup_err = NULL;

	if (!r)
		return;
	misused_put(&r->out, &what, since);
	(void)!frame_flush(&r->out, r->control, &err);
}

void action_go_outside(struct action *a)
{
	struct runner *r = a->worker;
	struct err *err cleanup_err = NULL;

	if (!r)
		return;
	outside_put(&r->out);
	(void)!frame_flush(&r->out, r->control, &err);
}

/*
 * Hashes the inputs that the orchestrator does not know to be good, and tells it of each. All of
 * them are looked at, so that all that is damaged is made again at once.
 */
static int hash_inputs(struct keeper *k, struct runner *r, struct err **err)
{
	const struct artifacts *blobs = &k->spec.hash;
	struct err *lost cleanup_err = NULL;
	size_t bad = 0;

	for (size_t i = 0; i < blobs->count; i++) {
		struct blob_state state cleanup_blob_state = {0};
		int rc = blob_hash(k->spec.store, &blobs->items[i], &state, err);

		if (rc < 0)
			return -1;
		if (rc == 1 && bad++ == 0)
			err_set(err, E_BLOB_DAMAGED, "input '%s' is damaged in the store: %s",
				blobs->items[i].name, state.why);
		blob_put(&r->out, &blobs->items[i], &state);
		if (frame_flush(&r->out, r->control, &lost) != 0)
			break; /* nobody listens: this will be killed */
	}
	return bad ? -1 : 0;
}

/* Here, or on the machines that the job names. */
static int make_outputs(struct keeper *k, struct runner *r, struct action *a, struct err **err)
{
	struct artifacts told = {0};
	int rc;

	if (!k->spec.farm.url)
		return a->maker->run(a, err);
	rc = farm_run(a, &k->spec, &told, err);
	for (size_t i = 0; i < told.count; i++)
		output_put(&r->out, &told.items[i]);
	artifacts_clear(&told);
	return rc;
}

/* Never returns. */
static void runner_main(struct keeper *k, const struct maker *const *makers, int control)
{
	struct runner r = {.control = control, .out = STR_INIT, .last_percent = -2};
	struct err *err = NULL, *lost = NULL;
	struct action a;
	int rc = action_decode(k->arena, &k->spec, makers, &a, &err);

	if (rc == 0)
		rc = hash_inputs(k, &r, &err);
	if (rc == 0) {
		a.worker = &r;
		worker_set_environment(&a);
		rc = make_outputs(k, &r, &a, &err);
		if (rc != 0 && !err)
			err_set(&err, E_INTERNAL, "kind '%s' failed without saying why",
				a.kind->name);
	}
	fflush(NULL);
	result_put(&r.out, rc == 0 ? NULL : err);
	(void)!frame_flush(&r.out, control, &lost);
	_exit(0);
}

/* ---- the keeper ---- */

static int start_runner(struct keeper *k, const struct maker *const *makers, struct err **err)
{
	int ctl[2], log[2];
	sigset_t none;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ctl) < 0 ||
	    pipe2(log, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the node's process");
	(void)fcntl(log[1], F_SETPIPE_SZ, 1024 * 1024);
	k->runner = fork();
	if (k->runner < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start the node's process");
	if (k->runner == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		close(WORKER_FD);
		if (dup2(log[1], 1) < 0 || dup2(log[1], 2) < 0)
			_exit(127);
		close(ctl[0]);
		runner_main(k, makers, ctl[1]);
	}
	close(ctl[1]);
	close(log[1]);
	k->control = ctl[0];
	k->log = log[0];
	if (fcntl(k->control, F_SETFL, O_NONBLOCK) < 0 || fcntl(k->log, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot watch the node's process");
	logpipe_init(&k->pipe, k->log, 1);
	return 0;
}

/* Kills everything the runner left, and reaps it. */
static void kill_rest(struct keeper *k)
{
	int status;
	pid_t pid;

	if (getpid() != 1) {
		if (!k->ended)
			kill(-k->runner, SIGKILL);
		spawn_kill_strays(NULL, 0);
		return;
	}
	kill(-1, SIGKILL); /* all of the namespace but this process */
	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
		if (pid == k->runner && !k->ended)
			k->status = status;
	}
}

static void hand_on(struct keeper *k, const struct frame *f)
{
	struct str payload cleanup_str = STR_INIT;
	struct str *to = &k->to_orch;

	if (f->type == FRAME_PROGRESS) {
		str_clear(&k->late);
		if (k->to_orch.len)
			to = &k->late; /* it reads slowly: only the newest is told */
	}
	str_append_len(&payload, f->data, f->len);
	frame_put(to, f->type, &payload);
}

static int tell_orch(struct keeper *k, struct err **err)
{
	int rc = frame_flush(&k->to_orch, WORKER_FD, err);

	if (rc != 0 || k->to_orch.len || !k->late.len)
		return rc;
	str_append_len(&k->to_orch, k->late.buf, k->late.len);
	str_clear(&k->late);
	return frame_flush(&k->to_orch, WORKER_FD, err);
}

/* What the runner says. */
static int read_runner(struct keeper *k, struct err **err)
{
	struct frame f;
	int rc;

	if (k->control < 0)
		return 0;
	rc = frames_read(&k->from_runner, k->control, err);
	if (rc < 0)
		return -1;
	if (rc == 1) {
		close(k->control);
		k->control = -1;
	}
	while ((rc = frames_next(&k->from_runner, &f, err)) == 0) {
		if (f.type == FRAME_PROGRESS || f.type == FRAME_WARNING || f.type == FRAME_HASHED ||
		    f.type == FRAME_DAMAGED || f.type == FRAME_MISUSED || f.type == FRAME_OUTSIDE) {
			hand_on(k, &f);
		} else if (f.type == FRAME_OUTPUT && k->spec.farm.url) {
			if (output_read(k->arena, &f, artifacts_at_end(&k->told_outputs), err) < 0)
				return -1;
		} else if (f.type == FRAME_RESULT && !k->told) {
			if (result_read(k->arena, &f, &k->result, err) < 0)
				return -1;
			k->told = true;
		} else {
			return err_set(err, E_INTERNAL, "unexpected frame from the node's process");
		}
	}
	return rc < 0 ? -1 : 0;
}

/* Anything from the orchestrator after JOB, and what is no frame, means: stop. */
static void check_orch(struct keeper *k)
{
	struct err *err cleanup_err = NULL;
	struct frame f;

	if (frames_next(&k->from_orch, &f, &err) != 1)
		k->aborted = true;
}

static void read_orch(struct keeper *k)
{
	struct err *err cleanup_err = NULL;

	if (frames_read(&k->from_orch, WORKER_FD, &err) != 0)
		k->aborted = true;
	else
		check_orch(k);
}

static void read_signals(struct keeper *k)
{
	struct signalfd_siginfo si;
	pid_t pid;
	int status;

	while (read(k->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			k->aborted = true;
	}
	/* Orphans of the node come here too, as to any init process. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == k->runner) {
			k->ended = true;
			k->status = status;
		}
	}
}

/* Until the runner has ended or is to be stopped. */
static int watch(struct keeper *k, struct err **err)
{
	check_orch(k); /* ABORT may have come together with JOB */
	while (!k->ended && !k->aborted) {
		struct pollfd p[] = {
			{.fd = WORKER_FD, .events = POLLIN | (k->to_orch.len ? POLLOUT : 0)},
			{.fd = k->signals, .events = POLLIN},
			{.fd = k->control, .events = POLLIN},
			{.fd = k->log, .events = POLLIN},
		};

		if (poll(p, array_len(p), -1) < 0 && errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "cannot wait");
		if (p[0].revents & ~POLLOUT)
			read_orch(k);
		if (p[2].revents && read_runner(k, err) < 0)
			return -1;
		if (p[3].revents && logpipe_pump(&k->pipe) == 1)
			k->log = -1;
		if (p[1].revents)
			read_signals(k);
		if (k->to_orch.len && tell_orch(k, err) != 0)
			k->aborted = true;
	}
	return 0;
}

/* What became of the runner: 0, or -1 with the error for the orchestrator. */
static int verdict(struct keeper *k, struct err **err)
{
	char *text cleanup_free = NULL;

	if (k->aborted)
		return err_set(err, E_STOPPED, "stopped");
	if (read_runner(k, err) < 0)
		return -1;
	if (k->result) {
		*err = steal_ptr(k->result);
		return -1;
	}
	if (k->told && WIFEXITED(k->status) && WEXITSTATUS(k->status) == 0)
		return 0;
	if (WIFEXITED(k->status) && WEXITSTATUS(k->status) == EXIT_OUT_OF_MEMORY)
		return err_set(err, E_NO_MEMORY, "the node's process ran out of memory");
	text = proc_status_string(k->status);
	if (WIFSIGNALED(k->status) && WTERMSIG(k->status) == SIGKILL)
		return err_set(err, E_WORKER_DIED,
			       "the node's process %s; perhaps the machine ran out of "
			       "memory (see the kernel log)",
			       text);
	return err_set(err, E_WORKER_DIED, "the node's process %s without a result", text);
}

/*
 * Tells that output A is good, and before that, that OLD, a blob which had its name, was not. The
 * store's file is looked at again: it may be the older one, which stays when it is good.
 */
static void tell_output(struct keeper *k, const struct artifact *a, const struct blob_state *old)
{
	char *path cleanup_free = cas_path(k->spec.store, a->type, &a->digest);
	struct err *ignored cleanup_err = NULL;
	struct blob_state now = {0};

	if (old->why)
		blob_put(&k->to_orch, a, old);
	if (blob_stamp_get(path, &now.stamp, &ignored) == 0)
		blob_put(&k->to_orch, a, &now);
	output_put(&k->to_orch, a);
}

/* Takes one declared output into the store. */
static int take_output(struct keeper *k, const struct output_spec *spec, struct err **err)
{
	char *path cleanup_free = path_join(k->spec.outdir, spec->name), *alone cleanup_free = NULL;
	struct blob_state old cleanup_blob_state = {0};
	struct artifact a = {0};
	struct stat st;

	if (farm_keeps(&k->told_outputs, spec->name, &k->to_orch))
		return 0;
	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return err_set(err, E_OUTPUT_MISSING, "the node made no output '%s'",
				       spec->name);
		return err_errno(err, E_OUTPUT_MISSING, errno, "cannot read output '%s'",
				 spec->name);
	}
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_OUTPUT_MISSING, "output '%s' is not a plain file",
			       spec->name);
	if (st.st_nlink > 1) { /* the other name must not lead into the store */
		alone = xasprintf("%s.copy", path);
		if (file_copy(path, alone, 0644, err) < 0)
			return -1;
		if (rename(alone, path) < 0)
			return err_errno(err, E_OUTPUT_MISSING, errno, "cannot take output '%s'",
					 spec->name);
	}
	if (cas_ingest(k->spec.store, path, spec->type, &a, &old, err) < 0)
		return err_wrap(err, "output '%s'", spec->name);
	a.name = spec->name;
	a.type = spec->type;
	if (k->spec.farm.url && farm_same(&k->spec, &k->told_outputs, &a, err) < 0)
		return -1;
	tell_output(k, &a, &old);
	return 0;
}

static int take_outputs(struct keeper *k, struct err **err)
{
	for (size_t i = 0; i < k->spec.outputs.count; i++) {
		if (take_output(k, &k->spec.outputs.items[i], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * The attempt. A failed one keeps its work directory; the orchestrator decides what becomes of it.
 */
static int attempt(struct keeper *k, const struct maker *const *makers, struct err **err)
{
	int rc = start_runner(k, makers, err);

	if (rc < 0)
		return -1;
	rc = watch(k, err);
	if (k->spec.farm.url && !k->ended)
		farm_farewell(k->runner, k->signals);
	kill_rest(k);
	if (k->log >= 0)
		(void)logpipe_pump(&k->pipe);
	logpipe_finish(&k->pipe);
	if (rc == 0)
		rc = verdict(k, err);
	if (rc == 0)
		rc = take_outputs(k, err);
	if (rc == 0 &&
	    (path_remove(k->spec.workdir, err) < 0 || path_remove(k->spec.outdir, err) < 0))
		rc = -1;
	return rc;
}

static int read_job(struct keeper *k, struct err **err)
{
	struct frame f;
	int rc;

	while ((rc = frames_next(&k->from_orch, &f, err)) == 1) {
		rc = frames_read(&k->from_orch, WORKER_FD, err);
		if (rc != 0)
			return rc;
	}
	if (rc < 0)
		return -1;
	if (f.type != FRAME_JOB)
		return err_set(err, E_INTERNAL, "the first frame is not a JOB");
	return job_spec_read(k->arena, f.data, f.len, &k->spec, err);
}

/* Limits and signals of the keeper, inherited by all that follows. */
static int set_up(struct keeper *k, struct err **err)
{
	static const struct rlimit no_core = {0, 0};

	umask(022);
	prctl(PR_SET_NAME, "orch-worker");
	setrlimit(RLIMIT_CORE, &no_core);
	if (getpid() != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	return proc_watch_signals(&k->signals, err);
}

static void release(struct keeper *k)
{
	job_spec_clear(&k->spec);
	arena_free(k->arena);
	frames_release(&k->from_orch);
	frames_release(&k->from_runner);
	str_release(&k->to_orch);
	str_release(&k->late);
	artifacts_clear(&k->told_outputs);
	err_free(k->result);
}

void worker_attempt(const void *arg)
{
	const struct maker *const *makers = arg;
	struct keeper k = {.arena = arena_new(),
			   .from_orch = FRAMES_INIT,
			   .from_runner = FRAMES_INIT,
			   .to_orch = STR_INIT,
			   .late = STR_INIT,
			   .control = -1,
			   .log = -1};
	struct err *err cleanup_err = NULL, *lost cleanup_err = NULL;
	int rc = set_up(&k, &err);

	if (rc == 0)
		rc = read_job(&k, &err);
	if (rc == 0) {
		tmp_set_owner((pid_t)k.spec.owner);
		rc = attempt(&k, makers, &err);
	}
	if (rc != 1) { /* else nobody is there any more */
		result_put(&k.to_orch, rc == 0 ? NULL : err);
		(void)!frame_flush(&k.to_orch, WORKER_FD, &lost);
	}
	release(&k);
}

int worker_main(const struct maker *const *makers, const char *build)
{
	return spawner_serve(build, worker_attempt, makers);
}
