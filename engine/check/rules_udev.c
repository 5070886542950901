/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of udev (udev(7)): it leaves out a line with a key or an operator that it does not know,
 * and says so in a log. A GOTO without its label is left out, too.
 */
#include "check/view.h"

#define MAX_RULES_BYTES (256 * 1024)
#define MAX_KEY 32

/* Keys that only compare; all. */
static const char compares[] =
	" ACTION DEVPATH KERNEL KERNELS SUBSYSTEM SUBSYSTEMS DRIVER DRIVERS ATTRS TAGS TEST "
	"PROGRAM RESULT CONST ";
static const char keys[] =
	" ACTION DEVPATH KERNEL KERNELS SUBSYSTEM SUBSYSTEMS DRIVER DRIVERS ATTRS TAGS TEST "
	"PROGRAM RESULT CONST NAME SYMLINK ATTR SYSCTL ENV TAG IMPORT GROUP MODE OWNER SECLABEL "
	"RUN OPTIONS LABEL GOTO ";

static void key_is_known(struct check_view *v, struct pos pos, const char *key, const char *op)
{
	const char *near = check_word_near(v, keys, key);
	size_t n = strlen(key);

	if (!check_word_in(keys, key, n))
		check_say(v, CHECK_UDEV_WORDS, pos,
			  "udev knows no key '%s' and leaves the line out%s%s%s", key,
			  near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	else if (check_word_in(compares, key, n) && op[1] != '=')
		check_say(v, CHECK_UDEV_WORDS, pos,
			  "'%s' is only compared, by '==' or '!=': udev leaves the line out", key);
}

/* The text of the "…" at P, in RET. */
static void quoted(struct check_view *v, const char *p, const char **ret)
{
	const char *end = *p == '"' ? strchr(p + 1, '"') : NULL;

	*ret = end ? arena_strndup(v->arena, p + 1, (size_t)(end - p - 1)) : "";
}

static bool has_label(const char *text, const char *label)
{
	char *want cleanup_free = xasprintf("LABEL=\"%s\"", label);

	return strstr(text, want);
}

/* One KEY{attribute}OP"value" at P; returns what follows it, NULL at the line's end. */
static const char *read_item(struct check_view *v, const char *text, struct pos pos, const char *p)
{
	size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"), op_len;
	const char *op = p + len, *value;
	char key[MAX_KEY];

	if (*op == '{')
		op += strcspn(op, "}\n") + 1;
	op += strspn(op, " \t");
	op_len = strspn(op, "=!+-:");
	if (!len || len >= MAX_KEY || !op_len || op_len > 2)
		return NULL;
	memcpy(key, p, len);
	key[len] = 0;
	key_is_known(v, pos, key, op_len == 2 ? op : "= ");
	p = op + op_len + strspn(op + op_len, " \t");
	p += *p == 'e' || *p == 'i'; /* e"…", i"…" */
	quoted(v, p, &value);
	if (str_eq(key, "GOTO") && !has_label(text, value))
		check_say(v, CHECK_UDEV_WORDS, pos,
			  "this file has no LABEL=\"%s\", so udev leaves the line out", value);
	p = *p == '"' ? strchr(p + 1, '"') : NULL;
	return p ? p + 1 + strspn(p + 1, " \t,") : NULL;
}

static void rules_are_read(struct check_view *v, const struct check_file *f, const char *text)
{
	struct pos pos = {f->path, 0, 1};
	bool goes_on = false;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *item = p + strspn(p, " \t");
		size_t len = strcspn(p, "\n");

		pos.line++;
		while (!goes_on && item && *item && !strchr("#\n\\", *item))
			item = read_item(v, text, pos, item);
		goes_on = len && p[len - 1] == '\\';
	}
}

int check_udev_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *text;

		if (!check_ships(v, f->image) || !strstr(f->target, "/udev/rules.d/") ||
		    !str_ends(f->target, ".rules"))
			continue;
		text = f->filled ? f->filled : check_text_of(v, f->path, MAX_RULES_BYTES);
		if (text)
			rules_are_read(v, f, text);
	}
	return 0;
}
