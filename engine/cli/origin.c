/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/origin.h"

#include <jansson.h>
#include <stdlib.h>

#include "kinds/kinds.h"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* GitLab's, GitHub's. */
static const char *branch_of_job(void)
{
	const char *type = variable("GITHUB_REF_TYPE");

	if (variable("CI_COMMIT_BRANCH"))
		return variable("CI_COMMIT_BRANCH");
	return type && str_eq(type, "branch") ? variable("GITHUB_REF_NAME") : NULL;
}

static bool reads_ignored(const struct git *g, const struct graph *graph)
{
	struct err *none cleanup_err = NULL;
	struct strv files cleanup_strv = {0};
	struct strs inputs = {0};
	int rc;

	for (size_t i = 0; i < graph->nodes.count; i++) {
		const struct node *n = graph->nodes.items[i];

		for (size_t k = 0; n->wanted && k < n->in.count; k++)
			if (n->in.items[k].path && n->recipe->kind != &kind_pki)
				strs_push(&inputs, n->in.items[k].path);
	}
	rc = git_ignored(g, &inputs, &files, &none);
	strs_clear(&inputs);
	return rc < 0 || files.count;
}

void origin_look(struct origin *o, const struct session *s)
{
	static const char *const ignored[] = {"out", NULL};
	struct git g cleanup_git = {0};
	struct err *none cleanup_err = NULL;

	if (o->looked)
		return;
	o->looked = true;
	o->known = git_open(s->dir, &g, &none) == 0 && git_state(&g, ignored, &o->git, &none) == 0;
	if (o->known && !o->git.dirty)
		o->git.dirty = reads_ignored(&g, s->graph);
	if (o->known && !o->git.branch && branch_of_job())
		o->git.branch = xstrdup(branch_of_job());
}

void origin_release(struct origin *o)
{
	git_state_release(&o->git);
	*o = (struct origin){0};
}

static char *note_name(const struct digest *key)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("made/%s", digest_hex(key, hex));
}

static const char *text_of(struct arena *arena, const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? arena_strdup(arena, text) : NULL;
}

int made_get(struct store *s, const struct digest *key, struct arena *arena, struct made *ret,
	     struct err **err)
{
	char *name cleanup_free = note_name(key);
	struct str text cleanup_str = STR_INIT;
	int rc = store_note_get(s, name, &text, err);
	json_t *o;

	*ret = (struct made){0};
	if (rc)
		return rc;
	o = json_loads(text.buf, 0, NULL);
	*ret = (struct made){
		.commit = text_of(arena, o, "commit"),
		.branch = text_of(arena, o, "branch"),
		.dirty = json_is_true(json_object_get(o, "dirty")),
		.run = json_integer_value(json_object_get(o, "run")),
		.builder = text_of(arena, o, "builder"),
		.orch = text_of(arena, o, "orch"),
		.said = text_of(arena, o, "said"),
	};
	rc = o ? 0 : 1;
	json_decref(o);
	return rc;
}

int made_put(struct store *s, const struct digest *key, const struct made *m, struct err **err)
{
	json_t *o = json_pack("{s:s?, s:s?, s:b, s:I, s:s?, s:s?, s:s?}", "commit", m->commit,
			      "branch", m->branch, "dirty", m->dirty, "run", (json_int_t)m->run,
			      "builder", m->builder, "orch", m->orch, "said", m->said);
	char *name cleanup_free = note_name(key), *dump cleanup_free = json_dumps(o, JSON_COMPACT);
	struct str text cleanup_str = STR_INIT;

	json_decref(o);
	str_append(&text, dump ? dump : "");
	return store_note_put(s, name, &text, err);
}

void made_at(struct made *m, const struct origin *before, const struct origin *now)
{
	if (!now->known)
		return;
	m->commit = now->git.commit;
	m->branch = now->git.branch;
	m->dirty = now->git.dirty;
	if (before && before->known)
		m->dirty |= before->git.dirty || !str_eq(before->git.commit, now->git.commit);
}
