/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Something that ships, taken apart: a bundle's images, a disk's table and partitions, a file
 * system, a tree, the files and links of a directory and those below it (but for names that begin
 * with a dot). Nothing is mounted; who reads what is in
 * kinds/image/look.h.
 *
 *	struct subject s cleanup_subject = {.scratch = dir};
 *	subject_open(&s, "card.img", "", err);
 *	for (size_t i = 0; i < s.parts.count; i++)
 *		... s.parts.items[i]->look.tree
 *
 * Who does not need all of it lists it, and opens what is needed: before that a part is closed, of
 * which only name, target and place are known.
 */
#include "kinds/image/look.h"
#include "media/disk/blocks.h"

struct subject_part {
	/*
	 * "" is the thing itself; "root-a" a partition, "rootfs.ext4" an image of a bundle,
	 * "*.img/root-a" what is in a file of a directory, where no other has that suffix.
	 */
	char *name;
	struct look look; /* of a disk: its table */
	bool image;       /* its bytes are what lies on a device */
	char *target;     /* of a link in a directory, whose format is "link" */
	char *unread;     /* why orch could not look into it; NULL: it could, or there is nothing */
	char *path;       /* of a closed part: from where on it is to be looked into; NULL: open */
	bool partition, of_bundle; /* private: what it is a part of */
};
DEFINE_VEC(subject_parts, struct subject_part *)

struct subject {
	const char *name;    /* what errors of subject_open_part() begin with; or NULL */
	const char *scratch; /* a directory for what has to be unpacked, in use as long as this */
	struct subject_parts parts;
	uint64_t payload; /* bytes of the bundle, when there is exactly one */
	unsigned bundles;
	unsigned count; /* private: names in scratch */
};

/* Opens FILE, from PATH on, with all its parts. */
int subject_open(struct subject *s, const char *file, const char *path,
		 struct err **err) warn_unused;
/* The same, but that files stay closed. A directory with a system in it is opened. */
int subject_list(struct subject *s, const char *file, const char *path,
		 struct err **err) warn_unused;
/*
 * Opens the closed part I. Closed parts that it has come after it, the partitions of a disk, or in
 * its place, the files of a bundle.
 */
int subject_open_part(struct subject *s, size_t i, struct err **err) warn_unused;
/* The same part of OTHER as P of OWN: by name, or the only one of both; or NULL. */
struct subject_part *subject_partner(const struct subject *own, const struct subject_part *p,
				     const struct subject *other);
/*
 * The same for many parts in their order, which is quick where both have them in one order:
 * *CURSOR, 0 at first, is where the next one is expected.
 */
struct subject_part *subject_partner_near(const struct subject *own, const struct subject_part *p,
					  const struct subject *other, size_t *cursor);
/* Where its bytes lie. */
struct block_place subject_place(const struct subject_part *p);
void subject_close(struct subject *s);
#define cleanup_subject __attribute__((cleanup(subject_close)))
