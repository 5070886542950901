/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * An artifact as parts: content-defined pieces of its bytes (base/cdc.h), holes left out, and a map
 * that says where they belong:
 *
 *	orch-parts 1
 *	size <bytes>
 *	identity sha256:<hex>|chunks:<hex>
 *	part <offset> <bytes> <sha256>
 *	...
 *
 * in ascending order; what no part has is zeros. Of an image, blocks of 4 KiB of zeros are left
 * out, too. Where the cuts are is not identity: any map is right whose bytes give the identity.
 *
 * A map has at most PARTS_PER_MAP parts; what has more comes in several volumes, each with a map
 * and a directory of its own, in the order of their offsets.
 */
#include "base/vec.h"
#include "store/store.h"

#define PARTS_PER_MAP 16384u
/* No artifact has more volumes: 4 GiB each at least, usually. */
#define PARTS_VOLUMES_MAX 1024u
/* Bytes of a map; no larger one is read. */
#define PARTS_MAP_MAX (2u * 1024 * 1024)

struct part {
	uint64_t offset;
	uint32_t len; /* 1 to CDC_MAX */
	struct digest digest;
};
DEFINE_VEC(parts, struct part)

/* Called for each part in order; DATA are its bytes, valid until it returns. */
typedef int part_fn(void *arg, const struct part *part, const void *data, struct err **err);
/*
 * Cuts the file FD, an artifact of TYPE. Reads it once; NAME is for messages. FN may be NULL, RET
 * gets all parts.
 */
int parts_cut(int fd, const char *name, enum output_type type, part_fn *fn, void *arg,
	      struct parts *ret, struct err **err) warn_unused;

/* The map of A's parts FIRST to FIRST + COUNT - 1, appended to RET. */
void parts_map(const struct artifact *a, const struct parts *parts, size_t first, size_t count,
	       struct str *ret);
/*
 * Appends the parts of a map of A, which others have made, to RET. E_REMOTE_DAMAGED: another
 * artifact's, out of order, of wrong lengths, beyond its end or that of what RET has already.
 */
int parts_map_parse(const struct artifact *a, const char *text, size_t len, struct parts *ret,
		    struct err **err) warn_unused;

/* Makes a file at PATH (must not exist) of the size of A, all hole; the descriptor can write. */
int parts_file(const char *path, const struct artifact *a, int *ret_fd,
	       struct err **err) warn_unused;
/* Puts the bytes of a part where it belongs. DATA has been hashed. */
int parts_put(int fd, const char *path, const struct part *part, const void *data,
	      struct err **err) warn_unused;
/*
 * The finished file PATH becomes a blob of STORE_DIR: by cas_ingest(), whose identity must be that
 * of A, else E_REMOTE_DAMAGED. PATH is gone in either case.
 */
int parts_ingest(const char *store_dir, const char *path, const struct artifact *a,
		 struct err **err) warn_unused;

/*
 * The same as a directory of files, "map" and a file per part named by its SHA-256; of several
 * volumes "000", "001", ... (hexadecimal) each with such files. For executors, whose inputs and
 * outputs these are. DIR must not exist (save) or be one of a stranger (load).
 */
int parts_dir_save(int fd, const char *name, const struct artifact *a, const char *dir,
		   struct err **err) warn_unused;
/* Lays the artifact out at PATH, which must not exist: each part hashed, the whole not. */
int parts_dir_load(const char *dir, const struct artifact *a, const char *path,
		   struct err **err) warn_unused;
