/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind policy. A rule whose key is not written is not asked for. */
#include "recipe/kind.h"

enum policy_unknown { UNKNOWN_REFUSE, UNKNOWN_ALLOW };

struct policy_licences {
	struct list allow; /* of const char *: patterns of SPDX identifiers */
	int unknown;       /* enum policy_unknown */
};

struct policy_certificates {
	struct list paths; /* of const char *: patterns */
	const char *until; /* a month or a day, to its end */
};

struct policy_symbols {
	struct list in;    /* of struct ref * */
	struct list paths; /* of const char *: patterns; none: all */
};

/* What breaks a rule, and somebody answers for. */
struct policy_ignored {
	struct pos pos;
	int rule;         /* enum policy_rule, 0: any */
	const char *node; /* NULL: any */
	const char *path; /* pattern */
	const char *why;
	const char *until; /* the last day, or NULL */
};

enum policy_rule {
	POLICY_ANY, /* of an entry of `ignore:` */
	POLICY_SETUID,
	POLICY_WORLD_WRITABLE,
	POLICY_PRIVATE_KEYS,
	POLICY_LICENCES,
	POLICY_CERTIFICATES,
	POLICY_SYMBOLS,
	POLICY_IGNORE, /* the entries of `ignore:` themselves */
	POLICY_RULES,
};
/* Their names, which are those of their keys; ended by NULL after those that may be ignored. */
extern const char *const policy_words[POLICY_RULES + 1];

struct policy_opts {
	struct list of; /* of struct ref * */
	/* Of const char *: patterns of what may be; items NULL: the rule is not asked for. */
	struct list setuid, world_writable, private_keys;
	struct policy_licences *licences;
	struct policy_certificates *certificates;
	struct policy_symbols *symbols;
	struct list ignore; /* of struct policy_ignored * */
};

/* The first second after `until:` of certificates. 0, or 1 when it is not a month or day. */
int policy_until(const char *until, uint64_t *ret);
