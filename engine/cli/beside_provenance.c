/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Provenance beside results (evidence/provenance.h): the statement, and its signed envelope where
 * one is asked for. They are written by orch itself, which knows runs and commits.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/beside_priv.h"
#include "cli/checkout.h"
#include "evidence/dsse.h"
#include "evidence/provenance.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"

/* ---- who signs ---- */

/* The key of the pki node that signs bundle N; caller frees, NULL: none. */
static char *signer_key(const struct session *s, const struct node *n)
{
	const struct bundle_opts *o = n->recipe->opts;
	const struct node *pki = n->recipe->kind == &kind_bundle && o->sign->node
					 ? graph_node(s->graph, o->sign->node)
					 : NULL;

	return pki ? path_join(s->dir, ((const struct pki_opts *)pki->recipe->opts)->key) : NULL;
}

char *beside_signer(const struct session *s, const struct user_config *user, const struct node *n)
{
	char *key = user_config_provenance_key(user);

	return key ? key : signer_key(s, n);
}

int beside_key(const struct session *s, const struct user_config *user, const struct node *n,
	       char **ret, struct err **err)
{
	*ret = user_config_provenance_key(user);
	if (*ret || beside_opts_of(n)->provenance != PROVENANCE_SIGNED)
		return 0;
	*ret = signer_key(s, n);
	if (*ret)
		return 0;
	return err_at(err, E_KEYS_MISSING, recipe_pos(n->recipe, "provenance"),
		      "nothing says who signs the provenance of node '%s': give "
		      "'provenance-key: FILE' in your config.yaml",
		      n->name);
}

/* ---- what is known of the run ---- */

const char *beside_builder(const struct user_config *user)
{
	return user->builder ? user->builder : "urn:orch:" ORCH_VERSION;
}

static bool is_shared(const struct node *n)
{
	return n->record->output_count && n->record->outputs[0].shared;
}

/* Of a result of which no run of this orch has left a note. */
static void guess_made(const struct beside *b, const struct node *n, struct made *m)
{
	struct err *ignored cleanup_err = NULL;
	struct run_info run;

	m->builder = is_shared(n) ? PROVENANCE_SHARED : beside_builder(&b->user);
	if (!is_shared(n) &&
	    store_run_of_key(b->s->store, &n->record->key, b->s->arena, &run, &ignored) == 0)
		m->run = run.id;
}

char *beside_said(const struct session *s, const struct node *n)
{
	char *path cleanup_free = path_join(s->dir, n->recipe->file);
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	str_printf(&text, "%s\n%s\n", s->project->name,
		   s->project->version ? s->project->version : "");
	(void)!file_read(path, SIZE_MAX, &text, &ignored); /* told when the statement is made */
	digest_data(text.buf, text.len, &d);
	return xstrdup(digest_hex(&d, hex));
}

/*
 * With the commit that has what the result was made of, if there is one by now, and what is said of
 * it besides: name, version and recipe are in no key, and told as they are now.
 */
