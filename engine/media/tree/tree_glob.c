/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from what else trees do, because `orch` itself asks about patterns, and links no tree. */
#include <fnmatch.h>
#include <string.h>

#include "media/tree/tree.h"

/* Whether the first part of GLOB, of G bytes, matches that of PATH, of P bytes. */
static bool part_matches(const char *glob, size_t g, const char *path, size_t p)
{
	char gpart[256], ppart[256];

	if (!*path || g >= sizeof(gpart) || p >= sizeof(ppart))
		return false;
	memcpy(gpart, glob, g);
	gpart[g] = '\0';
	memcpy(ppart, path, p);
	ppart[p] = '\0';
	return fnmatch(gpart, ppart, 0) == 0;
}

/*
 * Whether the parts of GLOB match the parts of PATH, both without leading '/'. Where they do not
 * from some part on, the last "**" takes one part more; what one before it takes is settled then,
 * for a longer one leaves the same to be found in less.
 */
static bool glob_parts(const char *glob, const char *path)
{
	const char *after = NULL, *from = NULL; /* the last "**", and where what it takes ends */

	for (;;) {
		size_t g = strcspn(glob, "/"), p = strcspn(path, "/");

		if (!*glob && !*path)
			return true;
		if (g == 2 && glob[0] == '*' && glob[1] == '*') {
			glob += glob[g] ? g + 1 : g;
			if (!*glob)
				return *path != '\0';
			after = glob;
			from = path;
			continue;
		}
		if (*glob && part_matches(glob, g, path, p)) {
			glob += glob[g] ? g + 1 : g;
			path += path[p] ? p + 1 : p;
			continue;
		}
		if (!from || !from[strcspn(from, "/")])
			return false;
		from += strcspn(from, "/") + 1;
		glob = after;
		path = from;
	}
}

bool tree_glob(const char *glob, const char *path)
{
	return glob_parts(glob + strspn(glob, "/"), path);
}
