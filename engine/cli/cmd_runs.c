/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch runs: the history, of this project or of all. */
#include <time.h>

#include "cli/history.h"
#include "cli/json.h"
#include "cli/remote_sums.h"
#include "cli/table.h"
#include "cli/timing.h"

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

/* What each of the runs had of shared caches and farms; one whose times are lost had nothing. */
static int load_remote(const struct session *s, const struct run_info *runs, size_t count,
		       struct remote_sums *ret, struct err **err)
{
	for (size_t i = 0; i < count; i++) {
		struct timing t = {0};
		int rc = timing_load(s->store, runs[i].id, s->arena, &t, err);

		if (rc < 0)
			return -1;
		ret[i] = t.remote;
		timing_close(&t);
	}
	return 0;
}

/* "12 fetched (3.1 MiB), 4 made" */
static char *remote_cell(const struct remote_sums *r)
{
	struct str text = STR_INIT;
	char *bytes cleanup_free = str_bytes(r->fetched_bytes + r->brought_bytes);
	char *stayed cleanup_free = str_bytes(r->stayed_bytes);

	if (r->hits || r->fetched || r->brought)
		str_printf(&text, "%zu fetched (%s)", r->hits, bytes);
	if (r->farmed)
		str_printf(&text, "%s%zu made", text.len ? ", " : "", r->farmed);
	if (r->stayed)
		str_printf(&text, " (%s left there)", stayed);
	return str_steal(&text);
}

static bool any_remote(const struct remote_sums *remote, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (remote[i].hits || remote[i].fetched || remote[i].farmed || remote[i].brought)
			return true;
	}
	return false;
}

/* DIRECTORY only where there may be several, ELSEWHERE where there was something. */
static void print_runs(const struct session *s, const struct run_info *runs,
		       const struct remote_sums *remote, size_t count)
{
	bool elsewhere = any_remote(remote, count);
	const char *root = s->dir ? NULL : "DIRECTORY";
	struct table *t =
		table_new(">RUN", "BEGAN", ">TIME", ">EXIT", "RESULT", "PROJECT", "TARGETS",
			  elsewhere ? "ELSEWHERE" : root, elsewhere ? root : NULL, NULL);

	for (size_t i = 0; i < count; i++) {
		const struct run_info *r = &runs[i];
		bool ended = r->state == RUN_ENDED;
		char *id cleanup_free = xasprintf("%lld", (long long)r->id);
		char *began cleanup_free = when(r->started_at);
		char *took cleanup_free = str_seconds(r->wall_s);
		char *code cleanup_free = xasprintf("%d", r->exit_code);
		char *had cleanup_free = remote_cell(&remote[i]);

		table_row(t, id, began, ended ? took : NULL, ended ? code : NULL, history_state(r),
			  r->name ? r->name : "-", *r->targets ? r->targets : "(default)",
			  elsewhere ? had : r->root, r->root);
	}
	table_print(t);
}

static json_t *run_object(const struct run_info *r, const struct remote_sums *remote)
{
	bool ended = r->state == RUN_ENDED;
	json_t *o = json_object();

	json_object_set_new(o, "run", json_integer((json_int_t)r->id));
	json_object_set_new(o, "project", history_project(r));
	json_object_set_new(o, "started_at", json_integer((json_int_t)r->started_at));
	json_object_set_new(o, "wall_s", ended ? json_real(r->wall_s) : json_null());
	json_object_set_new(o, "exit_code", ended ? json_integer(r->exit_code) : json_null());
	json_object_set_new(o, "finished", json_boolean(ended));
	json_object_set_new(o, "state", json_string(history_state(r)));
	json_object_set_new(o, "targets", json_text(r->targets));
	json_object_set_new(o, "remote", remote_sums_json(remote));
	return o;
}

static void print_runs_json(const struct run_info *runs, const struct remote_sums *remote,
			    size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, run_object(&runs[i], &remote[i]));
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "runs", list), false);
}

int cmd_runs(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct remote_sums *remote cleanup_free = NULL;
	struct run_info *runs = NULL;
	struct err *err = NULL;
	size_t count;
	int code = session_open_history(&s, c);

	if (code)
		return code;
	if (store_runs(s.store, s.arena, c->all, c->json ? 0 : RUNS_SHOWN, &runs, &count, &err))
		return cli_fail(&s, err);
	remote = xcalloc(count + 1, sizeof(*remote));
	if (load_remote(&s, runs, count, remote, &err) < 0)
		return cli_fail(&s, err);
	if (c->json)
		print_runs_json(runs, remote, count);
	else
		print_runs(&s, runs, remote, count);
	return 0;
}
