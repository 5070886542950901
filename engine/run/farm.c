/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/farm.h"

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "run/input_root.h"

#define RECORD_MAX (1024u * 1024)

struct sending {
	struct action *a;
	const struct job_spec *spec;
	const char *dir; /* where what is sent, or came back, lies */
	struct runtime runtime;
	struct input_root root;
	struct artifacts *told;
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
	char *from cleanup_free = xasprintf("%s/" ROOT_OUT "/%zu", s->dir, i);
	const char *to = action_output(s->a, s->told->items[i].name);
	struct stat st;

	if (path_mkparents(to, err) < 0)
		return -1;
	if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode) || rename(from, to) < 0)
		return err_set(err, E_INTERNAL, "output '%s' is missing in it",
			       s->told->items[i].name);
	return 0;
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

int farm_check(const struct farm *f, struct err **err)
{
	if (str_skip(f->url, "program:/"))
		return 0;
	return err_set(err, E_REMOTE_URL, "'%s' is not the URL of an executor", f->url);
}

static int is_secret(void *arg, const char *option_path, const char *project_path)
{
	*(bool *)arg = true;
	return 0;
}

static bool told_secret(const struct node *n)
{
	bool ret = false;

	(void)!schema_each_secret(n->recipe->kind->schema, n->recipe->opts, is_secret, &ret);
	for (size_t i = 0; i < n->in.count; i++)
		ret = ret || n->in.items[i].signer;
	return ret;
}

const char *farm_why_not(const struct node *n)
{
	const struct kind *k = n->recipe->kind;

	if (told_secret(n))
		return "it is told a secret";
	if (k->at_home && k->at_home(n->recipe->opts))
		return "it uses this machine in ways that no key tells";
	if (node_demand(n).host_owners)
		return "it starts a guest made of this machine's files";
	if (n->manifest && strstr(n->manifest, "\ntool "))
		return "it uses programs of this machine, which 'tools:' would take from a tree";
	return NULL;
}

static int have_run(struct sending *s, struct err **err)
{
	if (str_skip(s->spec->farm.url, "program:"))
		return run_program(s, err);
	return err_set(err, E_REMOTE_URL, "'%s' is not the URL of an executor", s->spec->farm.url);
}

int farm_run(struct action *a, const struct job_spec *spec, struct artifacts *ret, struct err **err)
{
	struct sending s = {.a = a,
			    .spec = spec,
			    .dir = arena_printf(a->arena, "%s/farm", a->workdir),
			    .told = ret};
	int rc = a->maker->fetch ? a->maker->fetch(a, err) : 0;

	if (rc == 0)
		rc = runtime_open(spec->store, &s.runtime, err);
	if (rc == 0)
		rc = input_root_make(a->arena, spec, &s.runtime, &s.root, err);
	if (rc == 0)
		rc = have_run(&s, err);
	if (rc == 0)
		rc = take_back(&s, err);
	input_root_clear(&s.root);
	runtime_clear(&s.runtime);
	return rc;
}

int farm_same(const struct job_spec *spec, const struct artifacts *told, const struct artifact *a,
	      struct err **err)
{
	for (size_t i = 0; i < told->count; i++) {
		if (str_eq(told->items[i].name, a->name) &&
		    digest_eq(&told->items[i].digest, &a->digest))
			return 0;
	}
	return err_set(err, E_REMOTE_DAMAGED,
		       "'%s' sent other bytes as output '%s' than its worker made", spec->farm.url,
		       a->name);
}
