/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/guest/appliance.h"
#include "machine/guest/sandbox_vm.h"
#include "machine/guest/qemu.h"
#include "machine/host_fix.h"
#include "machine/sandbox/sandbox.h"

#define ENOUGH_BYTES (10ull << 30) /* what a cold build of a Debian image takes */

/* The programs orch starts. ARG makes one print its version. */
struct program {
	const char *name, *arg, *package, *needed_for;
};
static const struct program programs[] = {
	{"apt-get", "--version", "apt", "kind 'debian' and `orch lock`"},
	{"gpgv", "--version", "gpgv", "kind 'debian', to check the archive's signature"},
	{"rauc", "--version", "rauc", "kind 'bundle'"},
	{"mksquashfs", "-version", "squashfs-tools", "kind 'bundle'"},
	{"e2fsck", "-V", "e2fsprogs", "checking ext4 images"},
	{"fsck.fat", "-v", "dosfstools", "checking FAT images"},
};

static void add(struct findings *ret, enum finding_level level, const char *what, const char *text,
		const char *fix)
{
	findings_push(ret,
		      (struct finding){.level = level, .what = what, .text = text, .fix = fix});
}

/*
 * The first line of what a program prints, wherever it prints it; "is installed" when that is
 * nothing, or how it is used: fsck.fat tells no version.
 */
static const char *first_line(struct arena *arena, const char *program, const char *arg)
{
	char *const argv[] = {(char *)program, (char *)arg, NULL};
	struct str out cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	int other cleanup_fd = memfd_create("stderr", MFD_CLOEXEC);
	struct proc_opts opts = {.errfd = other, .timeout_s = 10};

	if (other < 0)
		return "";
	(void)!proc_output(argv, &opts, 65536, &out, &ignored);
	if (out.len == 0 && lseek(other, 0, SEEK_SET) == 0) {
		err_free(ignored);
		ignored = NULL;
		(void)!fd_read_all(other, "stderr", 65536, &out, &ignored);
	}
	if (!out.len || str_skip(out.buf, "Usage:"))
		return "is installed";
	return arena_strndup(arena, out.buf, strcspn(out.buf, "\n"));
}

static void probe_programs(struct arena *arena, struct findings *ret)
{
	for (size_t i = 0; i < array_len(programs); i++) {
		const struct program *p = &programs[i];
		char *path cleanup_free = path_program(p->name);

		if (path)
			add(ret, FINDING_OK, p->name, first_line(arena, p->name, p->arg), NULL);
		else
			add(ret, FINDING_MISSING, p->name,
			    arena_printf(arena, "is not installed; needed for %s", p->needed_for),
			    arena_printf(arena, "sudo apt install %s", p->package));
	}
}

/* What stands between a sandbox and tracing, and the command that takes it away. */
static const char *tracing_fix(struct arena *arena)
{
	static const char scope[] = "kernel.yama.ptrace_scope";
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (file_read("/proc/sys/kernel/yama/ptrace_scope", 16, &text, &ignored) == 0 &&
	    atoi(text.buf) >= 3) /* it stays until the machine restarts */
		return arena_printf(arena,
				    "echo %s=1 | sudo tee /etc/sysctl.d/60-ptrace.conf, look that "
				    "no other file there says 3, then restart",
				    scope);
	return "in a container, run it with --security-opt seccomp=unconfined; "
	       "do not run orch under strace";
}

/* Kinds 'debian' and 'tree' need more of a sandbox than that there is one. */
static void probe_users(struct arena *arena, const char *tmp, struct findings *ret)
{
	static const char what[] = "tracing";
	struct err *err cleanup_err = NULL;

	if (sandbox_probe_users(tmp, &err) == 0)
		add(ret, FINDING_OK, what, "holds the users and owners of trees in a sandbox",
		    NULL);
	else if (sandbox_vm_possible())
		add(ret, FINDING_SLOW, what,
		    arena_printf(arena,
				 "%s; kinds 'debian' and 'tree' take QEMU guests instead, which is "
				 "slower",
				 err->text),
		    tracing_fix(arena));
	else
		add(ret, FINDING_MISSING, what,
		    arena_printf(arena, "%s; needed for kinds 'debian' and 'tree'", err->text),
		    tracing_fix(arena));
}

