/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The project's files as they come to lie on a device, and the texts that steps turn into something
 * else on it: found by what recipes lay where, and by what is in them, never by their names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "check/view.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/kinds.h"
#include "kinds/tree/content.h"
#include "media/tree/tree.h"

#define MAX_DEPTH 64
#define MAX_TEXT_BYTES (256 * 1024) /* of a boot script, or a fragment */

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
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read the link '%s'", path);
	check_links_push(&v->links,
			 (struct check_link){image, arena_strdup(v->arena, path),
					     arena_strdup(v->arena, target),
					     arena_strndup(v->arena, leads_to, (size_t)n)});
	return 0;
}

/*
 * Adds the files below PATH of the project, as they will lie below TARGET. Links are not followed.
 */
static int add_directory(struct check_view *v, const struct node *image, const char *path,
			 const char *target, unsigned depth, struct err **err)
{
	char *abs cleanup_free = path_join(v->g->project->dir, path);
	struct dirent **names;
	int n, rc = 0;

	if (depth > MAX_DEPTH)
		return err_set(err, E_TOO_LARGE, "'%s' has more than %d directories in each other",
			       path, MAX_DEPTH);
	n = scandir(abs, &names, NULL, alphasort);
	if (n < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'", path);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char *sub cleanup_free = path_join(path, name),
			  *to cleanup_free = path_join(target, name);
		char *sub_abs cleanup_free = path_join(abs, name);
		struct stat st;

		if (rc == 0 && !str_eq(name, ".") && !str_eq(name, "..") &&
		    lstat(sub_abs, &st) == 0) {
			if (S_ISDIR(st.st_mode))
				rc = add_directory(v, image, sub, to, depth + 1, err);
			else if (S_ISREG(st.st_mode))
				add_file(v, image, sub, to);
			else if (S_ISLNK(st.st_mode) && image && !check_is_test(v, image))
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
		return add_directory(v, image, rel, c->to, 0, err);
	add_single(v, image, rel, c->to, NULL);
	return 0;
}

/* What `copy:`, `template:` and `overlay:` bring from the project. */
static int read_image(struct check_view *v, const struct node *image, struct err **err)
{
	const struct list *contents = check_list(image, "contents", OPT_STRUCT);
	struct ref *const *overlay =
		schema_field(image->recipe->kind->schema, image->recipe->opts, "overlay", OPT_REF);

	if (overlay && *overlay && add_directory(v, image, (*overlay)->text, "/", 0, err) < 0)
		return -1;
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

bool check_starts_kernel(const struct conf_entry *e)
{
	static const char *const words[] = {"booti", "bootm", "bootz", "bootefi", "sysboot"};

	for (size_t i = 0; i < array_len(words); i++)
		if (str_eq(e->key, words[i]))
			return true;
	return false;
}

const char *check_text_of(const struct check_view *v, const char *path, size_t max)
{
	char *abs cleanup_free = path_join(v->g->project->dir, path);
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct stat st;

	if (lstat(abs, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max ||
	    file_read(abs, max, &text, &err) < 0 || !text.buf || strlen(text.buf) != text.len)
		return NULL;
	return arena_strdup(v->arena, text.buf);
}

/* Whether TEXT is a fragment of a configuration by Kconfig, and nothing else. */
static bool is_kconfig(const char *text)
{
	bool any = false;

	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *start = p + strspn(p, " \t\r");

		if (str_skip(start, "CONFIG_"))
			any = true;
		else if (*start != '#' && *start != '\n' && *start)
			return false;
	}
	return any;
}

/* Such a file says so in its first line; its words mean something else. */
static bool is_program(const char *text)
{
	return str_skip(text, "#!");
}

static bool has_text(const struct check_texts *texts, const char *path)
{
	for (size_t i = 0; i < texts->count; i++)
		if (str_eq(texts->items[i].path, path))
			return true;
	return false;
}

static int add_text(struct check_view *v, const char *path, const char *filled, struct err **err)
{
	const char *text = filled ? filled : check_text_of(v, path, MAX_TEXT_BYTES);
	struct check_text t = {
		.path = arena_strdup(v->arena, path), .text = text, .filled = filled};
	const char *dir = v->g->project->dir;

	if (!text || has_text(&v->texts, path) || has_text(&v->programs, path))
		return 0;
	if (is_program(text)) {
		check_texts_push(&v->programs, t);
		return 0;
	}
	t.kconfig = is_kconfig(text);
	if (t.kconfig && conf_read_kconfig(v->arena, dir, t.path, filled, &v->kconfig, err) < 0)
		return -1;
	if (!t.kconfig && conf_read_table(v->arena, dir, t.path, filled, &t.lines, err) < 0)
		return -1;
	for (size_t i = 0; i < t.lines.count; i++)
		t.starts_kernel |= check_starts_kernel(&t.lines.items[i]);
	if (!t.starts_kernel)
		conf_entries_clear(&t.lines);
	check_texts_push(&v->texts, t);
	return 0;
}

static int add_texts_below(struct check_view *v, const char *path, struct err **err)
{
	struct check_files saved = v->files;
	int rc;

	v->files = (struct check_files){0};
	rc = add_directory(v, NULL, path, "/", 0, err);
	for (size_t i = 0; rc == 0 && i < v->files.count; i++)
		rc = add_text(v, v->files.items[i].path, NULL, err);
	check_files_clear(&v->files);
	v->files = saved;
	return rc;
}

/* The text at PATH of the project, or all below it. What is not there is the graph's to tell. */
static int add_texts(struct check_view *v, const char *path, const char *filled, struct err **err)
{
	char *rel cleanup_free = path_normal(path);
	char *abs cleanup_free = path_join(v->g->project->dir, rel);
	struct stat st;

	if (lstat(abs, &st) < 0)
		return 0;
	return S_ISDIR(st.st_mode) ? add_texts_below(v, rel, err) : add_text(v, rel, filled, err);
}

/* Everything of the project that N takes in. */
static int read_inputs(struct check_view *v, const struct node *n, struct err **err)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		if (e->path && add_texts(v, e->path, e->filled, err) < 0)
			return -1;
	}
	return 0;
}

/* The texts that the steps of N turn into something, on the disks of a guest, too. */
static int read_steps(struct check_view *v, const struct node *n, struct err **err)
{
	const struct list *disks = check_list(n, "disks", OPT_REF);

	if (read_inputs(v, n, err) < 0)
		return -1;
	for (size_t i = 0; i < disks->count; i++) {
		const struct node *disk = check_node_of(v, LIST_AT(*disks, struct ref *, i));

		if (disk && read_inputs(v, disk, err) < 0)
			return -1;
	}
	return 0;
}

/* What runs in a device, but is in none of its images. */
static void read_hooks(struct check_view *v, const struct node *bundle)
{
	const struct bundle_opts *o = bundle->recipe->opts;
	bool own = o->hooks && o->hooks->file->type == REF_PATH;
	char *path cleanup_free = own ? path_normal(o->hooks->file->text) : NULL;

	if (own)
		add_file(v, bundle, path, "hook");
}

static bool has_steps(const struct node *n)
{
	return n->recipe->kind == &kind_run || n->recipe->kind == &kind_vm ||
	       (n->recipe->kind == &kind_tree && check_list(n, "run", OPT_STEP)->count);
}

bool check_removes(const struct node *node, const char *target)
{
	const struct list *globs = check_list(node, "remove", OPT_STRING);

	for (size_t i = 0; i < globs->count; i++) {
		for (const char *p = target + 1; *p;) {
			char *part = NULL;
			bool found;

			p += strspn(p, "/");
			p += strcspn(p, "/");
			part = xstrndup(target + 1, (size_t)(p - target) - 1);
			found = tree_glob(LIST_AT(*globs, const char *, i), part);
			free(part);
			if (found)
				return true;
		}
	}
	return false;
}

/* What is laid over a tree, or into an image, may take away what lies below. */
static bool is_removed(const struct check_view *v, const struct check_file *f)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if ((n == f->image || (check_ships(v, n) && check_ships(v, f->image) &&
				       v->ships[i] < v->ships[f->image->index])) &&
		    check_removes(n, f->target))
			return true;
	}
	return false;
}

static void drop_removed(struct check_view *v)
{
	size_t kept = 0;

	for (size_t i = 0; i < v->files.count; i++)
		if (!is_removed(v, &v->files.items[i]))
			v->files.items[kept++] = v->files.items[i];
	v->files.count = kept;
}

bool check_is_made(const struct check_view *v, const struct node *image, const char *path)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *rest = f->image == image ? str_skip(f->target, path) : NULL;

		if (rest && (!*rest || *rest == '/'))
			return true;
	}
	for (size_t i = 0; i < v->links.count; i++)
		if (v->links.items[i].image == image && str_eq(v->links.items[i].target, path))
			return true;
	return false;
}

int check_files_gather(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (read_image(v, n, err) < 0)
			return -1;
		if (has_steps(n) && check_ships(v, n) && read_steps(v, n, err) < 0)
			return -1;
		if (n->recipe->kind == &kind_bundle)
			read_hooks(v, n);
	}
	drop_removed(v);
	return 0;
}
