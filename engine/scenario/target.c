/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/target.h"

#include "base/str.h"

const struct target_slot *target_slot(const struct target *t, const char *bootname)
{
	for (size_t i = 0; i < t->slots.count; i++)
		if (str_eq(t->slots.items[i].bootname, bootname))
			return &t->slots.items[i];
	return NULL;
}

char *target_bootnames(const struct target *t)
{
	struct str all = STR_INIT;

	for (size_t i = 0; i < t->slots.count; i++)
		str_printf(&all, "%s%s", i ? " " : "", t->slots.items[i].bootname);
	return str_steal(&all);
}

void target_clear(struct target *t)
{
	target_slots_clear(&t->slots);
}
