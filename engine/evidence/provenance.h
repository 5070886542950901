/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where the result of a node comes from, as others read it: an in-toto Statement, version 1, whose
 * predicate is SLSA provenance, version 1. docs/evidence.md is its manual.
 *
 * What it says of inputs is what the manifests of the node, and of all that it was made of, have.
 * Digests of images and directories inside of orch have names of their own, orchChunks (of a chunk
 * map) and orchFolder (graph/manifest.h); what is delivered has its SHA-256.
 */
#include <jansson.h>

#include "graph/manifest.h"

#define PROVENANCE_STATEMENT "https://in-toto.io/Statement/v1"
#define PROVENANCE_PREDICATE "https://slsa.dev/provenance/v1"
#define PROVENANCE_BUILD_TYPE "urn:orch:node:1"
/* The builder of what came from a shared cache: nobody says who made it. */
#define PROVENANCE_SHARED "urn:orch:shared-cache"

struct provenance_file {
	const char *name;
	struct digest sha256;
};
DEFINE_VEC(provenance_files, struct provenance_file)

/* The commit of the project that the result is of. */
struct provenance_commit {
	const char *commit; /* NULL: not known */
	const char *branch; /* or NULL */
	bool dirty;         /* there were changes that no commit has */
};

struct provenance {
	const struct node *node; /* with a record, as all that it is made of */
	struct provenance_commit commit;
	struct provenance_files subjects, byproducts;
	const char *builder;      /* a URI */
	const char *orch_version; /* of the orch that built it; NULL: not known */
	int64_t run;              /* that built it; 0: not known */
	const struct strs *sets;  /* what was said by --set: "NAME=VALUE" */
};

/* The statement, which the caller frees; NULL with an error. ARENA: while it is made. */
json_t *provenance_make(const struct provenance *p, const struct graph *g, struct arena *arena,
			struct err **err);
