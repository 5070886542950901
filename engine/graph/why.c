/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The differences between two manifests, as people would say them. */
#include <ctype.h>

#include "base/path.h"
#include "graph/manifest.h"

/* One thing a manifest says. KEY is equal in two manifests when they speak of the same thing. */
struct fact {
	const char *what, *name, *value;
	bool element; /* of a list: its value is part of the key */
	bool pin;     /* of two values, the first word that differs says enough */
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

static void add_option(struct facts *f, const struct option_value *v)
{
	static const char *const empty[] = {[VALUE_LIST] = "[]", [VALUE_MAP] = "{}"};
	const char *path = plain_path(f->arena, v->path);
	const char *value = v->type == VALUE_TEXT ? v->text : empty[v->type];
	const char *dot = strrchr(v->path, '.'), *last = dot ? dot + 1 : v->path;

	if (dot && *last && !last[strspn(last, "0123456789")])
		add_element(f, arena_strndup(f->arena, path, strlen(path) - strlen(dot)), value);
	else
		add(f, arena_printf(f->arena, "option\t%s", path),
		    (struct fact){"option", path,
				  str_ends(last, "size") ? size_text(f->arena, value) : value,
				  false});
}

/* Something with a name: NAME is equal in two manifests when they speak of the same thing. */
static void add_named(struct facts *f, const char *what, const char *name, const char *value)
{
	add(f, arena_printf(f->arena, "%s\t%s", what, name),
	    (struct fact){what, name, value, false});
}

static const char *file_text(struct arena *arena, mode_t mode, const struct digest *digest)
{
	char hex[DIGEST_HEX + 1];

	return arena_printf(arena, "%04o sha256:%s", (unsigned)(mode & 07777),
			    digest_hex(digest, hex));
}

static const char *blob_text(struct arena *arena, const struct manifest_blob *b)
{
	const struct artifact a = {.type = b->type, .digest = b->digest};
	char *digest cleanup_free = artifact_digest_string(&a);

	return arena_printf(arena, "%s %s %ju", output_type_word(b->type), digest,
			    (uintmax_t)b->size);
}

static void add_entry(struct facts *f, const char *ref, const struct manifest_entry *e)
{
	char *name cleanup_free = path_join(ref, e->path); /* rootfs/etc/fstab */
	const char *value = "folder";

	if (S_ISREG(e->mode))
		value = file_text(f->arena, e->mode, &e->digest);
	else if (S_ISLNK(e->mode))
		value = arena_printf(f->arena, "link %s", e->target);
	add_named(f, "file", arena_strdup(f->arena, name), value);
}

static void add_input(struct facts *f, const struct manifest_input *in)
{
	struct arena *a = f->arena;
	const struct manifest_blob *b = in->blobs.items;

	switch (in->type) {
	case MANIFEST_FILE:
		add_named(f, "input", in->ref,
			  arena_printf(a, "file %s", file_text(a, in->mode, &in->digest)));
		break;
	case MANIFEST_FOLDER:
		add_named(f, "input", in->ref, "folder"); /* its files say what it holds */
		for (size_t i = 0; i < in->entries.count; i++)
			add_entry(f, in->ref, &in->entries.items[i]);
		break;
	case MANIFEST_OUTPUT:
	case MANIFEST_INSIDE:
		add_named(f, "input", in->ref,
			  arena_printf(a, "%s %s %s",
				       in->type == MANIFEST_INSIDE ? "inside" : "output", b->name,
				       blob_text(a, b)));
		break;
	case MANIFEST_NODE:
		add_named(f, "input", in->ref, "node");
		for (size_t i = 0; i < in->blobs.count; i++)
			add_named(f, "input", arena_printf(a, "%s:%s", in->ref, b[i].name),
				  blob_text(a, &b[i]));
		break;
	}
}

/* All that is pinned of one name: several lines of a source are one fact. */
static void add_pin(struct facts *f, const struct pin *p)
{
	const char *key = *p->value ? arena_printf(f->arena, "pin\t%s\t%s", p->what, p->name)
				    : arena_printf(f->arena, "pin\t%s", p->what);
	struct fact *known = map_get(&f->by_key, key);

	if (known)
		known->value = arena_printf(f->arena, "%s %s", known->value, p->value);
	else if (*p->value)
		add(f, key, (struct fact){.what = p->what, p->name, p->value, .pin = true});
	else
		add(f, key, (struct fact){.what = p->what, p->what, p->name});
}

static void add_number(struct facts *f, const char *what, uint64_t number)
{
	add(f, what,
	    (struct fact){what, what, arena_printf(f->arena, "%ju", (uintmax_t)number), false});
}

static void read_facts(struct facts *f, const struct manifest *m)
{
	add(f, "kind",
	    (struct fact){"kind", m->kind, arena_printf(f->arena, "%s %u", m->kind, m->version),
			  false});
	if (m->named) {
		add(f, "project", (struct fact){"project", "project", m->project, false});
		add(f, "node", (struct fact){"node", "node", m->node, false});
	}
	if (m->identity)
		add(f, "identity", (struct fact){"identity", "identity", m->identity, false});
	add_number(f, "times", m->times);
	if (m->dated)
		add_number(f, "lock-date", m->lock_date);
	if (m->project_version)
		add(f, "project-version",
		    (struct fact){"project-version", "project-version", m->project_version, false});
	for (size_t i = 0; i < m->options.count; i++)
		if (!m->options.items[i].unkeyed) /* what is part of no key explains none */
			add_option(f, &m->options.items[i]);
	for (size_t i = 0; i < m->pins.count; i++)
		add_pin(f, &m->pins.items[i]);
	for (size_t i = 0; i < m->inputs.count; i++)
		add_input(f, &m->inputs.items[i]);
	for (size_t i = 0; i < m->tools.count; i++)
		add_named(f, "tool", m->tools.items[i].name, m->tools.items[i].version);
}

static void clear_facts(struct facts *f)
{
	for (size_t i = 0; i < f->lists.count; i++)
		strs_clear(f->lists.entries[i].value);
	map_clear(&f->by_key);
	map_clear(&f->lists);
}

/* Leaves of two values only the words in which they differ, or the FIRST of them. */
static void differing(struct arena *arena, struct change *c, bool first)
{
	struct str x cleanup_str = STR_INIT, y cleanup_str = STR_INIT;
	const char *p = c->before, *q = c->after;

	while (*p && *q && !(first && x.len)) {
		size_t n = strcspn(p, " "), m = strcspn(q, " ");

		if (n != m || memcmp(p, q, n) != 0) {
			str_printf(&x, "%s%.*s", x.len ? " " : "", (int)n, p);
			str_printf(&y, "%s%.*s", y.len ? " " : "", (int)m, q);
		}
		p += n + (p[n] == ' ');
		q += m + (q[m] == ' ');
	}
	if ((!first && (*p || *q)) || !x.len)
		return;
	c->before = arena_strdup(arena, x.buf);
	c->after = arena_strdup(arena, y.buf);
}

/* BEFORE, AFTER: the values of F, NULL where it is not. */
static void push(struct arena *arena, struct changes *ret, const struct fact *f, const char *before,
		 const char *after)
{
	struct change *c = changes_at_end(ret);

	c->what = arena_strdup(arena, f->what);
	c->name = arena_strdup(arena, f->name);
	c->before = before ? shorten(arena, before) : NULL;
	c->after = after ? shorten(arena, after) : NULL;
	if (before && after && !str_eq(f->what, "option"))
		differing(arena, c, f->pin);
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

static void diff_facts(struct arena *arena, const struct facts *old, const struct facts *new,
		       struct changes *ret)
{
	struct map changed cleanup_map = {0}; /* lists with new or lost elements */

	for (size_t i = 0; i < new->by_key.count; i++) {
		const struct fact *after = new->by_key.entries[i].value;
		const struct fact *before = map_get(&old->by_key, new->by_key.entries[i].key);

		if (before && str_eq(before->value, after->value))
			continue;
		push(arena, ret, after, before ? before->value : NULL, after->value);
		if (after->element)
			map_set(&changed, after->name, (void *)after);
	}
	for (size_t i = 0; i < old->by_key.count; i++) {
		const struct fact *before = old->by_key.entries[i].value;

		if (map_get(&new->by_key, old->by_key.entries[i].key))
			continue;
		push(arena, ret, before, before->value, NULL);
		if (before->element)
			map_set(&changed, before->name, (void *)before);
	}
	diff_orders(arena, old, new, &changed, ret);
}

void manifest_diff(struct arena *arena, const char *old, const char *new, struct changes *ret)
{
	struct arena *scratch cleanup_arena = arena_new();
	struct facts a = {.arena = scratch}, b = {.arena = scratch};
	struct err *ignored cleanup_err = NULL;
	const struct manifest *before = manifest_parse(scratch, old, &ignored), *after = NULL;

	if (before)
		after = manifest_parse(scratch, new, &ignored);
	if (!after) {
		changes_push(ret,
			     (struct change){"manifest", "manifest", "of another orch", "of this"});
		return;
	}
	read_facts(&a, before);
	read_facts(&b, after);
	diff_facts(arena, &a, &b, ret);
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
	} else if (!str_eq(c->what, "option")) {
		str_append(ret, c->after ? " is new" : " is gone");
	} else if (c->after) {
		str_append(ret, " now has ");
		append_value(ret, c->after);
	} else if (c->before) {
		str_append(ret, " no longer has ");
		append_value(ret, c->before);
	}
}
