/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Signers of package repositories (OpenPGP, RFC 4880), through the gpg of a tree or of this
 * machine: it sees the files that it works on, the private key on its stdin alone, and keeps what
 * it remembers in a /tmp of its own.
 */
#include "kinds/run/tool.h"

struct openpgp_facts {
	char about[256];   /* of the first key: its user, one line */
	char keys[1024];   /* the fingerprints of all, with ", " between */
	int64_t since;     /* when the newest key or subkey was made: nothing is signed before */
	int64_t not_after; /* when the first key expires; 0: none does */
};

/*
 * Looks at what consumers will trust: KEYRING holds one key or more, none of them private, expired,
 * revoked or weak (less than 112 bits of security strength, or of a kind that apt takes from
 * nobody), nor with a weak subkey that may sign. Writes it to the new file OUT in the form that
 * gpgv and apt read. ERR_INTEGRITY when refused.
 */
int openpgp_look(const struct tool *t, const char *keyring, const char *out, time_t now,
		 struct openpgp_facts *ret, struct err **err) warn_unused;
/*
 * Signs DIR/Release with KEY, as of second WHEN, so that equal files get equal signatures: makes
 * DIR/InRelease and DIR/Release.gpg. Whoever has KEYRING alone can verify both, or it fails.
 */
int openpgp_sign(const struct tool *t, const char *dir, const char *key, const char *keyring,
		 int64_t when, struct err **err) warn_unused;
