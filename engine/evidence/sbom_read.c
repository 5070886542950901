/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/sbom_read.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json_scan.h"
#include "base/map.h"
#include "base/path.h"
#include "base/str.h"

#define SPDX_END ".spdx.json"
#define CYCLONEDX_END ".cdx.json"
#define FILE_MAX (1u << 30)

/* 0, or 1: PURL is that of no Debian package with a version. */
static int read_purl(struct arena *arena, const char *purl, struct sbom_package *ret)
{
	return sbom_purl(arena, purl, ret) || !ret->version;
}

static bool is_source(const struct sbom_package *p)
{
	return p->arch && str_eq(p->arch, "source");
}

/* ---- SPDX ---- */

/* What a document says so far. */
struct reading {
	struct arena *arena;
	struct json_scan scan;
	struct sbom_document *doc;
	struct map spdx;             /* SPDXID -> struct sbom_package */
	struct json_slice relations; /* those that stood before the packages */
	bool is_spdx, is_cyclonedx, packages_read, relations_read, components_read, subject_read;
};

/* The text of a value, in the arena; NULL: it is none. */
static const char *text(struct reading *r)
{
	struct json_slice value;

	return json_text_of(&r->scan, &value) ? json_decoded(r->arena, value) : NULL;
}

/* The purl of an item of externalRefs. Returns whether it is of that type. */
static bool read_reference(struct reading *r, const char **ret)
{
	struct json_slice key, type = {0}, locator = {0};

	if (!json_enter(&r->scan, '{'))
		return false;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "referenceType"))
			json_text_of(&r->scan, &type);
		else if (json_is(key, "referenceLocator"))
			json_text_of(&r->scan, &locator);
		else
			json_skip(&r->scan);
	}
	if (!json_is(type, "purl"))
		return false;
	*ret = json_decoded(r->arena, locator);
	return true;
}

/* The first purl of externalRefs, or NULL. */
static const char *read_references(struct reading *r)
{
	const char *purl = NULL;
	bool found = false;

	if (!json_enter(&r->scan, '['))
		return NULL;
	while (json_item(&r->scan)) {
		if (found)
			json_skip(&r->scan);
		else
			found = read_reference(r, &purl);
	}
	return purl;
}

static void read_spdx_package(struct reading *r, bool first)
{
	const char *id = NULL, *purl = NULL, *version = NULL;
	struct sbom_package *p;
	struct json_slice key;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "SPDXID"))
			id = text(r);
		else if (json_is(key, "externalRefs"))
			purl = read_references(r);
		else if (first && json_is(key, "versionInfo"))
			version = text(r);
		else
			json_skip(&r->scan);
	}
	if (first)
		r->doc->version = version;
	p = arena_alloc(r->arena, sizeof(*p));
	if (id && read_purl(r->arena, purl, p) == 0)
		map_set(&r->spdx, id, p);
}

static void read_spdx_packages(struct reading *r)
{
	bool first = true;

	if (!json_enter(&r->scan, '['))
		return;
	for (; json_item(&r->scan); first = false)
		read_spdx_package(r, first);
}

static void take_source(struct reading *r, struct json_slice from, struct json_slice to)
{
	const char *package_id = json_decoded(r->arena, from),
		   *source_id = json_decoded(r->arena, to);
	struct sbom_package *package = package_id ? map_get(&r->spdx, package_id) : NULL;
	struct sbom_package *source = source_id ? map_get(&r->spdx, source_id) : NULL;

	if (!package || !source || !is_source(source))
		return;
	/* The first is its own, as the package URL may have said; others were built into it. */
	if (package->source != package->name && !(str_eq(package->source, source->source) &&
						  str_eq(package->source_version, source->version)))
		return;
	package->source = source->source;
	package->source_version = source->version;
	source->name = NULL; /* told by what was built of it */
}

static void read_relation(struct reading *r, struct json_scan *s)
{
	struct json_slice key, type = {0}, from = {0}, to = {0};

	if (!json_enter(s, '{'))
		return;
	while (json_key(s, &key)) {
		if (json_is(key, "relationshipType"))
			json_text_of(s, &type);
		else if (json_is(key, "spdxElementId"))
			json_text_of(s, &from);
		else if (json_is(key, "relatedSpdxElement"))
			json_text_of(s, &to);
		else
			json_skip(s);
	}
	if (json_is(type, "GENERATED_FROM"))
		take_source(r, from, to);
	else if (json_is(type, "GENERATES"))
		take_source(r, to, from);
}

static void read_relations(struct reading *r, struct json_scan *s)
{
	if (!json_enter(s, '['))
		return;
	while (json_item(s))
		read_relation(r, s);
}

