/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Known vulnerabilities, as lists of them say, and which packages they are about. A list is a file
 * that somebody has fetched:
 *
 *	OSV           a record, a list of records, or {"vulns": [...]} (OSV schema 1.x); of
 *	              ecosystems Debian:N and Debian, by source package
 *	tracker       the JSON of Debian's security tracker:
 *	              {SOURCE: {CVE: {"releases": {SUITE: ...}}}}
 *
 * Versions are compared as dpkg does (Debian Policy 5.6.12). What a list does not say of a
 * package's release is not known, and no finding; nor is what it says of the releases of Debian
 * where nobody knows of which a package is: vulnerability_list_unsettled() tells.
 */
#include <jansson.h>
#include <stdbool.h>

#include "base/map.h"
#include "base/str.h"
#include "evidence/sbom_read.h"

enum vulnerable_status {
	VULNERABLE_FIXED_LATER,  /* a later version has the fix: FIXED */
	VULNERABLE_OPEN,         /* no version of this release has a fix */
	VULNERABLE_UNDETERMINED, /* the tracker does not know yet */
	/* OSV tells of no versions that are Debian's, but of ranges of type SEMVER or GIT. */
	VULNERABLE_NOT_COMPARED
};
struct vulnerable {
	const char *id; /* "CVE-2024-0001": a record that is about several is one of each */
	/* What else it is called: "DSA-5900-1 (CVE-2024-0001, CVE-2024-0002)"; without, the id. */
	const char *names;
	const struct sbom_package *package;
	enum vulnerable_status status;
	const char *fixed; /* the first version that has the fix, or NULL */
};
DEFINE_VEC(vulnerables, struct vulnerable)

/* Of a list that may be large, only what is asked for is parsed. */
struct vulnerability_list {
	bool tracker;
	const char *path;     /* for messages */
	size_t records;       /* of OSV, also those that were withdrawn */
	struct str text;      /* the file */
	struct map by_source; /* name of a source package -> what is said of it */
	struct arena *arena;
};

/* Reads the list in file PATH. ERR_USER: it is neither, or it is empty. */
int vulnerability_list_read(struct arena *arena, const char *path, struct vulnerability_list *ret,
			    struct err **err) warn_unused;
/* The same of LEN bytes of JSON, which live as long as the list; *RET is zeroed. */
int vulnerability_list_parse(struct arena *arena, const char *path, const char *json, size_t len,
			     struct vulnerability_list *ret, struct err **err) warn_unused;
void vulnerability_list_release(struct vulnerability_list *l);
#define cleanup_vulnerability_list __attribute__((cleanup(vulnerability_list_release)))
/* Pushes what L says that package P is affected by; ids live as long as L's arena. */
int vulnerability_list_match(const struct vulnerability_list *l, const struct sbom_package *p,
			     struct vulnerables *ret, struct err **err) warn_unused;
/*
 * Whether L, which has been asked for P, tells of releases of Debian something about its source,
 * and P, a package of Debian for all that is known, does not say of which one it is.
 */
bool vulnerability_list_unsettled(const struct vulnerability_list *l, const struct sbom_package *p);
