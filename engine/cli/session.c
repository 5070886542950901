/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/session.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"
#include "cli/finding.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "graph/variants.h"
#include "kinds/debian/lock_check.h"
#include "kinds/kinds.h"

static void say(const struct session *s, const struct err *e)
{
	const struct paint *p = paint_for(s->cli, stderr);
	struct str text cleanup_str = STR_INIT;
	char *line cleanup_free = NULL;

	if (e->file && s->dir) {
		recipe_explain(s->dir, e, &text);
		print_lines(stderr, "", text.buf, text.len);
	} else {
		line = err_string(e);
		fprintf(stderr, "%sorch:%s ", p->red, p->off);
		print_escaped(stderr, line, strlen(line));
		fputc('\n', stderr);
	}
	finding_add(s->cli, s->dir, FINDING_ERROR, e);
}

/* Into ANSWER, which may be NULL, and prints it. */
static void say_json(struct err *const *items, size_t count, json_t *answer)
{
	json_t *o = answer ? answer : json_pack("{s:i}", "v", 1), *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_err(items[i]));
	json_object_set_new(o, "ok", json_false());
	json_object_set_new(o, "errors", list);
	json_print(stdout, o, false);
}

int cli_fail(const struct session *s, struct err *err)
{
	struct err_list all cleanup_err_list = {0};
	int code = err_exit_code(err->code->cls);

	if (err->next) {
		err_list_add(&all, err);
		return cli_fail_list(s, &all);
	}
	say(s, err);
	if (s->cli->json)
		say_json(&err, 1, NULL);
	err_free(err);
	return code;
}

int cli_fail_list(const struct session *s, struct err_list *errors)
{
	return cli_fail_beside(s, errors, NULL);
}

int cli_fail_beside(const struct session *s, struct err_list *errors, json_t *answer)
{
	if (!errors->count)
		return err_exit_code(ERR_INTERNAL);
	err_list_sort(errors);
	for (size_t i = 0; i < errors->count; i++)
		say(s, errors->items[i]);
	if (errors->count > 1)
		fprintf(stderr, "orch: %zu errors\n", errors->count);
	if (s->cli->json)
		say_json(errors->items, errors->count, answer);
	return err_exit_code(errors->items[0]->code->cls);
}

int session_store_place(const struct cli *c, char **ret, struct err **err)
{
	const char *env = getenv("ORCH_STORE"), *cache = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");
	char *cwd cleanup_free = NULL;

	if (c->store || (env && *env)) {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return err_errno(err, E_READ_FAILED, errno,
					 "cannot find the current directory");
		*ret = path_join(cwd, c->store ? c->store : env);
	} else if (cache && cache[0] == '/') {
		*ret = path_join(cache, "orch");
	} else if (home && home[0] == '/') {
		*ret = path_join(home, ".cache/orch");
	} else {
		return err_set(err, E_NO_STORE,
			       "no place for the store: set HOME, or give --store DIR");
	}
	return 0;
}

static int open_store(struct session *s, struct err **err)
{
	char *dir cleanup_free = NULL;

	if (session_store_place(s->cli, &dir, err))
		return -1;
	return store_open(dir, !s->cli->no_wait, &s->store, err);
}

/* From here on history is that of the project: once it is loaded and the store is open. */
static int enter(struct session *s, struct err **err)
{
	if (!s->store || !s->project)
		return 0;
	return store_enter(s->store, s->dir, s->project->name, err);
}

/* What the store put right is said once, when it is closed. */
static void close_store(struct session *s)
{
	const char *warning = s->store ? store_warning(s->store) : NULL;

	if (warning) {
		fprintf(stderr, "orch: warning: ");
		print_lines(stderr, "", warning, strlen(warning));
	}
	store_close(s->store);
}

static void begin(struct session *s, const struct cli *c)
{
	s->cli = c;
	s->arena = arena_new();
	s->tools.arena = s->arena;
}

int session_open_store(struct session *s, const struct cli *c)
{
	struct err *err = NULL;

	begin(s, c);
	return open_store(s, &err) ? cli_fail(s, err) : 0;
}

int session_open_history(struct session *s, const struct cli *c)
{
	struct err_list mistakes cleanup_err_list = {0};
	struct err *outside cleanup_err = NULL, *err = NULL;
	const struct project *p = NULL;
	int code = session_open_store(s, c);

	if (code || c->all || project_find(".", &s->dir, &outside))
		return code;
	p = project_load(s->arena, s->dir, kinds_all, &c->sets, &mistakes);
	if (store_enter(s->store, s->dir, p ? p->name : NULL, &err))
		return cli_fail(s, err);
	return 0;
}

static int open_graph(struct session *s, enum session_part part, const struct strv *targets)
{
	struct err_list errors cleanup_err_list = {0};
	const struct strv all = {0};
	struct err *err = NULL;

	s->project = project_load(s->arena, s->dir, kinds_all, &s->cli->sets, &errors);
	if (!s->project || (part == SESSION_PROJECT && errors.count))
		return cli_fail_list(s, &errors);
	if (part == SESSION_PROJECT)
		return 0;
	s->graph = graph_build_variants(s->arena, s->project, kinds_all, &s->cli->sets, &errors);
	if (!s->graph || errors.count)
		return cli_fail_list(s, &errors);
	if (graph_choose(s->graph, &s->cli->variants, &err) ||
	    graph_select(s->graph, targets ? targets : &all, &err))
		return cli_fail(s, err);
	return 0;
}

