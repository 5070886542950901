/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts that are file systems: their packages, and their files of no package. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/str.h"
#include "evidence/bill_priv.h"
#include "kinds/kinds.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"

#define TEXT_MAX (64u << 20)
#define READ_BYTES (256 * 1024)
#define DPKG "var/lib/dpkg"

/* What lies in inode->user of a tree that is read. */
enum { NOBODYS, PACKAGED, COUNTED, COPIED };

/* The text of the file at PATH, links followed; heap, NULL: there is none. */
static char *text_at(const struct tree *t, const char *path)
{
	const struct tree_entry *e = tree_resolve(t, path);

	return e && S_ISREG(e->inode->mode) ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
}

/* ---- opening what a node made ---- */

int bill_open(struct bill_reading *r, const struct node *n, const struct artifact *a,
	      const char *path, struct look *l, struct err **err)
{
	char *file cleanup_free = cas_path(r->store_dir, a->type, &a->digest);
	char *dir cleanup_free = xasprintf("%s/%u", r->scratch, r->scratch_count++);

	if (!path_exists(file))
		return err_set(err, E_NO_RESULT,
			       "output '%s' of node '%s' is not in the store; 'orch build %s' "
			       "fetches or makes it",
			       a->name, n->name, n->name);
	if (path_mkdirs(dir, err) < 0)
		return -1;
	l->scratch = arena_strdup(r->bill->arena, dir);
	if (look_into(l, file, path, false, err) < 0)
		return err_wrap(err, "node '%s': '%s'", n->name, a->name);
	return 0;
}

/* ---- the database of dpkg ---- */

static const char *field_of(struct arena *arena, const char *stanza, const char *name)
{
	char *value cleanup_free = deb_field(stanza, name);

	return value && *value ? arena_strdup(arena, value) : NULL;
}

/* "Static-" has what is in the program in any case, the other what must be kept, too. */
static const char *built_using(struct arena *arena, const char *stanza)
{
	const char *kept = field_of(arena, stanza, "Built-Using");
	const char *linked = field_of(arena, stanza, "Static-Built-Using");

	return kept && linked ? arena_printf(arena, "%s, %s", kept, linked) : kept ? kept : linked;
}

/* Whether files of it are there: unpacked, or waiting for triggers, too. */
static bool is_there_at_all(const char *stanza)
{
	char *status cleanup_free = deb_field(stanza, "Status");

	return status && !str_ends(status, " not-installed") && !str_ends(status, " config-files");
}

static void push_package(struct bill_reading *r, const char *stanza, struct bill_packages *ret)
{
	struct arena *arena = r->bill->arena;
	char *key cleanup_free = NULL;
	const struct digest *deb;
	struct deb_package d;
	struct bill_package p;

	if (deb_package_parse(arena, stanza, &d) || !is_there_at_all(stanza))
		return;
	p = (struct bill_package){.name = d.name,
				  .version = d.version,
				  .arch = d.arch,
				  .source = d.source,
				  .source_version = d.source_version,
				  .depends = d.depends,
				  .provides = d.provides,
				  .built_using = built_using(arena, stanza),
				  .maintainer = field_of(arena, stanza, "Maintainer"),
				  .homepage = field_of(arena, stanza, "Homepage")};
	key = xasprintf("%s %s %s", p.name, p.version, p.arch);
	deb = map_get(&r->debs, key);
	if (deb)
		p.deb = *deb;
	bill_packages_push(ret, p);
}

/* STATUS is changed. */
static void read_status(struct bill_reading *r, char *status, struct bill_packages *ret)
{
	char *stanza;

	while ((stanza = deb_next_stanza(&status)))
		push_package(r, stanza, ret);
}

/* ID and VERSION_CODENAME of os-release(5). */
static const char *release_word(struct arena *arena, const char *text, const char *key)
{
	for (const char *line = text; line && *line; line += *line == '\n') {
		const char *value = str_skip(line, key);

		if (value && *value == '=') {
			value += 1 + (value[1] == '"');
			return arena_strndup(arena, value, strcspn(value, "\"\r\n"));
		}
		line += strcspn(line, "\n");
	}
	return NULL;
}

static void read_release(struct arena *arena, const struct tree *t, struct bill_packages *ret)
{
	char *text cleanup_free = text_at(t, "etc/os-release");
	const char *vendor = release_word(arena, text, "ID");
	const char *codename = release_word(arena, text, "VERSION_CODENAME");

	for (size_t i = 0; i < ret->count; i++) {
		ret->items[i].vendor = vendor;
		ret->items[i].codename = codename;
	}
}

