/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Steps of a node in a virtual machine (machine/guest/guest_sandbox.h), where this machine lets a
 * user make no namespaces: trees and directories become the disks of the guest, and what it wrote
 * is read back. A node that is made this way has the same bytes as one made in namespaces.
 *
 *	if (sandbox_run(...) < 0 && !guestbox_instead(a, err))
 *		return -1;
 *	guestbox_open(a, &spec, &box, err);
 *	guestbox_run(box, argv, "/work", &status, err);
 *	guestbox_close(box, tree, err);
 *
 * Files of the guest belong to root (as_root), or all to user 1000, as in the sandbox.
 */
#include "machine/sandbox/sandbox.h"
#include "media/tree/tree.h"
#include "run/action.h"

struct guestbox;

struct guestbox_spec {
	struct tree *root; /* mount points are added to it */
	bool root_writable;
	bool as_root;
	const struct sandbox_bind *binds;
	size_t bind_count;
	char *const *env;
	const char *arch, *emulator; /* as in struct sandbox_opts */
};

/*
 * Whether to go on in a guest after a sandbox failed with *err: when that is for want of namespaces
 * or of an emulator and a guest can be had. Then *err is cleared and the log says why. A worker in
 * a user namespace has no guests: the node is run once more outside of it.
 */
bool guestbox_instead(struct action *a, struct err **err);
/* What SPEC points to must live until the box is closed. */
int guestbox_open(struct action *a, const struct guestbox_spec *spec, struct guestbox **ret,
		  struct err **err) warn_unused;
int guestbox_run(struct guestbox *b, char *const argv[], const char *cwd, int *ret_status,
		 struct err **err) warn_unused;
/*
 * Ends the guest. The directories that were bound writable are replaced by what they hold now, and
 * a writable root is added to RET_ROOT (else NULL), whose data stays in the action's work
 * directory.
 */
int guestbox_close(struct guestbox *b, struct tree *ret_root, struct err **err) warn_unused;
void guestbox_free(struct guestbox *b);
static inline void guestbox_freep(struct guestbox **b)
{
	guestbox_free(*b);
}
#define cleanup_guestbox __attribute__((cleanup(guestbox_freep)))
