/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of a lock: its packages, put into a treebox and installed there by the tree's dpkg. */
#include <string.h>

#include "base/path.h"
#include "kinds/debian/debian.h"
#include "kinds/debian/dpkg.h"

/* *RET: the emulator's path, or NULL when none is pinned or needed. */
static int put_emulator(struct action *a, const struct debian_lock *l, const char **ret,
			struct err **err)
{
	const char *name = sandbox_emulator_name(l->arch);
	const char *names[] = {NULL, NULL, NULL};
	const char *dest;
	int r;

	*ret = NULL;
	if (sandbox_is_native(l->arch) || !name)
		return 0;
	names[0] = arena_printf(a->arena, "usr/bin/%s-static", name);
	names[1] = arena_printf(a->arena, "usr/bin/%s", name);
	dest = arena_printf(a->arena, "%s/%s", a->workdir, name);
	r = debian_tool(a, l, names, dest, err);
	if (r < 0)
		return -1;
	if (r == 0)
		*ret = dest;
	return 0;
}

int debian_install(struct debian_stage *s, struct err **err)
{
	char *dir cleanup_free = path_join(s->a->workdir, "stage");
	struct dpkg_job job = {.a = s->a,
			       .plan = s->plan,
			       .overlay = s->overlay,
			       .dir = dir,
			       .arch = s->lock->arch};
	struct treebox *box cleanup_treebox = NULL;
	struct strv env cleanup_strv = {0};
	struct treebox_spec spec = {.tree = s->before, .dir = dir, .arch = s->lock->arch};

	dpkg_environment(s->a, &env);
	spec.env = strv_argv(&env);
	if (put_emulator(s->a, s->lock, &spec.emulator, err) < 0 || dpkg_put(&job, err) < 0 ||
	    treebox_open(s->a, &spec, &box, err) < 0 || dpkg_install(&job, box, err) < 0)
		return -1;
	return treebox_close(box, s->after, err);
}
