/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Asking package archives, through apt-get with a configuration of its own: nothing of the system
 * is read or changed but what mirrors.h tells, and no privilege is needed. apt verifies the
 * archives' signatures; what it says about a package (place, size, SHA-256) is thereby signed.
 *
 *	struct apt_request q = {.dir = dir, .arch = "arm64", .archives = archives};
 *	apt_open(&q, err);                                      // configures, updates the lists
 *	apt_install(&q, names, LOCK_PACKAGE, &entries, err);    // with all they depend on
 */
#include "kinds/debian/debian.h"
#include "machine/sandbox/confined.h"
#include "media/deb/deb_relations.h"

struct apt_request {
	struct arena *arena;
	const char *dir;  /* absolute; lists stay there between calls */
	const char *arch; /* Debian's name */
	const char *project_dir;
	struct list archives; /* of const struct archive * */
	bool recommends, offline;
	/* The rest is apt_open's. */
	const char **urls;         /* by archive, as apt knows them */
	struct apt_mirrors *lists; /* by archive: its mirrors, when they are several */
	struct mirrors *mirrors;   /* where they are */
	const char *blamed;        /* alias of the archive that the last error was about, or NULL */
	bool unknown;              /* it wants to know who we are */
	/* May have passwords, so apt reads them from memory: no file of the store has them. */
	const char *conf;   /* apt.conf */
	const char *auth;   /* auth.conf */
	bool *asked;        /* by archive: who we are, for its servers */
	const char *pool;   /* of apt_add_pool(); else NULL */
	const char *builds; /* of apt_add_builds(); else NULL */
};

int apt_open(struct apt_request *q, struct err **err) warn_unused;
/* Prefers the version of each package of KEEP to all others, newer ones, too. */
int apt_prefer(const struct apt_request *q, const struct lock_entries *keep,
	       struct err **err) warn_unused;
/*
 * One archive more, without signature: FILES are .debs below DIR, named by their digest, which the
 * caller has compared. What is taken from it has an empty archive and path.
 */
int apt_add_pool(struct apt_request *q, const char *dir, const struct strv *files,
		 struct err **err) warn_unused;
/*
 * One archive more, of packages that are never installed: number I of DEPENDS, "orch-build-I",
 * depends on what it says. That is how apt is asked for relations, not names. MORE are stanzas of
 * an index, of packages that no archive has. What is taken from it has an empty archive and path.
 */
#define APT_BUILD "orch-build-"
int apt_add_builds(struct apt_request *q, const struct strv *depends, const char *more,
		   struct err **err) warn_unused;

/*
 * Why packages cannot be had together: PACKAGE needs NAME, in apt's words TEXT ("b (>= 2)"); or it
 * conflicts with it or breaks it.
 */
struct apt_unmet {
	const char *package, *name, *text;
	const char *verb; /* "needs", "conflicts with" or "breaks" */
	bool absent;      /* NAME is not to be installed at all: something else is in its way */
};
DEFINE_VEC(apt_unmets, struct apt_unmet)
/*
 * WORDS (NAME, NAME=VERSION, NAME/SUITE, patterns) and all they need, with name, version,
 * architecture, place, size and digest. UNMET is filled when they cannot be had.
 */
int apt_install(struct apt_request *q, const struct strv *words, struct lock_entries *ret,
		struct apt_unmets *unmet, struct err **err) warn_unused;
/* One package alone, as a tool. */
int apt_tool(struct apt_request *q, const char *name, struct lock_entries *ret,
	     struct err **err) warn_unused;

/* What the indexes say of a package, by the digest of its .deb. */
struct apt_record {
	struct digest sha256;
	struct deb_package package;
};
DEFINE_VEC(apt_records, struct apt_record)
/* Adds all versions of NAMES; a name that is nowhere is passed over. */
int apt_records(struct apt_request *q, const struct strv *names, struct apt_records *ret,
		struct err **err) warn_unused;
/* Where a version of a package is listed. */
struct apt_place {
	const char *name, *version, *archive, *suite;
};
DEFINE_VEC(apt_places, struct apt_place)
/* Adds the places of all versions of NAMES. */
int apt_places(struct apt_request *q, const struct strv *names, struct apt_places *ret,
	       struct err **err) warn_unused;
