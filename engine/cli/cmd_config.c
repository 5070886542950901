/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch config: every setting, its value, and where that comes from (docs/config.md). */
#include <unistd.h>

#include "base/url.h"
#include "cli/environment.h"
#include "cli/json.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/ui.h"
#include "kinds/debian/mirrors.h"
#include "kinds/test/board_config.h"
#include "kinds/kinds.h"

struct setting {
	const char *name, *value;
	/* "default", "option", "environment", "file", "project", "apt"; NULL: nothing says */
	const char *from;
	const char *at; /* "--store", "ORCH_STORE", "/home/u/.config/orch/config.yaml:3" */
};
DEFINE_VEC(settings, struct setting)

/* What is being told, of the session S. */
struct config {
	struct session *s;
	const struct cli *cli;
	struct settings all;
	struct user_config user;
	const struct yaml *map; /* what the file says, or NULL */
};

static void add(struct config *c, const char *name, const char *value, const char *from,
		const char *at)
{
	struct arena *a = c->s->arena;

	settings_push(&c->all, (struct setting){arena_strdup(a, name), arena_strdup(a, value), from,
						at ? arena_strdup(a, at) : NULL});
}

static const char *place(struct config *c, struct pos pos)
{
	return arena_printf(c->s->arena, "%s:%u", pos.file, pos.line);
}

/* Set to a text that is not empty. */
static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static int add_store(struct config *c, struct err **err)
{
	char *dir cleanup_free = NULL;
	const char *cache = variable("XDG_CACHE_HOME");

	if (session_store_place(c->cli, &dir, err))
		return -1;
	if (c->cli->store)
		add(c, "store", dir, "option", "--store");
	else if (variable("ORCH_STORE"))
		add(c, "store", dir, "environment", "ORCH_STORE");
	else if (cache && *cache == '/')
		add(c, "store", dir, "environment", "XDG_CACHE_HOME");
	else
		add(c, "store", dir, "default", NULL);
	return 0;
}

static void add_file(struct config *c)
{
	char *path cleanup_free = user_config_path();
	const char *xdg = variable("XDG_CONFIG_HOME");
	bool said = xdg && *xdg == '/';

	add(c, "config", path ? path : "", said ? "environment" : "default",
	    said ? "XDG_CONFIG_HOME" : NULL);
}

static void add_color(struct config *c)
{
	static const char *const words[] = {"auto", "always", "never"};
	const char *force = variable("CLICOLOR_FORCE");

	if (c->cli->color != WHEN_AUTO)
		add(c, "color", words[c->cli->color], "option", "--color");
	else if (variable("NO_COLOR"))
		add(c, "color", "never", "environment", "NO_COLOR");
	else if (force && !str_eq(force, "0"))
		add(c, "color", "always", "environment", "CLICOLOR_FORCE");
	else
		add(c, "color", "auto", "default", NULL);
}

static void add_progress(struct config *c)
{
	static const char *const words[] = {"auto", "tty", "plain", "json", "quiet"};
	static const char *const names[] = {
		[CI_GITHUB] = "GITHUB_ACTIONS", [CI_GITLAB] = "GITLAB_CI", [CI_OTHER] = "CI"};

	if (c->cli->progress != PROGRESS_AUTO)
		add(c, "progress", words[c->cli->progress], "option", "--progress");
	else if (ui_ci() != CI_NONE)
		add(c, "progress", "plain", "environment", names[ui_ci()]);
	else
		add(c, "progress", "auto", "default", NULL);
}

static void add_flag(struct config *c, const char *name, const char *option, bool set)
{
	add(c, name, set ? "true" : "false", set ? "option" : "default", set ? option : NULL);
}

