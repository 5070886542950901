/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Users for a sandbox that has only one. The first process of the sandbox traces all others
 * (seccomp and ptrace) and answers, at the level of this machine's system calls, as a kernel would
 * that has all users: programs change to other users, give files away, make devices, set access
 * lists and attributes. It needs nothing in the tree, and works for static programs, in a chroot,
 * and for programs of other architectures, whose emulator is a process like any other.
 *
 * What it holds, in a table by device and inode number (base/owners.h), read from a list before the
 * command and written back after it:
 *
 *  - who a process is: real, effective, saved and file-system ids, groups, capabilities. They
 *    change by the kernel's rules, over fork, exec of set-id programs and by the calls for them; a
 *    process that has become an ordinary user gets EPERM and EACCES where owner, group, mode and
 *    access list of a file, and of the directories on the way to it, say so.
 *  - owners: the kernel makes a file for root and clears what a change of owner clears; the table
 *    says whose it is. What is created belongs to its creator, or to the group of a set-group-ID
 *    directory; an inode number that is used again starts afresh.
 *  - set-id bits of regular files: they stay when who has CAP_FSETID writes, and go when somebody
 *    else does. Those of a tree are in the table; identity_set_id.c says when they are on the file.
 *  - devices: a regular file stands for one.
 *  - access lists, user.*, trusted.*, security.* but for capabilities: in the table, with the rules
 *    of acl(5), as many as fit a block of ext4. security.capability is set on the file itself,
 *    where the kernel drops it whenever the file is written or given away.
 *  - hard links: to files of others as where fs.protected_hardlinks is 1. (Links to follow and
 *    files to open in sticky directories are not protected.)
 *
 * What it does not hold, so that programs see another answer than a kernel's:
 *
 *  - /proc/PID/status (all processes are root's, with no_new_privs), the permissions of directories
 *    behind a link on the way to a file, the credentials of SCM_CREDENTIALS, capabilities gained by
 *    executing a file that has some, nosuid of a mount;
 *  - whose writing it was, where several have a file open to write, with and without CAP_FSETID, or
 *    one has given it up since: the set-id bits follow who opened the file or set them last;
 *  - what stands for a device is a regular file to readdir(3) and to who opens it: it keeps what is
 *    written to it;
 *  - what root of a user namespace may not do whoever traces it: set the clock, raise limits and
 *    priorities, change flags of inodes (chattr +i), mount disks, load modules, have a trusted.*
 *    attribute honoured by an overlay;
 *  - /tmp, /run and /dev/shm take user.* attributes, which their kernel may not do.
 *
 * None of it changes what becomes of a file but by way of a program that asks and acts on it.
 *
 * What cannot be held fails the call or the run, never silently: io_uring, clone3 and *xattrat are
 * refused with ENOSYS (libraries go another way), and so are calls of x32, as by most kernels; new
 * user namespaces with EPERM. A call of another interface (i386 on amd64) ends the run, and so do
 * capabilities for the root of a user namespace (setcap -n): it names the script, the program and
 * the call.
 *
 * Errors: ERR_ENV where this machine lets no process be traced or is neither amd64 nor arm64, and
 * for what ends the run: a guest can hold it; ERR_BUILD for a malformed list.
 */
#include "base/err.h"

struct identity;

/* Reads the list at PATH, which stays open: the result is written there. */
int identity_open(const char *path, struct identity **ret, struct err **err) warn_unused;
/* Becomes the command, or reports ERR (NULL: none) that kept it from that. Does not return. */
typedef void identity_command_fn(void *arg, struct err *err);
/*
 * In process 1 of the sandbox, / being its root and no_new_privs set: sets what the list asks to be
 * set, then forks; COMMAND(ARG) is called in the child.
 */
int identity_start(struct identity *self, identity_command_fn *command, void *arg,
		   struct err **err) warn_unused;
/* Serves until the command ends and nothing is left; *ret_status as by wait(2). Writes the list. */
int identity_serve(struct identity *self, int *ret_status, struct err **err) warn_unused;
