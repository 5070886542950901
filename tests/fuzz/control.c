/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Control data of Debian packages: stanzas, relations, versions, a status file. */
#include "fuzz.h"
#include "media/deb/deb.h"
#include "media/deb/deb_relations.h"

static void relations(const char *field)
{
	struct deb_relation r;

	while (deb_relation_next(&field, &r)) {
		deb_relation_allows(&r, "1.0-1");
		deb_relation_allows(&r, r.version);
		assert(deb_version_compare(r.version, r.version) == 0);
		assert(deb_version_compare(r.version, "2:1~rc1-3") ==
			       -deb_version_compare("2:1~rc1-3", r.version) ||
		       deb_version_compare(r.version, "2:1~rc1-3"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	char *text cleanup_free = fuzz_text(data, size), *field cleanup_free = NULL;
	static const struct deb_set none = {0};
	struct deb_packages all = {0};
	struct deb_package p;

	field = deb_field(text, "Depends");
	relations(text);
	if (field)
		relations(field);
	if (deb_package_parse(arena, text, &p) == 0)
		assert(*p.name && *p.version && *p.arch);
	deb_packages_installed(arena, text, &none, &all);
	deb_packages_clear(&all);
	return 0;
}
