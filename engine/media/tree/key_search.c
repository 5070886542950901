/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/key_search.h"

#include <sys/stat.h>

#include "base/private_key.h"
#include "base/str.h"
#include "media/tree/unpack.h"

#define WHOLE_MAX (64u * 1024 * 1024) /* bytes of a file in pieces that are put together */

static bool is_left_out(const char *path)
{
	static const char *const dirs[] = {"usr/share/doc/", "usr/share/info/", "usr/share/man/"};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; i < array_len(dirs); i++)
		if (str_skip(path, dirs[i]))
			return true;
	return dot && dot - path > 3 && memcmp(dot - 3, ".ko", 3) == 0;
}

struct search {
	const char *form; /* what was found, or NULL */
	unsigned depth;   /* layers around what is looked at */
	size_t left;      /* bytes that may still come out of them */
};

static bool look(void *arg, const void *data, size_t len)
{
	struct search *s = arg;

	s->form = private_key_in(data, len);
	if (!s->form && s->depth < KEY_SEARCH_DEPTH) {
		s->depth++;
		unpack_look(data, len, &s->left, look, s);
		s->depth--;
	}
	return s->form != NULL;
}

char *key_search(const char *path, const void *data, size_t len)
{
	struct search s = {.form = private_key_in(data, len), .left = KEY_SEARCH_UNPACKED};

	if (s.form)
		return xstrdup(s.form);
	if (len > KEY_SEARCH_PACKED || is_left_out(path))
		return NULL;
	s.depth = 1;
	unpack_look(data, len, &s.left, look, &s);
	return s.form ? xasprintf("%s, compressed", s.form) : NULL;
}

bool key_search_is_program(const void *data, size_t len)
{
	return len >= 4 && (memcmp(data, "\177ELF", 4) == 0 || memcmp(data, "MZ", 2) == 0);
}

/* ---- in trees ---- */

static bool is_program(const struct tree_inode *inode)
{
	char magic[4] = {0};

	tree_inode_read(inode, 0, magic, inode->size < 4 ? inode->size : 4);
	return key_search_is_program(magic, sizeof(magic));
}

char *key_search_entry(const struct tree_entry *e)
{
	const struct tree_inode *inode = e->inode;
	const struct tree_segment *s = inode->segments;
	char *text cleanup_free = NULL, *what = NULL;

	if (!S_ISREG(inode->mode) || is_program(inode))
		return NULL;
	if (inode->segment_count > 1 && (text = tree_inode_text(inode, WHOLE_MAX)))
		return key_search(e->path, text, inode->size);
	for (size_t i = 0; i < inode->segment_count && !what; i++)
		what = key_search(e->path, s[i].data, s[i].len);
	return what;
}
