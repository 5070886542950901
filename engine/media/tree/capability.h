/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What a program may do though it is not root's: the value of an extended attribute, in words. */
#include "base/str.h"

#define CAPABILITY_XATTR "security.capability"

/* Appends " cap_net_raw cap_net_admin" of VALUE, which may be anything. */
void capability_names(struct str *s, const void *value, size_t len);
/*
 * The same with the sets that each is in, as getcap(8) has them: " cap_net_raw=ep [rootid=100000]";
 * what is not such a value in hexadecimal.
 */
void capability_text(struct str *s, const void *value, size_t len);
