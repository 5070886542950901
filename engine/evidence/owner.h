/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Where a path of a result comes from: the way down the graph from the node that has it to the one
 * in which it begins, by the bytes of each result on it. A tree or image is asked for the last of
 * its `contents:` that has the same file, then for the tree that it was made from; what none of
 * these has is the node's own work.
 *
 *	struct owner o cleanup_owner = {.arena = arena};
 *	owner_find(&o, &(struct owner_place){store_dir, scratch}, node, "/usr/bin/apt", err);
 *
 * A path of a disk leads into its partitions, by their names ("/root-a/etc") or as a device mounts
 * them, by etc/fstab of its first root file system; one of a bundle into its images.
 */
#include "evidence/bill.h"

struct owner_step { /* of the way */
	const struct node *node;
	struct pos pos;   /* in a recipe */
	const char *text; /* "unpack system:root.tar" */
};
DEFINE_VEC(owner_steps, struct owner_step)

enum owner_origin {
	OWNER_FILE,    /* FROM is a path of the project */
	OWNER_PACKAGE, /* that the last node installs */
	OWNER_SCRIPTS, /* dpkg, and scripts of packages, when the last node was configured */
	OWNER_STEPS,   /* what else the last node does; FROM: keys of its recipe, or NULL */
	OWNER_FETCHED, /* FROM is its URL */
	OWNER_EMPTY,   /* a partition that is made empty: the device fills it */
};

struct owner {
	struct arena *arena;
	const char *part; /* the partition or image that the path is in, or NULL */
	const char *path; /* there, "usr/bin/apt" */
	const char *type; /* "file", "directory", "link", "special"; NULL: OWNER_EMPTY */
	/* That own it, by dpkg's lists; a step's output: those whose file it is, byte by byte. */
	struct bill_packages packages;
	struct owner_steps way; /* from the node that was asked on */
	enum owner_origin origin;
	const char *from;
	/* The package that the recipe names, then what each needs, down to the owner; or empty. */
	struct strs needs;
};

struct owner_place {
	const char *store_dir, *scratch; /* the latter: an empty directory */
};

/* N has a record, as have all nodes that it is made of. E_TREE_PATH_MISSING: there is no PATH. */
int owner_find(struct owner *o, const struct owner_place *place, const struct node *n,
	       const char *path, struct err **err) warn_unused;
/* The word for an origin: "file", "package", "scripts", "steps", "fetched", "empty". */
const char *owner_origin_word(enum owner_origin origin);
void owner_clear(struct owner *o);
#define cleanup_owner __attribute__((cleanup(owner_clear)))
