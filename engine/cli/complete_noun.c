/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be named on a command line: nodes, runs, kinds, codes. */
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/git.h"
#include "base/path.h"
#include "check/check.h"
#include "cli/as_owner.h"
#include "cli/complete.h"
#include "cli/session.h"
#include "cli/skeleton.h"
#include "graph/variants.h"
#include "kinds/kinds.h"
#include "recipe/extend.h"
#include "recipe/files.h"

/* Of larger projects only the names of files are looked at: nobody waits for a word. */
#define PARSED_MAX 500
#define RUNS_MAX 50
#define LOCK_MAX (16 * 1024 * 1024)

static void add_commands(struct completion *c)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		complete_add(c, cmd->name, cmd->summary);
}

static void add_kinds(struct completion *c)
{
	for (size_t i = 0; kinds_all[i]; i++)
		complete_add(c, kinds_all[i]->name, kinds_all[i]->summary);
	complete_add(c, "recipe", "what recipes of all kinds may say");
	complete_add(c, "project", "recipes/project.yaml");
}

static void add_codes(struct completion *c)
{
	for (const struct err_code *const *code = err_codes; *code; code++)
		complete_add(c, (*code)->name, err_class_name((*code)->cls));
	for (const struct check_rule *r = check_rules; r->code.name; r++)
		complete_add(c, r->code.name, r->holds);
}

/* The project and its store, as whom it is for (as_owner.h). No project: S->dir is NULL. */
static bool enter(struct completion *c, struct session *s, struct cli *cli)
{
	struct err *err cleanup_err = NULL;

	if (c->dir && chdir(c->dir) < 0)
		return false;
	*cli = (struct cli){.no_wait = true, .store = (char *)c->store};
	if (act_as_owner(cli, &err))
		return false;
	s->cli = cli;
	s->arena = arena_new();
	return project_find(".", &s->dir, &err) == 0;
}

/* The names of its files, whatever is in them. */
static void find_files(struct session *s, struct recipe_files *ret)
{
	struct err_list errors cleanup_err_list = {0};

	*ret = (struct recipe_files){.arena = s->arena, .errors = &errors, .text = STR_INIT};
	ret->dirfd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->dirfd >= 0)
		recipe_files_find(ret);
}

static void close_files(struct recipe_files *f)
{
	if (f->dirfd >= 0)
		close(f->dirfd);
	recipe_files_clear(f);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

/* Nodes of project P of KIND (NULL: any); those with mistakes, too, where all are wanted. */
static void add_parsed(struct completion *c, const struct project *p, const char *kind)
{
	const struct recipe *r;

	qsort(p->parsed.entries, p->parsed.count, sizeof(*p->parsed.entries), by_key);
	for (size_t i = 0; i < p->parsed.count; i++) {
		r = p->parsed.entries[i].value;
		if (!kind || str_eq(r->kind->name, kind))
			complete_add(c, r->name, r->kind->name);
	}
	for (size_t i = 0; !kind && i < p->unsound.count; i++)
		if (!map_get(&p->parsed, p->unsound.entries[i].key))
			complete_add(c, p->unsound.entries[i].key, NULL);
}

/* "root@pc": a node of each value, once the '@' is typed. */
static void add_of_variants(struct completion *c, struct session *s, struct project *p,
			    const char *kind)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv none = {0};
	const struct graph *g = graph_build_variants(s->arena, p, kinds_all, &none, &errors);

	for (size_t i = 0; g && i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (!kind || str_eq(n->recipe->kind->name, kind))
			complete_add(c, n->name, n->recipe->kind->name);
	}
}

static void add_nodes(struct completion *c, const char *kind)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv none = {0};
	struct session s cleanup_session = {0};
	struct project *p = NULL;
	struct recipe_files files;
	struct cli cli;

	if (!enter(c, &s, &cli))
		return;
	find_files(&s, &files);
	if (files.found.count <= PARSED_MAX)
		p = project_load(s.arena, s.dir, kinds_all, &none, &errors);
	if (p && p->variant && strchr(c->typed, '@'))
		add_of_variants(c, &s, p, kind);
	else if (p)
		add_parsed(c, p, kind);
	for (size_t i = 0; !p && !kind && i < files.found.count; i++)
		complete_add(c, files.found.items[i].name, NULL);
	close_files(&files);
}

