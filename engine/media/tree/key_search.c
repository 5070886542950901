/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/key_search.h"

#include "base/private_key.h"
#include "base/str.h"
#include "media/tree/unpack.h"

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