int session_check_files(const struct session *s, bool locks)
{
	struct err_list errors cleanup_err_list = {0};

	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];

		if (!n->wanted)
			continue;
		node_missing(s->graph, n, &errors);
		if (locks && lock_applies(n->recipe))
			lock_check(s->arena, n->recipe->project, n->recipe, &errors);
	}
	return errors.count ? cli_fail_list(s, &errors) : 0;
}

/* Of what N misses, what is not there yet is noted, keys go to KEYS, too; the rest to ERRORS. */
static void note_missing(const struct session *s, struct node *n, enum session_note note,
			 struct err_list *keys, struct err_list *errors)
{
	struct err_list missing cleanup_err_list = {0};

	node_missing(s->graph, n, &missing);
	if (lock_applies(n->recipe))
		lock_check(s->arena, n->recipe->project, n->recipe, &missing);
	for (size_t i = 0; i < missing.count; i++) {
		struct err *e = steal_ptr(missing.items[i]);
		bool key = e->code == E_KEYS_MISSING;
		bool noted =
			key || (note == SESSION_NOTE_KEYS_AND_LOCKS && e->code == E_NOT_LOCKED);

		if (noted && !n->lacks)
			n->lacks = arena_strdup(s->arena, e->text);
		err_list_add(noted ? keys : errors, e);
	}
}

int session_note_missing(const struct session *s, enum session_note note)
{
	struct err_list errors cleanup_err_list = {0}, keys cleanup_err_list = {0};

	for (size_t i = 0; i < s->graph->nodes.count; i++)
		if (s->graph->nodes.items[i]->wanted)
			note_missing(s, s->graph->nodes.items[i], note, &keys, &errors);
	if (!errors.count)
		return 0;
	for (size_t i = 0; note == SESSION_NOTE_KEYS_ALONE && i < keys.count; i++)
		err_list_add(&errors, steal_ptr(keys.items[i]));
	return cli_fail_list(s, &errors);
}

int session_open(struct session *s, const struct cli *c, enum session_part part,
		 const struct strv *targets)
{
	struct err *err = NULL;
	int code;

	begin(s, c);
	if (project_find(".", &s->dir, &err))
		return cli_fail(s, err);
	if (part == SESSION_DIR)
		return 0;
	code = open_graph(s, part, targets);
	if (code == 0 && part == SESSION_STORE && session_add_store(s, &err))
		code = cli_fail(s, err);
	return code;
}

int session_open_at(struct session *s, const struct cli *c, const char *dir)
{
	begin(s, c);
	s->dir = xstrdup(dir);
	return open_graph(s, SESSION_GRAPH, NULL);
}

int session_add_store(struct session *s, struct err **err)
{
	return open_store(s, err) ? -1 : enter(s, err);
}

int session_open_dir_and_store(struct session *s, const struct cli *c)
{
	struct err *err = NULL;
	int code = session_open(s, c, SESSION_DIR, NULL);

	if (code == 0 && open_store(s, &err))
		code = cli_fail(s, err);
	return code;
}

int session_open_rest(struct session *s, const struct strv *targets)
{
	struct err *err = NULL;
	int code = open_graph(s, SESSION_GRAPH, targets);

	return code == 0 && enter(s, &err) ? cli_fail(s, err) : code;
}

void session_close(struct session *s)
{
	close_store(s);
	map_clear(&s->tools.known);
	arena_free(s->arena);
	free(s->dir);
	*s = (struct session){0};
}

/* One of FOUND, where there must be one. */
static struct node *only_node(const struct nodes *found, const char *name, struct err **err)
{
	struct str names cleanup_str = STR_INIT;

	if (found->count == 1)
		return found->items[0];
	for (size_t i = 0; i < found->count; i++)
		str_printf(&names, "%s%s", i ? ", " : "", found->items[i]->name);
	err_set(err, E_AMBIGUOUS_REFERENCE, "'%s' is there %zu times: name one of %s", name,
		found->count, names.buf);
	return NULL;
}

bool session_has_recipe(const struct session *s, const char *name)
{
	char *path cleanup_free = NULL;

	if (!s->dir)
		return true;
	path = xasprintf("%s/recipes/%.*s.yaml", s->dir, (int)strcspn(name, "@"), name);
	return access(path, F_OK) == 0 || strchr(name, '@');
}

struct node *session_node(const struct session *s, const char *name, struct err **err)
{
	struct nodes found = {0};
	const char *near;

	graph_match(s->graph, name, &found);
	if (found.count) {
		struct node *n = only_node(&found, name, err);

		nodes_clear(&found);
		return n;
	}
	near = graph_near(s->graph, name);
	if (near)
		err_set(err, E_UNKNOWN_NODE, "no node '%s'; did you mean '%s'?", name, near);
	else
		err_set(err, E_UNKNOWN_NODE, "no node '%s'; 'orch graph' shows what there is",
			name);
	return NULL;
}
