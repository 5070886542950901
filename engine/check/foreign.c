/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/foreign.h"

#include "base/path.h"
#include "base/tmp.h"
#include "kinds/image/look.h"
#include "kinds/kinds.h"
#include "kinds/tree/content.h"

static const struct output_spec *output_of(const struct node *n, const char *name, size_t *ret_at)
{
	for (size_t i = 0; i < n->outputs.count; i++) {
		*ret_at = i;
		if (str_eq(n->outputs.items[i].name, name))
			return &n->outputs.items[i];
	}
	return NULL;
}

char *check_file_of(const struct check_view *v, const struct ref *ref,
		    const struct node **ret_unbuilt)
{
	const struct node *n = check_node_of(v, ref);
	const struct artifact *a;
	size_t at = 0;

	*ret_unbuilt = NULL;
	if (!n)
		return ref->type == REF_PATH ? path_join(v->g->project->dir, ref->text) : NULL;
	if (!ref->output || !output_of(n, ref->output, &at))
		return NULL;
	if (!v->store_dir || !n->record) {
		*ret_unbuilt = n;
		return NULL;
	}
	a = &n->record->outputs[at];
	return cas_path(v->store_dir, a->type, &a->digest);
}

static int add_look(struct tree *t, const char *file, const char *inside, const char *scratch,
		    struct err **err)
{
	struct look l cleanup_look = {.scratch = scratch};
	char *from cleanup_free = NULL;

	if (look_into(&l, file, inside ? inside : "", false, err) < 0)
		return -1;
	if (!l.tree)
		return err_set(err, E_UNPACK_FORMAT,
			       "'%s' holds no file system that orch can read, and no archive",
			       file);
	from = xasprintf("/%s", l.rest);
	tree_keep(t, l.tree);
	return tree_copy_tree(t, "/", steal_ptr(l.tree), from, TREE_FOLLOW | TREE_REPLACE, err);
}

int check_add_file(const struct check_view *v, struct tree *t, const char *file, const char *inside,
		   struct err **err)
{
	char *parent cleanup_free =
		v->store_dir ? path_join(v->store_dir, "tmp") : xstrdup("/var/tmp");
	char *scratch cleanup_free = NULL;
	struct err *left cleanup_err = NULL;
	int rc;

	if (tmp_dir(parent, "orch-check", &scratch, err) < 0)
		return -1;
	rc = add_look(t, file, inside, scratch, err);
	(void)!path_remove(scratch, &left); /* what is mapped stays */
	return rc;
}

/* Whether N hands on what others made: a download, or a step that knows nothing but such. */
static bool hands_on(const struct node *n)
{
	if (n->recipe->kind == &kind_fetch)
		return true;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && from->recipe->kind != &kind_fetch)
			return false;
	}
	return n->recipe->kind == &kind_run;
}

static bool unpacks_foreign(const struct check_view *v, const struct node *n)
{
	const struct list *contents = check_list(n, "contents", OPT_STRUCT);

	for (size_t i = 0; i < contents->count; i++) {
		const struct ref *ref = LIST_AT(*contents, struct content *, i)->unpack;
		const struct node *from = ref ? check_node_of(v, ref) : NULL;

		if (ref && (!from || hands_on(from) || unpacks_foreign(v, from)))
			return true;
	}
	return false;
}

bool check_is_foreign(const struct check_view *v, const struct ref *ref)
{
	const struct node *n = check_node_of(v, ref);

	return !n || hands_on(n) || unpacks_foreign(v, n);
}

/* Trees are check_read_trees()'s. */
static bool is_tree(const struct check_view *v, const struct ref *ref)
{
	const struct node *n = check_node_of(v, ref);
	size_t at = 0;
	const struct output_spec *o = n && ref->output ? output_of(n, ref->output, &at) : NULL;

	return o && o->type == OUTPUT_TREE;
}

int check_add_unpacked(const struct check_view *v, const struct node *image, struct tree *t,
		       const struct node **ret_unbuilt, struct err **err)
{
	const struct list *contents = check_list(image, "contents", OPT_STRUCT);

	for (size_t i = 0; i < contents->count; i++) {
		const struct ref *ref = LIST_AT(*contents, struct content *, i)->unpack;
		char *file cleanup_free = NULL;

		if (!ref || is_tree(v, ref))
			continue;
		file = check_file_of(v, ref, ret_unbuilt);
		if (*ret_unbuilt)
			return 0;
		if (file && check_add_file(v, t, file, ref->inside, err) < 0)
			return -1;
	}
	return 0;
}
