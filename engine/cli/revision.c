/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/revision.h"

#include "base/file.h"
#include "base/git.h"
#include "base/path.h"
#include "base/tmp.h"
#include "kinds/kinds.h"
#include "recipe/git_version.h"

/* The paths of the project that nodes read, each once. */
static void list_inputs(const struct graph *g, struct strs *ret)
{
	struct map seen cleanup_map = {0};

	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct edges *in = &g->nodes.items[i]->in;

		for (size_t k = 0; k < in->count; k++) {
			const char *path = in->items[k].path;

			if (!path || map_get(&seen, path))
				continue;
			map_set(&seen, path, (void *)path);
			strs_push(ret, path);
		}
	}
}

/* What is there already was committed then. */
static int copy_ignored(const struct revision *r, const struct session *now, const char *path,
			struct err **err)
{
	char *from cleanup_free = path_join(now->dir, path), *to cleanup_free = NULL;
	char *above cleanup_free = path_dir(path);
	struct stat st;

	to = path_join(r->dir, path);
	if (path_exists(to) || lstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (strchr(path, '/') && path_mkdirs_within(r->dir, above, err) < 0)
		return -1;
	return file_copy(from, to, st.st_mode & S_IXUSR ? 0755 : 0644, err);
}

static int add_ignored(const struct revision *r, const struct session *now, const struct git *git,
		       struct err **err)
{
	struct strv files cleanup_strv = {0};
	struct strs inputs = {0};
	int rc;

	list_inputs(now->graph, &inputs);
	rc = git_ignored(git, &inputs, &files, err);
	strs_clear(&inputs);
	for (size_t i = 0; rc == 0 && i < files.count; i++)
		rc = copy_ignored(r, now, files.items[i], err);
	return rc;
}

/* For `version: git`, which has no repository to ask there. */
static int note_version(const struct revision *r, const struct session *now, const struct git *git,
			struct err **err)
{
	char *path cleanup_free = path_join(r->dir, TARBALL_VERSION), *version cleanup_free = NULL;
	struct err *unknown = NULL;

	if (path_exists(path))
		return 0;
	if (git_version_at(git, r->commit, &version, &unknown) == 0)
		return file_write(path, version, strlen(version), 0644, false, err);
	if (!now->project->version_by_git) {
		err_free(unknown);
		return 0;
	}
	*err = unknown;
	return -1;
}

static int export(struct revision *r, const struct session *now, const char *rev, struct err **err)
{
	struct git git cleanup_git = {0};
	char *project cleanup_free = NULL;

	if (str_skip(rev, "run:"))
		return err_set(err, E_USAGE,
			       "'%s' is a run, and --since wants a revision: 'orch diff' compares "
			       "runs",
			       rev);
	if (str_skip(rev, "git:"))
		rev += strlen("git:");
	if (git_open(now->dir, &git, err) < 0 || git_commit(&git, rev, &r->commit, err) < 0 ||
	    tmp_dir(store_subdir(now->store, "tmp"), "revision", &r->dir, err) < 0 ||
	    git_export(&git, r->commit, r->dir, &r->found, err) < 0)
		return -1;
	project = path_join(r->dir, "recipes/project.yaml");
	r->found = r->found && path_exists(project);
	if (!r->found)
		return 0;
	return note_version(r, now, &git, err) < 0 ? -1 : add_ignored(r, now, &git, err);
}

int revision_select(struct graph *g, const struct strv *targets, struct err **err)
{
	struct strv known cleanup_strv = {0};

	for (size_t i = 0; i < targets->count; i++)
		if (graph_node(g, targets->items[i]))
			strv_push(&known, targets->items[i]);
	if (graph_select(g, targets->count ? &known : targets, err) < 0)
		return -1;
	for (size_t i = 0; targets->count && !known.count && i < g->nodes.count; i++)
		g->nodes.items[i]->wanted = g->nodes.items[i]->target = false;
	return 0;
}

int revision_open(struct revision *r, const struct session *now, const char *rev)
{
	struct err *err = NULL;
	int code;

	if (export(r, now, rev, &err) < 0)
		return cli_fail(now, err);
	if (!r->found)
		return 0;
	code = session_open_at(&r->s, now->cli, r->dir);
	if (code) {
		fprintf(stderr, "orch: these mistakes are of revision %.12s\n", r->commit);
		return code;
	}
	return revision_select(r->s.graph, &now->cli->args, &err) < 0 ? cli_fail(now, err) : 0;
}

void revision_close(struct revision *r)
{
	struct err *left cleanup_err = NULL;

	if (r->s.arena)
		session_close(&r->s);
	if (r->dir)
		(void)!path_remove(r->dir, &left); /* else the next tmp_sweep() */
	free(r->dir);
	free(r->commit);
	*r = (struct revision){0};
}
