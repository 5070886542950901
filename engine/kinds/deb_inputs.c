/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/deb_inputs.h"

#include <sys/stat.h>

#include "base/path.h"
#include "media/tree/tree.h"

/* Once: what a link names is there by its own name, too, if that is one of a package. */
static int find_one(const struct tree *t, const char *dir, const struct tree_entry *e,
		    struct strv *ret, struct err **err)
{
	const struct tree_entry *at = e;

	if (!str_ends(e->path, ".deb") || S_ISDIR(e->inode->mode))
		return 0;
	if (S_ISLNK(e->inode->mode)) {
		at = tree_resolve(t, e->path);
		if (!at)
			return err_set(err, E_BAD_LINK,
				       "the link '%s' leads to nothing that is in '%s': put the "
				       "package itself there",
				       e->path, dir);
		if (S_ISDIR(at->inode->mode) || str_ends(at->path, ".deb"))
			return 0;
	}
	strv_take(ret, path_join(dir, at->path));
	return 0;
}

int deb_inputs_find(const char *dir, const char *scratch, struct strv *ret, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, scratch);
	struct tree_entry *const *entries;
	size_t count;

	if (tree_copy_path(t, "/", dir, TREE_SKIP_GIT, err) < 0)
		return -1;
	entries = tree_entries(t, &count);
	for (size_t i = 0; i < count; i++)
		if (find_one(t, dir, entries[i], ret, err) < 0)
			return -1;
	return 0;
}

static int open_directory(struct action *a, const struct action_input *in, struct deb_set *set,
			  struct err **err)
{
	struct strv paths cleanup_strv = {0};

	if (deb_inputs_find(in->path, a->workdir, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.count; i++)
		if (deb_open(set, paths.items[i], NULL, err) < 0)
			return -1;
	if (!paths.count)
		return err_set(err, E_WRONG_INPUT, "there is no .deb in it");
	return 0;
}

static int open_outputs(const struct action_input *in, struct deb_set *set, struct err **err)
{
	size_t before = set->count;

	for (size_t i = 0; i < in->file_count; i++)
		if (str_ends(in->files[i].name, ".deb") &&
		    deb_open(set, in->files[i].path, in->files[i].name, err) < 0)
			return -1;
	if (set->count == before)
		return err_set(err, E_WRONG_INPUT, "no output of it is a .deb");
	return 0;
}

int deb_inputs_open(struct action *a, const char *key, const struct list *refs, struct deb_set *set,
		    struct err **err)
{
	for (size_t i = 0; i < refs->count; i++) {
		const struct ref *ref = LIST_AT(*refs, struct ref *, i);
		const struct action_input *in = action_input(a, ref);
		int rc = in->type == INPUT_FOLDER ? open_directory(a, in, set, err)
			 : in->type == INPUT_NODE ? open_outputs(in, set, err)
						  : deb_open(set, in->path, in->ref, err);

		if (rc < 0)
			return err_wrap(err, "%s: '%s'", key, ref->text);
	}
	return 0;
}
