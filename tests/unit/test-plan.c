/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-fixture.h"

/* A run of the project in ROOT that built node "a". */
static void note_build(const char *root, const struct graph *g)
{
	struct run_node n = {.node = "a", .status = "built", .seconds = 3};
	struct err *err = NULL;
	int64_t run;

	n.key = graph_node(g, "a")->key;
	assert_int_equal(store_enter(store, root, "p", &err), 0);
	assert_int_equal(store_run_begin(store, "", &run, &err), 0);
	assert_int_equal(store_run_node(store, run, &n, &err), 0);
	assert_int_equal(store_run_end(store, run, 3, 0, &err), 0);
}

static void assert_reason(struct graph *g, const char *reason, double estimate, const char *from)
{
	struct plan_nodes plan = {0};
	struct err *err = NULL;
	const struct node *node;

	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	node = plan.items[0].node;
	assert_string_equal(plan.items[0].reason, reason);
	if (estimate) /* of what is not cached */
		assert_true(node->guessed ? estimate < 0 && node->estimate > 0
					  : node->estimate == estimate);
	if (from)
		assert_string_equal(node->estimate_from, from);
	else
		assert_null(node->estimate_from);
	plan_release(&plan);
}

/* What a node's name means to one project, it does not mean to another. */
static void plans_of_two_projects(void **state)
{
	static const struct artifact none;
	struct plan_nodes plan = {0};
	struct err *err cleanup_err = NULL;
	struct record r = {0};
	struct graph *g;

	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 4G\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	plan_release(&plan);
	r = (struct record){.key = graph_node(g, "a")->key,
			    .node = "a",
			    .manifest = graph_node(g, "a")->manifest,
			    .outputs = (struct artifact *)&none};
	assert_int_equal(store_record_put(store, &r, &err), 0);
	assert_reason(g, "already in the store", 0, NULL);
	note_build("/first", g);
	assert_reason(g, "unchanged", 0, NULL);
	assert_int_equal(store_enter(store, "/second", "p", &err), 0);
	assert_reason(g, "built in run 1 of '/first'", 0, NULL);
	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 6G\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_reason(g, "never built", 3, "/first");
	assert_int_equal(store_enter(store, "/third", "q", &err), 0);
	assert_reason(g, "never built", -1, NULL);
	assert_int_equal(store_enter(store, "/first", "p", &err), 0);
	assert_reason(g, "option size 4G -> 6G", 3, NULL);
	note_build("/first", g);
	assert_reason(g, "its result is no longer in the store", 3, NULL);
}

static void plans(void **state)
{
	static const struct artifact none;
	struct plan_nodes plan = {0};
	struct err *err cleanup_err = NULL;
	struct graph *g;
	struct record r = {0};

	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 4G\n");
	put("recipes/b.yaml", "kind: demo\nmakes: []\ninputs: a\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.items[0].verdict, PLAN_BUILD);
	assert_string_equal(plan.items[0].reason, "never built");
	assert_int_equal(plan.items[1].verdict, PLAN_MAYBE);
	assert_string_equal(plan.items[1].reason, "after a");
	assert_true(graph_node(g, "a")->guessed);
	r = (struct record){.key = graph_node(g, "a")->key,
			    .node = "a",
			    .manifest = graph_node(g, "a")->manifest,
			    .outputs = (struct artifact *)&none,
			    .seconds = 3};
	assert_int_equal(store_record_put(store, &r, &err), 0);
	note_build("/p", g);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_int_equal(plan.items[0].verdict, PLAN_CACHED);
	assert_int_equal(plan.items[1].verdict, PLAN_BUILD);
	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 6G\ntext: x\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_string_equal(plan.items[0].reason, "option text now has x (and 1 more)");
	assert_int_equal(plan.items[0].changes.count, 2);
	changes_clear(&plan.items[0].changes);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_estimate(g, store, &err), 0);
	assert_true(graph_node(g, "a")->critical >= graph_node(g, "b")->critical);
	assert_true(graph_node(g, "b")->estimate > 0);
}

/* a (10 s) is for b (1 s) and c (7 s); both are for d (2 s). */
static void tells_what_is_left(void **state)
{
	struct err *err cleanup_err = NULL;
	double rest[] = {10, 1, 7, 2};
	struct graph *g;

	put("recipes/a.yaml", "kind: demo\nmakes: []\n");
	put("recipes/b.yaml", "kind: demo\nmakes: []\ninputs: a\n");
	put("recipes/c.yaml", "kind: demo\nmakes: []\ninputs: a\n");
	put("recipes/d.yaml", "kind: demo\nmakes: []\ninputs: [b, c]\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_true(plan_left(g, 1, rest) == 20);
	assert_true(plan_left(g, 2, rest) == 19);
	assert_true(plan_left(g, 8, rest) == 19);
	rest[0] = rest[2] = 0; /* done, and what they are for is not */
	assert_true(plan_left(g, 2, rest) == 3);
	graph_node(g, "d")->wanted = false;
	assert_true(plan_left(g, 2, rest) == 1);
}

/* What was never built is a guess, from what the kind says, or from another node of it. */
static void guesses(void **state)
{
	struct plan_nodes plan = {0};
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/a.yaml", "kind: demo\nmakes: []\n");
	put("recipes/b.yaml", "kind: demo\nmakes: []\ninputs: a\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_int_equal(plan_estimate(g, store, &err), 0);
	assert_true(graph_node(g, "a")->guessed && graph_node(g, "a")->estimate > 0);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0); /* for the key */
	plan_release(&plan);
	note_build("/p", g);
	assert_int_equal(plan_estimate(g, store, &err), 0);
	assert_false(graph_node(g, "a")->guessed);
	assert_true(graph_node(g, "a")->estimate == 3);
	assert_true(graph_node(g, "b")->guessed && graph_node(g, "b")->estimate == 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plans, open_all, close_all),
		cmocka_unit_test_setup_teardown(tells_what_is_left, open_all, close_all),
		cmocka_unit_test_setup_teardown(guesses, open_all, close_all),
		cmocka_unit_test_setup_teardown(plans_of_two_projects, open_all, close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
