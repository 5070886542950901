/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind pki. */
#include "recipe/schema.h"

struct pki_opts {
	const char *key;
	struct ref *cert, *keyring;
};

struct recipe;
/* An error if the private key of PKI, a recipe of this kind, is not there: for who is to sign. */
void pki_miss_key(const struct recipe *pki, struct err_list *errors);
