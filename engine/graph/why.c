/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The differences between two manifests, as people would say them. */
#include <ctype.h>

#include "base/path.h"
#include "base/words.h"
#include "graph/manifest.h"

/* One thing a manifest says. KEY is equal in two manifests when they speak of the same thing. */
struct fact {
	const char *what, *name, *value;
	bool element; /* of a list: its value is part of the key */
};

struct facts {
	struct arena *arena;
	struct map by_key; /* -> struct fact */
	struct map lists;  /* name of a list -> struct strs: its values in order */
};

/* Text with every long digest cut to 12 digits. */
static const char *shorten(struct arena *arena, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	while (*text) {
		size_t n = strcspn(text, ":"), hex = 0;

		n += text[n] == ':';
		str_append_len(&s, text, n);
		text += n;
		while (isxdigit((unsigned char)text[hex]))
			hex++;
		str_append_len(&s, text, hex == DIGEST_HEX ? 12 : hex);
		text += hex;
	}
	return arena_strndup(arena, s.buf, s.len);
}

/* "4G" for a size that is whole in that unit. */
static const char *size_text(struct arena *arena, const char *bytes)
{
	static const char units[] = "KMGT";
	size_t u = 0;
	uint64_t n;

	if (str_u64(bytes, &n) || !n || n % 1024)
		return bytes;
	for (n /= 1024; n % 1024 == 0 && u + 1 < strlen(units); n /= 1024)
		u++;
	return arena_printf(arena, "%ju%c", (uintmax_t)n, units[u]);
}

/* The words of W from FROM on, joined by blanks. */
static const char *rest(struct arena *arena, const struct words *w, size_t from)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = from; i < w->count; i++)
		str_printf(&s, "%s%s", i > from ? " " : "", w->items[i]);
	return arena_strndup(arena, s.buf, s.len);
}

static void add(struct facts *f, const char *key, struct fact fact)
{
	struct fact *own = arena_alloc(f->arena, sizeof(*own));

	*own = fact;
	map_set(&f->by_key, key, own);
}

/* An element of a list of plain values: the list is a bag, told apart by value and occurrence. */
static void add_element(struct facts *f, const char *list, const char *value)
{
	struct strs *values = map_get(&f->lists, list);
	const char *key = arena_printf(f->arena, "option\t%s\t%s", list, value);

	if (!values) {
		values = arena_alloc(f->arena, sizeof(*values));
		map_set(&f->lists, list, values);
	}
	strs_push(values, value);
	for (unsigned again = 2; map_get(&f->by_key, key); again++)
		key = arena_printf(f->arena, "option\t%s\t%s\t%u", list, value, again);
	add(f, key, (struct fact){"option", list, value, true});
}

/* The path of an option as people write it: without the escapes of dict keys. */
static const char *plain_path(struct arena *arena, const char *path)
{
	struct str s cleanup_str = STR_INIT, out cleanup_str = STR_INIT;
	const char *p;

	str_printf(&s, "\"%s\"", path);
	p = s.buf;
	return str_unquote(&p, &out) ? path : arena_strndup(arena, out.buf, out.len);
}

static void add_option(struct facts *f, const struct words *w)
{
	const char *raw = w->items[1], *path = plain_path(f->arena, raw), *value = w->items[2];
	const char *dot = strrchr(raw, '.'), *last = dot ? dot + 1 : raw;

	if (dot && *last && !last[strspn(last, "0123456789")])
		add_element(f, arena_strndup(f->arena, path, strlen(path) - strlen(dot)), value);
	else
		add(f, arena_printf(f->arena, "option\t%s", path),
		    (struct fact){"option", path,
				  str_ends(last, "size") ? size_text(f->arena, value) : value,
				  false});
}

/* "rootfs/" and "etc/fstab" to "rootfs/etc/fstab" */
static const char *file_name(struct arena *arena, const char *ref, const char *path)
{
	char *joined cleanup_free = path_join(ref, path);

	return arena_strdup(arena, joined);
}

static void add_line(struct facts *f, const struct words *w)
{
	struct arena *a = f->arena;
	const char *what = w->items[0], *name = w->items[1];

	if (words_is(w, "option", 3)) {
		add_option(f, w);
	} else if (str_eq(what, "file") && w->count >= 4) {
		name = file_name(a, name, w->items[2]);
		add(f, arena_printf(a, "file\t%s", name),
		    (struct fact){what, name, rest(a, w, 3), false});
	} else if (str_eq(what, "output") && w->count >= 4) {
		name = arena_printf(a, "%s:%s", name, w->items[2]);
		add(f, arena_printf(a, "input\t%s", name),
		    (struct fact){"input", name, rest(a, w, 3), false});
	} else if (str_eq(what, "input") && w->count >= 3) {
		/* what a folder holds is said by its files */
		bool folder = str_eq(w->items[2], "folder");

		add(f, arena_printf(a, "input\t%s", name),
		    (struct fact){what, name, folder ? "folder" : rest(a, w, 2), false});
	} else if (str_eq(what, "kind")) {
		add(f, "kind", (struct fact){what, name, rest(a, w, 1), false});
	} else if (w->count >= 3) {
		add(f, arena_printf(a, "%s\t%s", what, name),
		    (struct fact){what, name, rest(a, w, 2), false});
	} else {
		add(f, what, (struct fact){what, what, rest(a, w, 1), false});
	}
}

