/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What bill.c and bill_system.c share. */
#include "base/map.h"
#include "evidence/bill.h"
#include "kinds/image/look.h"

struct bill_reading {
	struct bill *bill;
	const char *store_dir, *scratch;
	unsigned scratch_count;
	struct map debs; /* "NAME VERSION ARCH" -> const struct digest * of the .deb */
};

/* Looks into A, an output of N, from PATH on; the look lives as long as r->bill->arena at most. */
int bill_open(struct bill_reading *r, const struct node *n, const struct artifact *a,
	      const char *path, struct look *l, struct err **err) warn_unused;
/* Whether the bytes of the file are those that D is of. */
bool bill_same_bytes(const struct tree_inode *inode, const struct digest *d);
/*
 * Adds to RET the packages of T's own database that own E, as dpkg -S has them: a directory may
 * have many. False: T has no database.
 */
bool bill_owners_of(struct bill_reading *r, const struct tree *t, const struct tree_entry *e,
		    struct bill_packages *ret);
/*
 * Fills packages and files of PART from what its node made. 0, or 1: orch cannot look into that.
 */
int bill_read_system(struct bill_reading *r, struct bill_part *part, struct err **err) warn_unused;
/* Adds to RET the packages that own PATH, or something below it, in the tree A that N made. */
int bill_read_owners(struct bill_reading *r, const struct node *n, const struct artifact *a,
		     const char *path, struct bill_packages *ret, struct err **err) warn_unused;
/* The same of the packages that own a file which is one of the outputs of MADE, byte by byte. */
int bill_read_copied(struct bill_reading *r, const struct node *n, const struct record *made,
		     struct bill_packages *ret, struct err **err) warn_unused;
