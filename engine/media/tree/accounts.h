/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Users and groups of a tree: lines of its /etc/passwd, group, shadow and gshadow (passwd(5),
 * shadow(5), group(5), gshadow(5)), written as `useradd` and `groupadd` would, but depending on the
 * tree and what is asked for alone. Passwords are '*': no login by password, while keys of ssh
 * work. The day of the last change is the tree's epoch.
 *
 * New lines go to the end. passwd and group are made where the tree has none; shadow and gshadow
 * are written only where it has them.
 *
 * Errors: ERR_USER, saying what is in the way; ERR_BUILD for a malformed file of the tree.
 */
#include "media/tree/tree.h"

struct account {
	const char *name, *home, *shell;
	uint32_t uid, gid;
};

/* 1: the tree has no such group. */
int accounts_find_group(const struct tree *t, const char *name, uint32_t *ret_gid);
/* The name of a group of that number, on the heap; NULL: there is none. */
char *accounts_group_name(const struct tree *t, uint32_t gid);
/*
 * Fine when the tree has exactly that group; refused when it has the name with another number or
 * the number with another name.
 */
int accounts_add_group(struct tree *t, const char *name, uint32_t gid,
		       struct err **err) warn_unused;
/* 1: the tree has no such user. Strings live as long as the tree. */
int accounts_find_user(struct tree *t, const char *name, struct account *ret);
/* The same for a user: one of that name must be equal in all. The group must be there. */
int accounts_add_user(struct tree *t, const struct account *user, struct err **err) warn_unused;
/* Makes USER a member of GROUP, which must be there; one that is a member already is fine. */
int accounts_join(struct tree *t, const char *user, const char *group,
		  struct err **err) warn_unused;
