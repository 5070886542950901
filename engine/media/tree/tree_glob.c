/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Apart from what else trees do, because `orch` itself asks about patterns, and links no tree. */
#include <fnmatch.h>
#include <string.h>

#include "media/tree/tree.h"

/* Whether the parts of GLOB match the parts of PATH, both without leading '/'. */
static bool glob_parts(const char *glob, const char *path)
{
	size_t g = strcspn(glob, "/"), p = strcspn(path, "/");
	char gpart[256], ppart[256];

	if (!*glob)
		return !*path;
	if (g == 2 && glob[0] == '*' && glob[1] == '*') {
		const char *rest = glob[g] ? glob + g + 1 : glob + g;

		if (!*rest)
			return *path != '\0';
		for (;; path += p + 1, p = strcspn(path, "/")) {
			if (glob_parts(rest, path))
				return true;
			if (!path[p])
				return false;
		}
	}
	if (!*path || g >= sizeof(gpart) || p >= sizeof(ppart))
		return false;
	memcpy(gpart, glob, g);
	gpart[g] = '\0';
	memcpy(ppart, path, p);
	ppart[p] = '\0';
	if (fnmatch(gpart, ppart, 0) != 0)
		return false;
	return glob_parts(glob[g] ? glob + g + 1 : glob + g, path[p] ? path + p + 1 : path + p);
}

bool tree_glob(const char *glob, const char *path)
{
	return glob_parts(glob + strspn(glob, "/"), path);
}
