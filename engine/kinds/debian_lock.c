/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lock file of a debian node: its text, and the request it answers. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian.h"
#include "kinds/lock.h"
#include "machine/sandbox.h"

#define MAX_LOCK (64 * 1024 * 1024)
#define WORDS 8

static const char *const type_names[] = {"package", "source", "tool"};

const char *debian_lock_path(struct arena *arena, const char *node)
{
	return arena_printf(arena, "recipes/%s.lock", node);
}

/* ---- reading ---- */

static bool is_name(const char *s)
{
	return *s &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-") ==
		       strlen(s);
}

static bool is_version(const char *s)
{
	return *s &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-:~") ==
		       strlen(s);
}

static int parse_entry(struct arena *arena, enum lock_type type, char *words[WORDS], size_t count,
		       struct lock_entry *e)
{
	const char *why;

	if (count != WORDS || !is_name(words[1]) || !is_name(words[2]) || !is_version(words[3]) ||
	    !is_name(words[4]) || !path_is_project(words[5], &why) ||
	    str_u64(words[6], &e->size) != 0 || digest_parse(words[7], &e->sha256) != 0)
		return 1;
	e->type = type;
	e->archive = arena_strdup(arena, words[1]);
	e->name = arena_strdup(arena, words[2]);
	e->version = arena_strdup(arena, words[3]);
	e->arch = arena_strdup(arena, words[4]);
	e->path = arena_strdup(arena, words[5]);
	return 0;
}

/* 0, or 1 when the line is none of a lock. */
static int parse_line(struct arena *arena, char *line, struct debian_lock *l)
{
	char *words[WORDS] = {0}, *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (n == WORDS)
			return 1;
		words[n++] = w;
	}
	if (n == 2 && str_eq(words[0], "request"))
		return digest_parse(words[1], &l->request);
	if (n == 2 && str_eq(words[0], "date"))
		return str_u64(words[1], &l->date);
	if (n == 2 && str_eq(words[0], "arch") && is_name(words[1])) {
		l->arch = arena_strdup(arena, words[1]);
		return 0;
	}
	if ((n == 3 || (n == 4 && str_eq(words[3], "own-keys"))) && str_eq(words[0], "archive") &&
	    is_name(words[1])) {
		lock_archives_push(&l->archives,
				   (struct lock_archive){arena_strdup(arena, words[1]),
							 arena_strdup(arena, words[2]), n == 4});
		return 0;
	}
	for (size_t i = 0; n && i < array_len(type_names); i++)
		if (str_eq(words[0], type_names[i]))
			return parse_entry(arena, (enum lock_type)i, words, n,
					   lock_entries_at_end(&l->entries));
	return 1;
}

int debian_lock_parse(struct arena *arena, const char *file, const char *text,
		      struct debian_lock *ret, struct err **err)
{
	struct debian_lock l cleanup_lock = {0};
	char *copy cleanup_free = xstrdup(text);
	char *next = copy;
	struct pos pos = {.file = file, .col = 1};

	while (next && *next) {
		char *line = strsep(&next, "\n");

		pos.line++;
		if (pos.line == 1 && !str_eq(line, "orch-lock 1"))
			return err_at(err, pos,
				      "no lock of this orch (its first line is not 'orch-lock 1'): "
				      "make it anew with 'orch lock'");
		if (pos.line == 1 || !*line || *line == '#')
			continue;
		if (parse_line(arena, line, &l) != 0)
			return err_at(
				err, pos,
				"malformed line; locks are not edited but made by 'orch lock'");
	}
	if (!l.arch || !l.date)
		return err_at(err, pos, "the lock is cut short: make it anew with 'orch lock'");
	*ret = l;
	l.entries = (struct lock_entries){0};
	l.archives = (struct lock_archives){0};
	return 0;
}

