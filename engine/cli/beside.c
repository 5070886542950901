/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/beside_priv.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"
#include "base/proc.h"
#include "cli/checkout.h"
#include "cli/program.h"

char *beside_path(const struct node *n, const char *ending)
{
	char *name cleanup_free = xasprintf("%s%s", path_base(n->name), ending);

	return checkout_path(n->name, name);
}

const struct beside_opts *beside_opts_of(const struct node *n)
{
	return beside_opts(n->recipe->kind, n->recipe->opts);
}

static bool is_placed(const struct session *s, const struct node *n)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (a->shared && !store_blob_is_here(s->store, a))
			return false;
	}
	return n->target && n->record;
}

/* ---- what a document depends on ---- */

static void hash_text(struct hasher *h, const char *text)
{
	hasher_update(h, text, strlen(text) + 1);
}

static void hash_nodes(struct hasher *h, const struct node *n, bool *seen)
{
	if (seen[n->index] || !n->record)
		return;
	seen[n->index] = true;
	hash_text(h, n->name);
	hasher_update(h, &n->record->key, sizeof(n->record->key));
	for (size_t i = 0; i < n->in.count; i++) {
		if (n->in.items[i].from)
			hash_nodes(h, n->in.items[i].from, seen);
	}
}

char *beside_word(const struct session *s, const struct node *n)
{
	bool *seen cleanup_free = xcalloc(s->graph->nodes.count + 1, sizeof(*seen));
	struct hasher *h = hasher_new();
	char hex[DIGEST_HEX + 1];
	struct digest d;

	hash_text(h, build_id);
	hash_text(h, s->project->name);
	hash_text(h, s->project->version ? s->project->version : "");
	hash_text(h, s->project->supplier ? s->project->supplier : "");
	hash_nodes(h, n, seen);
	hasher_finish(h, &d);
	return xstrdup(digest_hex(&d, hex));
}

/* ---- bills of materials ---- */

bool beside_opens(const struct node *n)
{
	const struct beside_opts *o = beside_opts_of(n);

	return o && (beside_has_format(o, BESIDE_SPDX) || beside_has_format(o, BESIDE_CYCLONEDX));
}

/* A result among those that N is made of whose bytes are not here, or NULL. */
static const struct node *find_absent(const struct session *s, const struct node *n, bool *seen)
{
	const struct node *absent = NULL;

	if (seen[n->index] || !n->record)
		return NULL;
	seen[n->index] = true;
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (a->shared && !store_blob_is_here(s->store, a))
			return n;
	}
	for (size_t i = 0; i < n->in.count && !absent; i++) {
		if (n->in.items[i].from)
			absent = find_absent(s, n->in.items[i].from, seen);
	}
	return absent;
}

/* FORMAT: an enum beside_format, or BESIDE_FORMATS for all; WORD: beside_word(). */
static int run_sbom(const struct session *s, const struct node *n, int format, const char *word,
		    struct err **err)
{
	char *worker cleanup_free = program_worker(err);
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};
	const struct cli *c = s->cli;

	if (!worker)
		return -1;
	strv_push(&argv, worker);
	strv_push(&argv, "command");
	strv_push(&argv, build_id);
	strv_push(&argv, "sbom");
	strv_printf(&argv, "--store=%s", store_dir(s->store));
	for (size_t i = 0; i < c->sets.count; i++)
		strv_printf(&argv, "--set=%s", c->sets.items[i]);
	for (size_t i = 0; i < c->variants.count; i++)
		strv_printf(&argv, "--variant=%s", c->variants.items[i]);
	if (format != BESIDE_FORMATS)
		strv_printf(&argv, "--format=%s", beside_formats[format]);
	strv_printf(&argv, "--output=out/%s", n->name);
	strv_push(&argv, n->name);
	for (char **e = environ; *e; e++)
		strv_push(&env, *e);
	strv_set(&env, BESIDE_MADE_OF, word);
	/* It compares inputs with the project's private keys, as orch does. */
	return proc_run(strv_argv(&argv),
			&(struct proc_opts){.cwd = s->dir, .env = strv_argv(&env), .no_core = true},
			err);
}

