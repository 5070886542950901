/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Signed statements: DSSE envelopes, version 1.0.2 of its specification, JSON. A signature is over
 * PAE(type, payload), by Ed25519 (RFC 8032), or by ECDSA or RSA (PKCS #1 v1.5) with SHA-256; that
 * of ECDSA is DER.
 *
 * An envelope that is read must be as dsse_sign() writes it, to the byte: what no signature covers
 * has one form.
 */
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#define DSSE_IN_TOTO "application/vnd.in-toto+json"

struct dsse_key;
DEFINE_VEC(dsse_keys, struct dsse_key *)

/* A private key (PEM, without passphrase) that nobody else can replace. */
int dsse_key_private(const char *path, struct dsse_key **ret, struct err **err) warn_unused;
/* A public key, or that of the first certificate (PEM). E_USAGE: it is none, or a private key. */
int dsse_key_public(const char *path, struct dsse_key **ret, struct err **err) warn_unused;
/* SHA-256 of its SubjectPublicKeyInfo, in hex. */
const char *dsse_key_id(const struct dsse_key *k);
/* "Ed25519", "EC", "RSA" */
const char *dsse_key_type(const struct dsse_key *k);
void dsse_key_free(struct dsse_key *k);
void dsse_keys_release(struct dsse_keys *keys);
#define cleanup_dsse_keys __attribute__((cleanup(dsse_keys_release)))

/* Appends what is signed. */
void dsse_pae(const char *type, const void *payload, size_t len, struct str *ret);
/* Appends the envelope of PAYLOAD, signed by K. */
int dsse_sign(const struct dsse_key *k, const char *type, const struct str *payload,
	      struct str *ret, struct err **err) warn_unused;
/*
 * Opens ENVELOPE, whose payload must be of TYPE: appends the payload to *RET, and *RET_KEY is the
 * one of KEYS that signed it. Signatures of other keys do not count; one of KEYS that is wrong
 * refuses it. ERR_INTEGRITY.
 */
int dsse_open(const struct str *envelope, const char *type, const struct dsse_keys *keys,
	      struct str *ret, const struct dsse_key **ret_key, struct err **err) warn_unused;
