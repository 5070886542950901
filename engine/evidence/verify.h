/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Whether a file is what its provenance says, and whether that is good enough: the documents that
 * `orch build` writes beside what it delivers (evidence/provenance.h), read by somebody else.
 *
 *	signature   of the envelope, by one of the keys that are trusted; the plain statement beside
 *	            it, if there is one, is the same to the byte
 *	statement   an in-toto Statement with SLSA provenance, as orch writes it, of the node by
 *	            which the documents are called
 *	subject     has the file's name and SHA-256
 *	bill        each bill of materials beside it is one that the statement names, by SHA-256
 *	builder, branch, commit    what the policy asks for
 */
#include "evidence/dsse.h"
#include "recipe/schema.h"

struct verify_policy {
	struct list keys;     /* of const char *: files with public keys or certificates */
	struct list builders; /* of const char *: URIs; items NULL: any */
	struct list branches; /* of const char *; items NULL: any, or none that is known */
	bool clean;           /* built of a commit, without changes that it does not have */
	bool is_unsigned;     /* where there are no keys: a plain statement is believed */
	bool is_covered;      /* not of the file: a signature over what it is in covers it */
};
/* Reads the file PATH, -1 with all its mistakes; paths in it begin where it is. In ARENA. */
int verify_policy_read(struct arena *arena, const char *path, struct verify_policy *ret,
		       struct err_list *errors) warn_unused;

struct verify_finding {
	const char *check; /* "signature" */
	bool good;
	const char *text; /* "signed by key 1f2e… (EC)" */
};
DEFINE_VEC(verify_findings, struct verify_finding)

/*
 * Looks at ARTIFACT and what lies beside it. What is found is pushed to RET, in ARENA: the answer
 * is yes if all of it is good. -1 where the artifact cannot be read.
 */
int verify_artifact(struct arena *arena, const char *artifact, const struct dsse_keys *keys,
		    const struct verify_policy *policy, struct verify_findings *ret,
		    struct err **err) warn_unused;
/*
 * The same of the directory DIR of a release: 'signature' and 'statement' of release.dsse.json
 * (evidence/release.h), 'file' for each that is not as it says, 'rights' for each that has some
 * which nothing in a release has, and of bundle and card what is found of them; their own
 * statements need no signature, as the release's covers them.
 */
int verify_release(struct arena *arena, const char *dir, const struct dsse_keys *keys,
		   const struct verify_policy *policy, struct verify_findings *ret,
		   struct err **err) warn_unused;