/* What is taken where the file says nothing, of keys whose table has no default. */
static const char *fallback(struct config *c, const struct option *o)
{
	if (o->def)
		return o->def;
	if (str_eq(o->name, "jobs"))
		return arena_printf(c->s->arena, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	return str_eq(o->name, "download-pace") ? "16K" : "";
}

static void add_key(struct config *c, const struct option *o)
{
	struct str text cleanup_str = STR_INIT;
	struct pos pos;

	if (str_eq(o->name, "jobs") && c->cli->jobs) {
		str_printf(&text, "%u", c->cli->jobs);
		add(c, o->name, text.buf, "option", "--jobs");
	} else if (user_config_said(c->map, o->name, &text, &pos)) {
		add(c, o->name, text.buf, "file", place(c, pos));
	} else {
		add(c, o->name, fallback(c, o), "default", NULL);
	}
}

/* The variable that is said in place of a key of `remote:`, or NULL. */
static const char *remote_variable(const char *key)
{
	return str_eq(key, "cache")      ? "ORCH_CACHE"
	       : str_eq(key, "executor") ? "ORCH_EXECUTOR"
	       : str_eq(key, "token")    ? "ORCH_CACHE_TOKEN"
					 : NULL;
}

/* Of a shared cache's user everything is shown but what a server wants to hear. */
static void add_remote_key(struct config *c, const struct option *o)
{
	char *name cleanup_free = xasprintf("remote.%s", o->name);
	const char *set = remote_variable(o->name), *env = set ? getenv(set) : NULL;
	struct str text cleanup_str = STR_INIT;
	struct pos pos = {0};
	bool said = user_config_said(c->map, name, &text, &pos);
	bool named = env && (*env || !str_eq(o->name, "token")); /* an empty URL: none */
	const char *value = named ? env : text.buf;
	bool url = str_eq(o->name, "cache") || str_eq(o->name, "executor");
	char *shown cleanup_free = str_eq(o->name, "token") ? xstrdup(*value ? "set" : "")
				   : url                    ? remote_urls_shown(value)
							    : xstrdup(value);

	if (named)
		add(c, name, shown, "environment", set);
	else if (said)
		add(c, name, shown, "file", place(c, pos));
	else
		add(c, name, o->def ? o->def : "", "default", NULL);
}

static const struct pair *user_mirror(struct config *c, const char *alias)
{
	for (size_t i = 0; i < c->user.mirrors.count; i++) {
		const struct pair *p = LIST_AT(c->user.mirrors, struct pair *, i);

		if (str_eq(p->key, alias))
			return p;
	}
	return NULL;
}

/* "mirrors" or "pools" of P, as they are written, without user and password. */
static void add_places(struct config *c, const char *key, const struct pair *p)
{
	char *name cleanup_free = xasprintf("%s.%s", key, p->key);
	const struct list *urls = p->data;
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < urls->count; i++) {
		char *shown cleanup_free = url_shown(LIST_AT(*urls, const char *, i));

		str_printf(&text, "%s%s", i ? " " : "", shown);
	}
	add(c, name, text.buf, "file", place(c, p->pos));
}

/* Of an archive of the project that the file does not name. */
static int add_host_mirror(struct config *c, struct mirrors *m, const struct archive *archive,
			   struct err **err)
{
	char *name cleanup_free = xasprintf("mirrors.%s", archive->alias);
	const struct lock_archive a = debian_archive_of(archive);
	struct err *none cleanup_err = NULL;
	struct str text cleanup_str = STR_INIT;
	struct mirror where;

	if (!m->arena && mirrors_open(c->s->arena, m, err) < 0)
		return -1;
	if (mirrors_find(m, &a, &where, &none) < 0) {
		add(c, name, "", NULL, NULL);
		return 0;
	}
	if (where.list)
		str_append(&text, where.list);
	for (size_t i = 0; i < where.count; i++)
		str_printf(&text, "%s%s", i ? " " : "", where.urls[i]);
	add(c, name, text.buf, "apt", NULL);
	return 0;
}

static int add_mirrors(struct config *c, const struct project *p, struct err **err)
{
	struct mirrors m = {0};

	for (size_t i = 0; i < c->user.mirrors.count; i++)
		add_places(c, "mirrors", LIST_AT(c->user.mirrors, struct pair *, i));
	for (size_t i = 0; p && i < p->archives.count; i++) {
		const struct archive *a = LIST_AT(p->archives, struct archive *, i);

		if (!user_mirror(c, a->alias) && add_host_mirror(c, &m, a, err))
			return -1;
	}
	return 0;
}

