/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The wall of system calls around everything that runs in a sandbox: a seccomp filter over what
 * namespaces alone leave open. It is made when orch is compiled (call_wall_gen.c, by libseccomp);
 * at run time it is a constant that the kernel takes in one call.
 *
 * All interfaces of the machine are filtered: x86-64 and i386 on amd64, aarch64 and arm on arm64.
 * x32, and whatever the wall does not know, is refused whole. Programs of other architectures run
 * in an emulator whose calls pass through the same wall.
 *
 * Refused, here as by docker's default profile (D), flatpak and bubblewrap's users (F), or
 * systemd-nspawn (N), and why:
 *
 *   typing      ioctl TIOCSTI, TIOCLINUX: types into a terminal, as its user (F). The second
 *               wall: no sandbox has the user's terminal.
 *   keyrings    add_key, keyctl, request_key: not divided by namespaces but for their names (D F N)
 *   mounts      mount, umount, pivot_root, move_mount, open_tree, fsopen and their kin: what the
 *               sandbox was given stays as it was given, and the kernel's parsers of file systems
 *               are out of reach (D F). Allowed with NESTED.
 *   namespaces  unshare and clone with CLONE_NEW*, setns: a user namespace hands out capabilities
 *               and so the half of the kernel that trusts them (D F). Allowed with NESTED. clone3
 *               hides its flags behind a pointer: ENOSYS, and libraries take clone.
 *   io_uring    does calls past every filter, and past the tracer of identity.h (D)
 *   machine     bpf, perf_event_open, userfaultfd, kexec, modules, swap, quota, reboot, accounting,
 *               the kernel's log, ports, clocks, vhangup: of the machine, of no build (D N)
 *   handles     open_by_handle_at: opens files past directories that are hidden (D N)
 *   pages       move_pages, migrate_pages: of other processes (D F)
 *   sockets     of any family but unix, inet, inet6 and netlink. AF_VSOCK leads out of a virtual
 *               machine, whatever the network namespace says; the others (packet, alg, tipc, can,
 *               bluetooth, …) are drivers that no build talks to (F N)
 *   newer       calls with numbers that this list does not know yet: ENOSYS, as if the kernel were
 *               older, which every library knows how to live with (D)
 *
 * Answers: EPERM, as the kernel's own for want of a capability; ENOSYS where libraries fall back on
 * an older call (clone3, io_uring, the new mount interface); EAFNOSUPPORT for sockets.
 *
 * Left: ptrace and process_vm_* (debuggers, LeakSanitizer, identity.h; pid namespaces divide them),
 * chroot (dpkg --root), personality (setarch), NUMA policies of oneself, seccomp and landlock.
 *
 * Of i386's socketcall() the arguments are out of a filter's sight, so that its socket() is refused
 * for all families: programs of i386 have pairs of sockets, and others by the call socket() alone.
 */
#include <stdbool.h>

#include "base/err.h"

/*
 * Raises the wall around this process and all it starts from now on; no_new_privs must be set.
 * NESTED leaves mounts and namespaces to it. ERR_ENV where the kernel has no filters.
 */
int call_wall(bool nested, struct err **err) warn_unused;
