/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Bills of materials read back, ours and those of others: SPDX 2.2 and 2.3, CycloneDX 1.4 to 1.6,
 * JSON. Of a document only the Debian packages are looked at, by their package URLs; a source
 * package is found by the relation GENERATED_FROM or GENERATES, of which a package's first counts,
 * as an ancestor, or in the package URL, as others write it ("upstream=openssl@3.5.1-1"); where
 * nothing tells its version, 1.0-1+b2 was built of 1.0-1. One of which the document has nothing
 * that was built of it, but for what is linked into other programs, stands for itself.
 */
#include "base/err.h"
#include "base/vec.h"

struct sbom_package {
	const char *name, *version, *arch;
	/* Where the document does not say, its own, and that as debian_source_version() has it. */
	const char *source, *source_version;
	const char *vendor; /* "debian", of the package URL; NULL: not known */
	const char *distro; /* "trixie", there, or what is there in place of that; or NULL */
};
DEFINE_VEC(sbom_packages, struct sbom_package)

struct sbom_document {
	const char *path;
	const char *name, *version; /* of what it describes; version may be NULL */
	struct sbom_packages packages;
};

/*
 * Reads the file PATH; strings live in ARENA, and the caller clears its packages, whatever comes
 * of it. ERR_USER: it is none of these.
 */
int sbom_read(struct arena *arena, const char *path, struct sbom_document *ret,
	      struct err **err) warn_unused;
/*
 * What the package URL of a Debian package says, in ARENA; VERSION is NULL where it has none. A
 * distro of "debian-trixie", "debian-13", "debian-13.1" or, where the vendor is "debian", "13" and
 * "13.1" becomes "trixie", and an epoch ("epoch=1") is a part of the version. 1: it is of another
 * sort, or NULL.
 */
int sbom_purl(struct arena *arena, const char *purl, struct sbom_package *ret);
/*
 * The version of the source that a package of VERSION was built of, for all that its version says:
 * "1.0-1" of "1.0-1+b2", which was built again without a change; else VERSION, which may be NULL.
 */
const char *debian_source_version(struct arena *arena, const char *version);
/* The number of the release of Debian with that codename, "13" of "trixie"; NULL: there is none. */
const char *debian_release_number(const char *codename);
/* sbom_read() of LEN bytes of JSON; PATH is for messages, and the document's. */
int sbom_parse(struct arena *arena, const char *path, const char *json, size_t len,
	       struct sbom_document *ret, struct err **err) warn_unused;
/*
 * Calls FN for the document PATH, or, of a directory, for each *.spdx.json below it, and each
 * *.cdx.json that has no such sister, in the order of their paths. What it gets lives as long as
 * the call; -1 ends it all. What of it cannot be read, or is not there, is an error of UNREAD each,
 * and does not keep FN from the rest.
 */
typedef int sbom_document_fn(void *arg, const struct sbom_document *d, struct err **err);
int sbom_each(const char *path, sbom_document_fn *fn, void *arg, struct err_list *unread,
	      struct err **err) warn_unused;
