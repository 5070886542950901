/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/value.h"

#include "base/str.h"
#include "base/utf8.h"

int value_name(struct arena *arena, const char *name, size_t len, struct value_ref *ret)
{
	const char *colon = memchr(name, ':', len), *output = colon ? colon + 1 : NULL;
	size_t node = colon ? (size_t)(colon - name) : 0;
	size_t left = colon ? len - node - 1 : 0;

	if (!node || !left || strchr("-=+?", *output))
		return 1;
	for (size_t i = 0; i < left; i++)
		if ((unsigned char)output[i] <= ' ' || strchr("/:{}$|", output[i]))
			return 1;
	ret->node = arena_strndup(arena, name, node);
	ret->output = arena_strndup(arena, output, left);
	return 0;
}

const struct value_text *value_text_new(struct arena *arena, const char *text,
					const struct value_refs *refs)
{
	struct value_text *t;
	struct value_ref *copy;

	if (!refs->count)
		return NULL;
	t = arena_alloc(arena, sizeof(*t));
	copy = arena_alloc(arena, refs->count * sizeof(*copy));
	memcpy(copy, refs->items, refs->count * sizeof(*copy));
	*t = (struct value_text){text, copy, refs->count};
	return t;
}

static bool is_utf8(const char *text, size_t len)
{
	struct utf8 u = utf8_start(text, len);

	while (utf8_next(&u))
		if (u.bad)
			return false;
	return true;
}

int value_check(const char *data, size_t len, size_t *ret_len, const char **ret_why)
{
	size_t end = len && data[len - 1] == '\n' ? 1 : 0;

	if (end && len > 1 && data[len - 2] == '\r')
		end = 2;
	*ret_len = len - end;
	*ret_why = NULL;
	if (!len)
		*ret_why = "is empty";
	else if (len - end > VALUE_MAX_BYTES)
		*ret_why = "is too large";
	else if (memchr(data, 0, len))
		*ret_why = "holds a zero byte";
	else if (memchr(data, '\n', len - end))
		*ret_why = "has more than one line";
	else if (!is_utf8(data, len))
		*ret_why = "is not UTF-8";
	return *ret_why != NULL;
}

const char *value_fill(struct arena *arena, const struct value_text *t, value_fn *fn, void *arg)
{
	struct str s cleanup_str = STR_INIT;
	size_t done = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct value_ref *ref = &t->refs[i];

		str_append_len(&s, t->text + done, ref->at - done);
		str_append(&s, fn(arg, ref));
		done = ref->at + ref->len;
	}
	str_append(&s, t->text + done);
	return arena_strndup(arena, s.buf, s.len);
}
