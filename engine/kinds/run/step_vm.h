/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Steps of a node in a virtual machine (machine/guest/sandbox_vm.h), where this machine lets a
 * user make no namespaces: trees and directories become the disks of the guest, and what it wrote
 * is read back. A node that is made this way has the same bytes as one made in namespaces.
 *
 *	if (sandbox_run(...) < 0 && !step_vm_instead(a, err))
 *		return -1;
 *	step_vm_open(a, &spec, &box, err);
 *	step_vm_run(box, argv, "/work", &status, err);
 *	step_vm_close(box, tree, err);
 *
 * Files of the guest belong to root (as_root), or all to user 1000, as in the sandbox.
 */
#include "machine/sandbox/sandbox.h"
#include "media/tree/tree.h"
#include "run/action.h"

struct step_vm;

struct step_vm_spec {
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
bool step_vm_instead(struct action *a, struct err **err);
/* What SPEC points to must live until the box is closed. */
int step_vm_open(struct action *a, const struct step_vm_spec *spec, struct step_vm **ret,
		 struct err **err) warn_unused;
int step_vm_run(struct step_vm *b, char *const argv[], const char *cwd, int *ret_status,
		struct err **err) warn_unused;
/*
 * Ends the guest. The directories that were bound writable are replaced by what they hold now, and
 * a writable root is added to RET_ROOT (else NULL), whose data stays in the action's work
 * directory.
 */
int step_vm_close(struct step_vm *b, struct tree *ret_root, struct err **err) warn_unused;
void step_vm_free(struct step_vm *b);
static inline void step_vm_freep(struct step_vm **b)
{
	step_vm_free(*b);
}
#define cleanup_step_vm __attribute__((cleanup(step_vm_freep)))
