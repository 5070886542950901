/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The values of a decoded struct as the lines that a manifest has of them, and back. */
#include "graph/manifest.h"

#define LINES_HEAD "orch-manifest 2\nkind demo 1\nproject \"p\"\nnode \"n\"\ntimes 0\n"

/* The values of DATA as lines of a manifest; WHOLE: of one that a worker is sent. */
static const char *lines_of(struct arena *arena, const struct schema *of, const void *data,
			    bool whole)
{
	struct manifest *m = manifest_new(arena);
	struct str s cleanup_str = STR_INIT;

	m->kind = "demo";
	m->version = 1;
	m->named = true;
	m->project = "p";
	m->node = "n";
	schema_flatten(of, data, arena, &m->options);
	manifest_print(m, whole, &s);
	assert_memory_equal(s.buf, LINES_HEAD, strlen(LINES_HEAD));
	return arena_strdup(arena, s.buf + strlen(LINES_HEAD));
}

static struct yaml *read_lines(struct arena *arena, const char *lines, struct err **err)
{
	struct manifest *m =
		manifest_parse(arena, arena_printf(arena, LINES_HEAD "%s", lines), err);

	return m ? schema_unflatten(arena, &m->options, err) : NULL;
}
