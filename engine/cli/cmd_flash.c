/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch flash: a card from an image: opened before anything is built, asked about, written, read
 * back, and its partition table fitted to the card. With --provision flash_units.c goes on from
 * there.
 */
#include "cli/flash_priv.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/as_owner.h"
#include "cli/builder.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/table.h"
#include "kinds/kinds.h"
#include "machine/flash_disk.h"
#include "media/disk/gpt.h"

static void progress(void *arg, uint64_t done, uint64_t total)
{
	struct flashing *f = arg;

	task_part(&f->task, done, total);
}

int flash_open_image(struct flashing *f, const char *name, struct err **err)
{
	const struct node *n = session_node(&f->s, name, err);
	const struct artifact *a;
	struct gpt_parts parts = {0};
	const char *path;
	int rc;

	if (!n)
		return -1;
	a = n->record && n->record->output_count ? &n->record->outputs[0] : NULL;
	if (!a || a->type != OUTPUT_IMAGE)
		return err_set(err, E_NO_IMAGE, "node '%s' makes no image", name);
	path = f->path = cas_path(store_dir(f->s.store), a->type, &a->digest);
	rc = gpt_read(path, &parts, err);
	gpt_parts_clear(&parts);
	if (rc < 0 && n->recipe->kind == &kind_disk) { /* 'table: none' is a card as well */
		err_free(steal_ptr(*err));
		rc = 0;
	}
	if (rc < 0) {
		err_free(steal_ptr(*err));
		return err_set(err, E_NO_IMAGE,
			       "the image of node '%s' has no partition table: it is not a whole "
			       "card",
			       name);
	}
	f->image = open(path, O_RDONLY | O_CLOEXEC);
	if (f->image < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read '%s'", path);
	f->node = n;
	f->size = a->size;
	return 0;
}

int flash_ask(const struct cli *c, struct flash *const *media, size_t count, struct err **err)
{
	struct str names cleanup_str = STR_INIT;
	char answer[4096] = "";

	for (size_t i = 0; i < count; i++) {
		fprintf(stderr, "everything on ");
		print_escaped(stderr, media[i]->about, strlen(media[i]->about));
		fprintf(stderr, ", will be overwritten\n");
		str_printf(&names, "%s%s", i ? " " : "", path_base(media[i]->path));
	}
	if (c->yes)
		return 0;
	if (!isatty(STDIN_FILENO))
		return err_set(err, E_NOT_CONFIRMED,
			       "without a terminal to ask on, flash wants to be told --yes");
	fprintf(stderr, "type '%s' to go on: ", names.buf);
	fflush(stderr);
	if (!fgets(answer, sizeof(answer), stdin))
		answer[0] = 0;
	answer[strcspn(answer, "\n")] = 0;
	if (str_eq(answer, names.buf))
		return 0;
	return err_set(err, E_NOT_CONFIRMED, "'%s' is not '%s': nothing was written", answer,
		       names.buf);
}

static int fill_card(struct flashing *f, const char *name, struct err **err)
{
	task_begin(&f->task, "writing");
	if (flash_write(&f->medium, f->image, name, progress, f, err))
		return -1;
	task_begin(&f->task, "reading back");
	return flash_verify(&f->medium, f->image, name, progress, f, err);
}

static int write_card(struct flashing *f, const char *name, struct err **err)
{
	int rc;

	task_open(&f->task, TASK_TERMINAL);
	rc = fill_card(f, name, err);
	task_close(&f->task);
	if (rc)
		return -1;
	if (f->medium.size > f->medium.want && gpt_fit(f->medium.fd, f->medium.path, err))
		return -1;
	return fd_sync(f->medium.fd, f->medium.path, err);
}

static int flash(struct flashing *f, struct cli *c)
{
	struct flash *const medium = &f->medium;
	struct err *err = NULL;
	char *bytes cleanup_free = NULL;
	int code;

	if (flash_open(c->args.items[1], c->fixed, &f->medium, &err) || act_as_owner(c, &err))
		return cli_fail(&f->s, err);
	code = builder_first(c, &f->s);
	if (code)
		return code;
	if (flash_open_image(f, c->args.items[0], &err) || flash_fits(&f->medium, f->size, &err) ||
	    flash_ask(c, &medium, 1, &err) || write_card(f, c->args.items[0], &err))
		return cli_fail(&f->s, err);
	bytes = str_bytes(f->size);
	printf("wrote '%s', %s, to %s and read it back\n", c->args.items[0], bytes, f->medium.path);
	return 0;
}

static json_t *disk_object(const struct flash_disk *d)
{
	char *path cleanup_free = xasprintf("/dev/%s", d->name);

	return json_pack("{s:o, s:I, s:o, s:o, s:i, s:b, s:b, s:o}", "device", json_text(path),
			 "size", (json_int_t)d->size, "model", json_text(d->model), "serial",
			 json_text(d->serial), "partitions", (int)d->partitions, "usable", !d->why,
			 "writable", d->ours, "why", json_text(d->why));
}

static void print_disks_json(const struct flash_disks *disks)
{
	json_t *array = json_array();

	for (size_t i = 0; i < disks->count; i++)
		json_array_append_new(array, disk_object(&disks->items[i]));
	json_print(stdout, json_pack("{s:i, s:b, s:o}", "v", 1, "ok", 1, "disks", array), false);
}

static void print_disks(const struct flash_disks *disks)
{
	struct table *table =
		table_new("DEVICE", ">SIZE", "MODEL", "SERIAL", ">PARTS", "FLASH", NULL);
	size_t usable = 0;

	for (size_t i = 0; i < disks->count; i++) {
		const struct flash_disk *d = &disks->items[i];
		char *path cleanup_free = xasprintf("/dev/%s", d->name);
		char *size cleanup_free = str_bytes(d->size);
		char *parts cleanup_free = xasprintf("%u", d->partitions);

		table_row(table, path, size, d->model, d->serial, parts,
			  d->why    ? d->why
			  : d->ours ? "yes"
				    : "yes, with sudo");
		usable += !d->why;
	}
	table_print(table);
	if (!usable)
		puts("no disk that flash would write to: plug in a card or a stick");
}

/* How large the image of the node was when it was built last; 0: not known. */
static int size_of_node(struct session *s, struct cli *c, uint64_t *ret)
{
	const struct node *n;
	struct record *last = NULL;
	struct err *err = NULL;
	int code = session_open(s, c, SESSION_STORE, &c->args);

	*ret = 0;
	if (code)
		return code;
	n = session_node(s, c->args.items[0], &err);
	if (!n || store_record_last(s->store, n->name, s->arena, &last, &err) < 0)
		return cli_fail(s, err);
	if (last && last->output_count)
		*ret = last->outputs[0].size;
	return 0;
}

/* What there is to write to; with a node, whether its image fits. No device is opened. */
static int list_disks(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct flash_disks disks = {0};
	struct err *err = NULL;
	uint64_t need = 0;
	int code = 0;

	if (act_as_owner(c, &err))
		return cli_fail(&s, err);
	if (c->args.count)
		code = size_of_node(&s, c, &need);
	if (code)
		return code;
	if (flash_disks_list("", need, &disks, &err))
		code = cli_fail(&s, err);
	else if (c->json)
		print_disks_json(&disks);
	else
		print_disks(&disks);
	flash_disks_release(&disks);
	return code;
}

static int refuse_args(const struct cli *c)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;

	err_set(&err, E_USAGE, "usage: orch flash %s",
		c->list        ? "--list [NODE]"
		: c->provision ? "--provision DIR NODE DEVICE..."
			       : c->command->args);
	return cli_fail(&s, err);
}

static bool args_fit(const struct cli *c)
{
	if (c->list)
		return c->args.count <= 1;
	return c->provision ? c->args.count >= 2 : c->args.count == 2 && !c->unit;
}

int cmd_flash(struct cli *c)
{
	struct flashing f = {.s = {.cli = c}, .image = -1, .medium = {.fd = -1}};
	int code;

	if (!args_fit(c))
		return refuse_args(c);
	if (c->list)
		return list_disks(c);
	code = c->provision ? flash_units(&f, c) : flash(&f, c);
	fd_closep(&f.image);
	free(f.path);
	flash_close(&f.medium);
	session_close(&f.s);
	return code;
}
