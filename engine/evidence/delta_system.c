/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a root file system says of itself: each section is gathered from either side as texts by
 * name, and the texts are compared.
 */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "evidence/delta_priv.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"

#define TEXT_MAX (64u << 20)
#define SYSTEM_UNITS "usr/lib/systemd/system/"
#define OWN_UNITS "etc/systemd/system/"

struct facts_of {
	struct arena *arena;
	struct tree *t;
	struct map *ret; /* name -> const char * */
};

static char *text_at(const struct tree *t, const char *path)
{
	const struct tree_entry *e = tree_resolve(t, path);

	return e && S_ISREG(e->inode->mode) ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
}

static void put(struct facts_of *f, const char *name, const char *text)
{
	map_set(f->ret, arena_strdup(f->arena, name), arena_strdup(f->arena, text));
}

/* ---- packages ---- */

/* Installed in some way: files of it are there. */
static bool is_there(const char *stanza)
{
	char *status cleanup_free = deb_field(stanza, "Status");

	return status && !str_ends(status, " not-installed") && !str_ends(status, " config-files");
}

/* A second architecture of a package is called "libc6:armhf". */
static void gather_packages(struct facts_of *f)
{
	char *text cleanup_free = text_at(f->t, "var/lib/dpkg/status");
	char *rest = text, *stanza;

	while (rest && (stanza = deb_next_stanza(&rest))) {
		struct deb_package p;

		if (deb_package_parse(f->arena, stanza, &p) || !is_there(stanza))
			continue;
		put(f,
		    map_get(f->ret, p.name) ? arena_printf(f->arena, "%s:%s", p.name, p.arch)
					    : p.name,
		    p.version);
	}
}

static const char *package_change(const char *a, const char *b, bool *ret_alarm)
{
	int order = deb_version_compare(a, b);

	*ret_alarm = order > 0;
	return order < 0 ? "upgraded" : order > 0 ? "downgraded" : "changed";
}

/* ---- units ---- */

static bool is_unit(const char *name)
{
	static const char *const types[] = {".service", ".socket", ".timer",     ".target",
					    ".path",    ".mount",  ".automount", ".swap"};

	for (size_t i = 0; i < array_len(types); i++) {
		if (str_ends(name, types[i]) && !strchr(name, '/'))
			return true;
	}
	return false;
}

/* The unit that REST, "multi-user.target.wants/app.service", makes start; or NULL. */
static const char *wanted_unit(const char *rest)
{
	const char *slash = strchr(rest, '/');
	char *dir cleanup_free = slash ? xstrndup(rest, (size_t)(slash - rest)) : NULL;

	if (!dir || !(str_ends(dir, ".wants") || str_ends(dir, ".requires")))
		return NULL;
	return is_unit(slash + 1) ? slash + 1 : NULL;
}

static void raise_unit(struct facts_of *f, const char *unit, const char *state)
{
	static const char *const order[] = {"disabled", "wanted by others", "enabled", "masked"};
	const char *was = map_get(f->ret, unit);
	size_t old = 0, new = 0;

	for (size_t i = 0; i < array_len(order); i++) {
		if (was && str_eq(order[i], was))
			old = i;
		if (str_eq(order[i], state))
			new = i;
	}
	if (!was || new > old)
		put(f, unit, state);
}

static void note_unit(struct facts_of *f, const char *rest, const struct tree_inode *n, bool own)
{
	const char *wanted = wanted_unit(rest);
	bool masked = own && ((S_ISLNK(n->mode) && str_eq(n->target, "/dev/null")) ||
			      (S_ISREG(n->mode) && !n->size));

	if (wanted)
		raise_unit(f, wanted, own ? "enabled" : "wanted by others");
	else if (is_unit(rest))
		raise_unit(f, rest,
			   masked                    ? "masked"
			   : own && S_ISLNK(n->mode) ? "enabled"
						     : "disabled");
}

