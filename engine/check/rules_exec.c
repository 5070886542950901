/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The programs that the project's units start, and those that RAUC runs for its boot loader, are in
 * the image: looked at once the trees it is made of are built, without what it removes.
 */
#include "base/path.h"
#include "check/view.h"
#include "media/tree/tree.h"

/* The trees of one image, read when first asked for. */
struct image_tree {
	const struct node *image;
	struct tree *tree;
	const struct node *unbuilt;
};

static int read_image_tree(struct check_view *v, struct image_tree *t, const struct node *image,
			   struct err **err)
{
	if (t->image == image)
		return 0;
	tree_free(t->tree);
	t->tree = tree_new(0, NULL);
	t->image = image;
	return check_read_trees(v, image, t->tree, &t->unbuilt, err);
}

/* Whether T is a system at all, in which systemd starts units. */
static bool has_systemd(const struct image_tree *t)
{
	return !t->unbuilt && tree_resolve(t->tree, "/usr/lib/systemd/systemd");
}

/* Whether T, or the project, brings PATH. */
static bool has_program(const struct check_view *v, const struct image_tree *t, const char *path)
{
	return check_target_has(v, path) || tree_resolve(t->tree, path);
}

/* The program of a line "ExecStart=-/usr/bin/rauc status", in the arena; NULL: it has no path. */
static const char *program_of(const struct check_view *v, const char *value)
{
	value += strspn(value, "-@:+!|");
	return *value == '/' ? arena_strndup(v->arena, value, strcspn(value, " \t")) : NULL;
}

static int unit_starts(struct check_view *v, const struct check_file *f, struct image_tree *t,
		       struct err **err)
{
	struct conf_entries unit = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	for (size_t i = 0; rc == 0 && i < unit.count; i++) {
		const struct conf_entry *e = &unit.items[i];
		const char *program = str_skip(e->key, "Exec") ? program_of(v, e->value) : NULL;

		if (!program || strchr(program, '%'))
			continue;
		rc = read_image_tree(v, t, f->image, err);
		if (rc == 0 && has_systemd(t) && !has_program(v, t, program))
			check_say(v, CHECK_MISSING_PROGRAM, e->pos,
				  "image '%s' has no '%s': install the package that brings it, or "
				  "do not remove it",
				  f->image->name, program);
	}
	conf_entries_clear(&unit);
	return rc < 0 ? -1 : 0;
}

/* What RAUC runs to read and write the state of its boot loader. */
static int rauc_runs(struct check_view *v, const struct check_file *conf, struct image_tree *t,
		     struct err **err)
{
	static const struct {
		const char *loader, *program;
	} runs[] = {{"uboot", "fw_printenv"},
		    {"uboot", "fw_setenv"},
		    {"grub", "grub-editenv"},
		    {"efi", "efibootmgr"},
		    {"barebox", "barebox-state"}};
	static const char *const dirs[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin"};
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");

	if (!loader || read_image_tree(v, t, conf->image, err) < 0)
		return loader ? -1 : 0;
	for (size_t i = 0; has_systemd(t) && i < array_len(runs); i++) {
		bool found = !str_eq(runs[i].loader, loader->value);

		for (size_t k = 0; !found && k < array_len(dirs); k++) {
			char *path cleanup_free = path_join(dirs[k], runs[i].program);

			found = has_program(v, t, path);
		}
		if (!found)
			check_say(v, CHECK_MISSING_PROGRAM, loader->pos,
				  "image '%s' has no %s, by which RAUC chooses the slot: install "
				  "the package that brings it, or do not remove it",
				  conf->image->name, runs[i].program);
	}
	return 0;
}

int check_exec_rules(struct check_view *v, struct err **err)
{
	const struct check_file *conf = check_target_file(v, "/etc/rauc/system.conf");
	struct image_tree t = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && v->store_dir && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && check_is_unit(f))
			rc = unit_starts(v, f, &t, err);
	}
	if (rc == 0 && conf && v->store_dir)
		rc = rauc_runs(v, conf, &t, err);
	if (rc == 0 && t.image && t.unbuilt)
		check_note(v, CHECK_MISSING_PROGRAM, (struct pos){t.image->recipe->file, 1, 1},
			   "not checked until node '%s' is built: programs of packages",
			   t.unbuilt->name);
	tree_free(t.tree);
	return rc;
}
