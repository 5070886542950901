/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything happens in two shell scripts of the appliance: one when it is there (the second disk,
 * the emulator), one per command. The latter enters namespaces of its own first, so that its mounts
 * and processes go when the command has ended. It reports on its stdout, which nobody else has:
 * "ready" when all is set up, then the exit status.
 */
#include "machine/guest/sandbox_vm.h"

#include <stdio.h>
#include <string.h>

#include "machine/guest/steps.h"
#include "machine/host.h"
#include "machine/sandbox/sandbox_internal.h"

#define BINDS "/orch-binds" /* where the second disk is mounted in the appliance */
#define ROOT_LABEL "root"
#define BINDS_LABEL "binds"
#define PLAIN_ID 1000

struct sandbox_vm {
	struct sandbox_vm_opts opts;
	struct appliance *guest;
};

bool sandbox_vm_possible(void)
{
	char *kernel cleanup_free = host_kernel();

	return appliance_supported() && kernel;
}

static const char fresh_sh[] =
#include "machine/sandbox_vm.sh.h"
	;

static void quote(struct str *s, const char *word)
{
	steps_quote_argv(&word, 1, s);
}

/* Appends a script that runs ARGV in fresh surroundings; it is process 1 of its namespace. */
static void inner_script(const struct sandbox_vm_opts *o, char *const argv[], const char *cwd,
			 struct str *ret)
{
	str_append(ret, "r=" APPLIANCE_ROOT "\n");
	str_append(ret, fresh_sh);
	if (!o->root_writable)
		str_append(ret, "[ ! -d $r/var/tmp ] || "
				"mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs $r/var/tmp\n");
	for (size_t i = 0; i < o->bind_count; i++) {
		str_append(ret, "put " BINDS);
		quote(ret, o->binds[i].from);
		str_append(ret, " $r");
		quote(ret, o->binds[i].to);
		str_append(ret, o->binds[i].writable ? " rw\n" : " ro\n");
	}
	str_append(ret, "echo ready >&3\nset +e\nenv -i");
	for (size_t i = 0; o->env[i]; i++) {
		str_append_char(ret, ' ');
		quote(ret, o->env[i]);
	}
	/* Root has set-id programs that work, an ordinary user none. */
	if (!o->as_root)
		str_append(ret, " /usr/bin/setpriv --no-new-privs");
	str_append(ret, " /usr/bin/unshare --root=$r --wd=");
	quote(ret, cwd);
	if (!o->as_root)
		str_printf(ret, " --setuid=%d --setgid=%d", PLAIN_ID, PLAIN_ID);
	str_append(ret, " --");
	for (size_t i = 0; argv[i]; i++) {
		str_append_char(ret, ' ');
		quote(ret, argv[i]);
	}
	str_append(ret, " 3>&-\nexit $?\n");
}

/* Mounts the second disk, and makes the kernel know the emulator on it. */
static int set_up(struct sandbox_vm *s, struct err **err)
{
	const struct sandbox_vm_opts *o = &s->opts;
	struct str script cleanup_str = STR_INIT, line cleanup_str = STR_INIT;
	char *said cleanup_free = NULL;

	str_append(&script,
		   "set -e; mkdir -p " BINDS
		   "; mount -o noatime,noinit_itable " APPLIANCE_DISK BINDS_LABEL " " BINDS "\n");
	if (o->root_writable)
		str_append(&script, "rmdir " APPLIANCE_ROOT "/lost+found 2>/dev/null || :\n");
	if (o->emulator) {
		char *path cleanup_free = xasprintf(BINDS "%s", o->emulator);

		if (emulator_line(o->arch, path, &line, err) < 0)
			return -1;
		str_append(&script, "modprobe binfmt_misc || :\n"
				    "cd /proc/sys/fs/binfmt_misc\n"
				    "[ -e register ] || mount -t binfmt_misc none .\n"
				    "cd /proc/sys/fs/binfmt_misc; printf %s ");
		quote(&script, line.buf);
		str_append(&script, " >register\n");
	}
	return appliance_shell(s->guest, script.buf, &said, err);
}

int sandbox_vm_open(const struct sandbox_vm_opts *opts, struct sandbox_vm **ret, struct err **err)
{
	struct sandbox_vm *s cleanup_sandbox_vm = xcalloc(1, sizeof(*s));

	s->opts = *opts;
	if (appliance_new(&opts->guest, &s->guest, err) < 0 ||
	    appliance_add_disk(s->guest, opts->root, ROOT_LABEL, false, err) < 0 ||
	    appliance_add_disk(s->guest, opts->binds_image, BINDS_LABEL, false, err) < 0 ||
	    appliance_launch(s->guest, err) < 0 ||
	    appliance_mount(s->guest, APPLIANCE_DISK ROOT_LABEL, "/",
			    opts->root_writable ? APPLIANCE_STEADY : "ro", err) < 0 ||
	    set_up(s, err) < 0)
		return -1;
	*ret = steal_ptr(s);
	return 0;
}

/* What the script said; "ready" and a number when all went well. */
static int read_status(const char *said, int *ret_status, struct err **err)
{
	int code;

	if (sscanf(said, "ready %d", &code) != 1)
		return err_set(err, E_SANDBOX_UNAVAILABLE,
			       "the sandbox could not be set up in the guest; the log says why");
	/* As a shell does, it can only say 128 + n: make a signal of it again. */
	*ret_status = code > 128 && code < 128 + 65 ? code - 128 : code << 8;
	return 0;
}

int sandbox_vm_run(struct sandbox_vm *s, char *const argv[], const char *cwd, int *ret_status,
		   struct err **err)
{
	struct str inner cleanup_str = STR_INIT, script cleanup_str = STR_INIT;
	char *said cleanup_free = NULL;

	inner_script(&s->opts, argv, cwd, &inner);
	str_append(&script, "exec 3>&1 >/dev/console 2>&1 </dev/null\n"
			    "unshare --mount --pid --net --ipc --uts --fork --kill-child "
			    "/bin/sh -c ");
	quote(&script, inner.buf);
	str_append(&script, "\necho $? >&3\n");
	if (appliance_shell(s->guest, script.buf, &said, err) < 0)
		return -1;
	return read_status(said, ret_status, err);
}

int sandbox_vm_close(struct sandbox_vm *s, struct err **err)
{
	/* A registered emulator is an open file of the second disk. */
	static const char script[] =
		"for f in /proc/sys/fs/binfmt_misc/qemu-*; do [ ! -e $f ] || echo -1 >$f; done\n"
		"sync; umount " BINDS;
	char *said cleanup_free = NULL;

	if (appliance_shell(s->guest, script, &said, err) < 0)
		return -1;
	return appliance_finish(s->guest, err);
}

void sandbox_vm_free(struct sandbox_vm *s)
{
	if (!s)
		return;
	appliance_free(s->guest);
	free(s);
}
