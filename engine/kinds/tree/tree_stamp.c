/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "kinds/tree/tree_opts.h"

#define TEXT_MAX (1024 * 1024)

/* As a shell reads it: bare where that is safe, else in double quotes. */
static void put(struct str *s, const char *name, const char *value)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "._-+~";

	str_printf(s, "%s=", name);
	if (value[strspn(value, safe)] == '\0') {
		str_printf(s, "%s\n", value);
		return;
	}
	str_append_char(s, '"');
	for (const char *p = value; *p; p++) {
		if (strchr("\"\\$`", *p))
			str_append_char(s, '\\');
		str_append_char(s, *p);
	}
	str_append(s, "\"\n");
}

int tree_stamp(struct tree *t, const char *path, const char *id, const char *version,
	       struct err **err)
{
	struct tree_entry *e = tree_resolve(t, path);
	char *text cleanup_free = e ? tree_inode_text(e->inode, TEXT_MAX) : NULL, *next = text;
	struct str s cleanup_str = STR_INIT;

	if (!text)
		return err_set(err, E_TREE_PATH_MISSING, "stamp: the tree has no file '%s'", path);
	for (char *line; (line = strsep(&next, "\n"));) {
		bool last = !next && !*line;

		if (!last && !str_skip(line, "IMAGE_ID=") && !str_skip(line, "IMAGE_VERSION="))
			str_printf(&s, "%s\n", line);
	}
	put(&s, "IMAGE_ID", id);
	put(&s, "IMAGE_VERSION", version);
	return tree_rewrite(t, e->path, s.buf, s.len, err);
}
