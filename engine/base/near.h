/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
#include <stddef.h>

/*
 * The one of COUNT words that WORD stands for: what differs by a single slip, else what other
 * programs call WORD ("depends" is "inputs"), else what is spelt most alike (str_nearest()). NULL:
 * none.
 */
const char *near_word(const char *word, const char *const *words, size_t count);
