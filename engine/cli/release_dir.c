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

/* By name, or by that of a group. */
static bool is_asked_for(const struct node *n)
{
	bool asked = n->target;

	for (size_t i = 0; i < n->users.count && !asked; i++)
		asked = n->users.items[i]->recipe->kind->ties && is_asked_for(n->users.items[i]);
	return asked;
}

static bool is_release(const struct node *n)
{
	return n->recipe->kind == &kind_release && is_asked_for(n);
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

struct node *release_node_of(const struct node *user, const struct ref *ref)
{
	const struct edge *e = node_edge(user, ref);

	return e ? e->from : NULL;
}

int release_is_here(const struct laying *l, const struct node *n, const struct artifact *a,
		    struct err **err)
{
	if (!a->shared || store_blob_is_here(l->s->store, a))
		return 0;
	return err_set(err, E_RELEASE_INCOMPLETE,
		       "what node '%s' made is %s alone: '--fetch all' brings it", n->name,
		       store_is_left(l->s->store, &n->record->key) ? "on a farm"
								   : "in the shared cache");
}

void release_add_targets(struct session *s)
{
	for (size_t i = 0; i < s->graph->nodes.count; i++) {
		const struct node *n = s->graph->nodes.items[i];
		const struct release_opts *o = n->recipe->opts;

		if (!is_release(n))
			continue;
		s->graph->nodes.items[i]->target = true;
		release_node_of(n, o->bundle)->target = true;
		release_node_of(n, o->card)->target = true;
	}
}

/* ---- results ---- */

/* Also what is laid out when the results are there. */
static bool is_taken(const struct laying *l, const char *name)
{
	static const char *const later[] = {"project",        "pool",          "orch",
					    "rebuild",        "rebuild.sums",  RELEASE_SUMS,
					    RELEASE_ENVELOPE, RELEASE_VERDICTS};
	char *path cleanup_free = path_join(l->dir, name);

	for (size_t i = 0; i < array_len(later); i++)
		if (str_eq(name, later[i]))
			return true;
	return path_exists(path);
}

static int say_taken(const char *name, const struct node *n, struct err **err)
{
	return err_set(err, E_RELEASE_INCOMPLETE,
		       "two things of the release are called '%s': rename node '%s', or its file",
		       name, n->name);
}

static int place_output(const struct laying *l, const struct node *n, const struct artifact *a,
			const char *name, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, name);
	struct blob_state state cleanup_blob_state = {0};
	int rc;

	if (is_taken(l, name))
		return say_taken(name, n, err);
	if (release_is_here(l, n, a, err) < 0)
		return -1;
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

/* The output that REF of USER means, or NULL: it is a path of the project. */
static const struct artifact *output_of(const struct node *user, const struct ref *ref,
					const struct node **ret)
{
	const struct node *n = *ret = release_node_of(user, ref);

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

		if (!path_exists(from))
			continue;
		if (is_taken(l, file))
			return say_taken(file, n, err);
		if (file_copy(from, to, RELEASE_FILE_MODE, err) < 0)
			return -1;
	}
	return 0;
}

/* Of USER; one that another has named is there. */
static int place_verdicts(const struct laying *l, const struct node *user,
			  const struct list *tested_by, struct err **err)
{
	for (size_t i = 0; i < tested_by->count; i++) {
		const struct node *n;
		const struct artifact *a =
			output_of(user, LIST_AT(*tested_by, struct ref *, i), &n);
		char *name cleanup_free =
			a ? xasprintf(RELEASE_VERDICTS "/%s/%s", n->name, a->name) : NULL;
		char *path cleanup_free = a ? path_join(l->dir, name) : NULL;

		if (a && !path_exists(path) && place_output(l, n, a, name, err) < 0)
			return -1;
	}
	return 0;
}

static int place_file(const struct laying *l, const struct node *user, const struct ref *ref,
		      const char *name, struct err **err)
{
	const struct node *n;
	const struct artifact *a = output_of(user, ref, &n);
	const char *called = name ? name : a ? a->name : path_base(ref->text);
	char *from cleanup_free = path_join(l->s->dir, ref->text);
	char *to cleanup_free = path_join(l->dir, called);

	if (a)
		return place_output(l, n, a, called, err);
	if (is_taken(l, called))
		return say_taken(called, user, err);
	return file_copy(from, to, RELEASE_FILE_MODE, err);
}