/* Whether steps can be run in namespaces. */
static bool probe_sandbox(struct arena *arena, const char *tmp, struct findings *ret)
{
	static const char what[] = "user namespaces";
	struct err *err cleanup_err = NULL;
	const char *fix = host_userns_fix(arena, "");

	if (sandbox_vm_forced()) {
		add(ret, FINDING_SLOW, what,
		    "not used, as ORCH_SANDBOX=guest says: kinds 'debian', 'tree' and 'run' take "
		    "QEMU guests",
		    NULL);
	} else if (sandbox_probe(&err) == 0) {
		add(ret, FINDING_OK, what, "can be made by this user", NULL);
		probe_users(arena, tmp, ret);
		return true;
	} else if (sandbox_vm_possible()) {
		add(ret, FINDING_SLOW, what,
		    arena_printf(arena,
				 "%s; kinds 'debian', 'tree' and 'run' take QEMU guests instead, "
				 "which is slower, and `root: host` does not work",
				 err->text),
		    fix);
	} else {
		add(ret, FINDING_MISSING, what, arena_strdup(arena, err->text), fix);
	}
	return false;
}

/* The kernel's version as one number: 6.7 is 6007. */
static unsigned kernel_version(struct arena *arena)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	unsigned major = 0, minor = 0;

	if (file_read("/proc/sys/kernel/osrelease", 256, &text, &ignored) < 0 ||
	    sscanf(text.buf, "%u.%u", &major, &minor) != 2)
		return 0;
	return major * 1000 + minor;
}

/* Whether the host itself runs arm64 programs through qemu-user, in every namespace (flag F). */
static bool has_binfmt(void)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	const char *flags;

	if (file_read("/proc/sys/fs/binfmt_misc/qemu-aarch64", 4096, &text, &ignored) < 0)
		return false;
	flags = strstr(text.buf, "flags: ");
	return flags && memchr(flags, 'F', strcspn(flags, "\n")) != NULL;
}

static void probe_binfmt(struct arena *arena, bool namespaces, struct findings *ret)
{
	if (sandbox_is_native("arm64"))
		add(ret, FINDING_OK, "arm64 programs", "run on this processor", NULL);
	else if (!namespaces && sandbox_vm_possible())
		add(ret, FINDING_OK, "arm64 programs", "run through qemu-user in QEMU guests",
		    NULL);
	else if (!namespaces)
		add(ret, FINDING_MISSING, "arm64 programs",
		    "cannot run: they need user namespaces, or libguestfs for QEMU guests", NULL);
	else if (kernel_version(arena) >= 6007)
		add(ret, FINDING_OK, "arm64 programs",
		    "run through qemu-user, registered in the sandbox itself", NULL);
	else if (has_binfmt())
		add(ret, FINDING_OK, "arm64 programs",
		    "run through qemu-user, registered on this host", NULL);
	else
		add(ret, FINDING_MISSING, "arm64 programs",
		    "cannot run: the kernel is older than 6.7 and qemu-aarch64 is not registered",
		    "sudo apt install qemu-user-static");
}

static void probe_qemu(struct arena *arena, const char *arch, bool efi, struct findings *ret)
{
	struct qemu_machine m = {.arch = arch};
	struct err *err cleanup_err = NULL;
	const char *program = qemu_program(arch), *package = NULL;

	/* Without the accelerator's question, which belongs to probe_kvm(). */
	if (qemu_look(&m, &package, &err) < 0) {
		add(ret, FINDING_MISSING, program, arena_strdup(arena, err->text),
		    arena_printf(arena, "sudo apt install %s", package));
		return;
	}
	add(ret, FINDING_OK, program, first_line(arena, program, "--version"), NULL);
	if (!efi)
		return;
	m.efi = true;
	if (qemu_look(&m, &package, &err) < 0)
		add(ret, FINDING_MISSING, "EFI firmware", arena_strdup(arena, err->text),
		    arena_printf(arena, "sudo apt install %s", package));
	else
		add(ret, FINDING_OK, "EFI firmware", m.firmware_code, NULL);
}

