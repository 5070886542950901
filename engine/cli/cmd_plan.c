/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch plan: what a build would do and why, from manifests and the store; nothing runs. */
#include <string.h>

#include "base/url.h"
#include "cli/executor.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/progress_layout.h"
#include "cli/remote_ask.h"
#include "cli/session.h"
#include "cli/table.h"

static const char *const verdicts[] = {
	[PLAN_CACHED] = "cached",
	[PLAN_BUILD] = "build",
	[PLAN_MAYBE] = "perhaps",
};

struct totals {
	size_t count[3];
	double seconds;   /* of nodes to build and perhaps to build, one after the other */
	size_t guessed;   /* such nodes that were never built */
	size_t borrowed;  /* such nodes with the time of another checkout */
	const char *from; /* one of those */
	size_t shared;    /* nodes whose results are in a shared cache alone */
	size_t left;      /* or on a farm */
	uint64_t fetch;   /* bytes of targets' outputs that are */
};

static void add_up(const struct plan_nodes *plan, struct totals *t)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];
		const struct node *n = p->node;

		t->count[p->verdict]++;
		t->shared += p->shared || (p->fetch && !p->left);
		t->left += p->left;
		t->fetch += p->node->target ? p->fetch : 0;
		if (p->verdict == PLAN_CACHED)
			continue;
		t->seconds += n->estimate;
		t->guessed += n->guessed;
		t->borrowed += n->estimate_from != NULL;
		t->from = n->estimate_from ? n->estimate_from : t->from;
	}
}

/* Where it would be made. */
static void add_farm(json_t *o, const struct plan_node *p, const struct farm *farm)
{
	const char *why = farm_why_not(p->node);
	char *url cleanup_free =
		why ? NULL : url_shown(farm->urls.items[farm_executor(farm, p->node)]);
	struct farm_words words = {0};
	json_t *platform;

	if (why) {
		json_object_set_new(o, "made_here", json_text(why));
		return;
	}
	platform = json_object();
	farm_platform(farm, p->node, &words);
	for (size_t i = 0; i < words.count; i++)
		json_object_set_new(platform, words.items[i].name, json_text(words.items[i].value));
	farm_words_clear(&words);
	json_object_set_new(o, "executor", json_text(url));
	json_object_set_new(o, "platform", platform);
}

static json_t *node_object(const struct plan_node *p, const struct farm *farm)
{
	json_t *o = json_object(), *changes = json_array();
	bool cached = p->verdict == PLAN_CACHED;

	for (size_t i = 0; i < p->changes.count; i++)
		json_array_append_new(changes, json_change(&p->changes.items[i]));
	json_object_set_new(o, "name", json_text(p->node->name));
	json_object_set_new(o, "kind", json_string(p->node->recipe->kind->name));
	json_object_set_new(o, "verdict", json_string(verdicts[p->verdict]));
	json_object_set_new(o, "reason", json_text(p->reason));
	json_object_set_new(o, "changes", changes);
	json_object_set_new(o, "key", p->node->manifest ? json_digest(&p->node->key) : json_null());
	json_object_set_new(o, "estimate_s", json_real(cached ? 0 : p->node->estimate));
	json_object_set_new(o, "guessed", json_boolean(!cached && p->node->guessed));
	json_object_set_new(o, "estimate_from", json_text(cached ? NULL : p->node->estimate_from));
	if (p->shared || p->fetch) {
		json_object_set_new(o, p->left ? "left" : "shared", json_true());
		json_object_set_new(o, "fetch_bytes", json_integer((json_int_t)p->fetch));
	}
	if (farm->urls.count && p->verdict != PLAN_CACHED)
		add_farm(o, p, farm);
	return o;
}

static void print_json(const struct plan_nodes *plan, const struct totals *t,
		       const struct farm *farm)
{
	json_t *o = json_object(), *nodes = json_array();

	for (size_t i = 0; i < plan->count; i++)
		json_array_append_new(nodes, node_object(&plan->items[i], farm));
	json_object_set_new(o, "v", json_integer(1));
	json_object_set_new(o, "ok", json_true());
	for (size_t i = 0; i < array_len(verdicts); i++)
		json_object_set_new(o, verdicts[i], json_integer((json_int_t)t->count[i]));
	json_object_set_new(o, "estimate_s", json_real(t->seconds));
	json_object_set_new(o, "guessed", json_integer((json_int_t)t->guessed));
	json_object_set_new(o, "nodes", nodes);
	json_print(stdout, o, false);
}

/* "board 3 x flavour 2, without 1: 5 variants, 14 nodes" */
static void print_variants(const struct graph *g)
{
	const struct variants *v = &g->project->variants;
	size_t all = 1;

	if (!g->variant_count)
		return;
	for (size_t i = 0; i < v->axes.count; i++) {
		const struct axis *a = LIST_AT(v->axes, struct axis *, i);

		printf("%s%s %zu", i ? " x " : "", a->name, a->values.count);
		all *= a->values.count;
	}
	if (all != g->variant_count)
		printf(", without %zu", all - g->variant_count);
	printf(": %zu variants, %zu nodes\n", g->variant_count, g->nodes.count);
}

static void print_elsewhere(const struct totals *t)
{
	char *bytes cleanup_free = str_bytes(t->fetch);

	if (t->shared)
		printf("; %zu in the shared cache", t->shared);
	if (t->left)
		printf("; %zu left on a farm", t->left);
	if (t->shared || t->left)
		printf(", %s to fetch for the targets", bytes);
}