/* The project, or NULL. S and CLI live as long as it is used. */
static const struct project *load(struct completion *c, struct session *s, struct cli *cli)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv none = {0};

	return enter(c, s, cli) ? project_load(s->arena, s->dir, kinds_all, &none, &errors) : NULL;
}

/* "NODE:OUTPUT/" for each output of the node that is typed. */
static void add_outputs(struct completion *c)
{
	struct session s cleanup_session = {0};
	char *name cleanup_free = xstrndup(c->typed, strcspn(c->typed, ":"));
	struct output_specs outputs = {0};
	const struct project *p;
	const struct recipe *r;
	struct cli cli;

	p = load(c, &s, &cli);
	r = p ? map_get(&p->recipes, name) : NULL;
	if (r)
		r->kind->outputs(&(struct kind_ctx){s.arena, r->name, s.dir, p, r->opts, r->map},
				 &outputs);
	for (size_t i = 0; i < outputs.count; i++) {
		char *word cleanup_free = xasprintf("%s:%s/", name, outputs.items[i].name);

		complete_add(c, word, output_type_word(outputs.items[i].type));
	}
	output_specs_clear(&outputs);
}

static void add_templates(struct completion *c)
{
	for (const struct skeleton *t = skeletons; t->name; t++)
		complete_add(c, t->name, t->summary);
}

static void add_variables(struct completion *c)
{
	struct session s cleanup_session = {0};
	const struct project *p;
	struct cli cli;

	p = load(c, &s, &cli);
	for (size_t i = 0; p && i < p->vars.count; i++) {
		char *word cleanup_free = xasprintf("%s=", p->vars.entries[i].key);

		if (!str_skip(word, "slots.") && !str_skip(word, "project."))
			complete_add(c, word, p->vars.entries[i].value);
	}
}

static void add_values(struct completion *c)
{
	struct session s cleanup_session = {0};
	const struct project *p;
	struct cli cli;

	p = load(c, &s, &cli);
	for (size_t i = 0; p && i < p->variants.axes.count; i++) {
		const struct axis *a = LIST_AT(p->variants.axes, struct axis *, i);

		for (size_t k = 0; k < a->values.count; k++) {
			char *word cleanup_free =
				xasprintf("%s=%s", a->name, LIST_AT(a->values, const char *, k));

			complete_add(c, word, NULL);
		}
	}
}

/* "package ARCHIVE NAME VERSION ...": the third word, once. */
static void add_locked(struct completion *c, char *text, struct map *seen)
{
	char *line, *archive, *name, *version;

	while ((line = strsep(&text, "\n"))) {
		if (!str_eq(strsep(&line, " "), "package") || !(archive = strsep(&line, " ")) ||
		    !(name = strsep(&line, " ")) || !(version = strsep(&line, " ")))
			continue;
		if (!map_set(seen, name, name))
			complete_add(c, name, version);
	}
}

static void add_packages(struct completion *c)
{
	struct session s cleanup_session = {0};
	struct map seen cleanup_map = {0};
	struct recipe_files files;
	struct cli cli;

	if (!enter(c, &s, &cli))
		return;
	find_files(&s, &files);
	for (size_t i = 0; i < files.found.count; i++) {
		struct str text = STR_INIT;
		struct err *err cleanup_err = NULL;
		char *path cleanup_free =
			xasprintf("%s/recipes/%s.lock", s.dir, files.found.items[i].name);

		if (path_exists(path) && file_read(path, LOCK_MAX, &text, &err) == 0)
			add_locked(c, arena_strdup(s.arena, text.buf), &seen);
		str_release(&text);
	}
	close_files(&files);
}