/* What devices get: with further lists of what is revoked it is none of the project's files. */
static int place_keyring(const struct laying *l, const struct node *pki, struct err **err)
{
	const struct pki_opts *keys = pki->recipe->opts;

	for (size_t i = 0; keys->crl.count && pki->record && i < pki->record->output_count; i++) {
		const struct artifact *a = &pki->record->outputs[i];

		if (str_eq(a->name, RELEASE_KEYRING))
			return place_output(l, pki, a, RELEASE_KEYRING, err);
	}
	return place_file(l, pki, keys->keyring, RELEASE_KEYRING, err);
}

static int place_made(const struct laying *l, struct err **err)
{
	const struct node *n = l->release, *bundle = release_node_of(n, l->o->bundle);
	const struct node *card = release_node_of(n, l->o->card);
	const struct bundle_opts *b = bundle->recipe->opts;
	const struct node *pki = release_node_of(bundle, b->sign);

	if (place_results(l, n, err) < 0 || place_results(l, bundle, err) < 0 ||
	    place_results(l, card, err) < 0 || place_name(l, bundle, SHIPPED_BUNDLE, err) < 0 ||
	    place_name(l, card, SHIPPED_INSTALL, err) < 0 || place_keyring(l, pki, err) < 0 ||
	    place_verdicts(l, bundle, &b->tested_by, err) < 0 ||
	    place_verdicts(l, n, &l->o->tested_by, err) < 0)
		return -1;
	return l->o->notes ? place_file(l, n, l->o->notes, NULL, err) : 0;
}

/* ---- the project ---- */

/* A private key that somebody committed is everybody's who gets the release. */
static int is_no_key(const char *path, struct err **err)
{
	return err_set(err, E_PRIVATE_KEY_EXPOSED,
		       "'%s' is a private key, and committed: a release holds all that the commit "
		       "does. Take it out of git, and make new keys",
		       path);
}

/* Keys lie beside the certificates that they are of, whether a recipe names them or not. */
static int no_key_is_beside(const struct laying *l, const char *dir, struct err **err)
{
	int fd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct secrets found = {0};
	int rc = 0;

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", dir);
	for (size_t i = 0; i < l->s->graph->nodes.count; i++) {
		const struct recipe *r = l->s->graph->nodes.items[i]->recipe;
		const struct pki_opts *o = r->kind == &kind_pki ? r->opts : NULL;
		const char *const files[] = {o ? o->key : NULL, o && o->cert ? o->cert->text : NULL,
					     o ? o->keyring->text : NULL};

		for (size_t k = 0; k < array_len(files); k++) {
			char *above cleanup_free = files[k] ? path_dir(files[k]) : NULL;

			if (above && !str_eq(above, "."))
				secrets_add(&found, l->s->arena, fd, above);
		}
	}
	if (found.count)
		rc = is_no_key(found.items[0].path, err);
	secrets_clear(&found);
	return rc;
}

static int holds_no_key(const struct laying *l, const char *dir, struct err **err)
{
	const struct secrets *secrets = &l->s->graph->secrets;

	for (size_t i = 0; i < secrets->count; i++) {
		char *path cleanup_free = path_join(dir, secrets->items[i].path);

		if (path_exists(path))
			return is_no_key(secrets->items[i].path, err);
	}
	return no_key_is_beside(l, dir, err);
}