static void probe_kvm(struct arena *arena, const char *cache_dir, struct findings *ret)
{
	struct err *err cleanup_err = NULL;
	char *why cleanup_free = NULL;
	bool usable;

	if (host_kvm_usable(cache_dir, &usable, &why, &err) < 0)
		add(ret, FINDING_SLOW, "kvm", arena_strdup(arena, err->text), NULL);
	else if (usable)
		add(ret, FINDING_OK, "kvm", arena_strdup(arena, why), NULL);
	else
		add(ret, FINDING_SLOW, "kvm",
		    arena_printf(arena, "%s; guests and libguestfs are emulated, which is slower",
				 why),
		    access("/dev/kvm", F_OK) == 0 && access("/dev/kvm", R_OK | W_OK) < 0
			    ? "sudo adduser $USER kvm, then log in again"
			    : NULL);
}

static void probe_guestfs(struct arena *arena, struct findings *ret)
{
	char *kernel cleanup_free = host_kernel();
	const char *arch = sandbox_host_arch();

	if (!appliance_supported())
		add(ret, FINDING_SLOW, "libguestfs",
		    "this orch was built without it: `writer: guestfs` does not work",
		    "sudo apt install libguestfs-dev, then build orch again");
	else if (!kernel)
		add(ret, FINDING_MISSING, "libguestfs",
		    "its appliance needs a kernel that this user can read, and there is no "
		    "readable /boot/vmlinuz-*",
		    access("/boot", R_OK) == 0 && path_exists("/boot/grub")
			    ? "sudo chmod 0644 /boot/vmlinuz-*"
			    : arena_printf(arena, "sudo apt install linux-image-cloud-%s", arch));
	else
		add(ret, FINDING_OK, "libguestfs",
		    arena_printf(arena, "appliance kernel %s", kernel), NULL);
}

static void probe_space(struct arena *arena, const char *dir, struct findings *ret)
{
	struct err *err cleanup_err = NULL;
	char *at cleanup_free = xstrdup(dir), *text cleanup_free = NULL;
	uint64_t bytes;

	while (!path_exists(at)) { /* a store that is not made yet */
		char *up = path_dir(at);

		free(at);
		at = up;
	}
	if (file_free_bytes(at, &bytes, &err) < 0) {
		add(ret, FINDING_SLOW, "disk space", arena_strdup(arena, err->text), NULL);
		return;
	}
	text = str_bytes(bytes);
	add(ret, bytes < ENOUGH_BYTES ? FINDING_SLOW : FINDING_OK, "disk space",
	    arena_printf(arena, "%s free for '%s'%s", text, dir,
			 bytes < ENOUGH_BYTES ? "; a build of a Debian image takes up to 10 GiB"
					      : ""),
	    bytes < ENOUGH_BYTES ? "free some space, or put the store elsewhere with --store DIR"
				 : NULL);
}

void host_probe(struct arena *arena, const struct host_query *query, struct findings *ret)
{
	bool namespaces;

	probe_programs(arena, ret);
	namespaces = probe_sandbox(arena, query->cache_dir ? query->cache_dir : "/tmp", ret);
	probe_binfmt(arena, namespaces, ret);
	probe_qemu(arena, "arm64", true, ret);
	probe_qemu(arena, sandbox_host_arch(), false, ret);
	probe_guestfs(arena, ret);
	if (!query->quick)
		probe_kvm(arena, query->cache_dir, ret);
	if (query->store_dir)
		probe_space(arena, query->store_dir, ret);
}
