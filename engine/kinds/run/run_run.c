/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running commands: each step is a sandbox of its own on one working directory; outputs are what
 * the steps leave there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/run/build_cache.h"
#include "kinds/run/output_near.h"
#include "kinds/run/step_vm.h"
#include "kinds/run/rootdir.h"
#include "kinds/run/run_by.h"
#include "kinds/run/staging.h"
#include "kinds/run/step.h"
#include "kinds/run/step_env.h"
#include "machine/guest/sandbox_vm.h"
#include "media/tree/tree_dir.h"

#define WORK "/work"        /* the working directory in the sandbox */
#define SCRIPTS "/run/orch" /* scripts of steps */

/* --- steps --------------------------------------------------------------------------------- */

struct run {
	struct action *a;
	const struct run_opts *o;
	struct staging staging;
	const char *work;  /* on this machine */
	const char *cache; /* likewise; NULL: none */
	bool cache_stays;  /* for the next run */
	struct steps steps;
	struct sandbox_opts box;
	struct staging_binds binds;
	struct strv env;
	struct str note;
	struct step_vm_spec spec; /* of GUEST */
	struct step_vm *guest;    /* takes the place of the sandbox; or NULL */
};

static void set_environment(struct run *r)
{
	strv_push(&r->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_push(&r->env, "LC_ALL=C.UTF-8");
	strv_push(&r->env, "TZ=UTC");
	strv_push(&r->env, "HOME=/tmp");
	strv_printf(&r->env, "SOURCE_DATE_EPOCH=%llu", (unsigned long long)r->a->epoch);
	step_env_push(&r->o->env, &r->env);
	if (r->cache)
		build_cache_env(&r->env);
	r->box.env = strv_argv(&r->env);
}

static int set_root(struct run *r, struct err **err)
{
	struct rootdir dir;

	if (run_on_host(r->o))
		return 0;
	if (rootdir_get(r->a, action_input(r->a, r->o->root), &dir, err) < 0)
		return -1;
	r->box.root = dir.path;
	r->box.arch = dir.arch;
	return dir.arch ? rootdir_emulator(r->a, r->o->emulator, dir.arch, &r->box.emulator, err)
			: 0;
}

/* Where none can stay there is one that is empty: steps find what the recipe says. */
static int empty_cache(struct run *r, struct err **err)
{
	r->cache = arena_printf(r->a->arena, "%s/cache", r->a->workdir);
	r->cache_stays = false;
	return path_mkdirs(r->cache, err);
}

/* A guest gets copies, and a cache is too large for that: it comes last of what is bound. */
static int leave_cache(struct run *r, struct err **err)
{
	if (empty_cache(r, err) < 0)
		return -1;
	r->binds.items[r->binds.count - 1].from = r->cache;
	return 0;
}

/* All steps run in one guest: what they share are files with the times they were written at. */
static int start_guest(struct run *r, struct err **err)
{
	if (r->cache_stays && leave_cache(r, err) < 0)
		return -1;
	r->spec = (struct step_vm_spec){.root = tree_new(INT64_MAX, r->a->workdir),
					.binds = r->box.binds,
					.bind_count = r->box.bind_count,
					.env = r->box.env,
					.arch = r->box.arch,
					.emulator = r->box.emulator};
	if (tree_from_dir(r->spec.root, r->box.root, NULL, INT64_MAX, err) < 0)
		return -1;
	return step_vm_open(r->a, &r->spec, &r->guest, err);
}

static int run_argv(struct run *r, char *const argv[], int *ret_status, struct err **err)
{
	bool forced = sandbox_vm_forced() && r->box.root;

	if (!r->guest && !forced && sandbox_run(argv, &r->box, ret_status, err) == 0)
		return 0;
	/* The host's own programs can stand in no guest. */
	if (!r->guest && !forced && (!r->box.root || !step_vm_instead(r->a, err)))
		return -1;
	if (!r->guest && start_guest(r, err) < 0)
		return -1;
	return step_vm_run(r->guest, argv, WORK, ret_status, err);
}

/* Takes what the steps left out of the guest; after a failure as far as that goes. */
static int leave_guest(struct run *r, int rc, struct err **err)
{
	struct err *ignored cleanup_err = NULL;

	if (r->guest && step_vm_close(r->guest, NULL, rc == 0 ? err : &ignored) < 0)
		rc = -1;
	step_vm_free(steal_ptr(r->guest));
	tree_free(r->spec.root);
	return rc;
}

static int run_step(struct run *r, size_t i, struct err **err)
{
	struct strv argv cleanup_strv = {0};
	int status;

	if (step_begin(&r->steps, i, &argv, err) < 0)
		return -1;
	if (run_argv(r, strv_argv(&argv), &status, err) < 0)
		return step_wrap(&r->steps, i, err);
	if (i == 0 && r->note.len)
		action_log(r->a, "%s", r->note.buf);
	r->box.note = NULL;
	return step_check(&r->steps, i, status, err);
}

static int open_cache(struct run *r, struct err **err)
{
	if (!r->o->cache)
		return 0;
	r->cache_stays = r->a->caches_dir && !(sandbox_vm_forced() && r->box.root);
	return r->cache_stays ? build_cache_open(r->a, r->o->cache, &r->cache, err)
			      : empty_cache(r, err);
}

/* What all steps share: root, environment, and what is bound where. */
static int open_box(struct run *r, struct err **err)
{
	if (path_mkdirs(r->steps.dir, err) < 0 || step_write_all(&r->steps, err) < 0 ||
	    set_root(r, err) < 0 || open_cache(r, err) < 0)
		return -1;
	set_environment(r);
	staging_binds_push(&r->binds, (struct sandbox_bind){r->work, WORK, true});
	for (size_t i = 0; i < r->staging.binds.count; i++)
		staging_binds_push(&r->binds, r->staging.binds.items[i]);
	staging_binds_push(&r->binds, (struct sandbox_bind){r->steps.dir, SCRIPTS, false});
	if (r->cache)
		staging_binds_push(&r->binds, (struct sandbox_bind){r->cache, BUILD_CACHE, true});
	r->box.binds = r->binds.items;
	r->box.bind_count = r->binds.count;
	r->box.cwd = WORK;
	r->box.nested = r->o->nested;
	r->box.as_root = r->o->as_root;
	r->box.limits = (struct sandbox_limits){.memory = (uint64_t)r->o->memory,
						.scratch = (uint64_t)r->o->scratch};
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
	if (r->cache_stays)
		build_cache_trim(r->a, r->cache, BUILD_CACHE_SIZE);
	return leave_guest(r, rc, err);
}

/* --- outputs ------------------------------------------------------------------------------- */

static int output_missing(const struct run *r, const char *name, struct err **err)
{
	char *near cleanup_free = output_near(r->work, name);
	const char *before = "", *after = "";

	if (near && strchr(near, '/')) {
		before = "; move '";
		after = "' there";
	} else if (near) {
		before = ": did you mean '";
		after = "'?";
	}
	return err_set(err, E_OUTPUT_MISSING,
		       "recipes/%s.yaml: outputs: %s left no '%s' in the working directory%s%s%s",
		       r->a->node, r->o->steps.count ? "the steps" : "no input", name, before,
		       near ? near : "", after);
}

static int take_output(struct run *r, const char *name, struct err **err)
{
	char *from cleanup_free = path_join(r->work, name);
	const char *to = action_output(r->a, name);
	struct stat st;

	if (lstat(from, &st) < 0)
		return output_missing(r, name, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_OUTPUT_MISSING,
			       "recipes/%s.yaml: outputs: '%s' is a %s, not a regular file",
			       r->a->node, name,
			       S_ISDIR(st.st_mode)   ? "directory"
			       : S_ISLNK(st.st_mode) ? "link"
						     : "special file");
	if (rename(from, to) == 0)
		return 0;
	if (errno != EXDEV)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot take output '%s'", name);
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

static struct run run_begin(struct action *a, const struct run_opts *o)
{
	struct run r = {.a = a, .o = o, .note = STR_INIT};

	r.work = arena_printf(a->arena, "%s/work", a->workdir);
	r.steps = (struct steps){.a = a,
				 .list = &r.o->steps,
				 .dir = arena_printf(a->arena, "%s/scripts", a->workdir),
				 .inside = SCRIPTS};
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

int run_by(struct action *a, const struct run_opts *o, struct err **err)
{
	struct run r = run_begin(a, o);
	int rc = lay_out(&r, err);

	if (rc == 0)
		rc = run_steps(&r, err);
	for (size_t i = 0; i < r.o->outputs.count && rc == 0; i++)
		rc = take_output(&r, LIST_AT(r.o->outputs, const char *, i), err);
	run_end(&r);
	return rc;
}

/* --- a shell where the steps run ------------------------------------------------------------ */

int run_shell_by(struct action *a, const struct run_opts *o, const struct shell_request *q,
		 int *ret_status, struct err **err)
{
	struct run r = run_begin(a, o);
	struct shell_request here = *q;
	const char *work = q->kept ? arena_printf(a->arena, "%s/work", q->kept) : NULL;
	int rc = lay_out(&r, err);

	/* Of what was laid out only the large files are used then: those are bound. */
	if (work && path_exists(work))
		r.work = work;
	else
		here.kept = NULL; /* it failed before anything was laid out */
	if (rc == 0)
		rc = open_box(&r, err);
	if (rc == 0)
		rc = step_shell(&r.steps, &here, &r.box, &r.env, ret_status, err);
	run_end(&r);
	return rc;
}

static int run_run(struct action *a, struct err **err)
{
	return run_by(a, a->opts, err);
}

static int run_shell(struct action *a, const struct shell_request *q, int *ret_status,
		     struct err **err)
{
	return run_shell_by(a, a->opts, q, ret_status, err);
}

const struct maker maker_run = {
	.kind = &kind_run,
	.run = run_run,
	.shell = run_shell,
};
