/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Blobs, for the other files of the store; the public half is in store.h. A blob's times are part
 * of its state: whoever stores one sets its mtime to BLOB_MTIME, so any later write shows, without
 * a database and from every process. A blob that shows one is hashed, and is either given that time
 * again or moved to STORE/quarantine/.
 */
#include "store/store.h"

#define BLOB_MTIME 315532800 /* 1980-01-01, the oldest date that FAT and zip know */

#define CAS_IMAGE_SUFFIX ".chunks" /* of the file name of an image */

/* Type, digest, size and allocated bytes of the file FD, by reading it. */
int cas_identify(int fd, const char *name, enum output_type type, struct artifact *ret,
		 struct err **err) warn_unused;
/* Makes FD read only and gives it the times that mean "as stored". */
int cas_seal(int fd, const char *name, struct err **err) warn_unused;
/* Whether it still has them, and SIZE bytes. */
bool cas_is_sealed(const struct stat *st, uint64_t size);
/* Makes the folders of cas/ durable, so that an ingest has to sync only its own folder. */
int cas_init(const char *store_dir, struct err **err) warn_unused;
/*
 * Whether the blob of A is whole: 0; 1 no, a damaged one is in quarantine, *ret_why (caller frees).
 */
int cas_check(const char *store_dir, const struct artifact *a, char **ret_why,
	      struct err **err) warn_unused;
/* Moves PATH (a file of the store) to STORE/quarantine/. */
int cas_quarantine(const char *store_dir, const char *path, struct err **err) warn_unused;
/*
 * Moves PATH below STORE/FOLDER/ under its SHA-256, durable and read only. PATH is gone then. Used
 * for logs.
 */
int cas_put_named(const char *store_dir, const char *folder, const char *path, struct digest *ret,
		  struct err **err) warn_unused;
/* "STORE/FOLDER/ab/cdef..."; caller frees. */
char *cas_named_path(const char *store_dir, const char *folder, const struct digest *d,
		     const char *suffix);

/*
 * Hashes every blob, whatever its times; damaged and foreign files go to quarantine. Adds to *RET
 * and calls REPORT for each bad one.
 */
int cas_verify(const char *store_dir, void (*report)(void *arg, const char *text), void *arg,
	       struct store_verify_result *ret, struct err **err) warn_unused;
