/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest/qemu.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/host.h"
#include "machine/sandbox/tree_program.h"

/*
 * What an architecture needs. Firmware files are pairs of code and variables, the first found wins.
 */
struct target {
	const char *arch, *machine_name; /* Debian's and uname's name */
	const char *program, *package;
	const char *machine, *cpu, *console;
	const char *firmware[5]; /* code, vars, code, vars, NULL */
	const char *firmware_package;
};

static const struct target targets[] = {
	{
		.arch = "arm64",
		.machine_name = "aarch64",
		.program = "qemu-system-aarch64",
		.package = "qemu-system-arm",
		.machine = "virt,gic-version=3",
		.cpu = "cortex-a72", /* max with QEMU's default pauth costs 2.3 times as much */
		.console = "ttyAMA0",
		.firmware = {"/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd",
			     "/usr/share/AAVMF/AAVMF_VARS.fd", "/usr/share/AAVMF/AAVMF_CODE.fd",
			     "/usr/share/AAVMF/AAVMF_VARS.fd"},
		.firmware_package = "qemu-efi-aarch64",
	},
	{
		.arch = "amd64",
		.machine_name = "x86_64",
		.program = "qemu-system-x86_64",
		.package = "qemu-system-x86",
		.machine = "q35",
		.cpu = "qemu64",
		.console = "ttyS0",
		.firmware = {"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd",
			     "/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
		.firmware_package = "ovmf",
	},
};

static const struct target *find_target(const char *arch)
{
	for (size_t i = 0; i < array_len(targets); i++) {
		if (str_eq(targets[i].arch, arch))
			return &targets[i];
	}
	return NULL;
}

const char *qemu_usual_machine(const char *arch)
{
	const struct target *t = find_target(arch);

	return t ? t->machine : NULL;
}

const char *qemu_usual_cpu(const char *arch)
{
	const struct target *t = find_target(arch);

	return t ? t->cpu : NULL;
}

const char *qemu_console(const char *arch)
{
	const struct target *t = find_target(arch);

	return t ? t->console : NULL;
}

const char *qemu_program(const char *arch)
{
	const struct target *t = find_target(arch);

	return t ? t->program : NULL;
}

int qemu_from_tree(const char *root, const char *arch, struct strv *ret, struct err **err)
{
	const struct target *t = find_target(arch);
	static const char *const data[] = {"qemu", "seabios"};
	char *program cleanup_free = t ? xasprintf("usr/bin/%s", t->program) : NULL;
	struct strv argv cleanup_strv = {0};

	if (!t)
		return err_set(err, E_UNKNOWN_ARCHITECTURE,
			       "guests of architecture '%s' are not supported", arch);
	if (tree_program(root, program, &argv, err) < 0)
		return err_wrap(err, "it needs package '%s'", t->package);
	/* Its modules lie beside its libraries; it would look for them where this machine's are. */
	strv_push(ret, "/usr/bin/env");
	strv_printf(ret, "QEMU_MODULE_DIR=%s/qemu", argv.count > 2 ? argv.items[2] : root);
	for (size_t i = 0; i < argv.count; i++)
		strv_push(ret, argv.items[i]);
	for (size_t i = 0; i < array_len(data); i++) {
		strv_push(ret, "-L");
		strv_printf(ret, "%s/usr/share/%s", root, data[i]);
	}
	return 0;
}

void qemu_show(const struct strv *command, const char *program, struct confined *ret)
{
	static const char data[] = "/usr/share/";
	const char *last = command && command->count ? command->items[command->count - 1] : "";
	const char *end = strstr(last, data);

	for (const char *p = end; p;
	     p = strstr(p + 1, data)) /* the tree may lie below such a path */
		end = p;
	if (end) {
		char *root cleanup_free = xstrndup(last, (size_t)(end - last));

		confined_read(ret, root);
	} else {
		confined_program(ret, program);
	}
	if (path_exists("/dev/kvm"))
		confined_write(ret, "/dev/kvm");
}

void qemu_push(const struct strv *command, const char *program, struct strv *ret)
{
	if (!command)
		strv_push(ret, program);
	for (size_t i = 0; command && i < command->count; i++)
		strv_push(ret, command->items[i]);
}

static bool is_host_arch(const struct target *t)
{
	struct utsname u;

	return uname(&u) == 0 && str_eq(u.machine, t->machine_name);
}

static int find_firmware(const struct target *t, struct qemu_machine *m, struct err **err)
{
	for (size_t i = 0; t->firmware[i]; i += 2) {
		if (access(t->firmware[i], R_OK) == 0 && access(t->firmware[i + 1], R_OK) == 0) {
			m->firmware_code = t->firmware[i];
			m->firmware_vars = t->firmware[i + 1];
			return 0;
		}
	}
	return err_set(err, E_PROGRAM_MISSING, "no EFI firmware for %s guests: apt install %s",
		       t->arch, t->firmware_package);
}

int qemu_look(struct qemu_machine *m, const char **ret_package, struct err **err)
{
	const struct target *t = find_target(m->arch);
	char *program cleanup_free = NULL;
	const char *package = NULL;

	if (!ret_package)
		ret_package = &package;
	if (!t)
		return err_set(err, E_UNKNOWN_ARCHITECTURE,
			       "guests of architecture '%s' are not supported", m->arch);
	program = path_program(t->program);
	*ret_package = t->package;
	if (!program && !m->command)
		return err_set(err, E_PROGRAM_MISSING, "'%s' is not installed: apt install %s",
			       t->program, t->package);
	*ret_package = t->firmware_package;
	if (m->efi && !m->firmware_code && find_firmware(t, m, err) < 0)
		return -1;
	m->program = t->program;
	return 0;
}

int qemu_find(struct qemu_machine *m, const char *cache_dir, struct err **err)
{
	const struct target *t;
	bool kvm = false;

	if (qemu_look(m, NULL, err) < 0)
		return -1;
	t = find_target(m->arch);
	if (is_host_arch(t) && host_kvm_usable(cache_dir, &kvm, NULL, err) < 0)
		return -1;
	m->accel = kvm ? "kvm" : "tcg,thread=multi,tb-size=512";
	if (kvm || !m->cpu)
		m->cpu = kvm ? "host" : t->cpu;
	return 0;
}

/* QEMU reads a comma as the next option: one in a value is doubled. */
static char *escaped(const char *value)
{
	struct str s = STR_INIT;

	for (; *value; value++) {
		if (*value == ',')
			str_append_char(&s, ',');
		str_append_char(&s, *value);
	}
	return str_steal(&s);
}

static void push_drive(struct strv *argv, const char *options, const char *path)
{
	char *file cleanup_free = escaped(path);

	strv_push(argv, "-drive");
	strv_printf(argv, "%s,format=raw,file=%s", options, file);
}

static void push_disk(struct strv *argv, const struct qemu_disk *d, size_t index, bool boot)
{
	char *options cleanup_free =
		xasprintf("if=none,id=disk%zu,cache=unsafe,discard=unmap%s%s", index,
			  d->readonly ? ",readonly=on" : "", d->snapshot ? ",snapshot=on" : "");

	push_drive(argv, options, d->path);
	strv_push(argv, "-device");
	strv_printf(argv, "%s,drive=disk%zu,serial=%s%s",
		    d->bus == QEMU_NVME ? "nvme" : "virtio-blk-pci", index, d->serial,
		    boot ? ",bootindex=0" : "");
}

static void push_boot(struct strv *argv, const struct qemu_machine *m)
{
	char *extra cleanup_free = m->cmdline_extra ? escaped(m->cmdline_extra) : NULL;

	if (m->efi) {
		push_drive(argv, "if=pflash,unit=0,readonly=on", m->firmware_code);
		push_drive(argv, "if=pflash,unit=1", m->vars_path);
		if (extra) {
			strv_push(argv, "-smbios");
			strv_printf(argv, "type=11,value=io.systemd.boot.kernel-cmdline-extra=%s",
				    extra);
		}
		return;
	}
	strv_push(argv, "-kernel");
	strv_push(argv, m->kernel);
	if (m->initrd) {
		strv_push(argv, "-initrd");
		strv_push(argv, m->initrd);
	}
	strv_push(argv, "-append");
	strv_push(argv, m->append ? m->append : "");
}

static void push_rtc(struct strv *argv, uint64_t epoch)
{
	time_t t = (time_t)epoch;
	struct tm tm;
	char text[32];

	if (!epoch || !gmtime_r(&t, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	strv_push(argv, "-rtc");
	strv_printf(argv, "base=%s", text);
}

void qemu_argv(const struct qemu_machine *m, struct strv *ret)
{
	const struct target *t = find_target(m->arch);
	static const char *const fixed[] = {
		"-nodefaults",
		"-no-user-config",
		"-display",
		"none",
		"-monitor",
		"none",
		"-nic",
		"none",
		"-no-reboot",
		"-serial",
		"chardev:console",
	};

	qemu_push(m->command, m->program, ret);
	strv_push(ret, "-machine");
	strv_push(ret, m->machine ? m->machine : t->machine);
	strv_push(ret, "-accel");
	strv_push(ret, m->accel);
	strv_push(ret, "-cpu");
	strv_push(ret, m->cpu);
	strv_push(ret, "-smp");
	strv_printf(ret, "%u", m->cpus ? m->cpus : 1);
	strv_push(ret, "-m");
	strv_printf(ret, "%u", m->memory_mb);
	for (size_t i = 0; i < array_len(fixed); i++)
		strv_push(ret, fixed[i]);
	strv_push(ret, "-chardev");
	strv_push(ret, m->console ? m->console : "stdio,id=console,signal=off");
	push_rtc(ret, m->epoch);
	push_boot(ret, m);
	for (size_t i = 0; i < m->disk_count; i++)
		push_disk(ret, &m->disks[i], i,
			  m->efi && i == 0); /* with -kernel QEMU boots that */
}
