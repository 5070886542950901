/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/detached.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/walk.h"
#include "graph/manifest.h"
#include "remote/parts.h"
#include "remote/result.h"
#include "run/input_root.h"
#include "run/spawner.h"
#include "store/cas.h"

struct detached {
	struct arena *arena;
	const char *top; /* absolute */
	struct job_spec spec;
	struct str to_worker, record;
	struct frames from_worker;
	struct artifacts outputs;
	pid_t pid;
	int sock, signals, log, log_file; /* log: what the worker prints */
	int status;
	bool ended, stopped, told;
	struct err *result;
};

/* ---- the job ---- */

static int bad_job(struct err **err, const char *text, const char *word)
{
	return err_set(err, E_JOB_FILE, text, word);
}

/* A place in the job becomes one of this machine. */
static int locate(struct detached *d, const char **place, struct err **err)
{
	const char *why;

	if (!path_is_project(*place, &why))
		return err_set(err, E_JOB_FILE, "the job names '%s', which %s", *place, why);
	*place = arena_printf(d->arena, "%s/%s", d->top, *place);
	return 0;
}

static int locate_places(struct detached *d, struct err **err)
{
	const char **const places[] = {&d->spec.store, &d->spec.project_dir, &d->spec.outdir,
				       &d->spec.workdir, &d->spec.cache_dir};
	static const char *const within[] = {"roots", "tmp", "cas"};

	d->spec.pool_dir = NULL;
	for (size_t i = 0; i < array_len(places); i++) {
		if (locate(d, places[i], err) < 0 || path_mkdirs(*places[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < array_len(within); i++) {
		char *dir cleanup_free = path_join(d->spec.store, within[i]);

		if (path_mkdirs(dir, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether nobody has hashed A but the worker that made it: it never left the farm. */
static bool is_unseen(const struct detached *d, const struct artifact *a)
{
	for (size_t i = 0; i < d->spec.hash.count; i++)
		if (digest_eq(&d->spec.hash.items[i].digest, &a->digest))
			return true;
	return false;
}

/* A lie of that worker would be found when the bytes are fetched; what is made of them may not be.
 */
static int look_at(const struct manifest_blob *b, const struct artifact *a, struct err **err)
{
	struct blob_state state cleanup_blob_state = {0};
	int rc = cas_hash(b->at, a, &state, err);

	if (rc == 1)
		return err_set(err, E_REMOTE_DAMAGED,
			       "the farm kept other bytes of input '%s' than its worker told of: "
			       "%s",
			       a->name, state.why);
	return rc;
}

/* An output of another node. */
static int locate_blob(struct detached *d, struct manifest_blob *b, struct err **err)
{
	const char *name = b->at;
	struct artifact a = {
		.name = b->name, .type = b->type, .digest = b->digest, .size = b->size};
	char *parts cleanup_free = NULL, *whole cleanup_free = NULL;

	if (!name)
		return bad_job(err, "the job does not say where '%s' lies", b->name);
	if (locate(d, &b->at, err) < 0)
		return -1;
	parts = xasprintf("%s.parts", b->at);
	if (!path_exists(parts))
		return path_exists(b->at) ? 0
					  : bad_job(err, "'%s' is missing beside the job", name);
	whole = xasprintf("%s/" ROOT_SCRATCH "/%s", d->top, name);
	b->at = arena_strdup(d->arena, whole);
	if (path_exists(b->at)) /* two inputs may be one artifact */
		return 0;
	if (path_mkparents(whole, err) < 0 || parts_dir_load(parts, &a, whole, err) < 0)
		return -1;
	return is_unseen(d, &a) ? look_at(b, &a, err) : 0;
}

static int locate_input(struct detached *d, struct manifest_input *in, struct err **err)
{
	const char *name = in->at;

	for (size_t i = 0; i < in->blobs.count; i++) {
		if (locate_blob(d, &in->blobs.items[i], err) < 0)
			return -1;
	}
	if (!name)
		return 0;
	if (locate(d, &in->at, err) < 0)
		return -1;
	return path_exists(in->at) ? 0 : bad_job(err, "'%s' is missing beside the job", name);
}

static int locate_inputs(struct detached *d, struct err **err)
{
	struct manifest *m = manifest_parse(d->arena, d->spec.manifest, err);
	struct str text cleanup_str = STR_INIT;

	if (!m)
		return -1;
	for (size_t i = 0; i < m->inputs.count; i++) {
		if (locate_input(d, &m->inputs.items[i], err) < 0)
			return -1;
	}
	manifest_print(m, true, &text);
	d->spec.manifest = arena_strndup(d->arena, text.buf, text.len);
	return 0;
}

static int check_job(const struct detached *d, struct err **err)
{
	const char *why;

	if (d->spec.secrets.count || d->spec.farm.url)
		return err_set(err, E_JOB_FILE, "the job is one of another machine's own worker");
	for (size_t i = 0; i < d->spec.outputs.count; i++) {
		const char *name = d->spec.outputs.items[i].name;

		if (!path_is_project(name, &why))
			return err_set(err, E_JOB_FILE, "the job's output '%s' %s", name, why);
	}
	return 0;
}

static int read_job(struct detached *d, const char *file, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (file_read_foreign(file, FRAME_JOB_MAX, &text, err) < 0)
		return -1;
	if (job_spec_read(d->arena, text.buf, text.len, &d->spec, err) < 0 ||
	    check_job(d, err) < 0 || locate_places(d, err) < 0 || locate_inputs(d, err) < 0) {
		if ((*err)->code->cls == ERR_INTERNAL)
			(*err)->code = E_JOB_FILE;
		return err_wrap(err, "'%s'", file);
	}
	d->spec.hash.count = 0; /* that was done; the worker would look in a store */
	d->spec.owner = getpid();
	return 0;
}

/* ---- the worker ---- */

static int start_worker(struct detached *d, const struct maker *const *makers, struct err **err)
{
	struct str payload cleanup_str = STR_INIT;
	int fds[2], log[2], theirs cleanup_fd = -1, theirs_log cleanup_fd = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start a worker");
	d->sock = fds[0];
	theirs = fds[1];
	if (pipe2(log, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start a worker");
	d->log = log[0];
	theirs_log = log[1];
	job_spec_write(&d->spec, &payload);
	if (!frame_fits(FRAME_JOB, payload.len))
		return bad_job(err, "the job is too %s", "large");
	frame_put(&d->to_worker, FRAME_JOB, &payload);
	if (spawner_fork(spawn_probe(), theirs_log, theirs, worker_attempt, makers, &d->pid, err) <
	    0)
		return -1;
	if (fcntl(d->sock, F_SETFL, O_NONBLOCK) < 0 || fcntl(d->log, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, E_INTERNAL, errno, "cannot watch a worker");
	return 0;
}

/* What it prints, to stderr and out/log; that nobody reads stderr does not matter. */
static void copy_log(struct detached *d)
{
	struct err *ignored cleanup_err = NULL;
	char buf[65536];
	ssize_t n;

	while ((n = read(d->log, buf, sizeof(buf))) > 0) {
		(void)!write(STDERR_FILENO, buf, (size_t)n);
		if (!ignored)
			(void)!fd_write_all(d->log_file, "out/log", buf, (size_t)n, &ignored);
	}
	if (n == 0) {
		close(d->log);
		d->log = -1;
	}
}

static int take_frame(struct detached *d, const struct frame *f, struct err **err)
{
	struct str payload cleanup_str = STR_INIT;
	struct artifact a;

	if (f->type == FRAME_OUTPUT) {
		if (output_read(d->arena, f, &a, err) < 0)
			return -1;
		artifacts_push(&d->outputs, a);
	} else if (f->type == FRAME_RESULT) {
		d->told = true;
		return result_read(d->arena, f, &d->result, err);
	} else if (f->type != FRAME_WARNING) {
		return 0;
	}
	str_append_len(&payload, f->data, f->len);
	frame_put(&d->record, f->type, &payload);
	return 0;
}

static int read_worker(struct detached *d, struct err **err)
{
	struct frame f;
	int end = frames_read(&d->from_worker, d->sock, err), rc = end;

	while (rc >= 0 && (rc = frames_next(&d->from_worker, &f, err)) == 0)
		rc = take_frame(d, &f, err);
	if (end == 1) {
		close(d->sock);
		d->sock = -1;
	}
	return rc < 0 ? -1 : 0;
}

/* A second signal does not wait for the worker to end what it started. */
static void stop_worker(struct detached *d)
{
	struct str none = STR_INIT;

	if (d->stopped)
		spawn_kill(d->pid);
	else
		frame_put(&d->to_worker, FRAME_ABORT, &none);
	d->stopped = true;
}

static void read_signals(struct detached *d)
{
	struct signalfd_siginfo si;

	while (read(d->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo != SIGCHLD)
			stop_worker(d);
	}
	if (waitpid(d->pid, &d->status, WNOHANG) == d->pid)
		d->ended = true;
}

static int watch_worker(struct detached *d, struct err **err)
{
	while (!d->ended || d->sock >= 0 || d->log >= 0) {
		struct pollfd p[] = {
			{.fd = d->sock, .events = POLLIN | (d->to_worker.len ? POLLOUT : 0)},
			{.fd = d->log, .events = POLLIN},
			{.fd = d->signals, .events = POLLIN},
		};

		if (poll(p, array_len(p), -1) < 0 && errno != EINTR)
			return err_errno(err, E_INTERNAL, errno, "cannot wait for a worker");
		if ((p[0].revents & POLLOUT) && frame_flush(&d->to_worker, d->sock, err) < 0)
			return -1;
		if ((p[0].revents & ~POLLOUT) && read_worker(d, err) < 0)
			return -1;
		if (p[1].revents)
			copy_log(d);
		if (p[2].revents)
			read_signals(d);
	}
	return 0;
}

static int verdict(struct detached *d, struct err **err)
{
	char *how cleanup_free = proc_status_string(d->status);

	if (d->told && !d->result)
		return 0;
	if (d->result) {
		*err = steal_ptr(d->result);
		return -1;
	}
	if (d->stopped)
		return err_set(err, E_STOPPED, "stopped");
	return err_set(err, E_WORKER_DIED, "its worker %s without a result", how);
}

/* ---- what is left ---- */

static int place_output(const struct detached *d, size_t i, struct err **err)
{
	const struct artifact *a = &d->outputs.items[i];
	char *from cleanup_free = cas_path(d->spec.store, a->type, &a->digest);
	char *to cleanup_free = xasprintf("%s/" ROOT_OUT "/%zu", d->top, i);

	char *parts cleanup_free = xasprintf("%s.parts", to);
	int fd cleanup_fd = -1;

	if (a->type != OUTPUT_IMAGE && a->size <= RESULT_BLOB_MAX)
		return file_copy(from, to, 0644, err); /* two outputs may be one blob */
	fd = open(from, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", from);
	return parts_dir_save(fd, from, a, parts, err);
}

static int place_outputs(const struct detached *d, struct err **err)
{
	for (size_t i = 0; i < d->outputs.count; i++) {
		if (place_output(d, i, err) < 0)
			return -1;
	}
	return 0;
}

static int write_record(struct detached *d, const struct err *result, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/" ROOT_OUT "/record", d->top);

	result_put(&d->record, result);
	return file_write(path, d->record.buf, d->record.len, 0644, false, err);
}

static int open_top(struct detached *d, struct err **err)
{
	char *here cleanup_free = getcwd(NULL, 0), *log cleanup_free = NULL;

	if (!here)
		return err_errno(err, E_READ_FAILED, errno, "cannot tell the current directory");
	d->top = arena_strdup(d->arena, str_eq(here, "/") ? "" : here);
	log = xasprintf("%s/" ROOT_OUT "/log", d->top);
	if (path_mkparents(log, err) < 0)
		return -1;
	d->log_file = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (d->log_file < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", log);
	return 0;
}

static int attempt(struct detached *d, const struct maker *const *makers, const char *file,
		   struct err **err)
{
	int rc;

	if (read_job(d, file, err) < 0 || proc_watch_signals(&d->signals, err) < 0)
		return -1;
	rc = start_worker(d, makers, err);
	if (rc == 0)
		rc = watch_worker(d, err);
	if (rc < 0 && d->pid > 0 && !d->ended)
		spawn_kill(d->pid);
	if (rc == 0)
		rc = verdict(d, err);
	return rc == 0 ? place_outputs(d, err) : -1;
}

static int leave_entry(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	return 0;
}

/*
 * An unpacked tree has directories that nobody may write, and so could not be removed by who gave
 * us this one. Removing it is left to him: it takes long, and he has the result meanwhile.
 */
static void open_scratch(const struct detached *d)
{
	const struct walk w = {WALK_FORCE, leave_entry, NULL, NULL};
	char *scratch cleanup_free = d->top ? xasprintf("%s/" ROOT_SCRATCH, d->top) : NULL;
	struct err *ignored cleanup_err = NULL;

	if (scratch)
		(void)!walk_below(scratch, &w, &ignored);
}

static void release(struct detached *d)
{
	job_spec_clear(&d->spec);
	artifacts_clear(&d->outputs);
	str_release(&d->to_worker);
	str_release(&d->record);
	frames_release(&d->from_worker);
	err_free(d->result);
	arena_free(d->arena);
}

int detached_main(const struct maker *const *makers, const char *file)
{
	struct detached d = {.arena = arena_new(),
			     .to_worker = STR_INIT,
			     .record = STR_INIT,
			     .from_worker = FRAMES_INIT,
			     .sock = -1,
			     .log = -1};
	struct err *err cleanup_err = NULL, *lost cleanup_err = NULL;
	int rc = open_top(&d, &err);
	char *text cleanup_free = NULL;

	if (rc == 0) {
		rc = attempt(&d, makers, file, &err);
		if (write_record(&d, err, rc == 0 ? &err : &lost) < 0)
			rc = -1;
	}
	open_scratch(&d);
	release(&d);
	if (rc == 0)
		return 0;
	text = err_string(err);
	fprintf(stderr, "orch-worker: %s\n", text);
	return err_exit_code(err->code->cls);
}
