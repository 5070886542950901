/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind pki. */
#include "recipe/schema.h"

enum pki_type { PKI_X509, PKI_OPENPGP };

#define PKI_KEYRING_GPG "keyring.gpg" /* output of PKI_OPENPGP */

struct pki_opts {
	int type; /* enum pki_type */
	const char *key;
	struct ref *cert; /* NULL: PKI_OPENPGP */
	struct ref *keyring, *tools;
	struct list crl; /* of struct ref *: PKI_X509 */
};

struct recipe;
/* Whether R, whose options are decoded, is of this kind and signs as package repositories want. */
bool pki_is_openpgp(const struct recipe *r);
/* An error if the private key of PKI, a recipe of this kind, is not there: for who is to sign. */
void pki_miss_key(const struct recipe *pki, struct err_list *errors);
