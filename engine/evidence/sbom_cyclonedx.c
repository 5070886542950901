/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/sbom.h"

#include "base/map.h"
#include "base/str.h"

struct cyclonedx {
	const struct bill *b;
	json_t *components, *dependencies;
	struct map sources; /* purl -> the reference of its component */
};

static void add_hash(json_t *component, const char *algorithm, const char *hex)
{
	json_t *hashes = json_object_get(component, "hashes");

	if (!hashes) {
		hashes = json_array();
		json_object_set_new(component, "hashes", hashes);
	}
	json_array_append_new(hashes, json_pack("{s:s, s:s}", "alg", algorithm, "content", hex));
}

static void add_property(json_t *component, const char *name, const char *value)
{
	json_t *list = json_object_get(component, "properties");

	if (!list) {
		list = json_array();
		json_object_set_new(component, "properties", list);
	}
	json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "value", value));
}

static json_t *new_component(const char *type, const char *ref, const char *name)
{
	return json_pack("{s:s, s:s, s:o}", "type", type, "bom-ref", ref, "name", sbom_text(name));
}

/* KEY of O: who TEXT, "Name <address>", is; nothing when it names nobody. */
static void set_entity(json_t *o, const char *key, struct arena *arena, const char *text)
{
	const char *name, *address;
	json_t *entity;

	if (sbom_maintainer(arena, text, &name, &address))
		return;
	entity = json_pack("{s:o}", "name", sbom_text(name));
	if (*address)
		json_object_set_new(entity, "contact",
				    json_pack("[{s:o}]", "email", sbom_text(address)));
	json_object_set_new(o, key, entity);
}

/* ---- Debian packages ---- */

/* The source package, of which the binary one is a variant: what advisories name. */
static void set_pedigree(const struct cyclonedx *x, json_t *component, const struct bill_package *p)
{
	json_t *source =
		json_pack("{s:s, s:s, s:s, s:s}", "type", "library", "name", p->source, "version",
			  p->source_version, "purl", bill_source_purl(x->b->arena, p));

	json_object_set_new(component, "pedigree", json_pack("{s:[o]}", "ancestors", source));
}

/* A component for each source package, once: scanners look at components. */
static const char *source_ref(struct cyclonedx *x, const struct bill_package *p)
{
	const char *purl = bill_source_purl(x->b->arena, p);
	const char *ref = map_get(&x->sources, purl);
	json_t *c;

	if (ref)
		return ref;
	ref = arena_printf(x->b->arena, "source-%zu", x->sources.count + 1);
	map_set(&x->sources, purl, (void *)ref);
	c = new_component("library", ref, p->source);
	sbom_set(c, "version", p->source_version);
	set_entity(c, "supplier", x->b->arena, p->maintainer);
	sbom_set(c, "purl", purl);
	json_array_append_new(x->components, c);
	return ref;
}

static const char *package_ref(const struct cyclonedx *x, size_t part, size_t number)
{
	return arena_printf(x->b->arena, "part-%zu-package-%zu", part + 1, number + 1);
}

static const char *add_debian(struct cyclonedx *x, const struct bill_package *p, size_t part,
			      size_t number)
{
	static const struct digest none;
	struct arena *arena = x->b->arena;
	const char *ref = package_ref(x, part, number);
	json_t *c = new_component("library", ref, p->name);
	char hex[DIGEST_HEX + 1];

	sbom_set(c, "version", p->version);
	set_entity(c, "supplier", arena, p->maintainer);
	if (!digest_eq(&p->deb, &none))
		add_hash(c, "SHA-256", digest_hex(&p->deb, hex));
	if (p->licence)
		json_object_set_new(c, "licenses", json_pack("[{s:s}]", "expression", p->licence));
	sbom_set(c, "purl", bill_purl(arena, p));
	if (p->homepage)
		json_object_set_new(
			c, "externalReferences",
			json_pack("[{s:s, s:s}]", "type", "website", "url", p->homepage));
	set_pedigree(x, c, p);
	json_array_append_new(x->components, c);
	return ref;
}

struct needs {
	struct cyclonedx *x;
	size_t part;
	json_t **lists;  /* what each package of the part needs, and what it was built of */
	json_t *sources; /* the list that add_built_using() adds to */
};

static void add_need(void *arg, size_t user, size_t needed)
{
	const struct needs *n = arg;

	json_array_append_new(n->lists[user], json_string(package_ref(n->x, n->part, needed)));
}

static void add_built_using(void *arg, const struct bill_package *source)
{
	const struct needs *n = arg;
	const char *ref = source_ref(n->x, source);

	for (size_t i = 0; i < json_array_size(n->sources); i++) {
		if (str_eq(json_string_value(json_array_get(n->sources, i)), ref))
			return;
	}
	json_array_append_new(n->sources, json_string(ref));
}

static void add_needs(struct cyclonedx *x, size_t part)
{
	const struct bill_part *p = &x->b->parts.items[part];
	json_t **lists cleanup_free = xcalloc(p->packages.count + 1, sizeof(*lists));
	struct needs n = {x, part, lists, NULL};

	for (size_t i = 0; i < p->packages.count; i++) {
		n.sources = lists[i] = json_array();
		add_built_using(&n, &p->packages.items[i]); /* its own comes first */
		bill_each_built_using(x->b->arena, &p->packages.items[i], add_built_using, &n);
	}
	bill_each_need(p, add_need, &n);
	for (size_t i = 0; i < p->packages.count; i++)
		json_array_append_new(x->dependencies,
				      json_pack("{s:s, s:o}", "ref", package_ref(x, part, i),
						"dependsOn", lists[i]));
}

