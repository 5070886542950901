/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind board: an emulated board as data. The outputs are its description (machine/board/board.h),
 * its firmware, its device tree and its QEMU, so that those who start it need nothing else. QEMU's
 * version stands in the description: another QEMU is another board.
 */
#include "machine/board/board.h"

#include "kinds/debian/debian.h"
#include "kinds/kinds.h"
#include "kinds/test/board_use.h"
#include "kinds/test/board_opts.h"
#include "kinds/user_config.h"
#include "machine/board/rauc_board.h"
#include "machine/board/remote_board.h"
#include "machine/guest/qemu.h"

enum unseen { UNSEEN_REFUSE, UNSEEN_SKIP };
static const char *const unseen_words[] = {"refuse", "skip", NULL};

#define AT(field) offsetof(struct board_opts, field)
static const struct option board_options[] = {
	{"machine", OPT_STRING, AT(machine), OPT_REQUIRED,
	 .help = "The machine, as QEMU calls it; or rauc, for scenarios about slots in seconds: "
		 "the device's kernel with the root slot that RAUC's rule chooses, and in it "
		 "RAUC's service, without a boot loader and an init; or remote, for hardware.",
	 .example = "virt"},
	{"arch", OPT_STRING, AT(arch), .def = "arm64", .help = "Its architecture: arm64 or amd64."},
	{"cpu", OPT_STRING, AT(cpu), .help = "The processor; without it the machine's own.",
	 .example = "cortex-a57"},
	{"cpus", OPT_INT, AT(cpus), OPT_POSITIVE, .def = "1", .help = "Processors."},
	{"memory", OPT_SIZE, AT(memory), OPT_POSITIVE, .def = "1G", .help = "Memory."},
	{"emulator", OPT_REF, AT(emulator), .accept = ACCEPT_TREE,
	 .help = "Tree with QEMU for the machine, of this host's architecture: a debian node "
		 "without overlay, for QEMU runs on this machine, on the board's files alone. "
		 "Without it this host's QEMU is used.",
	 .example = "emulator"},
	{"firmware", OPT_REF, AT(firmware),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "The first code that orch gives to the board: its U-Boot. Every machine but rauc "
		 "needs it.",
	 .example = "\"u-boot:u-boot.bin\""},
	{"variables", OPT_REF, AT(variables),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "What the firmware's variable store is on a new board. Firmware and store are "
		 "then flash memory, and a test's board keeps what the firmware writes there.",
	 .example = "\"tools:/usr/share/OVMF/OVMF_VARS_4M.fd\""},
	{"load", OPT_ENUM, AT(load), .def = "bios", .words = board_loads,
	 .help = "How it is started: bios (at reset) or kernel (with a device tree, as the "
		 "firmware of a Raspberry Pi does)."},
	{"device-tree", OPT_REF, AT(device_tree),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "The device tree that the firmware is handed; without it the machine's own.",
	 .example = "\"tests/device-tree-pi3:bcm2837-rpi-3-b.dtb\""},
	{"card", OPT_ENUM, AT(card), .def = "sdhci-pci", .words = board_cards,
	 .help = "Where the SD card is: sdhci-pci (a controller of its own) or builtin; virtio "
		 "and nvme: a disk with a write cache in its place."},
	{"serial", OPT_INT, AT(serial), .help = "Which serial line is the console, from 0."},
	{"network", OPT_ENUM, AT(network), .def = "virtio", .words = board_networks,
	 .help = "The network card; it gives an address by DHCP and leads nowhere but to what a "
		 "test serves."},
	{"watchdog", OPT_ENUM, AT(watchdog), .def = "none", .words = board_watchdogs,
	 .help = "The watchdog; when it fires, the board resets."},
	{"agent", OPT_ENUM, AT(agent), .def = "none", .words = board_agents,
	 .help = "virtio: commands can be run in the guest, by nothing that is in its image."},
	{"time-scale", OPT_STRING, AT(time_scale), .def = "1.0",
	 .help = "Deadlines on this board are multiplied with it."},
	{"kernel", OPT_REF, AT(kernel),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "`machine: rauc`: the kernel of the device.", .example = "\"kernel:vmlinuz\""},
	{"initramfs", OPT_REF, AT(initramfs),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "`machine: rauc`: its initramfs, which must find a root of PARTLABEL= on a "
		 "virtio disk.",
	 .example = "\"initramfs:initrd.img\""},
	{"prepare", OPT_STRING, AT(prepare),
	 .help = "`machine: rauc`: a script for /bin/sh -e, before RAUC's service starts: what "
		 "the device's units do that RAUC needs.",
	 .example = "mkdir -p /data/rauc"},
	{"name", OPT_STRING, AT(name), OPT_NAME,
	 .help = "`machine: remote`: what your configuration calls the board, under 'boards' "
		 "(docs/hardware.md).",
	 .example = "bench"},
	{"unseen", OPT_ENUM, AT(unseen), .words = unseen_words,
	 .help = "`machine: remote`: steps that look at a card which nobody can look at, since the "
		 "board has it: refuse, or skip, which leaves the look out and says so in the "
		 "verdict."},
};

