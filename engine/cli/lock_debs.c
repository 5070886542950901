/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/lock_debs.h"

#include <sys/stat.h>

#include "base/path.h"
#include "base/walk.h"
#include "cli/builder.h"

/* ---- of the project ---- */

static int add_file(const char *path, bool is_dir, struct strv *ret, struct err **err);

static int add_directory(const char *dir, struct strv *ret, struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (walk_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *path cleanup_free = path_join(dir, names.items[i]);
		struct stat st;

		if (stat(path, &st) == 0 && add_file(path, S_ISDIR(st.st_mode), ret, err) < 0)
			return -1;
	}
	return 0;
}

static int add_file(const char *path, bool is_dir, struct strv *ret, struct err **err)
{
	if (is_dir)
		return add_directory(path, ret, err);
	if (str_ends(path, ".deb"))
		strv_push(ret, path);
	return 0;
}

static int add_path(const struct session *s, const struct ref *ref, struct strv *ret,
		    struct err **err)
{
	char *path cleanup_free = path_join(s->dir, ref->text);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(path, ret, err);
	strv_push(ret, path);
	return 0;
}

/* ---- of nodes ---- */

static void add_outputs(const struct session *s, const struct record *rec, const struct ref *ref,
			struct strv *ret)
{
	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];

		if (ref->output ? str_eq(a->name, ref->output) : str_ends(a->name, ".deb"))
			strv_take(ret, cas_path(store_dir(s->store), a->type, &a->digest));
	}
}

/* In a session of its own: locks that were written meanwhile are read. */
static int add_built(const struct session *s, const struct node *of, const struct ref *ref,
		     struct strv *ret, struct err **err)
{
	struct session mine cleanup_session = {0};
	struct cli c = *s->cli;
	const struct node *n;
	char *name = (char *)of->name;
	int code;

	c.args = (struct strv){&name, 1, 1};
	code = builder_first(&c, &mine);
	if (code)
		return err_set(
			err, E_DEBS_UNBUILT,
			"node '%s', whose packages are to be locked with, was not built: its "
			"messages are above",
			of->name);
	n = session_node(&mine, of->name, err);
	if (!n)
		return -1;
	if (n->record)
		add_outputs(&mine, n->record, ref, ret);
	return 0;
}

static int add_word(const struct session *s, const struct node *n, const struct ref *ref,
		    bool below, struct relock_words *ret, struct err **err)
{
	const struct edge *e = node_edge(n, ref);
	struct relock_word *w = relock_words_at_end(ret);
	int rc;

	*w = (struct relock_word){.word = ref->text, .below = below};
	rc = e && e->from ? add_built(s, e->from, ref, &w->files, err)
			  : add_path(s, ref, &w->files, err);
	if (rc == 0 && !w->files.count)
		rc = err_at(err, E_WRONG_INPUT, ref->pos, "there is no .deb in '%s'", ref->text);
	return rc;
}

int lock_debs_gather(const struct session *s, const struct node *n, struct relock_words *ret,
		     struct err **err)
{
	for (bool below = false; n && n->recipe->opts; below = true) {
		const struct debian_opts *o = n->recipe->opts;
		const struct edge *e = o->from ? node_edge(n, o->from) : NULL;

		for (size_t i = 0; i < o->debs.count; i++)
			if (add_word(s, n, LIST_AT(o->debs, const struct ref *, i), below, ret,
				     err) < 0)
				return -1;
		n = e && e->from && str_eq(e->from->recipe->kind->name, "debian") ? e->from : NULL;
	}
	return 0;
}

void lock_debs_clear(struct relock_words *w)
{
	for (size_t i = 0; i < w->count; i++)
		strv_clear(&w->items[i].files);
	relock_words_clear(w);
}
