/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/choice_rule.h"

#include "base/str.h"

static unsigned tries(const char *text)
{
	return text && *text ? (unsigned)strtoul(text, NULL, 16) : CHOICE_TRIES;
}

static size_t slot_index(const struct choice_state *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strlen(c->slots[i]) == len && strncmp(c->slots[i], name, len) == 0)
			return i;
	}
	return CHOICE_NONE;
}

size_t choice_rule(struct choice_state *c)
{
	const char *order = c->order && *c->order ? c->order : c->all;

	for (size_t i = 0; i < c->count; i++)
		c->tries[i] = tries(c->left[i]);
	for (const char *p = order; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " "), slot = slot_index(c, p, len);

		if (slot != CHOICE_NONE && c->tries[slot] > 0) {
			c->tries[slot]--;
			return slot;
		}
		p += len;
	}
	for (size_t i = 0; i < c->count; i++)
		c->tries[i] = CHOICE_TRIES;
	return CHOICE_NONE;
}
