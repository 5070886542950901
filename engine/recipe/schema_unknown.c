/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said of a key that a schema does not have. */
#include "base/near.h"
#include "recipe/schema_priv.h"

void decode_words(struct str *s, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		str_printf(s, "%s%s", i ? ", " : "", words[i]);
}

void decode_unknown_key(struct decode *d, const struct strs *names, const char *const *more,
			const struct yaml *key)
{
	static const char *const reserved[] = {"secrets", NULL};
	struct str all cleanup_str = STR_INIT;
	const char *near;

	if (decode_is_one_of(key->text, reserved)) {
		err_list_at(d->errors, E_RESERVED_KEY, key->pos,
			    "key '%s' is reserved for a later release", key->text);
		return;
	}
	near = near_word(key->text, names->items, names->count);
	for (size_t i = 0; !near && more && more[i]; i++)
		near = near_word(key->text, &more[i], 1);
	decode_words(&all, names->items, names->count);
	if (near)
		err_list_at(d->errors, E_UNKNOWN_KEY, key->pos,
			    "unknown key '%s': did you mean '%s'?", key->text, near);
	else
		err_list_at(d->errors, E_UNKNOWN_KEY, key->pos, "unknown key '%s' (known here: %s)",
			    key->text, all.buf);
}
