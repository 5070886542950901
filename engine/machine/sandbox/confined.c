/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/sandbox/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "machine/guest/sandbox_vm.h"
#include "machine/sandbox/call_wall.h"
#include "machine/sandbox/sandbox_internal.h"

#define NAMESPACES (CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)

static void add(struct confined *c, const char *path, bool writable)
{
	char *text;

	if (!path || !path_exists(path))
		return;
	text = xstrdup(path);
	confined_binds_push(&c->binds, (struct sandbox_bind){text, text, writable});
}

void confined_read(struct confined *c, const char *path)
{
	add(c, path, false);
}

void confined_write(struct confined *c, const char *path)
{
	add(c, path, true);
}

/* What the sandbox shows of this machine in any case. */
static bool is_shown(const char *path)
{
	static const char *const shown[] = {"/usr/", "/bin/", "/sbin/", "/opt/", "/lib"};

	for (size_t i = 0; i < array_len(shown); i++)
		if (str_skip(path, shown[i]))
			return true;
	return false;
}

void confined_program(struct confined *c, const char *program)
{
	char *path cleanup_free = path_program(program);
	char *real cleanup_free = path ? realpath(path, NULL) : NULL;
	const char *both[] = {path, real};

	for (size_t i = 0; i < array_len(both); i++) {
		char *dir cleanup_free = both[i] ? path_dir(both[i]) : NULL;

		if (dir && !is_shown(both[i]))
			confined_read(c, dir);
	}
}

/* What contains another comes first: a bind hides what is below it. */
static int by_length(const void *a, const void *b)
{
	const struct sandbox_bind *x = a, *y = b;

	return (int)strlen(x->to) - (int)strlen(y->to);
}

static int write_proc(const char *path, const char *text, struct err **err)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot write '%s'", path);
	return 0;
}

/* Whoever is root when a program begins has all rights that this set has. */
static int give_up_rights(struct err **err)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_errno(err, E_SANDBOX_SETUP, errno,
					 "cannot give up a capability");
	return 0;
}

/* In the new namespaces, before the program. */
static int enter(void *arg, struct err **err)
{
	struct confined *c = arg;
	struct sandbox_opts opts = {.binds = c->binds.items, .bind_count = c->binds.count};
	const struct mounts_how how = {0};
	char *users cleanup_free =
		xasprintf("%u %u 1\n", c->as_root ? 0 : (unsigned)c->uid, (unsigned)c->uid);
	char *groups cleanup_free =
		xasprintf("%u %u 1\n", c->as_root ? 0 : (unsigned)c->gid, (unsigned)c->gid);

	if (write_proc("/proc/self/setgroups", "deny", err) < 0 ||
	    write_proc("/proc/self/uid_map", users, err) < 0 ||
	    write_proc("/proc/self/gid_map", groups, err) < 0 || mounts_enter(&opts, &how, err) < 0)
		return -1;
	if ((c->port && confined_send_socket(c->port, c->port_to, err) < 0) ||
	    (c->as_root && give_up_rights(err) < 0))
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot set no_new_privs");
	return call_wall(false, err);
}

void confined_listen(struct confined *c, uint16_t port, int to)
{
	c->port = port;
	c->port_to = to;
}

/* How this machine finds others. */
static const char *const of_network[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
					 "/etc/host.conf", "/etc/gai.conf"};

/* Asked once. */
static bool can_confine(void)
{
	static int known = -1;
	struct err *why cleanup_err = NULL;

	if (known < 0) {
		known = !sandbox_vm_forced() && sandbox_probe(&why) == 0;
		if (!known)
			trace(TRACE_MACHINE, "programs run as they are: %s",
			      why ? why->text : "as ORCH_SANDBOX=guest says");
	}
	return known;
}

void confined_apply(struct confined *c, struct proc_opts *opts)
{
	if (!can_confine())
		return;
	for (size_t i = 0; c->network && i < array_len(of_network); i++)
		confined_read(c, of_network[i]);
	if (c->binds.count)
		qsort(c->binds.items, c->binds.count, sizeof(*c->binds.items), by_length);
	c->uid = geteuid();
	c->gid = getegid();
	opts->namespaces = NAMESPACES | (c->network ? 0 : CLONE_NEWNET);
	opts->enter = enter;
	opts->enter_arg = c;
}

void confined_release(struct confined *c)
{
	for (size_t i = 0; i < c->binds.count; i++)
		free((char *)c->binds.items[i].from);
	confined_binds_clear(&c->binds);
}
