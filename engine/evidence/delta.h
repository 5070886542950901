/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What is different in two things that ship, taken apart (subject.h): part by part, in rows that
 * have the same form whatever they are about.
 *
 *	struct delta d cleanup_delta = {.arena = arena};
 *	subject_list(&before, "old.raucb", "", err), subject_list(&after, "new.raucb", "", err);
 *	delta_make(&d, &before, &after, err);
 *	for (size_t i = 0; i < d.parts.count; i++)
 *		... d.parts.items[i].rows[DELTA_PACKAGES]
 */
#include "media/disk/blocks.h"
#include "media/tree/sizes.h"
#include "kinds/image/subject.h"

enum delta_section {
	DELTA_PARTITIONS, /* and the bytes of a disk in none of them: "before root-a" */
	DELTA_PACKAGES,
	DELTA_UNITS,    /* of systemd */
	DELTA_ACCOUNTS, /* "user app", "group gpio" */
	DELTA_BOOT,     /* words of kernel command lines, by the file they stand in */
	DELTA_KERNEL,   /* of /boot/config-*: "CONFIG_X" */
	DELTA_FILES,
	DELTA_SECTIONS,
};
/* {"packages", "Packages"}: in JSON, and for people. */
struct delta_title {
	const char *key, *text;
};
extern const struct delta_title delta_titles[DELTA_SECTIONS];

struct delta_row {
	const char *name, *change;  /* "libc6", "upgraded" */
	const char *before, *after; /* NULL: it was not there, is not there */
	const char *package;        /* of a file: whose it is, or NULL */
	bool alarm; /* rights that appeared, a package that became older, a partition that moved */
	bool minor; /* what follows from another row: a file of a package that changed */
};
DEFINE_VEC(delta_rows, struct delta_row)

struct delta_part {
	const char *name;        /* subject.h */
	const char *note;        /* "only before", why it was not all compared; or NULL */
	bool differs, has_sizes; /* the latter: SIZES is filled */
	struct delta_rows rows[DELTA_SECTIONS];
	struct sizes sizes;
	bool has_blocks; /* both are images */
	struct blocks blocks;
};
DEFINE_VEC(delta_parts, struct delta_part)

struct delta {
	struct arena *arena;
	/* Called, unless NULL, before a part is compared: the Ith of COUNT, which may grow. */
	void (*progress)(void *arg, const char *name, size_t i, size_t count);
	void *progress_arg;
	struct delta_parts parts;
	uint64_t payload[2]; /* bytes of the bundle before and after; 0: there is not one */
};

/*
 * Compares what was listed (subject_list()). Only what is on both sides and differs is opened: of
 * other parts no more is told than that they are equal, or on which side they are.
 */
int delta_make(struct delta *d, struct subject *before, struct subject *after,
	       struct err **err) warn_unused;
/* Whether anything is another than it was. */
bool delta_differs(const struct delta *d);
void delta_clear(struct delta *d);
#define cleanup_delta __attribute__((cleanup(delta_clear)))
