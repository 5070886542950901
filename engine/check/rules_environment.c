/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * U-Boot and its tools look for the environment in the same places, twice, and nothing can come to
 * lie on it. Where a fragment says nothing the board's defconfig counts, which is not known here,
 * or U-Boot's own default (env/Kconfig: both offsets 0, where the partition table lies).
 */
#include <stdio.h>

#include "base/path.h"
#include "check/view.h"

static bool is_reserved(const struct check_view *v, uint64_t at, uint64_t size)
{
	for (size_t i = 0; i < v->reserved.count; i++) {
		const struct check_reserved *r = &v->reserved.items[i];

		if (at >= r->at && size <= r->size && at - r->at <= r->size - size)
			return true;
	}
	return false;
}

/* The three fields of a line of fw_env.config. False when a number is missing or wrong. */
static bool env_line(const struct conf_entry *e, uint64_t *ret_at, uint64_t *ret_size)
{
	char at[32], size[32];

	return sscanf(e->value, "%31s %31s", at, size) == 2 && conf_number(at, ret_at) == 0 &&
	       conf_number(size, ret_size) == 0;
}

static void environment_is_reserved(struct check_view *v, const struct conf_entry *e)
{
	uint64_t at, size;

	if (!env_line(e, &at, &size)) {
		check_say(v, CHECK_ENVIRONMENT_LINE, e->pos,
			  "expected: device, offset, size (libubootenv)");
		return;
	}
	if (v->disk && v->reserved.count && !is_reserved(v, at, size))
		check_say(
			v, CHECK_ENVIRONMENT_RESERVED, e->pos,
			"the environment at 0x%llx lies in no 'reserved:' area of disk '%s' (%s): "
			"partitioning tools would take it for free space",
			(unsigned long long)at, v->disk->name, v->disk->recipe->file);
}

/* A disk without reserved areas has its first usable block right after the table. */
static void first_block_is_behind(struct check_view *v)
{
	if (v->disk && v->fw_env.count && !v->reserved.count)
		check_say(v, CHECK_FIRST_USABLE_BLOCK, recipe_pos(v->disk->recipe, "partitions"),
			  "the first usable block of disk '%s' would lie before U-Boot's "
			  "environment (%s:%u): partitioning tools discard free space, and the "
			  "environment with it; name its copies in 'reserved'",
			  v->disk->name, v->fw_env.items[0].pos.file, v->fw_env.items[0].pos.line);
}

/* Whether a line of fw_env.config has this offset. */
static bool fw_env_has(const struct check_view *v, uint64_t offset)
{
	uint64_t at, size;

	for (size_t i = 0; i < v->fw_env.count; i++)
		if (env_line(&v->fw_env.items[i], &at, &size) && at == offset)
			return true;
	return false;
}

