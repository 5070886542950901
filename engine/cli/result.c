/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/result.h"

#include "base/path.h"
#include "cli/history.h"

struct search {
	const char *node;
	const struct run_info *until; /* or NULL */
	struct digest key;
};

static int look(void *arg, const struct run_info *run, const struct run_node *n)
{
	struct search *q = arg;

	if (q->until && (run->id > q->until->id || run->project != q->until->project))
		return 0;
	if (!str_eq(n->node, q->node) ||
	    !(str_eq(n->status, "built") || str_eq(n->status, "cached")))
		return 0;
	q->key = n->key;
	return 1;
}

/* 0, 1 there is none, -1. */
static int search(const struct session *s, const char *node, const char *run, struct record **ret,
		  struct err **err)
{
	struct search q = {.node = node};
	struct run_info until;
	int rc;

	if (!run && s->dir)
		return store_record_last(s->store, node, s->arena, ret, err);
	if (run) {
		if (history_run(s, run, &until, err) < 0)
			return -1;
		q.until = &until;
	}
	rc = history_search(s, NULL, look, &q, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	return store_record_get(s->store, &q.key, s->arena, ret, err);
}

/* Its blobs are there, as far as their sizes and times tell, or in a shared cache. */
static int find_record(const struct session *s, const char *node, const char *run,
		       const struct record **ret, struct err **err)
{
	char *why cleanup_free = NULL;
	struct record *rec;
	int rc = search(s, node, run, &rec, err);

	if (rc == 0)
		rc = store_record_check(s->store, rec, &why, err);
	if (rc < 0)
		return -1;
	if (rc == 1 && run)
		return err_set(err, E_NO_RESULT,
			       "the store has nothing that node '%s' had made as of run %s", node,
			       run);
	if (rc == 1 && !session_has_recipe(s, node))
		return err_set(err, E_UNKNOWN_NODE,
			       "neither a node nor a file '%s'; 'orch plan' lists nodes", node);
	if (rc == 1)
		return err_set(err, E_NO_RESULT,
			       "the store has nothing that node '%s' made; 'orch build %s' makes "
			       "it",
			       node, node);
	*ret = rec;
	return 0;
}

static int check_here(const struct session *s, const char *node, const struct artifact *a,
		      bool left, struct err **err)
{
	if (!a->shared || store_blob_is_here(s->store, a))
		return 0;
	return err_set(err, E_NO_RESULT,
		       "output '%s' of node '%s' is %s alone; 'orch build %s' fetches it", a->name,
		       node, left ? "on a farm" : "in the shared cache", node);
}

static int choose_output(const struct record *rec, const char *node, const char *name,
			 struct result *ret, struct err **err)
{
	struct str all cleanup_str = STR_INIT;

	for (size_t i = 0; i < rec->output_count; i++) {
		if (!*name || str_eq(rec->outputs[i].name, name)) {
			ret->artifact = &rec->outputs[i];
			return 0;
		}
		str_printf(&all, "%s'%s'", i ? ", " : "", rec->outputs[i].name);
	}
	if (!rec->output_count)
		return err_set(err, E_UNKNOWN_OUTPUT, "node '%s' makes no output", node);
	return err_set(err, E_UNKNOWN_OUTPUT, "node '%s' has no output '%s', only %s", node, name,
		       all.buf);
}

int result_in(const struct session *s, const char *text, const struct record *rec,
	      struct result *ret, struct err **err)
{
	size_t len = strcspn(text, ":");
	const char *after = text[len] ? text + len + 1 : "";
	char *node cleanup_free = xstrndup(text, len);
	char *output cleanup_free = xstrndup(after, strcspn(after, "/"));

	if (choose_output(rec, node, output, ret, err) < 0 ||
	    check_here(s, node, ret->artifact, store_is_left(s->store, &rec->key), err) < 0)
		return -1;
	ret->record = rec;
	ret->path = xstrdup(after + strlen(output));
	ret->name = xasprintf("%s%s%s", node, *output ? ":" : "", output);
	ret->file = cas_path(store_dir(s->store), ret->artifact->type, &ret->artifact->digest);
	return 0;
}

static int find_output(const struct session *s, const char *text, const char *run,
		       struct result *ret, struct err **err)
{
	char *node cleanup_free = xstrndup(text, strcspn(text, ":"));
	const struct record *rec = NULL;

	return find_record(s, node, run, &rec, err) < 0 ? -1 : result_in(s, text, rec, ret, err);
}

/* The longest that is there: names of files may have colons. */
static int find_file(const char *text, struct result *ret, struct err **err)
{
	for (size_t i = strlen(text) + 1; i-- > 0;) {
		char *file cleanup_free = NULL;

		if (text[i] && text[i] != ':')
			continue;
		file = xstrndup(text, i);
		if (!path_exists(file))
			continue;
		ret->path = xstrdup(text[i] ? text + i + 1 : "");
		ret->name = xstrdup(file);
		ret->file = steal_ptr(file);
		return 0;
	}
	return err_set(err, E_FILE_MISSING, "there is no file '%.*s'", (int)strcspn(text, ":"),
		       text);
}

int result_find(const struct session *s, const char *text, const char *run, struct result *ret,
		struct err **err)
{
	bool file = *text == '/' || str_skip(text, "./") || str_skip(text, "../");

	return file ? find_file(text, ret, err) : find_output(s, text, run, ret, err);
}

void result_release(struct result *r)
{
	free(r->name);
	free(r->file);
	free(r->path);
}