/* ---- parts ---- */

static const char *part_ref(const struct cyclonedx *x, size_t part)
{
	return arena_printf(x->b->arena, "part-%zu", part + 1);
}

static const char *part_type(const struct bill_part *p)
{
	switch (p->type) {
	case BILL_DELIVERY:
		return "firmware";
	case BILL_SYSTEM:
		return "operating-system";
	case BILL_MADE:
		return "application";
	case BILL_FETCHED:
	case BILL_TOOLS:
		break;
	}
	return "file";
}

static json_t *part_component(const struct cyclonedx *x, size_t i)
{
	const struct bill_part *p = &x->b->parts.items[i];
	json_t *c = new_component(part_type(p), part_ref(x, i), p->node->name);
	const char *digest = sbom_digest(x->b, p->node), *hex = str_skip(digest, "sha256:");

	sbom_set(c, "version", x->b->project->version);
	set_entity(c, "supplier", x->b->arena, x->b->project->supplier);
	sbom_set(c, "description", sbom_part_text(p));
	if (hex)
		add_hash(c, "SHA-256", hex);
	add_property(c, "orch:kind", p->node->recipe->kind->name);
	add_property(c, "orch:output", p->node->record->outputs[0].name);
	add_property(c, "orch:digest", digest);
	if (p->packages_of)
		add_property(c, "orch:packages-of", p->packages_of);
	return c;
}

static const char *add_file(struct cyclonedx *x, const struct bill_file *f, size_t part,
			    size_t number)
{
	const char *ref = arena_printf(x->b->arena, "part-%zu-file-%zu", part + 1, number + 1);
	char *name cleanup_free = xasprintf("/%s", f->path);
	char sha1[SHA1_HEX + 1], sha256[DIGEST_HEX + 1];
	json_t *c = new_component("file", ref, name);

	add_hash(c, "SHA-1", sha1_hex(&f->sha1, sha1));
	add_hash(c, "SHA-256", digest_hex(&f->sha256, sha256));
	json_array_append_new(x->components, c);
	return ref;
}

static const char *add_source(struct cyclonedx *x, const struct bill_source *s, size_t part,
			      size_t number)
{
	const char *ref = arena_printf(x->b->arena, "part-%zu-input-%zu", part + 1, number + 1);
	json_t *c = new_component("file", ref, s->name);
	char hex[DIGEST_HEX + 1];

	digest_hex(&s->digest, hex);
	sbom_set(c, "version", s->version);
	if (s->package)
		sbom_set(c, "purl", bill_archive_purl(x->b->arena, s));
	if (s->directory)
		add_property(c, "orch:directory", arena_printf(x->b->arena, "sha256:%s", hex));
	else
		add_hash(c, "SHA-256", hex);
	if (s->url)
		json_object_set_new(
			c, "externalReferences",
			json_pack("[{s:s, s:s}]", "type", "distribution", "url", s->name));
	json_array_append_new(x->components, c);
	return ref;
}

static void add_part(struct cyclonedx *x, size_t i)
{
	const struct bill_part *p = &x->b->parts.items[i];
	json_t *on = json_array();

	if (i)
		json_array_append_new(x->components, part_component(x, i));
	for (size_t k = 0; k < p->links.count; k++)
		json_array_append_new(on, json_string(part_ref(x, p->links.items[k].part)));
	for (size_t k = 0; k < p->packages.count; k++)
		json_array_append_new(on, json_string(add_debian(x, &p->packages.items[k], i, k)));
	for (size_t k = 0; k < p->files.count; k++)
		json_array_append_new(on, json_string(add_file(x, &p->files.items[k], i, k)));
	for (size_t k = 0; k < p->sources.count; k++)
		json_array_append_new(on, json_string(add_source(x, &p->sources.items[k], i, k)));
	json_array_append_new(x->dependencies,
			      json_pack("{s:s, s:o}", "ref", part_ref(x, i), "dependsOn", on));
	add_needs(x, i);
}

static json_t *metadata(const struct cyclonedx *x, const char *tool_version)
{
	char time[32];
	json_t *o = json_pack("{s:s, s:{s:[{s:s, s:s, s:s}]}, s:o}", "timestamp",
			      sbom_time(x->b->project->times, time), "tools", "components", "type",
			      "application", "name", "orch", "version", tool_version, "component",
			      part_component(x, 0));

	set_entity(o, "manufacturer", x->b->arena, x->b->project->supplier);
	set_entity(o, "supplier", x->b->arena, x->b->project->supplier);
	return o;
}

json_t *sbom_cyclonedx(const struct bill *b, const char *tool_version)
{
	struct cyclonedx x = {b, json_array(), json_array(), {0}};
	char uuid[37];
	json_t *doc;

	for (size_t i = 0; i < b->parts.count; i++)
		add_part(&x, i);
	doc = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "bomFormat", "CycloneDX", "specVersion",
			"1.6", "version", 1, "metadata", metadata(&x, tool_version), "components",
			x.components, "dependencies", x.dependencies);
	map_clear(&x.sources);
	json_object_set_new(doc, "serialNumber", json_sprintf("urn:uuid:%s", sbom_uuid(doc, uuid)));
	return doc;
}
