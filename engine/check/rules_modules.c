/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists of kernel modules, of initramfs-tools and of systemd: the kernel has what they name, looked
 * at once a tree with it is in the store. mkinitramfs(8) leaves out what it does not find.
 */
#include <fnmatch.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/image/image.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "media/tree/tree.h"

#define MAX_TEXT_BYTES (16 * 1024 * 1024)

/* What a kernel has, by name, '-' written as '_'. */
struct modules {
	struct str names;      /* of modules, each after a space */
	char *aliases;         /* lines "alias PATTERN MODULE"; or NULL */
	struct str built_in;   /* what is built in, and its aliases, likewise */
	const char *directory; /* "usr/lib/modules/6.12.9-arm64" */
};

static void modules_clear(struct modules *m)
{
	str_release(&m->names);
	str_release(&m->built_in);
	free(m->aliases);
}
#define cleanup_modules __attribute__((cleanup(modules_clear)))

/* Adds " NAME" of ".../NAME.ko", whatever may follow, to NAMES. */
static void add_module(struct str *names, const char *path, size_t len)
{
	char *part cleanup_free = xstrndup(path, len);
	const char *name = path_base(part);
	const char *end = strstr(name, ".ko");

	if (!end)
		return;
	str_append_char(names, ' ');
	for (; name < end; name++)
		str_append_char(names, *name == '-' ? '_' : *name);
}

static void add_lines(struct modules *m, const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		add_module(&m->built_in, p, strcspn(p, "\n"));
}

/* modules.builtin.modinfo: "ext4.alias=fs-ext4", each ended by NUL. */
static void add_modinfo(struct modules *m, const struct tree_inode *inode)
{
	char *text cleanup_free = tree_inode_text(inode, MAX_TEXT_BYTES);

	for (size_t at = 0; text && at < inode->size; at += strlen(text + at) + 1) {
		const char *alias = strstr(text + at, ".alias=");

		if (alias)
			str_printf(&m->built_in, " %s", alias + strlen(".alias="));
	}
}

/* The file that depmod(8) or the kernel's package has written beside the modules. */
static void add_index(struct modules *m, const struct tree_entry *e)
{
	const char *name = path_base(e->path);
	char *text cleanup_free = NULL;

	if (str_eq(name, "modules.builtin.modinfo"))
		add_modinfo(m, e->inode);
	else if (str_eq(name, "modules.builtin") || str_eq(name, "modules.alias"))
		text = tree_inode_text(e->inode, MAX_TEXT_BYTES);
	if (!text)
		return;
	if (str_eq(name, "modules.builtin")) {
		add_lines(m, text);
	} else {
		free(m->aliases);
		m->aliases = steal_ptr(text);
	}
}

static void read_modules(const struct check_view *v, struct tree *t, struct modules *m)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_entry *e = entries[i];
		const char *below = strstr(e->path, "lib/modules/");

		if (!below || !S_ISREG(e->inode->mode))
			continue;
		below += strlen("lib/modules/");
		below += strcspn(below, "/");
		m->directory = arena_strndup(v->arena, e->path, (size_t)(below - e->path));
		add_module(&m->names, e->path, strlen(e->path));
		add_index(m, e);
	}
	str_append_char(&m->names, ' ');
	str_append_char(&m->built_in, ' ');
}

/* Whether a line "alias PATTERN MODULE" is about NAME. */
static bool has_alias(const struct modules *m, const char *name)
{
	for (const char *p = m->aliases; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *start = str_skip(p, "alias ");
		char *pattern cleanup_free = start ? xstrndup(start, strcspn(start, " \n")) : NULL;

		if (pattern && fnmatch(pattern, name, 0) == 0)
			return true;
	}
	return false;
}

static bool has_word(const struct str *words, const char *name)
{
	return check_word_in(words->buf, name, strlen(name));
}

static void kernel_has(struct check_view *v, const struct modules *m, const struct conf_entry *e,
		       const struct node *from)
{
	char *name cleanup_free = xstrdup(e->key);
	const char *near, *remedy;

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	if (has_word(&m->names, name) || has_word(&m->built_in, name) ||
	    has_word(&m->built_in, e->key) || has_alias(m, e->key))
		return;
	near = check_word_near(v, m->names.buf, name);
	remedy = near ? arena_printf(v->arena, "did you mean '%s'?", near)
		      : "take it out of the list, or a kernel's package that has it";
	check_say(v, CHECK_MISSING_MODULE, e->pos,
		  "/%s of node '%s' has no module '%s', which is left out without a word: %s",
		  m->directory, from->name, e->key, remedy);
}

