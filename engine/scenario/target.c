/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/target.h"

#include <jansson.h>

#include "scenario/chooser.h"

/* The boot loaders whose state orch can read. */
static const struct chooser *const choosers[] = {&chooser_uboot, &chooser_grub};

static const char *text_of(struct arena *arena, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? arena_strdup(arena, text) : NULL;
}

static int add_slot(struct arena *arena, const json_t *slot, struct target *t, struct err **err)
{
	struct target_slot s = {text_of(arena, slot, "bootname"),
				text_of(arena, slot, "partition")};

	if (!s.bootname || !s.partition)
		return 0;
	if (t->slots.count == TARGET_SLOTS)
		return err_set(err, E_DEVICE_LAYOUT,
			       "the device has more than %d slots that are booted", TARGET_SLOTS);
	target_slots_push(&t->slots, s);
	return 0;
}

static int add_class(struct arena *arena, const json_t *class, struct target *t, struct err **err)
{
	const json_t *slots = json_object_get(class, "slots"), *slot;
	const char *type = json_string_value(json_object_get(class, "type"));
	size_t i;

	json_array_foreach(slots, i, slot)
	{
		if (add_slot(arena, slot, t, err) < 0)
			return -1;
		if (type && str_eq(type, "boot-gpt-switch"))
			t->boot_partition = text_of(arena, slot, "partition");
	}
	return 0;
}

static uint64_t number_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* Of the partition that is switched a new card has the first half (layout.h). */
static void find_region(const json_t *partitions, struct target *t)
{
	const json_t *part;
	size_t i;

	json_array_foreach(partitions, i, part)
	{
		const char *name = json_string_value(json_object_get(part, "name"));

		if (name && t->boot_partition && str_eq(name, t->boot_partition))
			t->region = (struct target_area){number_of(part, "start"),
							 2 * number_of(part, "size")};
	}
}

static void add_areas(const json_t *areas, struct target *t)
{
	const json_t *area;
	size_t i;

	json_array_foreach(areas, i, area)
	{
		if (t->area_count < TARGET_AREAS)
			t->areas[t->area_count++] = (struct target_area){number_of(area, "at"),
									 number_of(area, "size")};
	}
}

const struct chooser *chooser_named(const char *loader)
{
	for (size_t i = 0; i < array_len(choosers); i++)
		if (str_eq(choosers[i]->type, loader))
			return choosers[i];
	return NULL;
}

/* The boot loader's file, if it can read this disk. */
static void find_chooser(struct arena *arena, struct target *t)
{
	const char *why = NULL;

	t->chooser = chooser_named(t->loader);
	if (t->chooser)
		why = t->chooser->refuse(t);
	if (why)
		t->unreadable = arena_printf(arena, "orch cannot read the state of '%s': %s",
					     t->loader, why);
	else if (!t->chooser)
		t->unreadable = arena_printf(
			arena, "orch cannot read the state of boot loader '%s' yet", t->loader);
	if (why)
		t->chooser = NULL;
}

static int read_device(struct arena *arena, const json_t *root, struct target *ret,
		       struct err **err)
{
	const json_t *loader = json_object_get(root, "bootloader"), *class;
	size_t i;

	ret->loader = text_of(arena, loader, "type");
	ret->chosen = text_of(arena, loader, "chosen");
	ret->tries = (unsigned)json_integer_value(json_object_get(loader, "tries"));
	if (!ret->loader)
		return err_set(err, E_DEVICE_DESCRIPTION, "device.json names no boot loader");
	if (!ret->chosen)
		ret->chosen = TARGET_CHOSEN_BY_KERNEL;
	ret->paths = text_of(arena, root, "paths");
	ret->disk_path = text_of(arena, root, "disk-path");
	add_areas(json_object_get(loader, "environment"), ret);
	json_array_foreach(json_object_get(root, "slots"), i, class)
	{
		if (add_class(arena, class, ret, err) < 0)
			return -1;
	}
	find_region(json_object_get(json_object_get(root, "disk"), "partitions"), ret);
	find_chooser(arena, ret);
	return 0;
}

int target_parse(struct arena *arena, const char *text, struct target *ret, struct err **err)
{
	json_t *root = json_loads(text, 0, NULL);
	int rc;

	if (!root || json_integer_value(json_object_get(root, "v")) != 1)
		rc = err_set(err, E_DEVICE_DESCRIPTION, "device.json is not of version 1");
	else
		rc = read_device(arena, root, ret, err);
	json_decref(root);
	return rc;
}

void target_check_switched(const struct target *t, const char *verb, struct pos pos,
			   struct err_list *errors)
{
	if (!t->boot_partition)
		err_list_at(errors, E_DEVICE_LAYOUT, pos,
			    "'%s' needs a boot partition that updates switch: the device has no "
			    "class of type boot-gpt-switch",
			    verb);
}

const struct target_slot *target_slot(const struct target *t, const char *bootname)
{
	for (size_t i = 0; i < t->slots.count; i++)
		if (str_eq(t->slots.items[i].bootname, bootname))
			return &t->slots.items[i];
	return NULL;
}

char *target_bootnames(const struct target *t)
{
	struct str all = STR_INIT;

	for (size_t i = 0; i < t->slots.count; i++)
		str_printf(&all, "%s%s", i ? " " : "", t->slots.items[i].bootname);
	return str_steal(&all);
}

void target_clear(struct target *t)
{
	target_slots_clear(&t->slots);
}
