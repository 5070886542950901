/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RAUC's slots are partitions of the disk, and lie where it says. */
#include "base/path.h"
#include "check/view.h"

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

int check_boot_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];

		if (str_skip(e->section, "slot.") && str_eq(e->key, "device"))
			slot_agrees(v, e);
	}
	return 0;
}
