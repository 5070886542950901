/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dpkg's database inside a tree, as dpkg --unpack would leave it: /var/lib/dpkg. */
#include <string.h>
#include <sys/stat.h>

#include "media/deb_priv.h"

#define DB "var/lib/dpkg/"
#define MAX_DB (64 * 1024 * 1024)

struct package *merge_package(struct merge *m, const char *name, const char *version,
			      const char *base)
{
	struct package *p = xcalloc(1, sizeof(*p));

	p->name = xstrdup(name);
	p->version = xstrdup(version);
	p->base = xstrdup(base);
	packages_push(&m->packages, p);
	return p;
}

void merge_free(struct merge *m)
{
	for (size_t i = 0; i < m->packages.count; i++) {
		struct package *p = m->packages.items[i];

		free(p->name);
		free(p->version);
		free(p->base);
		free(p->replaces);
		strv_clear(&p->list);
		free(p);
	}
	packages_clear(&m->packages);
	map_clear(&m->claims);
	map_clear(&m->diversions);
	map_clear(&m->conffiles);
	str_release(&m->alias);
	str_release(&m->path);
	arena_free(m->arena);
}

static char *db_text(const struct merge *m, const char *path)
{
	struct tree_entry *e = tree_lookup(m->t, path);

	return e ? tree_inode_text(e->inode, MAX_DB) : NULL;
}

static int db_write(struct merge *m, const char *path, const char *data, size_t len,
		    struct err **err)
{
	return tree_add_file(m->t, path, 0644, data, len, err);
}

/* Appends to a file of the database, which may not exist yet. */
static int db_append(struct merge *m, const char *path, const char *text, struct err **err)
{
	char *old cleanup_free = db_text(m, path);
	struct str s cleanup_str = STR_INIT;

	str_append(&s, old ? old : "");
	str_append(&s, text);
	return db_write(m, path, s.buf, s.len, err);
}

/* ---- reading a base ---- */

static void load_list(struct merge *m, struct package *p)
{
	char *path cleanup_free = xasprintf(DB "info/%s.list", p->base);
	char *text cleanup_free = db_text(m, path);
	char *save = NULL;

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		const char *rel = l + strspn(l, "/");
		struct tree_entry *e = tree_lookup(m->t, rel);

		strv_push(&p->list, l);
		if (e && !S_ISDIR(e->inode->mode))
			merge_claim(m, p, rel, l);
	}
}

static void load_stanza(struct merge *m, const char *stanza)
{
	char *name cleanup_free = deb_field(stanza, "Package");
	char *version cleanup_free = deb_field(stanza, "Version");
	char *arch cleanup_free = deb_field(stanza, "Architecture");
	char *multi_arch cleanup_free = deb_field(stanza, "Multi-Arch");
	char *base cleanup_free = NULL;
	struct package *p;

	if (!name || !version || !arch)
		return;
	base = multi_arch && str_eq(multi_arch, "same") ? xasprintf("%s:%s", name, arch)
							: xstrdup(name);
	p = merge_package(m, name, version, base);
	p->replaces = deb_field(stanza, "Replaces");
	load_list(m, p);
}

/* Three lines each: the path, where it is diverted to, the package (or ":"). */
static void load_diversions(struct merge *m)
{
	char *text cleanup_free = db_text(m, DB "diversions");
	char *save = NULL;
	char *from = text ? strtok_r(text, "\n", &save) : NULL;

	while (from) {
		char *to = strtok_r(NULL, "\n", &save), *package = strtok_r(NULL, "\n", &save);
		struct diversion *d;

		if (!to || !package)
			return;
		d = arena_alloc(m->arena, sizeof(*d));
		d->to = arena_strdup(m->arena, to + strspn(to, "/"));
		d->package = arena_strdup(m->arena, package);
		map_set(&m->diversions, arena_strdup(m->arena, from + strspn(from, "/")), d);
		from = strtok_r(NULL, "\n", &save);
	}
}

int merge_load(struct merge *m, struct err **err)
{
	char *text cleanup_free = db_text(m, DB "status");

	if (!text)
		return err_set(err, ERR_BUILD, "the base's /var/lib/dpkg/status cannot be read");
	for (char *s = text; *s;) {
		char *end = strstr(s, "\n\n");

		if (end)
			end[1] = '\0';
		load_stanza(m, s);
		if (!end)
			break;
		s = end + 2;
	}
	load_diversions(m);
	return 0;
}

/* ---- writing ---- */

static void append_conffiles(struct str *out, const char *conffiles)
{
	char *copy cleanup_free = xstrdup(conffiles);
	char *save = NULL;

	str_append(out, "Conffiles:\n");
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (*l == '/')
			str_printf(out, " %s newconffile\n", l);
}

/* The control stanza with Status behind Package and Conffiles before Description. */
static void append_status(struct str *out, const struct deb *d)
{
	const char *conffiles = deb_script(d, "conffiles");
	bool listed = !conffiles || !strchr(conffiles, '/');

	for (const char *line = d->control; *line;) {
		size_t len = strcspn(line, "\n") + 1;

		if (!listed && str_skip(line, "Description:")) {
			append_conffiles(out, conffiles);
			listed = true;
		}
		str_append_len(out, line, len);
		if (str_skip(line, "Package:"))
			str_append(out, "Status: install ok unpacked\n");
		line += len;
	}
	if (!listed)
		append_conffiles(out, conffiles);
	str_append(out, "\n");
}

