/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The sandbox: a command in namespaces of its own (user, mount, pid, network, IPC, host name), as
 * an ordinary user, without a helper program. It sees the root it was given, the directories bound
 * into it, and fresh /proc, /dev, /tmp and /run; it has no network but its own loopback. Its pid
 * namespace ends with its first process, which ends with the caller: after any death, nothing it
 * started is left. That process, a copy of the caller, can be traced and read by no other. No
 * program gains rights there (no_new_privs), and system calls that no build needs are refused
 * (call_wall.h). Of /proc, what changes the machine is read-only and what tells of its memory and
 * keys is hidden, to root as well; /sys is empty.
 *
 *	struct sandbox_bind binds[] = {{workdir, "/work", true}};
 *	struct sandbox_opts o = {.root = dir, .binds = binds, .bind_count = 1, .cwd = "/work",
 *				 .env = env};
 *	if (sandbox_run(argv, &o, &status, err) < 0 || proc_check(argv[0], status, err) < 0)
 *		return -1;
 *
 * Ten thousand inputs are one bind: lay them out in a directory and bind that.
 *
 * The one user of the namespace is the caller. With AS_ROOT it is called root (0) inside and has
 * the rights of root over the namespace, but still cannot change the owner of a file; without, it
 * is called 1000 and has none.
 *
 * Without ROOT it sees the host's /usr, /opt and what links there, and an /etc of its own. Copied
 * into that is what programs read there to work at all or to work alike: the loader's cache,
 * alternatives and what else /usr names through links (Java, Python, Perl), certificates but no
 * private keys, the time zone, the system's name, names of ports and protocols, defaults of dpkg,
 * mke2fs, mtools and the makers of documents. Made, the same everywhere: passwd and group (root,
 * 1000 as "build", nobody), hosts, nsswitch.conf. All else stays out: accounts and passwords,
 * host name and machine-id, networks, mail, credentials (sandbox_etc.c has the list).
 *
 * With NESTED it may make mounts and namespaces of its own, as builders of trees do; what it was
 * given it can neither unmount nor make writable. It sees all of /proc, so that it can mount one,
 * but as the machine's root, whom /proc would obey.
 *
 * Code of a foreign architecture needs EMULATOR, a static qemu-user binary. It is registered in a
 * binfmt_misc of the namespace's own (Linux 6.7 and newer). Where that cannot be had, a
 * registration of the host is used if it has the flag F (package qemu-user-binfmt or
 * qemu-user-static); NOTE says which of the two it was.
 *
 * It may take so much of the machine's memory and disk and no more (sandbox_limits.h).
 *
 * Errors: ERR_ENV when this machine cannot do it, naming the remedy. How the command ended is no
 * error but *ret_status; see proc_check().
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "machine/sandbox/sandbox_limits.h"

struct sandbox_bind {
	const char *from; /* a file or directory of the host, absolute */
	/* Absolute path inside; made if missing and if ROOT's top level is its parent. */
	const char *to;
	bool writable;
};

struct sandbox_opts {
	/* Directory that becomes /; NULL: the host's programs, see above. */
	const char *root;
	bool root_writable; /* the directory is the caller's and may be changed; else read-only */
	bool as_root;       /* see above */
	const char *owners; /* a list of owners (base/owners.h) that programs see and change, as in
			     * identity.h; needs as_root and root_writable. NULL: root owns all */
	bool nested;        /* see above, and call_wall.h */
	const struct sandbox_bind *binds; /* mounted in this order */
	size_t bind_count;
	const char *cwd;    /* inside; NULL: / */
	char *const *env;   /* all of it, ended by NULL; never inherited */
	int in, out, errfd; /* 0: /dev/null for in, the caller's for out and err */
	bool terminal;      /* IN is a terminal of the sandbox's own (machine/pty.h) */
	/* Debian's name of the architecture of ROOT's programs; NULL: the host's own. */
	const char *arch;
	/* Static qemu-user for ARCH on the host; NULL: none is needed or there is none. */
	const char *emulator;
	struct str *note; /* may be NULL: gets one line when an emulator is used, saying how */
	struct sandbox_limits limits;
	/* 0: none; else everything is killed after it and the call fails with ERR_TIMEOUT. */
	unsigned timeout_s;
};

/* Runs ARGV (argv[0] is looked up in PATH of ENV, inside) and waits for it. */
int sandbox_run(char *const argv[], const struct sandbox_opts *opts, int *ret_status,
		struct err **err) warn_unused;
/* Whether this machine lets this user make namespaces: 0, or ERR_ENV with the remedy. */
int sandbox_probe(struct err **err) warn_unused;
/*
 * Whether it can hold users as well (opts.owners): 0, or ERR_ENV. A file is given away to see it;
 * TMP is a directory for the list of owners.
 */
int sandbox_probe_users(const char *tmp, struct err **err) warn_unused;
/* Debian's name of the architecture orch was built for: "amd64". */
const char *sandbox_host_arch(void);
/* "qemu-aarch64" for "arm64"; NULL when there is no emulator for ARCH. */
const char *sandbox_emulator_name(const char *arch);
/* Whether the host's kernel runs programs of ARCH by itself (its own, and i386 on amd64). */
bool sandbox_is_native(const char *arch);
