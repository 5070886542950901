/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch manual: pages out of the tables that command line, recipes and settings are read by. */
#include "base/roff.h"
#include "cli/environment.h"
#include "cli/manual.h"
#include "cli/session.h"
#include "kinds/kinds.h"
#include "kinds/user_config.h"
#include "recipe/extend.h"
#include "recipe/schema_json.h"

static void manual_recipes(struct str *ret)
{
	roff_heading(ret, "DESCRIPTION");
	roff_text(
		ret,
		"A project is a directory with `recipes/project.yaml`. Each other file below "
		"`recipes/` is a node of the graph, and its path without `.yaml` is its name. "
		"Edges come from what recipes mention: `NODE` stands for the main output of "
		"another node, `NODE:OUTPUT` for one of its outputs, `NODE:/PATH` for a file in "
		"its tree; a name that no node has is a path of the project.\n\n"
		"`${NAME}` in a value is a variable of `project.yaml`, `${NODE#FACT}` what is "
		"known of another node without building it, `${NODE:OUTPUT}` the text of an "
		"output.\n\n"
		"The YAML is the plain kind: no anchors, tags or merge keys. `orch schema` prints "
		"a JSON Schema for editors, `orch kinds KIND` what this page says of one kind.");
	roff_heading(ret, "project.yaml");
	schema_page(&project_schema, ret);
	roff_heading(ret, "ALL RECIPES");
	schema_page(&recipe_schema, ret);
	for (size_t i = 0; kinds_all[i]; i++)
		kind_page(kinds_all[i], ret);
}

static void manual_config(struct str *ret)
{
	roff_heading(ret, "SYNOPSIS");
	roff_text(ret, "`$XDG_CONFIG_HOME/orch/config.yaml`, else `~/.config/orch/config.yaml`");
	roff_heading(ret, "DESCRIPTION");
	roff_text(ret,
		  "What belongs to your machine and to you, never to a project. The file need not "
		  "exist. Nothing in it changes what a build makes or its key. `orch config` "
		  "prints every setting, its value and where it comes from.");
	roff_heading(ret, "KEYS");
	schema_page(&user_config_schema, ret);
	roff_heading(ret, "ENVIRONMENT");
	for (const struct environment_row *e = environment_rows; e->name; e++) {
		roff_term(ret, e->name);
		roff_text(ret, e->help);
	}
	roff_heading(ret, "PASSWORDS");
	roff_text(ret,
		  "The first of these that knows the server counts: the URL in `mirrors`; apt's "
		  "`auth.conf`; `machine HOST login USER password PASSWORD` in `~/.netrc`; the "
		  "program of `credential-helper`. No message, log, key or file of the store has "
		  "it.");
}

static const struct page {
	const char *name;
	int section;
	const char *summary;
	void (*write)(struct str *ret);
	const char *see;
} pages[] = {
	{"orch", 1, "build operating-system images that update themselves", manual_orch,
	 "orch-recipes(5), orch-config(5), rauc(1), qemu(1)"},
	{"orch-recipes", 5, "recipes of orch: a project and its nodes", manual_recipes,
	 "orch(1), orch-config(5)"},
	{"orch-config", 5, "your configuration of orch", manual_config,
	 "orch(1), orch-recipes(5), git-credential(1), apt.conf(5)"},
};

static void print_page(const struct page *p)
{
	struct str text cleanup_str = STR_INIT;

	roff_title(&text, p->name, p->section, ORCH_DATE, "orch " ORCH_VERSION, p->summary);
	p->write(&text);
	roff_heading(&text, "SEE ALSO");
	roff_text(&text, p->see);
	fwrite(text.buf, 1, text.len, stdout);
}

int cmd_manual(struct cli *c)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(pages); i++) {
		if (str_eq(pages[i].name, c->args.items[0])) {
			print_page(&pages[i]);
			return 0;
		}
	}
	err_set(&err, E_USAGE, "there are pages orch, orch-recipes and orch-config, none '%s'",
		c->args.items[0]);
	return cli_fail(&s, err);
}
