/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.ignore of project.yaml: findings that somebody answers for are told as notes. */
#include "check/view.h"

/* Whether a file at PATH is what N is described by, or made from. */
static bool is_of(const struct node *n, const char *path)
{
	if (str_eq(n->recipe->file, path))
		return true;
	for (size_t i = 0; i < n->recipe->extended.count; i++) {
		const struct extended *e = LIST_AT(n->recipe->extended, struct extended *, i);

		if (!e->node && str_eq(e->file, path))
			return true;
	}
	for (size_t i = 0; i < n->in.count; i++) {
		const char *of = n->in.items[i].path;
		const char *rest = of ? str_skip(path, of) : NULL;

		if (rest && (!*rest || *rest == '/' || str_ends(of, "/")))
			return true;
	}
	return false;
}

const struct ignored_rule *check_ignored(struct check_view *v, enum check_id id, struct pos pos)
{
	const struct list *list = &v->g->project->ignored;

	for (size_t i = 0; i < list->count; i++) {
		const struct ignored_rule *r = LIST_AT(*list, struct ignored_rule *, i);
		const struct node *n = r->node ? graph_node(v->g, r->node) : NULL;

		if (!str_eq(r->rule, check_rules[id].code.name) ||
		    (r->node && (!n || !is_of(n, pos.file))))
			continue;
		v->used[i] = true;
		if (v->now < 0 || (uint64_t)v->now < r->end)
			return r;
	}
	return NULL;
}

/* The row of check_rules with this name, or CHECK_COUNT. */
static enum check_id rule_named(const char *name)
{
	enum check_id id = 0;

	while (id < CHECK_COUNT && !str_eq(check_rules[id].code.name, name))
		id++;
	return id;
}

static void entry_is_good(struct check_view *v, const struct ignored_rule *r, bool used)
{
	enum check_id id = rule_named(r->rule);

	if (id == CHECK_COUNT)
		err_list_at(&v->report->errors, E_UNKNOWN_RULE, r->pos,
			    "no rule is called '%s': 'orch check --rules' lists them", r->rule);
	else if (r->node && !graph_node(v->g, r->node))
		err_list_at(&v->report->errors, E_UNKNOWN_NODE, r->pos, "unknown node '%s'",
			    r->node);
	else if (used && v->now >= 0 && (uint64_t)v->now >= r->end)
		err_list_at(&v->report->errors, E_IGNORED_RULE, r->pos,
			    "rule '%s' was to be ignored until %s: mend what it says, or give it a "
			    "later day",
			    r->rule, r->until);
	else if (!used && v->noted[id])
		err_list_at(&v->report->notes, E_IGNORED_RULE, r->pos,
			    "whether there is still something to ignore of '%s' is not known",
			    r->rule);
	else if (!used)
		err_list_at(&v->report->errors, E_IGNORED_RULE, r->pos,
			    "nothing is left to ignore of '%s'%s%s: take the entry out", r->rule,
			    r->node ? " in " : "", r->node ? r->node : "");
}

void check_ignored_end(struct check_view *v)
{
	const struct list *list = &v->g->project->ignored;

	for (size_t i = 0; i < list->count; i++)
		entry_is_good(v, LIST_AT(*list, struct ignored_rule *, i), v->used[i]);
}