static void gather_units(struct facts_of *f)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(f->t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *path = entries[i]->path;
		const char *own = str_skip(path, OWN_UNITS), *theirs = str_skip(path, SYSTEM_UNITS);

		if (!own && !theirs)
			theirs = str_skip(path, &SYSTEM_UNITS[strlen("usr/")]);
		if ((own || theirs) && !S_ISDIR(entries[i]->inode->mode))
			note_unit(f, own ? own : theirs, entries[i]->inode, own != NULL);
	}
}

/* ---- users and groups ---- */

/* What follows the first ':' of the line that begins with NAME; or NULL. Points into TEXT. */
static const char *line_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p += p != NULL) {
		if (!strncmp(p, name, len) && p[len] == ':')
			return p + len + 1;
	}
	return NULL;
}

static const char *password_text(const char *shadow, const char *user)
{
	const char *field = line_of(shadow, user);

	if (!field)
		return "";
	if (*field == ':')
		return ", no password needed";
	return *field == '*' || *field == '!' ? "" : ", has a password";
}

static void gather_users(struct facts_of *f)
{
	char *shadow cleanup_free = text_at(f->t, "etc/shadow");
	char *text cleanup_free = text_at(f->t, "etc/passwd"), *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		char *field[7];
		size_t n = 0;

		while (n < array_len(field) && (field[n] = strsep(&line, ":")))
			n++;
		if (n == array_len(field))
			put(f, arena_printf(f->arena, "user %s", field[0]),
			    arena_printf(f->arena, "%s:%s %s %s%s", field[2], field[3], field[5],
					 field[6], password_text(shadow, field[0])));
	}
}

static void gather_accounts(struct facts_of *f)
{
	char *text cleanup_free = text_at(f->t, "etc/group"), *rest = text, *line;

	gather_users(f);
	while (rest && (line = strsep(&rest, "\n"))) {
		char *name = strsep(&line, ":"), *gid;

		if (!strsep(&line, ":") || !(gid = strsep(&line, ":")))
			continue;
		put(f, arena_printf(f->arena, "group %s", name),
		    arena_printf(f->arena, "%s %s", gid, line ? line : ""));
	}
}

/* Another root, or who comes in without a password. */
static bool account_alarm(const char *name, const char *a, const char *b)
{
	static const char open[] = "no password needed", has[] = "has a password";

	if (!b || !str_skip(name, "user "))
		return false;
	if (str_skip(b, "0:") && !(a && str_skip(a, "0:")))
		return true;
	return (str_ends(b, open) && !(a && str_ends(a, open))) ||
	       (str_ends(b, has) && !(a && str_ends(a, has)));
}

/* ---- kernel ---- */

/* Of the last one, as names are sorted. */
static void gather_kernel(struct facts_of *f)
{
	char *text cleanup_free = NULL, *rest, *line;
	size_t count;
	struct tree_entry *const *entries = tree_entries(f->t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *release = str_skip(entries[i]->path, "boot/config-");

		if (!release || !S_ISREG(entries[i]->inode->mode))
			continue;
		free(text);
		text = tree_inode_text(entries[i]->inode, TEXT_MAX);
		put(f, "(release)", release);
	}
	for (rest = text; rest && (line = strsep(&rest, "\n"));) {
		char *value = strchr(line, '=');

		if (!str_skip(line, "CONFIG_") || !value)
			continue;
		*value++ = '\0';
		put(f, line, value);
	}
}

/* ---- what the boot loader hands the kernel ---- */

static bool is_word(const char *line, const char *word)
{
	const char *rest = str_skip(line, word);

	return rest && isspace((unsigned char)*rest);
}

/* The kernel's arguments in a line of a boot loader's script, or NULL. */
static const char *arguments_in(const char *line)
{
	static const char *const words[] = {"append", "options", "linux", "linuxefi", "APPEND"};
	const char *args;

	line += strspn(line, " \t");
	for (size_t i = 0; i < array_len(words); i++) {
		if (is_word(line, words[i]))
			return line + strlen(words[i]);
	}
	args = str_skip(line, "setenv bootargs");
	if (!args)
		args = str_skip(line, "env set bootargs");
	return args ? args : str_skip(line, "bootargs=");
}

