/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/checkout.h"

#include "base/path.h"
#include "cli/stamps.h"
#include "store/blob.h"

char *checkout_path(const char *node, const char *output)
{
	return xasprintf("out/%s/%s", node, output);
}

struct checkout {
	const struct graph *g;
	struct store *s;
	struct stamps stamps;
	checkout_bad_fn *bad;
	void *arg;
	size_t damaged;
};

/* The blob of A is not what its name says. */
static int put_away(struct checkout *c, const struct node *n, const struct artifact *a,
		    const struct blob_state *state, struct err **err)
{
	char *text cleanup_free =
		xasprintf("output '%s' in the store is damaged: %s", a->name, state->why);
	size_t dropped;

	if (store_blob_damaged(c->s, a, &state->stamp, &dropped, err))
		return -1;
	c->damaged++;
	c->bad(c->arg, n, text);
	return 0;
}

static int checkout_one(struct checkout *c, const struct node *n, const struct artifact *a,
			struct err **err)
{
	struct stamps *t = &c->stamps;
	char *rel cleanup_free = checkout_path(n->name, a->name);
	char *dir cleanup_free = path_dir(rel);
	char *path cleanup_free = path_join(c->g->project->dir, rel);
	char *digest cleanup_free = artifact_digest_string(a);
	struct blob_state state cleanup_blob_state = {0};
	int rc;

	if (stamps_fresh(t, rel, digest))
		return 0;
	rc = path_mkdirs_within(c->g->project->dir, dir, err)
		     ? -1
		     : cas_checkout(store_dir(c->s), a, path, &state, err);
	if (rc == 1)
		return put_away(c, n, a, &state, err);
	if (rc < 0)
		return err_wrap(err, "node '%s': cannot place '%s'", n->name, rel);
	stamps_set(t, rel, digest);
	return 0;
}

static int checkout_node(struct checkout *c, const struct node *n, struct err **err)
{
	if (!n->target || !n->record)
		return 0;
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (a->shared && !store_blob_is_here(c->s, a))
			continue; /* --fetch none */
		if (checkout_one(c, n, a, err) < 0)
			return -1;
	}
	return 0;
}

int checkout_targets(const struct graph *g, struct store *s, checkout_bad_fn *bad, void *arg,
		     size_t *ret_damaged, struct err **err)
{
	struct checkout c = {.g = g, .s = s, .bad = bad, .arg = arg};
	int rc = 0;

	stamps_read(&c.stamps, g->project->dir, CHECKOUT_STAMPS);
	for (size_t i = 0; rc == 0 && i < g->nodes.count; i++)
		rc = checkout_node(&c, g->nodes.items[i], err);
	if (rc == 0)
		rc = stamps_write(&c.stamps, err);
	stamps_release(&c.stamps);
	*ret_damaged = c.damaged;
	return rc;
}
