/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files of kind 'debian' share: its options, and the lock file recipes/NODE.lock.
 *
 * A lock is text, one record per line, its words separated by one space. It is exactly what
 * debian_lock_format() writes: order, spelling, the comment, no line twice; only line ends may be
 * CRLF, all of them. Anything else is damage, refused with its line.
 *
 *	orch-lock 2
 *	# Made by 'orch lock'; what the recipe's packages are, exactly.
 *	request SHA256
 *	arch ARCH
 *	date SECONDS
 *	archive ALIAS SUITES COMPONENTS KEYS [valid-until:ignore]
 *	want WHAT NAMES
 *	package ARCHIVE NAME VERSION ARCH PATH SIZE SHA256 SOURCE SOURCE-VERSION INSTALLED NEEDS
 *	tool    (as a package)
 *	source  ARCHIVE NAME VERSION source PATH SIZE SHA256
 *	digest SHA256
 *
 * request   of what it answers, see debian_request()
 * arch      Debian's name; never "build"
 * date      seconds since 1970: newest Release date of the archives when a pin last moved
 * archive   one that a line below is from, as project.yaml had it. SUITES and COMPONENTS have
 *           commas, "-" when empty; a URL is looked up by the first suite (mirrors_find()). KEYS:
 *           "debian", or the SHA-256 of the keyring's bytes
 * want      why packages are here. WHAT is a word of the recipe's `packages:`, or "source:" and
 *           one of `sources:`, or "build:" and one of `build-depends:`, or "debs:" and one of
 *           `debs:` (what its packages need; they themselves are inputs and in no line), or
 *           "?essential" (the archives' essential packages), or "?tools",
 *           or "?updated" (what a node below has in an older version, by `--update PACKAGE`),
 *           or "?moved" (what a node below has in a version that does not fit to another one
 *           that is taken here). NAMES (commas) answer it: packages, files of a source,
 *           NAME:ARCH of tools; "-" when the node it builds on has them
 * package   part of the tree
 * tool      needed to build, no part of the result; its NEEDS are "-"
 * source    one line per file of a source package
 * digest    of all bytes above, with LF line ends; the last line
 *
 * ARCHIVE   alias in project.yaml: no host name stands here
 * PATH      relative to the archive (Filename of its index); a space, '%' and what is not
 *           printable ASCII as %XX, in upper case
 * SIZE      of the .deb or file: bytes (Size of the index)
 * SOURCE, SOURCE-VERSION   what it was built from (Source; where not said, its own)
 * INSTALLED KiB, as its maintainer says (Installed-Size, Policy 5.6.20); 0: not said
 * NEEDS     the packages of this lock, and of those it builds on, that satisfy its Depends and
 *           Pre-Depends (and Recommends with `recommends: true`); commas, sorted, "-" for none
 *
 * Sorted: archives and wants by their first word, the rest by type, name, architecture, path.
 * NEEDS and wants make a lost line noticed: lock_check() follows them from the recipe's words to
 * every line. The .debs' own control data are compared when a tree is built (debian_verify()).
 */
#include "base/digest.h"
#include "base/map.h"
#include "recipe/recipe.h"

/* The output: the tree. */
#define DEBIAN_OUTPUT "root.tar"

struct debian_opts {
	const char *arch;                        /* as written: "arm64", "build" */
	struct list packages, sources, archives; /* of const char * */
	struct list build_depends;               /* of const char *, see build_depends.h */
	struct list debs;                        /* of struct ref * */
	bool recommends;
	struct ref *from, *overlay;
	struct list platform; /* of struct pair * */
};

enum lock_type { LOCK_PACKAGE, LOCK_SOURCE, LOCK_TOOL };

/* Its words, see above; of a source file only those before 'source'. */
struct lock_entry {
	enum lock_type type;
	const char *archive, *name, *version, *arch;
	const char *path; /* decoded */
	uint64_t size;    /* bytes */
	struct digest sha256;
	const char *source, *source_version; /* NULL: not known (format 1, a source file) */
	uint64_t installed;                  /* KiB */
	const char *needs;                   /* with commas; "": none; NULL as SOURCE */
	unsigned line;                       /* where it was read; 0: it was not */
};
DEFINE_VEC(lock_entries, struct lock_entry)

/* An archive of the lock. */
struct lock_archive {
	const char *alias;
	const char *suite; /* the first: tells whether it is Debian's main or security archive */
	bool own_keys;     /* not signed by Debian's keys */
	bool valid_until_ignored; /* its state may have expired: the project says so */
	const char *suites, *components, *keys; /* as written in the lock; NULL: format 1 */
};
DEFINE_VEC(lock_archives, struct lock_archive)

/* Why packages are in a lock. */
struct lock_want {
	const char *what, *names; /* NAMES with commas; "": none of this lock */
	unsigned line;
};
DEFINE_VEC(lock_wants, struct lock_want)
#define LOCK_ESSENTIAL "?essential"
#define LOCK_TOOLS "?tools"
#define LOCK_MOVED "?moved"
#define LOCK_UPDATED "?updated"
#define LOCK_SOURCE_PREFIX "source:"
#define LOCK_DEBS_PREFIX "debs:"

struct debian_lock {
	unsigned format; /* 1 or 2; 0: empty */
	struct digest request;
	const char *arch;
	uint64_t date;
	struct lock_archives archives;
	struct lock_wants wants;
	struct lock_entries entries;
};
static inline void debian_lock_clear(struct debian_lock *l)
{
	lock_archives_clear(&l->archives);
	lock_wants_clear(&l->wants);
	lock_entries_clear(&l->entries);
}
#define cleanup_lock __attribute__((cleanup(debian_lock_clear)))

/* Reports, at the key 'arch' of MAP, what is not an architecture that can be run or emulated. */
void debian_check_arch(const struct yaml *map, const char *arch, struct err_list *errors);
extern const struct schema debian_schema;
/* The place of item I of list KEY of a recipe, or of its only one. */
struct pos debian_item_pos(const struct yaml *map, const char *key, size_t i);

/*
 * Why the programs of the tree that REF names are somebody's own work, not packages of an archive;
 * NULL: they are packages, or the node cannot be read, which is told elsewhere. Whoever writes a
 * recipe decides what such a tree holds: where its programs get at what the sandbox keeps from
 * steps (the machine, a signing key), only the user can allow it.
 */
const char *debian_not_packaged(struct arena *arena, const struct project *p,
				const struct ref *ref);

#define LOCK_MAX_BYTES (64 * 1024 * 1024)
/* "hello_2.10-3.dsc" of SOURCE "hello" in VERSION "1:2.10-3": file names have no epochs. */
const char *debian_dsc_name(struct arena *arena, const char *source, const char *version);
/* "recipes/NODE.lock". */
const char *debian_lock_path(struct arena *arena, const char *node);
/*
 * Parses a lock of format 2 in LEN bytes of TEXT; errors (ERR_USER) name FILE, the line and the
 * remedy. Strings live in ARENA.
 */
int debian_lock_parse(struct arena *arena, const char *file, const char *text, size_t len,
		      struct debian_lock *ret, struct err **err) warn_unused;
/*
 * Reads what is NODE's of recipes/NODE.lock (lock_sections.h). 1, "no lock": there is no such file,
 * or no variant of this architecture has been locked.
 */
int debian_lock_read(struct arena *arena, const struct project *p, const char *node,
		     struct debian_lock *ret, struct err **err) warn_unused;
/* As debian_lock_read, and reads format 1, too, of which `orch lock` keeps the pins. */
int debian_lock_read_any(struct arena *arena, const struct project *p, const char *node,
			 struct debian_lock *ret, struct err **err) warn_unused;
/*
 * What the lock in TEXT pins, for the node's key: the architecture, and of each entry what makes
 * bytes, "package NAME" with "VERSION ARCH sha256:HEX", "source NAME" with "VERSION FILE
 * sha256:HEX" for each of its files, "tool" as package. Where files are fetched from, and who
 * asked for them, is no part of it. Sorted.
 */
int debian_pins(struct arena *arena, const char *file, const char *text, struct pins *ret,
		struct err **err);
/* Puts the parts of a lock into the order of its text. */
void debian_lock_sort(struct debian_lock *l);
/* The text of a lock; sorts it. */
void debian_lock_format(struct debian_lock *l, struct str *ret);
/*
 * Appends "+ name version", "- name version", "~ name old -> new" per line, sorted; one line in all
 * when OLD is empty. WHY (name -> const char *; may be NULL) is told after what moved:
 * "~ name old -> new: the archive no longer has old".
 */
void debian_lock_diff(struct debian_lock *old, struct debian_lock *now, const struct map *why,
		      struct str *ret);
/* A package, tool or source that is in another version than before; strings are those of locks. */
struct lock_move {
	struct lock_entry was, now;
	const char *suite; /* the first of its archive */
	const char *why;   /* as debian_lock_diff() has it; NULL: it was asked for */
};
DEFINE_VEC(lock_moves, struct lock_move)
/* Adds what moved from OLD to NOW, which are sorted; a source is the first of its files. */
void debian_lock_moves(const struct debian_lock *old, const struct debian_lock *now,
		       const struct map *why, struct lock_moves *ret);
/*
 * The digest of what is asked for: architecture, packages, sources, the archives that the recipe
 * names, and what the node it builds on is pinned to. A lock answers a recipe while this stays the
 * same and project.yaml has the archives of its lines as they were.
 */
int debian_request(struct arena *arena, const struct project *p, const struct debian_opts *o,
		   struct digest *ret, struct err **err) warn_unused;
/*
 * The node and options that O's 'from:' names; an error with its place when that is not a debian
 * node.
 */
int debian_base(struct arena *arena, const struct project *p, const struct debian_opts *o,
		const char **ret_node, const struct debian_opts **ret_opts,
		struct err **err) warn_unused;
/*
 * The packages of all nodes that O builds on, in one, and the architecture of the first; each must
 * be locked. Of a package that several of them pin, the nearest has its way.
 */
int debian_read_bases(struct arena *arena, const struct project *p, const struct debian_opts *o,
		      struct debian_lock *ret, struct err **err) warn_unused;
/* Alias, suite and own_keys of A: what its URL is looked up by. */
struct lock_archive debian_archive_of(const struct archive *a);
/* All that a lock says of A; its keyring is read. */
int debian_archive_record(struct arena *arena, const struct project *p, const struct archive *a,
			  struct lock_archive *ret, struct err **err) warn_unused;
/*
 * A word of `packages:`: NAME, NAME/SUITE or NAME=VERSION. Put into ARENA; SUITE and VERSION are
 * NULL where not said. 0, or 1 when it is none of them.
 */
struct package_word {
	const char *name, *suite, *version;
};
int package_word_parse(struct arena *arena, const char *text, struct package_word *ret);
/* The archives a node takes packages from, of const struct archive *; 'archives:' or all. */
int debian_archives(const struct project *p, const struct debian_opts *o, struct list *ret,
		    struct arena *arena, struct err **err) warn_unused;

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

struct deb;
struct deb_set;
struct tree;
/* Whether D is the package that line E says, by its own control data; ERR_INTEGRITY names both. */
int debian_compare(const struct action *a, const struct deb *d, const struct lock_entry *e,
		   struct err **err) warn_unused;
/*
 * Whether the tools of L are what their lines say, and each package has what it depends on: those
 * of SET, and those that STATUS says are installed (dpkg's database of the tree below, or NULL) and
 * that none of SET takes the place of.
 */
int debian_verify(const struct action *a, const struct debian_lock *l, const struct deb_set *set,
		  const char *status, struct err **err) warn_unused;

/*
 * dpkg's work: the tree is laid out in a directory, the packages are unpacked and configured there,
 * and what has become of it is gathered again.
 */
struct debian_stage {
	struct action *a;
	const struct debian_lock *lock;
	const struct deb_plan *plan;
	const char *overlay; /* host directory, laid over the tree before scripts run, or NULL */
	struct tree
		*before; /* seeded (media/deb/deb_seed.h) or configured, with the overlay in it */
	struct tree *after; /* the result goes here */
};
struct deb_plan;
int debian_install(struct debian_stage *s, struct err **err) warn_unused;
/*
 * Unpacks the source packages of L, patched, to /usr/src/NAME of T. OWN: with T's own dpkg-source,
 * where T was configured (workdir/root); else with the host's.
 */
int debian_sources(struct action *a, const struct debian_lock *l, bool own, struct tree *t,
		   struct err **err) warn_unused;
