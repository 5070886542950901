/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What the files of an ordinary user cannot say about themselves: that they belong to somebody
 * else, that they stand for a device, set-id bits that outlive writing, and extended attributes
 * that only root may set. A table of files by device and inode number, and its form on disk, the
 * list of owners that goes with a directory: media/tree/tree_dir.h writes and reads it,
 * machine/sandbox/identity.h shows it to the programs of a sandbox and keeps it while they change
 * it.
 *
 * The list is text, one record per line, words as in base/line.h:
 *
 *	orch-owners 1
 *	owner DEV INO UID GID            decimal; DEV as stat(2) has it
 *	device DEV INO c|b MAJOR MINOR   a regular file stands for it, with the device's permissions
 *	set-id DEV INO u|g|ug            the file's mode has these bits too
 *	attribute DEV INO NAME HEX       the value in hexadecimal; "-" when empty
 *	set PATH NAME HEX                to be set on the file itself, by who may do so, before the
 *	                                 first program runs
 *
 * Files without a record belong to root. Of an access list (base/acl.h) what repeats the mode of
 * the file may be out of date; owners_attr_now() brings it up to date.
 *
 * Errors: ERR_BUILD for a malformed list, with its line.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct owner_attr {
	char *name;
	void *value;
	size_t len;
};

struct owner {
	uint64_t dev, ino;
	uint32_t uid, gid;
	mode_t type; /* S_IFCHR, S_IFBLK, or 0: as the file itself */
	uint32_t major, minor;
	mode_t set_id; /* S_ISUID, S_ISGID: besides what the file itself has */
	struct owner_attr *attrs;
	size_t attr_count;
	struct owner *next; /* private */
};

/* An attribute that is to be set on the file PATH, relative to the root. */
struct owner_set {
	char *path;
	struct owner_attr attr;
};

struct owners;
struct owners *owners_new(void);
void owners_free(struct owners *o);
static inline void owners_freep(struct owners **o)
{
	owners_free(*o);
}
#define cleanup_owners __attribute__((cleanup(owners_freep)))

/* The record of a file, or NULL. */
struct owner *owners_get(const struct owners *o, uint64_t dev, uint64_t ino);
/* The same; a new one, of root, if there is none. */
struct owner *owners_add(struct owners *o, uint64_t dev, uint64_t ino);
/* Forgets a file: it was just created, by root. */
void owners_drop(struct owners *o, uint64_t dev, uint64_t ino);
/*
 * Whether any file has an attribute / belongs to another group than root's / has set-id bits here.
 * May err towards yes.
 */
bool owners_have_attrs(const struct owners *o);
bool owners_have_groups(const struct owners *o);
bool owners_have_set_id(const struct owners *o);
/* Of a record's owner: all changes go through here. */
void owners_chown(struct owners *o, struct owner *file, uint32_t uid, uint32_t gid);
/* Of a record's set-id bits: those of MODE. */
void owners_set_id(struct owners *o, struct owner *file, mode_t mode);

const struct owner_attr *owner_attr(const struct owner *file, const char *name);
void owners_attr_put(struct owners *o, struct owner *file, const char *name, const void *value,
		     size_t len);
void owner_attr_remove(struct owner *file, const char *name);
/* Appends the value of ATTR for a file that has MODE now. */
void owners_attr_now(const struct owner_attr *attr, mode_t mode, struct str *ret);

void owners_set_put(struct owners *o, const char *path, const char *name, const void *value,
		    size_t len);
const struct owner_set *owners_sets(const struct owners *o, size_t *ret_count);

/* Adds what a list says; NAME is for messages. */
int owners_parse(struct owners *o, const char *text, size_t len, const char *name,
		 struct err **err) warn_unused;
/* Appends the list, without what was to be set if SETS is false. */
void owners_format(const struct owners *o, bool sets, struct str *ret);
