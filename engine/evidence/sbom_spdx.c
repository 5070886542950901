/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/sbom.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/str.h"

struct spdx {
	const struct bill *b;
	json_t *packages, *files, *relations;
	struct map sources; /* purl -> its SPDXID */
	size_t package_count, file_count;
};

#define NOTHING "NOASSERTION"

/* ---- pieces ---- */

static void relate(struct spdx *x, const char *from, const char *type, const char *to)
{
	json_array_append_new(x->relations,
			      json_pack("{s:s, s:s, s:s}", "spdxElementId", from,
					"relationshipType", type, "relatedSpdxElement", to));
}

static json_t *checksum(const char *algorithm, const char *value)
{
	return json_pack("{s:s, s:s}", "algorithm", algorithm, "checksumValue", value);
}

static json_t *sha256_list(const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	return json_pack("[o]", checksum("SHA256", digest_hex(d, hex)));
}

static bool is_known(const struct digest *d)
{
	static const struct digest none;

	return !digest_eq(d, &none);
}

/* A package of the document with what each must have. */
static json_t *new_package(struct spdx *x, const char *id, const char *name)
{
	json_t *p = json_pack("{s:s, s:o, s:s, s:b, s:s, s:s, s:s}", "SPDXID", id, "name",
			      sbom_text(name), "downloadLocation", NOTHING, "filesAnalyzed", 0,
			      "licenseConcluded", NOTHING, "licenseDeclared", NOTHING,
			      "copyrightText", NOTHING);

	json_array_append_new(x->packages, p);
	return p; /* borrowed */
}

static void set_purl(json_t *package, const char *purl)
{
	json_object_set_new(package, "externalRefs",
			    json_pack("[{s:s, s:s, s:s}]", "referenceCategory", "PACKAGE-MANAGER",
				      "referenceType", "purl", "referenceLocator", purl));
}

/* "Organization: Acme (security@acme.example)"; NULL: it names nobody. Arena. */
static const char *actor(struct spdx *x, const char *type, const char *text)
{
	const char *name, *address;

	if (sbom_maintainer(x->b->arena, text, &name, &address))
		return NULL;
	return arena_printf(x->b->arena, *address ? "%s: %s (%s)" : "%s: %s", type, name, address);
}

/* Who has made it of what others have: the project's own. */
static void set_own(struct spdx *x, json_t *package)
{
	const char *supplier = actor(x, "Organization", x->b->project->supplier);

	sbom_set(package, "versionInfo", x->b->project->version);
	sbom_set(package, "supplier", supplier ? supplier : NOTHING);
}

/* "Organization: Debian QA Group (packages@qa.debian.org)" */
static void set_supplier(struct spdx *x, json_t *package, const char *maintainer)
{
	static const char *const groups[] = {"team",       "group",  "maintainers",
					     "developers", "debian", "project"};
	const char *name, *address, *supplier;
	bool group = false;

	if (sbom_maintainer(x->b->arena, maintainer, &name, &address) == 0) {
		for (size_t i = 0; i < array_len(groups); i++)
			group |= strcasestr(name, groups[i]) != NULL;
	}
	supplier = actor(x, group ? "Organization" : "Person", maintainer);
	sbom_set(package, "supplier", supplier ? supplier : NOTHING);
}

/* ---- Debian packages ---- */

/* The source package that P was built from: one package for all of them. */
static const char *source_id(struct spdx *x, const struct bill_package *p)
{
	const char *purl = bill_source_purl(x->b->arena, p);
	char *id = map_get(&x->sources, purl);
	json_t *package;

	if (id)
		return id;
	id = arena_printf(x->b->arena, "SPDXRef-Source-%zu", x->sources.count + 1);
	map_set(&x->sources, purl, id);
	package = new_package(x, id, p->source);
	sbom_set(package, "versionInfo", p->source_version);
	sbom_set(package, "primaryPackagePurpose", "SOURCE");
	set_supplier(x, package, p->maintainer);
	set_purl(package, purl);
	return id;
}

struct user {
	struct spdx *x;
	const char *id;   /* of the package that was built */
	const char *purl; /* of its own source */
};

static void add_built_using(void *arg, const struct bill_package *source)
{
	const struct user *u = arg;

	if (!str_eq(bill_source_purl(u->x->b->arena, source), u->purl))
		relate(u->x, u->id, "GENERATED_FROM", source_id(u->x, source));
}

