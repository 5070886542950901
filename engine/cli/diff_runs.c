/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch diff of two states of the whole project: which results differ, and the packages in them. */
#include "cli/diff_runs.h"

#include <string.h>

#include "cli/json.h"
#include "cli/paint.h"
#include "cli/table.h"

static int take_state(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct diff_state *st = arg;

	if (run->id > st->run.id || run->project != st->run.project ||
	    map_get(&st->nodes, n->node) || str_eq(n->status, "skipped"))
		return 0;
	map_set(&st->nodes, arena_strdup(st->arena, n->node), (void *)n);
	return 0;
}

int diff_state_run(const struct session *s, const char *run, struct diff_state *ret,
		   struct err **err)
{
	if (history_run(s, run, &ret->run, err))
		return -1;
	ret->arena = s->arena;
	return history_search(s, NULL, take_state, ret, err);
}

void diff_state_graph(const struct session *s, const struct graph *g, const char *commit,
		      struct diff_state *ret)
{
	ret->arena = s->arena;
	ret->commit = arena_strdup(s->arena, commit);
	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];
		struct run_node *entry = arena_alloc(s->arena, sizeof(*entry));

		if (!n->wanted)
			continue;
		*entry = (struct run_node){.node = arena_strdup(s->arena, n->name),
					   .status = n->record ? "cached" : DIFF_UNBUILT};
		if (n->record)
			entry->key = n->record->key;
		map_set(&ret->nodes, entry->node, entry);
	}
}

static bool failed(const struct diff_side *side)
{
	return side->n && str_eq(side->n->status, "failed");
}

static int look_up(const struct session *s, struct diff_side *side, struct err **err)
{
	if (!side->n || failed(side) || str_eq(side->n->status, DIFF_UNBUILT))
		return 0;
	return store_record_get(s->store, &side->n->key, s->arena, &side->rec, err) < 0 ? -1 : 0;
}

/* The version of a pin: "1.13-1 amd64 sha256:1f3a..." or the version alone. */
static const char *version_of(struct arena *arena, const char *value)
{
	return value ? arena_strndup(arena, value, strcspn(value, " ")) : NULL;
}

static void find_packages(const struct session *s, struct diff_node *d)
{
	struct changes all = {0};

	if (!d->before.rec || !d->after.rec)
		return;
	manifest_diff(s->arena, d->before.rec->manifest, d->after.rec->manifest, &all);
	for (size_t i = 0; i < all.count; i++) {
		struct change c = all.items[i];

		if (!str_eq(c.what, "package"))
			continue;
		c.before = version_of(s->arena, c.before);
		c.after = version_of(s->arena, c.after);
		changes_push(&d->packages, c);
	}
	changes_clear(&all);
}

/* Pushes to RET when the node differs. */
static int compare(const struct session *s, const char *name, const struct diff_state *a,
		   const struct diff_state *b, struct diff_nodes *ret, struct err **err)
{
	struct diff_node d = {.node = name,
			      .before.n = map_get(&a->nodes, name),
			      .after.n = map_get(&b->nodes, name)};

	if (d.before.n && d.after.n && digest_eq(&d.before.n->key, &d.after.n->key) &&
	    failed(&d.before) == failed(&d.after))
		return 0;
	if (look_up(s, &d.before, err) || look_up(s, &d.after, err))
		return -1;
	find_packages(s, &d);
	diff_nodes_push(ret, d);
	return 0;
}

int diff_states(const struct session *s, const struct diff_state *a, const struct diff_state *b,
		struct diff_nodes *ret, struct err **err)
{
	for (size_t i = 0; i < b->nodes.count; i++) {
		if (compare(s, b->nodes.entries[i].key, a, b, ret, err))
			return -1;
	}
	for (size_t i = 0; i < a->nodes.count; i++) {
		const char *name = a->nodes.entries[i].key;

		if (!map_get(&b->nodes, name) && compare(s, name, a, b, ret, err))
			return -1;
	}
	return 0;
}

static const struct artifact *find_output(const struct record *rec, const char *name)
{
	for (size_t i = 0; rec && i < rec->output_count; i++) {
		if (str_eq(rec->outputs[i].name, name))
			return &rec->outputs[i];
	}
	return NULL;
}

static bool same_output(const struct artifact *a, const struct artifact *b)
{
	return a && b && a->type == b->type && digest_eq(&a->digest, &b->digest);
}

static bool same_bytes(const struct diff_node *d)
{
	const struct record *a = d->before.rec, *b = d->after.rec;

	if (!a || !b || a->output_count != b->output_count)
		return false;
	for (size_t i = 0; i < b->output_count; i++) {
		if (!same_output(find_output(a, b->outputs[i].name), &b->outputs[i]))
			return false;
	}
	return true;
}

/* --- as text ------------------------------------------------------------------------------- */