static int find_made(struct beside *b, const struct node *n, struct made *m, struct err **err)
{
	char *said cleanup_free = beside_said(b->s, n);
	int rc = made_get(b->s->store, &n->record->key, b->s->arena, m, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		guess_made(b, n, m);
	if (m->commit && !m->dirty && m->said && str_eq(m->said, said))
		return 0;
	origin_look(&b->origin, b->s);
	if (!b->origin.known || b->origin.git.dirty) {
		m->dirty = true;
		return 0;
	}
	made_at(m, NULL, &b->origin);
	m->said = arena_strdup(b->s->arena, said);
	return made_put(b->s->store, &n->record->key, m, err);
}

/* ---- digests of what lies there ---- */

static int digest_there(const struct beside *b, const char *rel, struct digest *ret,
			struct err **err)
{
	char *path cleanup_free = path_join(b->s->dir, rel);

	return digest_file(path, ret, err);
}

/* Another orch may be at work in out/: REL is to be the copy of A that was placed. */
static int check_placed(const struct beside *b, const struct artifact *a, const char *rel,
			struct err **err)
{
	char *digest cleanup_free = artifact_digest_string(a);
	struct stamps copied cleanup_stamps = {0};

	stamps_read(&copied, b->s->dir, CHECKOUT_STAMPS);
	if (stamps_fresh(&copied, rel, digest))
		return 0;
	return err_set(err, E_CHANGED_WHILE_READ,
		       "'%s' was changed while its provenance was written: build it again", rel);
}

/* The SHA-256 of an image, which the store knows by another digest: counted once. */
static int digest_image(const struct beside *b, const struct artifact *a, const char *rel,
			struct digest *ret, struct err **err)
{
	char *digest cleanup_free = artifact_digest_string(a);
	char *name cleanup_free = xasprintf("sha256/%s", digest);
	struct str text cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	int rc = store_note_get(b->s->store, name, &text, err);

	if (rc < 0 || (rc == 0 && digest_parse(text.buf, ret) == 0))
		return rc;
	if (digest_there(b, rel, ret, err) < 0 || check_placed(b, a, rel, err) < 0)
		return -1;
	str_clear(&text);
	str_append(&text, digest_hex(ret, hex));
	return store_note_put(b->s->store, name, &text, err);
}

static int push_subjects(const struct beside *b, const struct node *n, struct provenance_files *ret,
			 struct err **err)
{
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *rel cleanup_free = checkout_path(n->name, a->name);
		struct provenance_file f = {.name = a->name, .sha256 = a->digest};

		if ((a->type == OUTPUT_IMAGE && digest_image(b, a, rel, &f.sha256, err) < 0) ||
		    check_placed(b, a, rel, err) < 0)
			return -1;
		provenance_files_push(ret, f);
	}
	return 0;
}

static int push_bills(const struct beside *b, const struct node *n, struct provenance_files *ret,
		      struct err **err)
{
	for (int f = 0; f < BESIDE_FORMATS; f++) {
		char *rel cleanup_free = beside_path(n, beside_endings[f]);
		char *path cleanup_free = path_join(b->s->dir, rel);
		struct provenance_file file = {.name = arena_strdup(b->s->arena, path_base(rel))};

		if (!beside_has_format(beside_opts_of(n), (enum beside_format)f) ||
		    !path_exists(path))
			continue;
		if (digest_file(path, &file.sha256, err) < 0)
			return -1;
		provenance_files_push(ret, file);
	}
	return 0;
}

/* ---- writing ---- */

static int make_statement(struct beside *b, const struct node *n, const struct made *m,
			  struct str *ret, struct err **err)
{
	struct strs sets = {.items = (const char **)b->s->cli->sets.items,
			    .count = b->s->cli->sets.count};
	struct provenance p = {.node = n,
			       .commit = {m->commit, m->branch, m->dirty},
			       .builder = m->builder,
			       .orch_version = m->orch,
			       .run = m->run,
			       .sets = &sets};
	json_t *o = NULL;
	char *text cleanup_free = NULL;

	if (push_subjects(b, n, &p.subjects, err) == 0 && push_bills(b, n, &p.byproducts, err) == 0)
		o = provenance_make(&p, b->s->graph, b->s->arena, err);
	provenance_files_clear(&p.subjects);
	provenance_files_clear(&p.byproducts);
	if (!o)
		return -1;
	text = json_dumps(o, JSON_ENSURE_ASCII | JSON_INDENT(2));
	json_decref(o);
	str_printf(ret, "%s\n", text ? text : "null");
	return 0;
}

static int write_file(struct beside *b, const char *rel, const struct str *text, const char *word,
		      struct err **err)
{
	char *path cleanup_free = path_join(b->s->dir, rel);

	if (file_write(path, text->buf, text->len, 0644, false, err) < 0)
		return -1;
	stamps_set(&b->stamps, rel, word);
	return 0;
}

static int write_envelope(struct beside *b, const char *rel, const struct str *statement,
			  const char *key_path, const char *word, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct dsse_key *key;
	int rc;

	if (dsse_key_private(key_path, &key, err) < 0)
		return -1;
	rc = dsse_sign(key, DSSE_IN_TOTO, statement, &text, err);
	dsse_key_free(key);
	return rc < 0 ? -1 : write_file(b, rel, &text, word, err);
}

