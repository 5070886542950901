/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is the same for all boot loaders. */
#include "scenario/chooser.h"

void boot_vars_clear(struct boot_vars *v)
{
	strv_clear(&v->vars);
}

void boot_state_clear(struct boot_state *s)
{
	free(s->order);
	s->order = NULL;
}

void boot_state_text(const struct boot_state *s, const struct target *t, struct str *ret)
{
	str_printf(ret, "order <%s>, left", s->order ? s->order : "not set");
	for (size_t i = 0; i < t->slots.count; i++) {
		str_printf(ret, " %s=", t->slots.items[i].bootname);
		if (s->left[i] == LEFT_UNSET)
			str_append(ret, "not set");
		else
			str_printf(ret, "%d", s->left[i]);
	}
}