static void u_boot_agrees(struct check_view *v)
{
	for (size_t i = 0; i < v->kconfig.count; i++) {
		const struct conf_entry *e = &v->kconfig.items[i];
		bool offset = str_eq(e->key, "CONFIG_ENV_OFFSET") ||
			      str_eq(e->key, "CONFIG_ENV_OFFSET_REDUND");
		uint64_t n, at, size;

		if (!offset && !str_eq(e->key, "CONFIG_ENV_SIZE"))
			continue;
		if (conf_number(e->value, &n) != 0) {
			check_say(v, CHECK_ENVIRONMENT_OFFSET, e->pos, "'%s' is not a number",
				  e->value);
			continue;
		}
		if (offset && !fw_env_has(v, n))
			check_say(v, CHECK_ENVIRONMENT_OFFSET, e->pos,
				  "U-Boot keeps its environment at %s, but /etc/fw_env.config "
				  "(%s) has no such offset",
				  e->value, v->fw_env.items[0].pos.file);
		for (size_t j = 0; !offset && j < v->fw_env.count; j++) {
			const struct conf_entry *line = &v->fw_env.items[j];

			if (env_line(line, &at, &size) && size != n)
				check_say(v, CHECK_ENVIRONMENT_SIZE, line->pos,
					  "size 0x%llx differs from CONFIG_ENV_SIZE=%s (%s:%u)",
					  (unsigned long long)size, e->value, e->pos.file,
					  e->pos.line);
		}
	}
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

/* Where else than in a place of the disk U-Boot could keep it, or NULL. */
static const struct conf_entry *other_place(const struct check_view *v)
{
	for (size_t i = 0; i < v->kconfig.count; i++) {
		const struct conf_entry *e = &v->kconfig.items[i];
		const char *place = str_skip(e->key, "CONFIG_ENV_IS_IN_");

		if (place && !str_eq(place, "MMC") && str_eq(e->value, "y"))
			return e;
	}
	return NULL;
}

static void needs_line(struct check_view *v, const char *key, const char *why)
{
	if (!conf_find(&v->kconfig, "", key))
		check_say(v, CHECK_ENVIRONMENT_PLACE,
			  (struct pos){v->kconfig.items[0].pos.file, 1, 1},
			  "no fragment says %s: %s", key, why);
}

/* Whether the line that P is in is a comment. */
static bool is_comment(const char *text, const char *p)
{
	while (p > text && p[-1] != '\n')
		p--;
	return p[strspn(p, " \t")] == '#';
}

/* Where TEXT names another device than mmc DEVICE ("mmc 1:2", "mmc dev 1"), or NULL. */
static const char *other_mmc(const char *text, uint64_t device)
{
	for (const char *p = text; (p = strstr(p, "mmc ")); p += 4) {
		const char *number = str_skip(p + 4, "dev ");
		uint64_t n;
		char *end;

		number = number ? number : p + 4;
		n = strtoull(number, &end, 16);
		if (end > number && strchr(": ;\n", *end) && n != device && !is_comment(text, p))
			return p;
	}
	return NULL;
}

static unsigned line_of(const char *text, const char *p)
{
	unsigned line = 1;

	for (; text < p; text++)
		line += *text == '\n';
	return line;
}

static void device_is_the_card(struct check_view *v)
{
	const struct conf_entry *device = conf_find(&v->kconfig, "", "CONFIG_SYS_MMC_ENV_DEV");
	const struct conf_entry *part = conf_find(&v->kconfig, "", "CONFIG_SYS_MMC_ENV_PART");
	uint64_t n = 0;

	if (device && conf_number(device->value, &n) != 0)
		return;
	for (size_t i = 0; i < v->texts.count; i++) {
		const struct check_text *t = &v->texts.items[i];
		const char *other = other_mmc(t->text, n);

		if (other)
			check_say(v, CHECK_ENVIRONMENT_PLACE,
				  (struct pos){t->path, line_of(t->text, other), 1},
				  "this is another device than mmc %llu, where U-Boot keeps its "
				  "environment (CONFIG_SYS_MMC_ENV_DEV, %s:%u)",
				  (unsigned long long)n, device ? device->pos.file : "default",
				  device ? device->pos.line : 0);
	}
	if (part && !str_eq(part->value, "0"))
		check_say(v, CHECK_ENVIRONMENT_PLACE, part->pos,
			  "CONFIG_SYS_MMC_ENV_PART=%s is a boot partition of the eMMC, which no "
			  "offset in fw_env.config reaches: 0 is the user area",
			  part->value);
}

/* U-Boot keeps the environment on the disk, at places that are said. */
static void is_on_the_disk(struct check_view *v)
{
	const struct conf_entry *mmc = conf_find(&v->kconfig, "", "CONFIG_ENV_IS_IN_MMC");
	const struct conf_entry *other = other_place(v);

	if (other)
		check_say(v, CHECK_ENVIRONMENT_PLACE, other->pos,
			  "%s=y keeps the environment elsewhere than at the offsets in %s",
			  other->key, v->fw_env.items[0].pos.file);
	else if (!mmc || !str_eq(mmc->value, "y"))
		check_say(v, CHECK_ENVIRONMENT_PLACE,
			  mmc ? mmc->pos : (struct pos){v->kconfig.items[0].pos.file, 1, 1},
			  "no fragment says CONFIG_ENV_IS_IN_MMC=y: the environment would be where "
			  "the board's defconfig has it");
	needs_line(v, "CONFIG_ENV_OFFSET", "U-Boot's default is 0, where the partition table is");
	needs_line(v, "CONFIG_ENV_SIZE", "U-Boot's default need not be that of fw_env.config");
	if (v->fw_env.count > 1)
		needs_line(v, "CONFIG_ENV_OFFSET_REDUND",
			   "U-Boot's default is 0, where the partition table is");
	device_is_the_card(v);
}

/* Where RAUC is to count tries in U-Boot's environment, it needs the file. */
static void file_is_there(struct check_view *v)
{
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");

	if (loader && str_eq(loader->value, "uboot") && !v->fw_env.count)
		check_say(
			v, CHECK_ENVIRONMENT_LINE, loader->pos,
			"no file of the project becomes /etc/fw_env.config, so RAUC could neither "
			"choose a slot nor mark one good: lay it into the image of the slot; "
			"{{DEVICE#fw-env}} of a template are its lines");
}

int check_environment_rules(struct check_view *v, struct err **err)
{
	file_is_there(v);
	if (!v->fw_env.count)
		return 0;
	first_block_is_behind(v);
	for (size_t i = 0; i < v->fw_env.count; i++)
		environment_is_reserved(v, &v->fw_env.items[i]);
	if (v->kconfig.count) {
		u_boot_agrees(v);
		is_on_the_disk(v);
	} else {
		check_note(v, CHECK_ENVIRONMENT_OFFSET, v->fw_env.items[0].pos,
			   "not checked: no fragment of U-Boot's configuration is among the inputs "
			   "of what devices get");
	}
	environment_is_twice(v);
	return 0;
}
