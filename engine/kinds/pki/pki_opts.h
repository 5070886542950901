/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind pki. */
#include "recipe/schema.h"

struct pki_opts {
	const char *key;
	struct ref *cert, *keyring;
};
