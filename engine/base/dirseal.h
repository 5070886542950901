/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A directory that is to stay as it was made, and a file beside it that tells how that was:
 *
 *	orch-seal 1
 *	content <sha256>   names, types, modes, targets of links and the bytes of all files
 *	stamp <sha256>     what lstat(2) tells of each entry: inode, mode, size, times
 *	bytes N            of all files
 *	hashed NS          when the content was last found right, since 1970
 *	looked NS          when at least the stamp was
 *
 * Whoever writes to a file and puts its size and times back has changed its ctime, and so the
 * stamp; what a disk loses by itself changes the content alone. A stamp costs a lstat(2) per entry,
 * the content reads all files (0.9 GB in 60,000 of them: 2.6 s).
 */
#include "base/digest.h"

struct dirseal {
	struct digest content, stamp;
	uint64_t bytes;
	int64_t hashed_ns, looked_ns;
};

/* Nanoseconds since 1970. */
int64_t dirseal_now(void);
/* Looks at all of DIR and writes FILE. */
int dirseal_make(const char *dir, const char *file, struct err **err) warn_unused;
/* 0, or 1 when FILE is missing or malformed. */
int dirseal_read(const char *file, struct dirseal *ret);
/*
 * Whether DIR still is as SEAL says, which came from FILE. It is hashed when HASH, or when its
 * stamp is another one. 0: it is, and FILE tells when that was; 1: it is not.
 */
int dirseal_check(const char *dir, const char *file, const struct dirseal *seal, bool hash,
		  struct err **err) warn_unused;
