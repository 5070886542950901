/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/kind.h"

static const char *const output_words[] = {
	[OUTPUT_FILE] = "file",
	[OUTPUT_TREE] = "tree",
	[OUTPUT_IMAGE] = "image",
};

const char *output_type_word(enum output_type type)
{
	return output_words[type];
}

int output_type_parse(const char *word, enum output_type *ret)
{
	for (size_t i = 0; i < array_len(output_words); i++) {
		if (str_eq(output_words[i], word)) {
			*ret = (enum output_type)i;
			return 0;
		}
	}
	return 1;
}

bool pins_eq(const struct pins *a, const struct pins *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const struct pin *x = &a->items[i], *y = &b->items[i];

		if (!str_eq(x->what, y->what) || !str_eq(x->name, y->name) ||
		    !str_eq(x->value, y->value))
			return false;
	}
	return a->count == b->count;
}

static bool ends_in_one(const char *name, const char *const *ends)
{
	while (*ends && !str_ends(name, *ends))
		ends++;
	return *ends;
}

enum output_type output_type_of_name(const char *name)
{
	static const char *const tars[] = {".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", NULL};
	static const char *const images[] = {".img",  ".raw",      ".wic",   ".ext2",
					     ".ext3", ".ext4",     ".vfat",  ".fat",
					     ".sqfs", ".squashfs", ".erofs", NULL};

	return ends_in_one(name, tars)     ? OUTPUT_TREE
	       : ends_in_one(name, images) ? OUTPUT_IMAGE
					   : OUTPUT_FILE;
}

bool kind_always(const void *opts)
{
	return true;
}
