/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The options of kind tree, and its steps that need no program, each a file: users, local packages,
 * the stamp. All errors that name something of the recipe say where it stands.
 */
#include "kinds/tree/content.h"
#include "kinds/tree/units.h"
#include "media/deb/deb_plan.h"
#include "media/tree/tree.h"
#include "recipe/schema.h"
#include "run/action.h"

/* The output: the tree. */
#define TREE_OUTPUT "root.tar"

struct tree_group {
	struct pos pos; /* OPT_PLACED */
	const char *name;
	int64_t gid;
};

struct tree_user {
	struct pos pos; /* OPT_PLACED */
	const char *name, *gid, *home, *shell;
	int64_t uid;
	struct list groups; /* of const char * */
	struct ref *keys;
};

struct tree_opts {
	struct ref *from, *emulator;
	const char *arch;     /* of a tree from nothing; NULL with FROM */
	struct list contents; /* of struct content * */
	struct list groups;   /* of struct tree_group * */
	struct list users;    /* of struct tree_user * */
	struct list debs;     /* of struct ref * */
	struct list steps;    /* of struct step * */
	struct list env;      /* of struct pair * */
	struct units *units;
	const char *stamp;
	struct list remove; /* of const char * */
	struct list modes;  /* of struct pair * */
	bool nested;
	int64_t memory, scratch; /* bytes; 0: the default */
	struct list platform;    /* of struct pair * */
};
extern const struct schema tree_schema;

/* Puts action_place() of POS before *err; -1. */
int tree_place(const struct action *a, struct pos pos, struct err **err);

/* tree_users.c: groups, then users with their homes and keys. */
int tree_add_accounts(struct action *a, struct tree *t, struct err **err) warn_unused;
/* Every shell that the recipe names must be in T, the finished tree. */
int tree_check_shells(struct action *a, const struct tree *t, struct err **err) warn_unused;

/*
 * tree_debs.c: opens the packages of `debs:` and plans their installation in T. Refuses what T has
 * no dpkg for, other architectures, a package named twice, and dependencies that neither T nor
 * another of the packages satisfies.
 */
int tree_plan_debs(struct action *a, const struct tree *t, struct deb_set *set,
		   struct deb_plan *ret, struct err **err) warn_unused;

/*
 * tree_stamp.c: writes IMAGE_ID=ID and IMAGE_VERSION=VERSION (os-release(5)) into the file at PATH
 * of T, which must be there; lines of these names are replaced.
 */
int tree_stamp(struct tree *t, const char *path, const char *id, const char *version,
	       struct err **err) warn_unused;