static void add_runs(struct completion *c)
{
	struct session s cleanup_session = {0}, history cleanup_session = {0};
	struct err *err cleanup_err = NULL;
	struct run_info *runs;
	char *place cleanup_free = NULL;
	struct cli cli;
	size_t count;

	enter(c, &s, &cli);
	if (session_store_place(&cli, &place, &err) || !path_exists(place) ||
	    session_open_history(&history, &cli) ||
	    store_runs(history.store, history.arena, false, RUNS_MAX, &runs, &count, &err))
		return;
	for (size_t i = 0; i < count; i++) {
		char *number cleanup_free = xasprintf("%lld", (long long)runs[i].id);
		char *back cleanup_free = xasprintf("^%zu", i);
		const char *what = *runs[i].targets ? runs[i].targets : "(default)";

		complete_add(c, number, what);
		complete_add(c, back, what);
	}
}

static void add_revisions(struct completion *c)
{
	struct session s cleanup_session = {0};
	struct err *err cleanup_err = NULL;
	struct strv names cleanup_strv = {0};
	struct git git cleanup_git = {0};
	struct cli cli;

	if (!enter(c, &s, &cli) || git_open(s.dir, &git, &err) || git_names(&git, &names, &err))
		return;
	for (size_t i = 0; i < names.count; i++)
		complete_add(c, names.items[i], NULL);
}

static void add_keys(struct completion *c)
{
	const char *kind = c->arg_count ? c->args[0] : "";
	const struct schema *schema = str_eq(kind, "project")  ? &project_schema
				      : str_eq(kind, "recipe") ? &recipe_schema
							       : NULL;

	for (size_t i = 0; !schema && kinds_all[i]; i++)
		if (str_eq(kinds_all[i]->name, kind))
			schema = kinds_all[i]->schema;
	for (size_t i = 0; schema && i < schema->count; i++)
		if (schema->options[i].type != OPT_GONE)
			complete_add(c, schema->options[i].name, schema->options[i].help);
}

/* What 'orch query' is asked about. */
static void add_asked(struct completion *c)
{
	const char *verb = c->arg_count ? c->args[0] : "";

	if (str_eq(verb, "owner") || str_eq(verb, "rdeps"))
		add_nodes(c, NULL);
	else if (str_eq(verb, "contains"))
		add_packages(c);
	else
		str_append(&c->out, ":file\n");
}

void complete_noun(struct completion *c, const char *noun)
{
	if (str_eq(noun, "NODE") || str_eq(noun, "TARGET") || str_eq(noun, "OTHER"))
		add_nodes(c, NULL);
	else if (str_eq(noun, "OUTPUT"))
		add_outputs(c);
	else if (str_eq(noun, "TEMPLATE"))
		add_templates(c);
	else if (str_eq(noun, "BOARD"))
		add_nodes(c, "board");
	else if (str_eq(noun, "RUN"))
		add_runs(c);
	else if (str_eq(noun, "REV"))
		add_revisions(c);
	else if (str_eq(noun, "KIND"))
		add_kinds(c);
	else if (str_eq(noun, "KEY"))
		add_keys(c);
	else if (str_eq(noun, "CODE"))
		add_codes(c);
	else if (str_eq(noun, "COMMAND"))
		add_commands(c);
	else if (str_eq(noun, "PACKAGE"))
		add_packages(c);
	else if (str_skip(noun, "NAME=VALUE"))
		add_variables(c);
	else if (str_eq(noun, "AXIS=VALUE"))
		add_values(c);
	else if (str_eq(noun, "WHAT"))
		add_asked(c);
	if (str_eq(noun, "RELEASE"))
		add_nodes(c, "shipped");
	if (str_eq(noun, "RELEASE") || str_eq(noun, "FILE") || str_eq(noun, "DEVICE") ||
	    str_eq(noun, "DEST") || str_eq(noun, "WHERE"))
		str_append(&c->out, ":file\n");
	else if (str_eq(noun, "DIR"))
		str_append(&c->out, ":directory\n");
}
