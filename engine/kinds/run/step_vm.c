/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/step_vm.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/vec.h"
#include "kinds/run/guest_disk.h"
#include "machine/guest/sandbox_vm.h"
#include "media/ext4/ext4.h"
#include "media/tree/tree_dir.h"
#include "media/tree/tree_export.h"

#define ANY_TIME INT64_MAX /* times stay as they are */
#define ROOM (6ull << 30)  /* bytes to write */
#define MORE_INODES 200000 /* files to make */
#define MEMORY_MB 2048
#define PLAIN_ID 1000
#define EMULATOR "/emulator"

struct step_vm {
	struct action *a;
	const struct step_vm_spec *spec;
	const char *root, *binds; /* images */
	struct sandbox_vm *guest;
	time_t started; /* the guest has this machine's clock */
};

/* A worker in a user namespace of its own cannot see who owns the files of an appliance. */
static bool sees_owners(void)
{
	struct str map cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	unsigned long first, outside, count;

	return file_read("/proc/self/uid_map", 65536, &map, &ignored) < 0 ||
	       sscanf(map.buf, "%lu %lu %lu", &first, &outside, &count) != 3 || count > 1 ||
	       strchr(map.buf, '\n') != strrchr(map.buf, '\n');
}

bool step_vm_instead(struct action *a, struct err **err)
{
	if ((*err)->code->cls != ERR_ENV || !sandbox_vm_possible())
		return false;
	if (!sees_owners()) {
		struct err *why cleanup_err = steal_ptr(*err);

		action_log(a, "%s", why->text);
		action_go_outside(a);
		err_set(err, E_SANDBOX_UNAVAILABLE,
			"%s; in a user namespace of one user no QEMU guest takes its place",
			why->text);
		return false;
	}
	action_log(a, "%s; a QEMU guest takes its place, which is slower", (*err)->text);
	err_free(steal_ptr(*err));
	return true;
}

static void log_line(void *arg, const char *line)
{
	action_log(arg, "%s", line);
}

/* --- images -------------------------------------------------------------------------------- */

static int write_image(struct step_vm *b, struct tree *t, const char *path, const char *name,
		       struct err **err)
{
	struct guest_disk d = {.name = name,
			       .room = ROOM,
			       .more_inodes = MORE_INODES,
			       .owned = !b->spec->as_root,
			       .owner = PLAIN_ID,
			       .id = "orch-guest-disk"};

	return guest_disk_write(t, path, &d, err);
}

/* Where file systems and directories will be mounted in a root that cannot be written to. */
static int add_mount_points(const struct step_vm_spec *spec, struct err **err)
{
	static const char *const fresh[] = {"proc", "dev", "run", "tmp", "sys"};

	for (size_t i = 0; i < array_len(fresh); i++)
		if (!tree_resolve(spec->root, fresh[i]) &&
		    tree_add_dir(spec->root, fresh[i], 0755, err) < 0)
			return -1;
	for (size_t i = 0; !spec->root_writable && i < spec->bind_count; i++) {
		const char *to = spec->binds[i].to;

		/* "/run/x" is on a file system of its own, "/work/x" in a bound directory. */
		if (!strchr(to + 1, '/') && !tree_resolve(spec->root, to) &&
		    tree_add_dir(spec->root, to, 0755, err) < 0)
			return -1;
	}
	return 0;
}

static int add_bind(struct step_vm *b, struct tree *t, const char *from, const char *to,
		    struct err **err)
{
	struct tree *part cleanup_tree = NULL;
	struct stat st;

	if (stat(from, &st) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot take '%s' into the guest",
				 from);
	if (!S_ISDIR(st.st_mode))
		return tree_copy_path(t, to, from, 0, err);
	part = tree_new(ANY_TIME, b->a->workdir);
	if (tree_from_dir(part, from, NULL, INT64_MAX, err) < 0 ||
	    tree_copy_tree(t, to, part, "/", 0, err) < 0)
		return -1;
	tree_keep(t, steal_ptr(part));
	return 0;
}

/* The second disk: bind I is "/I" on it. */
static int write_binds(struct step_vm *b, struct err **err)
{
	const struct step_vm_spec *spec = b->spec;
	struct tree *t cleanup_tree = tree_new(ANY_TIME, b->a->workdir);

	for (size_t i = 0; i < spec->bind_count; i++) {
		char *to cleanup_free = xasprintf("/%zu", i);

		if (add_bind(b, t, spec->binds[i].from, to, err) < 0)
			return -1;
	}
	if (spec->emulator && add_bind(b, t, spec->emulator, EMULATOR, err) < 0)
		return -1;
	return write_image(b, t, b->binds, "the guest's second disk", err);
}

