/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/values.h"

#include "base/file.h"
#include "recipe/template.h"
#include "store/blob.h"

const char *values_edge_name(struct arena *arena, const struct value_ref *ref)
{
	return arena_printf(arena, "${%s:%s}", ref->node, ref->output);
}

/* The output that E takes; its node is settled. */
static const struct artifact *artifact_of(const struct edge *e)
{
	const struct record *r = e->from->record;

	for (size_t i = 0; r && i < r->output_count; i++)
		if (str_eq(r->outputs[i].name, e->output))
			return &r->outputs[i];
	return NULL;
}

static int refuse(const struct edge *e, const char *why, struct err **err)
{
	return err_at(
		err, E_NOT_A_VALUE, e->pos,
		"output '%s' of node '%s' %s: a value is one line of text of at most %d bytes",
		e->output, e->from->name, why, VALUE_MAX_BYTES);
}

/* Reads the blob of A, whose bytes must be what its name says. */
static int read_blob(struct store *s, const struct edge *e, const struct artifact *a,
		     struct str *ret, struct err **err)
{
	char *path cleanup_free = cas_path(store_dir(s), a->type, &a->digest);
	struct err *why cleanup_err = NULL;
	struct digest found = {0};

	if (file_read(path, VALUE_MAX_BYTES + 2, ret, &why) == 0)
		digest_data(ret->buf, ret->len, &found);
	if (digest_eq(&found, &a->digest))
		return 0;
	return err_set(err, E_BLOB_DAMAGED,
		       "output '%s' of node '%s' in the store is damaged: a build makes it again",
		       e->output, e->from->name);
}

static int read_value(struct graph *g, struct store *s, struct edge *e, struct err **err)
{
	const struct artifact *a = artifact_of(e);
	struct str data cleanup_str = STR_INIT;
	const char *why;
	size_t len;

	if (!a)
		return err_set(err, E_INTERNAL, "the record of node '%s' has no output '%s'",
			       e->from->name, e->output);
	if (a->size > VALUE_MAX_BYTES + 2) /* with its line end */
		return refuse(e, "is too large", err);
	if (read_blob(s, e, a, &data, err) < 0)
		return -1;
	if (value_check(data.len ? data.buf : "", data.len, &len, &why))
		return refuse(e, why, err);
	e->text = arena_strndup(g->arena, data.len ? data.buf : "", len);
	return 0;
}

/* The values of N, which come last. */
static struct edge *first_value(const struct node *n)
{
	size_t at = n->in.count;

	while (at && n->in.items[at - 1].value)
		at--;
	return &n->in.items[at];
}

struct filler {
	struct graph *g;
	const struct node *n;
};

static const char *text_of(void *arg, const struct value_ref *ref)
{
	const struct filler *f = arg;

	for (const struct edge *e = first_value(f->n); e < f->n->in.items + f->n->in.count; e++)
		if (str_eq(e->from->recipe->name, ref->node) && str_eq(e->output, ref->output))
			return e->text;
	abort(); /* graph_build() made an edge of each */
}

/* Options with their values follow the rules of the kind, too. */
static int check_options(const struct recipe *r, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};

	if (!r->waiting || !r->kind->schema->check)
		return 0;
	r->kind->schema->check(r->opts, r->map, &errors);
	if (!errors.count)
		return 0;
	err_list_sort(&errors);
	*err = steal_ptr(errors.items[0]);
	return err_wrap(err, "with the values in it");
}

static int fill_template(const struct filler *f, struct edge *e, struct err **err)
{
	e->filled = value_fill(f->g->arena, e->waits, text_of, (void *)f);
	if (strlen(e->filled) > TEMPLATE_FILLED_MAX_BYTES)
		return err_at(err, E_TOO_LARGE, e->pos, "the template grows to more than %d bytes",
			      TEMPLATE_FILLED_MAX_BYTES);
	return 0;
}

int values_fill(struct graph *g, struct node *n, struct store *s, struct err **err)
{
	struct edge *end = n->in.items + n->in.count, *values = first_value(n);
	struct filler f = {g, n};

	if (values == end)
		return 0;
	for (struct edge *e = values; e < end; e++)
		if (read_value(g, s, e, err) < 0)
			return -1;
	for (const struct option_text *t = n->recipe->waiting; t; t = t->next)
		*t->field = value_fill(g->arena, t->text, text_of, &f);
	for (struct edge *e = n->in.items; e < values; e++)
		if (e->waits && fill_template(&f, e, err) < 0)
			return -1;
	return check_options(n->recipe, err);
}

const struct edge *values_absent(const struct node *n, const struct store *s)
{
	for (const struct edge *e = first_value(n); e < n->in.items + n->in.count; e++) {
		const struct artifact *a = artifact_of(e);

		if (a && a->shared && !store_blob_is_here(s, a))
			return e;
	}
	return NULL;
}

int values_drop_damaged(const struct node *n, struct store *s, struct err **err)
{
	int rc = 1;

	for (const struct edge *e = first_value(n); e < n->in.items + n->in.count; e++) {
		const struct artifact *a = artifact_of(e);
		struct blob_state state cleanup_blob_state = {0};
		int damaged = a ? blob_hash(store_dir(s), a, &state, err) : 0;
		size_t dropped;

		if (damaged < 0 ||
		    (damaged && store_blob_damaged(s, a, &state.stamp, &dropped, err) < 0))
			return -1;
		rc = damaged ? 0 : rc;
	}
	return rc;
}
