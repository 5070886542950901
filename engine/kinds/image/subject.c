/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/image/subject.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/str.h"
#include "base/walk.h"
#include "kinds/image/look_bundle.h"
#include "media/tree/tree_dir.h"

static int add_file(struct subject *s, const char *file, const char *path, const char *name,
		    struct err **err) warn_unused;

static char *new_scratch(struct subject *s, struct err **err)
{
	char *dir = xasprintf("%s/part.%u", s->scratch, s->count++);

	if (path_mkdirs(dir, err) == 0)
		return dir;
	free(dir);
	return NULL;
}

static struct subject_part *add_part(struct subject *s, const char *name, struct err **err)
{
	struct subject_part *p = xcalloc(1, sizeof(*p));

	p->look.scratch = new_scratch(s, err);
	p->name = xstrdup(name);
	subject_parts_push(&s->parts, p);
	return p->look.scratch ? p : NULL;
}

/* What orch cannot read stays as bytes: damaged, not unmounted, of another sort. */
static void keep_bytes(struct subject_part *p, struct err *why)
{
	p->unread = xstrdup(why->text);
	tree_free(p->look.tree);
	p->look.tree = NULL;
	err_free(why);
}

/* ---- disks ---- */

static int add_partition(struct subject *s, const char *file, const struct gpt_parts *parts,
			 size_t i, const char *above, struct err **err)
{
	char *partition cleanup_free = look_part_name(parts, i);
	char *path cleanup_free = xasprintf("%s/", partition);
	char *name cleanup_free = xasprintf("%s%s%s", above, *above ? "/" : "", partition);
	struct subject_part *p = add_part(s, name, err);
	struct err *why = NULL;

	if (!p)
		return -1;
	p->image = true;
	if (look_into(&p->look, file, path, false, &why) == 0)
		return 0;
	keep_bytes(p, why);
	free(p->look.file);
	p->look.file = xstrdup(file);
	p->look.offset = parts->items[i].start;
	p->look.size = parts->items[i].size;
	return 0;
}