/* Each word for itself: "console=ttyS0" is one called "console". */
static void put_arguments(struct facts_of *f, const char *path, const char *args)
{
	while (*(args += strspn(args, " \t\"'"))) {
		size_t len = strcspn(args, " \t\"'"), name = strcspn(args, "= \t\"'");
		const char *key = arena_printf(f->arena, "/%s: %.*s", path,
					       (int)(name < len ? name : len), args);
		const char *was = map_get(f->ret, key);
		const char *value =
			name < len ? arena_strndup(f->arena, args + name + 1, len - name - 1)
				   : "set";

		put(f, key,
		    was && !str_eq(was, value) ? arena_printf(f->arena, "%s %s", was, value)
					       : value);
		args += len;
	}
}

static void gather_script(struct facts_of *f, const struct tree_entry *e, bool all)
{
	char *text cleanup_free = tree_inode_text(e->inode, 1 << 20), *rest, *line;
	size_t head =
		str_ends(e->path, ".scr") ? 72 : 0; /* U-Boot's header of an image, and sizes */

	if (!text || e->inode->size < head)
		return;
	for (rest = text + head; rest && (line = strsep(&rest, "\n"));) {
		const char *args = all ? line : arguments_in(line);

		if (args && *args != '#')
			put_arguments(f, e->path, args);
	}
}

static void gather_boot(struct facts_of *f)
{
	static const char *const names[] = {"extlinux.conf", "grub.cfg", "boot.scr"};
	size_t count;
	struct tree_entry *const *entries = tree_entries(f->t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_entry *e = entries[i];
		const char *name = path_base(e->path);
		bool script = strstr(e->path, "loader/entries/") != NULL;

		if (!S_ISREG(e->inode->mode) || str_skip(e->path, "usr/"))
			continue;
		for (size_t k = 0; k < array_len(names); k++)
			script |= str_eq(name, names[k]);
		if (str_eq(name, "cmdline.txt") || str_eq(e->path, "etc/kernel/cmdline"))
			gather_script(f, e, true);
		else if (script)
			gather_script(f, e, false);
	}
}

/* ---- comparing ---- */

struct section {
	enum delta_section section;
	void (*gather)(struct facts_of *f);
};
static const struct section sections[] = {
	{DELTA_PACKAGES, gather_packages}, {DELTA_UNITS, gather_units},
	{DELTA_ACCOUNTS, gather_accounts}, {DELTA_BOOT, gather_boot},
	{DELTA_KERNEL, gather_kernel},
};

static void compare(struct delta_part *p, enum delta_section section, const char *name,
		    const char *a, const char *b)
{
	bool alarm = section == DELTA_ACCOUNTS && account_alarm(name, a, b);
	const char *change = !a ? "added" : !b ? "removed" : "changed";
	struct delta_row *row;

	if (a && b && str_eq(a, b))
		return;
	if (a && b && section == DELTA_PACKAGES)
		change = package_change(a, b, &alarm);
	row = delta_add(p, section, name, change);
	row->before = a;
	row->after = b;
	row->alarm = alarm;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct delta_row *)a)->name, ((const struct delta_row *)b)->name);
}

void delta_system(struct delta_part *p, struct arena *arena, struct tree *before,
		  struct tree *after)
{
	for (size_t i = 0; i < array_len(sections); i++) {
		struct map a cleanup_map = {0}, b cleanup_map = {0};
		struct delta_rows *rows = &p->rows[sections[i].section];

		sections[i].gather(&(struct facts_of){arena, before, &a});
		sections[i].gather(&(struct facts_of){arena, after, &b});
		for (size_t k = 0; k < b.count; k++)
			compare(p, sections[i].section, b.entries[k].key,
				map_get(&a, b.entries[k].key), b.entries[k].value);
		for (size_t k = 0; k < a.count; k++) {
			if (!map_get(&b, a.entries[k].key))
				compare(p, sections[i].section, a.entries[k].key,
					a.entries[k].value, NULL);
		}
		if (rows->count)
			qsort(rows->items, rows->count, sizeof(*rows->items), by_name);
	}
}
