/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Programs of this machine that orch starts on what a project or the network brings (rauc,
 * mksquashfs, apt, QEMU): each sees this machine's programs (/usr, /opt, what they need
 * of /etc, as sandbox.h has it) and the files that it was named, where they are, and nothing else:
 * nobody's home, no project, no store, no other process, and no network unless it is there to
 * fetch. /proc, /dev, /tmp and /run are fresh. It is the first process of a pid namespace, with
 * which all ends that it started, stays the user it was, gains no rights, and its system calls
 * pass the wall of call_wall.h.
 *
 *	struct confined c cleanup_confined = {0};
 *	struct proc_opts opts = {.timeout_s = 60};
 *	confined_read(&c, key);
 *	confined_write(&c, workdir);
 *	confined_apply(&c, &opts);
 *	proc_run(argv, &opts, err);
 *
 * Where this machine lets nobody make namespaces, and with ORCH_SANDBOX=guest, they run as they
 * are: steps of recipes go to guests there, and these programs are the machine's own.
 */
#include <stdbool.h>

#include "base/proc.h"
#include "machine/sandbox/sandbox.h"

DEFINE_VEC(confined_binds, struct sandbox_bind)

struct confined {
	struct confined_binds binds; /* their text is this struct's */
	bool network;                /* that of the machine */
	bool as_root;                /* it takes itself for root, and may do no more for that */
	uint16_t port;               /* 0, or confined_listen()'s */
	int port_to;
	uid_t uid; /* private: who we are outside */
	gid_t gid;
};

/*
 * An absolute file or directory that the program may read, or change. What is not there is left
 * out; so is NULL.
 */
void confined_read(struct confined *c, const char *path);
void confined_write(struct confined *c, const char *path);
/* The directory of a PROGRAM that is started by its name, wherever it is in PATH. */
void confined_program(struct confined *c, const char *program);
/*
 * Before the program starts somebody listens on PORT (TCP) of its network's loopback, which nobody
 * else has: who holds the other end of TO, a socket pair, takes the socket with
 * confined_take_socket() when the program has started.
 */
void confined_listen(struct confined *c, uint16_t port, int to);
int confined_take_socket(int from, int *ret_fd, struct err **err) warn_unused;
/*
 * Makes OPTS start the program so. C must live until it is started. Where programs run as they are
 * OPTS stay as they were, and nobody listens.
 */
void confined_apply(struct confined *c, struct proc_opts *opts);
void confined_release(struct confined *c);
#define cleanup_confined __attribute__((cleanup(confined_release)))
