/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/content.h"
#include "kinds/disk_opts.h"
#include "kinds/image_opts.h"
#include "kinds/kinds.h"

#define MAX_DEPTH 64
#define MAX_SCRIPT_BYTES (1024 * 1024)

bool check_is_test(const struct node *n)
{
	return str_skip(n->name, "tests/");
}

uint64_t check_image_size(const struct node *n)
{
	return n->recipe->kind == &kind_image ? ((const struct image_opts *)n->recipe->opts)->size
					      : 0;
}

const struct list *check_list(const struct node *n, const char *key, enum option_type type)
{
	static const struct list none;
	const struct list *list = schema_field(n->recipe->kind->schema, n->recipe->opts, key, type);

	return list ? list : &none;
}

static void read_disk(struct check_view *v)
{
	const struct disk_opts *o = v->disk->recipe->opts;

	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *a = LIST_AT(o->reserved, struct disk_area *, i);

		check_reserveds_push(&v->reserved,
				     (struct check_reserved){a->name, a->at, a->size, a->pos});
	}
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		check_partitions_push(
			&v->partitions,
			(struct check_partition){.name = p->name,
						 .from = p->from ? graph_node(v->g, p->from->node)
								 : NULL,
						 .start = p->at,
						 .size = p->size,
						 .twice = p->region > 0,
						 .pos = p->pos});
	}
}

static void add_file(struct check_view *v, const struct node *image, const char *path,
		     const char *target)
{
	check_files_push(&v->files, (struct check_file){.image = image,
							.path = arena_strdup(v->arena, path),
							.target = arena_strdup(v->arena, target)});
}

static int add_link(struct check_view *v, const struct node *image, const char *path,
		    const char *target, const char *abs, struct err **err)
{
	char leads_to[PATH_MAX];
	ssize_t n = readlink(abs, leads_to, sizeof(leads_to) - 1);

	if (n < 0)
		return err_errno(err, ERR_USER, errno, "cannot read the link '%s'", path);
	check_links_push(&v->links,
			 (struct check_link){image, arena_strdup(v->arena, path),
					     arena_strdup(v->arena, target),
					     arena_strndup(v->arena, leads_to, (size_t)n)});
	return 0;
}

/*
 * Adds the files below PATH of the project, as they will lie below TARGET. Links are not followed.
 */
