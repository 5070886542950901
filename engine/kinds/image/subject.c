/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/image/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"
#include "base/walk.h"
#include "kinds/image/look_bundle.h"
#include "media/tree/tree_dir.h"

static char *new_scratch(struct subject *s, struct err **err)
{
	char *dir = xasprintf("%s/part.%u", s->scratch, s->count++);

	if (path_mkdirs(dir, err) == 0)
		return dir;
	free(dir);
	return NULL;
}

static struct subject_part *new_part(const char *name)
{
	struct subject_part *p = xcalloc(1, sizeof(*p));

	p->name = xstrdup(name);
	return p;
}

static struct subject_part *add_part(struct subject *s, const char *name)
{
	struct subject_part *p = new_part(name);

	subject_parts_push(&s->parts, p);
	return p;
}

/* COUNT parts in the place of REMOVED ones at AT. */
static void replace_parts(struct subject *s, size_t at, size_t removed,
			  struct subject_part *const *parts, size_t count)
{
	struct subject_parts all = {0};

	for (size_t i = 0; i < at; i++)
		subject_parts_push(&all, s->parts.items[i]);
	for (size_t i = 0; i < count; i++)
		subject_parts_push(&all, parts[i]);
	for (size_t i = at + removed; i < s->parts.count; i++)
		subject_parts_push(&all, s->parts.items[i]);
	subject_parts_clear(&s->parts);
	s->parts = all;
}

static void free_part(struct subject_part *p)
{
	look_release(&p->look);
	free((char *)p->look.scratch);
	free(p->path);
	free(p->unread);
	free(p->target);
	free(p->name);
	free(p);
}

/* What orch cannot read stays as bytes: damaged, not unmounted, of another sort. */
static void keep_bytes(struct subject_part *p, struct err *why)
{
	p->unread = xstrdup(why->text);
	tree_free(p->look.tree);
	p->look.tree = NULL;
	err_free(why);
}

/* How what is called LABEL in what is called ABOVE is called. Caller frees. */
static char *name_below(const char *above, const char *label)
{
	return xasprintf("%s%s%s", above, *above ? "/" : "", label);
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

/* Of each suffix the name that has it; "": several have. */
static void note_suffixes(const struct strv *names, struct map *ret)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *suffix = suffix_of(names->items[i]);

		if (map_set(ret, suffix, names->items[i]))
			map_set(ret, suffix, (void *)"");
	}
}

/*
 * What the file is called: by its suffix when no other has it, since names of files have versions
 * of which each release has another.
 */
static char *label_of(const struct map *suffixes, const char *name)
{
	const char *suffix = suffix_of(name);
	bool alone = *suffix == '.' && str_eq(map_get(suffixes, suffix), name);

	return alone ? xasprintf("*%s", suffix) : xstrdup(name);
}

static uint64_t size_of(const char *file)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END); /* a card has no size of a file */

	return end < 0 ? 0 : (uint64_t)end;
}

/* A closed part. */
static void add_file(struct subject *s, const char *file, const char *path, const char *name)
{
	struct subject_part *p = add_part(s, name);

	p->look.file = xstrdup(file);
	p->look.size = size_of(file);
	p->path = xstrdup(path);
}

static void add_listed(struct subject *s, const char *dir, const char *file, const char *above,
		       const char *label)
{
	char *path cleanup_free = path_join(dir, file);
	char *name cleanup_free = name_below(above, label);

	add_file(s, path, "", name);
}

static int add_link(struct subject *s, const char *path, const char *name, struct err **err)
{
	struct subject_part *p = add_part(s, name);
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target));

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
	struct map suffixes cleanup_map = {0};

	if (list_type(dir, S_IFREG, &names, err) < 0)
		return -1;
	note_suffixes(&names, &suffixes);
	for (size_t i = 0; i < names.count; i++) {
		char *label cleanup_free =
			labels ? label_of(&suffixes, names.items[i]) : xstrdup(names.items[i]);

		add_listed(s, dir, names.items[i], above, label);
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
	p = add_part(s, "");
	p->look.scratch = new_scratch(s, err);
	if (!p->look.scratch)
		return -1;
	p->look.format = "directory";
	p->look.file = xstrdup(dir);
	p->look.tree = tree_new(0, p->look.scratch);
	return tree_from_dir(p->look.tree, dir, NULL, INT64_MAX, err);
}

/* ---- opening ---- */

/* Closed ones for the partitions of the disk I, after it. */
static void list_partitions(struct subject *s, size_t i)
{
	const struct subject_part *disk = s->parts.items[i];
	const struct gpt_parts *parts = &disk->look.parts;
	struct subject_parts list = {0};

	for (size_t k = 0; k < parts->count; k++) {
		char *partition cleanup_free = look_part_name(parts, k);
		char *name cleanup_free = name_below(disk->name, partition);
		struct subject_part *p = new_part(name);

		p->look.file = xstrdup(disk->look.file);
		p->look.offset = parts->items[k].start;
		p->look.size = parts->items[k].size;
		p->path = xstrdup("");
		p->partition = true;
		p->of_bundle = disk->of_bundle;
		p->image = !p->of_bundle;
		subject_parts_push(&list, p);
	}
	replace_parts(s, i + 1, 0, list.items, list.count);
	subject_parts_clear(&list);
}