int debian_lock_read(struct arena *arena, const char *project_dir, const char *node,
		     struct debian_lock *ret, struct err **err)
{
	const char *file = debian_lock_path(arena, node);
	char *path cleanup_free = path_join(project_dir, file);
	struct str text cleanup_str = STR_INIT;

	if (!path_exists(path))
		return 1;
	if (file_read(path, MAX_LOCK, &text, err) < 0)
		return -1;
	return debian_lock_parse(arena, file, text.buf, ret, err);
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
	const struct lock_entry *x = a, *y = b;
	int c = (int)x->type - (int)y->type;

	if (!c)
		c = strcmp(x->name, y->name);
	if (!c)
		c = strcmp(x->arch, y->arch);
	return c ? c : strcmp(x->path, y->path);
}

static void sort_entries(struct debian_lock *l)
{
	if (l->entries.count)
		qsort(l->entries.items, l->entries.count, sizeof(*l->entries.items), by_name);
}

void debian_lock_format(struct debian_lock *l, struct str *ret)
{
	char hex[DIGEST_HEX + 1];

	sort_entries(l);
	str_append(
		ret,
		"orch-lock 1\n# Made by 'orch lock'; what the recipe's packages are, exactly.\n");
	str_printf(ret, "request %s\narch %s\ndate %llu\n", digest_hex(&l->request, hex), l->arch,
		   (unsigned long long)l->date);
	for (size_t i = 0; i < l->archives.count; i++)
		str_printf(ret, "archive %s %s%s\n", l->archives.items[i].alias,
			   l->archives.items[i].suite,
			   l->archives.items[i].own_keys ? " own-keys" : "");
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		str_printf(ret, "%s %s %s %s %s %s %llu %s\n", type_names[e->type], e->archive,
			   e->name, e->version, e->arch, e->path, (unsigned long long)e->size,
			   digest_hex(&e->sha256, hex));
	}
}

/*
 * A package is one line, a source package several with the same version: the first stands for all.
 */
static const struct lock_entry *find_entry(const struct debian_lock *l,
					   const struct lock_entry *like)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		if (e->type == like->type && str_eq(e->name, like->name) &&
		    str_eq(e->arch, like->arch))
			return e;
	}
	return NULL;
}

static bool is_repeated(const struct debian_lock *l, size_t i)
{
	return find_entry(l, &l->entries.items[i]) != &l->entries.items[i];
}

static uint64_t package_bytes(const struct debian_lock *l, size_t *ret_count)
{
	uint64_t bytes = 0;

	*ret_count = 0;
	for (size_t i = 0; i < l->entries.count; i++) {
		bytes += l->entries.items[i].size;
		*ret_count += !is_repeated(l, i);
	}
	return bytes;
}

void debian_lock_diff(struct debian_lock *old, struct debian_lock *now, struct str *ret)
{
	sort_entries(old);
	sort_entries(now);
	if (!old->entries.count) {
		size_t count;
		char *size cleanup_free = str_bytes(package_bytes(now, &count));

		str_printf(ret, "%zu packages, %s to download\n", count, size);
		return;
	}
	for (size_t i = 0; i < old->entries.count; i++) {
		const struct lock_entry *e = &old->entries.items[i];

		if (!is_repeated(old, i) && !find_entry(now, e))
			str_printf(ret, "- %s %s\n", e->name, e->version);
	}
	for (size_t i = 0; i < now->entries.count; i++) {
		const struct lock_entry *e = &now->entries.items[i];
		const struct lock_entry *was = find_entry(old, e);

		if (is_repeated(now, i))
			continue;
		if (!was)
			str_printf(ret, "+ %s %s\n", e->name, e->version);
		else if (!str_eq(was->version, e->version))
			str_printf(ret, "~ %s %s -> %s\n", e->name, was->version, e->version);
	}
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
		return err_set(err, ERR_USER, "recipes/project.yaml lacks an archive of this node");
	*ret = (struct list){out, n};
	return 0;
}

