/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/sbom_read.h"

#include <errno.h>
#include <fts.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/map.h"
#include "base/path.h"
#include "base/str.h"

#define SPDX_END ".spdx.json"
#define CYCLONEDX_END ".cdx.json"

/* The text of KEY in O, in ARENA; NULL: there is none. */
static const char *text(struct arena *arena, const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? arena_strdup(arena, value) : NULL;
}

/* ---- package URLs ---- */

/* LEN bytes of TEXT with %XX decoded. Arena. */
static const char *decoded(struct arena *arena, const char *start, size_t len)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = {0}, *end;
		long c;

		if (start[i] != '%' || i + 2 >= len) {
			str_append_char(&s, start[i]);
			continue;
		}
		memcpy(hex, start + i + 1, 2);
		c = strtol(hex, &end, 16);
		str_append_char(&s, *end || !c ? '?' : (char)c);
		i += 2;
	}
	return arena_strdup(arena, s.buf);
}

/* The value of a qualifier, "arch" of "...?arch=arm64&distro=trixie". Arena, or NULL. */
static const char *qualifier(struct arena *arena, const char *purl, const char *name)
{
	const char *at = strchr(purl, '?');
	size_t len = strlen(name);

	while (at) {
		at++;
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			return decoded(arena, at + len + 1, strcspn(at + len + 1, "&#"));
		at = strchr(at, '&');
	}
	return NULL;
}

/* 0, or 1: PURL is that of no Debian package with a version. */
static int read_purl(struct arena *arena, const char *purl, struct sbom_package *ret)
{
	const char *rest = purl ? str_skip(purl, "pkg:deb/") : NULL;
	const char *slash = rest ? strchr(rest, '/') : NULL,
		   *at = slash ? strchr(slash, '@') : NULL;

	if (!at)
		return 1;
	*ret = (struct sbom_package){
		.name = decoded(arena, slash + 1, (size_t)(at - slash - 1)),
		.version = decoded(arena, at + 1, strcspn(at + 1, "?#")),
		.arch = qualifier(arena, purl, "arch"),
		.distro = qualifier(arena, purl, "distro"),
	};
	ret->source = ret->name;
	ret->source_version = ret->version;
	return 0;
}

static bool is_source(const struct sbom_package *p)
{
	return p->arch && str_eq(p->arch, "source");
}

/* ---- SPDX ---- */

static const char *spdx_purl(const json_t *package)
{
	size_t i;
	json_t *ref;

	json_array_foreach(json_object_get(package, "externalRefs"), i, ref)
	{
		const char *type = json_string_value(json_object_get(ref, "referenceType"));

		if (type && str_eq(type, "purl"))
			return json_string_value(json_object_get(ref, "referenceLocator"));
	}
	return NULL;
}

static void take_source(struct map *packages, const json_t *relation)
{
	const char *type = json_string_value(json_object_get(relation, "relationshipType"));
	const char *from = json_string_value(json_object_get(relation, "spdxElementId"));
	const char *to = json_string_value(json_object_get(relation, "relatedSpdxElement"));
	struct sbom_package *package = from ? map_get(packages, from) : NULL;
	struct sbom_package *source = to ? map_get(packages, to) : NULL;

	if (!type || !str_eq(type, "GENERATED_FROM") || !package || !source || !is_source(source))
		return;
	package->source = source->source;
	package->source_version = source->version;
	source->name = NULL; /* told by what was built of it */
}

static void read_spdx(struct arena *arena, const json_t *doc, struct sbom_document *ret)
{
	struct map packages cleanup_map = {0};
	json_t *item;
	size_t i;

	ret->name = text(arena, doc, "name");
	json_array_foreach(json_object_get(doc, "packages"), i, item)
	{
		struct sbom_package *p = arena_alloc(arena, sizeof(*p));
		const char *id = text(arena, item, "SPDXID");

		if (i == 0)
			ret->version = text(arena, item, "versionInfo");
		if (id && read_purl(arena, spdx_purl(item), p) == 0)
			map_set(&packages, id, p);
	}
	json_array_foreach(json_object_get(doc, "relationships"), i, item)
		take_source(&packages, item);
	for (i = 0; i < packages.count; i++) {
		const struct sbom_package *p = packages.entries[i].value;

		if (p->name)
			sbom_packages_push(&ret->packages, *p);
	}
}