/* What building version VERSION of a source package needs (build_depends_fields()); arena. */
int apt_source_needs(struct apt_request *q, const char *name, const char *version, const char **ret,
		     struct err **err) warn_unused;
/* The files of a source package; VERSION may be NULL. */
int apt_source(struct apt_request *q, const char *name, const char *version,
	       struct lock_entries *ret, struct err **err) warn_unused;
/* An index that an archive has for a suite. */
struct apt_index {
	const char *archive, *suite;
};
typedef int apt_stanza_fn(void *arg, const struct apt_index *index, const char *stanza,
			  struct err **err);
/* Calls FN for each stanza of all indexes WHAT, "Packages" or "Sources"; ends at the first -1. */
int apt_index(struct apt_request *q, const char *what, apt_stanza_fn *fn, void *arg,
	      struct err **err) warn_unused;
/* A version of a source package that is looked for. */
struct apt_source_wish {
	const char *name, *version;
	bool found;
};
DEFINE_VEC(apt_sources, struct apt_source_wish)
/*
 * Adds all files of those of WANTED that an index has, the .dsc among them, which no lock has, and
 * says which were found. Equal names of WANTED stand together.
 */
int apt_sources(struct apt_request *q, struct apt_sources *wanted, struct lock_entries *ret,
		struct err **err) warn_unused;
/* The newest date of the archives' Release files, seconds since 1970. */
int apt_date(const struct apt_request *q, uint64_t *ret, struct err **err) warn_unused;

/* ---- between the files of this module ---- */

/*
 * Writes everything apt-get reads but its preferences; sets Q->urls, which have no passwords, and
 * Q->conf and Q->auth.
 */
int apt_configure(struct apt_request *q, struct err **err) warn_unused;
/* Shows a confined apt its directory, and what of this machine the configuration names. */
void apt_show(const struct apt_request *q, struct confined *ret);
/*
 * In place of ERR (apt-get exited with ...) what apt's LOG says in our words and classes. Sets
 * Q->blamed and Q->unknown. Returns -1.
 */
int apt_complain(struct apt_request *q, const char *log, struct err **err);
/* Puts the next mirror of the archive to blame first. 1: all of its mirrors have been. */
int apt_next_mirror(struct apt_request *q, struct err **err) warn_unused;
/*
 * Finds out who we are to the archive to blame, which wants to know it (kinds/fetch/login.h), for
 * Q->auth. 1: it has been asked before, or nobody knows.
 */
int apt_ask_login(struct apt_request *q, struct err **err) warn_unused;
/* Writes a file below Q->dir, without secrets. */
int apt_write(const struct apt_request *q, const char *rel, const struct str *text,
	      struct err **err) warn_unused;
/* Runs a program of apt, confined, its stdout in OUT; only 'update' has the network. */
int apt_run(struct apt_request *q, char *const argv[], struct str *out,
	    struct err **err) warn_unused;
/* Whether a list that is kept differs from what its Release file says: *RET. */
int apt_lists_damaged(const struct apt_request *q, bool *ret, struct err **err) warn_unused;
/* Puts all lists and what apt made of them aside, so that it fetches them from the start. */
int apt_lists_set_aside(const struct apt_request *q, struct err **err) warn_unused;
/* Those that were set aside are the lists again. */
int apt_lists_take_back(const struct apt_request *q, struct err **err) warn_unused;
/* The alias of the archive that URL is of or below, *ret_rest what follows; NULL: of none. */
const char *apt_archive_of(const struct apt_request *q, const char *url, const char **ret_rest);

/* ---- what apt's programs print; TEXT is cut up ---- */

/* Of --print-uris: packages or tools. */
int apt_parse_uris(const struct apt_request *q, char *text, enum lock_type type,
		   struct lock_entries *ret, struct err **err) warn_unused;
/* Of apt-cache show; stanzas without name, version, architecture or digest are passed over. */
void apt_parse_records(struct arena *arena, char *text, struct apt_records *ret);
/* Of apt-cache madison; lines of other archives, and of sources, are passed over. */
void apt_parse_places(const struct apt_request *q, char *text, struct apt_places *ret);
/* Of apt-get: dependencies that cannot be met. */
void apt_parse_unmet(struct arena *arena, char *text, struct apt_unmets *ret);
/* Writes DIR/Packages. */
int apt_write_pool(const char *dir, const struct strv *files, struct err **err) warn_unused;
