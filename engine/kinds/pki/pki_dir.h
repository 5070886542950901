/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The files below a project's pki/, for who changes them: its certificates, those of CAs and
 * signers, also what was issued before (issued/); its lists; and where there are any, the private
 * keys (private/).
 */
#include "kinds/pki/pki.h"
#include "kinds/pki/x509_priv.h"

struct pki_dir {
	char *path;                 /* absolute */
	STACK_OF(X509) * certs;     /* each once */
	STACK_OF(X509) * trusted;   /* those of them that the keyring has */
	STACK_OF(X509_CRL) * lists; /* those of the keyring */
};

/*
 * For who changes the files, before he reads any: waits until nobody else does. It lasts until
 * *RET_FD is closed; -1: there is no pki/.
 */
int pki_dir_lock(const char *project_dir, int *ret_fd, struct err **err) warn_unused;
/* Reads all but the keys. */
int pki_dir_open(struct pki_dir *d, const char *project_dir, struct err **err) warn_unused;
void pki_dir_close(struct pki_dir *d);
#define cleanup_pki_dir __attribute__((cleanup(pki_dir_close)))
/*
 * The private key of CERT, which the caller frees: of private/, or WHERE (NULL: not told), a PEM
 * file or an address in a token (token.h).
 */
EVP_PKEY *pki_dir_key(const struct pki_dir *d, X509 *cert, const char *where, struct err **err);
/*
 * The certificate that WHICH names: a file whose first one it is, or a serial number, or its first
 * digits, as `orch pki status` prints them. CA: the first one of a CA in that file. It is D's.
 */
X509 *pki_dir_find(struct pki_dir *d, const char *which, bool ca, struct err **err);
/* Whether devices trust X, or what is above it is here. */
bool pki_dir_leads_up(const struct pki_dir *d, X509 *x);
/* When X was revoked, in seconds since 1970; 0: it is not, or its CA is not here. */
int64_t pki_dir_revoked(const struct pki_dir *d, X509 *x);
/*
 * Writes a file of MODE for good, atomically. Where PATH is a link, as to a card that holds the
 * keys, it stays one, and the file that it leads to is replaced.
 */
int pki_file_write(const char *path, const struct str *data, mode_t mode,
		   struct err **err) warn_unused;
/* Writes X to issued/. */
int pki_dir_keep(const struct pki_dir *d, X509 *x, struct err **err) warn_unused;
/* The first list of CA, or NULL; *RET_COUNT (may be NULL): how many there are. */
X509_CRL *pki_dir_list(const struct pki_dir *d, X509 *ca, int *ret_count);
/*
 * Puts LIST, which becomes D's, into the place of all of CA's, and of those that another has signed
 * in its name, or behind all others.
 */
int pki_dir_set_list(struct pki_dir *d, X509 *ca, X509_CRL *list);
/* Writes the lists. */
int pki_dir_save_lists(const struct pki_dir *d, struct err **err) warn_unused;
