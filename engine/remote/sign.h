/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Ed25519 signatures (RFC 8032, OpenSSL EVP) of what is shared. A key is a PEM file (PKCS #8) as
 * `openssl genpkey -algorithm ed25519` makes it; a reader knows it as a word, "ed25519:" and its
 * public half in hexadecimal.
 */
#include "base/err.h"
#include "base/str.h"

#define SIGN_PUBLIC 32
#define SIGN_BYTES 64
#define SIGN_WORD_LEN (8 + 2 * SIGN_PUBLIC)

struct signer;
/* From the file PATH, which others may not be able to write. */
int signer_load(const char *path, struct signer **ret, struct err **err) warn_unused;
void signer_free(struct signer *s);
/* "ed25519:<hex>"; as long as S. */
const char *signer_word(const struct signer *s);
void signer_sign(const struct signer *s, const void *data, size_t len,
		 unsigned char ret[SIGN_BYTES]);
/* Makes a key and writes it to PATH, which must not exist, mode 0600. */
int signer_make(const char *path, struct err **err) warn_unused;

/* Whose signatures count. COUNT 0: everybody's, and nobody's. */
struct trust {
	unsigned char (*keys)[SIGN_PUBLIC];
	size_t count;
};
/* 0, or 1 when WORD is not "ed25519:" and 64 hexadecimal digits. */
int trust_parse(const char *word, unsigned char ret[SIGN_PUBLIC]);
bool sign_verify(const unsigned char key[SIGN_PUBLIC], const void *data, size_t len,
		 const unsigned char signature[SIGN_BYTES]);
