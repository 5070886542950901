/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/failure_hint.h"

#include <string.h>

#include "base/path.h"
#include "graph/graph.h"

static const char no_network[] =
	"steps have no network: kind 'fetch' gets files by their digest, kind 'debian' locked "
	"packages and sources; a step takes them as inputs, or runs in their tree";

/* What programs print, and what it means here. */
static const struct {
	const char *said, *means;
} sayings[] = {
	{"Could not resolve host", no_network}, /* curl, git */
	{"Could not resolve: ", no_network},    /* apt */
	{"List directory /var/lib/apt/lists/partial is missing", no_network},
	{"Name or service not known", no_network},
	{"Temporary failure in name resolution", no_network},
	{"Temporary failure resolving", no_network},
	{"unable to resolve host address", no_network}, /* wget */
	{"Network is unreachable", no_network},
	{"dial tcp: lookup ", no_network}, /* Go */
	{"[[: not found", "a step is a script of /bin/sh; one of bash is [bash, -ec, '…']"},
	{"\"no new privileges\" flag is set", /* sudo */
	 "nobody becomes root in a step: what takes root is one of kind 'tree', root of its "
	 "tree"},
};

/* Whether the step of N sees PATH of the project. */
static bool is_input(const struct node *n, const char *path)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const char *in = n->in.items[i].path, *rest = in ? str_skip(path, in) : NULL;

		if (rest && (!*rest || *rest == '/' || str_eq(in, ".")))
			return true;
	}
	return false;
}

/* The first word of LINE that is a path of the project and no input of N; heap. */
static char *file_outside(const struct node *n, const char *line, size_t len)
{
	static const char in_paths[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/";
	char *text cleanup_free = xstrndup(line, len), *next = text;
	const char *why;

	while (*(next += strcspn(next, in_paths))) {
		size_t word = strspn(next, in_paths);
		char *path cleanup_free = xstrndup(next, word), *at cleanup_free = NULL;

		next += word;
		if (!path_is_project(path, &why) || is_input(n, path))
			continue;
		at = path_join(n->recipe->project->dir, path);
		if (path_exists(at))
			return steal_ptr(path);
	}
	return NULL;
}

static char *missing_input(const struct node *n, const char *text, size_t len)
{
	static const char said[] = "No such file or directory";
	const char *end = text + len, *line_end;
	char *path cleanup_free = NULL;

	for (const char *line = text; !path && line < end; line = line_end + 1) {
		line_end = memchr(line, '\n', (size_t)(end - line));
		if (!line_end)
			line_end = end;
		if (memmem(line, (size_t)(line_end - line), said, strlen(said)))
			path = file_outside(n, line, (size_t)(line_end - line));
	}
	return path ? xasprintf("'%s' is in the project, but steps see only what 'inputs' names",
				path)
		    : NULL;
}

char *failure_hint(const struct node *n, const struct outcome *o, const char *text, size_t len)
{
	if (!o->code || !str_eq(o->code, "step-failed"))
		return NULL;
	for (size_t i = 0; i < array_len(sayings); i++)
		if (memmem(text, len, sayings[i].said, strlen(sayings[i].said)))
			return xstrdup(sayings[i].means);
	return str_eq(n->recipe->kind->name, "run") ? missing_input(n, text, len) : NULL;
}
