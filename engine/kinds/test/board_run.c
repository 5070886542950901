/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making a board: its description, with the version of the QEMU that is to start it, and its files.
 */
#include "base/file.h"
#include "base/proc.h"
#include "kinds/makers.h"
#include "kinds/test/board_use.h"
#include "kinds/test/board_opts.h"
#include "kinds/tree/input_tree.h"
#include "machine/board/rauc_board.h"
#include "machine/guest/qemu.h"
#include "media/tree/tree.h"

#define FIRMWARE_MAX (256u << 20) /* an initramfs, too */

/* The file itself, or the one inside a tree. */
static int copy_file(struct action *a, const struct ref *ref, const char *name, struct err **err)
{
	const struct action_input *in = action_input(a, ref);
	struct tree *t cleanup_tree = NULL;
	struct tree_entry *e;
	char *data cleanup_free = NULL;
	const char *inside;

	if (in->type != INPUT_INSIDE)
		return file_copy(in->path, action_output(a, name), 0644, err);
	if (input_tree(a, in, &t, &inside, err) < 0)
		return -1;
	e = tree_resolve(t, inside);
	data = e ? tree_inode_text(e->inode, FIRMWARE_MAX) : NULL;
	if (!data)
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file of up to 256 MiB", ref->text);
	return file_write(action_output(a, name), data, e->inode->size, 0644, false, err);
}

/* "QEMU emulator version 7.2.22 (...)": the first line. */
static int qemu_version(struct action *a, struct str *ret, struct err **err)
{
	const struct board_opts *o = a->opts;
	const struct strv *own = NULL;
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {0};
	struct strv argv cleanup_strv = {0};

	if (o->emulator &&
	    board_use_emulator(a, action_input(a, o->emulator), o->arch, &own, err) < 0)
		return -1;
	qemu_push(own, qemu_program(o->arch), &argv);
	strv_push(&argv, "--version");
	qemu_show(own, qemu_program(o->arch), &wall);
	confined_apply(&wall, &opts);
	if (proc_output(strv_argv(&argv), &opts, 64 * 1024, ret, err) < 0)
		return -1;
	ret->len = strcspn(ret->buf, "\n");
	ret->buf[ret->len] = 0;
	return 0;
}

/* What its recipe cannot say otherwise. */
static void set_rauc(const struct board_opts *o, struct board *b)
{
	b->cpu = (char *)(o->cpu ? o->cpu : qemu_usual_cpu(o->arch));
	b->prepare = (char *)o->prepare;
	b->card = BOARD_VIRTIO;
	b->watchdog = BOARD_DOG_NONE;
	b->agent = BOARD_AGENT_VIRTIO;
}

static int board_run(struct action *a, struct err **err)
{
	const struct board_opts *o = a->opts;
	struct str version cleanup_str = STR_INIT, text cleanup_str = STR_INIT;
	struct board b = {
		.machine = (char *)o->machine,
		.arch = (char *)o->arch,
		.cpu = (char *)o->cpu,
		.cpus = (unsigned)o->cpus,
		.memory_mb = (unsigned)(o->memory >> 20),
		.serial = (unsigned)o->serial,
		.load = (enum board_load)o->load,
		.card = (enum board_card)o->card,
		.network = (enum board_network)o->network,
		.watchdog = (enum board_watchdog)o->watchdog,
		.agent = (enum board_agent)o->agent,
	};
	const struct ref *first = o->firmware;

	if (board_opts_rauc(o)) {
		set_rauc(o, &b);
		first = o->kernel;
	}

	if (board_opts_remote(o)) {
		b.name = (char *)o->name;
		b.skip_unseen = o->unseen;
		b.network = BOARD_NET_NONE;
	}
	if (board_scale_parse(o->time_scale, &b.time_permille))
		return err_set(err, E_INVALID_VALUE, "'time-scale' is not a number");
	if (!board_opts_remote(o) && qemu_version(a, &version, err) < 0)
		return -1;
	b.qemu = version.buf;
	board_print(&b, &text);
	if (file_write(action_output(a, BOARD_JSON), text.buf, text.len, 0644, false, err) < 0)
		return -1;
	if (board_opts_remote(o))
		return 0;
	if (copy_file(a, first, BOARD_FIRMWARE, err) < 0 ||
	    (o->initramfs && copy_file(a, o->initramfs, BOARD_INITRAMFS, err) < 0) ||
	    (o->variables && copy_file(a, o->variables, BOARD_VARIABLES, err) < 0) ||
	    (o->device_tree && copy_file(a, o->device_tree, BOARD_DEVICE_TREE, err) < 0))
		return -1;
	if (!o->emulator)
		return 0;
	return file_copy(action_input(a, o->emulator)->path, action_output(a, BOARD_EMULATOR), 0644,
			 err);
}

const struct maker maker_board = {
	.kind = &kind_board,
	.run = board_run,
};
