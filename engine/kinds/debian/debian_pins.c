/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the key of a debian node holds of its lock. */
#include <string.h>

#include "base/path.h"
#include "kinds/debian/debian.h"

static struct pin pin_of(struct arena *arena, const struct lock_entry *e)
{
	static const char *const words[] = {
		[LOCK_PACKAGE] = "package", [LOCK_SOURCE] = "source", [LOCK_TOOL] = "tool"};
	char hex[DIGEST_HEX + 1];

	return (struct pin){
		.what = words[e->type],
		.name = e->name,
		.value = arena_printf(arena, "%s %s sha256:%s", e->version,
				      e->type == LOCK_SOURCE ? path_base(e->path) : e->arch,
				      digest_hex(&e->sha256, hex)),
	};
}

static int compare(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;
	int c = strcmp(x->what, y->what);

	if (!c)
		c = strcmp(x->name, y->name);
	return c ? c : strcmp(x->value, y->value);
}

int debian_pins(struct arena *arena, const char *file, const char *text, struct pins *ret,
		struct err **err)
{
	struct debian_lock l cleanup_lock = {0};

	if (debian_lock_parse(arena, file, text, strlen(text), &l, err) < 0)
		return -1;
	pins_push(ret, (struct pin){"arch", l.arch, ""});
	for (size_t i = 0; i < l.entries.count; i++)
		pins_push(ret, pin_of(arena, &l.entries.items[i]));
	qsort(ret->items, ret->count, sizeof(*ret->items), compare);
	return 0;
}
