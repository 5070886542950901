/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * $ORCH_PIN, which unlocks the key of a token: it is alone the program's that has the command, orch
 * or, after orch has become it, orch-worker. What that starts has it neither in its environment nor
 * in its arguments; workers inherit a descriptor, and who is to sign is told which.
 */
#include <stdbool.h>

#include "base/vec.h"

/* Whether KEY, which may be NULL, is the address of a key in a token (PKCS #11 URI, RFC 7512). */
bool pin_is_for(const char *key);
/*
 * Takes it out of this process's environment; to be called before anything is started, and not
 * before this process becomes another program (cli/program.h), for that would not have it.
 */
void pin_take(void);
/* "/proc/self/fd/N", whose bytes are the PIN; NULL: none was set. */
const char *pin_place(void);
/* That descriptor and -1, as struct proc_opts has it, for who makes what is to be signed; NULL. */
const int *pin_passed(void);
/* For another orch, which is given pin_passed(): adds to ENV what says which descriptor that is. */
void pin_hand_on(struct strv *env);