bool board_opts_rauc(const struct board_opts *o)
{
	return str_eq(o->machine, RAUC_BOARD);
}

bool board_opts_remote(const struct board_opts *o)
{
	return str_eq(o->machine, REMOTE_BOARD);
}

bool board_takes_commands(const struct board_opts *o)
{
	return o->agent != BOARD_AGENT_NONE || board_opts_rauc(o) || board_opts_remote(o);
}

void board_check_ref(const struct kind_ctx *ctx, const struct ref *ref, struct err_list *errors)
{
	const struct recipe *r = map_get(&ctx->project->recipes, ref->text);

	if (r && r->kind != &kind_board)
		err_list_at(errors, E_WRONG_KIND, ref->pos, "'%s' is not a node of kind board",
			    ref->text);
}

const struct board_opts *board_of_ref(const struct kind_ctx *ctx, const struct ref *ref)
{
	const struct recipe *r = map_get(&ctx->project->recipes, ref->text);

	return r && r->kind == &kind_board ? r->opts : NULL;
}

void board_check_boots(const struct kind_ctx *ctx, const struct ref *ref, struct err_list *errors)
{
	const struct board_opts *o = board_of_ref(ctx, ref);

	board_check_ref(ctx, ref, errors);
	if (o && board_opts_rauc(o))
		err_list_at(errors, E_BOARD_LACKS, ref->pos,
			    "board '%s' does not boot (machine: rauc): only a test can have it; "
			    "name a board that boots",
			    ref->text);
	if (o && board_opts_remote(o))
		err_list_at(errors, E_BOARD_LACKS, ref->pos,
			    "board '%s' is not QEMU's (machine: remote): only a test can have it; "
			    "name an emulated board",
			    ref->text);
}

/* QEMU's names; a comma would add options that the recipe has words for. */
static bool is_plain(const char *text)
{
	return *text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789._-")];
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct board_opts *o = data;
	unsigned scale;

	if (!is_plain(o->machine))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "machine"),
			    "'%s' is not a machine of QEMU", o->machine);
	if (o->cpu && !is_plain(o->cpu))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "cpu"),
			    "'%s' is not a processor of QEMU", o->cpu);
	if (!qemu_program(o->arch))
		err_list_at(errors, E_UNKNOWN_ARCHITECTURE, yaml_key_pos(map, "arch"),
			    "unknown architecture '%s': arm64 or amd64", o->arch);
	if (o->cpus > 64)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "cpus"),
			    "a board has at most 64 processors");
	if (o->memory < 64u << 20 || o->memory % (1u << 20) || o->memory > 64ull << 30)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "memory"),
			    "memory is 64M to 64G in whole megabytes");
	if (o->serial < 0 || o->serial > 3)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "serial"),
			    "serial lines are numbered 0 to 3");
	if (o->device_tree && o->load != BOARD_KERNEL)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "device-tree"),
			    "'device-tree' needs `load: kernel`: firmware at reset makes its own");
	if (o->variables && o->load != BOARD_BIOS)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "variables"),
			    "'variables' needs `load: bios`: firmware that is loaded as a kernel "
			    "is not in flash memory");
	if (board_scale_parse(o->time_scale, &scale))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "time-scale"),
			    "'time-scale' is a number like 1.5, found '%s'", o->time_scale);
}

