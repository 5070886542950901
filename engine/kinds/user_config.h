/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What belongs to the machine and its user, not to a project: $XDG_CONFIG_HOME/orch/config.yaml,
 * else ~/.config/orch/config.yaml. It need not exist. docs/config.md is its manual.
 */
#include "base/http.h"
#include "recipe/schema.h"
#include "remote/remote_config.h"

struct user_config {
	struct list mirrors;           /* of struct pair *: alias -> struct list of URLs */
	struct list pools;             /* the same; "debian": of all archives (package_pool.h) */
	int64_t jobs;                  /* 0: not said */
	struct list credential_helper; /* of const char *: a program and its arguments */
	uint64_t download_pace;        /* bytes per second; 0: not said */
	uint64_t download_size;        /* bytes; 0: not said */
	uint64_t store_size;           /* bytes; 0: not said */
	bool trust_emulators; /* a board's QEMU may come out of any tree, see kinds/test/board.c */
	bool trust_tools;     /* a bundle's rauc, which reads the key, see kinds/bundle/bundle.c */
	const char *pin_file; /* what unlocks the keys of tokens (pki/pin.h), or NULL */
	const char *pkcs11_module;  /* the library of a token, or NULL: what p11-kit knows */
	const char *builder;        /* URI of who builds here, or NULL */
	const char *provenance_key; /* as the file says it, or NULL */
	struct list
		boards; /* of struct pair *: name -> struct board_config (test/board_config.h) */
	struct remote_config *remote; /* as the file says it, or NULL: user_config_remote() */
};

/* Its keys. */
extern const struct schema user_config_schema;
/* Everything lives in ARENA. No file: zeros. */
int user_config_read(struct arena *arena, struct user_config *ret, struct err **err) warn_unused;
/* The same, and *RET_MAP is what the file says, with places; NULL: no file. */
int user_config_parse(struct arena *arena, const struct yaml **ret_map, struct user_config *ret,
		      struct err **err) warn_unused;
/*
 * Whether MAP, which may be NULL, has KEY ("jobs", "remote.cache"); its text (of a list and a map,
 * with spaces between), and where.
 */
bool user_config_said(const struct yaml *map, const char *key, struct str *ret_text,
		      struct pos *ret_pos);
/* Where the file is, or would be; NULL: nothing says where. Caller frees. */
char *user_config_path(void);
/* What it and the environment say of shared caches, with the paths of files absolute; in ARENA. */
void user_config_remote(const struct user_config *c, struct arena *arena,
			struct remote_config *ret);
/* The key that signs provenance, as an absolute path; NULL: not said. Caller frees. */
char *user_config_provenance_key(const struct user_config *c);
/* What the user says of downloads. */
void user_config_limit(const struct user_config *c, struct http_opts *opts);
