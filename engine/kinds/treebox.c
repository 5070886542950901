/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/treebox.h"

#include <stdio.h>
#include <time.h>

#include "base/path.h"
#include "base/vec.h"
#include "kinds/guestbox.h"
#include "machine/guest_sandbox.h"
#include "media/tree_dir.h"

struct treebox {
	struct action *a;
	const struct treebox_spec *spec;
	const char *root, *owners; /* the tree as a directory; in the action's arena */
	int64_t start;     /* seconds: what is younger was made in the box; 0: not started */
	struct strv added; /* mount points that the tree lacked */
	struct sandbox_bind bind;
	struct guestbox_spec guest_spec;
	struct guestbox *guest; /* takes the place of the sandbox; or NULL */
};

static int add_mount_points(struct treebox *b, struct err **err)
{
	static const char *const points[] = {"/proc", "/dev", "/run", "/tmp", "/sys"};

	for (size_t i = 0; i < array_len(points); i++) {
		if (tree_resolve(b->spec->tree, points[i]))
			continue;
		if (tree_add_dir(b->spec->tree, points[i], 0755, err) < 0)
			return -1;
		strv_push(&b->added, points[i]);
	}
	return 0;
}

int treebox_open(struct action *a, const struct treebox_spec *spec, struct treebox **ret,
		 struct err **err)
{
	struct treebox *b cleanup_treebox = xcalloc(1, sizeof(*b));

	b->a = a;
	b->spec = spec;
	b->root = arena_printf(a->arena, "%s/root", a->workdir);
	b->owners = arena_printf(a->arena, "%s/owners", a->workdir);
	b->bind = (struct sandbox_bind){spec->dir, TREEBOX_DIR, true};
	if (add_mount_points(b, err) < 0)
		return -1;
	*ret = steal_ptr(b);
	return 0;
}

static int in_sandbox(struct treebox *b, char *const argv[], int *ret_status, struct err **err)
{
	const struct treebox_spec *spec = b->spec;
	struct str note cleanup_str = STR_INIT;
	struct sandbox_opts opts = {.root = b->root,
				    .root_writable = true,
				    .as_root = true,
				    .owners = b->owners,
				    .binds = &b->bind,
				    .bind_count = 1,
				    .env = spec->env,
				    .arch = spec->arch,
				    .emulator = spec->emulator,
				    .note = &note};
	bool first = !b->start;

	if (first && tree_to_dir(spec->tree, b->root, b->owners, err) < 0)
		return -1;
	if (first)
		b->start = time(NULL);
	fflush(NULL);
	if (sandbox_run(argv, &opts, ret_status, err) < 0)
		return -1;
	if (first && note.len)
		action_log(b->a, "%s", note.buf);
	return 0;
}

/* There root is root: owners and attributes are those of the file system. */
static int start_guest(struct treebox *b, struct err **err)
{
	const struct treebox_spec *spec = b->spec;

	b->guest_spec = (struct guestbox_spec){.root = spec->tree,
					       .root_writable = true,
					       .as_root = true,
					       .binds = &b->bind,
					       .bind_count = 1,
					       .env = spec->env,
					       .arch = spec->arch,
					       .emulator = spec->emulator};
	return guestbox_open(b->a, &b->guest_spec, &b->guest, err);
}

int treebox_run(struct treebox *b, char *const argv[], int *ret_status, struct err **err)
{
	bool first = !b->start;

	if (!b->guest && !guest_sandbox_forced()) {
		if (in_sandbox(b, argv, ret_status, err) == 0)
			return 0;
		if (!first || !guestbox_instead(b->a, err))
			return -1;
	}
	if (!b->guest && start_guest(b, err) < 0)
		return -1;
	return guestbox_run(b->guest, argv, "/", ret_status, err);
}

/* Takes T's mount points away that are there for the box alone. */
static int remove_mount_points(const struct treebox *b, struct tree *t, struct err **err)
{
	size_t removed;

	for (size_t i = 0; i < b->added.count; i++) {
		struct tree_entry *e = tree_lookup(t, b->added.items[i]);

		if (e && !e->children && tree_remove(t, b->added.items[i], &removed, err) < 0)
			return -1;
	}
	return 0;
}

int treebox_close(struct treebox *b, struct tree *ret, struct err **err)
{
	int rc;

	if (b->guest) {
		rc = guestbox_close(b->guest, ret, err);
	} else {
		action_progress(b->a, -1, "gathering the tree");
		rc = tree_from_dir(ret, b->root, b->owners, b->start, err);
	}
	return rc < 0 ? -1 : remove_mount_points(b, ret, err);
}

void treebox_free(struct treebox *b)
{
	if (!b)
		return;
	guestbox_free(b->guest);
	strv_clear(&b->added);
	free(b);
}
