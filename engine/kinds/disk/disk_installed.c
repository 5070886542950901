/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a new card has of RAUC: as if it had installed by itself what is in the slots. */
#include "kinds/disk/disk_opts.h"
#include "media/disk/block_index.h"
#include "media/tree/tree.h"
#include "run/action.h"

#define PRIVATE 0700 /* as RAUC makes its directories */

static int add_index(struct action *a, struct tree *t, const char *data, const char *slot,
		     const struct block_index *x, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	const char *of_slot = arena_printf(a->arena, "%s/slot.%s", data, slot);
	const char *dir = arena_printf(a->arena, "%s/hash-%s", of_slot, digest_hex(&x->image, hex));
	const char *file = arena_printf(a->arena, "%s/" BLOCK_INDEX_FILE, dir);

	return tree_add_dir(t, of_slot, PRIVATE, err) < 0 || tree_add_dir(t, dir, PRIVATE, err) < 0
		       ? -1
		       : tree_add_file(t, file, 0644, x->hashes.buf, x->hashes.len, err);
}

/* A group of RAUC's status file (rauc 1.13, src/status_file.c: status_file_set_slot_status()). */
static void add_status(struct str *status, const char *slot, const char *version,
		       const struct block_index *x)
{
	char hex[DIGEST_HEX + 1];

	str_printf(status, "%s[slot.%s]\n", status->len ? "\n" : "", slot);
	if (version)
		str_printf(status, "bundle.version=%s\n", version);
	str_printf(status, "status=ok\nsha256=%s\nsize=%llu\n", digest_hex(&x->image, hex),
		   (unsigned long long)x->size);
}

int disk_add_installed(struct action *a, const struct disk_part *part, struct tree *t,
		       struct err **err)
{
	const struct disk_installed *in = part->installed;
	struct block_index x cleanup_block_index = BLOCK_INDEX_INIT;
	struct str status cleanup_str = STR_INIT;
	const struct ref *of = NULL; /* what X is the index of */

	for (size_t i = 0; i < in->slots.count; i++) {
		const struct pair *slot = LIST_AT(in->slots, struct pair *, i);
		const struct ref *from = disk_part_named(a->opts, slot->value)->from;

		if (!of || !str_eq(of->text, from->text)) {
			block_index_clear(&x);
			x = (struct block_index)BLOCK_INDEX_INIT;
			action_progress(a, -1, "reading '%s' for its index", from->text);
			if (block_index_make(action_input(a, from)->path, from->text, &x, err) < 0)
				return -1;
			of = from;
		}
		if (add_index(a, t, in->data_directory, slot->key, &x, err) < 0)
			return -1;
		add_status(&status, slot->key, in->version, &x);
	}
	return tree_add_file(t, disk_statusfile(a->arena, in), 0644, status.buf, status.len, err);
}