static void add_debian(struct spdx *x, const struct bill_package *p, const char *holder)
{
	struct arena *arena = x->b->arena;
	const char *id = arena_printf(arena, "SPDXRef-Package-%zu", ++x->package_count);
	json_t *package = new_package(x, id, p->name);

	sbom_set(package, "versionInfo", p->version);
	sbom_set(package, "homepage", p->homepage);
	sbom_set(package, "licenseDeclared", p->licence);
	sbom_set(package, "sourceInfo",
		 arena_printf(arena, "built from source package %s %s", p->source,
			      p->source_version));
	set_supplier(x, package, p->maintainer);
	set_purl(package, bill_purl(arena, p));
	if (is_known(&p->deb))
		json_object_set_new(package, "checksums", sha256_list(&p->deb));
	relate(x, holder, "CONTAINS", id);
	relate(x, id, "GENERATED_FROM", source_id(x, p)); /* its own comes first */
	bill_each_built_using(arena, p, add_built_using,
			      &(struct user){x, id, bill_source_purl(arena, p)});
}

struct needs {
	struct spdx *x;
	size_t before; /* packages that the document has before those of the part */
};

static void add_need(void *arg, size_t user, size_t needed)
{
	const struct needs *n = arg;
	char *from cleanup_free = xasprintf("SPDXRef-Package-%zu", n->before + user + 1);
	char *to cleanup_free = xasprintf("SPDXRef-Package-%zu", n->before + needed + 1);

	relate(n->x, from, "DEPENDS_ON", to);
}

/* ---- files of no package ---- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* SPDX 2.3, 7.9: the SHA-1 of all files' SHA-1s in hexadecimal, sorted. */
static void verification_code(const struct bill_files *files, char hex[SHA1_HEX + 1])
{
	char(*all)[SHA1_HEX + 1] = xcalloc(files->count, sizeof(*all));
	struct hasher *h = hasher_new_sha1();
	struct sha1 sum;

	for (size_t i = 0; i < files->count; i++)
		sha1_hex(&files->items[i].sha1, all[i]);
	qsort(all, files->count, sizeof(*all), by_bytes);
	for (size_t i = 0; i < files->count; i++)
		hasher_update(h, all[i], SHA1_HEX);
	hasher_finish_sha1(h, &sum);
	sha1_hex(&sum, hex);
	free(all);
}

static void add_file(struct spdx *x, const struct bill_file *f, const char *holder)
{
	const char *id = arena_printf(x->b->arena, "SPDXRef-File-%zu", ++x->file_count);
	char sha1[SHA1_HEX + 1], sha256[DIGEST_HEX + 1];
	char *name cleanup_free = xasprintf("./%s", f->path);

	json_array_append_new(
		x->files,
		json_pack("{s:s, s:o, s:[o, o], s:s, s:[s], s:s}", "SPDXID", id, "fileName",
			  sbom_text(name), "checksums", checksum("SHA1", sha1_hex(&f->sha1, sha1)),
			  checksum("SHA256", digest_hex(&f->sha256, sha256)), "licenseConcluded",
			  NOTHING, "licenseInfoInFiles", NOTHING, "copyrightText", NOTHING));
	relate(x, holder, "CONTAINS", id);
}

/* They are a package of their own, all of whose files are told. */
static void add_files(struct spdx *x, const struct bill_part *part, const char *holder)
{
	const char *id = arena_printf(x->b->arena, "%s-files", holder);
	char code[SHA1_HEX + 1];
	json_t *package;

	if (!part->files.count)
		return;
	package = new_package(
		x, id, arena_printf(x->b->arena, "%s: files of no package", part->node->name));
	set_own(x, package);
	verification_code(&part->files, code);
	json_object_set_new(package, "filesAnalyzed", json_true());
	json_object_set_new(package, "packageVerificationCode",
			    json_pack("{s:s}", "packageVerificationCodeValue", code));
	json_object_set_new(package, "licenseInfoFromFiles", json_pack("[s]", NOTHING));
	relate(x, holder, "CONTAINS", id);
	for (size_t i = 0; i < part->files.count; i++)
		add_file(x, &part->files.items[i], id);
}

/* ---- parts ---- */

static const char *part_id(struct spdx *x, size_t part)
{
	return arena_printf(x->b->arena, "SPDXRef-Part-%zu", part + 1);
}

static void add_source(struct spdx *x, const struct bill_source *s, const char *made)
{
	struct arena *arena = x->b->arena;
	char hex[DIGEST_HEX + 1];
	const char *id = arena_printf(arena, "SPDXRef-Input-%zu", ++x->package_count);
	json_t *package = new_package(x, id, s->name);

	if (s->package) {
		sbom_set(package, "versionInfo", s->version);
		sbom_set(package, "comment",
			 arena_printf(arena, "a file of source package %s %s", s->package,
				      s->version));
		set_purl(package, bill_archive_purl(arena, s));
	}
	sbom_set(package, "primaryPackagePurpose", s->url ? "ARCHIVE" : "SOURCE");
	if (s->url)
		sbom_set(package, "downloadLocation", s->name);
	if (s->directory)
		sbom_set(package, "comment",
			 arena_printf(arena,
				      "a directory of the project; SHA-256 of its list of "
				      "files: %s",
				      digest_hex(&s->digest, hex)));
	else
		json_object_set_new(package, "checksums", sha256_list(&s->digest));
	relate(x, made, s->package ? "CONTAINS" : "GENERATED_FROM", id);
}