/* The parts of a bundle that its manifest names are what slots get. */
static int mark_images(const struct subject *inner, const char *dir, struct err **err)
{
	char *path cleanup_free = path_join(dir, "manifest.raucm");
	struct str text cleanup_str = STR_INIT;

	if (file_read_foreign(path, 1 << 20, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < inner->parts.count; i++) {
		struct subject_part *p = inner->parts.items[i];
		char *line cleanup_free = xasprintf("\nfilename=%s\n", path_base(p->name));

		p->of_bundle = true;
		p->image = strstr(text.buf, line) != NULL;
	}
	return 0;
}

/* The part I is a bundle: what is in it takes its place. */
static int open_bundle(struct subject *s, size_t i, struct err **err)
{
	struct subject_part *bundle = s->parts.items[i];
	struct subject inner cleanup_subject = {0};
	char *dir cleanup_free = new_scratch(s, err), *to cleanup_free = NULL;

	if (!dir)
		return -1;
	to = path_join(dir, "bundle");
	if (look_unpack_bundle(bundle->look.file, to, err) < 0 ||
	    add_files(&inner, to, bundle->name, false, err) < 0 || mark_images(&inner, to, err) < 0)
		return -1;
	s->payload = s->bundles++ ? 0 : bundle->look.size;
	replace_parts(s, i, 1, inner.parts.items, inner.parts.count);
	subject_parts_clear(&inner.parts);
	free_part(bundle);
	return 0;
}

/* Neither an archive nor a disk, of which each partition is one. */
static bool is_image(const struct look *l)
{
	return !l->disk && !str_eq(l->format, "tar") && !str_eq(l->format, "deb");
}

static int look_into_part(struct subject *s, size_t i, struct err **err)
{
	struct subject_part *p = s->parts.items[i];
	char *path cleanup_free = steal_ptr(p->path), *file cleanup_free = steal_ptr(p->look.file);
	struct err *why = NULL;

	p->look.scratch = new_scratch(s, err);
	if (!p->look.scratch)
		return -1;
	if (look_into(&p->look, file, path, false, &why) < 0) {
		if (!p->look.format && !p->partition) {
			*err = why;
			return -1;
		}
		keep_bytes(p, why);
	}
	if (!p->look.format)
		p->look.format = "file";
	if (!p->partition && !p->of_bundle)
		p->image = is_image(&p->look);
	if (p->look.disk && !p->partition)
		list_partitions(s, i);
	return 0;
}

static int open_part(struct subject *s, size_t i, struct err **err)
{
	const struct subject_part *p = s->parts.items[i];

	if (!*p->path && !p->partition && look_is_bundle(p->look.file))
		return open_bundle(s, i, err);
	return look_into_part(s, i, err);
}

int subject_open_part(struct subject *s, size_t i, struct err **err)
{
	int rc = open_part(s, i, err);

	return rc < 0 && s->name ? err_wrap(err, "'%s'", s->name) : rc;
}

int subject_list(struct subject *s, const char *file, const char *path, struct err **err)
{
	struct stat st;

	if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
		return add_directory(s, file, err);
	add_file(s, file, path, "");
	return 0;
}

int subject_open(struct subject *s, const char *file, const char *path, struct err **err)
{
	if (subject_list(s, file, path, err) < 0)
		return -1;
	for (size_t i = 0; i < s->parts.count;) {
		if (!s->parts.items[i]->path)
			i++;
		else if (subject_open_part(s, i, err) < 0)
			return -1;
	}
	return 0;
}

struct subject_part *subject_partner_near(const struct subject *own, const struct subject_part *p,
					  const struct subject *other, size_t *cursor)
{
	size_t count = other->parts.count;

	for (size_t k = 0; k < count; k++) {
		size_t i = (*cursor + k) % count;

		if (str_eq(other->parts.items[i]->name, p->name)) {
			*cursor = i + 1;
			return other->parts.items[i];
		}
	}
	return own->parts.count == 1 && count == 1 ? other->parts.items[0] : NULL;
}

struct subject_part *subject_partner(const struct subject *own, const struct subject_part *p,
				     const struct subject *other)
{
	size_t cursor = 0;

	return subject_partner_near(own, p, other, &cursor);
}

struct block_place subject_place(const struct subject_part *p)
{
	return (struct block_place){p->look.file, p->look.offset, p->look.size};
}

void subject_close(struct subject *s)
{
	for (size_t i = 0; i < s->parts.count; i++)
		free_part(s->parts.items[i]);
	subject_parts_clear(&s->parts);
}
