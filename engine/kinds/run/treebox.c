/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/treebox.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/vec.h"
#include "kinds/run/step_vm.h"
#include "kinds/tree/content.h"
#include "machine/guest/sandbox_vm.h"
#include "media/tree/tree_dir.h"

DEFINE_VEC(commands, char *const *)

struct treebox {
	struct action *a;
	const struct treebox_spec *spec;
	const char *root, *owners; /* the tree as a directory; in the action's arena */
	int64_t start;        /* seconds: what is younger was made in the box; 0: not started */
	struct strv added;    /* mount points that the tree lacked */
	struct commands past; /* that ran in the sandbox; in the arena */
	struct sandbox_bind bind;
	struct step_vm_spec guest_spec;
	struct step_vm *guest; /* takes the place of the sandbox; or NULL */
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

static struct sandbox_opts sandbox_of(const struct treebox *b)
{
	const struct treebox_spec *spec = b->spec;

	return (struct sandbox_opts){.root = b->root,
				     .root_writable = true,
				     .as_root = true,
				     .owners = b->owners,
				     .nested = spec->nested,
				     .limits = spec->limits,
				     .binds = &b->bind,
				     .bind_count = 1,
				     .env = spec->env,
				     .arch = spec->arch,
				     .emulator = spec->emulator};
}

static int lay_out(struct treebox *b, struct err **err)
{
	struct stat st;

	if (b->start)
		return 0;
	if (tree_to_dir(b->spec->tree, b->root, b->owners, err) < 0)
		return -1;
	/* Laying it out has just changed it: that is now, by the clock that stamps its files. */
	if (stat(b->root, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot look at '%s'", b->root);
	b->start = st.st_ctime;
	return 0;
}

static int in_sandbox(struct treebox *b, char *const argv[], int *ret_status, struct err **err)
{
	struct str note cleanup_str = STR_INIT;
	struct sandbox_opts opts = sandbox_of(b);
	bool first = !b->start;

	opts.note = &note;
	if (lay_out(b, err) < 0)
		return -1;
	fflush(NULL);
	if (sandbox_run(argv, &opts, ret_status, err) < 0)
		return -1;
	if (first && note.len)
		action_log(b->a, "%s", note.buf);
	return 0;
}

int treebox_enter(struct treebox *b, const char *kept, struct sandbox_opts *ret, struct err **err)
{
	if (kept) {
		b->root = arena_printf(b->a->arena, "%s/root", kept);
		b->owners = arena_printf(b->a->arena, "%s/owners", kept);
	} else if (b->guest) {
		return err_set(err, E_SANDBOX_UNAVAILABLE,
			       "a shell needs the sandbox, and a guest took its place");
	} else if (lay_out(b, err) < 0) {
		return -1;
	}
	*ret = sandbox_of(b);
	return 0;
}

/* There root is root: owners and attributes are those of the file system. */
static int start_guest(struct treebox *b, struct err **err)
{
	const struct treebox_spec *spec = b->spec;

	b->guest_spec = (struct step_vm_spec){.root = spec->tree,
					      .root_writable = true,
					      .as_root = true,
					      .binds = &b->bind,
					      .bind_count = 1,
					      .env = spec->env,
					      .arch = spec->arch,
					      .emulator = spec->emulator};
	return step_vm_open(b->a, &b->guest_spec, &b->guest, err);
}

static void note_command(struct treebox *b, char *const argv[])
{
	size_t n = 0;
	char **copy;

	while (argv[n])
		n++;
	copy = arena_alloc(b->a->arena, (n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = arena_strdup(b->a->arena, argv[i]);
	commands_push(&b->past, copy);
}

/* The guest begins with the tree as it was: what ran in the sandbox runs in it, too. */
static int run_again(struct treebox *b, struct err **err)
{
	for (size_t i = 0; i < b->past.count; i++) {
		int status;

		if (step_vm_run(b->guest, b->past.items[i], "/", &status, err) < 0)
			return -1;
		if (status != 0)
			return err_set(err, E_STEP_FAILED,
				       "'%s' succeeded in the sandbox and failed in the guest",
				       path_base(b->past.items[i][0]));
	}
	return 0;
}

int treebox_run(struct treebox *b, char *const argv[], int *ret_status, struct err **err)
{
	if (!b->guest && !sandbox_vm_forced()) {
		if (in_sandbox(b, argv, ret_status, err) == 0) {
			note_command(b, argv);
			return 0;
		}
		if (!step_vm_instead(b->a, err))
			return -1;
	}
	if (!b->guest && (start_guest(b, err) < 0 || run_again(b, err) < 0))
		return -1;
	return step_vm_run(b->guest, argv, "/", ret_status, err);
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
		rc = step_vm_close(b->guest, ret, err);
	} else {
		action_progress(b->a, -1, "gathering the tree");
		rc = tree_from_dir(ret, b->root, b->owners, b->start, err);
	}
	if (rc < 0)
		return -1;
	content_say_left_out(b->a, ret);
	return remove_mount_points(b, ret, err);
}

void treebox_free(struct treebox *b)
{
	if (!b)
		return;
	step_vm_free(b->guest);
	strv_clear(&b->added);
	commands_clear(&b->past);
	free(b);
}
