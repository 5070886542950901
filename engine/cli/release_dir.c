/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/release_dir_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "cli/beside_priv.h"
#include "cli/checkout.h"
#include "evidence/dsse.h"
#include "evidence/release.h"
#include "kinds/beside_opts.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "store/blob.h"

static const char *version_of(const struct node *n)
{
	const struct release_opts *o = n->recipe->opts;

	return o->version ? o->version : n->recipe->project->version;
}

static bool is_release(const struct node *n)
{
	return n->target && n->recipe->kind == &kind_release;
}

/* "releases/1.2.0"; caller frees. */
static char *release_dir(const struct node *n)
{
	const struct release_opts *o = n->recipe->opts;

	return path_join(o->in, version_of(n));
}

void release_list(const struct session *s, struct str *to)
{
	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];
		char *rel cleanup_free = is_release(n) ? release_dir(n) : NULL;
		char *dir cleanup_free = rel ? path_join(s->dir, rel) : NULL;

		if (dir && path_exists(dir))
			str_printf(to, "released as %s\n", rel);
	}
}

void release_paths(const struct node *n, struct strv *ret)
{
	char *dir cleanup_free = is_release(n) ? release_dir(n) : NULL;

	if (!dir)
		return;
	strv_printf(ret, "%s/" RELEASE_OUTPUT, dir);
	strv_printf(ret, "%s/" RELEASE_SUMS, dir);
}

struct node *release_node_of(const struct session *s, const struct ref *ref)
{
	return ref->node ? graph_node(s->graph, ref->node) : NULL;
}

void release_add_targets(struct session *s)
{
	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];
		const struct release_opts *o = n->recipe->opts;

		if (!is_release(n))
			continue;
		release_node_of(s, o->bundle)->target = true;
		release_node_of(s, o->card)->target = true;
	}
}

/* ---- results ---- */

static int place_output(const struct laying *l, const struct node *n, const struct artifact *a,
			const char *name, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, name);
	struct blob_state state cleanup_blob_state = {0};
	int rc;

	if (path_exists(to))
		return err_set(err, E_RELEASE_INCOMPLETE,
			       "two things of the release are called '%s': rename node '%s'", name,
			       n->name);
	if (a->shared && !store_blob_is_here(l->s->store, a))
		return err_set(err, E_RELEASE_INCOMPLETE,
			       "what node '%s' made is in the shared cache alone: '--fetch all' "
			       "brings it",
			       n->name);
	rc = path_mkparents(to, err) < 0 ? -1
					 : cas_checkout(store_dir(l->s->store), a, to, &state, err);
	if (rc == 1)
		return err_set(
			err, E_RELEASE_INCOMPLETE,
			"output '%s' of node '%s' is damaged in the store: build again, which "
			"mends it",
			a->name, n->name);
	return rc;
}

/* The output that REF means, or NULL: it is a path of the project. */
static const struct artifact *output_of(const struct laying *l, const struct ref *ref,
					const struct node **ret)
{
	const struct node *n = *ret = release_node_of(l->s, ref);

	for (size_t i = 0; n && n->record && i < n->record->output_count; i++)
		if (!ref->output || str_eq(n->record->outputs[i].name, ref->output))
			return &n->record->outputs[i];
	return NULL;
}

/* What kind shipped calls the main output of N; what it is called is in its provenance. */
static int place_name(const struct laying *l, const struct node *n, const char *name,
		      struct err **err)
{
	char *path cleanup_free = path_join(l->dir, name);

	if (str_eq(n->record->outputs[0].name, name))
		return 0;
	if (symlink(n->record->outputs[0].name, path) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	return 0;
}

/* All outputs of N, and the documents beside them. */
static int place_results(const struct laying *l, const struct node *n, struct err **err)
{
	static const char *const documents[] = {".spdx.json", ".cdx.json", BESIDE_PROVENANCE,
						BESIDE_ENVELOPE};

	for (size_t i = 0; i < n->record->output_count; i++)
		if (place_output(l, n, &n->record->outputs[i], n->record->outputs[i].name, err) < 0)
			return -1;
	for (size_t i = 0;
	     beside_opts(n->recipe->kind, n->recipe->opts) && i < array_len(documents); i++) {
		char *file cleanup_free = xasprintf("%s%s", path_base(n->name), documents[i]);
		char *rel cleanup_free = checkout_path(n->name, file);
		char *from cleanup_free = path_join(l->s->dir, rel);
		char *to cleanup_free = path_join(l->dir, file);

		if (path_exists(from) && file_copy(from, to, RELEASE_FILE_MODE, err) < 0)
			return -1;
	}
	return 0;
}

static int place_verdicts(const struct laying *l, const struct list *tested_by, struct err **err)
{
	for (size_t i = 0; i < tested_by->count; i++) {
		const struct node *n;
		const struct artifact *a = output_of(l, LIST_AT(*tested_by, struct ref *, i), &n);
		char *name cleanup_free =
			a ? xasprintf(RELEASE_VERDICTS "/%s/%s", n->name, a->name) : NULL;

		if (a && place_output(l, n, a, name, err) < 0)
			return -1;
	}
	return 0;
}

static int place_file(const struct laying *l, const struct ref *ref, const char *name,
		      struct err **err)
{
	const struct node *n;
	const struct artifact *a = output_of(l, ref, &n);
	char *from cleanup_free = path_join(l->s->dir, ref->text);
	char *to cleanup_free = path_join(l->dir, name ? name : path_base(ref->text));

