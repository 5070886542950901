/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A copy of a directory that belongs to another user, and the way home for what he changed in it:
 * for root, who hands a directory over where no mount can show it to somebody else.
 *
 *	mirror_open(fd, "/var/cache/x/copy", uid, NULL, &m, err); // the copy is like the directory
 *	... a process of UID works in the copy, and ends ...
 *	mirror_take_back(m, err);
 *
 * Copied are directories, plain files with mode and time of change, and links as they are; sockets,
 * devices and set-id bits are not. A copy that is there already is brought up to date: a file of
 * equal size, mode and time is left alone.
 *
 * Taken back is what differs from what mirror_open() left: files that are new or were written, new
 * directories, and what was removed. Links are never taken back, and neither is a file that
 * belongs to somebody else. What the directory itself got meanwhile stays, unless the same name was
 * written in the copy. No link is followed on either side, whoever put it there when.
 */
#include <sys/types.h>

#include "base/err.h"

struct mirror;

/*
 * Makes the directory COPY, whose parent only the caller may change, like the directory FROM, which
 * must stay open. All of it belongs to user and group ID; nobody else may look into it. WITHOUT
 * (may be NULL): a directory somewhere below FROM that is left out, with a name of FROM's own.
 */
int mirror_open(int from, const char *copy, uid_t id, const char *without, struct mirror **ret,
		struct err **err) warn_unused;
/* Also removes from the copy what nobody but its owner may read: keys have one place. */
int mirror_take_back(struct mirror *m, struct err **err) warn_unused;
void mirror_free(struct mirror *m);
static inline void mirror_freep(struct mirror **m)
{
	mirror_free(*m);
}
#define cleanup_mirror __attribute__((cleanup(mirror_freep)))
