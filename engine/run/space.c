/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/space.h"

#include "base/file.h"

#define SPACE_OUT (4ull * 1024 * 1024)

static int last_size(struct store *s, const char *node, uint64_t *ret, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct record *rec;
	uint64_t sum = 0;
	int rc = store_record_last(s, node, arena, &rec, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < rec->output_count; i++)
		sum += rec->outputs[i].allocated;
	*ret = sum;
	return 0;
}

int space_of_node(const struct node *n, struct store *s, struct space *to, struct err **err)
{
	uint64_t bytes;
	int rc = last_size(s, n->name, &bytes, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		to->known += bytes;
	else
		to->guessed += (uint64_t)node_demand(n).disk_mb << 20;
	return 0;
}

int space_needed(const struct graph *g, struct store *s, struct space *ret, struct err **err)
{
	struct space sum = {0};

	for (size_t i = 0; i < g->nodes.count; i++) {
		const struct node *n = g->nodes.items[i];

		if (n->wanted && n->state <= NODE_READY && space_of_node(n, s, &sum, err) < 0)
			return -1;
	}
	*ret = sum;
	return 0;
}

int space_check(struct store *s, const struct space *needed, const char *more, struct err **err)
{
	uint64_t free_bytes, all = needed->known + needed->guessed + SPACE_RESERVE;
	char *want cleanup_free = str_bytes(all), *have cleanup_free = NULL;

	if (file_free_bytes(store_dir(s), &free_bytes, err) < 0)
		return -1;
	if (free_bytes >= all)
		return 0;
	have = str_bytes(free_bytes);
	return err_set(err, E_DISK_FULL,
		       "the build needs about %s and '%s' has %s free%s; "
		       "make room or name another place with --store",
		       want, store_dir(s), have, more);
}

bool space_is_out(struct store *s)
{
	struct err *err cleanup_err = NULL;
	uint64_t free_bytes;

	return file_free_bytes(store_dir(s), &free_bytes, &err) == 0 && free_bytes < SPACE_OUT;
}
