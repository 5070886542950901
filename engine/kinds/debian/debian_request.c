/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a debian node asks for: its packages, archives and base, and the digest of it all. */
#include <string.h>

#include "base/path.h"
#include "kinds/debian/build_depends.h"

/* ---- the words of `packages:` ---- */

/* Debian Policy 5.6.1; apt would take more for a name than that: options, files, patterns. */
static bool is_package_name(const char *s)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789") &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == strlen(s) &&
	       !str_ends(s, "-") && strlen(s) > 1;
}

static bool is_word(const char *s, const char *more)
{
	for (const char *p = s; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr(more, *p)))
			return false;
	return *s && *s != '-';
}

int package_word_parse(struct arena *arena, const char *text, struct package_word *ret)
{
	size_t n = strcspn(text, "/=");
	struct package_word w = {.name = arena_strndup(arena, text, n)};

	if (text[n] == '/')
		w.suite = arena_strdup(arena, text + n + 1);
	else if (text[n] == '=')
		w.version = arena_strdup(arena, text + n + 1);
	if (!is_package_name(w.name) || (w.suite && !is_word(w.suite, "-._/")) ||
	    (w.version && !is_word(w.version, "+-.:~")))
		return 1;
	*ret = w;
	return 0;
}

/* ---- archives ---- */

int debian_archives(const struct project *p, const struct debian_opts *o, struct list *ret,
		    struct arena *arena, struct err **err)
{
	const struct archive **out = arena_alloc(arena, (p->archives.count + 1) * sizeof(*out));
	size_t n = 0;

	for (size_t i = 0; i < p->archives.count; i++) {
		const struct archive *a = LIST_AT(p->archives, const struct archive *, i);
		bool wanted = o->archives.count == 0;

		for (size_t k = 0; k < o->archives.count; k++)
			wanted |= str_eq(LIST_AT(o->archives, const char *, k), a->alias);
		if (wanted)
			out[n++] = a;
	}
	if (n == 0 || n < o->archives.count) /* the recipe's check says it with its place */
		return err_set(err, E_UNKNOWN_ARCHIVE,
			       "recipes/project.yaml lacks an archive of this node");
	*ret = (struct list){out, n};
	return 0;
}

struct lock_archive debian_archive_of(const struct archive *a)
{
	return (struct lock_archive){
		.alias = a->alias,
		.suite = a->suites.count ? LIST_AT(a->suites, const char *, 0) : "-",
		.own_keys = a->keyring != NULL,
		.valid_until_ignored = a->valid_until == VALID_UNTIL_IGNORE,
	};
}

static const char *join(struct arena *arena, const struct list *words)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < words->count; i++)
		str_printf(&s, "%s%s", i ? "," : "", LIST_AT(*words, const char *, i));
	return arena_strdup(arena, s.len ? s.buf : "-");
}

int debian_archive_record(struct arena *arena, const struct project *p, const struct archive *a,
			  struct lock_archive *ret, struct err **err)
{
	struct lock_archive record = debian_archive_of(a);

	record.suites = join(arena, &a->suites);
	record.components = join(arena, &a->components);
	record.keys = "debian";
	if (a->keyring) {
		char *path cleanup_free = path_join(p->dir, a->keyring->text);
		struct digest d;
		char hex[DIGEST_HEX + 1];

		if (digest_file(path, &d, err) < 0)
			return err_wrap(err, "keyring of archive '%s'", a->alias);
		record.keys = arena_strdup(arena, digest_hex(&d, hex));
	}
	*ret = record;
	return 0;
}

/* ---- the node it builds on ---- */

int debian_base(struct arena *arena, const struct project *p, const struct debian_opts *o,
		const char **ret_node, const struct debian_opts **ret_opts, struct err **err)
{
	const char *text = o->from->text;
	const char *node = arena_strndup(arena, text, strcspn(text, ":"));
	const struct recipe *r = map_get(&p->recipes, node);

	if (!r || !str_eq(r->kind->name, "debian"))
		return err_at(err, E_WRONG_KIND, o->from->pos,
			      "'%s' is not a node of kind 'debian'", text);
	*ret_node = node;
	*ret_opts = r->opts;
	return 0;
}

