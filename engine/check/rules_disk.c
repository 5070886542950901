/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images fit their partitions, and what keeps state is the last of them. */
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

/* What is shared by the slots grows, and an update never moves it. */
static void data_is_last(struct check_view *v)
{
	for (size_t i = 0; v->system.count && i + 1 < v->partitions.count; i++) {
		const struct check_partition *p = &v->partitions.items[i];

		if (p->state)
			check_say(
				v, CHECK_DATA_LAST, p->pos,
				"partition '%s' holds no image, so it keeps state: it must be the "
				"last one to take what a larger card has, and '%s' (%s:%u) is "
				"after it",
				p->name, v->partitions.items[i + 1].name,
				v->partitions.items[i + 1].pos.file,
				v->partitions.items[i + 1].pos.line);
	}
}

int check_disk_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->partitions.count; i++)
		image_fits(v, &v->partitions.items[i]);
	data_is_last(v);
	return 0;
}
