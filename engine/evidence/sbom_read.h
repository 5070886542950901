/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Bills of materials read back, ours and those of others: SPDX 2.2 and 2.3, CycloneDX 1.4 to 1.6,
 * JSON. Of a document only the Debian packages are looked at, by their package URLs; a source
 * package is found by the relation GENERATED_FROM, or as an ancestor. One of which the document has
 * nothing that was built of it stands for itself.
 */
#include "base/err.h"
#include "base/vec.h"

struct sbom_package {
	const char *name, *version, *arch;
	const char *source, *source_version; /* its own where the document does not say */
	const char *distro;                  /* "trixie", of the package URL; or NULL */
};
DEFINE_VEC(sbom_packages, struct sbom_package)

struct sbom_document {
	const char *path;
	const char *name, *version; /* of what it describes; version may be NULL */
	struct sbom_packages packages;
};
DEFINE_VEC(sbom_documents, struct sbom_document)

/* Reads the file PATH; strings live in ARENA. ERR_USER: it is none of these. */
int sbom_read(struct arena *arena, const char *path, struct sbom_document *ret,
	      struct err **err) warn_unused;
/*
 * Reads PATH, or, of a directory, each *.spdx.json below it, and each *.cdx.json that has no such
 * sister. Pushed in the order of their paths.
 */
int sbom_read_all(struct arena *arena, const char *path, struct sbom_documents *ret,
		  struct err **err) warn_unused;
void sbom_documents_release(struct sbom_documents *d);
#define cleanup_sboms __attribute__((cleanup(sbom_documents_release)))
