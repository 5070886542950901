/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind run: files from commands that see their declared inputs and nothing else. Each step is a
 * sandbox of its own on one working folder; outputs are what the steps leave there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/guestbox.h"
#include "kinds/kinds.h"
#include "kinds/rootdir.h"
#include "kinds/staging.h"
#include "machine/guest_sandbox.h"
#include "machine/steps.h"
#include "media/tree_dir.h"

#define WORK "/work"        /* the working folder in the sandbox */
#define SCRIPTS "/run/orch" /* scripts of steps */
#define STEP_NOTE "step"    /* in the work folder: the number of the step that runs */

struct run_opts {
	struct ref *root, *emulator;
	struct list inputs;  /* of struct ref * */
	struct list steps;   /* of struct step * */
	struct list outputs; /* of const char * */
	struct list tools;   /* of const char * */
	int64_t cpus, memory, timeout;
};

static const char *const root_words[] = {"host", NULL};

#define AT(field) offsetof(struct run_opts, field)
static const struct option run_options[] = {
	{"root", OPT_REF, AT(root), .accept = ACCEPT_TREE, .def = "host", .words = root_words,
	 .help = "Tree that is the root file system of the steps; 'host' takes this machine's "
		 "programs and is not hermetic.",
	 .example = "toolchain"},
	{"emulator", OPT_REF, AT(emulator), .accept = ACCEPT_TREE,
	 .help = "Tree with qemu-user for a root of a foreign architecture; without it this "
		 "machine's emulator is used.",
	 .example = "toolchain"},
	{"inputs", OPT_REF, AT(inputs), OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE |
		   ACCEPT_NODE,
	 .help = "Files, folders and nodes that appear read-only in the working folder, under "
		 "their own names.",
	 .example = "[custom_build/app, u-boot, \"base:/etc/os-release\"]"},
	{"run", OPT_STEP, AT(steps), OPT_LIST,
	 .help = "Steps, run in this order in the working folder: a text is a /bin/sh -e script, "
		 "a list is a program and its arguments.",
	 .example = "[sh custom_build/app/build.sh]"},
	{"outputs", OPT_STRING, AT(outputs), OPT_LIST | OPT_NAME,
	 .help = "Names of the files to take from the working folder; *.tar is a tree, *.img an "
		 "image.",
	 .example = "[app.deb]"},
	{"tools", OPT_STRING, AT(tools), OPT_LIST | OPT_NAME,
	 .help = "With root host: further programs whose version decides whether to run again.",
	 .example = "[gcc, make]"},
	{"cpus", OPT_INT, AT(cpus), OPT_UNKEYED | OPT_POSITIVE, .def = "1",
	 .help = "CPUs that the steps keep busy, for the scheduler."},
	{"memory", OPT_SIZE, AT(memory), OPT_UNKEYED, .def = "0",
	 .help = "Memory that the steps need, for the scheduler."},
	{"timeout", OPT_INT, AT(timeout), OPT_UNKEYED | OPT_POSITIVE, .def = "7200",
	 .help = "Seconds after which the node is stopped."},
};

static bool on_host(const struct run_opts *o)
{
	return o->root->type == REF_WORD;
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct run_opts *o = data;
	const struct yaml *outputs = yaml_get(map, "outputs"), *tools = yaml_get(map, "tools");

	for (size_t i = 0; i < o->outputs.count; i++) {
		for (size_t j = 0; j < i; j++) {
			const char *name = LIST_AT(o->outputs, const char *, i);

			if (str_eq(name, LIST_AT(o->outputs, const char *, j)))
				err_list_at(errors, outputs->pos, "output '%s' is named twice",
					    name);
		}
	}
	if (tools && !on_host(o))
		err_list_at(errors, tools->pos,
			    "tools are for root 'host': a tree has its own, and its "
			    "digest names them");
}

static const struct schema run_schema =
	SCHEMA(struct run_opts, run_options, .check = check_options);