/* ---- who owns what ---- */

/* The text of P's list of files, which dpkg calls by name, or by name and architecture. */
static char *list_of(const struct tree *t, const struct bill_package *p)
{
	char *plain cleanup_free = xasprintf(DPKG "/info/%s.list", p->name);
	char *own cleanup_free = xasprintf(DPKG "/info/%s:%s.list", p->name, p->arch);
	char *text = text_at(t, own);

	return text ? text : text_at(t, plain);
}

/* Calls FN for each path of a list until it returns true; whether it has. TEXT is changed. */
typedef bool path_fn(void *arg, const char *path);
static bool each_path(char *text, path_fn *fn, void *arg)
{
	char *rest = text, *line;

	while (rest && (line = strsep(&rest, "\n"))) {
		if (*line && fn(arg, line))
			return true;
	}
	return false;
}

static bool mark_packaged(void *arg, const char *path)
{
	const struct tree_entry *e = tree_lookup(arg, path);

	if (e)
		e->inode->user = PACKAGED;
	return false;
}

/* Where dpkg has put files of packages that another one diverts: every second line of three. */
static void mark_diverted(struct tree *t)
{
	char *text cleanup_free = text_at(t, DPKG "/diversions");
	char *rest = text, *line;

	for (size_t i = 0; rest && (line = strsep(&rest, "\n")); i++) {
		if (i % 3 == 1)
			mark_packaged(t, line);
	}
}

static void mark_files(struct tree *t, const struct tree *database,
		       const struct bill_packages *packages)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = NOBODYS;
	for (size_t i = 0; i < packages->count; i++) {
		char *list cleanup_free = list_of(database, &packages->items[i]);

		each_path(list, mark_packaged, t);
	}
	mark_diverted(t);
}

/* ---- files of no package ---- */

static void hash_file(const struct tree_inode *inode, struct bill_file *f)
{
	struct hasher *sha256 = hasher_new(), *sha1 = hasher_new_sha1();
	char *buf cleanup_free = xmalloc(READ_BYTES);
	uint64_t at = 0;

	while (at < inode->size) {
		size_t n = inode->size - at < READ_BYTES ? (size_t)(inode->size - at) : READ_BYTES;

		tree_inode_read(inode, at, buf, n);
		hasher_update(sha256, buf, n);
		hasher_update(sha1, buf, n);
		at += n;
	}
	hasher_finish(sha256, &f->sha256);
	hasher_finish_sha1(sha1, &f->sha1);
}

static void push_files(struct bill_reading *r, struct tree *t, struct bill_files *ret)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		struct tree_inode *inode = entries[i]->inode;
		struct bill_file f = {.path = arena_strdup(r->bill->arena, entries[i]->path),
				      .size = inode->size};

		if (!S_ISREG(inode->mode) || inode->user != NOBODYS ||
		    str_skip(entries[i]->path, DPKG "/"))
			continue;
		inode->user = COUNTED; /* its other names are the same file */
		hash_file(inode, &f);
		bill_files_push(ret, f);
	}
}

/* ---- licences ---- */

static void read_licences(struct bill_reading *r, const struct tree *t, const struct tree *other,
			  struct bill_packages *packages)
{
	struct bill *b = r->bill;

	for (size_t i = 0; i < packages->count; i++) {
		struct bill_package *p = &packages->items[i];
		char *path cleanup_free = xasprintf("usr/share/doc/%s/copyright", p->name);
		char *text cleanup_free = text_at(t, path);

		if (!text && other)
			text = text_at(other, path);
		if (text)
			p->licence = copyright_expression(b->arena, text, &b->licences);
	}
}

/* ---- a tree that lacks the database ---- */

static bool is_tree_kind(const struct kind *k)
{
	return k == &kind_tree || k == &kind_debian || k == &kind_image;
}

static bool has_database(struct bill_reading *r, const struct node *n, struct look *l, bool *ret,
			 struct err **err)
{
	*ret = false;
	if (bill_open(r, n, &n->record->outputs[0], "", l, err) < 0)
		return false;
	*ret = l->tree && tree_resolve(l->tree, DPKG "/status");
	return true;
}

