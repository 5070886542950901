/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the makers of a product say of vulnerabilities in it (VEX): OpenVEX 0.2, and the
 * vulnerabilities of CycloneDX 1.4 to 1.6, as JSON. A statement is about packages, by package URLs,
 * in which version, arch and distro may be left out and arch=source stands for all that was built
 * of a source package, or about a product, by the name of what a bill of materials describes, or a
 * package URL with that name; then about all of it or about the components that it names. Where
 * CycloneDX names versions it is about these; of a range only what is bad is believed, of all. What
 * is named in another way alone, by a CPE, is not known to be anything: nothing is said of it.
 */
#include <stdbool.h>
#include <time.h>

#include "evidence/vulnerable.h"

enum vex_status {
	VEX_NONE, /* nobody says anything */
	VEX_AFFECTED,
	VEX_NOT_AFFECTED,
	VEX_FIXED,
	VEX_UNDER_INVESTIGATION
};
struct vex_statement {
	enum vex_status status;
	struct strs ids;      /* of the vulnerability: its name and others */
	struct strs products; /* names of one product, or of several of which the same is said */
	bool in_parts;        /* not about all of the product, but of it about */
	struct strs parts;    /* these */
	const char *why;      /* the justification, or what it says of the impact; or NULL */
	struct timespec time; /* since 1970; where nothing is said before all others */
	const char *file;
};
DEFINE_VEC(vex_statements, struct vex_statement)

struct vex {
	struct vex_statements statements;
	struct arena *arena;
};

/*
 * Adds the statements of LEN bytes of JSON, file PATH. ERR_USER: it is none of these; or a time, a
 * status or a justification in it is none: all that are.
 */
int vex_parse(struct vex *x, const char *path, const char *json, size_t len,
	      struct err **err) warn_unused;
/* Those of all *.json in directory DIR, which need not be there. */
int vex_read(struct vex *x, const char *dir, struct err **err) warn_unused;
/*
 * The newest statement about V in what D describes; of equally old ones the last. NULL: none.
 */
const struct vex_statement *vex_find(const struct vex *x, const struct sbom_document *d,
				     const struct vulnerable *v);
/* Whether S takes V off the list: fixed, or not affected for a reason that is said. */
bool vex_settles(const struct vex_statement *s);
void vex_release(struct vex *x);
#define cleanup_vex __attribute__((cleanup(vex_release)))
