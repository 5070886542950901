/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/history.h"

#include <signal.h>

#include "cli/json.h"

const char *history_state(const struct run_info *r)
{
	if (r->state != RUN_ENDED)
		return r->state == RUN_RUNNING ? "running" : "killed";
	if (r->exit_code == 128 + SIGINT || r->exit_code == 128 + SIGTERM)
		return "stopped";
	return r->exit_code ? "failed" : "ok";
}

json_t *history_project(const struct run_info *r)
{
	if (!r->root)
		return json_null();
	return json_pack("{s:o, s:o}", "name", json_text(r->name), "root", json_text(r->root));
}

/* Why there is no such run: the number may be of another project's. */
static int bad_run(const struct session *s, const char *text, uint64_t number, struct err **err)
{
	struct run_info *runs;
	size_t count;

	if (store_runs(s->store, s->arena, true, 0, &runs, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		if ((uint64_t)runs[i].id != number)
			continue;
		if (!runs[i].root)
			return err_set(err, E_UNKNOWN_RUN,
				       "run %s is from before runs were told apart by project; "
				       "--all takes it",
				       text);
		return err_set(err, E_UNKNOWN_RUN,
			       "run %s is of project '%s' in '%s'; --all takes it, too", text,
			       runs[i].name, runs[i].root);
	}
	return err_set(err, E_UNKNOWN_RUN, "no run '%s'; 'orch runs' lists them", text);
}

int history_run(const struct session *s, const char *text, struct run_info *ret, struct err **err)
{
	struct run_info *runs;
	const char *back = str_skip(text, "^");
	uint64_t n;
	size_t count;

	if (str_u64(back ? back : text, &n))
		return err_set(err, E_UNKNOWN_RUN, "no run '%s'; 'orch runs' lists them", text);
	if (store_runs(s->store, s->arena, s->cli->all, 0, &runs, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (back ? i == n : (uint64_t)runs[i].id == n) {
			*ret = runs[i];
			return 0;
		}
	}
	return bad_run(s, text, back ? 0 : n, err);
}

static int search_run(const struct session *s, const struct run_info *run, history_fn *fn,
		      void *arg, struct err **err)
{
	struct run_node *nodes;
	size_t count;

	if (store_run_nodes(s->store, run->id, s->arena, &nodes, &count, err))
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (fn(arg, run, &nodes[i]))
			return 1;
	}
	return 0;
}

int history_search(const struct session *s, const char *run, history_fn *fn, void *arg,
		   struct err **err)
{
	struct run_info one, *runs = &one;
	size_t count = 1;
	int rc = 0;

	if (run) {
		if (history_run(s, run, &one, err))
			return -1;
	} else if (store_runs(s->store, s->arena, s->cli->all, 0, &runs, &count, err)) {
		return -1;
	}
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = search_run(s, &runs[i], fn, arg, err);
	return rc;
}
