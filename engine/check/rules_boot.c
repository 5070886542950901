/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RAUC's slots are partitions of the disk, and lie where it says; GRUB's block can be read. */
#include "base/path.h"
#include "check/view.h"

#define GRUB_BLOCK_MAX (64 * 1024)

static const struct check_partition *partition_named(const struct check_view *v, const char *name)
{
	for (size_t i = 0; i < v->partitions.count; i++) {
		if (v->partitions.items[i].name && str_eq(v->partitions.items[i].name, name))
			return &v->partitions.items[i];
	}
	return NULL;
}

/*
 * A boot-gpt-switch slot: the region is twice the first partition (RAUC:
 * "Update Bootloader Partition").
 */
static void region_agrees(struct check_view *v, const char *section)
{
	const struct conf_entry *size = conf_find(&v->system, section, "region-size");
	const struct conf_entry *start = conf_find(&v->system, section, "region-start");
	const struct check_partition *first = v->partitions.count ? &v->partitions.items[0] : NULL;
	uint64_t slot, n;

	if (!first)
		return;
	slot = first->size ? first->size : first->from ? check_image_size(first->from) : 0;
	if (!size || conf_number(size->value, &n) != 0 || !start)
		check_say(v, CHECK_SWITCHED_REGION, size ? size->pos : first->pos,
			  "slot '%s' needs region-start and region-size", section);
	else if (slot != CHECK_UNKNOWN && n != 2 * slot)
		check_say(
			v, CHECK_SWITCHED_REGION, size->pos,
			"region-size %s is not twice the first partition '%s' of disk '%s' (%s:%u)",
			size->value, first->name, v->disk->name, first->pos.file, first->pos.line);
	else if (first->start != CHECK_UNKNOWN && conf_number(start->value, &n) == 0 &&
		 n != first->start)
		check_say(v, CHECK_SWITCHED_REGION, start->pos,
			  "region-start %s is not where partition '%s' begins (%s:%u)",
			  start->value, first->name, first->pos.file, first->pos.line);
	if (!first->twice)
		check_say(v, CHECK_SWITCHED_REGION, first->pos,
			  "partition '%s' is switched by RAUC ('%s') and needs 'region: 2x'",
			  first->name, section);
}

static void slot_agrees(struct check_view *v, const struct conf_entry *device)
{
	const struct conf_entry *type = conf_find(&v->system, device->section, "type");
	const char *name = path_base(device->value);

	if (type && str_eq(type->value, "boot-gpt-switch")) {
		region_agrees(v, device->section);
		return;
	}
	if (v->disk && !partition_named(v, name))
		check_say(v, CHECK_SLOT_DEVICE, device->pos,
			  "slot device '%s': disk '%s' (%s) has no partition '%s'", device->value,
			  v->disk->name, v->disk->recipe->file, name);
}

static bool is_block(const struct check_view *v, const char *target)
{
	const struct conf_entry *said = conf_find(&v->system, "system", "grubenv");

	return said ? str_eq(target, said->value) : str_ends(target, "/grub/grubenv");
}

/* As GRUB's lib/envblk.c has it. */
static void block_is_read(struct check_view *v, const struct check_file *f)
{
	static const char head[] = "# GRUB Environment Block\n";
	const char *text = f->filled ? f->filled : check_text_of(v, f->path, GRUB_BLOCK_MAX);
	const char *rest = text ? str_skip(text, head) : NULL;
	struct pos pos = {f->path, 1, 1};

	if (!rest)
		check_say(v, CHECK_GRUB_ENVIRONMENT, pos,
			  "grub-editenv refuses '%s': it does not begin with '%.*s'", f->target,
			  (int)strlen(head) - 1, head);
	else if (!str_ends(rest, "#"))
		check_say(v, CHECK_GRUB_ENVIRONMENT, pos,
			  "'%s' is not filled with '#' to its end, so that nothing can be set in "
			  "it",
			  f->target);
}

int check_boot_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++)
		if (check_ships(v, v->files.items[i].image) &&
		    is_block(v, v->files.items[i].target))
			block_is_read(v, &v->files.items[i]);
	for (size_t i = 0; i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];

		if (str_skip(e->section, "slot.") && str_eq(e->key, "device"))
			slot_agrees(v, e);
	}
	return 0;
}