/* They name packages, which may come later. */
static void keep_relations(struct reading *r)
{
	r->relations_read = r->packages_read;
	if (r->packages_read)
		read_relations(r, &r->scan);
	else
		r->relations = json_value(&r->scan);
}

static void finish_spdx(struct reading *r)
{
	struct json_scan later = json_scan(r->relations.at, r->relations.len);

	if (r->relations.at)
		read_relations(r, &later);
	r->scan.bad |= later.bad;
	sbom_packages_clear(&r->doc->packages);
	for (size_t i = 0; i < r->spdx.count; i++) {
		const struct sbom_package *p = r->spdx.entries[i].value;

		if (p->name)
			sbom_packages_push(&r->doc->packages, *p);
	}
}

/* ---- CycloneDX ---- */

static void read_component(struct reading *r);

static void read_components(struct reading *r)
{
	if (!json_enter(&r->scan, '['))
		return;
	while (json_item(&r->scan))
		read_component(r);
}

static void read_ancestor(struct reading *r, struct sbom_package *source)
{
	struct sbom_package p;
	struct json_slice key;
	const char *purl = NULL;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "purl"))
			purl = text(r);
		else
			json_skip(&r->scan);
	}
	if (read_purl(r->arena, purl, &p) == 0 && is_source(&p))
		*source = p;
}

static void read_pedigree(struct reading *r, struct sbom_package *source)
{
	struct json_slice key;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (!json_is(key, "ancestors")) {
			json_skip(&r->scan);
			continue;
		}
		if (!json_enter(&r->scan, '['))
			continue;
		while (json_item(&r->scan))
			read_ancestor(r, source);
	}
}

/* What it is made of comes before it. */
static void read_component(struct reading *r)
{
	struct sbom_package p, source = {0};
	const char *purl = NULL;
	struct json_slice key;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "purl"))
			purl = text(r);
		else if (json_is(key, "pedigree"))
			read_pedigree(r, &source);
		else if (json_is(key, "components"))
			read_components(r);
		else
			json_skip(&r->scan);
	}
	if (read_purl(r->arena, purl, &p))
		return;
	if (source.name) {
		p.source = source.name;
		p.source_version = source.version;
	}
	sbom_packages_push(&r->doc->packages, p);
}

static void read_subject(struct reading *r, struct sbom_document *about)
{
	struct json_slice key;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "name"))
			about->name = text(r);
		else if (json_is(key, "version"))
			about->version = text(r);
		else
			json_skip(&r->scan);
	}
}

static void read_metadata(struct reading *r, struct sbom_document *about)
{
	struct json_slice key;

	if (!json_enter(&r->scan, '{'))
		return;
	while (json_key(&r->scan, &key)) {
		if (json_is(key, "component"))
			read_subject(r, about);
		else
			json_skip(&r->scan);
	}
}

/* Drops source packages that are told by what was built of them. */
static void finish_cyclonedx(struct reading *r)
{
	struct sbom_packages *all = &r->doc->packages;
	struct map told cleanup_map = {0};
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct sbom_package *p = &all->items[i];

		if (!is_source(p))
			map_set(&told,
				arena_printf(r->arena, "%s %s", p->source, p->source_version),
				&told);
	}
	for (size_t i = 0; i < all->count; i++) {
		struct sbom_package p = all->items[i];
		char *key cleanup_free = xasprintf("%s %s", p.name, p.version);

		if (!is_source(&p) || !map_get(&told, key))
			all->items[kept++] = p;
	}
	all->count = kept;
}

/* ---- documents ---- */

static void read_member(struct reading *r, struct json_slice key, struct sbom_document *about)
{
	r->is_spdx |= json_is(key, "spdxVersion");
	r->is_cyclonedx |= json_is(key, "bomFormat");
	if (json_is(key, "name")) {
		r->doc->name = text(r);
	} else if (json_is(key, "packages")) {
		read_spdx_packages(r);
		r->packages_read = true;
	} else if (json_is(key, "relationships")) {
		keep_relations(r);
	} else if (json_is(key, "metadata")) {
		read_metadata(r, about);
		r->subject_read = true;
	} else if (json_is(key, "components")) {
		read_components(r);
		r->components_read = true;
	} else {
		json_skip(&r->scan);
	}
}

/* Nothing that counts is behind it: texts of licences may be half of a document. */
static bool is_complete(const struct reading *r)
{
	if (r->is_spdx)
		return r->doc->name && r->relations_read;
	return r->is_cyclonedx && r->subject_read && r->components_read;
}

