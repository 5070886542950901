/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A copy of each record as a file, STORE/records/ab/cdef... by key, so that a database that is lost
 * or damaged loses no record:
 *
 *	orch-record 1
 *	node "root"
 *	seconds 0x1.8p+1
 *	built 1764330000
 *	log <sha256>
 *	sum <sha256>                     of all but the manifest, as in the row (record.h)
 *	output "root.img" image <sha256> <size> <allocated> [shared]
 *	manifest
 *	...                              its SHA-256 is the key
 *
 * It is written without waiting for the disk: a torn one is told by its sums, and one that a power
 * cut took is a miss after a rescue. The database is what counts as long as it can be read. A
 * record that is dropped loses its file first, so that it does not come back.
 */
#include "store/record.h"
#include "store/store_priv.h"

/* Failing to write one is no error: the database has it. */
void record_file_write(const struct store *s, const struct state_record *row);
/*
 * The row in TEXT, which is cut to pieces, in ARENA: 0, or 1 when it is malformed or its manifest
 * is not KEY's. Whether its sum is right is record_decode()'s business.
 */
int record_file_parse(char *text, const struct digest *key, struct arena *arena,
		      struct state_record *ret);
/* The row in the file of KEY, in ARENA: 0, or 1 when there is none that is whole. */
int record_file_read(const struct store *s, const struct digest *key, struct arena *arena,
		     struct state_record *ret);
/*
 * Drops records from the database and their files before that; on the disk when it returns.
 * FOREVER: the files, too: what they say may be wrong.
 */
int records_drop(struct store *s, const struct digest *keys, size_t count, bool forever,
		 struct err **err) warn_unused;
/* Adds the records that the database lacks, oldest first. *RET_ADDED counts them. */
int record_files_import(struct store *s, uint64_t *ret_added, struct err **err) warn_unused;
/* Writes the files of all records, once in the life of a store: an older orch wrote none. */
int record_files_begin(struct store *s, struct err **err) warn_unused;
