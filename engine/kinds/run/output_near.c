/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/output_near.h"

#include <fts.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"

#define FILES_MAX 2000

/* Regular files below WORK, relative to it. */
static void list_files(char *work, struct strv *ret)
{
	char *const roots[] = {work, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (walk && ret->count < FILES_MAX && (e = fts_read(walk)))
		if (e->fts_info == FTS_F)
			strv_push(ret, e->fts_path + strlen(work) + 1);
	if (walk)
		fts_close(walk);
}

char *output_near(const char *work, const char *name)
{
	char *root cleanup_free = xstrdup(work);
	struct strv files cleanup_strv = {0};
	const char **names cleanup_free = NULL, *near;

	list_files(root, &files);
	names = xcalloc(files.count + 1, sizeof(*names));
	for (size_t i = 0; i < files.count; i++) {
		names[i] = path_base(files.items[i]);
		if (strcasecmp(names[i], name) == 0)
			return xstrdup(files.items[i]);
	}
	near = str_nearest(name, names, files.count);
	for (size_t i = 0; near && i < files.count; i++)
		if (names[i] == near)
			return xstrdup(files.items[i]);
	return NULL;
}
