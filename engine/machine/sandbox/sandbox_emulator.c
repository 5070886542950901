/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/sandbox/sandbox_internal.h"

#if defined(__x86_64__)
#define HOST_ARCH "amd64"
#elif defined(__aarch64__)
#define HOST_ARCH "arm64"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_ARCH "riscv64"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define HOST_ARCH "ppc64el"
#elif defined(__s390x__)
#define HOST_ARCH "s390x"
#elif defined(__arm__)
#define HOST_ARCH "armhf"
#elif defined(__i386__)
#define HOST_ARCH "i386"
#else
#error "name Debian's architecture here"
#endif

/* How the kernel recognises an ELF program of an architecture, and who runs it. */
struct machine {
	const char *arch, *emulator;
	unsigned char elf_class; /* 1: 32 bit, 2: 64 bit */
	unsigned char elf_data;  /* 1: little endian, 2: big endian */
	uint16_t elf_machine;    /* e_machine */
};
static const struct machine machines[] = {
	{"amd64", "qemu-x86_64", 2, 1, 62},
	{"arm64", "qemu-aarch64", 2, 1, 183},
	{"armhf", "qemu-arm", 1, 1, 40},
	{"armel", "qemu-arm", 1, 1, 40},
	{"i386", "qemu-i386", 1, 1, 3},
	{"ppc64el", "qemu-ppc64le", 2, 1, 21},
	{"riscv64", "qemu-riscv64", 2, 1, 243},
	{"s390x", "qemu-s390x", 2, 2, 22},
	{"loong64", "qemu-loongarch64", 2, 1, 258},
};
#define ELF_PREFIX 20 /* bytes up to and including e_machine */
#define HOST_REGISTRY "/proc/sys/fs/binfmt_misc"

static const struct machine *machine_of(const char *arch)
{
	for (size_t i = 0; i < array_len(machines); i++)
		if (str_eq(machines[i].arch, arch))
			return &machines[i];
	return NULL;
}

const char *sandbox_host_arch(void)
{
	return HOST_ARCH;
}

const char *sandbox_emulator_name(const char *arch)
{
	const struct machine *m = machine_of(arch);

	return m ? m->emulator : NULL;
}

bool sandbox_is_native(const char *arch)
{
	return str_eq(arch, HOST_ARCH) || str_eq(arch, "all") ||
	       (str_eq(HOST_ARCH, "amd64") && str_eq(arch, "i386"));
}

/* The first bytes of a program of M, and which of their bits count. */
static void elf_magic(const struct machine *m, unsigned char magic[ELF_PREFIX],
		      unsigned char mask[ELF_PREFIX])
{
	const unsigned char start[] = {0x7f, 'E', 'L', 'F', m->elf_class, m->elf_data, 1};

	memset(magic, 0, ELF_PREFIX);
	memset(mask, 0xff, ELF_PREFIX);
	memcpy(magic, start, sizeof(start));
	mask[7] = 0; /* any OS ABI */
	if (m->elf_data == 1) {
		magic[16] = 2; /* executable or shared object */
		mask[16] = 0xfe;
		magic[18] = m->elf_machine & 0xff;
		magic[19] = m->elf_machine >> 8;
	} else {
		magic[17] = 2;
		mask[17] = 0xfe;
		magic[18] = m->elf_machine >> 8;
		magic[19] = m->elf_machine & 0xff;
	}
}

static void append_hex(struct str *s, const unsigned char *data, const char *prefix)
{
	for (size_t i = 0; i < ELF_PREFIX; i++)
		str_printf(s, "%s%02x", prefix, data[i]);
}