/* An initramfs of nothing but this list mounts the root slot. */
static void root_is_mounted(struct check_view *v, const struct modules *m,
			    const struct conf_entries *lines, const char *path)
{
	const struct node *root = check_root_image(v);
	const struct image_opts *o =
		root && root->recipe->kind == &kind_image ? root->recipe->opts : NULL;
	const char *name = o && o->filesystem ? image_fs_words[o->filesystem] : NULL;
	struct pos pos;

	if (!name || has_word(&m->built_in, name))
		return;
	for (size_t i = 0; i < lines->count; i++)
		if (str_eq(lines->items[i].key, name))
			return;
	pos = recipe_pos(root->recipe, "filesystem");
	check_say(v, CHECK_MISSING_MODULE, (struct pos){path, 1, 1},
		  "the initramfs cannot mount the root slot, which is %s (%s:%u): the kernel does "
		  "not have that built in, and this list does not name it",
		  name, pos.file, pos.line);
}

/*
 * The list at PATH (FILLED is its text, where it is a filled template) is read with the kernel of
 * USER. WHOLE: an initramfs has no other modules.
 */
static int list_is_known(struct check_view *v, const char *path, const char *filled,
			 struct node *user, bool whole, struct err **err)
{
	struct conf_entries lines = {0};
	const struct node *from = NULL, *unbuilt = NULL;
	struct tree *t cleanup_tree = NULL;
	struct modules m cleanup_modules = {0};

	if (v->store_dir && check_find_kernel(v, user, &t, &from, &unbuilt, err) < 0)
		return -1;
	if (!t) {
		check_note(v, CHECK_MISSING_MODULE, (struct pos){path, 1, 1},
			   unbuilt ? "not checked until node '%s' is built: its kernel's modules"
				   : "not checked: nothing that node '%s' is made of has a kernel",
			   unbuilt ? unbuilt->name : user->name);
		return 0;
	}
	read_modules(v, t, &m);
	if (conf_read_table(v->arena, v->g->project->dir, path, filled, &lines, err) < 0)
		return -1;
	for (size_t i = 0; m.directory && i < lines.count; i++)
		if (lines.items[i].key[0] != ';')
			kernel_has(v, &m, &lines.items[i], from);
	if (whole && m.directory)
		root_is_mounted(v, &m, &lines, path);
	conf_entries_clear(&lines);
	return 0;
}

static bool is_list(const char *target)
{
	return str_eq(target, "/etc/modules") || str_eq(target, "/etc/initramfs-tools/modules") ||
	       (strstr(target, "/modules-load.d/") && str_ends(target, ".conf"));
}

/* The list beside CONF, an initramfs.conf, in the arena; NULL: it is no such file, or alone. */
static const char *list_beside(const struct check_view *v, const char *conf)
{
	char *dir cleanup_free = path_dir(conf), *list cleanup_free = path_join(dir, "modules");

	if (!str_eq(path_base(conf), "initramfs.conf"))
		return NULL;
	for (size_t i = 0; i < v->texts.count; i++)
		if (str_eq(v->texts.items[i].path, list))
			return v->texts.items[i].path;
	return NULL;
}

/* Whether PATH is INPUT, as a recipe writes it, or lies in it. */
static bool is_below(const char *path, const char *input)
{
	char *dir cleanup_free = path_normal(input);
	const char *rest = str_skip(path, dir);

	return rest && (!*rest || *rest == '/');
}

/* The steps that ship and take in PATH. */
static struct node *user_of(const struct check_view *v, const char *path)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		struct node *n = v->g->nodes.items[i];

		for (size_t k = 0; check_ships(v, n) && k < n->in.count; k++)
			if (n->in.items[k].path && is_below(path, n->in.items[k].path))
				return n;
	}
	return NULL;
}

int check_module_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && is_list(f->target) &&
		    list_is_known(v, f->path, f->filled, graph_node(v->g, f->image->name), false,
				  err) < 0)
			return -1;
	}
	for (size_t i = 0; i < v->texts.count; i++) {
		const char *text = v->texts.items[i].text;
		const char *list = list_beside(v, v->texts.items[i].path);
		struct node *user = list ? user_of(v, list) : NULL;

		if (user &&
		    list_is_known(v, list, NULL, user, strstr(text, "\nMODULES=list\n"), err) < 0)
			return -1;
	}
	return 0;
}