struct lock_archive debian_archive_of(const struct archive *a)
{
	return (struct lock_archive){
		.alias = a->alias,
		.suite = a->suites.count ? LIST_AT(a->suites, const char *, 0) : "-",
		.own_keys = a->keyring != NULL,
	};
}

static void append_archive(struct str *out, const struct archive *a)
{
	str_printf(out, "archive %s\n", a->alias);
	append_sorted(out, "suite", &a->suites);
	append_sorted(out, "component", &a->components);
	if (a->keyring)
		str_printf(out, "keyring %s\n", a->keyring->text);
}

int debian_base(struct arena *arena, const struct project *p, const struct debian_opts *o,
		const char **ret_node, const struct debian_opts **ret_opts, struct err **err)
{
	const char *text = o->from->text;
	const char *node = arena_strndup(arena, text, strcspn(text, ":"));
	const struct recipe *r = map_get(&p->recipes, node);

	if (!r || !str_eq(r->kind->name, "debian"))
		return err_at(err, o->from->pos, "'%s' is no node of kind 'debian'", text);
	*ret_node = node;
	*ret_opts = r->opts;
	return 0;
}

/* What the base is pinned to: its own packages and, by its request, those of its bases. */
static int append_base(struct arena *arena, const struct project *p, const struct debian_opts *o,
		       struct str *out, struct err **err)
{
	struct debian_lock base cleanup_lock = {0};
	struct str text cleanup_str = STR_INIT;
	const struct debian_opts *base_opts;
	const char *node;
	struct digest d;
	char hex[DIGEST_HEX + 1];
	int r;

	if (debian_base(arena, p, o, &node, &base_opts, err) < 0)
		return -1;
	r = debian_lock_read(arena, p->dir, node, &base, err);
	if (r < 0)
		return -1;
	if (r == 1)
		return err_set(err, ERR_USER,
			       "'%s', which it builds on, is not locked: run 'orch lock %s'", node,
			       node);
	debian_lock_format(&base, &text);
	digest_data(text.buf, text.len, &d);
	str_printf(out, "base %s\n", digest_hex(&d, hex));
	return 0;
}

int debian_request(struct arena *arena, const struct project *p, const struct debian_opts *o,
		   struct digest *ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct list archives;

	if (debian_archives(p, o, &archives, arena, err) < 0)
		return -1;
	str_printf(&text, "orch-lock-request 1\narch %s\nrecommends %d\n", o->arch, o->recommends);
	append_sorted(&text, "package", &o->packages);
	append_sorted(&text, "source", &o->sources);
	for (size_t i = 0; i < archives.count; i++)
		append_archive(&text, LIST_AT(archives, const struct archive *, i));
	if (o->from && append_base(arena, p, o, &text, err) < 0)
		return -1;
	digest_data(text.buf, text.len, ret);
	return 0;
}

/* ---- checking ---- */

bool lock_applies(const struct recipe *r)
{
	return str_eq(r->kind->name, "debian");
}

void lock_check(struct arena *arena, const struct project *p, const struct recipe *r,
		struct err_list *errors)
{
	struct debian_lock l cleanup_lock = {0};
	struct pos pos = {.file = r->file, .line = 1, .col = 1};
	struct err *err = NULL;
	struct digest request;
	int rc = debian_lock_read(arena, p->dir, r->name, &l, &err);

	if (rc == 1)
		err_list_at(errors, pos, "'%s' is not locked: run 'orch lock %s'", r->name,
			    r->name);
	if (rc == 0 && debian_request(arena, p, r->opts, &request, &err) == 0 &&
	    !digest_eq(&request, &l.request))
		err_list_at(errors, pos,
			    "%s does not answer this recipe any more (packages, architecture or "
			    "archives have changed): run 'orch lock %s'",
			    debian_lock_path(arena, r->name), r->name);
	if (err)
		err_list_add(errors, err);
}
