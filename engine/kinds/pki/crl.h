/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What is revoked: lists of CAs (CRLs, RFC 5280 section 5), PEM. A device that is told to check
 * them (`check-crl=true`) wants one in its keyring of *each* CA of a chain, the self-signed one,
 * too, and refuses every bundle whose chain has a CA without.
 *
 * A list is judged as a certificate is, at the time in the bundle's signature. So that bundles of
 * all times stay installable, a list of orch's begins with its CA and ends with it, whenever it was
 * made. OpenSSL does not ask when a certificate was revoked: what it signed before is refused, too.
 */
#include <time.h>

#include "base/err.h"
#include "base/vec.h"

enum crl_verdict {
	CRL_REVOKED, /* a certificate of the signer's chain */
	CRL_BAD,     /* devices would refuse what the signer signs */
	CRL_LATE,    /* or what it signed before, or will sign before its CA ends */
	CRL_UNKNOWN, /* of a CA whose certificate is not here: not looked at */
};
typedef void crl_verdict_fn(void *arg, enum crl_verdict verdict, const char *text);

/*
 * Looks at the lists among TRUST, which are files (the keyring first, then lists alone), for
 * devices that check them at time NOW: that OpenSSL, which rauc asks, takes one of each CA of the
 * keyring and of the chain in CERT that is not over, that there is no second one, that it is of all
 * the CA's time, and that neither the chain nor what of the keyring is above it is on any. Calls FN
 * for what is wrong. Returns how many lists there are, none being no fault here; -1 with ERR: a
 * file cannot be read, or one for lists has none, or a certificate, which devices would trust.
 */
int crl_look(const char *cert, const struct strv *trust, time_t now, crl_verdict_fn *fn, void *arg,
	     struct err **err) warn_unused;
/* The same; the first that devices would refuse becomes the error. */
int crl_check(const char *cert, const struct strv *trust, time_t now, struct err **err) warn_unused;
