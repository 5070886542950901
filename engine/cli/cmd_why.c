/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch why: what changed between the manifest a node had and the one it has (or would have). A node
 * that will be built is compared with what this project had of it last; one that is cached, with
 * what it had before that.
 */
#include "cli/history.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/remote_ask.h"

struct answer {
	const struct plan_node *plan;
	const char *verdict; /* a sentence */
	const struct changes *changes;
	struct changes past; /* of a cached node: since what the project had before */
	struct strs behind;  /* inputs that will be built and so decide this node */
	struct strs follows; /* nodes that depend on it */
	const char *remote;  /* a sentence about shared caches, or NULL */
};

/* Walks in the order of the graph, not along its edges: chains may be longer than a stack. */
static void find_users(const struct graph *g, const struct node *n, struct strs *ret)
{
	bool *uses cleanup_free = xcalloc(g->nodes.count, sizeof(*uses));

	uses[n->index] = true;
	for (size_t i = 0; i < g->order.count; i++) {
		const struct node *user = g->order.items[i];

		for (size_t k = 0; k < user->in.count && !uses[user->index]; k++) {
			const struct node *from = user->in.items[k].from;

			uses[user->index] = from && uses[from->index];
		}
		if (uses[user->index] && user != n)
			strs_push(ret, user->name);
	}
}

static void add_inputs(const struct graph *g, const struct node *n, bool *seen)
{
	seen[n->index] = true;
	for (size_t i = g->order.count; i-- > 0;) {
		const struct node *user = g->order.items[i];

		for (size_t k = 0; k < user->in.count && seen[user->index]; k++)
			if (user->in.items[k].from)
				seen[user->in.items[k].from->index] = true;
	}
}

static void find_behind(const struct graph *g, const struct plan_nodes *plan, const struct node *n,
			struct strs *ret)
{
	bool *seen cleanup_free = xcalloc(g->nodes.count, sizeof(*seen));

	add_inputs(g, n, seen);
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];

		if (p->node != n && seen[p->node->index] && p->verdict == PLAN_BUILD)
			strs_push(ret, p->node->name);
	}
}

/* What changed from the node's result of key OLD; nothing when that is no longer in the store. */
static int compare_with(const struct session *s, struct answer *a, const struct digest *old,
			struct err **err)
{
	struct record *rec;
	int rc = store_record_get(s->store, old, s->arena, &rec, err);

	if (rc == 0)
		manifest_diff(s->arena, rec->manifest, a->plan->node->manifest, &a->past);
	return rc < 0 ? -1 : 0;
}

/* The project has had this result since run PAST->run. */
static int explain_kept(const struct session *s, struct answer *a, const struct node_past *past,
			struct err **err)
{
	static const struct digest none;
	const char *because, *origin;

	if (!digest_eq(&past->previous, &none) && compare_with(s, a, &past->previous, err))
		return -1;
	because = a->past.count ? ", because" : "";
	if (past->built) {
		a->verdict = arena_printf(s->arena, "cached: built in run %lld%s",
					  (long long)past->run, because);
		return 0;
	}
	if (plan_origin(s->arena, s->store, &past->key, &origin, err))
		return -1;
	a->verdict = arena_printf(s->arena, "cached: %s, taken in run %lld%s", origin,
				  (long long)past->run, because);
	return 0;
}

static int explain_cached(const struct session *s, struct answer *a, struct err **err)
{
	struct node_past past;
	int rc = store_node_past(s->store, a->plan->node->name, &past, err);

	if (rc == 0 && digest_eq(&past.key, &a->plan->node->key))
		return explain_kept(s, a, &past, err);
	if (rc < 0 || (rc == 0 && compare_with(s, a, &past.key, err)))
		return -1;
	a->verdict = arena_printf(s->arena, "cached: %s", a->plan->reason);
	if (a->past.count)
		a->verdict = arena_printf(s->arena, "%s; since run %lld", a->verdict,
					  (long long)past.run);
	return 0;
}

static int explain(const struct session *s, const struct plan_nodes *plan, struct answer *a,
		   struct err **err)
{
	const struct node *n = a->plan->node;

