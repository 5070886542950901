/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What unlocks a key. It comes from, the first that says something:
 *  - the file that `pin-source=file:` of a token's address names (RFC 7512);
 *  - $ORCH_PIN, which orch takes out of its environment before it starts anything (base/pin.h);
 *  - the file that `pin-file:` of the user's configuration names;
 *  - who sits at the terminal.
 * It gets into no argument and no environment.
 */
#include "base/err.h"
#include "base/str.h"

/* A token's address without what says how to get at it. */
struct token_address {
	char *uri;        /* without PIN and module */
	char *module;     /* "module-path=", else `pkcs11-module:` of the configuration; or "" */
	char *pin_source; /* a path; or "" */
};

/* An address that holds a PIN itself is refused: it would be seen by everybody. */
int token_parse(const char *address, struct token_address *ret, struct err **err) warn_unused;
void token_release(struct token_address *t);
#define cleanup_token __attribute__((cleanup(token_release)))

/*
 * The PIN for WHERE, an address or a file; GIVEN: where $ORCH_PIN is, or NULL (base/pin.h). *RET is
 * overwritten by pin_forget().
 */
int pin_get(const char *where, const char *given, struct str *ret, struct err **err) warn_unused;
void pin_forget(struct str *pin);
#define cleanup_pin __attribute__((cleanup(pin_forget)))
