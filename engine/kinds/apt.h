/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Asking package archives, through apt-get with a configuration of its own: nothing of the system
 * is read or changed but apt's network settings, and no privilege is needed. apt verifies the
 * archives' signatures; what it says about a package (place, size, SHA-256) is thereby signed.
 *
 *	struct apt_request q = {.dir = dir, .arch = "arm64", .archives = archives};
 *	apt_open(&q, err);                                      // configures, updates the lists
 *	apt_install(&q, names, LOCK_PACKAGE, &entries, err);    // with all they depend on
 */
#include "kinds/debian.h"

struct apt_request {
	struct arena *arena;
	const char *dir;  /* absolute; lists stay there between calls */
	const char *arch; /* Debian's name */
	const char *project_dir;
	struct list archives; /* of const struct archive * */
	bool recommends, offline;
	const struct lock_entries *keep; /* prefer these versions; may be NULL */
	const char *except;              /* but not of this package; may be NULL */
	/* The rest is apt_open's. */
	const char **urls; /* by archive */
	char **env;
};

int apt_open(struct apt_request *q, struct err **err) warn_unused;
/* NAMES and all they need. */
int apt_install(struct apt_request *q, const struct strv *names, struct lock_entries *ret,
		struct err **err) warn_unused;
/* One package alone, as a tool. */
int apt_tool(struct apt_request *q, const char *name, struct lock_entries *ret,
	     struct err **err) warn_unused;
/* The files of a source package. */
int apt_source(struct apt_request *q, const char *name, struct lock_entries *ret,
	       struct err **err) warn_unused;
/* The newest date of the archives' Release files, seconds since 1970. */
int apt_date(const struct apt_request *q, uint64_t *ret, struct err **err) warn_unused;

/* ---- between the files of this module ---- */

/* Writes everything apt-get reads but its preferences; sets Q->urls. */
int apt_configure(struct apt_request *q, struct err **err) warn_unused;
/* Writes a file below Q->dir. */
int apt_write(const struct apt_request *q, const char *rel, const struct str *text,
	      struct err **err) warn_unused;
