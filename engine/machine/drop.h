/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Root's rights, given up for good: this process and all that it starts are somebody else from then
 * on.
 *
 *	struct drop_view views[] = {{"/root/project", true}, {"/root/.cache/orch", false}};
 *	drop_show(views, 2, 2000000000, err);        // if that one could not go there
 *	drop_to(2000000000, 2000000000, NULL, err);
 *
 * drop_show() is for an id that owns nothing on this machine: in a mount namespace of this
 * process's own, directories stand where they are, but what is root's in a mapped one is shown as
 * the id's, and what it makes there is root's on disk (idmapped mounts, Linux 5.12). Where it may
 * not pass on the way to a directory, as at /root, an empty file system hides all but what is
 * shown.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct drop_view {
	const char *path; /* an absolute directory, without links */
	bool mapped;      /* what is root's is shown as the id's; else it is the id's already */
};

/*
 * Shows COUNT directories to user and group ID. Their order does not matter. The current directory
 * is entered again by its name. ERR_ENV when this machine or the file system of one of them cannot
 * do it: then nothing has changed that others would see.
 */
int drop_show(const struct drop_view *views, size_t count, uid_t id, struct err **err) warn_unused;
/* The topmost directory above PATH that ID may not pass, or NULL; caller frees. */
char *drop_barrier(const char *path, uid_t id);
/* Becomes UID and GID, with the groups of USER (NULL: no others), and can never go back. */
int drop_to(uid_t uid, gid_t gid, const char *user, struct err **err) warn_unused;
