/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A bill of materials in the formats that others read. Both are functions of the bill: the time in
 * them is `times:` of the project, the names of documents are digests of what they hold.
 *
 *	spdx        SPDX 2.3, JSON
 *	cyclonedx   CycloneDX 1.6, JSON (ECMA-424)
 *
 * Packages are named by package URL (purl.c), those that ship and the source packages that they
 * were built from: Debian's advisories are about the latter. The licence is what the maintainer has
 * declared in a machine-readable copyright file; of others it is NOASSERTION, or left out.
 */
#include <jansson.h>

#include "evidence/bill.h"

/* TOOL_VERSION: of orch, "0.1.0". The caller frees. */
json_t *sbom_spdx(const struct bill *b, const char *tool_version);
json_t *sbom_cyclonedx(const struct bill *b, const char *tool_version);

/* Shared by both. */
/* "2024-01-01T00:00:00Z", into BUF of 32 bytes; returns BUF. */
char *sbom_time(uint64_t seconds, char buf[32]);
/* A UUID from the texts of O, "xxxxxxxx-...", into BUF of 37 bytes; returns BUF. */
char *sbom_uuid(const json_t *o, char buf[37]);
/* A string of any bytes: in TEXT that is not UTF-8, each such byte is \xNN. NULL gives NULL. */
json_t *sbom_text(const char *text);
/* Sets KEY of O; nothing when TEXT is NULL. */
void sbom_set(json_t *o, const char *key, const char *text);
/* "Name <address>" apart, in ARENA; 1: it names nobody. The address is "" where there is none. */
int sbom_maintainer(struct arena *arena, const char *text, const char **ret_name,
		    const char **ret_address);
/* "sha256:..." of the main output of N, or "chunks:..." of an image. Arena. */
const char *sbom_digest(const struct bill *b, const struct node *n);
/* "bundle", "root file system": what a part is, for people. */
const char *sbom_part_text(const struct bill_part *p);
