/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/lock_debs.h"

#include <sys/stat.h>

#include "base/path.h"
#include "cli/builder.h"
#include "kinds/deb_inputs.h"

/* A word of `debs:`, and where its packages come from. */
struct source {
	const struct ref *ref;
	const struct edge *edge;
	bool below; /* of a node that the locked one builds on */
};
DEFINE_VEC(sources, struct source)
#define cleanup_sources __attribute__((cleanup(sources_clear)))

static void find_sources(const struct node *n, struct sources *ret)
{
	for (bool below = false; n && n->recipe->opts; below = true) {
		const struct debian_opts *o = n->recipe->opts;
		const struct edge *e = o->from ? node_edge(n, o->from) : NULL;

		for (size_t i = 0; i < o->debs.count; i++) {
			const struct ref *ref = LIST_AT(o->debs, const struct ref *, i);

			sources_push(ret, (struct source){ref, node_edge(n, ref), below});
		}
		n = e && e->from && str_eq(e->from->recipe->kind->name, "debian") ? e->from : NULL;
	}
}

/* ---- building ---- */

static bool has(const struct strv *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (str_eq(v->items[i], text))
			return true;
	return false;
}

static void find_targets(const struct sources *all, struct strv *ret)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct edge *e = all->items[i].edge;

		if (e && e->from && !has(ret, e->from->name))
			strv_push(ret, e->from->name);
	}
}

/* The target that failed; where none began, the first. */
static const char *failed_target(const struct session *s, const struct strv *targets)
{
	for (size_t i = 0; s->graph && i < targets->count; i++) {
		const struct node *n = graph_node(s->graph, targets->items[i]);

		if (n && n->state == NODE_FAILED)
			return targets->items[i];
	}
	return targets->items[0];
}

/* In session MINE of its own: locks that were written meanwhile are read. */
static int build(const struct session *s, const struct strv *targets, struct session *mine,
		 struct cli *c, int *ret_code, struct err **err)
{
	if (!targets->count)
		return 0;
	*c = *s->cli;
	c->json = false; /* what is printed is the lock's to say */
	*ret_code = builder_targets(c, targets, mine);
	if (*ret_code == 0)
		return 0;
	return err_set(err, E_DEBS_UNBUILT,
		       "node '%s', whose packages are to be locked with, was not built: its "
		       "messages are above",
		       failed_target(mine, targets));
}

/* ---- packages ---- */

static int add_path(const struct session *s, const struct source *from, struct strv *ret,
		    struct err **err)
{
	char *path cleanup_free = path_join(s->dir, from->ref->text);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return deb_inputs_find(path, NULL, ret, err);
	strv_push(ret, path);
	return 0;
}

static int add_outputs(const struct session *mine, const struct edge *e, struct strv *ret,
		       struct err **err)
{
	const struct node *n = session_node(mine, e->from->name, err);

	if (!n)
		return -1;
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (e->output ? str_eq(a->name, e->output) : str_ends(a->name, ".deb"))
			strv_take(ret, cas_path(store_dir(mine->store), a->type, &a->digest));
	}
	return 0;
}

static int add_word(const struct session *s, const struct session *mine, const struct source *from,
		    struct relock_words *ret, struct err **err)
{
	struct relock_word *w = relock_words_at_end(ret);
	int rc;

	*w = (struct relock_word){.word = from->ref->text, .below = from->below};
	rc = from->edge && from->edge->from ? add_outputs(mine, from->edge, &w->files, err)
					    : add_path(s, from, &w->files, err);
	if (rc == 0 && !w->files.count)
		rc = err_set(err, E_WRONG_INPUT, "there is no .deb in '%s'", from->ref->text);
	return rc < 0 ? err_place(err, from->ref->pos) : 0;
}

int lock_debs_gather(const struct session *s, const struct node *n, struct relock_words *ret,
		     int *ret_code, struct err **err)
{
	struct session mine cleanup_session = {0};
	struct sources all cleanup_sources = {0};
	struct strv targets cleanup_strv = {0};
	struct cli c;

	*ret_code = 0;
	find_sources(n, &all);
	find_targets(&all, &targets);
	if (build(s, &targets, &mine, &c, ret_code, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (add_word(s, &mine, &all.items[i], ret, err) < 0)
			return -1;
	return 0;
}

void lock_debs_clear(struct relock_words *w)
{
	for (size_t i = 0; i < w->count; i++)
		strv_clear(&w->items[i].files);
	relock_words_clear(w);
}