	if (a)
		return place_output(l, n, a, name ? name : a->name, err);
	return file_copy(from, to, RELEASE_FILE_MODE, err);
}

static int place_made(const struct laying *l, struct err **err)
{
	const struct node *bundle = release_node_of(l->s, l->o->bundle), *n = l->release;
	const struct node *card = release_node_of(l->s, l->o->card);
	const struct bundle_opts *b = bundle->recipe->opts;
	const struct pki_opts *keys = release_node_of(l->s, b->sign)->recipe->opts;

	if (place_results(l, n, err) < 0 || place_results(l, bundle, err) < 0 ||
	    place_results(l, card, err) < 0 || place_name(l, bundle, SHIPPED_BUNDLE, err) < 0 ||
	    place_name(l, card, SHIPPED_INSTALL, err) < 0 ||
	    place_file(l, keys->keyring, RELEASE_KEYRING, err) < 0 ||
	    place_verdicts(l, &b->tested_by, err) < 0 ||
	    place_verdicts(l, &l->o->tested_by, err) < 0)
		return -1;
	return l->o->notes ? place_file(l, l->o->notes, NULL, err) : 0;
}

/* ---- the project ---- */

/* A private key that somebody committed is everybody's who gets the release. */
static int holds_no_key(const struct laying *l, const char *dir, struct err **err)
{
	const struct secrets *secrets = &l->s->graph->secrets;

	for (size_t i = 0; i < secrets->count; i++) {
		char *path cleanup_free = path_join(dir, secrets->items[i].path);

		if (path_exists(path))
			return err_set(
				err, E_PRIVATE_KEY_EXPOSED,
				"'%s' is a private key, and committed: a release holds all "
				"that the commit does. Take it out of git, and make new keys",
				secrets->items[i].path);
	}
	return 0;
}

static int place_project(const struct laying *l, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, "project");
	struct git git cleanup_git = {0};
	bool found;

	if (path_mkdirs(to, err) < 0 || git_open(l->s->dir, &git, err) < 0 ||
	    git_export(&git, l->origin.git.commit, to, &found, err) < 0)
		return -1;
	return holds_no_key(l, to, err);
}

/* What is released can be found again: in a commit. */
static int is_committed(struct laying *l, struct err **err)
{
	origin_look(&l->origin, l->s);
	if (!l->origin.known)
		return err_at(err, E_RELEASE_UNCOMMITTED,
			      (struct pos){l->release->recipe->file, 1, 1},
			      "a release is of a commit, and git does not keep this project: 'git "
			      "init', 'git add', 'git commit'");
	if (l->origin.git.dirty)
		return err_at(
			err, E_RELEASE_UNCOMMITTED, (struct pos){l->release->recipe->file, 1, 1},
			"the project has changes that no commit has ('git status' tells them): "
			"commit them, and release what was committed");
	return 0;
}

/* ---- the sums ---- */

/* Nobody is to change it by mistake. */
static int protect(const struct laying *l, const struct release_files *f, struct err **err)
{
	for (size_t i = 0; i < f->count; i++) {
		char *path cleanup_free = path_join(l->dir, f->items[i].name);
		struct stat st;

		if (!f->items[i].link &&
		    (stat(path, &st) < 0 || chmod(path, st.st_mode & 0555) < 0))
			return err_errno(err, E_WRITE_FAILED, errno, "cannot change '%s'", path);
	}
	return 0;
}

