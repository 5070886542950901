/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Blobs, for the other files of the store; the public half is in store.h. A blob's times are part
 * of its state: whoever stores one sets its mtime to BLOB_MTIME, so any later write shows, without
 * a database and from every process. A blob that shows one is hashed, and is either given that time
 * again or moved to STORE/quarantine/. What changes without a write is the business of blob.h.
 */
#include "store/blob.h"

#define BLOB_MTIME 315532800 /* 1980-01-01, the oldest date that FAT and zip know */

#define CAS_IMAGE_SUFFIX ".chunks" /* of the file name of an image */

/* Type, digest, size and allocated bytes of the file FD, by reading it. */
int cas_identify(int fd, const char *name, enum output_type type, struct artifact *ret,
		 struct err **err) warn_unused;
/* Makes FD read only and gives it the times that mean "as stored". */
int cas_seal(int fd, const char *name, struct err **err) warn_unused;
/* Whether it still has them, and SIZE bytes. */
bool cas_is_sealed(const struct stat *st, uint64_t size);
/* Makes the directories of cas/ durable, so that an ingest has to sync only its own directory. */
int cas_init(const char *store_dir, struct err **err) warn_unused;
/*
 * Whether the blob of A is as it was stored, by its size and times; hashed only when those differ.
 * 0, and *RET is empty; 1 it is damaged or missing (nothing is moved); -1.
 */
int cas_check(const char *store_dir, const struct artifact *a, struct blob_state *ret,
	      struct err **err) warn_unused;
/* Hashes the file at PATH as a blob of A, see blob_hash(). */
int cas_hash(const char *path, const struct artifact *a, struct blob_state *ret,
	     struct err **err) warn_unused;
/* Moves PATH (a file of the store) to STORE/quarantine/. */
int cas_quarantine(const char *store_dir, const char *path, struct err **err) warn_unused;
/*
 * Moves PATH below STORE/DIR/ under its SHA-256, durable and read only. PATH is gone then. Used
 * for logs.
 */
int cas_put_named(const char *store_dir, const char *directory, const char *path,
		  struct digest *ret, struct err **err) warn_unused;
/* "STORE/DIR/ab/cdef..."; caller frees. */
char *cas_named_path(const char *store_dir, const char *directory, const struct digest *d,
		     const char *suffix);

/*
 * Hashes every blob, whatever its times, and calls BAD for each one that is damaged, GOOD for the
 * others; moves what is no blob to quarantine, calling REPORT. Counts in *RESULT.
 */
struct cas_verify {
	const char *store_dir;
	void (*report)(void *arg, const char *text);
	void (*good)(void *arg, const struct artifact *a, const struct blob_stamp *stamp);
	void (*bad)(void *arg, const struct artifact *a, const struct blob_state *state);
	void (*looked)(void *arg); /* at one more, as RESULT has it */
	void *arg;
	struct store_verify_result *result;
};
int cas_verify(const struct cas_verify *v, struct err **err) warn_unused;