/* The registry of this user namespace, as a mount that is nowhere and hides nothing; -1: none. */
static int own_registry(void)
{
	int fs cleanup_fd = fsopen("binfmt_misc", FSOPEN_CLOEXEC);

	if (fs < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

int emulator_line(const char *arch, const char *path, struct str *ret, struct err **err)
{
	unsigned char magic[ELF_PREFIX], mask[ELF_PREFIX];
	const struct machine *m = machine_of(arch);

	if (!m)
		return err_set(err, E_NO_EMULATOR, "no emulator is known for architecture '%s'",
			       arch);
	elf_magic(m, magic, mask);
	/*
	 * F: opened now, so it need not exist inside; P: argv[0] is kept; C and O: as root sees it.
	 */
	str_printf(ret, ":%s:M::", m->emulator);
	append_hex(ret, magic, "\\x");
	str_append(ret, ":");
	append_hex(ret, mask, "\\x");
	str_printf(ret, ":%s:FPOC", path);
	return 0;
}

/* 0 when it stands; 1 when this kernel has no binfmt_misc per user namespace. */
static int register_own(const struct machine *m, const char *emulator, struct err **err)
{
	struct str line cleanup_str = STR_INIT;
	char *path cleanup_free = NULL;
	int program cleanup_fd = open(emulator, O_RDONLY | O_CLOEXEC);
	int registry, fd cleanup_fd = -1;

	if (program < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot open the emulator '%s'",
				 emulator);
	/* Stays open in process 1: with its last mount a registry forgets what it knows. */
	registry = own_registry();
	fd = registry < 0 ? -1 : openat(registry, "register", O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		if (registry >= 0)
			close(registry);
		return 1;
	}
	path = xasprintf("/proc/self/fd/%d", program);
	if (emulator_line(m->arch, path, &line, err) < 0)
		return -1;
	if (write(fd, line.buf, line.len) != (ssize_t)line.len)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot register the emulator '%s'",
				 m->emulator);
	return 0;
}

/* Whether the entry NAME of the host's registry is for M, switched on and opened beforehand (F). */
static bool host_entry_fits(const char *name, const struct machine *m)
{
	unsigned char magic[ELF_PREFIX], mask[ELF_PREFIX];
	struct str text cleanup_str = STR_INIT, want cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	char *path cleanup_free = path_join(HOST_REGISTRY, name);
	const char *flags;

	if (file_read(path, 4096, &text, &ignored) < 0)
		return false;
	elf_magic(m, magic, mask);
	append_hex(&want, magic, "");
	flags = strstr(text.buf, "flags: ");
	return str_skip(text.buf, "enabled") && flags &&
	       strcspn(flags + 7, "\n") > strcspn(flags + 7, "F\n") && strstr(text.buf, want.buf);
}

static bool host_has(const struct machine *m)
{
	DIR *dir = opendir(HOST_REGISTRY);
	bool found = false;

	for (struct dirent *e; !found && dir && (e = readdir(dir));)
		if (e->d_name[0] != '.' && !str_eq(e->d_name, "register") &&
		    !str_eq(e->d_name, "status"))
			found = host_entry_fits(e->d_name, m);
	if (dir)
		closedir(dir);
	return found;
}

int emulator_register(const struct sandbox_opts *opts, bool *ret_own, struct err **err)
{
	const struct machine *m;
	int r = 1;

	*ret_own = false;
	if (!opts->arch || sandbox_is_native(opts->arch))
		return 0;
	m = machine_of(opts->arch);
	if (!m)
		return err_set(err, E_NO_EMULATOR, "no emulator is known for architecture '%s'",
			       opts->arch);
	if (opts->emulator)
		r = register_own(m, opts->emulator, err);
	if (r < 0)
		return -1;
	if (r == 0) {
		*ret_own = true;
		if (opts->note)
			str_printf(opts->note,
				   "%s programs run in %s, registered in the sandbox alone",
				   opts->arch, opts->emulator);
		return 0;
	}
	if (!host_has(m))
		return err_set(err, E_NO_EMULATOR,
			       "cannot run programs of architecture '%s': %s, and the host has no "
			       "registration with flag F; install the package qemu-user-static or "
			       "qemu-user-binfmt",
			       opts->arch,
			       opts->emulator ? "this kernel has no binfmt_misc per user namespace "
						"(Linux 6.7 has)"
					      : "no emulator is pinned for this machine");
	if (opts->note)
		str_printf(opts->note, "%s programs run in the host's own %s (binfmt_misc flag F)",
			   opts->arch, m->emulator);
	return 0;
}