/* What builds read is committed, certificates, which git is often told to ignore, too. */
static int has_inputs(const struct laying *l, const char *dir, struct err **err)
{
	const struct nodes *nodes = &l->s->graph->nodes;

	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *n = nodes->items[i];

		for (size_t k = 0; n->wanted && k < n->in.count; k++) {
			const struct edge *e = &n->in.items[k];
			char *path cleanup_free = e->path ? path_join(dir, e->path) : NULL;

			if (path && !path_exists(path))
				return err_at(err, E_RELEASE_UNCOMMITTED, e->pos,
					      "'%s' is in no commit, so that the release could not "
					      "be built again: 'git add -f %s'",
					      e->path, e->path);
		}
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
	return has_inputs(l, to, err) < 0 ? -1 : holds_no_key(l, to, err);
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

/* A file of the commit is what was built from: git may convert between the two. */
static int is_as_here(const struct laying *l, const char *rel, const struct digest *d,
		      struct err **err)
{
	char *path cleanup_free = path_join(l->s->dir, rel);
	struct digest here;
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0; /* it is not checked out */
	if (digest_file(path, &here, err) < 0)
		return -1;
	if (digest_eq(&here, d))
		return 0;
	return err_at(err, E_RELEASE_UNCOMMITTED, (struct pos){l->release->recipe->file, 1, 1},
		      "'%s' is committed with other bytes than it has here, which were built from: "
		      "git converts it (.gitattributes, core.autocrlf), and who builds the release "
		      "again has what is committed. Say '-text' of it in .gitattributes",
		      rel);
}

static int are_as_here(const struct laying *l, const struct release_files *f, struct err **err)
{
	for (size_t i = 0; i < f->count; i++) {
		const char *rel = str_skip(f->items[i].name, "project/");

		if (rel && !f->items[i].link && is_as_here(l, rel, &f->items[i].sha256, err) < 0)
			return -1;
	}
	return 0;
}

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

	if (release_files_read(l->dir, &files, err) < 0 || are_as_here(l, &files, err) < 0 ||
	    protect(l, &files, err) < 0)
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
	const struct node *bundle = release_node_of(l->release, l->o->bundle);
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

/* Whether the main output of N lies in the release, as large as it is. Its bytes are not read. */
static bool has_result(const struct laying *l, const struct node *n)
{
	const struct artifact *a = &n->record->outputs[0];
	char *path cleanup_free = path_join(l->place, a->name);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == a->size;
}

/* A version that has left the house is what it is. */
static int compare(const struct laying *l, struct err **err)
{
	char *path cleanup_free = path_join(l->place, RELEASE_OUTPUT);
	const struct artifact *a = &l->release->record->outputs[0];
	struct digest is;

	if (path_exists(path) && digest_file(path, &is, err) < 0)
		return -1;
	if (path_exists(path) && digest_eq(&is, &a->digest) &&
	    has_result(l, release_node_of(l->release, l->o->bundle)) &&
	    has_result(l, release_node_of(l->release, l->o->card)))
		return 0;
	return err_at(
		err, E_RELEASE_EXISTS, (struct pos){l->release->recipe->file, 1, 1},
		"'%s/%s' is there with other bytes, and what was released under a version "
		"stays as it is: raise the version, or remove the directory if nobody has got "
		"anything of it",
		l->o->in, version_of(l->release));
}

/* All that was written is on the disk before it has its name. */
static int settle(const struct laying *l, struct err **err)
{
	int fd cleanup_fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0 || fchmod(fd, 0755) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", l->dir);
	if (renameat2(AT_FDCWD, l->dir, AT_FDCWD, l->place, RENAME_NOREPLACE) == 0)
		return file_sync_parent(l->place, err);
	if (errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", l->place);
	if (compare(l, err) < 0) /* another build was first */
		return -1;
	return path_remove(l->dir, err);
}

static int lay_out(struct laying *l, struct err **err)
{
	if (is_committed(l, err) < 0 || tmp_sweep_named(l->parent, ".release", err) < 0 ||
	    tmp_dir(l->parent, ".release", &l->dir, err) < 0)
		return -1;
	if (place_made(l, err) < 0 || place_project(l, err) < 0 ||
	    release_place_again(l, err) < 0 || write_sums(l, err) < 0 || sign(l, err) < 0)
		return -1;
	return settle(l, err);
}

static int write_one(struct laying *how, const struct node *n, struct err **err)
{
	struct laying l = {.s = how->s,
			   .release = n,
			   .o = n->recipe->opts,
			   .tell = how->tell,
			   .arg = how->arg};
	struct err *ignored cleanup_err = NULL;
	mode_t mask;
	int rc;

	l.parent = path_join(l.s->dir, l.o->in);
	l.place = path_join(l.parent, version_of(n));
	mask = umask(022); /* who reads it may be another */
	rc = path_mkdirs_within(l.s->dir, l.o->in, err);
	if (rc == 0)
		rc = path_exists(l.place) ? compare(&l, err) : lay_out(&l, err);
	if (rc < 0 && l.dir)
		(void)!path_remove(l.dir, &ignored);
	umask(mask);
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
