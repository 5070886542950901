/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Between the files of the sandbox. All but emulator_line() runs in the first process of the new
 * namespaces, in this order: emulator_register() while the host's files can still be named, then
 * mounts_enter(), after which / is the sandbox.
 */
#include "machine/sandbox/sandbox.h"

/*
 * Registers opts->emulator for opts->arch in a binfmt_misc of this user namespace, or finds the
 * host's registration. *ret_own: the first. The mount is the caller's to keep alive: entries go
 * with it.
 */
int emulator_register(const struct sandbox_opts *opts, bool *ret_own, struct err **err) warn_unused;
/* Appends what binfmt_misc's 'register' takes: programs of ARCH are run by the emulator at PATH. */
int emulator_line(const char *arch, const char *path, struct str *ret,
		  struct err **err) warn_unused;
struct mounts_how {
	bool own_binfmt; /* mount binfmt_misc again below /proc */
	bool whole_proc; /* nothing of /proc is read-only or hidden */
};
/* The same between them, the new root being the current directory. */
/* Takes FROM, read-only, and lays it over PATH, which exists. */
int mounts_lay_over(const char *path, const char *from, struct err **err) warn_unused;
/* Makes etc/ with what programs of the host need; etc_close() makes it read-only. */
int etc_enter(struct err **err) warn_unused;
int etc_close(struct err **err) warn_unused;

/* The loopback of the new network namespace; programs that talk to themselves need it. */
int loopback_up(struct err **err) warn_unused;
/* The child's half of confined_listen(): a socket that listens on PORT goes to TO. */
int confined_send_socket(uint16_t port, int to, struct err **err) warn_unused;
/* Builds the new root and makes it /. */
int mounts_enter(const struct sandbox_opts *opts, const struct mounts_how *how,
		 struct err **err) warn_unused;