/* The nearest tree that N was made of and that has a database, opened as L: 0, 1 none has. */
static int find_database(struct bill_reading *r, const struct node *n, struct look *l,
			 const struct node **ret, struct err **err)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;
		bool found;
		int rc;

		if (!from || n->in.items[i].type == REF_INSIDE ||
		    !is_tree_kind(from->recipe->kind) || !from->record)
			continue;
		if (!has_database(r, from, l, &found, err))
			return -1;
		if (found) {
			*ret = from;
			return 0;
		}
		look_release(l);
		*l = (struct look){0};
		rc = find_database(r, from, l, ret, err);
		if (rc <= 0)
			return rc;
	}
	return 1;
}

static bool is_there(void *arg, const char *path)
{
	const struct tree_entry *e = tree_lookup(arg, path);

	return e && !S_ISDIR(e->inode->mode);
}

/* Drops packages of which no file is in T. */
static void keep_present(struct tree *t, const struct tree *database, struct bill_packages *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->count; i++) {
		char *list cleanup_free = list_of(database, &p->items[i]);

		if (each_path(list, is_there, t))
			p->items[kept++] = p->items[i];
	}
	p->count = kept;
}

/* ---- a tree ---- */

/* DATABASE has the database: T itself, or a tree that T was made of. */
static void read_tree(struct bill_reading *r, struct tree *t, const struct tree *database,
		      struct bill_part *part)
{
	char *status cleanup_free = text_at(database, DPKG "/status");
	struct bill_packages found = {0};

	if (status)
		read_status(r, status, &found);
	if (database != t)
		keep_present(t, database, &found);
	read_release(r->bill->arena, database, &found);
	read_licences(r, t, database == t ? NULL : database, &found);
	mark_files(t, database, &found);
	for (size_t i = 0; i < found.count; i++)
		bill_packages_push(&part->packages, found.items[i]);
	push_files(r, t, &part->files);
	bill_packages_clear(&found);
}

static int read_whole(struct bill_reading *r, struct bill_part *part, struct tree *t,
		      struct err **err)
{
	struct look other cleanup_look = {0};
	const struct node *from = NULL;
	int rc = 0;

	/* only what starts as a system does is one that lacks something */
	if (!tree_resolve(t, DPKG "/status") && tree_resolve(t, "usr/lib"))
		rc = find_database(r, part->node, &other, &from, err);
	if (rc < 0)
		return -1;
	part->packages_of = from ? from->name : part->packages_of;
	read_tree(r, t, from ? other.tree : t, part);
	return 0;
}

/* Of an image with partitions: each that can be looked into. */
static int read_partitions(struct bill_reading *r, struct bill_part *part, const struct artifact *a,
			   const struct gpt_parts *parts, struct err **err)
{
	for (size_t i = 0; i < parts->count; i++) {
		struct look l cleanup_look = {0};
		char *name cleanup_free = look_part_name(parts, i);
		char *path cleanup_free = xasprintf("%s/", name);

		if (bill_open(r, part->node, a, path, &l, err) < 0)
			return -1;
		if (l.tree && read_whole(r, part, l.tree, err) < 0)
			return -1;
	}
	return 0;
}

int bill_read_system(struct bill_reading *r, struct bill_part *part, struct err **err)
{
	const struct artifact *a = &part->node->record->outputs[0];
	struct look l cleanup_look = {0};
	int rc;

	if (bill_open(r, part->node, a, "", &l, err) < 0)
		return -1;
	if (l.disk)
		rc = read_partitions(r, part, a, &l.parts, err);
	else
		rc = l.tree ? read_whole(r, part, l.tree, err) : 1;
	return rc;
}

/* ---- something that was taken out of a tree ---- */

static bool is_inside(void *arg, const char *path)
{
	const char *top = arg, *rest = str_skip(path, top);

	return rest && (!*rest || *rest == '/' || str_ends(top, "/"));
}

static bool is_marked(void *arg, const char *path)
{
	const struct tree_entry *e = tree_lookup(arg, path);

	return e && e->inode->user == COPIED;
}

/* Adds to RET the packages of T whose lists have a path that FN takes. */
static void push_owners(struct bill_reading *r, const struct tree *t, path_fn *fn, void *arg,
			struct bill_packages *ret)
{
	char *status cleanup_free = text_at(t, DPKG "/status");
	struct bill_packages all = {0}, owners = {0};

