/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * One run of a policy. policy_run.c opens what it is about and writes the verdict; policy_look_*()
 * of the other files each apply a rule to a part.
 */
#include "kinds/policy/policy_opts.h"
#include "media/tree/tree.h"
#include "run/action.h"

/* A file system, or a file or partition that is none. */
struct policy_part {
	const char *node;
	const char *place; /* what stands before a path in it: "root:", "install:/root-a" */
	struct tree *tree; /* NULL: SIZE bytes from OFFSET on of FILE, known as PATH */
	const char *file;  /* absolute */
	uint64_t offset, size;
	const char *path; /* "/keyring.pem" */
};
DEFINE_VEC(policy_parts, struct policy_part)

struct policy_run;
struct arena *policy_arena(const struct policy_run *r);
const struct policy_opts *policy_opts(const struct policy_run *r);
struct action *policy_action(const struct policy_run *r);

/* PATH, absolute in PART, breaks RULE: the text says how, REMEDY what to do. */
void policy_tell(struct policy_run *r, enum policy_rule rule, const struct policy_part *part,
		 const char *path, const char *remedy, const char *fmt, ...) printf_like(6, 7);
/* The same, unless a pattern of ALLOWED, the value of RULE, is for PATH. */
void policy_tell_unless(struct policy_run *r, enum policy_rule rule, const struct list *allowed,
			const struct policy_part *part, const char *path, const char *remedy,
			const char *fmt, ...) printf_like(7, 8);
/* Something that people should know though it breaks nothing. */
void policy_note(struct policy_run *r, const char *fmt, ...) printf_like(2, 3);
/* PATTERN, a value of RULE, has met something. */
void policy_used(struct policy_run *r, enum policy_rule rule, const char *pattern);
#define POLICY_PACKAGES "(packages)" /* of POLICY_LICENCES: there is a database of them */
/* Whether a pattern of LIST, which is remembered as used for RULE, is for PATH. */
bool policy_matches(struct policy_run *r, enum policy_rule rule, const struct list *list,
		    const char *path);

void policy_look_rights(struct policy_run *r, const struct policy_part *part);
/* Of a file, too, as the next one. */
int policy_look_keys(struct policy_run *r, const struct policy_part *part,
		     struct err **err) warn_unused;
int policy_look_certificates(struct policy_run *r, const struct policy_part *part,
			     struct err **err) warn_unused;
void policy_look_licences(struct policy_run *r, const struct policy_part *part);

/* The build-ids that debug information is kept of. */
struct policy_debug;
int policy_debug_open(struct policy_run *r, struct policy_debug **ret,
		      struct err **err) warn_unused;
void policy_debug_close(struct policy_debug *d);
void policy_look_symbols(struct policy_run *r, const struct policy_debug *d,
			 const struct policy_part *part);
