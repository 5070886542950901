/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/inputs_disk.h"

#include "base/path.h"
#include "kinds/run/guest_disk.h"
#include "kinds/run/staging.h"
#include "media/tree/tree_dir.h"

static int lay_out(struct staging *l, const struct list *inputs, struct tree *t, struct err **err)
{
	if (path_mkdirs(l->dir, err) < 0)
		return -1;
	for (size_t i = 0; i < inputs->count; i++)
		if (staging_add(l, LIST_AT(*inputs, struct ref *, i), err) < 0)
			return -1;
	if (staging_seal(l, err) < 0 || tree_from_dir(t, l->dir, NULL, INT64_MAX, err) < 0)
		return -1;
	for (size_t i = 0; i < l->binds.count; i++) /* large files, which are not copied */
		if (tree_copy_path(t, l->binds.items[i].to, l->binds.items[i].from, 0, err) < 0)
			return -1;
	return 0;
}

int inputs_disk_write(struct action *a, const struct list *inputs, const char *path,
		      struct err **err)
{
	static const struct list none;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);
	struct staging l = {.a = a,
			    .dir = arena_printf(a->arena, "%s/inputs", a->workdir),
			    .inside = "",
			    .copies = &none};
	struct guest_disk d = {.name = "the disk of the inputs",
			       .room = 16 << 20, /* nothing is written to it */
			       .more_inodes = 64,
			       .owned = true,
			       .id = "orch-inputs-disk"};
	int rc = lay_out(&l, inputs, t, err);

	if (rc == 0)
		rc = guest_disk_write(t, path, &d, err);
	staging_release(&l);
	return rc;
}
