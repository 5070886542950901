/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * systemd units without systemctl: links are made from the unit's own [Install] section. A first
 * boot applies presets, which would enable what the recipe disables: a preset file keeps both
 * decisions.
 */
#include "kinds/tree/units.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"

#define MAX_UNIT (256 * 1024)
#define ETC_UNITS "/etc/systemd/system"
#define PRESETS "/etc/systemd/system-preset/00-image.preset"
#define MAX_ALSO 64

static const char *const unit_dirs[] = {ETC_UNITS, "/usr/local/lib/systemd/system",
					"/usr/lib/systemd/system", "/lib/systemd/system"};

/* What [Install] says. */
struct install {
	struct strv wanted, required, upheld, aliases, also;
	char *instance; /* DefaultInstance */
	bool present;
};

static void install_release(struct install *in)
{
	strv_clear(&in->wanted);
	strv_clear(&in->required);
	strv_clear(&in->upheld);
	strv_clear(&in->aliases);
	strv_clear(&in->also);
	free(in->instance);
}
#define cleanup_install __attribute__((cleanup(install_release)))

/* "getty@.service" for "getty@tty1.service", else NULL; caller frees. */
static char *template_of(const char *unit)
{
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	if (!at || !dot || dot < at || dot == at + 1)
		return NULL;
	return xasprintf("%.*s%s", (int)(at - unit + 1), unit, dot);
}

static struct tree_entry *find_named(struct tree *t, const char *unit, char **ret_path)
{
	for (size_t i = 0; i < array_len(unit_dirs); i++) {
		char *path cleanup_free = path_join(unit_dirs[i], unit);
		struct tree_entry *e = tree_resolve(t, path);

		if (!e || S_ISDIR(e->inode->mode))
			continue;
		*ret_path = steal_ptr(path);
		return e;
	}
	return NULL;
}

/* The unit of T that is written most alike, or NULL; of the tree. */
static const char *near_unit(struct tree *t, const char *unit)
{
	struct strs names = {0};
	size_t count;
	struct tree_entry *const *all = tree_entries(t, &count);
	const char *near;

	for (size_t i = 0; i < count; i++) {
		const char *path = all[i]->path, *name = path_base(path);
		size_t len = (size_t)(name - path);

		for (size_t k = 0; k < array_len(unit_dirs); k++)
			if (len == strlen(unit_dirs[k]) &&
			    strncmp(path, unit_dirs[k] + 1, len - 1) == 0)
				strs_push(&names, name);
	}
	near = str_nearest(unit, names.items, names.count);
	strs_clear(&names);
	return near;
}

/* The file of a unit and the path it is linked by; caller frees *ret_path. */
static int find_unit(struct tree *t, const char *unit, char **ret_path, struct tree_entry **ret,
		     struct err **err)
{
	char *template cleanup_free = template_of(unit);
	const char *near;

	if (strchr(unit, '/') || !strchr(unit, '.'))
		return err_set(err, E_INVALID_NAME,
			       "'%s' is not a unit name: write it with its suffix, 'app.service'",
			       unit);
	*ret = find_named(t, unit, ret_path);
	if (!*ret && template)
		*ret = find_named(t, template, ret_path);
	if (*ret)
		return 0;
	near = near_unit(t, unit);
	return err_set(err, E_UNKNOWN_UNIT,
		       "there is no unit '%s': %s%s%sinstall its package or copy it "
		       "to /etc/systemd/system",
		       unit, near ? "did you mean '" : "", near ? near : "",
		       near ? "'? Else " : "");
}

static void add_words(struct strv *to, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " \t");

		if (n)
			strv_printf(to, "%.*s", (int)n, text);
		text += n + strspn(text + n, " \t");
	}
}

static void install_line(struct install *in, const char *key, const char *value)
{
	static const char *const keys[] = {"WantedBy", "RequiredBy", "UpheldBy", "Alias", "Also"};
	struct strv *lists[] = {&in->wanted, &in->required, &in->upheld, &in->aliases, &in->also};

	if (str_eq(key, "DefaultInstance")) {
		free(in->instance);
		in->instance = xstrdup(value);
	}
	for (size_t i = 0; i < array_len(keys); i++) {
		if (!str_eq(key, keys[i]))
			continue;
		if (!*value)
			strv_clear(lists[i]);
		add_words(lists[i], value);
	}
}