static void add_pools(struct config *c, const struct project *p)
{
	if (!c->user.pools.count)
		add(c, "pools", "", "default", NULL);
	for (size_t i = 0; i < c->user.pools.count; i++)
		add_places(c, "pools", LIST_AT(c->user.pools, struct pair *, i));
	if (p && p->pool)
		add(c, "pool", p->pool, "project", place(c, p->pool_pos));
}

/* What is known of a remote board: the keys alone, for commands may hold passwords. */
static void add_board(struct config *c, const struct pair *p)
{
	char *name cleanup_free = xasprintf("boards.%s", p->key);
	const struct board_config *b = p->data;
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < REMOTE_CMD_COUNT; i++)
		if (b->commands[i].count)
			str_printf(&text, "%s%s", text.len ? " " : "", remote_words[i]);
	add(c, name, text.buf, "file", place(c, p->pos));
}

static void add_boards(struct config *c)
{
	if (!c->user.boards.count)
		add(c, "boards", "", "default", NULL);
	for (size_t i = 0; i < c->user.boards.count; i++)
		add_board(c, LIST_AT(c->user.boards, struct pair *, i));
}

/* The one that the current directory is in, as far as it can be read, or NULL. */
static const struct project *find_project(struct config *c)
{
	struct err_list mistakes cleanup_err_list = {0};
	struct err *outside cleanup_err = NULL;
	const struct strv none = {0};

	if (project_find(".", &c->s->dir, &outside))
		return NULL;
	return project_load(c->s->arena, c->s->dir, kinds_all, &none, &mistakes);
}

static int fill(struct config *c, struct err **err)
{
	const struct project *p;

	if (user_config_parse(c->s->arena, &c->map, &c->user, err))
		return -1;
	add_file(c);
	if (add_store(c, err))
		return -1;
	for (size_t i = 0; i < user_config_schema.count; i++)
		if (user_config_schema.options[i].type != OPT_DICT &&
		    !user_config_schema.options[i].sub)
			add_key(c, &user_config_schema.options[i]);
	for (size_t i = 0; i < remote_config_schema.count; i++)
		add_remote_key(c, &remote_config_schema.options[i]);
	p = find_project(c);
	if (add_mirrors(c, p, err))
		return -1;
	add_pools(c, p);
	add_boards(c);
	add_color(c);
	add_progress(c);
	add_flag(c, "offline", "--offline", c->cli->offline);
	add_flag(c, "no-wait", "--no-wait", c->cli->no_wait);
	for (const struct environment_row *e = environment_rows; e->name; e++) {
		if (!e->is_setting || !variable(e->name))
			continue;
		char *shown cleanup_free = url_shown(variable(e->name));

		add(c, e->name, shown, "environment", e->name);
	}
	return 0;
}

static void print(const struct config *c)
{
	struct table *t = table_new("SETTING", "VALUE", "FROM", NULL);

	for (size_t i = 0; i < c->all.count; i++) {
		const struct setting *s = &c->all.items[i];
		const char *from = !s->from                 ? "nothing says where"
				   : str_eq(s->from, "apt") ? "this machine's apt"
				   : s->at                  ? s->at
							    : s->from;
		char *shown cleanup_free = xasprintf(
			"%s%s", s->from && str_eq(s->from, "environment") ? "$" : "", from);

		table_row(t, s->name, *s->value ? s->value : "-", shown);
	}
	table_print(t);
}

static void print_json(const struct config *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->all.count; i++) {
		const struct setting *s = &c->all.items[i];

		json_array_append_new(list,
				      json_pack("{s:s, s:o, s:o, s:o}", "name", s->name, "value",
						json_text(*s->value ? s->value : NULL), "from",
						json_text(s->from), "at", json_text(s->at)));
	}
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "settings", list), false);
}

int cmd_config(struct cli *cli)
{
	struct session s cleanup_session = {.cli = cli, .arena = arena_new()};
	struct config c = {.s = &s, .cli = cli};
	struct err *err = NULL;
	int code = 0;

	if (fill(&c, &err))
		code = cli_fail(&s, err);
	else if (cli->json)
		print_json(&c);
	else
		print(&c);
	settings_clear(&c.all);
	return code;
}
