/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Bills of materials read the plain way, all of the document at first: what evidence/sbom_read.c,
 * which is fast, is compared with.
 */
#include <jansson.h>

#include "base/map.h"
#include "base/str.h"
#include "evidence/sbom_read.h"

/* The text of KEY in O, in ARENA; NULL: there is none. */
static const char *text(struct arena *arena, const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? arena_strdup(arena, value) : NULL;
}

static bool is_source(const struct sbom_package *p)
{
	return p->arch && str_eq(p->arch, "source");
}

/* 0, or 1: PURL is that of no Debian package with a version. */
static int read_purl(struct arena *arena, const char *purl, struct sbom_package *ret)
{
	return sbom_purl(arena, purl, ret) || !ret->version;
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
	bool generates = type && str_eq(type, "GENERATES");
	const char *built = generates ? to : from, *of = generates ? from : to;
	struct sbom_package *package = built ? map_get(packages, built) : NULL;
	struct sbom_package *source = of ? map_get(packages, of) : NULL;

	if (!type || !(generates || str_eq(type, "GENERATED_FROM")) || !package || !source ||
	    !is_source(source))
		return;
	if (package->source != package->name && !(str_eq(package->source, source->source) &&
						  str_eq(package->source_version, source->version)))
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

static bool is_told(const struct sbom_packages *all, const struct sbom_package *source)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct sbom_package *p = &all->items[i];

		if (!is_source(p) && str_eq(p->source, source->name) &&
		    str_eq(p->source_version, source->version))
			return true;
	}
	return false;
}

static void drop_told(struct sbom_packages *all)
{
	struct sbom_packages kept = {0};

	for (size_t i = 0; i < all->count; i++) {
		if (!is_source(&all->items[i]) || !is_told(all, &all->items[i]))
			sbom_packages_push(&kept, all->items[i]);
	}
	sbom_packages_clear(all);
	*all = kept;
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
	drop_told(&ret->packages);
}

/* 0, or 1: it is no document, or one in which a key is there twice, of which readers differ. */
static inline int oracle_read(struct arena *arena, const char *json, size_t len,
			      struct sbom_document *ret)
{
	json_t *doc = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	int rc = 0;

	*ret = (struct sbom_document){.path = "x"};
	if (json_object_get(doc, "spdxVersion"))
		read_spdx(arena, doc, ret);
	else if (json_object_get(doc, "bomFormat"))
		read_cyclonedx(arena, doc, ret);
	else
		rc = 1;
	json_decref(doc);
	if (!ret->name)
		ret->name = ret->path;
	return rc;
}

static inline bool same_text(const char *a, const char *b)
{
	return a && b ? str_eq(a, b) : a == b;
}

static inline bool same_package(const struct sbom_package *a, const struct sbom_package *b)
{
	return same_text(a->name, b->name) && same_text(a->version, b->version) &&
	       same_text(a->arch, b->arch) && same_text(a->source, b->source) &&
	       same_text(a->source_version, b->source_version) && same_text(a->distro, b->distro);
}

static inline bool same_document(const struct sbom_document *a, const struct sbom_document *b)
{
	if (!same_text(a->name, b->name) || !same_text(a->version, b->version) ||
	    a->packages.count != b->packages.count)
		return false;
	for (size_t i = 0; i < a->packages.count; i++) {
		if (!same_package(&a->packages.items[i], &b->packages.items[i]))
			return false;
	}
	return true;
}