int debian_read_bases(struct arena *arena, const struct project *p, const struct debian_opts *o,
		      struct debian_lock *ret, struct err **err)
{
	struct map seen cleanup_map = {0};

	while (o->from) {
		struct debian_lock one cleanup_lock = {0};
		const char *node;
		int r;

		if (debian_base(arena, p, o, &node, &o, err) < 0)
			return -1;
		r = debian_lock_read(arena, p, node, &one, err);
		if (r < 0)
			return -1;
		if (r == 1)
			return err_set(
				err, E_NOT_LOCKED,
				"'%s', which it builds on, is not locked: run 'orch lock %s' first",
				node, node);
		if (!ret->arch)
			ret->arch = one.arch;
		for (size_t i = 0; i < one.entries.count; i++)
			if (one.entries.items[i].type == LOCK_PACKAGE &&
			    !map_set(&seen, one.entries.items[i].name, &seen))
				lock_entries_push(&ret->entries, one.entries.items[i]);
	}
	return 0;
}

/* ---- the request ---- */

static void append_sorted(struct str *out, const char *what, const struct list *list)
{
	struct strv v cleanup_strv = {0};

	for (size_t i = 0; i < list->count; i++)
		strv_push(&v, LIST_AT(*list, const char *, i));
	strv_sort(&v);
	for (size_t i = 0; i < v.count; i++)
		str_printf(out, "%s %s\n", what, v.items[i]);
}

static void append_debs(struct str *out, const struct list *debs)
{
	struct strv v cleanup_strv = {0};

	for (size_t i = 0; i < debs->count; i++)
		strv_push(&v, LIST_AT(*debs, struct ref *, i)->text);
	strv_sort(&v);
	for (size_t i = 0; i < v.count; i++)
		str_printf(out, "deb %s\n", v.items[i]);
}

/* What makes the bytes of packages, and nothing else of a lock. */
static void append_pins(struct str *out, struct debian_lock *l)
{
	char hex[DIGEST_HEX + 1];

	debian_lock_sort(l);
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		str_printf(out, "pin %s %s %s %s\n", e->name, e->version, e->arch,
			   digest_hex(&e->sha256, hex));
	}
}

/* Of a source its archive says it, by the version that is pinned. */
static int append_builds(struct arena *arena, const struct project *p, const struct debian_opts *o,
			 struct str *out, struct err **err)
{
	append_sorted(out, "build", &o->build_depends);
	for (size_t i = 0; i < o->build_depends.count; i++) {
		const char *word = LIST_AT(o->build_depends, const char *, i), *fields;

		if (build_depends_of_source(o, word))
			continue;
		if (build_depends_read(arena, p, word, &fields, err) < 0)
			return -1;
		str_printf(out, "needs %s ", word);
		str_quote(out, fields);
		str_append_char(out, '\n');
	}
	return 0;
}

int debian_request(struct arena *arena, const struct project *p, const struct debian_opts *o,
		   struct digest *ret, struct err **err)
{
	struct debian_lock base cleanup_lock = {0};
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "orch-lock-request 2\narch %s\nrecommends %d\n", o->arch, o->recommends);
	append_sorted(&text, "package", &o->packages);
	append_debs(&text, &o->debs);
	append_sorted(&text, "source", &o->sources);
	if (append_builds(arena, p, o, &text, err) < 0)
		return -1;
	append_sorted(&text, "archive", &o->archives);
	if (o->from) {
		if (debian_read_bases(arena, p, o, &base, err) < 0)
			return -1;
		str_append(&text, "from\n");
		append_pins(&text, &base);
	}
	digest_data(text.buf, text.len, ret);
	return 0;
}