static enum output_type type_of(const char *name)
{
	return str_ends(name, ".img") ? OUTPUT_IMAGE : output_type_of_name(name);
}

static void run_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct run_opts *o = ctx->opts;

	for (size_t i = 0; i < o->outputs.count; i++) {
		const char *name = LIST_AT(o->outputs, const char *, i);

		output_specs_push(ret, (struct output_spec){name, type_of(name)});
	}
}

static struct demand run_demand(const void *opts)
{
	const struct run_opts *o = opts;

	return (struct demand){.cpus = (unsigned)o->cpus,
			       .memory_mb = (unsigned)(o->memory >> 20),
			       .timeout_s = (unsigned)o->timeout};
}

static void add_tool(struct strs *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (str_eq(v->items[i], name))
			return;
	}
	strs_push(v, name);
}

/* On the host: the programs that the steps name, as far as the recipe tells. */
static const char *const *run_tools(const void *opts)
{
	static struct strs names; /* of the last call */
	const struct run_opts *o = opts;

	if (!on_host(o))
		return NULL;
	names.count = 0;
	for (size_t i = 0; i < o->steps.count; i++) {
		const struct step *s = LIST_AT(o->steps, struct step *, i);

		if (s->script)
			add_tool(&names, "sh");
		else if (!strchr(s->argv.items[0], '/'))
			add_tool(&names, s->argv.items[0]);
	}
	for (size_t i = 0; i < o->tools.count; i++)
		add_tool(&names, LIST_AT(o->tools, const char *, i));
	strs_push(&names, NULL);
	return names.items;
}

/* --- steps --------------------------------------------------------------------------------- */

struct run {
	struct action *a;
	const struct run_opts *o;
	struct staging staging;
	const char *work, *scripts; /* on this machine */
	struct sandbox_opts box;
	struct staging_binds binds;
	struct strv env;
	struct str note;
	struct guestbox_spec spec; /* of GUEST */
	struct guestbox *guest;    /* takes the place of the sandbox; or NULL */
};

static void set_environment(struct run *r)
{
	strv_push(&r->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_push(&r->env, "LC_ALL=C.UTF-8");
	strv_push(&r->env, "TZ=UTC");
	strv_push(&r->env, "HOME=/tmp");
	strv_printf(&r->env, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)r->a->epoch);
	r->box.env = strv_argv(&r->env);
}

/* qemu-user for ARCH in the tree that the recipe names, or of this machine. */
static int find_emulator(struct run *r, const char *arch, struct err **err)
{
	const char *name = sandbox_emulator_name(arch);
	struct rootdir dir;

	if (sandbox_is_native(arch))
		return 0;
	if (!name)
		return err_set(err, ERR_ENV, "no emulator is known for architecture '%s'", arch);
	if (!r->o->emulator) {
		char *file cleanup_free = xasprintf("%s-static", name),
			   *path cleanup_free = path_program(file);

		r->box.emulator = path ? arena_strdup(r->a->arena, path) : NULL;
		return 0; /* without one, the host may still have a registration */
	}
	if (rootdir_get(r->a, action_input(r->a, r->o->emulator), &dir, err) < 0)
		return -1;
	r->box.emulator = arena_printf(r->a->arena, "%s/usr/bin/%s", dir.path, name);
	if (!path_exists(r->box.emulator))
		r->box.emulator = arena_printf(r->a->arena, "%s-static", r->box.emulator);
	if (!path_exists(r->box.emulator))
		return err_set(err, ERR_USER,
			       "tree '%s' has no /usr/bin/%s: it needs package qemu-user",
			       r->o->emulator->text, name);
	return 0;
}

static int set_root(struct run *r, struct err **err)
{
	struct rootdir dir;

	if (on_host(r->o))
		return 0;
	if (rootdir_get(r->a, action_input(r->a, r->o->root), &dir, err) < 0)
		return -1;
	r->box.root = dir.path;
	r->box.arch = dir.arch;
	return dir.arch ? find_emulator(r, dir.arch, err) : 0;
}

