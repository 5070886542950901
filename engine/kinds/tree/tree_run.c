/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing a tree without a machine:
 *
 *	from ─► contents ─► groups, users ─► [debs ─► run] ─► units ─► stamp ─► remove ─► modes
 *
 * What stands in brackets are programs of the tree, in a treebox (treebox.h); everything else is
 * done to the tree as it is in memory.
 */
#include <string.h>

#include "base/path.h"
#include "kinds/debian/dpkg.h"
#include "kinds/makers.h"
#include "kinds/run/rootdir.h"
#include "kinds/run/step.h"
#include "kinds/run/step_env.h"
#include "kinds/tree/tree_opts.h"
#include "media/tree/clean.h"

/* ---- before programs run ---- */

static int lay_out(struct action *a, struct tree *t, struct err **err)
{
	const struct tree_opts *o = a->opts;

	action_progress(a, -1, "putting the tree together");
	if (o->from && tree_read_tar(t, "/", action_input(a, o->from)->path, 0, err) < 0)
		return -1;
	if (content_lay(a, &o->contents, t, err) < 0)
		return -1;
	return tree_add_accounts(a, t, err);
}

/* ---- programs ---- */

/* Everything that a box is made of; lives as long as the box. */
struct programs {
	struct action *a;
	struct tree *tree; /* before them */
	struct deb_set set;
	struct deb_plan plan;
	struct dpkg_job job;
	struct steps steps;
	struct strv env;
	struct treebox_spec spec;
};

static void programs_release(struct programs *p)
{
	deb_plan_free(&p->plan);
	deb_set_free(&p->set);
	strv_clear(&p->env);
}
#define cleanup_programs __attribute__((cleanup(programs_release)))

static void set_environment(struct programs *p)
{
	const struct tree_opts *o = p->a->opts;

	dpkg_environment(p->a, &p->env);
	step_env_push(&o->env, &p->env);
	p->spec.env = strv_argv(&p->env);
}

static int find_arch(struct programs *p, struct err **err)
{
	const struct tree_opts *o = p->a->opts;
	const char *is = rootdir_tree_arch(p->tree);
	const char *runs = is ? sandbox_emulator_name(is) : NULL,
		   *asked = o->arch ? sandbox_emulator_name(o->arch) : NULL;

	/* An ELF file does not tell armel from armhf. */
	if (runs && asked && !str_eq(runs, asked))
		return err_set(err, E_WRONG_ARCHITECTURE,
			       "recipes/%s.yaml: 'arch' is %s, but the tree has programs of %s",
			       p->a->node, o->arch, is);
	p->spec.arch = is ? is : o->arch;
	if (!p->spec.arch)
		return 0;
	return rootdir_emulator(p->a, o->emulator, p->spec.arch, &p->spec.emulator, err);
}

/* Writes what the box sees below its directory. */
static int programs_prepare(struct programs *p, struct action *a, struct tree *t, struct err **err)
{
	const struct tree_opts *o = a->opts;
	const char *dir = arena_printf(a->arena, "%s/stage", a->workdir);

	p->a = a;
	p->tree = t;
	p->spec.tree = t;
	p->spec.dir = dir;
	p->spec.nested = o->nested;
	p->spec.limits = (struct sandbox_limits){.memory = (uint64_t)o->memory,
						 .scratch = (uint64_t)o->scratch};
	p->job = (struct dpkg_job){.a = a, .plan = &p->plan, .dir = dir};
	p->steps = (struct steps){.a = a, .list = &o->steps, .dir = dir, .inside = TREEBOX_DIR};
	set_environment(p);
	if (find_arch(p, err) < 0 || path_mkdirs(dir, err) < 0 ||
	    step_write_all(&p->steps, err) < 0)
		return -1;
	p->job.arch = p->spec.arch;
	if (!o->debs.count)
		return 0;
	if (tree_plan_debs(a, t, &p->set, &p->plan, err) < 0)
		return tree_place(a, (struct pos){0}, err);
	return dpkg_put(&p->job, err);
}

