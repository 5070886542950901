/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch cache pull: node after node, since a node's key is known when its inputs are. */
#include "base/path.h"
#include "cli/cache.h"
#include "recipe/value.h"

/* What one node gets. */
struct pulling {
	struct cache *c;
	struct node *n;
	const struct artifact *near;
	size_t near_count;
	bool only_targets;
};

static bool inputs_known(const struct node *n)
{
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].from && !n->in.items[i].from->record)
			return false;
	return true;
}

static int look_here(struct cache *c, struct node *n, struct err **err)
{
	struct record *found;
	char *why cleanup_free = NULL;
	int rc = store_record_get(c->s->store, &n->key, c->s->arena, &found, err);

	if (rc == 0)
		rc = store_record_check(c->s->store, found, &why, err);
	if (rc == 0)
		n->record = found;
	return rc;
}

/* Keys of users may need the text of a small output, whether or not it is asked for. */
static bool is_needed(const struct pulling *p, const struct artifact *a)
{
	return !p->only_targets || p->n->target ||
	       (a->type == OUTPUT_FILE && a->size <= VALUE_MAX_BYTES);
}

/* 0 all that is needed is here; 1 some of it is nowhere; -1. */
static int fetch_outputs(struct pulling *p, const struct result *r, struct err **err)
{
	for (size_t i = 0; i < r->output_count; i++) {
		const struct result_output *o = &r->outputs[i];
		char *path cleanup_free =
			cas_path(store_dir(p->c->s->store), o->artifact.type, &o->artifact.digest);
		char *why cleanup_free = NULL;
		int rc;

		if (!is_needed(p, &o->artifact) || path_exists(path))
			continue;
		rc = share_fetch(p->c->share, o, p->near, p->near_count, &why, err);
		if (rc == 1)
			cache_warn(p->c, why);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int take(struct pulling *p, const struct result *r, struct err **err)
{
	struct arena *arena = p->c->s->arena;
	struct record *rec = arena_alloc(arena, sizeof(*rec));
	struct err *no_log cleanup_err = NULL;
	bool log = share_fetch_log(p->c->share, r, &no_log) == 0;

	result_to_record(r, p->n->manifest, log ? &r->log.digest : NULL, arena, rec);
	rec->node = p->n->name;
	/* Without its bytes a record is of this command alone. */
	if ((!p->only_targets || p->n->target) && store_record_put(p->c->s->store, rec, err) < 0)
		return -1;
	p->n->record = rec;
	return 0;
}

static struct artifact *wanted_of(struct arena *arena, const struct node *n)
{
	struct artifact *all = arena_alloc(arena, (n->outputs.count + 1) * sizeof(*all));

	for (size_t i = 0; i < n->outputs.count; i++) {
		all[i].name = n->outputs.items[i].name;
		all[i].type = n->outputs.items[i].type;
	}
	return all;
}

static int look_there(struct pulling *p, struct err **err)
{
	struct cache *c = p->c;
	char *why cleanup_free = NULL;
	struct result *r;
	int rc = share_result_get(c->share, &p->n->key, strlen(p->n->manifest),
				  wanted_of(c->s->arena, p->n), p->n->outputs.count, c->s->arena,
				  &r, &why, err);

	if (rc == 0)
		rc = cache_near(c, p->n, &p->near, &p->near_count, err);
	if (rc == 0)
		rc = fetch_outputs(p, r, err);
	return rc == 0 ? take(p, r, err) : rc;
}

/* What the node is going to download when it is made here. */
static int pull_downloads(struct cache *c, const struct node *n, struct err **err)
{
	struct digest *all;
	size_t count = share_downloads(c->s->arena, n->manifest, &all);

	for (size_t i = 0; i < count; i++) {
		int rc = share_download_get(c->share, &all[i], UINT64_MAX, err);

		if (rc < 0)
			return -1;
		c->downloads += rc == 0;
	}
	return 0;
}

static int pull_node(struct cache *c, struct node *n, bool only_targets, struct err **err)
{
	struct pulling p = {.c = c, .n = n, .only_targets = only_targets};
	int rc;

	task_begin(&c->task, n->name);
	if (manifest_make(c->s->graph, n, c->s->store, &c->s->tools, err) < 0)
		return -1;
	rc = look_here(c, n, err);
	c->cached += rc == 0;
	if (rc != 1)
		return rc;
	rc = look_there(&p, err);
	c->done += rc == 0;
	c->left += rc == 1;
	return rc == 1 ? pull_downloads(c, n, err) : rc;
}

int cache_pull(struct cache *c, bool only_targets, struct err **err)
{
	const struct graph *g = c->s->graph;

	for (size_t i = 0; i < g->order.count; i++) {
		struct node *n = g->order.items[i];

		if (!n->wanted)
			continue;
		if (n->lacks || !inputs_known(n))
			c->left++;
		else if (pull_node(c, n, only_targets, err) < 0)
			return err_wrap(err, "node '%s'", n->name);
	}
	return 0;
}