int beside_remove(struct beside *b, const char *rel, struct err **err)
{
	char *path cleanup_free = path_join(b->s->dir, rel);

	if (unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot remove '%s'", path);
	stamps_forget(&b->stamps, rel);
	return 0;
}

/*
 * Which documents are to be written, as for run_sbom(); -1 none. Those that are old, or no longer
 * asked for, go first: none stays beside a result that is not its own.
 */
static int find_stale(struct beside *b, const struct node *n, const char *word, int *ret,
		      struct err **err)
{
	const struct beside_opts *o = beside_opts_of(n);

	*ret = -1;
	for (int f = 0; f < BESIDE_FORMATS; f++) {
		char *rel cleanup_free = beside_path(n, beside_endings[f]);
		bool wanted = beside_has_format(o, (enum beside_format)f);

		if (wanted && stamps_fresh(&b->stamps, rel, word))
			continue;
		if (!wanted && !stamps_know(&b->stamps, rel))
			continue;
		if (beside_remove(b, rel, err) < 0)
			return -1;
		if (wanted)
			*ret = *ret == -1 ? f : BESIDE_FORMATS;
	}
	return 0;
}

static int write_bills(struct beside *b, const struct node *n, const char *word, struct err **err)
{
	bool *seen cleanup_free = xcalloc(b->s->graph->nodes.count + 1, sizeof(*seen));
	char *text cleanup_free = NULL;
	const struct node *absent;
	int stale;

	if (find_stale(b, n, word, &stale, err) < 0)
		return -1;
	if (stale == -1)
		return 0;
	absent = find_absent(b->s, n, seen);
	if (absent) {
		text = xasprintf("no bill of materials is written: what node '%s' made is %s "
				 "alone ('--fetch all' brings it)",
				 absent->name,
				 store_is_left(b->s->store, &absent->record->key)
					 ? "on a farm"
					 : "in the shared cache");
		b->left(b->arg, n, text);
		return 0;
	}
	if (run_sbom(b->s, n, stale, word, err) < 0)
		return err_wrap(err, "node '%s': cannot write its bill of materials", n->name);
	for (int f = 0; f < BESIDE_FORMATS; f++) {
		char *rel cleanup_free = beside_path(n, beside_endings[f]);

		if (beside_has_format(beside_opts_of(n), (enum beside_format)f))
			stamps_set(&b->stamps, rel, word);
	}
	return 0;
}

/* ---- */

static int write_all(struct beside *b, const struct node *n, struct err **err)
{
	char *word cleanup_free = beside_word(b->s, n);

	if (write_bills(b, n, word, err) < 0)
		return -1;
	return beside_provenance(b, n, word, err);
}

int beside_write(struct session *s, beside_left_fn *left, void *arg, struct err **err)
{
	struct beside b = {.s = s, .left = left, .arg = arg};
	int rc = user_config_read(s->arena, &b.user, err);

	stamps_read(&b.stamps, s->dir, "out/.beside");
	for (size_t i = 0; rc == 0 && i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];

		if (beside_opts_of(n) && is_placed(s, n))
			rc = write_all(&b, n, err);
	}
	if (rc == 0)
		rc = stamps_write(&b.stamps, err);
	stamps_release(&b.stamps);
	origin_release(&b.origin);
	return rc;
}

/* A commit that has what N was made of adds a line to git's log. */
static void push_log(const struct session *s, const struct node *n, struct strv *ret)
{
	struct err *ignored cleanup_err = NULL;
	struct origin now cleanup_origin = {0};
	struct made m;

	if (made_get(s->store, &n->record->key, s->arena, &m, &ignored) || !m.dirty)
		return;
	origin_look(&now, s);
	if (now.known && now.git.log)
		strv_push(ret, now.git.log);
}

static void push_document(const struct session *s, const struct node *n, const char *ending,
			  struct strv *ret)
{
	char *rel cleanup_free = beside_path(n, ending),
		  *path cleanup_free = path_join(s->dir, rel);

	if (path_exists(path))
		strv_push(ret, rel);
}

/* Of who signs; one that is not there is asked for again. */
static void push_key(const struct session *s, const struct node *n, struct strv *ret)
{
	struct err *ignored cleanup_err = NULL, *none cleanup_err = NULL;
	char *key cleanup_free = NULL;
	struct user_config user;

	if (user_config_read(s->arena, &user, &ignored) == 0 &&
	    beside_key(s, &user, n, &key, &none) == 0 && key)
		strv_push(ret, key);
}

void beside_paths(const struct session *s, const struct node *n, struct strv *ret)
{
	if (!beside_opts_of(n))
		return;
	for (int f = 0; f < BESIDE_FORMATS; f++)
		push_document(s, n, beside_endings[f], ret);
	push_document(s, n, BESIDE_PROVENANCE, ret);
	push_document(s, n, BESIDE_ENVELOPE, ret);
	if (beside_opts_of(n)->provenance == PROVENANCE_NONE)
		return;
	push_log(s, n, ret);
	push_key(s, n, ret);
}
