/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Credentials as apt_auth.conf(5) has them:  machine [SCHEME://]HOST[:PORT][/PATH] login USER
 * password PASSWORD.  Without a scheme an entry is for https alone; a path is a prefix.
 */
#include "base/str.h"

/* The first entry of TEXT for URL. 0, or 1 when there is none. Arena. */
int apt_auth_find(struct arena *arena, const char *text, const char *url, const char **ret_user,
		  const char **ret_password);
/* Appends an entry for URL, which has no user in it. 1: that form cannot hold them. */
int apt_auth_add(const char *url, const char *user, const char *password, struct str *ret);
/* Appends the entry for a URL that has user and password in it. 1: that form cannot hold them. */
int apt_auth_append(struct arena *arena, const char *url, struct str *ret);
