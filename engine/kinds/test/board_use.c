/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/test/board_use.h"

#include "kinds/run/rootdir.h"
#include "machine/board/remote_board.h"
#include "machine/guest/qemu.h"

static void clear(void *argv)
{
	strv_clear(argv);
}

int board_use_emulator(struct action *a, const struct action_input *tree, const char *arch,
		       const struct strv **ret, struct err **err)
{
	struct strv *argv = arena_alloc(a->arena, sizeof(*argv));
	struct rootdir root;

	arena_defer(a->arena, clear, argv);
	if (rootdir_get(a, tree, &root, err) < 0 || qemu_from_tree(root.path, arch, argv, err) < 0)
		return err_wrap(err, "emulator '%s'", tree->ref);
	*ret = argv;
	return 0;
}

static const struct input_file *file_of(const struct action_input *in, const char *name)
{
	for (size_t i = 0; i < in->file_count; i++) {
		if (str_eq(in->files[i].name, name))
			return &in->files[i];
	}
	return NULL;
}

int board_use_open(struct action *a, const struct ref *ref, struct board *ret_board,
		   struct board_files *ret_files, struct err **err)
{
	const struct action_input *in = action_input(a, ref);
	const struct input_file *json = file_of(in, BOARD_JSON),
				*firmware = file_of(in, BOARD_FIRMWARE),
				*variables = file_of(in, BOARD_VARIABLES),
				*tree = file_of(in, BOARD_DEVICE_TREE),
				*initramfs = file_of(in, BOARD_INITRAMFS),
				*emulator = file_of(in, BOARD_EMULATOR);
	struct board board cleanup_board = {0};
	struct board_files files = {.device_tree = tree ? tree->path : NULL,
				    .initramfs = initramfs ? initramfs->path : NULL,
				    .variables = variables ? variables->path : NULL};

	if (!json)
		return err_set(err, E_WRONG_KIND,
			       "node '%s' is not a board: name a node of kind board", ref->text);
	if (board_read(json->path, &board, err) < 0)
		return -1;
	if (!firmware && !board_is_remote(&board))
		return err_set(err, E_WRONG_KIND, "board '%s' has no firmware", ref->text);
	files.firmware = firmware ? firmware->path : NULL;
	if (emulator) {
		struct action_input t = {
			.ref = ref->text, .path = emulator->path, .digest = emulator->digest};

		if (board_use_emulator(a, &t, board.arch, &files.qemu, err) < 0)
			return -1;
	}
	*ret_board = board;
	*ret_files = files;
	board = (struct board){0};
	return 0;
}
