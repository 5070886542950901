/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/tree/input_tree.h"

#include <errno.h>
#include <stdlib.h>

#include "base/path.h"
#include "kinds/image/look.h"
#include "kinds/tree/content.h"

static const char *name_of(const struct action_input *in)
{
	return in->output ? in->output : path_base(in->ref);
}

bool input_is_image(const struct action_input *in)
{
	enum output_type type = in->node ? in->output_type : output_type_of_name(name_of(in));

	return type == OUTPUT_IMAGE;
}

/* What reads it is in the key because of its name: content_tools(). */
static int check_squashfs(const struct look *l, const struct action_input *in, struct err **err)
{
	if (!str_eq(l->format, "squashfs"))
		return 0;
	if (!content_is_squashfs(name_of(in)))
		return err_set(err, E_UNPACK_FORMAT,
			       "'%s' is a squashfs: give it a name that ends in .squashfs",
			       name_of(in));
	if (l->attributes_left_out)
		return err_set(err, E_UNPACK_FORMAT,
			       "files of '%s' have extended attributes, such as capabilities, "
			       "which unsquashfs does not tell: take the tar that it was made "
			       "of, or use the image as it is",
			       name_of(in));
	return 0;
}

static int name_partition(const struct look *l, const struct action_input *in, struct err **err)
{
	char *first cleanup_free = l->parts.count ? look_part_name(&l->parts, 0) : NULL;

	if (!first)
		return err_set(err, E_UNKNOWN_PARTITION, "the disk '%s' has no partition",
			       name_of(in));
	if (!in->node)
		return err_set(
			err, E_UNPACK_FORMAT,
			"'%s' is a disk, of which one partition can be named if a node makes "
			"it: 'NODE:/%s'",
			name_of(in), first);
	return err_set(err, E_UNKNOWN_PARTITION, "'%s' is a disk: name a partition, as in '%s:/%s'",
		       name_of(in), in->node, first);
}

static int read_image(struct action *a, const struct action_input *in, struct tree **ret,
		      const char **ret_inside, struct err **err)
{
	char *scratch = arena_printf(a->arena, "%s/image.XXXXXX", a->workdir);
	struct look l cleanup_look = {.scratch = scratch};

	if (!mkdtemp(scratch))
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'",
				 scratch);
	if (look_into(&l, in->path, in->inside ? in->inside : "", true, err) < 0 ||
	    check_squashfs(&l, in, err) < 0)
		return -1;
	if (l.disk)
		return name_partition(&l, in, err);
	if (!l.tree)
		return err_set(err, E_UNPACK_FORMAT,
			       "'%s' holds no file system that orch can read, and no archive",
			       name_of(in));
	*ret_inside = arena_printf(a->arena, "/%s", l.rest);
	*ret = steal_ptr(l.tree);
	return 0;
}

/* The file system's own directory is none of its files. */
static int drop_lost_found(struct tree *t, struct err **err)
{
	size_t removed;

	return tree_resolve(t, "/lost+found") ? tree_remove(t, "/lost+found", &removed, err) : 0;
}

int input_tree(struct action *a, const struct action_input *in, struct tree **ret,
	       const char **ret_inside, struct err **err)
{
	struct tree *t cleanup_tree = NULL;

	if (input_is_image(in)) {
		if (read_image(a, in, &t, ret_inside, err) < 0 || drop_lost_found(t, err) < 0)
			return -1;
	} else {
		t = tree_new(a->epoch, a->workdir);
		if (tree_read_tar(t, "/", in->path, 0, err) < 0)
			return -1;
		*ret_inside = in->inside ? in->inside : "/";
	}
	*ret = steal_ptr(t);
	return 0;
}
