/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files behind relock_node() share.
 *
 *	relock.c        the locks as they were, tools and sources, the lock as it will be
 *	relock_pins.c   which pins the archives still have
 *	relock_builds.c what builds need
 *	relock_debs.c   packages of one's own
 *	relock_from.c   what --from moves
 *	relock_pool.c   pools that keep all of it
 *	relock_solve.c  the packages, through apt, with the pins in their place
 *	relock_needs.c  why each of them is there
 */
#include "kinds/debian/apt.h"
#include "kinds/debian/relock.h"

/* A package that the old lock, or a node below, pins. */
struct old_pin {
	const struct lock_entry *entry;
	bool base;    /* of a node below: its lock is not ours to change */
	bool left;    /* a node below has it, and this node takes its own in its place */
	bool updated; /* LEFT, because of --update, then or now */
	const struct lock_entry *own; /* while BASE: the old lock's line in its place; NULL: none */
	const char *target;           /* the version it moves to, by --from; NULL: whatever comes */
	bool kept;                    /* stays: the archive has it, nobody asked for another */
	const char *why;              /* why it is not kept; NULL: by --update */
};
DEFINE_VEC(old_pins, struct old_pin)

/* A package of `debs:`. */
struct own_deb {
	const struct relock_word *of;
	struct deb_package package;
	const char *stanza; /* its control file */
};
DEFINE_VEC(own_debs, struct own_deb)

struct relock {
	struct arena *arena;
	const struct project *project;
	const struct recipe *recipe;
	const struct debian_opts *o;
	const struct relock_opts *opts;
	struct debian_lock old, now;
	const char *lent; /* for people: whose lock OLD is, while this node has none; or NULL */
	struct debian_lock base; /* packages of all nodes it builds on, in one */
	struct strv builds;   /* for each of `build-depends:`, in its order: relations, for apt */
	struct own_debs own;  /* in the order of the recipe; those of nodes below last */
	struct old_pins pins; /* of packages: the base's, then the old lock's */
	struct map offered, offered_sources; /* name -> newest version, of the archive of --from */
	struct map why;                      /* name -> why it moved, const char * */
	struct apt_records records;
	struct apt_request apt; /* of the node's architecture, open */
};

/* Tells the user what is being done, which may take a while. */
void relock_say(const struct relock *l, const char *fmt, ...) printf_like(2, 3);
/* Whether --update takes whatever is newest of NAME. */
bool relock_updates(const struct relock *l, const char *name);
/*
 * Fills L->pins, with the archives of Q open. Kept pins that only the pools still have are handed
 * to apt as an archive of their own.
 */
int relock_find_pins(struct relock *l, struct apt_request *q, struct err **err) warn_unused;
/*
 * Whether the archives of Q still have E, by index or in their pool: 0, or 1 and *ret_why says why
 * not.
 */
int relock_still_there(struct relock *l, struct apt_request *q, const struct lock_entry *e,
		       const char **ret_why, struct err **err) warn_unused;
/*
 * This node takes its own in place of P, which a node below has: what the old lock had, if the
 * archives have it, else what is found, because of WHY.
 */
void relock_leave_base(const struct relock *l, struct old_pin *p, const char *why);
/* The archive ALIAS of Q, or NULL. */
const struct archive *relock_archive(const struct apt_request *q, const char *alias);
/* The pin of a package, or NULL. */
struct old_pin *relock_pin(const struct relock *l, const char *name);
/* NAMES, with commas, without those that a node below pins. Arena. */
const char *relock_own_names(const struct relock *l, const char *names);
/* What an index says of the package with these bytes, or NULL. */
const struct deb_package *relock_record(const struct relock *l, const struct digest *sha256);
/* Puts what the archive's index says of E into it. */
int relock_describe(const struct relock *l, struct lock_entry *e, struct err **err) warn_unused;
/*
 * relock_from.c: adds name -> newest version of all that the archive of --from has among WHAT,
 * "Packages" or "Sources", of Q; without --from nothing.
 */
int relock_offers(const struct relock *l, struct apt_request *q, const char *what, struct map *ret,
		  struct err **err) warn_unused;
/* The version to which --from moves NAME from VERSION, or NULL. */
const char *relock_offered(const struct relock *l, const struct map *offers, const char *name,
			   const char *version);
/* With --from, -1: pin E, which is not to be had because of WHY, would move, too. */
int relock_gone(const struct relock *l, const struct lock_entry *e, const char *why,
		struct err **err) warn_unused;
/* relock_builds.c: fills L->builds and tells apt of them; sources are pinned already. */
int relock_find_builds(struct relock *l, struct apt_request *q, struct err **err) warn_unused;
/* What apt is asked to install for them. */
void relock_push_builds(const struct relock *l, struct strv *words);
/* How a package that apt complains about is called: it may stand for a build. */
const char *relock_subject(const struct relock *l, const char *package);
/* Takes out what stands for builds, and packages of one's own. */
void relock_drop_builds(const struct relock *l, struct lock_entries *found);
/* relock_debs.c: reads the packages of L->opts->debs into L->own, for architecture ARCH. */
int relock_read_debs(struct relock *l, const char *arch, struct err **err) warn_unused;
/* Gives up pins that are in their way; they are refused where a node below has another version. */
int relock_prefer_debs(struct relock *l, struct err **err) warn_unused;
/* Appends what an index says of them, for apt_add_builds(). */
void relock_list_debs(const struct relock *l, struct str *ret);
/* What apt is asked to install of them. */
void relock_push_debs(const struct relock *l, struct strv *words);
/* Whether one of them is called NAME. */
bool relock_is_own(const struct relock *l, const char *name);
/* relock_pool.c: what L->now pins, and the sources of it, go where pools are. */
int relock_fill_pools(struct relock *l, struct err **err) warn_unused;
/* The entry of package NAME, or NULL. */
const struct lock_entry *relock_found(const struct lock_entries *list, const char *name);
/*
 * What is needed of FOUND, which is complete, becomes entries and wants of L->now; puts into FOUND
 * what its packages need.
 */
int relock_put_packages(struct relock *l, struct lock_entries *found, struct err **err) warn_unused;
/* Resolves the packages: entries and wants of L->now. */
int relock_solve(struct relock *l, struct apt_request *q, struct err **err) warn_unused;
