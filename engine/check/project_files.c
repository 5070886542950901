/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/project_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

#define MAX_DEPTH 64
#define MAX_SCRIPT_BYTES (1024 * 1024)

struct pos check_pos(const struct node *n, const char *key)
{
	return yaml_key_pos(n->recipe->map, key);
}

bool check_is_test(const struct node *n)
{
	return str_skip(n->name, "tests/");
}

static const char *text_of(const struct yaml *map, const char *key)
{
	const struct yaml *value = map->type == YAML_MAP ? yaml_get(map, key) : NULL;

	return value && value->type == YAML_SCALAR ? value->text : NULL;
}

uint64_t check_size(const struct yaml *map, const char *key)
{
	const char *text = text_of(map, key);
	uint64_t n;

	return text && size_parse(text, &n) == 0 ? n : 0;
}

static const struct yaml *list_of(const struct node *n, const char *key)
{
	static const struct yaml none = {.type = YAML_LIST};
	const struct yaml *value = yaml_get(n->recipe->map, key);

	return value && value->type == YAML_LIST ? value : &none;
}

static void read_disk(struct check_view *v, const struct node *disk)
{
	const struct yaml *parts = list_of(disk, "partitions"), *areas = list_of(disk, "reserved");

	for (size_t i = 0; i < areas->count; i++) {
		const struct yaml *m = areas->items[i];

		check_reserveds_push(&v->reserved,
				     (struct check_reserved){.name = text_of(m, "name"),
							     .at = check_size(m, "at"),
							     .size = check_size(m, "size"),
							     .pos = m->pos});
	}
	for (size_t i = 0; i < parts->count; i++) {
		const struct yaml *m = parts->items[i];
		const char *from = text_of(m, "from"), *region = text_of(m, "region");
		struct check_partition p = {.name = text_of(m, "name"),
					    .size = check_size(m, "size"),
					    .start = check_size(m, "at"),
					    .pos = m->pos};

		p.twice = region && str_eq(region, "2x");
		if (from) {
			char *node cleanup_free = xstrndup(from, strcspn(from, ":"));

			p.from = graph_node(v->g, node);
		}
		check_partitions_push(&v->partitions, p);
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

static void add_template(struct check_view *v, const struct node *image, const struct yaml *entry)
{
	const char *path = text_of(entry, "template"), *to = text_of(entry, "to");

	if (path && to)
		add_single(v, image, path, to, filled_in(image, path));
}

/* What the `copy:` and `template:` entries of an image or a tree bring from the project. */
static int read_image(struct check_view *v, const struct node *image, struct err **err)
{
	const struct yaml *contents = list_of(image, "contents");

	for (size_t i = 0; i < contents->count; i++) {
		const char *copy = text_of(contents->items[i], "copy"),
			   *to = text_of(contents->items[i], "to");
		char *rel cleanup_free = copy ? path_normal(copy) : NULL, *abs cleanup_free = NULL;
		struct stat st;

		add_template(v, image, contents->items[i]);
		if (!copy || strchr(copy, ':') || graph_node(v->g, copy))
			continue;
		abs = path_join(v->g->project->dir, rel);
		if (lstat(abs, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			if (add_folder(v, image, rel, to ? to : "/", 0, err) < 0)
				return -1;
		} else if (to) {
			add_single(v, image, rel, to, NULL);
		}
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
	return !v->disk || (!list_of(v->disk, "reserved")->count && list_of(n, "reserved")->count);
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
		const char *kind = n->recipe->kind->name;

		if (check_is_test(n))
			continue;
		if (str_eq(kind, "disk") && better_disk(v, n))
			v->disk = n;
		else if ((str_eq(kind, "image") || str_eq(kind, "tree")) &&
			 read_image(v, n, err) < 0)
			return -1;
		else if (str_eq(kind, "run") && read_run(v, n, err) < 0)
			return -1;
	}
	if (v->disk)
		read_disk(v, v->disk);
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
