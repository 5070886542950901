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

struct installed {
	const char *name, *arch, *version;
};
DEFINE_VEC(installed_list, struct installed)

static void list_packages(struct facts_of *f, struct installed_list *ret)
{
	char *text cleanup_free = text_at(f->t, "var/lib/dpkg/status");
	char *rest = text, *stanza;

	while (rest && (stanza = deb_next_stanza(&rest))) {
		struct deb_package p;

		if (!deb_package_parse(f->arena, stanza, &p) && is_there(stanza))
			installed_list_push(ret, (struct installed){p.name, p.arch, p.version});
	}
}

/* Which architecture is the system's own: the first that dpkg knows, else dpkg's, else any. */
static const char *own_arch(struct facts_of *f, const struct installed_list *list)
{
	char *text cleanup_free = text_at(f->t, "var/lib/dpkg/arch");
	const char *any = NULL;

	if (text && strcspn(text, "\n"))
		return arena_strndup(f->arena, text, strcspn(text, "\n"));
	for (size_t i = 0; i < list->count; i++) {
		const struct installed *p = &list->items[i];

		if (str_eq(p->name, "dpkg"))
			return p->arch;
		if (!str_eq(p->arch, "all") && (!any || strcmp(p->arch, any) < 0))
			any = p->arch;
	}
	return any;
}

/* One of an architecture that is not the system's own is called "libc6:armhf". */
static void gather_packages(struct facts_of *f)
{
	struct installed_list list = {0};
	const char *own;

	list_packages(f, &list);
	own = own_arch(f, &list);
	for (size_t i = 0; i < list.count; i++) {
		const struct installed *p = &list.items[i];
		bool plain = str_eq(p->arch, "all") || (own && str_eq(p->arch, own));

		put(f, plain ? p->name : arena_printf(f->arena, "%s:%s", p->name, p->arch),
		    p->version);
	}
	installed_list_clear(&list);
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

/* The next field of a line; "": it has no more. */
static char *next_field(char **line)
{
	char *field = strsep(line, ":");

	return field ? field : (char *)"";
}

/* Users and their passwords, of which the first line of a name counts. */
static void read_shadow(char *text, struct map *ret)
{
	char *line;

	while (text && (line = strsep(&text, "\n"))) {
		const char *name = next_field(&line);

		if (line && !map_get(ret, name))
			map_set(ret, name, next_field(&line));
	}
}

/* FIELD: of passwd, "x" where shadow has it. */
static const char *password_text(const struct map *shadow, const char *user, const char *field)
{
	if (str_eq(field, "x"))
		field = map_get(shadow, user);
	if (!field || *field == '*' || *field == '!')
		return "";
	return *field ? ", has a password" : ", no password needed";
}

/* "0" of "00". */
static const char *number_text(const char *field)
{
	while (*field == '0' && isdigit((unsigned char)field[1]))
		field++;
	return field;
}

static void put_user(struct facts_of *f, char *line, const struct map *shadow)
{
	const char *name = next_field(&line), *password = next_field(&line);
	const char *uid = number_text(next_field(&line)), *gid = next_field(&line);
	const char *home, *shell, *key = arena_printf(f->arena, "user %s", name);

	next_field(&line);
	home = next_field(&line);
	shell = next_field(&line);
	if (*uid && !map_get(f->ret, key))
		put(f, key,
		    arena_printf(f->arena, "%s:%s %s %s%s", uid, gid, home, shell,
				 password_text(shadow, name, password)));
}

static void gather_users(struct facts_of *f)
{
	char *secret cleanup_free = text_at(f->t, "etc/shadow");
	char *text cleanup_free = text_at(f->t, "etc/passwd"), *rest = text, *line;
	struct map shadow cleanup_map = {0};

	read_shadow(secret, &shadow);
	while (rest && (line = strsep(&rest, "\n")))
		put_user(f, line, &shadow);
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

/* The values of a word that is there several times, each with a space before it. */
struct word {
	struct str values;
};

static struct word *word_of(struct arena *arena, struct map *words, const char *name, size_t len)
{
	char *key cleanup_free = xstrndup(name, len);
	struct word *w = map_get(words, key);

	if (!w) {
		w = xcalloc(1, sizeof(*w));
		w->values = (struct str)STR_INIT;
		map_set(words, arena_strdup(arena, key), w);
	}
	return w;
}

/* Each word for itself: "console=ttyS0" is one called "console". */
static void take_arguments(struct arena *arena, struct map *words, const char *args)
{
	while (*(args += strspn(args, " \t\"'"))) {
		size_t len = strcspn(args, " \t\"'"), name = strcspn(args, "= \t\"'");
		struct word *w = word_of(arena, words, args, name < len ? name : len);
		char *value cleanup_free =
			name < len ? xstrndup(args + name + 1, len - name - 1) : xstrdup("set");

		if (!w->values.len || !str_eq(w->values.buf + 1, value))
			str_printf(&w->values, " %s", value);
		args += len;
	}
}

static void put_words(struct facts_of *f, const char *path, struct map *words)
{
	for (size_t i = 0; i < words->count; i++) {
		struct word *w = words->entries[i].value;

		put(f, arena_printf(f->arena, "/%s: %s", path, words->entries[i].key),
		    w->values.buf + 1);
		str_release(&w->values);
		free(w);
	}
}

static void gather_script(struct facts_of *f, const struct tree_entry *e, bool all)
{
	char *text cleanup_free = tree_inode_text(e->inode, 1 << 20), *rest, *line;
	size_t head =
		str_ends(e->path, ".scr") ? 72 : 0; /* U-Boot's header of an image, and sizes */
	struct map words cleanup_map = {0};

	if (!text || e->inode->size < head)
		return;
	for (rest = text + head; rest && (line = strsep(&rest, "\n"));) {
		const char *args = all ? line : arguments_in(line);

		if (args && *args != '#')
			take_arguments(f->arena, &words, args);
	}
	put_words(f, e->path, &words);
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
