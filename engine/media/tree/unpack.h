/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * How an archive is opened, and how much may come out of it. Of compressions there are gzip, xz,
 * zstd, bzip2 and lz4, one at a time: the one that the first bytes name. libarchive left to itself
 * would try a dozen, several over each other, and start programs out of PATH for some.
 *
 * A few hundred KiB can hold terabytes of zeros. What is compressed may become UNPACK_FREE bytes
 * and UNPACK_RATIO times its own size, UNPACK_MOST at the most; what is not has no limit but its
 * own end. All bytes count that were decompressed, wanted or not; holes do not.
 *
 *	struct unpack u = {.a = a, .name = path};   // its formats are set
 *	unpack_open(&u, data, len, err);
 *	while (archive_read_data_block(a, …) == ARCHIVE_OK)
 *		unpack_check(&u, 0, err);
 *	unpack_end(&u, err);                        // before the archive is freed
 */
#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

#include "base/err.h"

#define UNPACK_FREE (1ull << 30)
#define UNPACK_RATIO 100
#define UNPACK_MOST (64ull << 30)

struct unpack {
	struct archive *a;
	const char *name; /* for messages */
	bool compressed;
	uint64_t packed, most;     /* bytes */
	struct unpacked *unpacked; /* the archive's own; NULL: nothing is compressed */
};

/* DATA must stay until the archive is freed. */
int unpack_open(struct unpack *u, const void *data, size_t len, struct err **err) warn_unused;
/* ERR_BUILD when more has come out than may, or MORE bytes would be. */
int unpack_check(const struct unpack *u, uint64_t more, struct err **err) warn_unused;
/*
 * After the last entry: reads what follows the archive's own end mark, for a check sum stands
 * there. ERR_BUILD when the file is damaged or cut.
 */
int unpack_end(const struct unpack *u, struct err **err) warn_unused;
/* One file of an archive, or what a compressed one is decompressed to. True: that is enough. */
typedef bool unpack_look_fn(void *arg, const void *data, size_t len);
/*
 * Shows what DATA holds, one layer of it: the content of what is compressed, or the files of a tar,
 * a zip or an ar, as .deb is one. *LEFT bytes at most, which it counts down: the last file is cut.
 * False: it is none of these, or nothing of it can be read.
 */
bool unpack_look(const void *data, size_t len, size_t *left, unpack_look_fn *fn, void *arg);
/* What LEN compressed bytes may become. */
uint64_t unpack_most(uint64_t len);
/* The error that libarchive has. */
int unpack_fail(const struct unpack *u, struct err **err);