static const struct schema board_schema =
	SCHEMA(struct board_opts, board_options, .check = check_options);

enum sort { SORT_BOOTED = 1 << 0, SORT_RAUC = 1 << 1, SORT_REMOTE = 1 << 2 };

static enum sort sort_of(const struct board_opts *o)
{
	return board_opts_rauc(o) ? SORT_RAUC : board_opts_remote(o) ? SORT_REMOTE : SORT_BOOTED;
}

/* KEY is not for boards of sort IS, but for those of SORTS. */
static void not_for(const char *key, enum sort is, unsigned sorts, struct pos pos,
		    struct err_list *errors)
{
	if (sorts == SORT_RAUC)
		err_list_at(errors, E_CONFLICTING_KEYS, pos,
			    "'%s' is for `machine: rauc`: leave it out", key);
	else if (sorts == SORT_REMOTE)
		err_list_at(errors, E_CONFLICTING_KEYS, pos,
			    "'%s' is for `machine: remote`: leave it out", key);
	else if (is == SORT_RAUC)
		err_list_at(errors, E_CONFLICTING_KEYS, pos,
			    "'%s' is for boards that boot: leave it out with `machine: rauc`", key);
	else
		err_list_at(errors, E_CONFLICTING_KEYS, pos,
			    "'%s' is for boards of QEMU: leave it out with `machine: remote`", key);
}

static void require(const char *key, const struct yaml *map, struct err_list *errors)
{
	if (!yaml_get(map, key))
		err_list_at(errors, E_MISSING_KEY, map->pos, "key '%s' is missing: %s", key,
			    schema_option(&board_schema, key)->help);
}

/*
 * What belongs to which sort of board. Defaults stand in the worker's options, so this looks at the
 * recipe.
 */
static void check_sort(const struct board_opts *o, const struct yaml *map, struct err_list *errors)
{
	static const struct {
		const char *key;
		unsigned sorts, needed; /* whose it is, and who must have it */
	} keys[] = {
		{"firmware", SORT_BOOTED, SORT_BOOTED},
		{"variables", SORT_BOOTED, 0},
		{"load", SORT_BOOTED, 0},
		{"device-tree", SORT_BOOTED, 0},
		{"card", SORT_BOOTED, 0},
		{"serial", SORT_BOOTED, 0},
		{"network", SORT_BOOTED | SORT_RAUC, 0},
		{"watchdog", SORT_BOOTED, 0},
		{"agent", SORT_BOOTED, 0},
		{"cpu", SORT_BOOTED | SORT_RAUC, 0},
		{"cpus", SORT_BOOTED | SORT_RAUC, 0},
		{"memory", SORT_BOOTED | SORT_RAUC, 0},
		{"emulator", SORT_BOOTED | SORT_RAUC, 0},
		{"kernel", SORT_RAUC, SORT_RAUC},
		{"initramfs", SORT_RAUC, SORT_RAUC},
		{"prepare", SORT_RAUC, 0},
		{"name", SORT_REMOTE, SORT_REMOTE},
		{"unseen", SORT_REMOTE, 0},
	};
	enum sort is = sort_of(o);

	for (size_t i = 0; i < array_len(keys); i++) {
		if (yaml_get(map, keys[i].key) && !(keys[i].sorts & is))
			not_for(keys[i].key, is, keys[i].sorts, yaml_key_pos(map, keys[i].key),
				errors);
		if (keys[i].needed & is)
			require(keys[i].key, map, errors);
	}
}