/* ---- CycloneDX ---- */

static void read_component(struct arena *arena, const json_t *component, struct sbom_document *ret)
{
	const json_t *ancestors =
		json_object_get(json_object_get(component, "pedigree"), "ancestors");
	struct sbom_package p, source;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(component, "components"), i, item)
		read_component(arena, item, ret);
	if (read_purl(arena, json_string_value(json_object_get(component, "purl")), &p))
		return;
	json_array_foreach(ancestors, i, item)
	{
		if (read_purl(arena, json_string_value(json_object_get(item, "purl")), &source) ==
			    0 &&
		    is_source(&source)) {
			p.source = source.name;
			p.source_version = source.version;
		}
	}
	sbom_packages_push(&ret->packages, p);
}

static void read_cyclonedx(struct arena *arena, const json_t *doc, struct sbom_document *ret)
{
	const json_t *about = json_object_get(json_object_get(doc, "metadata"), "component");
	json_t *item;
	size_t i;

	ret->name = text(arena, about, "name");
	ret->version = text(arena, about, "version");
	json_array_foreach(json_object_get(doc, "components"), i, item)
		read_component(arena, item, ret);
}

/* ---- files ---- */

int sbom_read(struct arena *arena, const char *path, struct sbom_document *ret, struct err **err)
{
	json_error_t where;
	json_t *doc = json_load_file(path, 0, &where);
	int rc = 0;

	*ret = (struct sbom_document){.path = arena_strdup(arena, path)};
	if (!doc)
		return err_set(err, E_BAD_BILL, "'%s': line %d: %s", path, where.line, where.text);
	if (json_object_get(doc, "spdxVersion"))
		read_spdx(arena, doc, ret);
	else if (json_object_get(doc, "bomFormat"))
		read_cyclonedx(arena, doc, ret);
	else
		rc = err_set(err, E_BAD_BILL,
			     "'%s' is not a bill of materials: neither SPDX 2 nor CycloneDX", path);
	json_decref(doc);
	if (!ret->name)
		ret->name = ret->path;
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

static int push(struct arena *arena, const char *path, struct sbom_documents *ret, struct err **err)
{
	struct sbom_document doc = {0};
	int rc = sbom_read(arena, path, &doc, err);

	if (rc < 0)
		sbom_packages_clear(&doc.packages);
	else
		sbom_documents_push(ret, doc);
	return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int sbom_read_all(struct arena *arena, const char *path, struct sbom_documents *ret,
		  struct err **err)
{
	char *const roots[] = {arena_strdup(arena, path), NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	size_t before = ret->count;
	int rc = 0;

	if (!walk)
		return err_errno(err, E_READ_FAILED, errno, "cannot look into '%s'", path);
	for (FTSENT *e; rc == 0 && (e = fts_read(walk));) {
		if (e->fts_level == 0 && e->fts_info == FTS_NS)
			rc = err_errno(err, E_FILE_MISSING, e->fts_errno, "'%s'", path);
		else if (e->fts_info == FTS_NS || e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
			rc = err_errno(err, E_READ_FAILED, e->fts_errno, "cannot read '%s'",
				       e->fts_path);
		else if (e->fts_info == FTS_F && (e->fts_level == 0 || is_bill(e->fts_path)))
			rc = push(arena, e->fts_path, ret, err);
	}
	fts_close(walk);
	if (rc == 0 && ret->count == before)
		rc = err_set(err, E_BAD_BILL,
			     "there is no bill of materials in '%s': no *" SPDX_END
			     " and no *" CYCLONEDX_END
			     "; 'orch sbom NODE --format spdx' writes one",
			     path);
	return rc;
}

void sbom_documents_release(struct sbom_documents *d)
{
	for (size_t i = 0; i < d->count; i++)
		sbom_packages_clear(&d->items[i].packages);
	sbom_documents_clear(d);
}
