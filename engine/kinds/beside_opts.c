/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/beside_opts.h"

#include "kinds/bundle/bundle_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/kinds.h"

const char *const beside_formats[] = {"spdx", "cyclonedx", NULL};
const char *const beside_provenances[] = {"true", "false", "signed", NULL};
const char *const beside_endings[BESIDE_FORMATS] = {".spdx.json", ".cdx.json"};

const struct beside_opts *beside_opts(const struct kind *kind, const void *opts)
{
	if (kind == &kind_bundle)
		return &((const struct bundle_opts *)opts)->beside;
	return kind == &kind_disk ? &((const struct disk_opts *)opts)->beside : NULL;
}

bool beside_has_format(const struct beside_opts *o, enum beside_format format)
{
	bool found = !o->sbom.items;

	for (size_t i = 0; i < o->sbom.count; i++)
		found |= LIST_AT(o->sbom, int, i) == (int)format;
	return found;
}
