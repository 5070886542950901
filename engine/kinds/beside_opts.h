/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What `orch build` writes beside what is delivered, bundles and disks: bills of materials and
 * provenance. They are no outputs and in no key.
 */
#include "recipe/kind.h"

enum beside_format { BESIDE_SPDX, BESIDE_CYCLONEDX, BESIDE_FORMATS };
/* What stands behind the node's name: ".spdx.json". */
extern const char *const beside_endings[BESIDE_FORMATS];
/* The words of `sbom:`, ended by NULL. */
extern const char *const beside_formats[];

#define BESIDE_PROVENANCE ".provenance.json"
#define BESIDE_ENVELOPE ".provenance.dsse.json" /* the same, signed */
enum beside_provenance { PROVENANCE_PLAIN, PROVENANCE_NONE, PROVENANCE_SIGNED };
/* The words of `provenance:`, ended by NULL. */
extern const char *const beside_provenances[];

struct beside_opts {
	struct list sbom; /* of int, enum beside_format; not written: all */
	int provenance;   /* enum beside_provenance */
};

/* Of options of KIND, or NULL: nothing is written beside what such nodes make. */
const struct beside_opts *beside_opts(const struct kind *kind, const void *opts);
bool beside_has_format(const struct beside_opts *o, enum beside_format format);

/* The rows of the table of struct TYPE, which has a `struct beside_opts beside`. */
#define BESIDE_OPTIONS(type)                                                                     \
	{"sbom",                                                                                 \
	 OPT_ENUM,                                                                               \
	 offsetof(type, beside.sbom),                                                            \
	 OPT_LIST | OPT_UNKEYED,                                                                 \
	 .words = beside_formats,                                                                \
	 .help = "Bills of materials that 'orch build' writes beside the result: "               \
		 "NAME.spdx.json, NAME.cdx.json; both without it, none with [].",                \
	 .example = "[spdx]"},                                                                   \
	{                                                                                        \
		"provenance", OPT_ENUM, offsetof(type, beside.provenance), OPT_UNKEYED,          \
			.words = beside_provenances, .def = "true",                              \
			.help = "Where the result comes from, which 'orch build' writes beside " \
				"it: NAME.provenance.json; signed: also in an envelope, "        \
				"NAME.provenance.dsse.json.",                                    \
	}
