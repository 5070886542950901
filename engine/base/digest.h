/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * SHA-256 (FIPS 180-4, through OpenSSL EVP) and what is named by it. SHA-1 is there for formats
 * that ask for it; nothing of ours is known by one.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"

#define DIGEST_LEN 32
#define DIGEST_HEX (2 * DIGEST_LEN)

struct digest {
	unsigned char b[DIGEST_LEN];
};

/* What an artifact is, and so which digest names it. */
enum output_type {
	OUTPUT_FILE,  /* identity: SHA-256 of its bytes */
	OUTPUT_TREE,  /* a deterministic tar; identity: SHA-256 of its bytes */
	OUTPUT_IMAGE, /* sparse; identity: digest of its chunk map */
};

/* Incremental hashing: one hasher per file or text; digest_finish frees it. */
struct hasher;
struct hasher *hasher_new(void);
void hasher_update(struct hasher *h, const void *data, size_t len);
void hasher_finish(struct hasher *h, struct digest *ret); /* frees H */
struct sha1 {
	unsigned char b[20];
};
/* A hasher that hasher_finish_sha1() must finish. */
struct hasher *hasher_new_sha1(void);
void hasher_finish_sha1(struct hasher *h, struct sha1 *ret); /* frees H */
void hasher_free(struct hasher *h); /* gives up without a result; NULL is fine */

void digest_data(const void *data, size_t len, struct digest *ret);
/* Of the bytes of a whole file, from offset 0, whatever the descriptor's position. */
int digest_fd(int fd, const char *name, struct digest *ret, struct err **err) warn_unused;
/* The same of its first LEN bytes, or of all where it has fewer. */
int digest_head(int fd, const char *name, uint64_t len, struct digest *ret,
		struct err **err) warn_unused;
int digest_file(const char *path, struct digest *ret, struct err **err) warn_unused;
bool digest_eq(const struct digest *a, const struct digest *b);
/* Lower-case hex with NUL into BUF of DIGEST_HEX + 1 bytes; returns BUF. */
char *digest_hex(const struct digest *d, char buf[DIGEST_HEX + 1]);
#define SHA1_HEX 40
/* The same of a SHA-1, into BUF of SHA1_HEX + 1 bytes. */
char *sha1_hex(const struct sha1 *d, char buf[SHA1_HEX + 1]);
/* 0, or 1 when TEXT is not exactly 64 hex digits. */
int digest_parse(const char *text, struct digest *ret);

/*
 * A UUID that depends on nothing but its parts: version 8 (RFC 9562) from the SHA-256 of the
 * strings, each with its NUL. Ends with NULL. Used for file-system and partition identities:
 * uuid_derive(u, project, node, "partition", name, NULL).
 */
void uuid_derive(unsigned char ret[16], ...) __attribute__((sentinel));
/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", lower case, into BUF of 37 bytes; returns BUF. */
char *uuid_format(const unsigned char uuid[16], char buf[37]);
/* The other way, of either case: 0, or 1 when TEXT is none; then RET is as it was. */
int uuid_parse(const char *text, unsigned char ret[16]);
