/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images fit their slots; nothing can come to lie on the U-Boot environment. */
#include <stdio.h>

#include "check/view.h"

static void image_fits(struct check_view *v, const struct check_partition *p)
{
	uint64_t size = p->from ? check_image_size(p->from) : 0;
	struct pos at;
	char *have cleanup_free = NULL, *want cleanup_free = NULL;

	if (!size || p->size == CHECK_UNKNOWN || size <= p->size)
		return;
	at = recipe_pos(p->from->recipe, "size");
	have = str_bytes(size);
	want = str_bytes(p->size);
	check_say(v, CHECK_IMAGE_FITS, at,
		  "image '%s' of %s is larger than its partition '%s' of %s (%s:%u)", p->from->name,
		  have, p->name, want, p->pos.file, p->pos.line);
}

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

/* A disk without reserved areas has its first usable block right behind the table. */
static void first_block_is_behind(struct check_view *v)
{
	if (v->disk && v->fw_env.count && !v->reserved.count)
		check_say(v, CHECK_FIRST_USABLE_BLOCK, recipe_pos(v->disk->recipe, "partitions"),
			  "the first usable block of disk '%s' would lie before U-Boot's "
			  "environment (%s:%u): partitioning tools discard free space, and the "
			  "environment with it; name its copies in 'reserved'",
			  v->disk->name, v->fw_env.items[0].pos.file, v->fw_env.items[0].pos.line);
}

/* What is shared by the slots grows, and an update never moves it. */
static void data_is_last(struct check_view *v)
{
	for (size_t i = 0; v->system.count && i + 1 < v->partitions.count; i++) {
		const struct check_partition *p = &v->partitions.items[i];

		if (!p->from)
			check_say(
				v, CHECK_DATA_LAST, p->pos,
				"partition '%s' holds no image, so it keeps state: it must be the "
				"last one to take what a larger card has, and '%s' (%s:%u) is "
				"behind it",
				p->name, v->partitions.items[i + 1].name,
				v->partitions.items[i + 1].pos.file,
				v->partitions.items[i + 1].pos.line);
	}
}

int check_disk_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->partitions.count; i++)
		image_fits(v, &v->partitions.items[i]);
	first_block_is_behind(v);
	data_is_last(v);
	for (size_t i = 0; i < v->fw_env.count; i++)
		environment_is_reserved(v, &v->fw_env.items[i]);
	return 0;
}
