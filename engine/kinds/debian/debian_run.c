/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a root tree from locked packages:
 *
 *	fetch ─► plan (media/deb/deb_plan.h) ─► dpkg in the sandbox (debian_stage.c) ─► clean ─► tar
 *
 * Nothing of it needs root: owners live in the tree and, while scripts run, in a sandbox that has
 * users (machine/sandbox/identity.h).
 */
#include <string.h>

#include "kinds/deb_inputs.h"
#include "kinds/debian/debian.h"
#include "kinds/debian/relock.h"
#include "kinds/makers.h"
#include "machine/sandbox/sandbox.h"
#include "media/deb/deb_plan.h"
#include "media/deb/deb_seed.h"
#include "media/tree/clean.h"

#define MAX_STATUS (64 * 1024 * 1024)

static int read_lock(struct action *a, struct debian_lock *ret, struct err **err)
{
	if (!a->lock)
		return err_set(err, E_NOT_LOCKED, "'%s' is not locked: run 'orch lock %s'", a->node,
			       a->node);
	return debian_lock_parse(a->arena, debian_lock_path(a->arena, a->node), a->lock,
				 strlen(a->lock), ret, err);
}

/* Those of `debs:`. The lock has what they needed when it was made: debian_verify() looks at it. */
static int open_own(struct action *a, const struct debian_lock *l, struct deb_set *set,
		    struct err **err)
{
	const struct debian_opts *o = a->opts;
	size_t locked = set->count;

	if (deb_inputs_open(a, "debs", &o->debs, set, err) < 0)
		return -1;
	for (size_t i = locked; i < set->count; i++) {
		const struct deb *d = set->items[i];

		if (!str_eq(d->arch, "all") && !str_eq(d->arch, l->arch))
			return err_set(err, E_WRONG_ARCHITECTURE,
				       "debs: package '%s' is for architecture '%s', and the tree "
				       "is '%s'",
				       d->name, d->arch, l->arch);
		for (size_t k = 0; k < i; k++)
			if (str_eq(d->name, set->items[k]->name))
				return err_set(err, E_DUPLICATE_NAME,
					       "debs: package '%s' is there twice, or has come to "
					       "be in the lock: run 'orch lock %s'",
					       d->name, a->node);
	}
	return 0;
}

static int open_packages(struct action *a, const struct debian_lock *l, struct deb_set *set,
			 struct err **err)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		if (e->type == LOCK_PACKAGE &&
		    (deb_open(set, debian_file(a, e), e->name, err) < 0 ||
		     debian_compare(a, set->items[set->count - 1], e, err) < 0))
			return -1;
	}
	return open_own(a, l, set, err);
}

/* The tree before dpkg runs in it, and what it is told there. */
static int prepare(struct action *a, const struct debian_lock *l, const struct deb_set *set,
		   struct tree *t, struct deb_plan *ret, struct err **err)
{
	const struct debian_opts *o = a->opts;
	const char *overlay = o->overlay ? action_input(a, o->overlay)->path : NULL;
	char *status cleanup_free = NULL;
	struct tree_entry *e;

	if (o->from && tree_read_tar(t, "/", action_input(a, o->from)->path, 0, err) < 0)
		return -1;
	e = o->from ? tree_resolve(t, "var/lib/dpkg/status") : NULL;
	status = e ? tree_inode_text(e->inode, MAX_STATUS) : NULL;
	if (o->from && !status)
		return err_set(err, E_TREE_UNSUITABLE,
			       "the tree of '%s' has no /var/lib/dpkg/status", o->from->text);
	if (debian_verify(a, l, set, status, err) < 0)
		return -1;
	deb_plan_make(set, status, ret);
	if (!o->from && deb_seed(&ret->steps.items[0].unpack, t, err) < 0)
		return -1;
	for (size_t i = ret->seeded; overlay && i < ret->steps.count; i++)
		if (deb_seed_dirs(&ret->steps.items[i].unpack, overlay, t, err) < 0)
			return -1;
	return overlay ? tree_copy_path(t, "/", overlay, TREE_SKIP_GIT, err) : 0;
}

/* A tree of sources alone. */
static int only_sources(struct action *a, const struct debian_lock *l, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);

	if (debian_sources(a, l, false, t, err) < 0)
		return -1;
	return tree_write_tar(t, action_output(a, DEBIAN_OUTPUT), err);
}

static int system_tree(struct action *a, const struct debian_lock *l, struct err **err)
{
	const struct debian_opts *o = a->opts;
	struct deb_set set cleanup_deb_set = {0};
	struct deb_plan plan cleanup_deb_plan = {0};
	struct tree *before cleanup_tree = tree_new(a->epoch, a->workdir);
	struct tree *after cleanup_tree = tree_new(a->epoch, a->workdir);
	struct debian_stage stage = {.a = a,
				     .lock = l,
				     .plan = &plan,
				     .overlay =
					     o->overlay ? action_input(a, o->overlay)->path : NULL,
				     .before = before,
				     .after = after};
	bool own = false;

	if (open_packages(a, l, &set, err) < 0 || prepare(a, l, &set, before, &plan, err) < 0 ||
	    debian_install(&stage, err) < 0 || tree_clean(after, err) < 0)
		return -1;
	own = sandbox_is_native(l->arch) && tree_resolve(after, "usr/bin/dpkg-source");
	if (o->sources.count && debian_sources(a, l, own, after, err) < 0)
		return -1;
	action_progress(a, -1, "writing the tree");
	return tree_write_tar(after, action_output(a, DEBIAN_OUTPUT), err);
}

static int fetch(struct action *a, struct err **err)
{
	struct debian_lock l cleanup_lock = {0};

	return read_lock(a, &l, err) < 0 ? -1 : debian_fetch(a, a->node, &l, err);
}

static int debian_run(struct action *a, struct err **err)
{
	const struct debian_opts *o = a->opts;
	struct debian_lock l cleanup_lock = {0};

	if (read_lock(a, &l, err) < 0 || debian_fetch(a, a->node, &l, err) < 0)
		return -1;
	if (!o->packages.count)
		return only_sources(a, &l, err);
	return system_tree(a, &l, err);
}

const struct maker maker_debian = {
	.kind = &kind_debian,
	.run = debian_run,
	.fetch = fetch,
};
