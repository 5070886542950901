/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/toolbox.h"

#include "base/proc.h"
#include "kinds/run/rootdir.h"

int toolbox_open(struct action *a, const struct ref *tools, struct toolbox *ret, struct err **err)
{
	struct rootdir dir;

	if (rootdir_get(a, action_input(a, tools), &dir, err) < 0)
		return -1;
	*ret = (struct toolbox){.a = a, .root = dir.path, .arch = dir.arch};
	return dir.arch ? rootdir_emulator(a, NULL, dir.arch, &ret->emulator, err) : 0;
}

int toolbox_run(const struct toolbox *b, struct strv *argv, const struct sandbox_bind *binds,
		size_t count, const char *cwd, int out, struct err **err)
{
	char *epoch = arena_printf(b->a->arena, "SOURCE_DATE_EPOCH=%llu",
				   (unsigned long long)(b->newest ? b->newest : b->a->epoch));
	char *env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		       "LC_ALL=C.UTF-8",
		       "TZ=UTC",
		       "HOME=/tmp",
		       epoch,
		       NULL};
	struct sandbox_opts box = {.root = b->root,
				   .arch = b->arch,
				   .emulator = b->emulator,
				   .binds = binds,
				   .bind_count = count,
				   .cwd = cwd,
				   .as_root = b->as_root,
				   .in = b->in,
				   .out = out,
				   .env = env};
	int status;

	return sandbox_run(strv_argv(argv), &box, &status, err) < 0
		       ? -1
		       : proc_check(argv->items[0], status, err);
}
