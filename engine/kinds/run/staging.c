/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/tree/input_tree.h"
#include "media/tree/tree_export.h"

#define BIND_FROM (64 * 1024 * 1024) /* bytes; below it a copy is cheaper than a mount */
#define BINDS_MAX 64
#define DEPTH_MAX 256

static int set_times(const struct staging *l, const char *path, struct err **err)
{
	struct timespec t = {.tv_sec = (time_t)l->a->epoch}, times[2] = {t, t};

	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot set the time of '%s'", path);
	return 0;
}

static int taken(const char *name, struct err **err)
{
	return err_set(err, E_DUPLICATE_NAME,
		       "two inputs have the name '%s' in the working directory", name);
}

/* Makes directory NAME and those above it; one that is there is fine. */
static int add_directory(struct staging *l, const char *name, struct err **err)
{
	char *path cleanup_free = path_join(l->dir, name);

	if (mkdir(path, 0755) == 0) {
		strv_push(&l->directories, name);
		return 0;
	}
	if (errno == ENOENT) {
		char *above cleanup_free = path_dir(name);

		return add_directory(l, above, err) < 0 ? -1 : add_directory(l, name, err);
	}
	if (errno == EEXIST) {
		struct stat st;

		return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : taken(name, err);
	}
	return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'", path);
}

static int add_above(struct staging *l, const char *name, struct err **err)
{
	char *above cleanup_free = path_dir(name);

	return strchr(name, '/') ? add_directory(l, above, err) : 0;
}

static bool must_copy(const struct staging *l, const char *name)
{
	for (size_t i = 0; i < l->copies->count; i++) {
		if (str_eq(LIST_AT(*l->copies, const char *, i), name))
			return true;
	}
	return l->binds.count >= BINDS_MAX;
}

static int add_file(struct staging *l, const char *name, const char *from, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, name);
	struct stat st;

	if (add_above(l, name, err) < 0)
		return -1;
	if (path_exists(to))
		return taken(name, err);
	if (stat(from, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", from);
	if (st.st_size >= BIND_FROM && !must_copy(l, name)) {
		struct sandbox_bind b = {.from = arena_strdup(l->a->arena, from),
					 .to = arena_printf(l->a->arena, "%s/%s", l->inside, name)};

		staging_binds_push(&l->binds, b);
		return 0;
	}
	if (file_copy(from, to, st.st_mode & 0100 ? 0555 : 0444, err) < 0)
		return -1;
	return set_times(l, to, err);
}

static int add_link(struct staging *l, const char *name, const char *from, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, name);
	char target[4096];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read link '%s'", from);
	target[n] = 0;
	if (symlink(target, to) < 0)
		return errno == EEXIST ? taken(name, err)
				       : err_errno(err, E_WRITE_FAILED, errno,
						   "cannot create link '%s'", to);
	return set_times(l, to, err);
}

static int add_tree(struct staging *l, const char *name, const char *from, unsigned depth,
		    struct err **err);

static int add_entry(struct staging *l, const char *name, const char *from, unsigned depth,
		     struct err **err)
{
	struct stat st;

