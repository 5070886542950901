/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/choice.h"

void chosen_check_keys(const struct chosen *c, struct err_list *errors)
{
	for (size_t i = 0; i < c->left.count; i++) {
		const struct pair *p = LIST_AT(c->left, struct pair *, i);

		if (!*p->value || strspn(p->value, "0123456789abcdef") != strlen(p->value))
			err_list_at(errors, p->pos,
				    "tries left are a hexadecimal number, found '%s'", p->value);
	}
}

static void check_slot(const struct target *t, const char *name, struct pos pos,
		       struct err_list *errors)
{
	if (!target_slot(t, name))
		err_list_at(errors, pos, "there is no slot '%s': 'slots' names them", name);
}

void chosen_check(const void *opts, const struct target *t, struct pos pos, struct err_list *errors)
{
	const struct chosen *c = opts;

	if (c->slot)
		check_slot(t, c->slot, pos, errors);
	for (size_t i = 0; i < c->left.count; i++) {
		const struct pair *p = LIST_AT(c->left, struct pair *, i);

		check_slot(t, p->key, p->pos, errors);
	}
}

static bool copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = 0;
	return true;
}

int choice_parse(const char *line, struct choice *ret)
{
	const char *slot = strstr(line, "BOOT: slot "), *order, *left;
	size_t len;

	if (!slot)
		return 1;
	slot += strlen("BOOT: slot ");
	len = strcspn(slot, " ");
	order = str_skip(slot + len, " order <");
	left = order ? strstr(order, "> left ") : NULL;
	if (!left || !copy_part(ret->slot, sizeof(ret->slot), slot, len) ||
	    !copy_part(ret->order, sizeof(ret->order), order, (size_t)(left - order)))
		return 1;
	left += strlen("> left ");
	return copy_part(ret->left, sizeof(ret->left), left, strlen(left)) ? 0 : 1;
}

int choice_left(const struct choice *c, const char *name, unsigned long *ret)
{
	size_t len = strlen(name);

	for (const char *p = c->left; *p; p += strspn(p, " ")) {
		char *end;

		if (strncmp(p, name, len) == 0 && p[len] == '=') {
			*ret = strtoul(p + len + 1, &end, 16);
			return end == p + len + 1;
		}
		p += strcspn(p, " ");
	}
	return 1;
}

bool choice_is_none(const char *line)
{
	return strstr(line, "BOOT: no slot left");
}

static int match_choice(void *arg, const struct scene_line *line, struct err **err)
{
	if (choice_is_none(line->text))
		return err_set(err, ERR_BUILD, "the boot script found no slot with tries left");
	return choice_parse(line->text, arg) == 0;
}

int choice_wait(struct stage *s, unsigned seconds, struct choice *ret, struct err **err)
{
	struct scene_want want = {
		.fn = match_choice, .arg = ret, .what = "the boot script chose no slot"};

	return scene_wait(s->scene, &want, seconds, NULL, err);
}

int choice_judge(const struct chosen *c, const struct choice *choice, struct err **err)
{
	if (c->slot && !str_eq(c->slot, choice->slot))
		return err_set(err, ERR_BUILD,
			       "the boot script chose slot %s, not %s (order <%s>, left %s)",
			       choice->slot, c->slot, choice->order, choice->left);
	for (size_t i = 0; i < c->left.count; i++) {
		const struct pair *p = LIST_AT(c->left, struct pair *, i);
		unsigned long n;

		if (choice_left(choice, p->key, &n) || n != strtoul(p->value, NULL, 16))
			return err_set(err, ERR_BUILD, "slot %s has not %s tries left: '%s'",
				       p->key, p->value, choice->left);
	}
	return 0;
}