static void print_text(const struct graph *g, const struct plan_nodes *plan, const struct totals *t)
{
	struct table *table = table_new("PLAN", "NODE", ">TIME", "WHY", NULL);
	char *seconds cleanup_free = text_estimate(t->seconds, t->guessed);

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_node *p = &plan->items[i];
		char *time cleanup_free = NULL;

		if (p->verdict == PLAN_CACHED && plan->count > 100)
			continue;
		if (p->verdict != PLAN_CACHED)
			time = text_estimate(p->node->estimate, p->node->guessed);
		table_row(table, verdicts[p->verdict], p->node->name, time, p->reason);
	}
	table_print(table);
	printf("%zu to build, %zu perhaps, %zu cached", t->count[PLAN_BUILD], t->count[PLAN_MAYBE],
	       t->count[PLAN_CACHED]);
	if (t->count[PLAN_BUILD] + t->count[PLAN_MAYBE])
		printf("; %s%s of work", t->guessed ? "" : "about ", seconds);
	if (t->guessed)
		printf(", %zu never built before", t->guessed);
	if (t->borrowed) {
		printf("; %zu of the times from the checkout in '", t->borrowed);
		print_escaped(stdout, t->from, strlen(t->from));
		putchar('\'');
	}
	print_elsewhere(t);
	putchar('\n');
	print_variants(g);
}

/* "sent to grpc://build.example:8980, platform OSFamily=linux kvm=yes"; in ARENA. */
static const char *sent_line(struct arena *arena, const struct farm *farm, const struct node *n)
{
	char *url cleanup_free = url_shown(farm->urls.items[farm_executor(farm, n)]);
	struct farm_words words = {0};
	struct str line cleanup_str = STR_INIT;

	str_printf(&line, "sent to %s", url);
	farm_platform(farm, n, &words);
	for (size_t i = 0; i < words.count; i++) {
		const struct farm_word *w = &words.items[i];

		str_append(&line, i ? " " : ", platform ");
		str_escape(&line, w->name, strlen(w->name));
		str_append(&line, "=");
		str_escape(&line, w->value, strlen(w->value));
	}
	farm_words_clear(&words);
	return arena_strdup(arena, line.buf);
}

/* Nodes of which the same is said stand in one line, that of the first. */
static void print_sent(const struct nodes *nodes, const struct strs *lines)
{
	for (size_t i = 0; i < nodes->count; i++) {
		bool told = false;

		for (size_t j = 0; j < i && !told; j++)
			told = str_eq(lines->items[j], lines->items[i]);
		for (size_t j = i; j < nodes->count && !told; j++) {
			if (j == i)
				printf("%s: %s", lines->items[i], nodes->items[i]->name);
			else if (str_eq(lines->items[j], lines->items[i]))
				printf(", %s", nodes->items[j]->name);
		}
		if (!told)
			putchar('\n');
	}
}

/* What a farm is sent, where there is one, and what it is not. */
static void print_farm(struct arena *arena, const struct plan_nodes *plan, const struct farm *farm)
{
	struct nodes sent = {0};
	struct strs lines = {0};

	for (size_t i = 0; i < plan->count; i++) {
		struct plan_node *p = &plan->items[i];
		const char *why = p->verdict == PLAN_CACHED ? NULL : farm_why_not(p->node);

		if (why)
			printf("made here, not by the executor: %s: %s\n", p->node->name, why);
		if (why || p->verdict == PLAN_CACHED)
			continue;
		nodes_push(&sent, p->node);
		strs_push(&lines, sent_line(arena, farm, p->node));
	}
	print_sent(&sent, &lines);
	nodes_clear(&sent);
	strs_clear(&lines);
}

static int print_plan(const struct cli *c, struct graph *g, const struct plan_nodes *plan,
		      const struct farm *farm)
{
	struct totals totals = {0};

	add_up(plan, &totals);
	if (c->json)
		print_json(plan, &totals, farm);
	else
		print_text(g, plan, &totals);
	if (!c->json && farm->urls.count)
		print_farm(g->arena, plan, farm);
	return c->exit_code && totals.count[PLAN_BUILD] + totals.count[PLAN_MAYBE] ? 3 : 0;
}

static int make_plan(struct session *s, struct plan_nodes *ret, struct err **err)
{
	struct remote_ask *ask = NULL;
	int rc = s->cli->remote ? remote_ask_open(s, &ask, err) : 0;

	if (rc == 0)
		rc = plan_make_asking(s->graph, s->store, &s->tools, ask ? remote_ask_node : NULL,
				      ask, ret, err);
	remote_ask_close(ask);
	return rc;
}

int cmd_plan(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct plan_nodes plan = {0};
	struct user_config config;
	struct farm farm cleanup_farm = {0};
	struct err *err = NULL;
	int code = session_open(&s, c, SESSION_STORE, &c->args);

	if (code == 0)
		code = session_note_missing(&s, SESSION_NOTE_KEYS);
	if (code)
		return code;
	/* A mistake in config.yaml ends a build, whatever it is about. */
	if (user_config_read(s.arena, &config, &err) ||
	    executor_find(s.arena, c, &config, &farm, &err) || make_plan(&s, &plan, &err))
		code = cli_fail(&s, err);
	else
		code = print_plan(c, s.graph, &plan, &farm);
	plan_release(&plan);
	return code;
}
