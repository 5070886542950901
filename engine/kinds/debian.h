/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files of kind 'debian' share: its options, and the lock file recipes/NODE.lock.
 *
 * A lock is text, one word-separated record per line, sorted; '#' starts a comment:
 *
 *	orch-lock 1
 *	request <sha256>                     of the request it answers, see debian_request()
 *	arch arm64
 *	date 1795226446                      seconds: newest Release date of the archives used
 *	archive ARCHIVE SUITE [own-keys]     what its URL is looked up by, see mirror_url()
 *	package ARCHIVE NAME VERSION ARCH PATH SIZE SHA256
 *	source ARCHIVE NAME VERSION source PATH SIZE SHA256    one line per file of the package
 *	tool ARCHIVE NAME VERSION ARCH PATH SIZE SHA256        needed to build, not in the result
 *
 * ARCHIVE is an alias of project.yaml and PATH is relative to that archive:
 * no host name stands here.
 */
#include "base/digest.h"
#include "recipe/recipe.h"

struct debian_opts {
	const char *arch;                        /* as written: "arm64", "build" */
	struct list packages, sources, archives; /* of const char * */
	bool recommends;
	struct ref *from, *overlay;
};

enum lock_type { LOCK_PACKAGE, LOCK_SOURCE, LOCK_TOOL };

struct lock_entry {
	enum lock_type type;
	const char *archive, *name, *version, *arch, *path;
	uint64_t size; /* bytes */
	struct digest sha256;
};
DEFINE_VEC(lock_entries, struct lock_entry)

/* An archive of the lock. */
struct lock_archive {
	const char *alias;
	const char *suite; /* the first: tells whether it is Debian's main or security archive */
	bool own_keys;     /* not signed by Debian's keys */
};
DEFINE_VEC(lock_archives, struct lock_archive)

struct debian_lock {
	struct digest request;
	const char *arch;
	uint64_t date;
	struct lock_archives archives;
	struct lock_entries entries;
};
static inline void debian_lock_clear(struct debian_lock *l)
{
	lock_archives_clear(&l->archives);
	lock_entries_clear(&l->entries);
}
#define cleanup_lock __attribute__((cleanup(debian_lock_clear)))

extern const struct schema debian_schema;

/* "recipes/NODE.lock". */
const char *debian_lock_path(struct arena *arena, const char *node);
/* Parses TEXT; errors name FILE and the line. Strings live in ARENA. */
int debian_lock_parse(struct arena *arena, const char *file, const char *text,
		      struct debian_lock *ret, struct err **err) warn_unused;
/* Reads recipes/NODE.lock of a project; 1: there is none. */
int debian_lock_read(struct arena *arena, const char *project_dir, const char *node,
		     struct debian_lock *ret, struct err **err) warn_unused;
/*
 * What the lock in TEXT pins, for the node's key: the architecture, and of each entry what makes
 * bytes, "package NAME" with "VERSION ARCH sha256:HEX", "source NAME" with "VERSION FILE
 * sha256:HEX" for each of its files, "tool" as package. Where files are fetched from, and who
 * asked for them, is no part of it. Sorted.
 */
int debian_pins(struct arena *arena, const char *file, const char *text, struct pins *ret,
		struct err **err);
/* The text of a lock; sorts its entries. */
void debian_lock_format(struct debian_lock *l, struct str *ret);
/*
 * Appends "+ name version", "- name version", "~ name old -> new" per line, sorted; one line in all
 * when OLD is empty.
 */
void debian_lock_diff(struct debian_lock *old, struct debian_lock *now, struct str *ret);
/*
 * The digest of what is asked for: architecture, packages, sources, archives and the lock of the
 * node it builds on. A lock answers a recipe while this stays the same.
 */
int debian_request(struct arena *arena, const struct project *p, const struct debian_opts *o,
		   struct digest *ret, struct err **err) warn_unused;
/*
 * The node and options that O's 'from:' names; an error with its place when that is no debian node.
 */
int debian_base(struct arena *arena, const struct project *p, const struct debian_opts *o,
		const char **ret_node, const struct debian_opts **ret_opts,
		struct err **err) warn_unused;
struct lock_archive debian_archive_of(const struct archive *a);
/* The archives a node takes packages from, of const struct archive *; 'archives:' or all. */
int debian_archives(const struct project *p, const struct debian_opts *o, struct list *ret,
		    struct arena *arena, struct err **err) warn_unused;

/*
 * Where archive A is for this user: `mirrors:` of the user's config.yaml, else the Debian sources
 * of the host's own apt configuration. Without '/' at the end; arena.
 */
int mirror_url(struct arena *arena, const struct lock_archive *a, const char **ret,
	       struct err **err) warn_unused;
/* Settings of the host's apt that say how to reach the network, as lines of an apt.conf. */
int mirror_apt_settings(struct str *ret, struct err **err) warn_unused;
/* The proxy for http of the host's apt, or NULL. Arena. */
const char *mirror_proxy(struct arena *arena);

/*
 * Fetches what L pins into the cache (files named by SHA-256), several at once, unless it is there
 * and whole. A pin that the archive has dropped is an error that names package, version and remedy.
 */
struct action;
int debian_fetch(struct action *a, const char *node, const struct debian_lock *l,
		 struct err **err) warn_unused;
/* The file of an entry in the cache, absolute; arena. */
const char *debian_file(const struct action *a, const struct lock_entry *e);
/*
 * Copies one file out of the tool packages of L to DEST (0755). NAMES are paths inside, the first
 * that one of the packages has is taken; ended by NULL. 1: none has any.
 */
int debian_tool(struct action *a, const struct debian_lock *l, const char *const names[],
		const char *dest, struct err **err) warn_unused;

/*
 * dpkg's work: the tree is laid out in a directory, the packages are unpacked and configured there,
 * and what has become of it is gathered again.
 */
struct debian_stage {
	struct action *a;
	const struct debian_lock *lock;
	const struct deb_plan *plan;
	const char *overlay; /* host directory, laid over the tree before scripts run, or NULL */
	struct tree *before; /* seeded (media/deb_seed.h) or configured, with the overlay in it */
	struct tree *after;  /* the result goes here */
};
struct deb_plan;
struct tree;
int debian_install(struct debian_stage *s, struct err **err) warn_unused;
/*
 * Unpacks the source packages of L, patched, to /usr/src/NAME of T. OWN: with T's own dpkg-source,
 * where T was configured (workdir/root); else with the host's.
 */
int debian_sources(struct action *a, const struct debian_lock *l, bool own, struct tree *t,
		   struct err **err) warn_unused;