	find_users(s->graph, n, &a->follows);
	a->changes = &a->past;
	switch (a->plan->verdict) {
	case PLAN_CACHED:
		return explain_cached(s, a, err);
	case PLAN_BUILD:
		a->verdict = a->plan->changes.count
				     ? "will be built, because"
				     : arena_printf(s->arena, "will be built: %s", a->plan->reason);
		a->changes = &a->plan->changes;
		return 0;
	case PLAN_MAYBE:
		find_behind(s->graph, plan, n, &a->behind);
		a->verdict = "will be built if one of its inputs comes out different; these are "
			     "built first";
		return 0;
	}
	return 0;
}

/* What shared caches have of a node that will be built, or what is to fetch of one that is not. */
static int tell_remote(const struct session *s, struct answer *a, struct remote_ask *ask,
		       struct err **err)
{
	const struct plan_node *p = a->plan;
	char *bytes cleanup_free = str_bytes(p->fetch);
	struct record *last;
	int rc;

	if (p->fetch)
		a->remote = arena_printf(s->arena,
					 "its outputs are in the shared cache: %s to fetch", bytes);
	if (!ask || p->verdict != PLAN_BUILD)
		return 0;
	rc = store_record_last(s->store, p->node->name, s->arena, &last, err);
	if (rc < 0)
		return -1;
	a->remote = rc == 0 && remote_ask_key(ask, p->node, last)
			    ? "the shared cache has no result of it as it is now, but the one that "
			      "this project had last"
			    : "the shared cache has no result of it as it is now";
	return 0;
}

static void print_change(const struct change *c)
{
	struct str text cleanup_str = STR_INIT;

	change_text(c, &text);
	print_lines(stdout, "  ", text.buf, text.len);
}

static void print_names(const char *title, const struct strs *names)
{
	if (!names->count)
		return;
	printf("  %s:", title);
	for (size_t i = 0; i < names->count && i < 20; i++)
		printf("%s %s", i ? "," : "", names->items[i]);
	if (names->count > 20)
		printf(" and %zu more", names->count - 20);
	putchar('\n');
}

static void print_text(const struct answer *a)
{
	const char *name = a->plan->node->name;

	printf("%s  ", name);
	print_lines(stdout, "", a->verdict, strlen(a->verdict));
	for (size_t i = 0; i < a->changes->count; i++)
		print_change(&a->changes->items[i]);
	if (a->remote)
		printf("  %s\n", a->remote);
	print_names("waits for", &a->behind);
	print_names("what follows from it", &a->follows);
}

static json_t *name_list(const struct strs *names)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(list, json_text(names->items[i]));
	return list;
}

static void print_json(const struct answer *a)
{
	static const char *const words[] = {"cached", "build", "perhaps"};
	json_t *changes = json_array();

	for (size_t i = 0; i < a->changes->count; i++)
		json_array_append_new(changes, json_change(&a->changes->items[i]));
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:s, s:o, s:o, s:o, s:o, s:o*}", "v", 1, "ok", 1,
			     "node", json_text(a->plan->node->name), "verdict",
			     words[a->plan->verdict], "text", json_text(a->verdict), "changes",
			     changes, "waits_for", name_list(&a->behind), "follows",
			     name_list(&a->follows), "remote",
			     a->remote ? json_text(a->remote) : NULL),
		   false);
}

static const struct plan_node *find_plan(const struct plan_nodes *plan, const struct node *n)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].node == n)
			return &plan->items[i];
	}
	return NULL;
}

int cmd_why(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct plan_nodes plan = {0};
	struct remote_ask *ask = NULL;
	struct answer a = {0};
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_STORE, &c->args);

	if (code == 0)
		code = session_note_missing(&s, SESSION_NOTE_KEYS_AND_LOCKS);
	if (code)
		return code;
	if ((!c->remote || remote_ask_open(&s, &ask, &err) == 0) &&
	    plan_make_asking(s.graph, s.store, &s.tools, ask ? remote_ask_node : NULL, ask, &plan,
			     &err) == 0)
		a.plan = find_plan(&plan, session_node(&s, c->args.items[0], &err));
	if (!a.plan || explain(&s, &plan, &a, &err) || tell_remote(&s, &a, ask, &err))
		code = cli_fail(&s, err);
	else if (c->json)
		print_json(&a);
	else
		print_text(&a);
	plan_release(&plan);
	remote_ask_close(ask);
	changes_clear(&a.past);
	strs_clear(&a.behind);
	strs_clear(&a.follows);
	return code;
}
