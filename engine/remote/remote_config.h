/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the user's configuration says of shared places: its map `remote:` (kinds/user_config.h), and
 * what the environment sets in its place: $ORCH_CACHE (URLs parted by spaces; empty: none),
 * $ORCH_CACHE_TOKEN.
 * docs/sharing.md is the manual.
 */
#include "recipe/schema.h"
#include "remote/sign.h"
#include "remote/transport.h"

enum remote_mode {
	REMOTE_READ,  /* ask and fetch */
	REMOTE_WRITE, /* and store what was built */
	REMOTE_OFF,
};
struct remote_config {
	struct list cache; /* of const char *: URLs; all are asked in order, the first is written */
	const char *executor;        /* URL, or NULL */
	const char *instance;        /* REAPI instance name, or NULL */
	const char *ca, *cert, *key; /* PEM files, or NULL */
	const char *token;           /* or NULL */
	const char *region;          /* S3, or NULL */
	struct list trust;           /* of const char *: "ed25519:<hex>" */
	const char *sign;            /* PEM file, or NULL */
	int mode;                    /* enum remote_mode */
	struct list platform;        /* of struct pair *: name -> value of an executor's workers */
	int64_t jobs;                /* how many nodes an executor gets at once; 0: not said */
};
extern const struct schema remote_config_schema;
/*
 * C, which may be NULL (the file says nothing), with what the environment says in its place. RET's
 * pointers are C's, the environment's or ARENA's. Files are taken as relative to DIR, the
 * directory of the configuration.
 */
void remote_config_use(const struct remote_config *c, const char *dir, struct arena *arena,
		       struct remote_config *ret);
/* Takes $ORCH_CACHE_TOKEN out of the environment, where children would have it, and keeps it. */
void remote_config_keep_token(void);
/* Whether there is a cache to ask. */
bool remote_config_has_cache(const struct remote_config *c);
/* For transport_open(); pointers are C's and the environment's. */
void remote_config_access(const struct remote_config *c, struct remote_access *ret);
/* The keys of `trust:`, decoded; in ARENA. */
void remote_config_trust(const struct remote_config *c, struct arena *arena, struct trust *ret);
/* URLs, parted by spaces, for people: without users and queries but for those of directories. */
char *remote_urls_shown(const char *urls);