static void read_facts(struct facts *f, const char *manifest)
{
	const char *p = manifest, *end = p + strlen(p);
	struct words w;

	while (words_line(f->arena, &p, end, &w) == 0)
		if (w.count >= 2)
			add_line(f, &w);
}

static void clear_facts(struct facts *f)
{
	for (size_t i = 0; i < f->lists.count; i++)
		strs_clear(f->lists.entries[i].value);
	map_clear(&f->by_key);
	map_clear(&f->lists);
}

/* Leaves of two values only the words in which they differ. */
static void differing(struct arena *arena, struct change *c)
{
	struct str x cleanup_str = STR_INIT, y cleanup_str = STR_INIT;
	const char *p = c->before, *q = c->after;

	while (*p && *q) {
		size_t n = strcspn(p, " "), m = strcspn(q, " ");

		if (n != m || memcmp(p, q, n) != 0) {
			str_printf(&x, "%s%.*s", x.len ? " " : "", (int)n, p);
			str_printf(&y, "%s%.*s", y.len ? " " : "", (int)m, q);
		}
		p += n + (p[n] == ' ');
		q += m + (q[m] == ' ');
	}
	if (*p || *q || !x.len)
		return;
	c->before = arena_strdup(arena, x.buf);
	c->after = arena_strdup(arena, y.buf);
}

static void push(struct arena *arena, struct changes *ret, const struct fact *before,
		 const struct fact *after)
{
	const struct fact *f = after ? after : before;
	struct change *c = changes_at_end(ret);

	c->what = arena_strdup(arena, f->what);
	c->name = arena_strdup(arena, f->name);
	c->before = before ? shorten(arena, before->value) : NULL;
	c->after = after ? shorten(arena, after->value) : NULL;
	if (before && after && !str_eq(f->what, "option"))
		differing(arena, c);
}

static bool same_order(const struct strs *a, const struct strs *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (!str_eq(a->items[i], b->items[i]))
			return false;
	return true;
}

/* Lists with the same elements in another order. Those in CHANGED have been reported. */
static void diff_orders(struct arena *arena, const struct facts *old, const struct facts *new,
			const struct map *changed, struct changes *ret)
{
	for (size_t i = 0; i < new->lists.count; i++) {
		const char *name = new->lists.entries[i].key;
		const struct strs *a = map_get(&old->lists, name), *b = new->lists.entries[i].value;

		if (a && a->count == b->count && !map_get(changed, name) && !same_order(a, b))
			changes_push(ret, (struct change){"option", arena_strdup(arena, name),
							  "one order", "another order"});
	}
}

void manifest_diff(struct arena *arena, const char *old, const char *new, struct changes *ret)
{
	struct arena *scratch cleanup_arena = arena_new();
	struct facts a = {.arena = scratch}, b = {.arena = scratch};
	struct map changed cleanup_map = {0}; /* lists with new or lost elements */

	read_facts(&a, old);
	read_facts(&b, new);
	for (size_t i = 0; i < b.by_key.count; i++) {
		const struct fact *after = b.by_key.entries[i].value;
		const struct fact *before = map_get(&a.by_key, b.by_key.entries[i].key);

		if (before && str_eq(before->value, after->value))
			continue;
		push(arena, ret, before, after);
		if (after->element)
			map_set(&changed, after->name, (void *)after);
	}
	for (size_t i = 0; i < a.by_key.count; i++) {
		const struct fact *before = a.by_key.entries[i].value;

		if (map_get(&b.by_key, a.by_key.entries[i].key))
			continue;
		push(arena, ret, before, NULL);
		if (before->element)
			map_set(&changed, before->name, (void *)before);
	}
	diff_orders(arena, &a, &b, &changed, ret);
	clear_facts(&a);
	clear_facts(&b);
}

/* A value for people: one short line. */
static void append_value(struct str *ret, const char *value)
{
	size_t n = strlen(value), cut = 60;

	if (n > cut)
		while (cut && ((unsigned char)value[cut] & 0xc0) == 0x80)
			cut--;
	str_escape(ret, value, n > cut ? cut : n);
	str_append(ret, n > cut ? "..." : "");
}

void change_text(const struct change *c, struct str *ret)
{
	str_append(ret, c->what);
	if (!str_eq(c->what, c->name)) {
		str_append_char(ret, ' ');
		str_escape(ret, c->name, strlen(c->name));
	}
	if (c->before && c->after) {
		str_append_char(ret, ' ');
		append_value(ret, c->before);
		str_append(ret, " -> ");
		append_value(ret, c->after);
	} else if (str_eq(c->what, "option")) {
		str_append(ret, c->after ? " now has " : " no longer has ");
		append_value(ret, c->after ? c->after : c->before);
	} else {
		str_append(ret, c->after ? " is new" : " is gone");
	}
}
