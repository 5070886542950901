/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch check: what can be known wrong without building. Errors exit with 2; warnings are only said.
 */
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/session.h"
#include "graph/check.h"

static json_t *err_array(struct err_list *list)
{
	json_t *array = json_array();

	err_list_sort(list);
	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_err(list->items[i]));
	return array;
}

static void say_warnings(const struct session *s, struct err_list *warnings)
{
	const struct paint *p = paint_for(s->cli, stderr);

	err_list_sort(warnings);
	for (size_t i = 0; i < warnings->count; i++) {
		char *text cleanup_free = err_string(warnings->items[i]);

		fprintf(stderr, "%swarning:%s ", p->yellow, p->off);
		print_lines(stderr, "", text, strlen(text));
	}
}

static int finish(const struct session *s, struct err_list *errors, struct err_list *warnings)
{
	int code;

	if (s->cli->json) {
		json_print(stdout,
			   json_pack("{s:i, s:b, s:o, s:o}", "v", 1, "ok", !errors->count, "errors",
				     err_array(errors), "warnings", err_array(warnings)),
			   false);
		return errors->count ? err_exit_code(errors->items[0]->cls) : 0;
	}
	say_warnings(s, warnings);
	if (errors->count)
		return cli_fail_list(s, errors);
	code = printf("%zu nodes: no error, %zu warning%s\n", s->graph->nodes.count,
		      warnings->count, warnings->count == 1 ? "" : "s");
	return code < 0;
}

int cmd_check(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct err_list errors cleanup_err_list = {0}, warnings cleanup_err_list = {0};
	int code = session_open(&s, c, SESSION_GRAPH, NULL);

	if (code)
		return code;
	graph_check(s.graph, &errors, &warnings);
	return finish(&s, &errors, &warnings);
}
