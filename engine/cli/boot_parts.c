/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/boot_parts.h"

#include "base/file.h"
#include "base/path.h"
#include "cli/task.h"
#include "kinds/device/device_opts.h"
#include "kinds/test/board_use.h"
#include "recipe/facts.h"

const struct artifact *boot_parts_output(const struct node *n, const char *name)
{
	for (size_t i = 0; n->record && i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];

		if (!name || str_eq(a->name, name))
			return a;
	}
	return NULL;
}

char *boot_parts_blob(const struct session *s, const struct node *n, const char *name)
{
	const struct artifact *a = boot_parts_output(n, name);

	return a ? cas_path(store_dir(s->store), a->type, &a->digest) : NULL;
}

int boot_parts_card(const struct session *s, const struct node *image, const char *path,
		    uint64_t *ret_size, struct err **err)
{
	char *from cleanup_free = boot_parts_blob(s, image, NULL);
	uint64_t size = 1 << 20;
	struct task task;
	int rc;

	if (!from)
		return err_set(err, E_INTERNAL, "node '%s' has no output", image->name);
	while (size <= boot_parts_output(image, NULL)->size)
		size *= 2;
	task_open(&task, TASK_TERMINAL);
	task_begin(&task, "copying the image to a card");
	rc = file_copy(from, path, 0600, err);
	task_close(&task);
	if (rc)
		return -1;
	if (truncate(path, (off_t)size) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a card of '%s'", path);
	*ret_size = size;
	return 0;
}

int boot_parts_variables(const struct session *s, const struct node *board, const char *dir,
			 char **ret, struct err **err)
{
	char *from cleanup_free = boot_parts_blob(s, board, BOARD_VARIABLES);

	*ret = from ? path_join(dir, BOARD_VARIABLES) : NULL;
	return from ? file_copy(from, *ret, 0600, err) : 0;
}

int boot_parts_device(const struct session *s, const struct node *disk, const char *what,
		      struct target *ret, struct err **err)
{
	const struct project *p = s->graph->project;
	struct err_list errors cleanup_err_list = {0};
	struct str why cleanup_str = STR_INIT;
	const struct recipe *device =
		device_find(&p->recipes, NULL, disk->name, "boot the disk of one", &why);
	const char *text;

	if (!device)
		return err_set(err, E_DEVICE_UNKNOWN, "%s needs to know the device, and %s", what,
			       why.buf);
	text = facts_expand(p->facts, (struct pos){device->file, 1, 1},
			    arena_printf(s->arena, "%s#" DEVICE_FACT, device->name), &errors);
	if (!text)
		return err_set(err, E_DEVICE_UNKNOWN, "%s",
			       errors.count ? errors.items[0]->text : "the device is wrong");
	if (target_parse(s->arena, text, ret, err) < 0)
		return -1;
	if (!ret->chooser)
		return err_set(err, E_DEVICE_UNKNOWN, "%s: %s", what, ret->unreadable);
	return 0;
}
