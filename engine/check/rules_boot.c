/* SPDX-License-Identifier: GPL-3.0-or-later */
/* U-Boot, its tools, RAUC and the disk say the same about where things are. */
#include <ctype.h>
#include <stdio.h>

#include "base/path.h"
#include "check/view.h"

/* Whether line I of fw_env.config has this offset (and, if not 0, this size). */
static bool fw_env_has(const struct check_view *v, uint64_t offset, uint64_t size)
{
	for (size_t i = 0; i < v->fw_env.count; i++) {
		char at[32], len[32];
		uint64_t a, n;

		if (sscanf(v->fw_env.items[i].value, "%31s %31s", at, len) == 2 &&
		    conf_number(at, &a) == 0 && conf_number(len, &n) == 0 && a == offset &&
		    (!size || n == size))
			return true;
	}
	return false;
}

static void u_boot_agrees(struct check_view *v)
{
	for (size_t i = 0; i < v->kconfig.count; i++) {
		const struct conf_entry *e = &v->kconfig.items[i];
		bool offset = str_eq(e->key, "CONFIG_ENV_OFFSET") ||
			      str_eq(e->key, "CONFIG_ENV_OFFSET_REDUND");
		uint64_t n, at, len;
		char a[32], s[32];

		if (!offset && !str_eq(e->key, "CONFIG_ENV_SIZE"))
			continue;
		if (conf_number(e->value, &n) != 0) {
			check_say(v, CHECK_ENVIRONMENT_OFFSET, e->pos, "'%s' is not a number",
				  e->value);
			continue;
		}
		if (offset && !fw_env_has(v, n, 0))
			check_say(v, CHECK_ENVIRONMENT_OFFSET, e->pos,
				  "U-Boot keeps its environment at %s, but /etc/fw_env.config "
				  "(%s) has no such offset",
				  e->value, v->fw_env.items[0].pos.file);
		for (size_t j = 0; !offset && j < v->fw_env.count; j++) {
			const struct conf_entry *line = &v->fw_env.items[j];

			if (sscanf(line->value, "%31s %31s", a, s) == 2 &&
			    conf_number(a, &at) == 0 && conf_number(s, &len) == 0 && len != n)
				check_say(v, CHECK_ENVIRONMENT_SIZE, line->pos,
					  "size %s differs from CONFIG_ENV_SIZE=%s (%s:%u)", s,
					  e->value, e->pos.file, e->pos.line);
		}
	}
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p++) {
		bool left = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
		bool right = !(isalnum((unsigned char)p[n]) || p[n] == '_');

		if (left && right)
			return true;
	}
	return false;
}

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
	else if (slot && n != 2 * slot)
		check_say(
			v, CHECK_SWITCHED_REGION, size->pos,
			"region-size %s is not twice the first partition '%s' of disk '%s' (%s:%u)",
			size->value, first->name, v->disk->name, first->pos.file, first->pos.line);
	else if (first->start && conf_number(start->value, &n) == 0 && n != first->start)
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
	const struct conf_entry *bootname = conf_find(&v->system, device->section, "bootname");
	const char *name = path_base(device->value);

	if (type && str_eq(type->value, "boot-gpt-switch")) {
		region_agrees(v, device->section);
		return;
	}
	if (v->disk && !partition_named(v, name))
		check_say(v, CHECK_SLOT_DEVICE, device->pos,
			  "slot device '%s': disk '%s' (%s) has no partition '%s'", device->value,
			  v->disk->name, v->disk->recipe->file, name);
	if (bootname && v->boot_script && !has_word(v->boot_script, bootname->value))
		check_say(v, CHECK_SLOT_BOOTNAME, bootname->pos,
			  "the boot script %s never tries bootname '%s'", v->boot_script_path,
			  bootname->value);
}

static void environment_is_twice(struct check_view *v)
{
	const struct conf_entry *twice =
		conf_find(&v->kconfig, "", "CONFIG_SYS_REDUNDAND_ENVIRONMENT");
	const struct conf_entry *first = &v->fw_env.items[0];

	if (v->fw_env.count < 2)
		check_say(v, CHECK_ENVIRONMENT_COPIES, first->pos,
			  "one copy of the U-Boot environment is lost in a power cut; give it a "
			  "second (CONFIG_SYS_REDUNDAND_ENVIRONMENT)");
	else if (v->kconfig.count && (!twice || !str_eq(twice->value, "y")))
		check_say(v, CHECK_ENVIRONMENT_COPIES, twice ? twice->pos : first->pos,
			  "%s:%u and the next line name two copies, but U-Boot writes one: set "
			  "CONFIG_SYS_REDUNDAND_ENVIRONMENT=y",
			  first->pos.file, first->pos.line);
}

int check_boot_rules(struct check_view *v, struct err **err)
{
	if (v->fw_env.count) {
		u_boot_agrees(v);
		environment_is_twice(v);
	}
	for (size_t i = 0; i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];

		if (str_skip(e->section, "slot.") && str_eq(e->key, "device"))
			slot_agrees(v, e);
	}
	return 0;
}
