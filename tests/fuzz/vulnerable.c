/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of known vulnerabilities, and statements about them. */
#include "evidence/vex.h"
#include "fuzz.h"

static void match(struct arena *arena, const char *json, size_t len, const struct vex *x)
{
	static const struct sbom_package p = {.name = "s",
					      .version = "1:2.0-1",
					      .arch = "arm64",
					      .source = "s",
					      .source_version = "1:2.0-1",
					      .vendor = "debian",
					      .distro = "trixie"};
	static const struct sbom_document d = {.name = "card", .version = "1"};
	struct vulnerability_list l cleanup_vulnerability_list = {0};
	struct vulnerables all = {0};
	struct err *err cleanup_err = NULL;

	if (vulnerability_list_parse(arena, "x", json, len, &l, &err) == 0)
		(void)!vulnerability_list_match(&l, &p, &all, &err);
	for (size_t i = 0; i < all.count; i++) {
		assert(all.items[i].id && all.items[i].package == &p);
		assert(!all.items[i].fixed == (all.items[i].status != VULNERABLE_FIXED_LATER));
		vex_settles(vex_find(x, &d, &all.items[i]));
	}
	vulnerables_clear(&all);
}

/* The same bytes as statements, about what they list. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena cleanup_arena = arena_new();
	struct vex x cleanup_vex = {.arena = arena};
	struct err *err cleanup_err = NULL;

	(void)!vex_parse(&x, "x", (const char *)data, size, &err);
	match(arena, (const char *)data, size, &x);
	return 0;
}
