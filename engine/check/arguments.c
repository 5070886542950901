/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What kernels are told, in whatever words of a boot loader: rules look at it without them. */
#include "check/view.h"

bool check_has_argument(const char *arguments, const char *word)
{
	size_t n = strlen(word);
	const char *ends = strchr(word, '=') ? " \t\"'" : " \t\"'=";

	for (const char *p = arguments; (p = strstr(p, word)); p++) {
		bool begins = p == arguments || strchr(" \t\"'", p[-1]);

		if (begins && (word[n - 1] == '=' || !p[n] || strchr(ends, p[n])))
			return true;
	}
	return false;
}

/* U-Boot: "setenv bootargs WORDS". */
static void from_script(struct check_view *v, const struct check_text *script)
{
	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];
		const char *words =
			str_eq(e->key, "setenv") ? str_skip(e->value, "bootargs ") : NULL;

		if (words)
			conf_entries_push(&v->told,
					  (struct conf_entry){"", "bootargs", words, e->pos});
	}
}

void check_arguments_gather(struct check_view *v)
{
	for (size_t i = 0; i < v->texts.count; i++)
		from_script(v, &v->texts.items[i]);
}