static const char *purpose(const struct bill_part *p)
{
	switch (p->type) {
	case BILL_DELIVERY:
		return "FIRMWARE";
	case BILL_SYSTEM:
		return "OPERATING-SYSTEM";
	case BILL_FETCHED:
		return "FILE";
	case BILL_MADE:
	case BILL_TOOLS:
		break;
	}
	return "OTHER";
}

static void add_part(struct spdx *x, size_t i)
{
	const struct bill_part *p = &x->b->parts.items[i];
	const char *id = part_id(x, i), *digest = sbom_digest(x->b, p->node);
	json_t *package = new_package(x, id, p->node->name);
	const char *hex = str_skip(digest, "sha256:");
	struct str comment cleanup_str = STR_INIT;
	struct needs needs = {x, x->package_count};

	set_own(x, package);
	sbom_set(package, "primaryPackagePurpose", purpose(p));
	if (hex)
		json_object_set_new(package, "checksums",
				    json_pack("[o]", checksum("SHA256", hex)));
	str_printf(&comment, "%s, node '%s' of kind %s; output %s: %s", sbom_part_text(p),
		   p->node->name, p->node->recipe->kind->name, p->node->record->outputs[0].name,
		   digest);
	if (p->packages_of)
		str_printf(&comment,
			   "; it has no dpkg database: packages are those of '%s' of which it has "
			   "files",
			   p->packages_of);
	sbom_set(package, "comment", comment.buf);
	for (size_t k = 0; k < p->packages.count; k++)
		add_debian(x, &p->packages.items[k], id);
	bill_each_need(p, add_need, &needs);
	add_files(x, p, id);
	for (size_t k = 0; k < p->sources.count; k++)
		add_source(x, &p->sources.items[k], id);
}

static void add_links(struct spdx *x, size_t i)
{
	const struct bill_part *p = &x->b->parts.items[i];

	for (size_t k = 0; k < p->links.count; k++) {
		const struct bill_link *l = &p->links.items[k];
		const char *id = part_id(x, i), *other = part_id(x, l->part);

		if (l->type == BILL_WITH)
			relate(x, other, "BUILD_TOOL_OF", id);
		else
			relate(x, id, l->type == BILL_HOLDS ? "CONTAINS" : "GENERATED_FROM", other);
	}
}

static json_t *creators(struct spdx *x, const char *tool_version)
{
	const char *supplier = actor(x, "Organization", x->b->project->supplier);
	json_t *list = json_pack("[o]", json_sprintf("Tool: orch-%s", tool_version));

	if (supplier)
		json_array_append_new(list, sbom_text(supplier));
	return list;
}

static json_t *other_licences(const struct bill *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->licences.count; i++) {
		const struct licence *l = &b->licences.items[i];
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "licenseId", l->id,
						      "extractedText", sbom_text(l->text), "name",
						      sbom_text(l->name)));
	}
	return list;
}

json_t *sbom_spdx(const struct bill *b, const char *tool_version)
{
	struct spdx x = {b, json_array(), json_array(), json_array(), {0}, 0, 0};
	const char *name =
		arena_printf(b->arena, "%s-%s", b->project->name, b->parts.items[0].node->name);
	char time[32], uuid[37];
	json_t *doc;

	relate(&x, "SPDXRef-DOCUMENT", "DESCRIBES", part_id(&x, 0));
	for (size_t i = 0; i < b->parts.count; i++)
		add_part(&x, i);
	for (size_t i = 0; i < b->parts.count; i++)
		add_links(&x, i);
	doc = json_pack("{s:s, s:s, s:s, s:s, s:{s:s, s:o}}", "spdxVersion", "SPDX-2.3",
			"dataLicense", "CC0-1.0", "SPDXID", "SPDXRef-DOCUMENT", "name", name,
			"creationInfo", "created", sbom_time(b->project->times, time), "creators",
			creators(&x, tool_version));
	json_object_set_new(doc, "packages", x.packages);
	json_object_set_new(doc, "files", x.files);
	json_object_set_new(doc, "relationships", x.relations);
	json_object_set_new(doc, "hasExtractedLicensingInfos", other_licences(b));
	json_object_set_new(doc, "documentNamespace",
			    json_sprintf("urn:uuid:%s", sbom_uuid(doc, uuid)));
	map_clear(&x.sources);
	return doc;
}