/* Whether the document, of which not all was read, was at least written to its end. */
static bool is_whole(const struct reading *r)
{
	const char *end = r->scan.end;

	while (end > r->scan.at && strchr(" \r\n\t", end[-1]))
		end--;
	return !r->scan.bad && end > r->scan.at && end[-1] == '}';
}

/* ERR_USER: it is none. */
static int read_document(struct reading *r, struct err **err)
{
	struct sbom_document about = {0}, *doc = r->doc;
	struct json_slice key;

	if (json_enter(&r->scan, '{')) {
		while (!is_complete(r) && json_key(&r->scan, &key))
			read_member(r, key, &about);
	}
	if (r->is_spdx)
		finish_spdx(r);
	else
		finish_cyclonedx(r);
	if (is_complete(r) ? !is_whole(r) : !json_end(&r->scan))
		return err_set(err, E_BAD_BILL, "'%s': line %u: is not JSON", doc->path,
			       json_line(&r->scan));
	if (!r->is_spdx && !r->is_cyclonedx)
		return err_set(err, E_BAD_BILL,
			       "'%s' is not a bill of materials: neither SPDX 2 nor CycloneDX",
			       doc->path);
	if (!r->is_spdx) {
		doc->name = about.name;
		doc->version = about.version;
	}
	return 0;
}

int sbom_parse(struct arena *arena, const char *path, const char *json, size_t len,
	       struct sbom_document *ret, struct err **err)
{
	struct reading r = {.arena = arena, .scan = json_scan(json, len), .doc = ret};
	int rc;

	*ret = (struct sbom_document){.path = arena_strdup(arena, path)};
	rc = read_document(&r, err);
	map_clear(&r.spdx);
	if (rc < 0)
		sbom_packages_clear(&ret->packages);
	if (!ret->name)
		ret->name = ret->path;
	return rc;
}

/* ---- files ---- */

int sbom_read(struct arena *arena, const char *path, struct sbom_document *ret, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *json;
	int rc;

	*ret = (struct sbom_document){0};
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	json = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	rc = sbom_parse(arena, path, json, (size_t)st.st_size, ret, err);
	munmap(json, (size_t)st.st_size);
	return rc;
}

/* Whether PATH is the second of two documents about one result. */
static bool has_sister(const char *path)
{
	size_t len = strlen(path) - strlen(CYCLONEDX_END);
	char *sister cleanup_free = xasprintf("%.*s" SPDX_END, (int)len, path);

	return path_exists(sister);
}

static bool is_bill(const char *path)
{
	return str_ends(path, SPDX_END) || (str_ends(path, CYCLONEDX_END) && !has_sister(path));
}

static int tell(const char *path, sbom_document_fn *fn, void *arg, struct err_list *unread,
		struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *bad = NULL;
	struct sbom_document doc;
	int rc = 0;

	if (sbom_read(arena, path, &doc, &bad) < 0)
		err_list_add(unread, bad);
	else
		rc = fn(arg, &doc, err);
	sbom_packages_clear(&doc.packages);
	return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What the walk could not look at. */
static struct err *walk_error(const FTSENT *e)
{
	struct err *bad = NULL;

	if (e->fts_level == 0 && e->fts_info == FTS_NS)
		(void)!err_errno(&bad, E_FILE_MISSING, e->fts_errno, "'%s'", e->fts_path);
	else
		(void)!err_errno(&bad, E_READ_FAILED, e->fts_errno, "cannot read '%s'",
				 e->fts_path);
	return bad;
}

static void add_none(struct err_list *unread, const char *path)
{
	struct err *bad = NULL;

	(void)!err_set(&bad, E_BAD_BILL,
		       "there is no bill of materials in '%s': no *" SPDX_END
		       " and no *" CYCLONEDX_END "; 'orch sbom NODE --format spdx' writes one",
		       path);
	err_list_add(unread, bad);
}

int sbom_each(const char *path, sbom_document_fn *fn, void *arg, struct err_list *unread,
	      struct err **err)
{
	char *root cleanup_free = xstrdup(path), *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	size_t count = 0, bad = unread->count;
	int rc = 0;

	if (!walk)
		return err_errno(err, E_READ_FAILED, errno, "cannot look into '%s'", path);
	for (FTSENT *e; rc == 0 && (e = fts_read(walk));) {
		if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			err_list_add(unread, walk_error(e));
		else if (e->fts_info == FTS_F && (e->fts_level == 0 || is_bill(e->fts_path)) &&
			 ++count)
			rc = tell(e->fts_path, fn, arg, unread, err);
	}
	fts_close(walk);
	if (rc == 0 && !count && unread->count == bad)
		add_none(unread, path);
	return rc;
}