static int add_partitions(struct subject *s, const char *file, const char *above,
			  const struct gpt_parts *parts, struct err **err)
{
	for (size_t i = 0; i < parts->count; i++) {
		if (add_partition(s, file, parts, i, above, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- directories ---- */

/* The names of what is of TYPE: S_IFREG, ... */
static int list_type(const char *dir, mode_t type, struct strv *ret, struct err **err)
{
	struct strv names cleanup_strv = {0};
	struct stat st;

	if (walk_names(dir, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *path cleanup_free = path_join(dir, names.items[i]);

		if (lstat(path, &st) == 0 && (st.st_mode & S_IFMT) == type)
			strv_push(ret, names.items[i]);
	}
	return 0;
}

static const char *suffix_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && dot != name ? dot : name;
}

/*
 * What the file is called: by its suffix when no other has it, since names of files have versions
 * of which each release has another.
 */
static char *label_of(const struct strv *names, size_t i)
{
	const char *suffix = suffix_of(names->items[i]);
	size_t same = 0;

	for (size_t k = 0; k < names->count; k++)
		same += str_eq(suffix_of(names->items[k]), suffix);
	return same > 1 || *suffix != '.' ? xstrdup(names->items[i]) : xasprintf("*%s", suffix);
}

/* How what is called LABEL in directory ABOVE is called. Caller frees. */
static char *name_below(const char *above, const char *label)
{
	return xasprintf("%s%s%s", above, *above ? "/" : "", label);
}

static int add_listed(struct subject *s, const char *dir, const char *file, const char *above,
		      const char *label, struct err **err)
{
	char *path cleanup_free = path_join(dir, file);
	char *name cleanup_free = name_below(above, label);

	return add_file(s, path, "", name, err);
}

static int add_link(struct subject *s, const char *path, const char *name, struct err **err)
{
	struct subject_part *p = add_part(s, name, err);
	char target[PATH_MAX];
	ssize_t n = p ? readlink(path, target, sizeof(target)) : -1;

	if (!p)
		return -1;
	if (n < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read link '%s'", path);
	p->look.format = "link";
	p->target = xstrndup(target, (size_t)n);
	return 0;
}

static int add_links(struct subject *s, const char *dir, const char *above, struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (list_type(dir, S_IFLNK, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *path cleanup_free = path_join(dir, names.items[i]);
		char *name cleanup_free = name_below(above, names.items[i]);

		if (add_link(s, path, name, err) < 0)
			return -1;
	}
	return 0;
}

static int add_files(struct subject *s, const char *dir, const char *above, bool labels,
		     struct err **err);

static int add_below(struct subject *s, const char *dir, const char *above, bool labels,
		     struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (list_type(dir, S_IFDIR, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *path cleanup_free = path_join(dir, names.items[i]);
		char *name cleanup_free = name_below(above, names.items[i]);

		if (add_files(s, path, name, labels, err) < 0)
			return -1;
	}
	return 0;
}

/* What is in DIR, of any depth. LABELS: names may have versions in them. */
static int add_files(struct subject *s, const char *dir, const char *above, bool labels,
		     struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (list_type(dir, S_IFREG, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		char *label cleanup_free = labels ? label_of(&names, i) : xstrdup(names.items[i]);

		if (add_listed(s, dir, names.items[i], above, label, err) < 0)
			return -1;
	}
	if (add_links(s, dir, above, err) < 0)
		return -1;
	return add_below(s, dir, above, labels, err);
}

/* A directory that is a root file system, or one of files that ship. */
static int add_directory(struct subject *s, const char *dir, struct err **err)
{
	char *usr cleanup_free = path_join(dir, "usr");
	struct subject_part *p;

	if (!path_exists(usr))
		return add_files(s, dir, "", true, err);
	p = add_part(s, "", err);
	if (!p)
		return -1;
	p->look.format = "directory";
	p->look.file = xstrdup(dir);
	p->look.tree = tree_new(0, p->look.scratch);
	return tree_from_dir(p->look.tree, dir, NULL, INT64_MAX, err);
}

/* ---- files ---- */

/* The parts of a bundle from FIRST on that its manifest names are what slots get. */
static int mark_images(struct subject *s, const char *dir, size_t first, struct err **err)
{
	char *path cleanup_free = path_join(dir, "manifest.raucm");
	struct str text cleanup_str = STR_INIT;

	if (file_read_foreign(path, 1 << 20, &text, err) < 0)
		return -1;
	for (; first < s->parts.count; first++) {
		struct subject_part *p = s->parts.items[first];
		char *line cleanup_free = xasprintf("\nfilename=%s\n", path_base(p->name));

		p->image = strstr(text.buf, line) != NULL;
	}
	return 0;
}

static int add_bundle(struct subject *s, const char *file, const char *name, struct err **err)
{
	char *dir cleanup_free = new_scratch(s, err), *to cleanup_free = NULL;
	size_t first = s->parts.count;
	struct stat st;

	if (!dir)
		return -1;
	to = path_join(dir, "bundle");
	if (look_unpack_bundle(file, to, err) < 0 || add_files(s, to, name, false, err) < 0)
		return -1;
	if (stat(file, &st) == 0)
		s->payload = s->bundles++ ? 0 : (uint64_t)st.st_size;
	return mark_images(s, to, first, err);
}

/* Neither an archive nor a disk, of which each partition is one. */
static bool is_image(const struct look *l)
{
	return !l->disk && !str_eq(l->format, "tar") && !str_eq(l->format, "deb");
}

static int add_file(struct subject *s, const char *file, const char *path, const char *name,
		    struct err **err)
{
	struct subject_part *p;
	struct err *why = NULL;

	if (!*path && look_is_bundle(file))
		return add_bundle(s, file, name, err);
	p = add_part(s, name, err);
	if (!p)
		return -1;
	if (look_into(&p->look, file, path, false, &why) < 0) {
		if (!p->look.format) {
			*err = why;
			return -1;
		}
		keep_bytes(p, why);
	}
	p->image = is_image(&p->look);
	return p->look.disk ? add_partitions(s, file, name, &p->look.parts, err) : 0;
}

int subject_open(struct subject *s, const char *file, const char *path, struct err **err)
{
	struct stat st;

	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(s, file, err);
	return add_file(s, file, path, "", err);
}

struct subject_part *subject_part(const struct subject *s, const char *name)
{
	for (size_t i = 0; i < s->parts.count; i++) {
		if (str_eq(s->parts.items[i]->name, name))
			return s->parts.items[i];
	}
	return NULL;
}

struct subject_part *subject_partner(const struct subject *own, const struct subject_part *p,
				     const struct subject *other)
{
	struct subject_part *found = subject_part(other, p->name);

	if (!found && own->parts.count == 1 && other->parts.count == 1)
		found = other->parts.items[0];
	return found;
}

struct block_place subject_place(const struct subject_part *p)
{
	return (struct block_place){p->look.file, p->look.offset, p->look.size};
}

void subject_close(struct subject *s)
{
	for (size_t i = 0; i < s->parts.count; i++) {
		struct subject_part *p = s->parts.items[i];

		look_release(&p->look);
		free((char *)p->look.scratch);
		free(p->unread);
		free(p->target);
		free(p->name);
		free(p);
	}
	subject_parts_clear(&s->parts);
}
