/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch kinds, orch schema: what the option tables say, for people and for editors. */
#include "base/near.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"
#include "kinds/kinds.h"
#include "recipe/extend.h"
#include "recipe/schema_json.h"

static const struct kind *find_kind(const char *name, struct err **err)
{
	struct strs names = {0};
	const char *near;

	for (size_t i = 0; kinds_all[i]; i++) {
		if (str_eq(kinds_all[i]->name, name))
			return kinds_all[i];
	}
	for (size_t i = 0; kinds_all[i]; i++)
		strs_push(&names, kinds_all[i]->name);
	near = near_word(name, names.items, names.count);
	strs_clear(&names);
	err_set(err, E_UNKNOWN_KIND, "no kind '%s'; %s%s%s", name, near ? "did you mean '" : "",
		near ? near : "'orch kinds' lists them", near ? "'?" : "");
	return NULL;
}

static void list_kinds(void)
{
	struct table *t = table_new("KIND", "MAKES", NULL);

	for (size_t i = 0; kinds_all[i]; i++)
		table_row(t, kinds_all[i]->name, kinds_all[i]->summary);
	table_row(t, "recipe", "what recipes of all kinds may say");
	table_row(t, "project", "recipes/project.yaml: what all nodes share");
	table_print(t);
	puts("\n'orch kinds KIND' describes its keys; 'orch schema' is for editors.");
}

static void list_kinds_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; kinds_all[i]; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:i}", "name", kinds_all[i]->name,
						      "summary", kinds_all[i]->summary, "version",
						      kinds_all[i]->version));
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "kinds", list), false);
}

static void describe_json(const char *name, const struct schema *schema)
{
	struct str text cleanup_str = STR_INIT;

	schema_json_keys(schema, &text);
	json_print(stdout,
		   json_pack("{s:i, s:b, s:s, s:o}", "v", 1, "ok", 1, "kind", name, "schema",
			     json_loads(text.buf, 0, NULL)),
		   false);
}

static int describe_key(const char *name, const struct schema *schema, const char *key,
			struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	const char *unknown = schema_help_key(schema, key, &text), *near;
	struct strs names = {0};

	if (!unknown) {
		fputs(text.buf, stdout);
		return 0;
	}
	for (size_t i = 0; i < schema->count; i++)
		strs_push(&names, schema->options[i].name);
	near = unknown == key ? near_word(key, names.items, names.count) : NULL;
	strs_clear(&names);
	if (near)
		return err_set(err, E_UNKNOWN_KEY, "'%s' has no key '%s'; did you mean '%s'?", name,
			       key, near);
	return err_set(err, E_UNKNOWN_KEY, "'%s' has no key '%s'; 'orch kinds %s' lists them", name,
		       key, name);
}

static int describe(const struct cli *c, const char *name, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	const struct schema *schema = str_eq(name, "project")  ? &project_schema
				      : str_eq(name, "recipe") ? &recipe_schema
							       : NULL;
	const struct kind *kind = schema ? NULL : find_kind(name, err);

	if (!schema && !kind)
		return -1;
	if (c->args.count > 1)
		return describe_key(name, kind ? kind->schema : schema, c->args.items[1], err);
	if (c->json) {
		describe_json(name, kind ? kind->schema : schema);
		return 0;
	}
	if (kind)
		kind_help(kind, &text);
	else
		schema_help(schema, &text);
	fputs(text.buf, stdout);
	return 0;
}

int cmd_kinds(struct cli *c)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;

	if (c->args.count)
		return describe(c, c->args.items[0], &err) ? cli_fail(&s, err) : 0;
	if (c->json)
		list_kinds_json();
	else
		list_kinds();
	return 0;
}

int cmd_schema(struct cli *c)
{
	struct str text cleanup_str = STR_INIT;

	schema_json(kinds_all, &text);
	fputs(text.buf, stdout);
	return 0;
}
