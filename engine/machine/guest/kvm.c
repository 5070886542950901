/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The KVM question. A device that opens, ioctls that succeed, even a virtual CPU that reaches HLT
 * are no proof (on nested machines QEMU aborts or the kernel hangs), so a real kernel is started.
 */
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/trace.h"
#include "machine/host.h"

#define PROBE_S 20
#define ANSWER_FILE "kvm-usable"

#if defined(__aarch64__)
#define PROGRAM "qemu-system-aarch64"
#define MACHINE "virt,gic-version=host"
#define APPEND "console=ttyAMA0 panic=-1"
#else
#define PROGRAM "qemu-system-x86_64"
#define MACHINE "pc"
#define APPEND "console=ttyS0 panic=-1"
#endif

char *host_kernel(void)
{
	char *found = NULL;
	glob_t g;

	if (glob("/boot/vmlinuz-*", 0, NULL, &g) != 0)
		return NULL;
	for (size_t i = g.gl_pathc; i-- > 0 && !found;) {
		if (access(g.gl_pathv[i], R_OK) == 0)
			found = xstrdup(g.gl_pathv[i]);
	}
	globfree(&g);
	return found;
}

/* Whether a child QEMU prints the first line of the kernel at PATH. It panics without a root. */
static bool kernel_speaks(const char *path)
{
	char *const argv[] = {PROGRAM,
			      "-machine",
			      MACHINE,
			      "-accel",
			      "kvm",
			      "-cpu",
			      "host",
			      "-m",
			      "256",
			      "-nodefaults",
			      "-no-user-config",
			      "-display",
			      "none",
			      "-monitor",
			      "none",
			      "-serial",
			      "stdio",
			      "-no-reboot",
			      "-kernel",
			      (char *)path,
			      "-append",
			      APPEND,
			      NULL};
	int null cleanup_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct proc_opts opts = {.errfd = null, .timeout_s = PROBE_S};
	struct str out cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	int rc = proc_output(argv, &opts, 1 << 20, &out, &ignored);

	trace(TRACE_MACHINE, "kvm probe: %d, %zu bytes on the console", rc, out.len);
	return strstr(out.buf, "Linux version") != NULL;
}

/* What the answer depends on: this boot, this QEMU, this device. */
static char *question(void)
{
	struct str boot cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	char *program cleanup_free = path_program(PROGRAM);
	struct stat qemu, kvm;

	if (!program || stat(program, &qemu) < 0 || stat("/dev/kvm", &kvm) < 0 ||
	    file_read("/proc/sys/kernel/random/boot_id", 128, &boot, &ignored) < 0)
		return NULL;
	while (boot.len > 0 && boot.buf[boot.len - 1] == '\n')
		boot.buf[--boot.len] = 0;
	return xasprintf("%s %jd.%09ld %jd %u:%u", boot.buf, (intmax_t)qemu.st_mtim.tv_sec,
			 qemu.st_mtim.tv_nsec, (intmax_t)qemu.st_size, major(kvm.st_rdev),
			 minor(kvm.st_rdev));
}

/* 0: *RET is the kept answer; 1: there is none. */
static int kept_answer(const char *path, const char *asked, bool *ret)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	const char *rest;

	if (!path_exists(path) || file_read(path, 4096, &text, &ignored) < 0)
		return 1;
	rest = str_skip(text.buf, asked);
	if (!rest || (!str_eq(rest, " yes\n") && !str_eq(rest, " no\n")))
		return 1;
	*ret = rest[1] == 'y';
	return 0;
}

static int probe(const char *cache_dir, bool *ret, struct err **err)
{
	char *asked cleanup_free = question();
	char *path cleanup_free = cache_dir ? path_join(cache_dir, ANSWER_FILE) : NULL;
	char *text cleanup_free = NULL;
	char *kernel cleanup_free = NULL;

	*ret = false;
	if (!asked)
		return 0;
	if (path && kept_answer(path, asked, ret) == 0)
		return 0;
	kernel = host_kernel();
	if (!kernel)
		return 0;
	*ret = kernel_speaks(kernel);
	if (!path)
		return 0;
	text = xasprintf("%s %s\n", asked, *ret ? "yes" : "no");
	if (path_mkdirs(cache_dir, err) < 0)
		return -1;
	return file_write(path, text, strlen(text), 0600, false, err);
}

int host_kvm_usable(const char *cache_dir, bool *ret, char **ret_why, struct err **err)
{
	int fd cleanup_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const char *why;

	*ret = false;
	if (fd < 0 && errno == ENOENT)
		why = "there is no /dev/kvm";
	else if (fd < 0)
		why = "/dev/kvm is there, but this user may not open it";
	else if (probe(cache_dir, ret, err) < 0)
		return -1;
	else
		why = *ret ? "a kernel starts under it"
			   : "/dev/kvm opens, but no kernel starts under it";
	if (ret_why)
		*ret_why = xstrdup(why);
	return 0;
}
