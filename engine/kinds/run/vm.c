/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind vm: boots an image in QEMU and runs steps in it. */
#include "kinds/run/vm_opts.h"

#include "kinds/kinds.h"
#include "kinds/run/step_env.h"
#include "kinds/test/board_opts.h"
#include "machine/board/board.h"
#include "machine/guest/qemu.h"

static const char *const boots[] = {"efi", "kernel", NULL};

static const struct option vm_options[] = {
	{"from", OPT_REF, offsetof(struct vm_opts, from), OPT_REQUIRED,
	 .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "The disk image to boot (raw). It is copied: the node it comes from does not "
		 "change.",
	 .example = "build"},
	{"boot", OPT_ENUM, offsetof(struct vm_opts, boot), .def = "efi", .words = boots,
	 .help = "How: efi (the firmware starts the boot loader in the image, systemd-boot 257 or "
		 "newer) or kernel (a kernel named here)."},
	{"kernel", OPT_REF, offsetof(struct vm_opts, kernel),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "With `boot: kernel`: the kernel.", .example = "\"kernel:vmlinuz\""},
	{"initrd", OPT_REF, offsetof(struct vm_opts, initrd),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "With `boot: kernel`: the initramfs, if the kernel needs one.",
	 .example = "\"initramfs:initrd.img\""},
	{"cmdline", OPT_STRING, offsetof(struct vm_opts, cmdline), OPT_VALUE,
	 .help = "Kernel arguments; with `boot: efi` they are added to those in the image.",
	 .example = "root=PARTLABEL=root rw"},
	{"board", OPT_REF, offsetof(struct vm_opts, board), .accept = ACCEPT_NODE,
	 .help = "The board to boot it on, a node of kind `board`: machine, processor and how "
		 "many, memory, and how slow it is. With `boot: efi` one that has `variables` "
		 "brings its firmware, else this machine's is used. Its card is not used.",
	 .example = "boards/virt"},
	{"arch", OPT_STRING, offsetof(struct vm_opts, arch), .def = "arm64",
	 .help = "Architecture of the guest: arm64 or amd64."},
	{"memory", OPT_SIZE, offsetof(struct vm_opts, memory), OPT_UNKEYED | OPT_POSITIVE,
	 .def = "2G", .help = "Memory of the guest."},
	{"cpus", OPT_INT, offsetof(struct vm_opts, cpus), OPT_UNKEYED | OPT_POSITIVE, .def = "2",
	 .help = "Processors of the guest."},
	{"timeout", OPT_INT, offsetof(struct vm_opts, timeout), OPT_UNKEYED | OPT_POSITIVE,
	 .def = "7200", .help = "Seconds after which the guest is stopped and the node fails."},
	PLATFORM_OPTION(struct vm_opts),
	{"disks", OPT_REF, offsetof(struct vm_opts, disks), OPT_LIST,
	 .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "Other images to attach. A file system is mounted at /mnt/NAME (the last part of "
		 "the node's name, or the file's name without suffix), writable, thrown away "
		 "afterwards; the device is $ORCH_DISK_1, $ORCH_DISK_2, ...",
	 .example = "[build-data]"},
	{"inputs", OPT_REF, offsetof(struct vm_opts, inputs), OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE |
		   ACCEPT_NODE | ACCEPT_TEMPLATE,
	 .help = "Files, directories and nodes that appear read-only in /mnt/inputs, under the "
		 "names that they have in kind run; a template appears filled. With any, steps "
		 "start there.",
	 .example = "[custom_build/app, {template: files/app.conf}]"},
	{"run", OPT_STEP, offsetof(struct vm_opts, run), OPT_LIST | OPT_REQUIRED,
	 .help = "Steps, run as root in /, with inputs in /mnt/inputs: a string is a /bin/sh -e "
		 "script, a list one command."},
	{"env", OPT_DICT, offsetof(struct vm_opts, env), OPT_VALUE, .help = STEP_ENV_HELP,
	 .example = STEP_ENV_EXAMPLE},
	{"systemd", OPT_BOOL, offsetof(struct vm_opts, systemd), .def = "false",
	 .help = "Whether systemd is started first and the steps run when its default target is "
		 "reached; else they run as the guest's init."},
	{"outputs", OPT_DICT, offsetof(struct vm_opts, outputs),
	 OPT_REQUIRED | OPT_NAME | OPT_ABSPATH,
	 .help = "What is taken out of the guest's root file system: a directory as a tree "
		 "(NAME.tar), or a file. The tree of / is cleaned of identities, logs, caches and "
		 "backups.",
	 .example = "{root.tar: /}"},
};

