/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/farm.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "remote/exec.h"
#include "remote/left.h"
#include "remote/parts.h"
#include "run/input_root.h"

#define RECORD_MAX (1024u * 1024)
/* Less than JOB_GRACE_MS, after which the keeper is killed. */
#define FAREWELL_MS 4000

struct sending {
	struct action *a;
	const struct job_spec *spec;
	const char *dir; /* where what is sent, or came back, lies */
	struct runtime runtime;
	struct input_root root;
	struct artifacts *told;
	struct str tree;    /* of what stays there */
	struct err *result; /* the other machine's */
	bool ended;         /* it said what became of the node */
};

/* ---- a program of the user's ---- */

static int run_program(struct sending *s, struct err **err)
{
	const char *program = str_skip(s->spec->farm.url, "program:");
	struct strv argv cleanup_strv = {0};
	pid_t pid;
	int status;

	if (path_mkdirs(s->dir, err) < 0 || input_root_write(&s->root, s->dir, err) < 0)
		return -1;
	strv_push(&argv, program);
	for (size_t i = 0; i < s->root.command.count; i++)
		strv_push(&argv, s->root.command.items[i]);
	action_progress(s->a, -1, "running by '%s'", path_base(program));
	if (proc_start(strv_argv(&argv), &(struct proc_opts){.cwd = s->dir}, &pid, err) < 0 ||
	    proc_wait(pid, &status, err) < 0) {
		(*err)->code = E_REMOTE_UNREACHABLE;
		return -1;
	}
	return 0;
}

/* ---- an engine of the REAPI ---- */

#ifdef ORCH_GRPC
static volatile sig_atomic_t stop;

static void on_term(int number)
{
	stop = 1;
}

static void say_stage(void *arg, const char *text)
{
	struct sending *s = arg;

	action_progress(s->a, -1, "%s (%s)", text, s->spec->farm.url);
}

static void say_warning(void *arg, const char *text)
{
	action_warning(((struct sending *)arg)->a, "%s", text);
}

static void say_log(void *arg, const void *data, size_t len)
{
	(void)!write(STDOUT_FILENO, data, len);
}

static int run_exec(struct sending *s, struct err **err)
{
	const struct job_farm *f = &s->spec->farm;
	const struct remote_access access = {.instance = f->instance,
					     .ca = f->ca,
					     .cert = f->cert,
					     .cert_key = f->cert_key,
					     .token = f->token};
	const struct exec_ui ui = {say_stage, say_warning, say_log, s, &stop};
	struct exec_action action = {.root = &s->root.entries,
				     .command = &s->root.command,
				     .timeout_s = f->timeout_s,
				     .again = f->again,
				     .result = "record",
				     .left = f->leave ? &s->tree : NULL};
	struct exec *x;
	int rc;

	signal(SIGTERM, on_term);
	if (exec_open(f->url, &access, &x, err) < 0)
		return -1;
	for (size_t i = 0; i < f->platform.count; i++) {
		strs_push(&action.platform, f->platform.items[i].name);
		strs_push(&action.platform, f->platform.items[i].value);
	}
	rc = exec_run(x, &action, &ui, s->dir, err);
	strs_clear(&action.platform);
	exec_close(x);
	return rc;
}
#else
static int run_exec(struct sending *s, struct err **err)
{
	return err_set(err, E_REMOTE_URL, "this orch was built without gRPC");
}
#endif

/* ---- what came back ---- */

/* The outputs are those that the node declares, in their order. */
static int take_output_frame(struct sending *s, const struct frame *f, struct err **err)
{
	const struct output_specs *want = &s->spec->outputs;
	struct artifact a;

	if (output_read(s->a->arena, f, &a, err) < 0)
		return -1;
	if (s->told->count >= want->count || !str_eq(a.name, want->items[s->told->count].name) ||
	    a.type != want->items[s->told->count].type)
		return err_set(err, E_INTERNAL, "'%s' is not the output that was expected", a.name);
	artifacts_push(s->told, a);
	return 0;
}

static int take_frame(struct sending *s, const struct frame *f, struct err **err)
{
	const char *text;

	if (s->ended)
		return err_set(err, E_INTERNAL, "more came after the result");
	switch (f->type) {
	case FRAME_WARNING:
		if (warning_read(s->a->arena, f, &text, err) < 0)
			return -1;
		action_warning(s->a, "%s", text);
		return 0;
	case FRAME_OUTPUT:
		return take_output_frame(s, f, err);
	case FRAME_RESULT:
		s->ended = true;
		return result_read(s->a->arena, f, &s->result, err);
	default:
		return err_set(err, E_INTERNAL, "a frame came that belongs to no result");
	}
}

