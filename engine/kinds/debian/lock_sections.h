/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A lock file of a node that is there in several variants (graph/variants.h) has a section for each
 * request: whole locks, one after the other, in the order of their architectures and requests.
 */
#include "kinds/debian/debian.h"

struct lock_section {
	const char *text; /* LEN bytes of the file */
	size_t len;
	unsigned line; /* its first, in the file */
};
DEFINE_VEC(lock_sections, struct lock_section)

/* The sections of the LEN bytes at TEXT; at least one. */
void lock_sections_split(const char *text, size_t len, struct lock_sections *ret);
/* Whether the section says that it answers REQUEST. */
bool lock_section_answers(const struct lock_section *s, const struct digest *request);
/*
 * The section in the LEN bytes at TEXT that is NODE's of P: that which answers it, *RET_ANSWERS,
 * else of its architecture the one that has most of the recipe's packages, be it what it had before
 * the recipe changed or another variant's; of a project without variants the only one, whatever it
 * says. 0; 1 none is.
 */
int lock_section_of(struct arena *arena, const struct project *p, const char *node,
		    const char *text, size_t len, struct lock_section *ret, bool *ret_answers);
/*
 * Appends to RET the file FILE, OLD_LEN bytes at OLD, with section NOW put into its place, for the
 * one that answers the same request.
 */
void lock_sections_replace(const char *old, size_t old_len, const char *now, struct str *ret);
/*
 * Takes out of NODE's lock the sections that no variant asks for any more; PROJECTS are the COUNT
 * variants. Nothing is taken out as long as what one asks for is not known, or not locked: it will
 * begin with the pins that it had.
 */
int lock_sections_tidy(struct arena *arena, const struct project *const *projects, size_t count,
		       const char *node, struct err **err) warn_unused;
/*
 * The LEN bytes at TEXT without sections that answer none of the COUNT REQUESTS: 0, or 1 when there
 * are none, or a request that no section answers.
 */
int lock_sections_sweep(const char *text, size_t len, const struct digest *requests, size_t count,
			struct str *ret);
