/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * $ORCH_PIN, which unlocks the key of a token: it is the first process's alone. What that starts
 * has it neither in its environment nor in its arguments; who is to sign is told where it can be
 * read, as long as that process lives.
 */

/* Takes it out of this process's environment; to be called before anything is started. */
void pin_take(void);
/* "/proc/PID/fd/N", whose bytes are the PIN; NULL: none was set. */
const char *pin_place(void);
