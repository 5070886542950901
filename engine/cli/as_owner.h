/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Whom orch acts as when root starts it: never as root. What reads a project, holds the store and
 * writes out/ is the owner of the project's root; outside of any project it is whoever called sudo.
 * Everything from then on is as if he had typed it: his home (kept from the environment when it is
 * his, else as the machine's users say; without one /var/cache/orch-UID), and of the XDG_
 * directories those that are his; XDG_CONFIG_HOME also when everybody may look into it. What names
 * a store stays as given, and is what he had set before sudo took it away (sudo_env.h).
 *
 * Is the owner root, as on a CI runner, it is OWN_ID, an id that owns nothing on this machine and
 * that nobody else should have: it is shown root's project, store and configuration where they are
 * (machine/drop.h), or works on a copy where that cannot be (own_copy.h). What it makes in the
 * project is root's on disk; the store is its own, and a store of root's becomes its own.
 *
 * Root of a user namespace in which that is an ordinary user, as in a rootless container, is that
 * user already.
 */
#include "cli/cli.h"

#define OWN_ID 2000000000

/* Becomes that; nothing when it is not root who started us. */
int act_as_owner(struct cli *c, struct err **err) warn_unused;
/*
 * For what makes a project in DIR: becomes the owner of DIR, or of the first directory above it
 * that there is; stays root when that is root's.
 */
int act_as_owner_of(const struct cli *c, const char *dir, struct err **err) warn_unused;
