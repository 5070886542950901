/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB as one file ('grub-mkimage') knows the commands and file systems of the modules that it was
 * given. A script that needs another one ends at the prompt.
 */
#include "check/grub.h"
#include "check/view.h"
#include "kinds/image/image.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p++)
		if ((p == text || strchr(" \t\n\"'=(,", p[-1])) &&
		    (!p[n] || strchr(" \t\n\"'\\;),", p[n])))
			return true;
	return false;
}

/* The program of a step that makes GRUB of a list of modules, or NULL. */
static const struct check_text *maker(const struct check_view *v)
{
	for (size_t i = 0; i < v->programs.count; i++) {
		const struct check_text *t = &v->programs.items[i];

		if (has_word(t->text, "grub-mkimage") && has_word(t->text, "normal"))
			return t;
	}
	return NULL;
}

/* Whether devices get modules as files, which GRUB loads when it needs them. */
static bool has_files(const struct check_view *v)
{
	for (size_t i = 0; i < v->files.count; i++)
		if (check_ships(v, v->files.items[i].image) &&
		    (str_ends(v->files.items[i].target, ".mod") ||
		     str_ends(v->files.items[i].target, "/command.lst")))
			return true;
	return false;
}

static const char *module_of(const char *command)
{
	static const struct {
		const char *command, *module;
	} modules[] = {
		{"[", "test"},
		{"test", "test"},
		{"regexp", "regexp"},
		{"eval", "eval"},
		{"echo", "echo"},
		{"sleep", "sleep"},
		{"reboot", "reboot"},
		{"halt", "halt"},
		{"load_env", "loadenv"},
		{"save_env", "loadenv"},
		{"hashsum", "hashsum"},
		{"sha256sum", "hashsum"},
		{"sha512sum", "hashsum"},
		{"md5sum", "hashsum"},
		{"search.file", "search_fs_file"},
		{"search.fs_label", "search_label"},
		{"search.fs_uuid", "search_fs_uuid"},
		{"linux", "linux"},
		{"initrd", "linux"},
		{"search", "search"},
		{"probe", "probe"},
		{"loopback", "loopback"},
		{"configfile", "configfile"},
		{"true", "true"},
		{"false", "true"},
	};

	for (size_t i = 0; i < array_len(modules); i++)
		if (str_eq(modules[i].command, command))
			return modules[i].module;
	return NULL;
}

static const char *module_of_image(const struct node *n)
{
	static const char *const modules[] = {
		[IMAGE_FS_EXT4] = "ext2",   [IMAGE_FS_VFAT] = "fat",         [IMAGE_FS_XFS] = "xfs",
		[IMAGE_FS_BTRFS] = "btrfs", [IMAGE_FS_SQUASHFS] = "squash4",
	};
	const struct image_opts *o = n && n->recipe->kind == &kind_image ? n->recipe->opts : NULL;

	return o && (size_t)o->filesystem < array_len(modules) ? modules[o->filesystem] : NULL;
}

static void is_given(struct check_view *v, const struct check_text *t, const char *module,
		     struct pos pos, const char *what, const char *name)
{
	if (!has_word(t->text, module))
		check_say(v, CHECK_BOOT_PROMPT, pos,
			  "GRUB cannot %s '%s', and ends at its prompt: 'grub-mkimage' in %s is "
			  "given no module '%s'",
			  what, name, t->path, module);
}

/* Each command once. */
static void commands_are_known(struct check_view *v, const struct check_text *t,
			       const struct check_grub *s)
{
	struct conf_entries used = {0};

	grub_commands(v->arena, &s->lines, &used);
	for (size_t i = 0; i < used.count; i++) {
		const struct conf_entry *e = &used.items[i];
		const char *module = module_of(e->key);
		size_t k = 0;

		while (!str_eq(used.items[k].key, e->key))
			k++;
		if (module && k == i)
			is_given(v, t, module, e->pos, "do", e->key);
	}
	conf_entries_clear(&used);
}

/* The slots that it reads kernels from. */
static void slots_can_be_read(struct check_view *v, const struct check_text *t)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const struct check_partition *p = check_slot_partition(v, &v->system.items[i]);
		const char *module = p ? module_of_image(p->from) : NULL;

		if (module)
			is_given(v, t, module, p->pos, "read", p->name);
	}
}

int check_grub_module_rules(struct check_view *v, struct err **err)
{
	const struct check_text *t = maker(v);

	(void)err;
	if (!t || has_files(v))
		return 0;
	for (size_t i = 0; i < v->grubs.count; i++)
		commands_are_known(v, t, &v->grubs.items[i]);
	if (v->grubs.count)
		slots_can_be_read(v, t);
	return 0;
}
