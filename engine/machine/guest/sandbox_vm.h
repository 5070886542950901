/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The sandbox of sandbox.h in a virtual machine, for hosts that let a user make no namespaces: the
 * libguestfs appliance is started with two disks, and commands run in it as they would here. They
 * see the same: the root, what is bound into it, fresh /proc, /dev, /tmp and /run, no network, and
 * each command in a process namespace of its own that ends with it.
 *
 *	struct sandbox_vm *s;
 *	sandbox_vm_open(&opts, &s, err);		// 10 to 30 s without KVM
 *	sandbox_vm_run(s, argv, "/work", &status, err);
 *	sandbox_vm_close(s, err);			// now the images hold what was written
 *
 * The guest is of the host's architecture. Code of a foreign one runs in it through EMULATOR, which
 * its own kernel's binfmt_misc is told of. What commands print is logged as it comes.
 */
#include "machine/guest/appliance.h"

struct sandbox_vm;

struct sandbox_vm_bind {
	const char *from; /* path on the second disk: "/0" */
	const char *to;   /* absolute path inside */
	bool writable;
};

struct sandbox_vm_opts {
	struct appliance_opts guest;
	const char *root;        /* image of the ext4 file system that becomes / */
	const char *binds_image; /* the second disk, an ext4 file system as well */
	bool root_writable;
	bool as_root;                        /* else as user and group 1000 */
	const struct sandbox_vm_bind *binds; /* mounted in this order */
	size_t bind_count;
	char *const *env;     /* all of it, ended by NULL */
	const char *arch;     /* of the programs of ROOT; NULL: the host's */
	const char *emulator; /* path on the second disk, where ARCH is foreign */
};

/* Whether ORCH_SANDBOX=guest in the environment asks for it, namespaces or not (for tests). */
bool sandbox_vm_forced(void);
/* Whether this machine has what it takes: libguestfs, and a kernel for its appliance. */
bool sandbox_vm_possible(void);
/* What OPTS point to must live until the sandbox is closed. */
int sandbox_vm_open(const struct sandbox_vm_opts *opts, struct sandbox_vm **ret,
		    struct err **err) warn_unused;
/*
 * Runs ARGV (argv[0] is looked up in PATH of ENV, inside) in directory CWD; *ret_status as of
 * wait().
 */
int sandbox_vm_run(struct sandbox_vm *s, char *const argv[], const char *cwd, int *ret_status,
		   struct err **err) warn_unused;
/* Ends the guest, orderly. S must still be freed. */
int sandbox_vm_close(struct sandbox_vm *s, struct err **err) warn_unused;
void sandbox_vm_free(struct sandbox_vm *s);
static inline void sandbox_vm_freep(struct sandbox_vm **s)
{
	sandbox_vm_free(*s);
}
#define cleanup_sandbox_vm __attribute__((cleanup(sandbox_vm_freep)))