	if (lstat(from, &st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", from);
	if (S_ISDIR(st.st_mode))
		return add_tree(l, name, from, depth + 1, err);
	if (S_ISLNK(st.st_mode))
		return add_link(l, name, from, err);
	if (S_ISREG(st.st_mode))
		return add_file(l, name, from, err);
	return err_set(err, E_NOT_A_FILE, "'%s' is neither a file nor a directory nor a link",
		       from);
}

static int add_tree(struct staging *l, const char *name, const char *from, unsigned depth,
		    struct err **err)
{
	struct dirent *de;
	DIR *dir;
	int rc = 0;

	if (depth > DEPTH_MAX)
		return err_set(err, E_TOO_LARGE, "directory '%s' is nested too deeply", name);
	if (add_directory(l, name, err) < 0)
		return -1;
	dir = opendir(from);
	if (!dir)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'", from);
	while (rc == 0 && (de = readdir(dir))) {
		char *sub cleanup_free = NULL, *sub_from cleanup_free = NULL;

		if (str_eq(de->d_name, ".") || str_eq(de->d_name, "..") ||
		    (l->skip_git && path_is_git(de->d_name)))
			continue;
		sub = path_join(name, de->d_name);
		sub_from = path_join(from, de->d_name);
		rc = add_entry(l, sub, sub_from, depth, err);
	}
	closedir(dir);
	return rc;
}

/* A file or directory inside a tree: unpacked beside the working directory, then taken in. */
static int add_inside(struct staging *l, const struct action_input *in, struct err **err)
{
	struct tree *t cleanup_tree = NULL;
	struct tree *part cleanup_tree = tree_new(l->a->epoch, l->a->workdir);
	const char *name = path_base(in->inside), *inside;
	char *directory cleanup_free = xasprintf("%s.part-%zu", l->dir, l->directories.count);
	char *from cleanup_free = path_join(directory, name);
	char *where cleanup_free = xasprintf("/%s", name);

	if (!*name)
		return err_set(err, E_WRONG_INPUT, "'%s' is the whole tree: name it without ':/'",
			       in->ref);
	if (input_tree(l->a, in, &t, &inside, err) < 0)
		return -1;
	if (!tree_resolve(t, inside))
		return err_set(err, E_TREE_PATH_MISSING, "there is no '%s' in the %s of node '%s'",
			       in->inside, input_is_image(in) ? "image" : "tree", in->node);
	if (tree_copy_tree(part, where, t, inside, 0, err) < 0 || path_mkdirs(directory, err) < 0 ||
	    tree_export(part, directory, err) < 0 || add_entry(l, name, from, 0, err) < 0)
		return -1;
	return path_remove(directory, err);
}

static int add_node(struct staging *l, const struct action_input *in, struct err **err)
{
	if (in->file_count == 1)
		return add_file(l, in->node, in->files[0].path, err);
	if (add_directory(l, in->node, err) < 0)
		return -1;
	for (size_t i = 0; i < in->file_count; i++) {
		char *name cleanup_free = path_join(in->node, in->files[i].name);

		if (add_file(l, name, in->files[i].path, err) < 0)
			return -1;
	}
	return 0;
}

/* A path of the project, or an output of a node. */
static int add_path(struct staging *l, const struct ref *ref, const struct action_input *in,
		    struct err **err)
{
	const char *colon = in->node ? strchr(ref->text, ':') : NULL;
	const char *path = ref->template ? ref->template : ref->text;
	char *name cleanup_free = path_normal(colon ? colon + 1 : path);

	l->skip_git = in->type == INPUT_FOLDER;
	return l->skip_git ? add_tree(l, name, in->path, 0, err) : add_file(l, name, in->path, err);
}

int staging_add(struct staging *l, const struct ref *ref, struct err **err)
{
	const struct action_input *in = action_input(l->a, ref);

	l->skip_git = false;
	switch (in->type) {
	case INPUT_FILE:
	case INPUT_FOLDER:
		return add_path(l, ref, in, err);
	case INPUT_INSIDE:
		return add_inside(l, in, err);
	case INPUT_NODE:
		return add_node(l, in, err);
	}
	return err_set(err, E_INTERNAL, "input '%s' is of no known type", ref->text);
}

int staging_seal(struct staging *l, struct err **err)
{
	for (size_t i = l->directories.count; i-- > 0;) {
		char *path cleanup_free = path_join(l->dir, l->directories.items[i]);

		if (set_times(l, path, err) < 0)
			return -1;
		if (chmod(path, 0555) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot seal directory '%s'",
					 path);
	}
	return 0;
}

void staging_release(struct staging *l)
{
	staging_binds_clear(&l->binds);
	strv_clear(&l->directories);
}
