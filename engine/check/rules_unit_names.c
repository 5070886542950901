/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The units that the project's units name are there: systemd leaves out an order with one that it
 * does not have, and fails what requires it. The project's own are known at once, those of packages
 * as soon as the trees are built.
 */
#include "base/path.h"
#include "check/view.h"
#include "kinds/tree/units.h"
#include "media/tree/tree.h"

#define MAX_UNIT_BYTES (1u << 20)

/* A unit of the project, and what its image is made of. */
struct naming_unit {
	const struct check_file *file;
	struct tree *tree; /* NULL: not read yet */
	const struct node *unbuilt;
};

static bool names_units(const char *key)
{
	static const char *const keys[] = {"Requires", "Requisite", "BindsTo", "Wants",
					   "After",    "Before",    "PartOf"};

	for (size_t i = 0; i < array_len(keys); i++)
		if (str_eq(keys[i], key))
			return true;
	return false;
}

/* Of a kind that files make; mounts, devices and slices come from elsewhere, too. */
static bool is_file_unit(const char *name)
{
	static const char *const suffixes[] = {".service", ".target", ".socket", ".timer", ".path"};

	for (size_t i = 0; i < array_len(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return !strpbrk(name, "@%");
	return false;
}

/* The name of the unit that F is, or NULL. */
static const char *unit_name(const struct check_view *v, const struct check_file *f)
{
	char *dir cleanup_free = path_dir(f->target);

	if (!check_ships(v, f->image) || !str_ends(dir, "/systemd/system"))
		return NULL;
	return path_base(f->target);
}

/* Adds the names of the project's units to ALL. */
static bool project_has(const struct check_view *v, const char *name, struct strs *all)
{
	bool found = false;

	for (size_t i = 0; i < v->files.count; i++) {
		const char *is = unit_name(v, &v->files.items[i]);

		if (is)
			strs_push(all, is);
		found = found || (is && str_eq(is, name));
	}
	return found || check_unit_link(v, name);
}

/* Reads the unit NAME of the project, or of T; 1: neither has it. */
static int read_unit(struct check_view *v, struct tree *t, const char *name,
		     struct conf_entries *ret, struct err **err)
{
	char *path cleanup_free = xasprintf("usr/lib/systemd/system/%s", name);
	const struct tree_entry *e = t ? tree_resolve(t, path) : NULL;
	char *text cleanup_free = NULL;
	int rc = check_read_unit(v, name, ret, err);

	if (rc <= 0 || !e || !(text = tree_inode_text(e->inode, MAX_UNIT_BYTES)))
		return rc;
	conf_parse_ini(v->arena, path, text, ret);
	return 0;
}

/* Whether a unit that `units: enable` of N starts has the name Alias=NAME, too; or -1. */
static int enables_alias(struct check_view *v, const struct node *n, struct tree *t,
			 const char *name, struct err **err)
{
	const struct units *u = check_units_of(n);
	int found = 0;

	for (size_t i = 0; u && found == 0 && i < u->enable.count; i++) {
		const char *enabled = LIST_AT(u->enable, const char *, i);
		struct conf_entries unit = {0};

		if (read_unit(v, t, enabled, &unit, err) < 0)
			found = -1;
		else if (check_names_unit(&unit, "Alias", name))
			found = 1;
		conf_entries_clear(&unit);
	}
	return found;
}

static int is_alias(struct check_view *v, struct tree *t, const char *name, struct err **err)
{
	int found = 0;

	for (size_t i = 0; found == 0 && i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (check_ships(v, n))
			found = enables_alias(v, n, t, name, err);
	}
	return found;
}

static bool tree_has(struct tree *t, const char *name)
{
	static const char *const dirs[] = {"/usr/lib/systemd/system", "/lib/systemd/system",
					   "/etc/systemd/system"};

	for (size_t i = 0; i < array_len(dirs); i++) {
		char *path cleanup_free = path_join(dirs[i], name);

		if (tree_resolve(t, path))
			return true;
	}
	return false;
}

static int look_into_tree(struct check_view *v, struct naming_unit *u, struct err **err)
{
	if (u->tree)
		return 0;
	u->tree = tree_new(0, NULL);
	return check_read_trees(v, u->file->image, u->tree, &u->unbuilt, err);
}

/* E names the unit NAME. */
static int unit_is_there(struct check_view *v, struct naming_unit *u, const struct conf_entry *e,
			 const char *name, struct err **err)
{
	struct strs all = {0};
	bool found = project_has(v, name, &all);
	const char *near = found ? NULL : str_nearest(name, all.items, all.count);
	int alias;

	strs_clear(&all);
	if (found)
		return 0;
	if (look_into_tree(v, u, err) < 0)
		return -1;
	alias = is_alias(v, u->tree, name, err);
	if (alias)
		return alias < 0 ? -1 : 0;
	if (!u->unbuilt && (tree_has(u->tree, name) || !tree_has(u->tree, "sysinit.target")))
		return 0; /* or there is no systemd */
	if (!u->unbuilt || near)
		check_say(v, CHECK_MISSING_UNIT, e->pos, "there is no unit '%s'%s%s%s", name,
			  near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	else if (!v->noted[CHECK_MISSING_UNIT])
		check_note(v, CHECK_MISSING_UNIT, e->pos,
			   "not checked until node '%s' is built: units of packages, '%s' first",
			   u->unbuilt->name, name);
	return 0;
}

static int names_are_there(struct check_view *v, struct naming_unit *u, const struct conf_entry *e,
			   struct err **err)
{
	size_t n;

	for (const char *p = e->value; p += strspn(p, " "), (n = strcspn(p, " ")) > 0; p += n) {
		const char *name = arena_strndup(v->arena, p, n);

		if (is_file_unit(name) && unit_is_there(v, u, e, name, err) < 0)
			return -1;
	}
	return 0;
}

/* Units that a command of E names: "ExecStart=/usr/lib/edge-device/stays-up app.service 20". */
static int arguments_are_there(struct check_view *v, struct naming_unit *u,
			       const struct conf_entry *e, struct err **err)
{
	const char *p = e->value + strcspn(e->value, " ");
	size_t n;

	for (; p += strspn(p, " "), (n = strcspn(p, " ")) > 0; p += n) {
		const char *word = arena_strndup(v->arena, p, n);

		if (is_file_unit(word) && !strpbrk(word, "/*$\"'=;") &&
		    unit_is_there(v, u, e, word, err) < 0)
			return -1;
	}
	return 0;
}

/* Units that an option of fstab names: "x-systemd.requires=check-data.service". */
static int fstab_names(struct check_view *v, const struct conf_entry *e, struct naming_unit *u,
		       struct err **err)
{
	static const char *const options[] = {
		"x-systemd.requires=", "x-systemd.before=", "x-systemd.after=",
		"x-systemd.wanted-by=", "x-systemd.required-by="};

	for (size_t i = 0; i < array_len(options); i++) {
		for (const char *p = e->value; (p = strstr(p, options[i]));) {
			const char *name;

			p += strlen(options[i]);
			name = arena_strndup(v->arena, p, strcspn(p, ", \t"));
			if (is_file_unit(name) && unit_is_there(v, u, e, name, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int fstab_is_there(struct check_view *v, struct err **err)
{
	struct naming_unit u = {.file = check_target_file(v, "/etc/fstab")};
	int rc = 0;

	for (size_t i = 0; rc == 0 && u.file && i < v->fstab.count; i++)
		rc = fstab_names(v, &v->fstab.items[i], &u, err);
	tree_free(u.tree);
	return rc;
}

int check_unit_name_rules(struct check_view *v, struct err **err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < v->files.count; i++) {
		struct naming_unit u = {.file = &v->files.items[i]};
		struct conf_entries unit = {0};

		if (!unit_name(v, u.file))
			continue;
		rc = conf_read_ini(v->arena, v->g->project->dir, u.file->path, u.file->filled,
				   &unit, err);
		for (size_t k = 0; rc == 0 && k < unit.count; k++) {
			if (names_units(unit.items[k].key))
				rc = names_are_there(v, &u, &unit.items[k], err);
			else if (str_skip(unit.items[k].key, "Exec"))
				rc = arguments_are_there(v, &u, &unit.items[k], err);
		}
		conf_entries_clear(&unit);
		tree_free(u.tree);
	}
	return rc < 0 ? -1 : fstab_is_there(v, err);
}
