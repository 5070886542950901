/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Which slot must be booted, as RAUC counts tries: pure, to compare a boot script with. */
#include "scenario/chooser.h"

#define CHOICE_NONE ((size_t)-1)

/*
 * The first slot of the order that has tries left, as an index into the slots of T; what is not set
 * is all slots in order and all tries. S becomes what must be saved: one try less, or, with
 * CHOICE_NONE, all tries given back. Its order stays as it is.
 */
size_t choice_rule(const struct target *t, struct boot_state *s);
