/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch explain: what the code of an error means, or the name of a rule of orch check. */
#include "check/check.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"

#define WIDTH 78

/* A code, and the rule that it is of; or NULL. */
struct entry {
	const struct err_code *code;
	const struct check_rule *rule;
};
DEFINE_VEC(entries, struct entry)

static void entries_fill(struct entries *ret)
{
	for (const struct err_code *const *c = err_codes; *c; c++)
		entries_push(ret, (struct entry){*c, NULL});
	for (const struct check_rule *r = check_rules; r->code.name; r++)
		entries_push(ret, (struct entry){&r->code, r});
}

static const char *level(const struct check_rule *rule)
{
	return rule->warning ? "warning" : "error";
}

static json_t *entry_json(const struct entry *e)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "code", e->code->name, "class",
			      err_class_name(e->code->cls), "text", e->code->text);

	if (!e->rule || !e->rule->warning)
		json_object_set_new(o, "exit", json_integer(err_exit_code(e->code->cls)));
	if (e->rule)
		json_object_set_new(
			o, "rule",
			json_pack("{s:s, s:s}", "level", level(e->rule), "text", e->rule->holds));
	return o;
}

static void print(const struct entry *e)
{
	struct str s cleanup_str = STR_INIT;

	str_fill(&s, e->code->text, 0, WIDTH);
	if (e->rule)
		printf("%s: %s of 'orch check', whose rule is: %s\n", e->code->name, level(e->rule),
		       e->rule->holds);
	else
		printf("%s: class %s, exit code %d\n", e->code->name, err_class_name(e->code->cls),
		       err_exit_code(e->code->cls));
	printf("\n%s", s.buf);
}

static int explain(const struct entries *all, const char *name, bool json, struct err **err)
{
	struct strs names = {0};
	const char *near;

	for (size_t i = 0; i < all->count; i++) {
		if (!str_eq(all->items[i].code->name, name)) {
			strs_push(&names, all->items[i].code->name);
			continue;
		}
		strs_clear(&names);
		if (json)
			json_print(stdout,
				   json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "code",
					     entry_json(&all->items[i])),
				   false);
		else
			print(&all->items[i]);
		return 0;
	}
	near = str_nearest(name, names.items, names.count);
	strs_clear(&names);
	if (near)
		return err_set(err, E_UNKNOWN_CODE, "no code '%s'; did you mean '%s'?", name, near);
	return err_set(err, E_UNKNOWN_CODE, "no code '%s'; 'orch explain' lists them", name);
}

static void list(const struct entries *all)
{
	struct table *t = table_new("CODE", "CLASS", ">EXIT", NULL);

	for (size_t i = 0; i < all->count; i++) {
		const struct entry *e = &all->items[i];
		char *code cleanup_free = xasprintf("%d", err_exit_code(e->code->cls));

		table_row(t, e->code->name, e->rule ? "check" : err_class_name(e->code->cls),
			  e->rule && e->rule->warning ? "" : code);
	}
	table_print(t);
	puts("\n'orch explain CODE' says what it means and what to do; those of class 'check' are "
	     "rules of 'orch check'.");
}

static void list_json(const struct entries *all)
{
	json_t *codes = json_array();

	for (size_t i = 0; i < all->count; i++)
		json_array_append_new(codes, entry_json(&all->items[i]));
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "codes", codes), false);
}

int cmd_explain(struct cli *c)
{
	const struct session s = {.cli = c};
	struct entries all = {0};
	struct err *err = NULL;
	int code = 0;

	entries_fill(&all);
	if (c->args.count && explain(&all, c->args.items[0], c->json, &err))
		code = cli_fail(&s, err);
	else if (!c->args.count && c->json)
		list_json(&all);
	else if (!c->args.count)
		list(&all);
	entries_clear(&all);
	return code;
}