/* WORD, and what else the documents depend on. */
static char *whole_word(const struct beside *b, const struct node *n, const struct made *m,
			const char *key, const char *word)
{
	struct str text cleanup_str = STR_INIT;
	char *said cleanup_free = beside_said(b->s, n);
	char hex[DIGEST_HEX + 1];
	struct digest d;
	struct stat st;

	for (size_t i = 0; i < b->s->cli->sets.count; i++)
		str_printf(&text, "%s\n", b->s->cli->sets.items[i]);
	str_printf(&text, "%s\n%s\n%s\n%s\n%d\n%" PRId64 "\n%s\n%s\n", word, said,
		   m->commit ? m->commit : "", m->branch ? m->branch : "", m->dirty, m->run,
		   m->builder, m->orch ? m->orch : "");
	for (int f = 0; f < BESIDE_FORMATS; f++) {
		char *rel cleanup_free = beside_path(n, beside_endings[f]);
		char *path cleanup_free = path_join(b->s->dir, rel);

		str_printf(&text, "%d\n",
			   beside_has_format(beside_opts_of(n), (enum beside_format)f) &&
				   path_exists(path));
	}
	if (key && stat(key, &st) == 0)
		str_printf(&text, "%s %jd.%09ld\n", key, (intmax_t)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec);
	digest_data(text.buf, text.len, &d);
	return xstrdup(digest_hex(&d, hex));
}

/* Writes both, unless they are there as they were; no envelope without KEY. */
static int write_documents(struct beside *b, const struct node *n, const struct made *m,
			   const char *key, const char *word, struct err **err)
{
	char *plain cleanup_free = beside_path(n, BESIDE_PROVENANCE);
	char *sealed cleanup_free = beside_path(n, BESIDE_ENVELOPE);
	struct str text cleanup_str = STR_INIT;

	if (stamps_fresh(&b->stamps, plain, word) &&
	    (!key || stamps_fresh(&b->stamps, sealed, word)))
		return 0;
	if (beside_remove(b, plain, err) < 0 || beside_remove(b, sealed, err) < 0 ||
	    make_statement(b, n, m, &text, err) < 0 || write_file(b, plain, &text, word, err) < 0)
		return -1;
	return key ? write_envelope(b, sealed, &text, key, word, err) : 0;
}

static int remove_documents(struct beside *b, const struct node *n, struct err **err)
{
	static const char *const endings[] = {BESIDE_PROVENANCE, BESIDE_ENVELOPE};

	for (size_t i = 0; i < array_len(endings); i++) {
		char *rel cleanup_free = beside_path(n, endings[i]);

		if (stamps_know(&b->stamps, rel) && beside_remove(b, rel, err) < 0)
			return -1;
	}
	return 0;
}

/* Whoever has no key gets no envelope: only who signs must have one. */
static void drop_absent_key(const struct beside *b, const struct node *n, char **key)
{
	char *text cleanup_free = NULL;

	if (!*key || path_exists(*key))
		return;
	text = xasprintf("its provenance is not signed: there is no key '%s'", *key);
	b->left(b->arg, n, text);
	free(*key);
	*key = NULL;
}

int beside_provenance(struct beside *b, const struct node *n, const char *word, struct err **err)
{
	char *key cleanup_free = NULL, *whole cleanup_free = NULL;
	struct made m;

	if (beside_opts_of(n)->provenance == PROVENANCE_NONE)
		return remove_documents(b, n, err);
	if (beside_key(b->s, &b->user, n, &key, err) < 0 || find_made(b, n, &m, err) < 0)
		return -1;
	drop_absent_key(b, n, &key);
	whole = whole_word(b, n, &m, key, word);
	if (write_documents(b, n, &m, key, whole, err) < 0)
		return err_wrap(err, "node '%s': cannot write its provenance", n->name);
	return 0;
}
