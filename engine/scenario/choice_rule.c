/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/choice_rule.h"

/* The index of the slot whose boot name is the LEN bytes at NAME. */
static size_t slot_index(const struct target *t, const char *name, size_t len)
{
	for (size_t i = 0; i < t->slots.count; i++) {
		const char *is = t->slots.items[i].bootname;

		if (strlen(is) == len && strncmp(is, name, len) == 0)
			return i;
	}
	return CHOICE_NONE;
}

/* The first slot of ORDER that has tries left. */
static size_t first_left(const struct target *t, const struct boot_state *s, const char *order)
{
	for (const char *p = order; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " "), slot = slot_index(t, p, len);

		if (slot != CHOICE_NONE && s->left[slot] > 0)
			return slot;
		p += len;
	}
	return CHOICE_NONE;
}

size_t choice_rule(const struct target *t, struct boot_state *s)
{
	char *all cleanup_free = target_bootnames(t);
	size_t chosen;

	for (size_t i = 0; i < t->slots.count; i++)
		if (s->left[i] == LEFT_UNSET)
			s->left[i] = (int)t->tries;
	chosen = first_left(t, s, s->order && *s->order ? s->order : all);
	if (chosen != CHOICE_NONE)
		s->left[chosen]--;
	for (size_t i = 0; chosen == CHOICE_NONE && i < t->slots.count; i++)
		s->left[i] = (int)t->tries;
	return chosen;
}