static int write_sums(const struct laying *l, struct err **err)
{
	char *path cleanup_free = path_join(l->dir, RELEASE_SUMS);
	struct release_files files cleanup_release_files = {0};
	struct str text cleanup_str = STR_INIT;

	if (release_files_read(l->dir, &files, err) < 0 || protect(l, &files, err) < 0)
		return -1;
	release_sums(&files, &text);
	return file_write(path, text.buf, text.len, RELEASE_FILE_MODE, false, err);
}

static int seal(const struct laying *l, const char *key_path, struct err **err)
{
	char *path cleanup_free = path_join(l->dir, RELEASE_ENVELOPE);
	struct release_files files cleanup_release_files = {0};
	struct str statement cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	struct dsse_key *key;
	int rc;

	if (release_files_read(l->dir, &files, err) < 0 ||
	    release_statement(&files, l->s->project->name, version_of(l->release), &statement,
			      err) < 0 ||
	    dsse_key_private(key_path, &key, err) < 0)
		return -1;
	rc = dsse_sign(key, DSSE_IN_TOTO, &statement, &text, err);
	dsse_key_free(key);
	return rc < 0 ? -1 : file_write(path, text.buf, text.len, RELEASE_FILE_MODE, false, err);
}

/* By who signs provenance, else by who signs the bundle. */
static int sign(const struct laying *l, struct err **err)
{
	const struct node *bundle = release_node_of(l->s, l->o->bundle);
	char *key cleanup_free = NULL, *text cleanup_free = NULL;
	struct user_config user;

	if (user_config_read(l->s->arena, &user, err) < 0)
		return -1;
	key = beside_signer(l->s, &user, bundle);
	if (path_exists(key))
		return seal(l, key, err);
	text = xasprintf("the release is not signed: there is no key '%s'", key);
	l->tell(l->arg, l->release, text);
	return 0;
}

/* ---- all of it ---- */

/* All that was written is on the disk before it has its name. */
static int settle(const struct laying *l, struct err **err)
{
	int fd cleanup_fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0 || fchmod(fd, 0755) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", l->dir);
	if (renameat2(AT_FDCWD, l->dir, AT_FDCWD, l->place, RENAME_NOREPLACE) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", l->place);
	return file_sync_parent(l->place, err);
}

static int lay_out(struct laying *l, struct err **err)
{
	if (is_committed(l, err) < 0 || tmp_sweep(l->parent, err) < 0 ||
	    tmp_dir(l->parent, ".release", &l->dir, err) < 0)
		return -1;
	if (place_made(l, err) < 0 || place_project(l, err) < 0 ||
	    release_place_again(l, err) < 0 || write_sums(l, err) < 0 || sign(l, err) < 0)
		return -1;
	return settle(l, err);
}

/* A version that has left the house is what it is. */
static int compare(const struct laying *l, struct err **err)
{
	char *path cleanup_free = path_join(l->place, RELEASE_OUTPUT);
	const struct artifact *a = &l->release->record->outputs[0];
	struct digest is;

	if (path_exists(path) && digest_file(path, &is, err) < 0)
		return -1;
	if (path_exists(path) && digest_eq(&is, &a->digest))
		return 0;
	return err_at(
		err, E_RELEASE_EXISTS, (struct pos){l->release->recipe->file, 1, 1},
		"'%s/%s' is there with other bytes, and what was released under a version "
		"stays as it is: raise the version, or remove the directory if nobody has got "
		"anything of it",
		l->o->in, version_of(l->release));
}

static int write_one(struct laying *how, const struct node *n, struct err **err)
{
	struct laying l = {.s = how->s,
			   .release = n,
			   .o = n->recipe->opts,
			   .tell = how->tell,
			   .arg = how->arg};
	struct err *ignored cleanup_err = NULL;
	int rc;

	l.parent = path_join(l.s->dir, l.o->in);
	l.place = path_join(l.parent, version_of(n));
	rc = path_mkdirs_within(l.s->dir, l.o->in, err);
	if (rc == 0)
		rc = path_exists(l.place) ? compare(&l, err) : lay_out(&l, err);
	if (rc < 0 && l.dir)
		(void)!path_remove(l.dir, &ignored);
	free(l.parent);
	free(l.place);
	free(l.dir);
	origin_release(&l.origin);
	return rc;
}

int release_dirs_write(struct session *s, release_tell_fn *tell, void *arg, struct err **err)
{
	struct laying how = {.s = s, .tell = tell, .arg = arg};

	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];

		if (is_release(n) && n->record && write_one(&how, n, err) < 0)
			return -1;
	}
	return 0;
}
