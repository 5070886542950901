/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/tool.h"

#include "machine/sandbox/confined.h"

#define WORK "/work"

int tool_open(struct action *a, const struct ref *tools, struct tool *ret, struct err **err)
{
	*ret = (struct tool){.a = a, .in_tree = tools};
	return tools ? toolbox_open(a, tools, &ret->box, err) : 0;
}

static int run_here(const struct tool *t, const char *dir, struct strv *argv, int in, int out,
		    struct err **err)
{
	char *epoch =
		arena_printf(t->a->arena, "SOURCE_DATE_EPOCH=%llu",
			     (unsigned long long)(t->box.newest ? t->box.newest : t->a->epoch));
	char *const env[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
			     "LC_ALL=C.UTF-8",
			     "TZ=UTC",
			     "HOME=/tmp",
			     epoch,
			     NULL};
	struct proc_opts opts = {.cwd = dir, .env = env, .in = in, .out = out};
	struct confined wall cleanup_confined = {0};

	confined_program(&wall, argv->items[0]);
	confined_write(&wall, dir);
	wall.as_root = true;
	confined_apply(&wall, &opts);
	return proc_run(strv_argv(argv), &opts, err);
}

int tool_run(const struct tool *t, const char *dir, struct strv *argv, int in, int out,
	     struct err **err)
{
	const struct sandbox_bind bind = {dir, WORK, true};
	struct toolbox box = t->box;

	if (!t->in_tree)
		return run_here(t, dir, argv, in, out, err);
	box.in = in;
	box.as_root = true;
	return toolbox_run(&box, argv, &bind, 1, WORK, out, err);
}
