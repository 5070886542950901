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

char *key_search(const char *path, const void *data, size_t len)
{
	const char *form = private_key_in(data, len);
	struct str text cleanup_str = STR_INIT;

	if (form)
		return xstrdup(form);
	if (len > KEY_SEARCH_PACKED || is_left_out(path) ||
	    !unpack_peek(data, len, KEY_SEARCH_UNPACKED, &text))
		return NULL;
	form = private_key_in(text.buf, text.len);
	return form ? xasprintf("%s, compressed", form) : NULL;
}