static char *trim(char *s)
{
	char *end = s + strlen(s);

	s += strspn(s, " \t");
	while (end > s && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return s;
}

static void parse_install(char *text, struct install *ret)
{
	bool inside = false;

	for (char *line = text, *next; line && *line; line = next) {
		char *eq;

		next = strchr(line, '\n');
		while (next && next > line && next[-1] == '\\') { /* goes on in the next line */
			next[-1] = next[0] = ' ';
			next = strchr(next, '\n');
		}
		if (next)
			*next++ = '\0';
		line = trim(line);
		if (*line == '[')
			inside = str_eq(line, "[Install]");
		ret->present = ret->present || (inside && *line == '[');
		eq = strchr(line, '=');
		if (!inside || !eq || *line == '#' || *line == ';')
			continue;
		*eq = '\0';
		install_line(ret, trim(line), trim(eq + 1));
	}
}

/* %n, %p, %i and %% as far as [Install] uses them; NULL for another one. Caller frees. */
static char *expand(const char *word, const char *unit)
{
	struct str s cleanup_str = STR_INIT;
	const char *at = strchr(unit, '@'), *dot = strrchr(unit, '.');

	for (; *word; word++) {
		if (*word != '%') {
			str_append_char(&s, *word);
			continue;
		}
		switch (*++word) {
		case '%':
			str_append_char(&s, '%');
			break;
		case 'n':
			str_append(&s, unit);
			break;
		case 'p':
			str_append_len(&s, unit, (size_t)((at ? at : dot) - unit));
			break;
		case 'i':
		case 'I':
			if (at)
				str_append_len(&s, at + 1, (size_t)(dot - at - 1));
			break;
		default:
			return NULL;
		}
	}
	return str_steal(&s);
}

static int make_link(struct tree *t, const char *path, const char *target, struct err **err)
{
	struct tree_entry *there = tree_lookup(t, path);

	if (there && !S_ISLNK(there->inode->mode))
		return err_set(err, E_UNIT_NOT_ENABLED, "'%s' is in the way of a link: remove it",
			       path);
	return tree_add_symlink(t, path, target, err);
}

/* Links for each of WORDS: "WORD.SUFFIX/UNIT", or WORD itself without SUFFIX. */
static int make_links(struct tree *t, const struct strv *words, const char *suffix,
		      const char *unit, const char *target, struct err **err)
{
	for (size_t i = 0; i < words->count; i++) {
		char *word cleanup_free = expand(words->items[i], unit), *path cleanup_free = NULL;

		if (!word || strchr(word, '/'))
			return err_set(err, E_UNIT_NOT_ENABLED,
				       "unit '%s': cannot follow '%s' in its [Install] section",
				       unit, words->items[i]);
		path = suffix ? xasprintf(ETC_UNITS "/%s.%s/%s", word, suffix, unit)
			      : xasprintf(ETC_UNITS "/%s", word);
		if (!suffix && str_eq(word, unit))
			continue;
		if (make_link(t, path, target, err) < 0)
			return -1;
	}
	return 0;
}

static int enable(struct tree *t, const char *unit, struct strv *done, struct err **err);

static int enable_also(struct tree *t, const struct install *in, struct strv *done,
		       struct err **err)
{
	for (size_t i = 0; i < in->also.count; i++) {
		struct err *ignored cleanup_err = NULL;
		char *path cleanup_free = NULL;
		struct tree_entry *e;

		if (find_unit(t, in->also.items[i], &path, &e, &ignored) < 0)
			continue; /* as systemctl: companions may be missing */
		if (enable(t, in->also.items[i], done, err) < 0)
			return -1;
	}
	return 0;
}

/* "getty@tty1.service" for "getty@.service" with an instance; caller frees. */
static char *with_instance(const char *unit, const struct install *in)
{
	const char *at = strchr(unit, '@');

	if (!at || at[1] != '.' || !in->instance)
		return xstrdup(unit);
	return xasprintf("%.*s%s%s", (int)(at - unit + 1), unit, in->instance, at + 1);
}

static int enable_install(struct tree *t, const char *name, const char *path,
			  const struct install *in, struct err **err)
{
	char *unit cleanup_free = with_instance(name, in);

	if (make_links(t, &in->wanted, "wants", unit, path, err) < 0 ||
	    make_links(t, &in->required, "requires", unit, path, err) < 0 ||
	    make_links(t, &in->upheld, "upholds", unit, path, err) < 0)
		return -1;
	return make_links(t, &in->aliases, NULL, unit, path, err);
}

static int enable(struct tree *t, const char *unit, struct strv *done, struct err **err)
{
	struct install in cleanup_install = {0};
	char *path cleanup_free = NULL, *text cleanup_free = NULL;
	struct tree_entry *e;

	for (size_t i = 0; i < done->count; i++)
		if (str_eq(done->items[i], unit))
			return 0;
	if (done->count > MAX_ALSO)
		return err_set(err, E_UNIT_NOT_ENABLED,
			       "unit '%s' names too many others by Also=", unit);
	strv_push(done, unit);
	if (find_unit(t, unit, &path, &e, err) < 0)
		return -1;
	text = tree_inode_text(e->inode, MAX_UNIT);
	if (!text)
		return err_set(err, E_UNIT_NOT_ENABLED, "unit '%s' is masked or no file: '%s'",
			       unit, path);
	parse_install(text, &in);
	if (!in.present)
		return err_set(err, E_UNIT_NOT_ENABLED,
			       "unit '%s' has no [Install] section: there is nothing to enable "
			       "(it is started by others)",
			       unit);
	if (enable_install(t, unit, path, &in, err) < 0)
		return -1;
	return enable_also(t, &in, done, err);
}

/* Whether the link at PATH below /etc/systemd/system exists because UNIT was enabled. */
static bool is_link_of(const struct tree_entry *e, const char *unit)
{
	const char *rest = str_skip(e->path, ETC_UNITS "/" + 1), *slash;

	if (!rest || !S_ISLNK(e->inode->mode) || str_eq(e->inode->target, "/dev/null"))
		return false;
	slash = strchr(rest, '/');
	if (!slash) /* an alias */
		return str_eq(path_base(e->inode->target), unit);
	return str_eq(slash + 1, unit);
}

static int disable(struct tree *t, const char *unit, struct err **err)
{
	struct strv found cleanup_strv = {0};
	char *path cleanup_free = NULL;
	struct tree_entry *e;
	struct tree_entry *const *entries;
	size_t count, removed;

	if (find_unit(t, unit, &path, &e, err) < 0)
		return -1;
	entries = tree_entries(t, &count);
	for (size_t i = 0; i < count; i++)
		if (is_link_of(entries[i], unit))
			strv_printf(&found, "/%s", entries[i]->path);
	for (size_t i = 0; i < found.count; i++)
		if (tree_remove(t, found.items[i], &removed, err) < 0)
			return -1;
	return 0;
}

static int mask(struct tree *t, const char *unit, struct err **err)
{
	char *path cleanup_free = path_join(ETC_UNITS, unit);

	if (strchr(unit, '/') || !strchr(unit, '.'))
		return err_set(err, E_INVALID_NAME, "'%s' is not a unit name", unit);
	return make_link(t, path, "/dev/null", err);
}

static void preset_lines(struct str *s, const char *verb, const struct list *units)
{
	for (size_t i = 0; i < units->count; i++)
		str_printf(s, "%s %s\n", verb, LIST_AT(*units, const char *, i));
}

/* The first line that fits a unit counts: what a tree below decided comes after. */
static int write_presets(struct tree *t, const struct units *u, struct err **err)
{
	struct str s cleanup_str = STR_INIT;
	struct tree_entry *e = tree_resolve(t, PRESETS);
	char *earlier cleanup_free = e ? tree_inode_text(e->inode, MAX_UNIT) : NULL;

	if (!u->disable.count)
		return 0;
	str_append(&s, "# what the image's recipe decided; a first boot applies presets\n");
	preset_lines(&s, "enable", &u->enable);
	preset_lines(&s, "disable", &u->disable);
	if (earlier)
		str_append(&s, earlier);
	return tree_add_file(t, PRESETS, 0644, s.buf, s.len, err);
}

int units_apply(struct tree *t, const struct units *u, struct err **err)
{
	struct strv done cleanup_strv = {0};

	for (size_t i = 0; i < u->disable.count; i++)
		if (disable(t, LIST_AT(u->disable, const char *, i), err) < 0)
			return -1;
	for (size_t i = 0; i < u->enable.count; i++)
		if (enable(t, LIST_AT(u->enable, const char *, i), &done, err) < 0)
			return -1;
	for (size_t i = 0; i < u->mask.count; i++)
		if (mask(t, LIST_AT(u->mask, const char *, i), err) < 0)
			return -1;
	return write_presets(t, u, err);
}
