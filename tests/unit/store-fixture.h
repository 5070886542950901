/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* A project as in graph-fixture.h, with a store beside it and the versions of host programs. */
#include "graph-fixture.h"

static struct store *store;
static struct tool_versions tools;

static int open_all(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = NULL;

	if (setup(state))
		return -1;
	path = path_join(dir, "store");
	tools = (struct tool_versions){.arena = arena};
	return store_open(path, true, &store, &err);
}

static int close_all(void **state)
{
	store_close(store);
	store = NULL;
	map_clear(&tools.known);
	return teardown(state);
}
