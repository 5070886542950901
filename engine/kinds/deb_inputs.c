/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/deb_inputs.h"

#include "base/path.h"
#include "media/tree/tree.h"

static int open_directory(struct action *a, const struct action_input *in, struct deb_set *set,
			  struct err **err)
{
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
	size_t count, before = set->count;
	struct tree_entry *const *entries;

	if (tree_copy_path(t, "/", in->path, TREE_SKIP_GIT, err) < 0)
		return -1;
	entries = tree_entries(t, &count);
	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = path_join(in->path, entries[i]->path);

		if (str_ends(entries[i]->path, ".deb") && deb_open(set, path, NULL, err) < 0)
			return -1;
	}
	if (set->count == before)
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