	if (!status)
		return;
	read_status(r, status, &all);
	for (size_t i = 0; i < all.count; i++) {
		char *list cleanup_free = list_of(t, &all.items[i]);

		if (each_path(list, fn, arg))
			bill_packages_push(&owners, all.items[i]);
	}
	read_release(r->bill->arena, t, &owners);
	read_licences(r, t, NULL, &owners);
	for (size_t i = 0; i < owners.count; i++)
		bill_packages_push(ret, owners.items[i]);
	bill_packages_clear(&all);
	bill_packages_clear(&owners);
}

int bill_read_owners(struct bill_reading *r, const struct node *n, const struct artifact *a,
		     const char *path, struct bill_packages *ret, struct err **err)
{
	struct look l cleanup_look = {0};

	if (bill_open(r, n, a, "", &l, err) < 0)
		return -1;
	if (l.tree)
		push_owners(r, l.tree, is_inside, (void *)path, ret);
	return 0;
}

/* ---- whose a path is ---- */

struct sought {
	const struct tree *tree;
	const struct tree_entry *entry;
	char *from; /* it was put aside from there, where packages list it; or NULL */
	char *by;   /* the package that has its own file there, at FROM or here; or NULL */
};

static bool is_sought(void *arg, const char *path)
{
	const struct sought *s = arg;

	return s->from ? str_eq(path, s->from) : tree_lookup(s->tree, path) == s->entry;
}

/* Lines of three: from where, to where, by which package; ":" is a person. */
static void find_diversion(struct sought *s)
{
	char *text cleanup_free = text_at(s->tree, DPKG "/diversions");
	char *rest = text, *from, *to, *by;

	while (!s->by && rest && (from = strsep(&rest, "\n")) && (to = strsep(&rest, "\n")) &&
	       (by = strsep(&rest, "\n"))) {
		bool aside = tree_lookup(s->tree, to) == s->entry;

		if (!aside && tree_lookup(s->tree, from) != s->entry)
			continue;
		s->from = aside ? xstrdup(from) : NULL;
		s->by = xstrdup(by);
	}
}

bool bill_owners_of(struct bill_reading *r, const struct tree *t, const struct tree_entry *e,
		    struct bill_packages *ret)
{
	struct sought s = {.tree = t, .entry = e};
	struct bill_packages found = {0};

	if (!tree_resolve(t, DPKG "/status"))
		return false;
	find_diversion(&s);
	push_owners(r, t, is_sought, &s, &found);
	for (size_t i = 0; i < found.count; i++) {
		if (!s.by || str_eq(found.items[i].name, s.by) == !s.from)
			bill_packages_push(ret, found.items[i]);
	}
	bill_packages_clear(&found);
	free(s.from);
	free(s.by);
	return true;
}

/* ---- something that a step took out of a tree as it is ---- */

bool bill_same_bytes(const struct tree_inode *inode, const struct digest *d)
{
	struct bill_file f;

	hash_file(inode, &f);
	return digest_eq(&f.sha256, d);
}

/* Marks the files of T that are A, whose bytes are in FILE. */
static int mark_copies(struct tree *t, const struct artifact *a, const char *file, bool *ret_any,
		       struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	struct digest d;
	bool hashed = false;

	for (size_t i = 0; i < count; i++) {
		struct tree_inode *inode = entries[i]->inode;

		if (!S_ISREG(inode->mode) || inode->size != a->size || !a->size)
			continue;
		if (!hashed && digest_file(file, &d, err) < 0)
			return -1;
		hashed = true;
		if (bill_same_bytes(inode, &d)) {
			inode->user = COPIED;
			*ret_any = true;
		}
	}
	return 0;
}

int bill_read_copied(struct bill_reading *r, const struct node *n, const struct record *made,
		     struct bill_packages *ret, struct err **err)
{
	struct look l cleanup_look = {0};
	bool any = false;

	if (bill_open(r, n, &n->record->outputs[0], "", &l, err) < 0)
		return -1;
	if (!l.tree)
		return 0;
	for (size_t i = 0; i < made->output_count; i++) {
		const struct artifact *a = &made->outputs[i];
		char *file cleanup_free = cas_path(r->store_dir, a->type, &a->digest);

		if (path_exists(file) && mark_copies(l.tree, a, file, &any, err) < 0)
			return -1;
	}
	if (any)
		push_owners(r, l.tree, is_marked, l.tree, ret);
	return 0;
}