/* Of a side without outputs: why. */
static const char *missing_text(const struct diff_side *side)
{
	if (failed(side))
		return "failed";
	if (side->n && str_eq(side->n->status, DIFF_UNBUILT))
		return "not built";
	return side->n && !side->rec ? "no longer in the store" : "-";
}

/* "chunks:1f3a2b4c5d 1.0 GiB (219 MiB of data)"; caller frees. */
static char *output_text(const struct diff_side *side, const struct artifact *a)
{
	char *digest cleanup_free = NULL, *size cleanup_free = NULL, *data cleanup_free = NULL;

	if (!a)
		return xstrdup(missing_text(side));
	digest = artifact_digest_string(a);
	size = str_bytes(a->size);
	data = str_bytes(a->allocated);
	if (a->type != OUTPUT_IMAGE)
		return xasprintf("%.17s %s", digest, size);
	return xasprintf("%.17s %s (%s of data)", digest, size, data);
}

static void output_row(struct table *t, const struct diff_node *d, const char *name)
{
	const struct artifact *a = find_output(d->before.rec, name);
	const struct artifact *b = find_output(d->after.rec, name);
	char *before cleanup_free = output_text(&d->before, a);
	char *after cleanup_free = output_text(&d->after, b);

	table_row(t, d->node, name, before, same_output(a, b) ? "the same bytes" : after);
}

static void print_outputs(struct table *t, const struct diff_node *d)
{
	const struct record *a = d->before.rec, *b = d->after.rec;

	if (same_bytes(d)) {
		table_row(t, d->node, "", "", "the same bytes from other inputs");
		return;
	}
	if (!a && !b)
		table_row(t, d->node, "", missing_text(&d->before), missing_text(&d->after));
	for (size_t i = 0; b && i < b->output_count; i++)
		output_row(t, d, b->outputs[i].name);
	for (size_t i = 0; a && i < a->output_count; i++) {
		if (!find_output(b, a->outputs[i].name))
			output_row(t, d, a->outputs[i].name);
	}
}

static void print_package(const struct change *c)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%c %s", !c->before ? '+' : !c->after ? '-' : '~', c->name);
	if (c->before)
		str_printf(&s, " %s", c->before);
	if (c->before && c->after)
		str_append(&s, " ->");
	if (c->after)
		str_printf(&s, " %s", c->after);
	print_lines(stdout, "  ", s.buf, s.len);
}

void diff_nodes_print(const struct diff_nodes *list)
{
	struct table *t = table_new("NODE", "OUTPUT", "BEFORE", "AFTER", NULL);

	for (size_t i = 0; i < list->count; i++)
		print_outputs(t, &list->items[i]);
	if (!list->count)
		puts("no difference");
	table_print(t);
	for (size_t i = 0; i < list->count; i++) {
		const struct diff_node *d = &list->items[i];

		if (d->packages.count)
			printf("packages of %s:\n", d->node);
		for (size_t k = 0; k < d->packages.count; k++)
			print_package(&d->packages.items[k]);
	}
}

/* --- as JSON ------------------------------------------------------------------------------- */

static json_t *side_object(const char *node, const struct diff_side *side)
{
	json_t *outputs = side->rec ? json_outputs(node, side->rec) : json_null(), *output;
	size_t i;

	if (!side->n)
		return json_null();
	json_array_foreach(outputs, i, output)
		json_object_del(output, "path"); /* out/ holds those of now */
	return json_pack("{s:s, s:o, s:o}", "status", side->n->status, "key",
			 json_digest(&side->n->key), "outputs", outputs);
}

static json_t *difference_object(const struct diff_node *d)
{
	json_t *packages = json_array();

	for (size_t i = 0; i < d->packages.count; i++) {
		const struct change *c = &d->packages.items[i];

		json_array_append_new(
			packages, json_pack("{s:o, s:o, s:o}", "name", json_text(c->name), "before",
					    json_text(c->before), "after", json_text(c->after)));
	}
	return json_pack("{s:o, s:o, s:o, s:b, s:o}", "node", json_text(d->node), "before",
			 side_object(d->node, &d->before), "after", side_object(d->node, &d->after),
			 "same_bytes", same_bytes(d), "packages", packages);
}

json_t *diff_state_json(const struct diff_state *st)
{
	if (st->commit)
		return json_pack("{s:o}", "commit", json_text(st->commit));
	return json_pack("{s:I, s:o}", "run", (json_int_t)st->run.id, "project",
			 history_project(&st->run));
}

json_t *diff_nodes_json(const struct diff_nodes *list)
{
	json_t *nodes = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(nodes, difference_object(&list->items[i]));
	return nodes;
}

void diff_nodes_release(struct diff_nodes *list)
{
	for (size_t i = 0; i < list->count; i++)
		changes_clear(&list->items[i].packages);
	diff_nodes_clear(list);
}