/*
 * A recipe must not bring its own emulator along: where this machine lets nobody make namespaces it
 * runs as the user, and elsewhere no more than confined.h holds it.
 */
static void board_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct board_opts *o = ctx->opts;
	struct err *err cleanup_err = NULL;
	struct user_config config;
	const char *why;

	check_sort(o, ctx->map, errors);
	if (!o->emulator)
		return;
	why = debian_not_packaged(ctx->arena, ctx->project, o->emulator);
	if (!why || (user_config_read(ctx->arena, &config, &err) == 0 && config.trust_emulators))
		return;
	err_list_at(
		errors, E_UNTRUSTED_PROGRAM, o->emulator->pos,
		"'%.*s' %s, and its QEMU would run on this machine: make it "
		"a debian node, or set 'trust-emulators: true' in your config.yaml if you trust "
		"this project",
		(int)strcspn(o->emulator->text, ":"), o->emulator->text, why);
}

static void board_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct board_opts *o = ctx->opts;

	output_specs_push(ret, (struct output_spec){BOARD_JSON, OUTPUT_FILE});
	if (!board_opts_remote(o))
		output_specs_push(ret, (struct output_spec){BOARD_FIRMWARE, OUTPUT_FILE});
	if (o->variables)
		output_specs_push(ret, (struct output_spec){BOARD_VARIABLES, OUTPUT_FILE});
	if (o->device_tree)
		output_specs_push(ret, (struct output_spec){BOARD_DEVICE_TREE, OUTPUT_FILE});
	if (o->emulator)
		output_specs_push(ret, (struct output_spec){BOARD_EMULATOR, OUTPUT_TREE});
	if (o->initramfs)
		output_specs_push(ret, (struct output_spec){BOARD_INITRAMFS, OUTPUT_FILE});
}

static void board_tools(const void *opts, struct strs *ret)
{
	const struct board_opts *o = opts;

	if (!o->emulator && !board_opts_remote(o))
		strs_push(ret, qemu_program(o->arch));
}

/* For translated code (BOARD_TB_MB) and QEMU itself. */
#define QEMU_MB 300

static unsigned board_lent_memory(const void *opts)
{
	const struct board_opts *o = opts;

	return board_opts_remote(o) ? 0 : (unsigned)(o->memory >> 20) + BOARD_TB_MB + QEMU_MB;
}

static bool board_keeps_home(const void *opts)
{
	return board_opts_remote(opts);
}

const struct kind kind_board = {
	.name = "board",
	.summary = "an emulated board, for tests, vm nodes and `orch boot`",
	.manual = "Describes a board of QEMU as data: machine, processor, memory, firmware, how "
		  "the card is attached. `test` and `vm` name it by `board:`, `orch boot` starts "
		  "it.\n"
		  "\n"
		  "The outputs are board.json, firmware.bin and, as far as it has them, "
		  "variables.bin (a new variable store), board.dtb (device tree) and emulator.tar "
		  "(QEMU). With an `emulator` the verdicts do not depend on what the host has "
		  "installed.\n"
		  "\n"
		  "With `machine: rauc` firmware.bin is the kernel, and initramfs.bin there, too. "
		  "The card is a virtio disk, there is no watchdog, and commands can be run. Only "
		  "a `test` can have such a board.\n"
		  "\n"
		  "With `machine: remote` board.json is all, and has the name by which your own "
		  "configuration knows how to switch the board on and off, write its card and "
		  "read its console (docs/hardware.md). Only a `test` can have such a board, too; "
		  "its verdict names the board and is kept like any other.",
	.version = 2,
	.usual_s = 0.2,
	.schema = &board_schema,
	.check = board_check,
	.outputs = board_outputs,
	.lent_memory_mb = board_lent_memory,
	.keeps_home = board_keeps_home,
	.tools = board_tools,
};