static int add_folder(struct check_view *v, const struct node *image, const char *path,
		      const char *target, unsigned depth, struct err **err)
{
	char *abs cleanup_free = path_join(v->g->project->dir, path);
	struct dirent **names;
	int n, rc = 0;

	if (depth > MAX_DEPTH)
		return err_set(err, ERR_USER, "'%s' has more than %d folders in each other", path,
			       MAX_DEPTH);
	n = scandir(abs, &names, NULL, alphasort);
	if (n < 0)
		return err_errno(err, ERR_USER, errno, "cannot read folder '%s'", path);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char *sub cleanup_free = path_join(path, name),
			  *to cleanup_free = path_join(target, name);
		char *sub_abs cleanup_free = path_join(abs, name);
		struct stat st;

		if (rc == 0 && !str_eq(name, ".") && !str_eq(name, "..") &&
		    lstat(sub_abs, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				rc = add_folder(v, image, sub, to, depth + 1, err);
			else if (S_ISREG(st.st_mode))
				add_file(v, image, sub, to);
			else if (S_ISLNK(st.st_mode) && image)
				rc = add_link(v, image, sub, to, sub_abs, err);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

/* Where a file of the project at PATH goes that is sent to TO; caller frees. */
static char *file_target(const char *to, const char *path)
{
	return str_ends(to, "/") ? path_join(to, path_base(path)) : xstrdup(to);
}

/* What the template at PATH is filled to in N, or NULL: it is none. */
static const char *filled_in(const struct node *n, const char *path)
{
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].filled && str_eq(n->in.items[i].path, path))
			return n->in.items[i].filled;
	return NULL;
}

/* A file that is sent to TARGET by itself takes the place of what a directory brought there. */
static void add_single(struct check_view *v, const struct node *image, const char *path,
		       const char *to, const char *filled)
{
	char *target cleanup_free = file_target(to, path);
	size_t kept = 0;

	for (size_t i = 0; i < v->files.count; i++)
		if (v->files.items[i].image != image || !str_eq(v->files.items[i].target, target))
			v->files.items[kept++] = v->files.items[i];
	v->files.count = kept;
	add_file(v, image, path, target);
	v->files.items[kept].filled = filled;
}

/* What a `copy:` of a path brings. */
static int add_copy(struct check_view *v, const struct node *image, const struct content *c,
		    struct err **err)
{
	char *rel cleanup_free = path_normal(c->copy->text), *abs cleanup_free = NULL;
	struct stat st;

	abs = path_join(v->g->project->dir, rel);
	if (lstat(abs, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return add_folder(v, image, rel, c->to, 0, err);
	add_single(v, image, rel, c->to, NULL);
	return 0;
}

/* What the `copy:` and `template:` entries of an image or a tree bring from the project. */
static int read_image(struct check_view *v, const struct node *image, struct err **err)
{
	const struct list *contents = check_list(image, "contents", OPT_STRUCT);

	for (size_t i = 0; i < contents->count; i++) {
		const struct content *c = LIST_AT(*contents, struct content *, i);

		if (c->template)
			add_single(v, image, c->template->template, c->to,
				   filled_in(image, c->template->template));
		else if (c->copy && c->copy->type == REF_PATH && add_copy(v, image, c, err) < 0)
			return -1;
	}
	return 0;
}

static int read_script(struct check_view *v, const struct check_file *f, struct err **err)
{
	char *abs cleanup_free = path_join(v->g->project->dir, f->path);
	struct str text cleanup_str = STR_INIT;

	if (f->filled)
		str_append(&text, f->filled);
	else if (file_read(abs, MAX_SCRIPT_BYTES, &text, err) < 0)
		return -1;
	v->boot_script = arena_strdup(v->arena, text.buf);
	v->boot_script_path = arena_strdup(v->arena, f->path);
	return conf_read_table(v->arena, v->g->project->dir, f->path, f->filled, &v->script, err);
}

/* A fragment or the boot script, among what a run node builds from. */
static int read_build_file(struct check_view *v, const struct check_file *f, struct err **err)
{
	if (str_ends(f->path, ".config"))
		return conf_read_kconfig(v->arena, v->g->project->dir, f->path, f->filled,
					 &v->kconfig, err);
	if (str_eq(path_base(f->path), "boot.txt") && !v->boot_script)
		return read_script(v, f, err);
	return 0;
}

static int read_build_folder(struct check_view *v, const char *path, struct err **err)
{
	struct check_files saved = v->files;
	int rc;

	v->files = (struct check_files){0};
	rc = add_folder(v, NULL, path, "/", 0, err);
	for (size_t i = 0; rc == 0 && i < v->files.count; i++)
		rc = read_build_file(v, &v->files.items[i], err);
	check_files_clear(&v->files);
	v->files = saved;
	return rc;
}

static int read_run(struct check_view *v, const struct node *run, struct err **err)
{
	for (size_t i = 0; i < run->in.count; i++) {
		const struct edge *e = &run->in.items[i];
		char *rel cleanup_free = e->path ? path_normal(e->path) : NULL;
		char *abs cleanup_free = rel ? path_join(v->g->project->dir, rel) : NULL;
		const struct check_file file = {.path = arena_strdup(v->arena, rel ? rel : ""),
						.filled = e->filled};
		struct stat st;
		int rc = 0;

		if (!rel || lstat(abs, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			rc = read_build_folder(v, rel, err);
		else if (S_ISREG(st.st_mode))
			rc = read_build_file(v, &file, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int read_configs(struct check_view *v, struct err **err)
{
	const char *dir = v->g->project->dir;

	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		int rc = 0;

		if (str_eq(f->target, "/etc/rauc/system.conf"))
			rc = conf_read_ini(v->arena, dir, f->path, f->filled, &v->system, err);
		else if (str_eq(f->target, "/etc/fw_env.config"))
			rc = conf_read_table(v->arena, dir, f->path, f->filled, &v->fw_env, err);
		else if (str_eq(f->target, "/etc/fstab"))
			rc = conf_read_table(v->arena, dir, f->path, f->filled, &v->fstab, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* The first disk with reserved areas, else the first. */
static bool better_disk(const struct check_view *v, const struct node *n)
{
	const struct disk_opts *o = n->recipe->opts, *have = v->disk ? v->disk->recipe->opts : NULL;

	return !have || (!have->reserved.count && o->reserved.count);
}

const struct check_file *check_target_file(const struct check_view *v, const char *target)
{
	for (size_t i = v->files.count; i-- > 0;) {
		if (str_eq(v->files.items[i].target, target))
			return &v->files.items[i];
	}
	return NULL;
}

int check_view_make(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct kind *kind = n->recipe->kind;

		if (check_is_test(n))
			continue;
		if (kind == &kind_disk && better_disk(v, n))
			v->disk = n;
		else if (read_image(v, n, err) < 0)
			return -1;
		else if (kind == &kind_run && read_run(v, n, err) < 0)
			return -1;
	}
	if (v->disk)
		read_disk(v);
	return read_configs(v, err);
}

void check_view_clear(struct check_view *v)
{
	check_partitions_clear(&v->partitions);
	check_reserveds_clear(&v->reserved);
	check_files_clear(&v->files);
	check_links_clear(&v->links);
	conf_entries_clear(&v->system);
	conf_entries_clear(&v->fw_env);
	conf_entries_clear(&v->fstab);
	conf_entries_clear(&v->kconfig);
	conf_entries_clear(&v->script);
}