static int save_status(struct merge *m, struct err **err)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < m->packages.count; i++)
		if (m->packages.items[i]->deb)
			append_status(&s, m->packages.items[i]->deb);
	return db_append(m, DB "status", s.buf, err);
}

static int save_list(struct merge *m, const struct package *p, struct err **err)
{
	char *path cleanup_free = xasprintf(DB "info/%s.list", p->base);
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < p->list.count; i++)
		str_printf(&s, "%s\n", p->list.items[i]);
	return db_write(m, path, s.buf, s.len, err);
}

static int save_info(struct merge *m, const struct package *p, struct err **err)
{
	for (size_t i = 0; p->deb && i < p->deb->script_count; i++) {
		const struct deb_script *f = &p->deb->scripts[i];
		char *path cleanup_free = xasprintf(DB "info/%s.%s", p->base, f->name);

		if (tree_add_file(m->t, path, f->executable ? 0755 : 0644, f->text, f->len, err) <
		    0)
			return -1;
	}
	return p->deb || p->changed ? save_list(m, p, err) : 0;
}

/* ---- triggers ---- */

/* Whether any new package ships a path below PREFIX. */
static bool touches(const struct merge *m, const char *prefix)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < m->packages.count; i++) {
		const struct package *p = m->packages.items[i];

		for (size_t k = 0; p->deb && k < p->list.count; k++)
			if (strncmp(p->list.items[k], prefix, n) == 0 &&
			    (p->list.items[k][n] == '/' || !p->list.items[k][n]))
				return true;
	}
	return false;
}

/* What the new files pull of the triggers that packages of the base wait for. */
static int pull_file_triggers(struct merge *m, struct err **err)
{
	char *text cleanup_free = db_text(m, DB "triggers/File");
	struct str out cleanup_str = STR_INIT;
	char *save = NULL;

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l;
	     l = strtok_r(NULL, "\n", &save)) {
		l[strcspn(l, " ")] = '\0';
		if (touches(m, l))
			str_printf(&out, "%s -\n", l);
	}
	return out.len ? db_append(m, DB "triggers/Unincorp", out.buf, err) : 0;
}

static int save_interest(struct merge *m, const struct package *p, const char *trigger,
			 bool noawait, struct err **err)
{
	char *path cleanup_free = NULL, *line cleanup_free = NULL;

	if (*trigger == '/') {
		line = xasprintf("%s %s%s\n", trigger, p->base, noawait ? "/noawait" : "");
		return db_append(m, DB "triggers/File", line, err);
	}
	if (strchr(trigger, '/'))
		return err_set(err, ERR_BUILD, "package '%s' names a bad trigger '%s'", p->name,
			       trigger);
	path = xasprintf(DB "triggers/%s", trigger);
	line = xasprintf("%s%s\n", p->base, noawait ? "/noawait" : "");
	return db_append(m, path, line, err);
}

static int save_trigger_line(struct merge *m, const struct package *p, char *line, struct err **err)
{
	char *save = NULL, *verb, *trigger;

	line[strcspn(line, "#")] = '\0';
	verb = strtok_r(line, " \t", &save);
	trigger = verb ? strtok_r(NULL, " \t", &save) : NULL;
	if (!trigger)
		return 0;
	if (str_skip(verb, "interest"))
		return save_interest(m, p, trigger, str_eq(verb, "interest-noawait"), err);
	if (str_skip(verb, "activate") && m->has_base) {
		char *pulled cleanup_free = xasprintf("%s -\n", trigger);

		return db_append(m, DB "triggers/Unincorp", pulled, err);
	}
	return 0;
}

static int save_triggers(struct merge *m, const struct package *p, struct err **err)
{
	const char *text = p->deb ? deb_script(p->deb, "triggers") : NULL;
	char *copy cleanup_free = xstrdup(text ? text : "");
	char *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (save_trigger_line(m, p, l, err) < 0)
			return -1;
	return 0;
}

int merge_save(struct merge *m, struct err **err)
{
	static const char *const dirs[] = {"updates", "triggers", "alternatives", "parts"};
	static const char *const files[] = {"available", "diversions", "statoverride"};

	for (size_t i = 0; i < array_len(dirs); i++) {
		char *path cleanup_free = xasprintf(DB "%s", dirs[i]);

		if (!tree_lookup(m->t, path) && tree_add_dir(m->t, path, 0755, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < array_len(files); i++) {
		char *path cleanup_free = xasprintf(DB "%s", files[i]);

		if (!tree_lookup(m->t, path) && db_write(m, path, "", 0, err) < 0)
			return -1;
	}
	if (m->has_base && pull_file_triggers(m, err) < 0)
		return -1;
	for (size_t i = 0; i < m->packages.count; i++)
		if (save_info(m, m->packages.items[i], err) < 0 ||
		    save_triggers(m, m->packages.items[i], err) < 0)
			return -1;
	if (db_write(m, DB "info/format", "1\n", 2, err) < 0)
		return -1;
	return save_status(m, err);
}
