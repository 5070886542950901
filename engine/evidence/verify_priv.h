/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What verify.c and verify_release.c share. */
#include <jansson.h>

#include "evidence/verify.h"

struct verify {
	struct arena *arena;
	const char *artifact;
	const char *stem; /* of its documents: "out/card/card" */
	const struct dsse_keys *keys;
	const struct verify_policy *policy;
	struct verify_findings *found;
	json_t *statement;
};

/* Whether there is an envelope with the provenance of the file ARTIFACT. */
bool verify_is_sealed(struct arena *arena, const char *artifact);
/* Pushes a finding. */
void verify_tell(struct verify *v, const char *check, bool good, const char *fmt, ...)
	printf_like(4, 5);
/*
 * Appends the payload of the envelope PATH, if somebody who is trusted has signed it. 0, or 1:
 * nothing more is to be looked at.
 */
int verify_open_envelope(struct verify *v, const char *path, struct str *ret);
