/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Whether packages have what they depend on (Debian Policy 7.1): alternatives, versions, virtual
 * packages that others provide. Packages come as stanzas: of a .deb, a Packages index, a status
 * file.
 *
 *	struct deb_packages all = {0};
 *	deb_package_parse(arena, stanza, &p);               // for each, then deb_packages_push()
 *	struct deb_index *index = deb_index_new(&all);
 *	deb_index_missing(index, p.depends, &group);        // "libc6 (>= 2.38) | musl"
 *	deb_index_free(index);
 *
 * One architecture at a time: a qualifier of a name (":any", ":arm64") is not looked at.
 */
#include <stdbool.h>

#include "base/str.h"
#include "base/vec.h"

/* What relations need of a package. */
struct deb_package {
	const char *name, *version, *arch;
	const char *depends; /* Pre-Depends and Depends; "" when there is none, as the next two */
	const char *recommends;              /* Recommends */
	const char *provides;                /* Provides */
	const char *source, *source_version; /* Source: NAME (VERSION); its own where not said */
	uint64_t installed_kib;              /* Installed-Size, KiB; 0: not said */
	bool essential;
};
DEFINE_VEC(deb_packages, struct deb_package)

/* Strings are put into ARENA. 0, or 1 when name, version or architecture is missing. */
int deb_package_parse(struct arena *arena, const char *stanza, struct deb_package *ret);

/*
 * Appends the packages of STATUS, the text of a /var/lib/dpkg/status or NULL, but those that set
 * BUT has, too: it takes their place.
 */
struct deb_set;
void deb_packages_installed(struct arena *arena, const char *status, const struct deb_set *but,
			    struct deb_packages *ret);

/* Packages by the names that they have or provide. ALL must outlive it unchanged. */
struct deb_index;
struct deb_index *deb_index_new(const struct deb_packages *all);
void deb_index_free(struct deb_index *index);
static inline void deb_index_freep(struct deb_index **index)
{
	deb_index_free(*index);
}
#define cleanup_deb_index __attribute__((cleanup(deb_index_freep)))

/*
 * Calls FN for each package of the index that satisfies one of the alternatives of one of the
 * groups of RELATIONS ("a (>= 1) | b, c"); a package may come more than once.
 */
void deb_index_each(const struct deb_index *index, const char *relations,
		    void (*fn)(void *arg, const struct deb_package *p), void *arg);
/* The first group of RELATIONS that nothing satisfies, put into RET; false: there is none. */
bool deb_index_missing(const struct deb_index *index, const char *relations, struct str *ret);