/* What machine/guest/steps.c sets and other kinds do not. */
static const char *const own_env[] = {"DEBIAN_FRONTEND", "SHELL", "TERM", NULL};

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct vm_opts *o = data;

	if (o->boot == VM_BOOT_KERNEL && !o->kernel)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "boot"),
			    "`boot: kernel` needs 'kernel'");
	if (o->boot == VM_BOOT_EFI && o->kernel)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "kernel"),
			    "'kernel' needs `boot: kernel`");
	if (o->boot == VM_BOOT_EFI && o->initrd)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "initrd"),
			    "'initrd' needs `boot: kernel`");
	if (!qemu_program(o->arch))
		err_list_at(errors, E_UNKNOWN_ARCHITECTURE, yaml_key_pos(map, "arch"),
			    "unknown architecture '%s': arm64 or amd64", o->arch);
	if (o->memory < 64u << 20)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "memory"),
			    "a guest needs at least 64M");
	if (o->cmdline && strpbrk(o->cmdline, "\n\""))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "cmdline"),
			    "kernel arguments are one line without \"");
	step_env_check(&o->env, own_env, errors);
	if (!o->run.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "run"),
			    "a guest needs at least one step");
	if (!o->outputs.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "outputs"),
			    "name at least one output");
}

static const struct schema vm_schema = SCHEMA(struct vm_opts, vm_options, .check = check_options);

/* Defaults stand in the worker's options, so this looks at the recipe. */
static void vm_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	static const char *const of_board[] = {"arch", "memory", "cpus"};
	const struct vm_opts *o = ctx->opts;

	if (o->board)
		board_check_boots(ctx, o->board, errors);
	for (size_t i = 0; o->board && i < array_len(of_board); i++) {
		if (yaml_get(ctx->map, of_board[i]))
			err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(ctx->map, of_board[i]),
				    "'%s' is the board's: leave it out with 'board'", of_board[i]);
	}
}

static void vm_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct vm_opts *o = ctx->opts;

	for (size_t i = 0; i < o->outputs.count; i++) {
		const struct pair *p = LIST_AT(o->outputs, struct pair *, i);

		output_specs_push(ret, (struct output_spec){p->key, output_type_of_name(p->key)});
	}
}

static struct demand vm_demand(const void *opts)
{
	const struct vm_opts *o = opts;

	return (struct demand){
		.disk_mb = 1000,
		.cpus = (unsigned)o->cpus,
		/* Or the board's. */
		.memory_mb = o->board ? 0 : (unsigned)(o->memory >> 20),
		/* The guest's own deadline comes first, on a slow board, too. */
		.timeout_s = (unsigned)o->timeout * (o->board ? 10 : 1) + 300,
	};
}

static void vm_tools(const void *opts, struct strs *ret)
{
	const struct vm_opts *o = opts;

	if (!o->board) /* a board says which QEMU */
		strs_push(ret, qemu_program(o->arch));
}

const struct kind kind_vm = {
	.name = "vm",
	.summary = "a tree or files from booting an image and running steps in it",
	.manual = "Boots a copy of the image `from` in QEMU, attaches the images in `disks`, runs "
		  "the steps, powers off and takes the outputs out of the guest's root file "
		  "system.\n"
		  "\n"
		  "There is no network. The steps run as the guest's init (PID 1) with /proc, "
		  "/sys, /dev, /run and a writable /, or with `systemd: true` when systemd has "
		  "reached its default target. Each step is a shell of its own with a fixed "
		  "environment: PATH, HOME=/root, LC_ALL=C.UTF-8, TZ=UTC, SOURCE_DATE_EPOCH, "
		  "DEBIAN_FRONTEND=noninteractive, and 'env'. The clock starts at the "
		  "newest date of the locks behind the image, or at the project's 'times' if that "
		  "is later; whatever the guest makes gets 'times'.\n"
		  "\n"
		  "The image itself stays as it is: how to find the steps is added to the "
		  "kernel's command line. Its own entry must name the root file system and "
		  "whatever else the kernel needs.\n"
		  "\n"
		  "The console is in the log, live. A failing step, a kernel panic, a guest that "
		  "goes off or is not done in time fail the node. `orch shell NODE` boots the "
		  "disk of the failed attempt again, with a shell where its step failed.",
	.version = 3,
	.usual_s = 150,
	.has_shell = true,
	.shell_in_guest = true,
	.schema = &vm_schema,
	.outputs = vm_outputs,
	.check = vm_check,
	.demand = vm_demand,
	.tools = vm_tools,
	.platform_at = offsetof(struct vm_opts, platform),
};
