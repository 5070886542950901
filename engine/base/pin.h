/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * $ORCH_PIN, which unlocks the key of a token: it is the first process's alone. What that starts
 * has it neither in its environment nor in its arguments; workers inherit a descriptor, and who is
 * to sign is told which.
 */
#include <stdbool.h>

/* Whether KEY, which may be NULL, is the address of a key in a token (PKCS #11 URI, RFC 7512). */
bool pin_is_for(const char *key);
/* Takes it out of this process's environment; to be called before anything is started. */
void pin_take(void);
/* "/proc/self/fd/N", whose bytes are the PIN; NULL: none was set. */
const char *pin_place(void);
/* That descriptor and -1, as struct proc_opts has it, for who makes what is to be signed; NULL. */
const int *pin_passed(void);
