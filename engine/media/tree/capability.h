/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What a program may do though it is not root's: the value of an extended attribute, in words. */
#include "base/str.h"

#define CAPABILITY_XATTR "security.capability"

/* Appends " cap_net_raw cap_net_admin" of VALUE, which may be anything. */
void capability_names(struct str *s, const void *value, size_t len);