/* The program of step I (from 0); scripts are written to the scripts' folder. */
static int step_argv(struct run *r, size_t i, struct strv *argv, struct err **err)
{
	const struct step *s = LIST_AT(r->o->steps, struct step *, i);
	char *name cleanup_free = xasprintf("step-%zu", i + 1);
	char *path cleanup_free = path_join(r->scripts, name);

	if (!s->script) {
		for (size_t j = 0; j < s->argv.count; j++)
			strv_push(argv, s->argv.items[j]);
		return 0;
	}
	strv_push(argv, "/bin/sh");
	strv_push(argv, "-e");
	strv_printf(argv, "%s/%s", SCRIPTS, name);
	return file_write(path, s->script, strlen(s->script), 0644, false, err);
}

/* "recipes/u-boot.yaml:5: step 2 of 3" */
static char *step_name(const struct run *r, size_t i)
{
	const struct step *s = LIST_AT(r->o->steps, struct step *, i);
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "recipes/%s.yaml", r->a->node);
	if (!s->pos.file && s->pos.line)
		str_printf(&text, ":%u", s->pos.line);
	str_printf(&text, ": step %zu of %zu", i + 1, r->o->steps.count);
	return str_steal(&text);
}

/* All steps run in one guest: what they share are files with the times they were written at. */
static int start_guest(struct run *r, struct err **err)
{
	r->spec = (struct guestbox_spec){.root = tree_new(INT64_MAX, r->a->workdir),
					 .binds = r->box.binds,
					 .bind_count = r->box.bind_count,
					 .env = r->box.env,
					 .arch = r->box.arch,
					 .emulator = r->box.emulator};
	if (tree_from_dir(r->spec.root, r->box.root, NULL, INT64_MAX, err) < 0)
		return -1;
	return guestbox_open(r->a, &r->spec, &r->guest, err);
}

static int run_argv(struct run *r, char *const argv[], int *ret_status, struct err **err)
{
	bool forced = guest_sandbox_forced() && r->box.root;

	if (!r->guest && !forced && sandbox_run(argv, &r->box, ret_status, err) == 0)
		return 0;
	/* The host's own programs can stand in no guest. */
	if (!r->guest && !forced && (!r->box.root || !guestbox_instead(r->a, err)))
		return -1;
	if (!r->guest && start_guest(r, err) < 0)
		return -1;
	return guestbox_run(r->guest, argv, WORK, ret_status, err);
}

/* Takes what the steps left out of the guest; after a failure as far as that goes. */
static int leave_guest(struct run *r, int rc, struct err **err)
{
	struct err *ignored cleanup_err = NULL;

	if (r->guest && guestbox_close(r->guest, NULL, rc == 0 ? err : &ignored) < 0)
		rc = -1;
	guestbox_free(steal_ptr(r->guest));
	tree_free(r->spec.root);
	return rc;
}

/* Which step is running, for a shell after a failure. */
static int note_step(const struct run *r, size_t i, struct err **err)
{
	char *path cleanup_free = path_join(r->a->workdir, STEP_NOTE);
	char *text cleanup_free = xasprintf("%zu", i + 1);

	return file_write(path, text, strlen(text), 0644, false, err);
}

static int run_step(struct run *r, size_t i, struct err **err)
{
	struct strv argv cleanup_strv = {0};
	char *name cleanup_free = step_name(r, i), *how cleanup_free = NULL;
	int status;

	if (step_argv(r, i, &argv, err) < 0 || note_step(r, i, err) < 0)
		return -1;
	action_progress(r->a, -1, "step %zu of %zu", i + 1, r->o->steps.count);
	if (run_argv(r, strv_argv(&argv), &status, err) < 0)
		return err_wrap(err, "%s", name);
	if (i == 0 && r->note.len)
		action_log(r->a, "%s", r->note.buf);
	r->box.note = NULL;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	how = proc_status_string(status);
	return err_set(err, ERR_BUILD, "%s failed: %s", name, how);
}

