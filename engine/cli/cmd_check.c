/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch check: what can be known wrong without building. Errors exit with 2; warnings are only said.
 */
#include <time.h>

#include "check/check.h"
#include "cli/finding.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"

static json_t *err_array(struct err_list *list)
{
	json_t *array = json_array();

	err_list_sort(list);
	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_err(list->items[i]));
	return array;
}

static void say_all(const struct session *s, const char *word, struct err_list *list)
{
	const struct paint *p = paint_for(s->cli, stderr);

	err_list_sort(list);
	for (size_t i = 0; i < list->count; i++) {
		char *text cleanup_free = err_string(list->items[i]);

		fprintf(stderr, "%s%s:%s ", p->yellow, word, p->off);
		print_lines(stderr, "", text, strlen(text));
	}
}

static void add_findings(const struct session *s, enum finding_level level,
			 const struct err_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		finding_add(s->cli, s->dir, level, list->items[i]);
}

static int finish(const struct session *s, struct check_report *r)
{
	if (s->cli->json) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o, s:o}", "v", 1, "ok", !r->errors.count,
				     "errors", err_array(&r->errors), "warnings",
				     err_array(&r->warnings), "notes", err_array(&r->notes)),
			   false);
		add_findings(s, FINDING_WARNING, &r->warnings);
		add_findings(s, FINDING_ERROR, &r->errors);
		return r->errors.count ? err_exit_code(r->errors.items[0]->code->cls) : 0;
	}
	say_all(s, "note", &r->notes);
	say_all(s, "warning", &r->warnings);
	add_findings(s, FINDING_WARNING, &r->warnings);
	if (r->errors.count)
		return cli_fail_list(s, &r->errors);
	printf("%zu nodes: no error, %zu warning%s\n", s->graph->nodes.count, r->warnings.count,
	       r->warnings.count == 1 ? "" : "s");
	return 0;
}

/* What is in a shared cache alone cannot be looked into: as if it were not built. */
static void forget_absent(const struct session *s)
{
	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		struct node *n = s->graph->nodes.items[i];

		for (size_t k = 0; n->record && k < n->record->output_count; k++) {
			const struct artifact *a = &n->record->outputs[k];

			if (a->shared && !store_blob_is_here(s->store, a))
				n->record = NULL;
		}
	}
}

/* Finds out what is built already. A project that cannot be planned is checked all the same. */
static const char *look_into_store(struct session *s)
{
	struct plan_nodes plan = {0};
	struct err *err cleanup_err = NULL;
	bool known = session_add_store(s, &err) == 0 &&
		     plan_make(s->graph, s->store, &s->tools, &plan, &err) == 0;

	plan_release(&plan);
	if (known)
		forget_absent(s);
	return known ? store_dir(s->store) : NULL;
}

/*
 * What wanted nodes miss is an error beside all others. Not so keys: they are no part of the
 * project, and rule signer has noted that it could not look at them.
 */
static void add_missing(const struct session *s, struct check_report *r)
{
	struct err_list missing cleanup_err_list = {0};

	for (size_t i = 0; i < s->graph->nodes.count; i++)
		if (s->graph->nodes.items[i]->wanted)
			node_missing(s->graph, s->graph->nodes.items[i], &missing);
	for (size_t i = 0; i < missing.count; i++)
		if (missing.items[i]->code != E_KEYS_MISSING)
			err_list_add(&r->errors, steal_ptr(missing.items[i]));
}

static int list_rules(const struct cli *c)
{
	json_t *array = c->json ? json_array() : NULL;

	for (const struct check_rule *r = check_rules; r->code.name; r++) {
		const char *level = r->warning ? "warning" : "error";

		if (array)
			json_array_append_new(array,
					      json_pack("{s:s, s:s, s:s}", "name", r->code.name,
							"level", level, "text", r->holds));
		else
			printf("%-22s %-8s %s\n", r->code.name, level, r->holds);
	}
	if (array)
		json_print(stdout, json_pack("{s:i, s:o}", "v", 1, "rules", array), false);
	return 0;
}

int cmd_check(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct check_report report = {0};
	struct err *err = NULL;
	int code;

	if (c->rules)
		return list_rules(c);
	code = session_open(&s, c, SESSION_GRAPH, NULL);
	if (code)
		return code;
	if (check_project(s.graph, look_into_store(&s), time(NULL), &report, &err) ||
	    (c->against && check_against(s.graph, c->against, &report, &err))) {
		code = cli_fail(&s, err);
	} else {
		add_missing(&s, &report);
		code = finish(&s, &report);
	}
	check_report_clear(&report);
	return code;
}
