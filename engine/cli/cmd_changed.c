/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch changed: which nodes are others than in a git revision, and what follows from them. Outlines
 * are compared (graph/manifest.h), so that nothing needs to have been built, here or then.
 */
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/revision.h"
#include "cli/table.h"

/* As `orch plan` has them where it has them. */
enum verdict { SAME, CHANGED, PERHAPS, NEW, GONE };
static const char *const words[] = {"same", "changed", "perhaps", "new", "gone"};

struct row {
	const struct node *node; /* of now; when it is gone, of then */
	enum verdict verdict;
	const char *reason;
	struct changes changes;
};
DEFINE_VEC(rows, struct row)

struct comparison {
	const struct session *now;
	const struct revision *then;
	enum verdict *verdicts; /* by index of the nodes of now */
	struct rows rows;       /* inputs before users, then what is gone; none that is the same */
	size_t count[array_len(words)];
};

static const char *reason_of(struct arena *arena, const struct changes *changes)
{
	struct str s cleanup_str = STR_INIT;

	if (!changes->count)
		return "its manifest";
	change_text(&changes->items[0], &s);
	if (changes->count > 1)
		str_printf(&s, " (and %zu more)", changes->count - 1);
	return arena_strndup(arena, s.buf, s.len);
}

/* The first input that is not what it was, or NULL. */
static const struct node *first_behind(const struct comparison *c, const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && c->verdicts[from->index] != SAME)
			return from;
	}
	return NULL;
}

static void judge(const struct comparison *c, struct row *row, const char *before,
		  const char *after)
{
	struct arena *arena = c->now->arena;
	const struct node *behind = first_behind(c, row->node);

	if (!str_eq(before, after)) {
		manifest_diff(arena, before, after, &row->changes);
		row->verdict = CHANGED;
		row->reason = reason_of(arena, &row->changes);
	} else if (behind) {
		row->verdict = PERHAPS;
		row->reason = arena_printf(arena, "after %s", behind->name);
	}
}

static int compare_node(struct comparison *c, const struct node *n, struct err **err)
{
	const struct revision *then = c->then;
	const struct node *old = then->found ? graph_node(then->s.graph, n->name) : NULL;
	struct row row = {.node = n, .verdict = NEW, .reason = "not in the revision"};
	const char *before, *after;

	if (old) {
		row.verdict = SAME;
		if (manifest_outline(then->s.graph, old, &before, err) < 0)
			return err_wrap(err, "revision %.12s", then->commit);
		if (manifest_outline(c->now->graph, n, &after, err) < 0)
			return -1;
		judge(c, &row, before, after);
	}
	c->verdicts[n->index] = row.verdict;
	c->count[row.verdict]++;
	if (row.verdict != SAME)
		rows_push(&c->rows, row);
	return 0;
}

static void find_gone(struct comparison *c)
{
	const struct revision *then = c->then;

	for (size_t i = 0; then->found && i < then->s.graph->nodes.count; i++) {
		const struct node *old = then->s.graph->nodes.items[i];

		if (!old->wanted || graph_node(c->now->graph, old->name))
			continue;
		rows_push(&c->rows, (struct row){old, GONE, "only in the revision", {0}});
		c->count[GONE]++;
	}
}

static int compare(struct comparison *c, struct err **err)
{
	const struct nodes *order = &c->now->graph->order;

	for (size_t i = 0; i < order->count; i++)
		if (order->items[i]->wanted && compare_node(c, order->items[i], err) < 0)
			return -1;
	find_gone(c);
	return 0;
}

static json_t *row_object(const struct row *row)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < row->changes.count; i++)
		json_array_append_new(changes, json_change(&row->changes.items[i]));
	return json_pack("{s:o, s:s, s:s, s:o, s:o}", "name", json_text(row->node->name), "kind",
			 row->node->recipe->kind->name, "verdict", words[row->verdict], "reason",
			 json_text(row->reason), "changes", changes);
}

static void print_json(const struct comparison *c)
{
	json_t *o = json_pack("{s:i, s:b, s:o, s:s}", "v", 1, "ok", 1, "since",
			      json_text(c->now->cli->since), "commit", c->then->commit);
	json_t *nodes = json_array();

	for (size_t i = 0; i < array_len(words); i++)
		json_object_set_new(o, words[i], json_integer((json_int_t)c->count[i]));
	for (size_t i = 0; i < c->rows.count; i++)
		json_array_append_new(nodes, row_object(&c->rows.items[i]));
	json_object_set_new(o, "nodes", nodes);
	json_print(stdout, o, false);
}

static void print_text(const struct comparison *c)
{
	struct table *table = table_new("SINCE", "NODE", "WHY", NULL);

	for (size_t i = 0; i < c->rows.count; i++) {
		const struct row *row = &c->rows.items[i];

		table_row(table, words[row->verdict], row->node->name, row->reason);
	}
	if (!c->rows.count)
		table_plain(table);
	table_print(table);
	for (size_t i = 1; i < array_len(words); i++)
		printf("%zu %s, ", c->count[i], words[i]);
	printf("%zu the same since ", c->count[SAME]);
	print_escaped(stdout, c->now->cli->since, strlen(c->now->cli->since));
	printf(" (%.12s)\n", c->then->commit);
}

static void release(struct comparison *c)
{
	for (size_t i = 0; i < c->rows.count; i++)
		changes_clear(&c->rows.items[i].changes);
	rows_clear(&c->rows);
	free(c->verdicts);
}

/* A target is one of now, or of then. */
static int check_targets(const struct session *now, const struct revision *then, struct err **err)
{
	for (size_t i = 0; i < now->cli->args.count; i++) {
		const char *name = now->cli->args.items[i];

		if (!(then->found && graph_node(then->s.graph, name)) &&
		    !session_node(now, name, err))
			return -1;
	}
	return 0;
}

static int changed(struct session *s, struct revision *then)
{
	struct comparison c = {.now = s, .then = then};
	struct err *err = NULL;
	int code = 0;

	c.verdicts = xcalloc(s->graph->nodes.count + 1, sizeof(*c.verdicts));
	if (check_targets(s, then, &err) < 0 || compare(&c, &err) < 0)
		code = cli_fail(s, err);
	else if (s->cli->json)
		print_json(&c);
	else
		print_text(&c);
	if (code == 0 && s->cli->exit_code && c.rows.count)
		code = 3;
	release(&c);
	return code;
}

int cmd_changed(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct revision then cleanup_revision = {0};
	struct err *err = NULL;
	int code;

	if (!c->since) {
		err_set(&err, E_USAGE, "usage: orch changed --since REV [TARGET...]");
		return cli_fail(&s, err);
	}
	code = session_open(&s, c, SESSION_STORE, NULL);
	if (code == 0 && revision_select(s.graph, &c->args, &err) < 0)
		code = cli_fail(&s, err);
	if (code == 0)
		code = revision_open(&then, &s, c->since);
	return code ? code : changed(&s, &then);
}
