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

void target_clear(struct target *t)
{
	target_slots_clear(&t->slots);
}
