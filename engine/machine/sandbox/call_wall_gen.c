/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Run when orch is compiled: prints the filters of call_wall.h as C. The only user of libseccomp,
 * which knows the numbers of calls in each interface of a machine.
 *
 *	call_wall_gen FAMILY >call_wall_code.h		FAMILY: meson's host_machine.cpu_family()
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define LOW_HALF 0xffffffffu /* what the kernel looks at of an argument of type int */
#define CHECK(call)                                                              \
	do {                                                                     \
		int check_rc = (call);                                           \
		if (check_rc < 0) {                                              \
			fprintf(stderr, "%s: %s\n", #call, strerror(-check_rc)); \
			exit(1);                                                 \
		}                                                                \
	} while (0)

/*
 * The newest call this list has judged (removexattrat, Linux 6.13). Interfaces have had common
 * numbers since 403. What arm has beyond PRIVATE_CALLS is older than all of them.
 */
#define NEWEST_CALL 466
#define PRIVATE_CALLS 0xf0000

/* Families of sockets: 46 are known to Linux 6.18. */
#define FAMILIES 64

static const struct {
	const char *family;
	uint32_t native, compat; /* of SCMP_ARCH_…; 0: none */
} machines[] = {
	{"x86_64", SCMP_ARCH_X86_64, SCMP_ARCH_X86},
	{"aarch64", SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
	{"arm", SCMP_ARCH_ARM, 0},
	{"x86", SCMP_ARCH_X86, 0},
	{"riscv64", SCMP_ARCH_RISCV64, 0},
	{"ppc64", SCMP_ARCH_PPC64LE, 0},
	{"s390x", SCMP_ARCH_S390X, 0},
};

static const char *const refused[] = {
	/* keyrings */
	"add_key", "keyctl", "request_key",
	/* machine */
	"bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load", "create_module",
	"init_module", "finit_module", "delete_module", "get_kernel_syms", "query_module", "swapon",
	"swapoff", "quotactl", "quotactl_fd", "reboot", "acct", "syslog", "iopl", "ioperm",
	"settimeofday", "stime", "clock_settime", "clock_settime64", "vhangup", "nfsservctl",
	"lookup_dcookie", "_sysctl", "sysfs", "uselib", "ustat", "vm86", "vm86old",
	/* handles, pages */
	"open_by_handle_at", "move_pages", "migrate_pages"};

static const char *const unknown[] = {"clone3", "io_uring_setup", "io_uring_enter",
				      "io_uring_register"};

/* Unless nested. */
static const char *const refused_mounts[] = {"mount", "umount", "umount2", "pivot_root", "setns"};
static const char *const unknown_mounts[] = {"move_mount", "open_tree", "fsopen",       "fsconfig",
					     "fsmount",    "fspick",    "mount_setattr"};
static const unsigned namespaces[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
				      CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_NEWTIME};

static int number_of(const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR) {
		fprintf(stderr, "libseccomp does not know the call '%s': it is too old\n", name);
		exit(1);
	}
	return nr;
}

static void refuse_all(scmp_filter_ctx ctx, const char *const *names, size_t count, int error)
{
	for (size_t i = 0; i < count; i++)
		CHECK(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), number_of(names[i]), 0));
}

/* ARG, cut to 32 bits, is VALUE. */
static void refuse_value(scmp_filter_ctx ctx, const char *name, unsigned arg, unsigned value,
			 int error)
{
	CHECK(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(error), number_of(name), 1,
			       SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, LOW_HALF, value)));
}

static void refuse_flag(scmp_filter_ctx ctx, const char *name, unsigned arg, unsigned flag)
{
	CHECK(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), number_of(name), 1,
			       SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, flag, flag)));
}

static void refuse_namespaces(scmp_filter_ctx ctx, uint32_t native)
{
	unsigned clone_flags = native == SCMP_ARCH_S390X ? 1 : 0;

	for (size_t i = 0; i < LENGTH(namespaces); i++) {
		refuse_flag(ctx, "unshare", 0, namespaces[i]);
		if (!(namespaces[i] & 0xff)) /* to clone() those bits are a signal */
			refuse_flag(ctx, "clone", clone_flags, namespaces[i]);
	}
}

static void refuse_sockets(scmp_filter_ctx ctx)
{
	for (unsigned f = 0; f < FAMILIES; f++) {
		if (f == AF_UNSPEC || f == AF_UNIX || f == AF_INET || f == AF_INET6 ||
		    f == AF_NETLINK)
			continue;
		refuse_value(ctx, "socket", 0, f, EAFNOSUPPORT);
		refuse_value(ctx, "socketpair", 0, f, EAFNOSUPPORT);
	}
	CHECK(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), number_of("socket"), 1,
			       SCMP_CMP64(0, SCMP_CMP_GE, FAMILIES)));
	/* Only interfaces without socket() of their own have it, and i386. */
	refuse_value(ctx, "socketcall", 0, 1, EAFNOSUPPORT);
}

static void print_insn(struct sock_filter f)
{
	printf("\t{0x%02x, %u, %u, 0x%08x},\n", f.code, f.jt, f.jf, f.k);
}

/* What stands before the filter of libseccomp, which has no ranges of numbers. */
static void print_ceiling(void)
{
	static const struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, PRIVATE_CALLS, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	for (size_t i = 0; i < LENGTH(code); i++)
		print_insn(code[i]);
}

static void print_filter(scmp_filter_ctx ctx, const char *name)
{
	FILE *f = tmpfile();
	struct sock_filter insn;

	if (!f) {
		perror("tmpfile");
		exit(1);
	}
	CHECK(seccomp_export_bpf(ctx, fileno(f)));
	rewind(f);
	printf("static const struct sock_filter %s[] = {\n", name);
	print_ceiling();
	while (fread(&insn, sizeof(insn), 1, f) == 1)
		print_insn(insn);
	printf("};\n");
	fclose(f);
}

static void generate(uint32_t native, uint32_t compat, bool nested, const char *name)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (!ctx)
		exit(1);
	if (native != seccomp_arch_native()) {
		CHECK(seccomp_arch_add(ctx, native));
		CHECK(seccomp_arch_remove(ctx, seccomp_arch_native()));
	}
	if (compat)
		CHECK(seccomp_arch_add(ctx, compat));
	CHECK(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)));
	CHECK(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2)); /* a tree, not a list */
	refuse_value(ctx, "ioctl", 1, 0x5412, EPERM);              /* TIOCSTI */
	refuse_value(ctx, "ioctl", 1, 0x541c, EPERM);              /* TIOCLINUX */
	refuse_all(ctx, refused, LENGTH(refused), EPERM);
	refuse_all(ctx, unknown, LENGTH(unknown), ENOSYS);
	refuse_sockets(ctx);
	if (!nested) {
		refuse_all(ctx, refused_mounts, LENGTH(refused_mounts), EPERM);
		refuse_all(ctx, unknown_mounts, LENGTH(unknown_mounts), ENOSYS);
		refuse_namespaces(ctx, native);
	}
	print_filter(ctx, name);
	seccomp_release(ctx);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < LENGTH(machines); i++) {
		if (strcmp(machines[i].family, argv[1]) != 0)
			continue;
		printf("/* Made by call_wall_gen.c. */\n");
		generate(machines[i].native, machines[i].compat, false, "wall_code");
		generate(machines[i].native, machines[i].compat, true, "wall_code_nested");
		return 0;
	}
	fprintf(stderr, "no machine '%s' is known\n", argc == 2 ? argv[1] : "");
	return 1;
}
