/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What records and files of the store there are, for du and gc. */
#include "base/map.h"
#include "base/vec.h"
#include "base/walk.h"
#include "store/store_priv.h"

#define INVENTORY_DAY (24 * 3600)

struct inventory_record {
	struct record *rec;
	int64_t used; /* day since 1970 */
};
DEFINE_VEC(inventory_records, struct inventory_record)

struct inventory {
	struct arena *arena;
	struct inventory_records records; /* as they were made */
	struct map names;                 /* "cas/ab/cdef…" of a kept record -> any pointer */
	struct digest *damaged;           /* keys of rows that cannot be read */
	size_t damaged_count;
};

int inventory_load(struct store *s, struct arena *arena, struct inventory *ret,
		   struct err **err) warn_unused;
void inventory_clear(struct inventory *v);
/* "cas/ab/cdef…": the file of an artifact, relative to the store; arena. */
const char *inventory_name(struct inventory *v, const struct artifact *a);
/*
 * Adds the blobs and the log of a record to v->names; the bytes of what is new there, on the disk.
 */
uint64_t inventory_add(struct inventory *v, const struct store *s, const struct record *rec);
/* The same number without adding. */
uint64_t inventory_cost(struct inventory *v, const struct store *s, const struct record *rec);
/* Bytes of the record's file and of its log, unless that has been named. */
uint64_t inventory_overhead(struct inventory *v, const struct store *s, const struct record *rec);
/* Bytes of all that has been named. */
uint64_t inventory_named(const struct inventory *v, const struct store *s);
/* Adds the logs that the history of runs names. */
int inventory_add_logs(struct inventory *v, struct store *s, struct err **err) warn_unused;

/* Calls FN for each file of STORE/DIR/xx/; NAME is relative to the store. */
typedef int inventory_file_fn(void *arg, const char *name, const struct stat *st, struct err **err);
int inventory_files(const struct store *s, const char *directory, inventory_file_fn *fn, void *arg,
		    struct err **err) warn_unused;
/* Bytes of STORE/DIR and of the directories in it, themselves. */
uint64_t inventory_directories(const struct store *s, const char *directory);
/*
 * Adds the bytes on the disk of PATH and all below it, and the number of files, a file with several
 * names once. What cannot be read counts as nothing.
 */
void inventory_measure(const char *path, enum walk_how how, uint64_t *bytes, uint64_t *files);
/* The HOW of a directory of the store: only what failed nodes left is nobody at work in. */
enum walk_how inventory_how(const char *directory);
