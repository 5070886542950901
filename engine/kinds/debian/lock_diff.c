/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What came, went and moved from one lock to the next. */
#include "kinds/debian/debian.h"

/* A package is one line, a source several of one version: the first stands for all. */
static const struct lock_entry *find_entry(const struct debian_lock *l,
					   const struct lock_entry *like)
{
	for (size_t i = 0; i < l->entries.count; i++) {
		const struct lock_entry *e = &l->entries.items[i];

		if (e->type == like->type && str_eq(e->name, like->name) &&
		    str_eq(e->arch, like->arch))
			return e;
	}
	return NULL;
}

static bool is_repeated(const struct debian_lock *l, size_t i)
{
	return find_entry(l, &l->entries.items[i]) != &l->entries.items[i];
}

static void tell_new_lock(const struct debian_lock *l, struct str *ret)
{
	size_t count = 0;
	uint64_t bytes = 0;
	char *size cleanup_free = NULL;

	for (size_t i = 0; i < l->entries.count; i++) {
		bytes += l->entries.items[i].size;
		count += !is_repeated(l, i);
	}
	size = str_bytes(bytes);
	str_printf(ret, "%zu package%s, %s to download\n", count, count == 1 ? "" : "s", size);
}

static void tell_move(const struct lock_entry *was, const struct lock_entry *e,
		      const struct map *why, struct str *ret)
{
	const char *reason = why ? map_get(why, e->name) : NULL;

	if (str_eq(was->version, e->version) && digest_eq(&was->sha256, &e->sha256))
		return;
	str_printf(ret, "~ %s %s -> %s%s%s\n", e->name, was->version, e->version,
		   reason ? ": " : "", reason ? reason : "");
}

void debian_lock_diff(struct debian_lock *old, struct debian_lock *now, const struct map *why,
		      struct str *ret)
{
	debian_lock_sort(old);
	debian_lock_sort(now);
	if (!old->entries.count) {
		tell_new_lock(now, ret);
		return;
	}
	for (size_t i = 0; i < old->entries.count; i++) {
		const struct lock_entry *e = &old->entries.items[i];

		if (!is_repeated(old, i) && !find_entry(now, e))
			str_printf(ret, "- %s %s\n", e->name, e->version);
	}
	for (size_t i = 0; i < now->entries.count; i++) {
		const struct lock_entry *e = &now->entries.items[i];
		const struct lock_entry *was = find_entry(old, e);

		if (is_repeated(now, i))
			continue;
		if (!was)
			str_printf(ret, "+ %s %s\n", e->name, e->version);
		else
			tell_move(was, e, why, ret);
	}
}

static const char *suite_of(const struct debian_lock *l, const char *alias)
{
	for (size_t i = 0; i < l->archives.count; i++)
		if (str_eq(l->archives.items[i].alias, alias))
			return l->archives.items[i].suite;
	return "";
}

void debian_lock_moves(const struct debian_lock *old, const struct debian_lock *now,
		       const struct map *why, struct lock_moves *ret)
{
	for (size_t i = 0; i < now->entries.count; i++) {
		const struct lock_entry *e = &now->entries.items[i];
		const struct lock_entry *was = find_entry(old, e);

		if (was && !is_repeated(now, i) && !str_eq(was->version, e->version))
			lock_moves_push(ret, (struct lock_move){*was, *e, suite_of(now, e->archive),
								map_get(why, e->name)});
	}
}
