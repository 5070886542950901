/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Development keys. `orch pki init` makes, below PROJECT/pki:
 *
 *	keyring.pem           root CA and rollover CA: what devices trust; and of these and the
 *	                      intermediates a list each of what it has revoked: nothing (crl.h)
 *	signer.pem            the leaf and its intermediate, under the root CA
 *	rollover-signer.pem   the same under the rollover CA
 *	private/root.key private/intermediate.key private/signer.key            0600
 *	private/rollover.key private/rollover-intermediate.key
 *	private/rollover-signer.key                                             0600
 *
 * EC P-256 keys, SHA-256 signatures. The rollover CA is in the keyring of every shipped device so
 * that bundles can move to it when the first root ages or is lost. Its signer is there to prove
 * that they can; no release is signed with it before.
 */
#include <time.h>

#include "base/err.h"
#include "base/str.h"
#include "kinds/pki/x509.h"
#include "run/action.h"

/* Validity in days: CAs, the intermediate, the leaf. */
#define PKI_ROOT_DAYS (20 * 365)
#define PKI_INTERMEDIATE_DAYS (10 * 365)
#define PKI_SIGNER_DAYS (2 * 365)
/* Below pki/: the certificates of former signers, which may still have to be revoked. */
#define PKI_ISSUED "issued"
#define PKI_KEYRING "keyring.pem"

/*
 * Makes the files; refuses (ERR_USER) when any of them is already there. To keys of a time when
 * there was no signer under the rollover CA, it is added if the rollover CA's key is there. REPORT
 * (may be NULL) gets lines for the user: what was made and how long it is valid.
 */
int pki_init(const char *project_dir, struct str *report, struct err **err) warn_unused;
/*
 * Makes pki/signer.pem, pki/keyring.pem and pki/private/signer.key of a signer for once, whom no
 * device believes: to pack a bundle whose key one has not. It is valid from 1970 to 9999, for the
 * clock of who packs may be any. Refuses (ERR_USER) when any of them is already there.
 */
int pki_throwaway(const char *project_dir, struct str *report, struct err **err) warn_unused;
/*
 * Adds an empty list to keyring.pem for each CA below pki/ that has none, and mends the dates of
 * those that are not of all their CA's time. CA (a file, or a serial number): for it alone, signed
 * with KEY (token.h; NULL: that of pki/private/); without CA, KEY is for one whose key is not
 * there. E_CA_UNKNOWN when a CA's key is not here; the lists of the others are made all the same.
 */
int pki_add_lists(const char *project_dir, const char *ca, const char *key, struct str *report,
		  struct err **err) warn_unused;
/*
 * Puts the certificate WHICH (a file whose first one it is, or a serial number) onto its CA's list
 * in keyring.pem, signed with KEY (token.h; NULL: that of private/), and its file to issued/.
 * Twice is once. REPORT gets lines for the user.
 */
int pki_revoke(const char *project_dir, const char *which, const char *key, struct str *report,
	       struct err **err) warn_unused;
/*
 * Gives NAME ("signer") another key and certificate of the same CA, whose private key is KEY, as
 * above. Those of before stay: issued/, and private/ under another name.
 */
int pki_renew(const char *project_dir, const char *name, const char *key, struct str *report,
	      struct err **err) warn_unused;
/*
 * The certificate of a signer, and its CA's unless devices trust that, as PEM in RET: for the key
 * and name of REQUEST (a file, PKCS #10), by the first CA in CA_FILE, with KEY, as above.
 * PROJECT_DIR may be NULL; else the CA may have been revoked there.
 */
int pki_sign_request(const char *project_dir, const char *request, const char *ca_file,
		     const char *key, struct str *ret, struct err **err) warn_unused;
/*
 * Warns of what must change before it hurts, each time that something is signed: a certificate of
 * the chain that ends within PKI_WARN_DAYS after NOW, a private key that others can read.
 */
#define PKI_WARN_DAYS 90
void pki_warn(struct action *a, const struct x509_facts *facts, const char *key, time_t now);
