/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where archives are, and how they are reached. A project says what it takes (suites, components,
 * keys); where that can be had is a matter of the machine: `mirrors:` of the user's config.yaml,
 * else what the host's apt uses for Debian. Locking (apt) and building (libcurl) both ask here, so
 * that what one can reach the other can.
 *
 *	struct mirrors m;
 *	mirrors_open(arena, &m, err);
 *	mirrors_find(&m, &archive, &where, err);                      // for apt
 *	mirrors_sources(&m, &archive, entry, tmp_dir, &item, err);    // for http_fetch()
 */
#include "kinds/debian/debian.h"
#include "kinds/debian/host_apt.h"
#include "kinds/user_config.h"

struct mirrors {
	struct arena *arena;
	struct user_config config;
	struct host_apt host;
	struct host_source *sources; /* of the host's apt, read when first needed */
	size_t source_count;
	bool have_sources;
	const char *auth; /* user and password of the URLs in config.yaml, see apt_auth.h */
	struct mirror_place *places; /* archives that mirrors_sources() knows by now */
};

/* Where one archive is. No user or password stands here. */
struct mirror {
	const char *list;  /* "mirror+file:/...": a list of mirrors that apt reads; or NULL */
	const char **urls; /* without '/' at the end, to be tried in order; none with LIST */
	size_t count;
	const char
		*signed_by; /* as of struct host_source: who signs the host's copy; NULL: Debian */
};

int mirrors_open(struct arena *arena, struct mirrors *ret, struct err **err) warn_unused;
/* ERR_ENV with the remedy when nobody says where A is. */
int mirrors_find(struct mirrors *m, const struct lock_archive *a, struct mirror *ret,
		 struct err **err) warn_unused;
/*
 * Refuses a list of mirrors in which none serves indexes: apt would ask the list again for ever. A
 * list that cannot be read is left to apt.
 */
int mirrors_check_list(struct mirrors *m, const struct lock_archive *a, const char *tmp_dir,
		       struct err **err) warn_unused;
/*
 * Where the file of E, which is of archive A, can be fetched from, and how: fills the sources of
 * ITEM. A list of mirrors may have to be fetched for it, into TMP_DIR.
 */
int mirrors_sources(struct mirrors *m, const struct lock_archive *a, const struct lock_entry *e,
		    const char *tmp_dir, struct http_item *item, struct err **err) warn_unused;