/* What all steps share: root, environment, and what is bound where. */
static int open_box(struct run *r, struct err **err)
{
	r->scripts = arena_printf(r->a->arena, "%s/scripts", r->a->workdir);
	if (path_mkdirs(r->scripts, err) < 0 || set_root(r, err) < 0)
		return -1;
	set_environment(r);
	staging_binds_push(&r->binds, (struct sandbox_bind){r->work, WORK, true});
	for (size_t i = 0; i < r->staging.binds.count; i++)
		staging_binds_push(&r->binds, r->staging.binds.items[i]);
	staging_binds_push(&r->binds, (struct sandbox_bind){r->scripts, SCRIPTS, false});
	r->box.binds = r->binds.items;
	r->box.bind_count = r->binds.count;
	r->box.cwd = WORK;
	r->box.note = &r->note;
	return 0;
}

static int run_steps(struct run *r, struct err **err)
{
	int rc = 0;

	if (!r->o->steps.count)
		return 0;
	if (open_box(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->o->steps.count && rc == 0; i++)
		rc = run_step(r, i, err);
	return leave_guest(r, rc, err);
}

/* --- outputs ------------------------------------------------------------------------------- */

static int take_output(struct run *r, const char *name, struct err **err)
{
	char *from cleanup_free = path_join(r->work, name);
	const char *to = action_output(r->a, name),
		   *steps = r->o->steps.count ? "the steps" : "no input";
	struct stat st;

	if (lstat(from, &st) < 0)
		return err_set(
			err, ERR_BUILD,
			"recipes/%s.yaml: %s left no '%s' in the working folder (see 'outputs')",
			r->a->node, steps, name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_BUILD,
			       "recipes/%s.yaml: output '%s' is a %s, not a regular file",
			       r->a->node, name,
			       S_ISDIR(st.st_mode)   ? "folder"
			       : S_ISLNK(st.st_mode) ? "link"
						     : "special file");
	if (rename(from, to) == 0)
		return 0;
	if (errno != EXDEV)
		return err_errno(err, ERR_ENV, errno, "cannot take output '%s'", name);
	return file_copy(from, to, 0644, err);
}

static int lay_out(struct run *r, struct err **err)
{
	if (path_mkdirs(r->work, err) < 0)
		return -1;
	for (size_t i = 0; i < r->o->inputs.count; i++) {
		if (staging_add(&r->staging, LIST_AT(r->o->inputs, struct ref *, i), err) < 0)
			return -1;
	}
	return staging_seal(&r->staging, err);
}

static struct run run_begin(struct action *a)
{
	struct run r = {.a = a, .o = a->opts, .note = STR_INIT};

	r.work = arena_printf(a->arena, "%s/work", a->workdir);
	r.staging =
		(struct staging){.a = a, .dir = r.work, .inside = WORK, .copies = &r.o->outputs};
	return r;
}

static void run_end(struct run *r)
{
	staging_release(&r->staging);
	staging_binds_clear(&r->binds);
	strv_clear(&r->env);
	str_release(&r->note);
}

static int run_run(struct action *a, struct err **err)
{
	struct run r = run_begin(a);
	int rc = lay_out(&r, err);

	if (rc == 0)
		rc = run_steps(&r, err);
	for (size_t i = 0; i < r.o->outputs.count && rc == 0; i++)
		rc = take_output(&r, LIST_AT(r.o->outputs, const char *, i), err);
	run_end(&r);
	return rc;
}

/* --- a shell where the steps run ------------------------------------------------------------ */

/* Every step as /run/orch/step-N, so that it can be run by hand: sh -e /run/orch/step-2 */
static int write_steps(struct run *r, struct err **err)
{
	for (size_t i = 0; i < r->o->steps.count; i++) {
		const struct step *s = LIST_AT(r->o->steps, struct step *, i);
		char *path cleanup_free = xasprintf("%s/step-%zu", r->scripts, i + 1);
		struct str text cleanup_str = STR_INIT;

		if (s->script)
			str_append(&text, s->script);
		else
			steps_quote_argv(s->argv.items, s->argv.count, &text);
		str_append_char(&text, '\n');
		if (file_write(path, text.buf, text.len, 0644, false, err) < 0)
			return -1;
	}
	return 0;
}

static void tell_place(struct run *r, const struct shell_request *q)
{
	char *path cleanup_free = q->kept ? path_join(q->kept, STEP_NOTE) : NULL;
	struct str step cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (path && file_read(path, 32, &step, &ignored) == 0)
		action_log(r->a,
			   "orch: '%s', where step %s of %zu failed: sh -e " SCRIPTS
			   "/step-%s runs it again; 'exit' ends",
			   r->a->node, step.buf, r->o->steps.count, step.buf);
	else
		action_log(r->a,
			   "orch: '%s', before its %zu step%s (" SCRIPTS
			   "/step-N); 'exit' ends, and the folder is thrown away",
			   r->a->node, r->o->steps.count, r->o->steps.count == 1 ? "" : "s");
}

static const char *find_shell(const struct run *r)
{
	char *bash cleanup_free = path_join(r->box.root ? r->box.root : "/", "bin/bash");

	return path_exists(bash) ? "/bin/bash" : "/bin/sh";
}

static int enter_shell(struct run *r, const struct shell_request *q, int *ret_status,
		       struct err **err)
{
	const char *shell = find_shell(r);
	char *argv[] = {(char *)shell, NULL, NULL};
	int in cleanup_fd = fcntl(q->term ? q->terminal : STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

	if (q->term) {
		strv_printf(&r->env, "TERM=%s", q->term);
		if (str_eq(shell, "/bin/bash")) {
			argv[1] = "--norc";
			strv_printf(&r->env, "PS1=(%s) \\w \\$ ", r->a->node);
		}
	}
	r->box.env = strv_argv(&r->env);
	r->box.in = in;
	r->box.terminal = q->term != NULL;
	if (q->term && isatty(STDOUT_FILENO))
		r->box.out = in;
	if (q->term && isatty(STDERR_FILENO))
		r->box.errfd = in;
	if (sandbox_run(argv, &r->box, ret_status, err) < 0)
		return err_wrap(err, "shell of node '%s'", r->a->node);
	return 0;
}

static int run_shell(struct action *a, const struct shell_request *q, int *ret_status,
		     struct err **err)
{
	struct run r = run_begin(a);
	int rc = lay_out(&r, err);

	/* Of what was laid out only the large files are used then: those are bound. */
	if (q->kept)
		r.work = arena_printf(a->arena, "%s/work", q->kept);
	if (rc == 0)
		rc = open_box(&r, err);
	if (rc == 0)
		rc = write_steps(&r, err);
	if (rc == 0) {
		tell_place(&r, q);
		rc = enter_shell(&r, q, ret_status, err);
	}
	run_end(&r);
	return rc;
}

const struct kind kind_run = {
	.name = "run",
	.summary = "files, from commands that see only their declared inputs",
	.manual = "Each step runs in a sandbox of its own: user, mount, process and network "
		  "namespaces, no network, a fixed environment (PATH, LC_ALL, TZ, HOME, "
		  "SOURCE_DATE_EPOCH, umask 022), a fresh /tmp. What the steps share is the "
		  "working folder. Inputs appear in it, read-only: a project path under its path, "
		  "a node under its name (a file when it has one output, else a folder), "
		  "node:output under the output's name, node:/path under the last part of the "
		  "path. Outputs are regular files that the steps leave in it. Without steps "
		  "nothing is started. Where this user cannot make namespaces the steps run in a "
		  "QEMU guest, to the same bytes; `root: host` then does not work.",
	.version = 1,
	.schema = &run_schema,
	.outputs = run_outputs,
	.demand = run_demand,
	.tools = run_tools,
	.run = run_run,
	.shell = run_shell,
};
