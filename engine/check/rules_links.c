/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Symbolic links of the project that systemd or the C library follows on the device, such as
 * /etc/localtime: where they lead must be in the image, as must the directories that fstab mounts
 * on. What the project copies is known at once, the trees below it as soon as they are built.
 */
#include "base/path.h"
#include "check/foreign.h"
#include "media/tree/tree.h"

/* Whether somebody follows PATH who would silently do without: tzset(3), nss, ld.so, systemd. */
static bool is_needed(const char *path)
{
	static const char *const files[] = {"/etc/localtime", "/etc/nsswitch.conf",
					    "/etc/ld.so.conf", "/etc/hosts"};

	for (size_t i = 0; i < array_len(files); i++)
		if (str_eq(path, files[i]))
			return true;
	return str_skip(path, "/etc/systemd/") != NULL;
}

/* Made while the device runs; /dev/null masks a unit. */
static bool is_made_later(const char *path)
{
	static const char *const places[] = {"/dev/", "/proc/", "/run/",
					     "/sys/", "/tmp/",  "/var/run/"};

	for (size_t i = 0; i < array_len(places); i++)
		if (str_skip(path, places[i]))
			return true;
	return false;
}

/* Where LINK leads, absolute and without "..", as text; heap. */
static char *destination(const struct check_link *link)
{
	char *dir cleanup_free = path_dir(link->target);
	char *whole cleanup_free = path_join(dir, link->leads_to);
	struct str out cleanup_str = STR_INIT;
	char *save = NULL;

	for (char *part = strtok_r(whole, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (str_eq(part, "."))
			continue;
		if (str_eq(part, "..")) {
			const char *last = out.len ? strrchr(out.buf, '/') : NULL;

			out.len = last ? (size_t)(last - out.buf) : 0;
			if (out.buf)
				out.buf[out.len] = 0;
			continue;
		}
		str_printf(&out, "/%s", part);
	}
	return str_steal(&out);
}

/* Takes away what `remove:` of IMAGE does. */
static int remove_from(const struct node *image, struct tree *t, struct err **err)
{
	const struct list *globs = check_list(image, "remove", OPT_STRING);
	size_t count;

	for (size_t i = 0; i < globs->count; i++)
		if (tree_remove(t, LIST_AT(*globs, const char *, i), &count, err) < 0)
			return -1;
	return 0;
}

int check_read_trees(const struct check_view *v, const struct node *image, struct tree *t,
		     const struct node **ret_unbuilt, struct err **err)
{
	*ret_unbuilt = NULL;
	for (size_t i = 0; i < image->in.count; i++) {
		const struct node *from = image->in.items[i].from;

		for (size_t k = 0; from && k < from->outputs.count; k++) {
			const struct artifact *a;
			char *path cleanup_free = NULL;

			if (from->outputs.items[k].type != OUTPUT_TREE)
				continue;
			if (!v->store_dir || !from->record) {
				*ret_unbuilt = from;
				return 0;
			}
			a = &from->record->outputs[k];
			path = cas_path(v->store_dir, a->type, &a->digest);
			if (tree_read_tar(t, "/", path, TREE_FOLLOW | TREE_REPLACE, err) < 0)
				return -1;
		}
	}
	if (check_add_unpacked(v, image, t, ret_unbuilt, err) < 0 || *ret_unbuilt)
		return *ret_unbuilt ? 0 : -1;
	return remove_from(image, t, err);
}

int check_tree_has(const struct check_view *v, const struct node *image, const char *path,
		   const struct node **ret_unbuilt, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);

	*ret_unbuilt = NULL;
	if (check_is_made(v, image, path))
		return 1;
	if (check_read_trees(v, image, t, ret_unbuilt, err) < 0)
		return -1;
	return tree_resolve(t, path) != NULL;
}

static int check_link(struct check_view *v, const struct check_link *link, struct err **err)
{
	char *to cleanup_free = destination(link);
	struct tree *t cleanup_tree = NULL;
	const struct node *unbuilt;
	struct pos pos = {link->path, 1, 1};

	if (is_made_later(to) || check_is_made(v, link->image, to) ||
	    check_writes(v, link->image, to))
		return 0;
	t = tree_new(0, NULL);
	if (check_read_trees(v, link->image, t, &unbuilt, err) < 0)
		return -1;
	if (unbuilt)
		check_note(v, CHECK_DANGLING_LINK, pos,
			   "not checked until node '%s' is built: whether image '%s' has '%s'",
			   unbuilt->name, link->image->name, to);
	else if (!tree_resolve(t, to))
		check_say(v, CHECK_DANGLING_LINK, pos,
			  "'%s' leads to '%s', which image '%s' does not have: install the package "
			  "that brings it, or take the link out",
			  link->target, to, link->image->name);
	return 0;
}

/* Whether IMAGE has PLACE without its trees, or somebody can make it there. */
static bool place_is_made(const struct check_view *v, const struct node *image, const char *place)
{
	char *above cleanup_free = path_dir(place);

	return *place != '/' || check_is_made(v, image, place) || check_writes(v, image, place) ||
	       check_is_writable(v, above);
}

/* A root that stays read-only gets no directory for what fstab mounts later. */
static int places_are_there(struct check_view *v, const struct node *image, struct err **err)
{
	const struct conf_entry *root = check_read_only_root(v);
	struct tree *t cleanup_tree = tree_new(0, NULL);
	const struct node *unbuilt;

	if (!root || check_read_trees(v, image, t, &unbuilt, err) < 0)
		return root ? -1 : 0;
	for (size_t i = 0; i < v->fstab.count; i++) {
		const struct conf_entry *e = &v->fstab.items[i];
		const char *place = arena_strndup(v->arena, e->value, strcspn(e->value, " \t"));

		if (place_is_made(v, image, place) || (!unbuilt && tree_resolve(t, place)))
			continue;
		if (unbuilt) {
			check_note(v, CHECK_FSTAB_LINES, e->pos,
				   "not checked until node '%s' is built: whether image '%s' has "
				   "'%s' to mount on",
				   unbuilt->name, image->name, place);
			break;
		}
		check_say(v, CHECK_FSTAB_LINES, e->pos,
			  "image '%s' has no directory '%s' to mount this on, and the root slot "
			  "stays read-only (%s:%u): let the image have one",
			  image->name, place, root->pos.file, root->pos.line);
	}
	return 0;
}

int check_link_rules(struct check_view *v, struct err **err)
{
	const struct check_file *fstab = check_target_file(v, "/etc/fstab");

	for (size_t i = 0; i < v->links.count; i++)
		if (is_needed(v->links.items[i].target) &&
		    check_link(v, &v->links.items[i], err) < 0)
			return -1;
	return fstab ? places_are_there(v, fstab->image, err) : 0;
}
