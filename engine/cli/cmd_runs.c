/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch runs: the history; orch diff: what is different between two runs. */
#include <time.h>

#include "cli/history.h"
#include "cli/json.h"
#include "cli/table.h"

#define RUNS_SHOWN 30

static char *when(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32] = "";

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return xstrdup(text);
}

static const char *outcome(const struct run_info *r)
{
	if (!r->finished)
		return "unfinished";
	return r->exit_code ? "failed" : "ok";
}

static void print_runs(const struct run_info *runs, size_t count)
{
	struct table *t = table_new(">RUN", "BEGAN", ">TIME", ">EXIT", "RESULT", "TARGETS", NULL);

	for (size_t i = 0; i < count; i++) {
		const struct run_info *r = &runs[i];
		char *id cleanup_free = xasprintf("%lld", (long long)r->id);
		char *began cleanup_free = when(r->started_at);
		char *took cleanup_free = str_seconds(r->wall_s);
		char *code cleanup_free = xasprintf("%d", r->exit_code);

		table_row(t, id, began, r->finished ? took : NULL, r->finished ? code : NULL,
			  outcome(r), *r->targets ? r->targets : "(default)");
	}
	table_print(t);
}

static void print_runs_json(const struct run_info *runs, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct run_info *r = &runs[i];

		json_array_append_new(
			list, json_pack("{s:I, s:I, s:f, s:i, s:b, s:o}", "run", (json_int_t)r->id,
					"started_at", (json_int_t)r->started_at, "wall_s",
					r->wall_s, "exit_code", r->exit_code, "finished",
					(int)r->finished, "targets", json_text(r->targets)));
	}
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "runs", list), false);
}

int cmd_runs(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct run_info *runs;
	struct err *err = NULL;
	size_t count;
	int code = session_open_store(&s, c);

	if (code)
		return code;
	if (store_runs(s.store, s.arena, c->json ? 0 : RUNS_SHOWN, &runs, &count, &err))
		return cli_fail(&s, err);
	if (c->json)
		print_runs_json(runs, count);
	else
		print_runs(runs, count);
	return 0;
}

/* The state of every node as of a run: its newest entry in that run or an older one. */
struct state {
	struct arena *arena;
	int64_t upto;
	struct map nodes; /* name -> struct run_node * */
};

static int take_state(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct state *st = arg;

	if (run->id > st->upto || map_get(&st->nodes, n->node) || str_eq(n->status, "skipped"))
		return 0;
	map_set(&st->nodes, arena_strdup(st->arena, n->node), (void *)n);
	return 0;
}

static int state_of(const struct session *s, const char *run, struct state *ret, struct err **err)
{
	struct run_info info;

	if (history_run(s, run, &info, err))
		return -1;
	ret->arena = s->arena;
	ret->upto = info.id;
	return history_search(s, NULL, take_state, ret, err);
}

/* "sha256:1f3a... 612 MiB", one per output; arena. */
static int describe(const struct session *s, const struct run_node *n, const char **ret,
		    struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct record *rec;
	int rc = 0;

	if (n && str_eq(n->status, "failed"))
		str_append(&text, "failed");
	else if (n && (rc = store_record_get(s->store, &n->key, s->arena, &rec, err)) == 0) {
		for (size_t i = 0; i < rec->output_count; i++) {
			char *size cleanup_free = str_bytes(rec->outputs[i].size);
			char *digest cleanup_free = artifact_digest_string(&rec->outputs[i]);

			str_printf(&text, "%s%s %.17s %s", i ? ", " : "", rec->outputs[i].name,
				   digest, size);
		}
	} else if (n) {
		str_append(&text, "no longer in the store");
	}
	*ret = n ? arena_strdup(s->arena, text.buf) : NULL;
	return rc < 0 ? -1 : 0;
}

/* One node on both sides; pushes to LIST when they differ. */
static int compare(const struct session *s, const char *name, const struct state *a,
		   const struct state *b, json_t *list, struct err **err)
{
	const struct run_node *x = map_get(&a->nodes, name), *y = map_get(&b->nodes, name);
	const char *before, *after;

	if (x && y && digest_eq(&x->key, &y->key) &&
	    str_eq(x->status, "failed") == str_eq(y->status, "failed"))
		return 0;
	if (describe(s, x, &before, err) || describe(s, y, &after, err))
		return -1;
	json_array_append_new(list,
			      json_pack("{s:o, s:o, s:o, s:b}", "node", json_text(name), "before",
					json_text(before), "after", json_text(after), "same_bytes",
					before && after && str_eq(before, after)));
	return 0;
}

static int compare_all(const struct session *s, const struct state *a, const struct state *b,
		       json_t *list, struct err **err)
{
	for (size_t i = 0; i < b->nodes.count; i++) {
		if (compare(s, b->nodes.entries[i].key, a, b, list, err))
			return -1;
	}
	for (size_t i = 0; i < a->nodes.count; i++) {
		const char *name = a->nodes.entries[i].key;

		if (!map_get(&b->nodes, name) && compare(s, name, a, b, list, err))
			return -1;
	}
	return 0;
}

static void print_diff(const json_t *list)
{
	struct table *t = table_new("NODE", "BEFORE", "AFTER", NULL);
	size_t i;
	const json_t *row;

	json_array_foreach(list, i, row)
	{
		const char *before = json_string_value(json_object_get(row, "before"));
		const char *after = json_string_value(json_object_get(row, "after"));
		bool same = json_is_true(json_object_get(row, "same_bytes"));

		table_row(t, json_string_value(json_object_get(row, "node")), before ? before : "-",
			  same    ? "the same bytes from other inputs"
			  : after ? after
				  : "-");
	}
	if (!i)
		puts("no difference");
	table_print(t);
}

int cmd_diff(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct state a = {0}, b = {0};
	struct err *err = NULL;
	json_t *list = json_array();
	int rc, code = session_open_store(&s, c);

	if (code == 0) {
		rc = state_of(&s, c->args.items[0], &a, &err);
		if (rc == 0)
			rc = state_of(&s, c->args.items[1], &b, &err);
		if (rc == 0)
			rc = compare_all(&s, &a, &b, list, &err);
		if (rc)
			code = cli_fail(&s, err);
		else if (c->json)
			json_print(stdout,
				   json_pack("{s:i, s:b, s:O}", "v", 1, "ok", 1, "nodes", list),
				   false);
		else
			print_diff(list);
		if (code == 0 && c->exit_code && json_array_size(list))
			code = 3;
	}
	json_decref(list);
	map_clear(&a.nodes);
	map_clear(&b.nodes);
	return code;
}