/* --- running ------------------------------------------------------------------------------- */

static int start(struct step_vm *b, struct err **err)
{
	struct action *a = b->a;
	const struct step_vm_spec *spec = b->spec;
	struct sandbox_vm_bind *binds =
		arena_alloc(a->arena, (spec->bind_count + 1) * sizeof(*binds));
	struct sandbox_vm_opts opts = {
		.guest = {.name = a->node,
			  .cache_dir = a->cache_dir,
			  .tmp_dir = a->workdir,
			  .memory_mb = MEMORY_MB,
			  .cpus = a->cpus,
			  .log = log_line,
			  .arg = a},
		.root = b->root,
		.binds_image = b->binds,
		.root_writable = spec->root_writable,
		.as_root = spec->as_root,
		.binds = binds,
		.bind_count = spec->bind_count,
		.env = spec->env,
		.arch = spec->arch,
		.emulator = spec->emulator ? EMULATOR : NULL,
	};

	for (size_t i = 0; i < spec->bind_count; i++)
		binds[i] = (struct sandbox_vm_bind){arena_printf(a->arena, "/%zu", i),
						    spec->binds[i].to, spec->binds[i].writable};
	action_progress(a, -1, "starting a QEMU guest in place of the sandbox");
	return sandbox_vm_open(&opts, &b->guest, err);
}

int step_vm_open(struct action *a, const struct step_vm_spec *spec, struct step_vm **ret,
		 struct err **err)
{
	struct step_vm *b cleanup_step_vm = xcalloc(1, sizeof(*b));
	char *dir cleanup_free = NULL;

	/*
	 * A directory of its own: a tree that was read back may still need the image of another
	 * box.
	 */
	if (tmp_dir(a->workdir, "guest", &dir, err) < 0)
		return -1;
	b->a = a;
	b->spec = spec;
	b->started = time(NULL);
	b->root = arena_printf(a->arena, "%s/root.img", dir);
	b->binds = arena_printf(a->arena, "%s/binds.img", dir);
	if (spec->arch && !sandbox_is_native(spec->arch) && !spec->emulator)
		return err_set(err, E_NO_EMULATOR,
			       "programs of architecture '%s' need an emulator in the guest, and "
			       "none is pinned",
			       spec->arch);
	if (add_mount_points(spec, err) < 0 ||
	    write_image(b, spec->root, b->root, "the guest's root", err) < 0 ||
	    write_binds(b, err) < 0 || start(b, err) < 0)
		return err_wrap(err, "in place of the sandbox");
	*ret = steal_ptr(b);
	return 0;
}

int step_vm_run(struct step_vm *b, char *const argv[], const char *cwd, int *ret_status,
		struct err **err)
{
	return sandbox_vm_run(b->guest, argv, cwd, ret_status, err);
}

/* --- results ------------------------------------------------------------------------------- */

/* Puts what T has at FROM in place of directory TO. */
static int replace_directory(struct step_vm *b, struct tree *t, const char *from, const char *to,
			     struct err **err)
{
	struct tree *part cleanup_tree = tree_new(ANY_TIME, b->a->workdir);
	char *fresh cleanup_free = xasprintf("%s.guest", to);

	if (tree_copy_tree(part, "/", t, from, 0, err) < 0 || path_mkdirs(fresh, err) < 0 ||
	    tree_export(part, fresh, err) < 0 || path_remove(to, err) < 0)
		return -1;
	if (rename(fresh, to) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", to);
	return 0;
}

int step_vm_close(struct step_vm *b, struct tree *ret_root, struct err **err)
{
	const struct step_vm_spec *spec = b->spec;
	struct tree *t cleanup_tree = tree_new(ANY_TIME, b->a->workdir);

	action_progress(b->a, -1, "reading the guest's files");
	if (sandbox_vm_close(b->guest, err) < 0 ||
	    (ret_root && ext4_read_tree(ret_root, b->root, 0, err) < 0) ||
	    ext4_read_tree(t, b->binds, 0, err) < 0)
		return err_wrap(err, "in place of the sandbox");
	if (ret_root)
		tree_settle_times(ret_root, b->started);
	for (size_t i = 0; i < spec->bind_count; i++) {
		char *from cleanup_free = xasprintf("/%zu", i);

		if (spec->binds[i].writable &&
		    replace_directory(b, t, from, spec->binds[i].from, err) < 0)
			return -1;
	}
	return 0;
}

void step_vm_free(struct step_vm *b)
{
	if (!b)
		return;
	sandbox_vm_free(b->guest);
	free(b);
}
