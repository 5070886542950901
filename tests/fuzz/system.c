/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What root file systems say of themselves, compared: texts with NULs between, one of each file. */
#include "evidence/delta_priv.h"
#include "fuzz_tree.h"

static const char *const paths[] = {
	"etc/passwd",          "etc/shadow",         "etc/group",
	"var/lib/dpkg/status", "boot/config-6.1",    "cmdline.txt",
	"extlinux.conf",       "boot/grub/grub.cfg", "var/lib/dpkg/arch"};

/* The next texts of REST become the files of a tree. */
static struct tree *make(const char **rest, const char *end)
{
	struct tree *t = tree_new(FUZZ_EPOCH, "/dev/shm");
	struct err *err cleanup_err = NULL;

	for (size_t i = 0; i < array_len(paths) && *rest < end; i++) {
		size_t len = strnlen(*rest, (size_t)(end - *rest));

		assert(tree_add_file(t, paths[i], 0644, *rest, len, &err) == 0);
		*rest += len + 1;
	}
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *rest = (const char *)data, *end = rest + size;
	struct tree *before cleanup_tree = make(&rest, end), *after cleanup_tree = make(&rest, end);
	struct arena *arena cleanup_arena = arena_new();
	struct delta d cleanup_delta = {.arena = arena};
	struct delta_part *p = delta_parts_at_end(&d.parts);

	delta_system(p, arena, before, after);
	for (size_t i = 0; i < DELTA_SECTIONS; i++) {
		for (size_t k = 0; k < p->rows[i].count; k++) {
			const struct delta_row *r = &p->rows[i].items[k];

			assert(*r->change && (r->before || r->after));
			assert(!r->before || !r->after || strcmp(r->before, r->after) != 0);
		}
	}
	return 0;
}