static int read_record(struct sending *s, struct err **err)
{
	char *path cleanup_free = path_join(s->dir, ROOT_OUT "/record");
	struct str text cleanup_str = STR_INIT;
	struct frames frames = FRAMES_INIT;
	struct frame f;
	int rc = file_read_foreign(path, RECORD_MAX, &text, err);

	frames_feed(&frames, text.buf, text.len);
	while (rc == 0 && (rc = frames_next(&frames, &f, err)) == 0)
		rc = take_frame(s, &f, err);
	frames_release(&frames);
	if (rc < 0)
		return -1;
	if (!s->ended)
		return err_set(err, E_INTERNAL, "there is no result in '%s'", path);
	return 0;
}

static int place_output(struct sending *s, size_t i, struct err **err)
{
	const struct artifact *a = &s->told->items[i];
	char *from cleanup_free = xasprintf("%s/" ROOT_OUT "/%zu", s->dir, i);
	char *parts cleanup_free = xasprintf("%s.parts", from);
	const char *to = action_output(s->a, a->name);
	struct stat st;

	if (path_mkparents(to, err) < 0)
		return -1;
	if (lstat(parts, &st) == 0 && S_ISDIR(st.st_mode))
		return parts_dir_load(parts, a, to, err);
	if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode) || rename(from, to) < 0)
		return err_set(err, E_INTERNAL, "output '%s' is missing in it", a->name);
	return 0;
}

/* The bytes stay where they are: what can be known without them is written down. */
static int leave_outputs(struct sending *s, struct err **err)
{
	return left_save(s->spec->store, &s->spec->farm.key, s->spec->farm.url, s->told->items,
			 s->told->count, &s->tree, err);
}

static int take_outputs(struct sending *s, struct err **err)
{
	if (read_record(s, err) < 0)
		return -1;
	if (s->result) {
		*err = steal_ptr(s->result);
		return 1;
	}
	if (s->told->count != s->spec->outputs.count)
		return err_set(err, E_INTERNAL, "an output is missing");
	/* Whatever the other machine says of that. */
	for (size_t i = 0; i < s->told->count; i++)
		s->told->items[i].shared = s->spec->farm.leave;
	if (s->spec->farm.leave)
		return leave_outputs(s, err);
	for (size_t i = 0; i < s->told->count; i++) {
		if (place_output(s, i, err) < 0)
			return -1;
	}
	return 0;
}

static int take_back(struct sending *s, struct err **err)
{
	int rc = take_outputs(s, err);

	if (rc >= 0)
		return rc ? -1 : 0;
	if ((*err)->code->cls == ERR_INTERNAL || (*err)->code->cls == ERR_USER)
		(*err)->code = E_REMOTE_DAMAGED;
	return err_wrap(err, "what came back from '%s'", s->spec->farm.url);
}

/* ---- all of it ---- */

static bool is_program(const char *url)
{
	return str_skip(url, "program:/") != NULL;
}

int farm_run(struct action *a, const struct job_spec *spec, struct artifacts *ret, struct err **err)
{
	struct sending s = {.a = a,
			    .spec = spec,
			    .dir = arena_printf(a->arena, "%s/farm", a->workdir),
			    .tree = STR_INIT,
			    .told = ret};
	int rc = a->maker->fetch ? a->maker->fetch(a, err) : 0;

	if (rc == 0)
		rc = runtime_open(spec->store, &s.runtime, err);
	if (rc == 0)
		rc = input_root_make(a->arena, spec, &s.runtime, &s.root, err);
	if (rc == 0)
		rc = is_program(spec->farm.url) ? run_program(&s, err) : run_exec(&s, err);
	if (rc == 0)
		rc = take_back(&s, err);
	str_release(&s.tree);
	input_root_clear(&s.root);
	runtime_clear(&s.runtime);
	return rc;
}

static const struct artifact *find_told(const struct artifacts *told, const char *name)
{
	for (size_t i = 0; i < told->count; i++)
		if (str_eq(told->items[i].name, name))
			return &told->items[i];
	return NULL;
}

bool farm_keeps(const struct artifacts *told, const char *name, struct str *to)
{
	const struct artifact *a = find_told(told, name);

	if (a && a->shared)
		output_put(to, a);
	return a && a->shared;
}

int farm_same(const struct job_spec *spec, const struct artifacts *told, const struct artifact *a,
	      struct err **err)
{
	const struct artifact *t = find_told(told, a->name);

	if (t && digest_eq(&t->digest, &a->digest))
		return 0;
	return err_set(err, E_REMOTE_DAMAGED,
		       "'%s' sent other bytes as output '%s' than its worker made", spec->farm.url,
		       a->name);
}

void farm_farewell(pid_t runner, int signals)
{
	uint64_t end = clock_ms() + FAREWELL_MS, now;
	struct signalfd_siginfo si;

	kill(runner, SIGTERM);
	while ((now = clock_ms()) < end) {
		struct pollfd p = {.fd = signals, .events = POLLIN};

		if (poll(&p, 1, (int)(end - now)) == 1 &&
		    read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si) &&
		    si.ssi_signo == SIGCHLD && (pid_t)si.ssi_pid == runner)
			return;
	}
}