static int run_steps(struct programs *p, struct treebox *box, struct err **err)
{
	for (size_t i = 0; i < p->steps.list->count; i++) {
		struct strv argv cleanup_strv = {0};
		int status;

		if (step_begin(&p->steps, i, &argv, err) < 0)
			return -1;
		if (treebox_run(box, strv_argv(&argv), &status, err) < 0)
			return step_wrap(&p->steps, i, err);
		if (step_check(&p->steps, i, status, err) < 0)
			return -1;
	}
	return 0;
}

/* Runs them in *t, which becomes what they made of it. */
static int run_programs(struct action *a, struct tree **t, struct err **err)
{
	const struct tree_opts *o = a->opts;
	struct programs p cleanup_programs = {0};
	struct treebox *box cleanup_treebox = NULL;
	struct tree *after cleanup_tree = tree_new(a->epoch, a->workdir);

	if (programs_prepare(&p, a, *t, err) < 0 || treebox_open(a, &p.spec, &box, err) < 0)
		return -1;
	if (o->debs.count && dpkg_install(&p.job, box, err) < 0)
		return tree_place(a, (struct pos){0}, err);
	if (run_steps(&p, box, err) < 0 || treebox_close(box, after, err) < 0)
		return -1;
	if (tree_clean_after(after, steal_ptr(*t), err) < 0)
		return -1;
	*t = steal_ptr(after);
	return 0;
}

/* ---- after them ---- */

static int finish(struct action *a, struct tree *t, struct err **err)
{
	const struct tree_opts *o = a->opts;

	if (o->units && units_apply(t, o->units, err) < 0)
		return err_wrap(err, "%s: units", action_place(a, o->units->pos));
	if (o->stamp && tree_stamp(t, o->stamp, a->project, a->version, err) < 0)
		return tree_place(a, (struct pos){0}, err);
	if (tree_check_shells(a, t, err) < 0)
		return -1;
	if (content_remove(a, &o->remove, t, err) < 0 || content_modes(&o->modes, t, err) < 0)
		return tree_place(a, (struct pos){0}, err);
	action_progress(a, -1, "writing the tree");
	return tree_write_tar(t, action_output(a, TREE_OUTPUT), err);
}

static int tree_run(struct action *a, struct err **err)
{
	const struct tree_opts *o = a->opts;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);

	if (lay_out(a, t, err) < 0)
		return -1;
	if ((o->debs.count || o->steps.count) && run_programs(a, &t, err) < 0)
		return -1;
	return finish(a, t, err);
}

/* ---- a shell where the steps run ---- */

/* Whether the attempt left a tree that steps have run in. */
static bool has_box(const char *kept)
{
	char *owners cleanup_free = kept ? path_join(kept, "owners") : NULL;

	return owners && path_exists(owners);
}

static int tree_shell(struct action *a, const struct shell_request *q, int *ret_status,
		      struct err **err)
{
	const struct tree_opts *o = a->opts;
	struct programs p cleanup_programs = {0};
	struct treebox *box cleanup_treebox = NULL;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
	struct shell_request here = *q;
	struct sandbox_opts opts;

	if (!has_box(q->kept))
		here.kept = NULL;
	if (lay_out(a, t, err) < 0 || programs_prepare(&p, a, t, err) < 0 ||
	    treebox_open(a, &p.spec, &box, err) < 0)
		return -1;
	if (!here.kept && o->debs.count && dpkg_install(&p.job, box, err) < 0)
		return -1;
	if (treebox_enter(box, here.kept, &opts, err) < 0)
		return -1;
	return step_shell(&p.steps, &here, &opts, &p.env, ret_status, err);
}

const struct maker maker_tree = {
	.kind = &kind_tree,
	.run = tree_run,
	.shell = tree_shell,
};
