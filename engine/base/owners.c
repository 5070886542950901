/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/owners.h"

#include <sys/stat.h>

#include "base/acl.h"
#include "base/line.h"

#define HEAD "orch-owners 1\n"

DEFINE_VEC(owner_set_vec, struct owner_set)

struct owners {
	struct owner **slots;
	size_t slot_count, count;
	bool attrs, groups, set_id;
	struct owner_set_vec sets;
};

struct owners *owners_new(void)
{
	return xcalloc(1, sizeof(struct owners));
}

static void attr_clear(struct owner_attr *a)
{
	free(a->name);
	free(a->value);
}

static void owner_free(struct owner *file)
{
	for (size_t i = 0; i < file->attr_count; i++)
		attr_clear(&file->attrs[i]);
	free(file->attrs);
	free(file);
}

void owners_free(struct owners *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->slot_count; i++)
		while (o->slots[i]) {
			struct owner *file = o->slots[i];

			o->slots[i] = file->next;
			owner_free(file);
		}
	for (size_t i = 0; i < o->sets.count; i++) {
		free(o->sets.items[i].path);
		attr_clear(&o->sets.items[i].attr);
	}
	owner_set_vec_clear(&o->sets);
	free(o->slots);
	free(o);
}

/* --- the table --- */

static size_t slot_of(size_t slot_count, uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ dev << 32) * 0x9e3779b97f4a7c15ull;

	return (size_t)(h >> 32) & (slot_count - 1);
}

static void grow(struct owners *o)
{
	size_t n = o->slot_count ? o->slot_count * 2 : 1024;
	struct owner **slots = xcalloc(n, sizeof(struct owner *));

	for (size_t i = 0; i < o->slot_count; i++)
		while (o->slots[i]) {
			struct owner *file = o->slots[i];
			struct owner **to = &slots[slot_of(n, file->dev, file->ino)];

			o->slots[i] = file->next;
			file->next = *to;
			*to = file;
		}
	free(o->slots);
	o->slots = slots;
	o->slot_count = n;
}

struct owner *owners_get(const struct owners *o, uint64_t dev, uint64_t ino)
{
	struct owner *file = o->slot_count ? o->slots[slot_of(o->slot_count, dev, ino)] : NULL;

	while (file && (file->ino != ino || file->dev != dev))
		file = file->next;
	return file;
}

struct owner *owners_add(struct owners *o, uint64_t dev, uint64_t ino)
{
	struct owner *file = owners_get(o, dev, ino), **slot;

	if (file)
		return file;
	if (o->count >= o->slot_count)
		grow(o);
	slot = &o->slots[slot_of(o->slot_count, dev, ino)];
	file = xcalloc(1, sizeof(*file));
	file->dev = dev;
	file->ino = ino;
	file->next = *slot;
	*slot = file;
	o->count++;
	return file;
}

void owners_drop(struct owners *o, uint64_t dev, uint64_t ino)
{
	struct owner *file = owners_get(o, dev, ino), **at;

	if (!file)
		return;
	at = &o->slots[slot_of(o->slot_count, dev, ino)];
	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	o->count--;
	owner_free(file);
}

bool owners_have_attrs(const struct owners *o)
{
	return o->attrs;
}

bool owners_have_groups(const struct owners *o)
{
	return o->groups;
}

bool owners_have_set_id(const struct owners *o)
{
	return o->set_id;
}

void owners_chown(struct owners *o, struct owner *file, uint32_t uid, uint32_t gid)
{
	file->uid = uid;
	file->gid = gid;
	o->groups = o->groups || gid;
}

void owners_set_id(struct owners *o, struct owner *file, mode_t mode)
{
	file->set_id = mode & (S_ISUID | S_ISGID);
	o->set_id = o->set_id || file->set_id;
}

/* --- attributes --- */

const struct owner_attr *owner_attr(const struct owner *file, const char *name)
{
	for (size_t i = 0; file && i < file->attr_count; i++)
		if (str_eq(file->attrs[i].name, name))
			return &file->attrs[i];
	return NULL;
}

void owner_attr_remove(struct owner *file, const char *name)
{
	for (size_t i = 0; i < file->attr_count; i++) {
		if (!str_eq(file->attrs[i].name, name))
			continue;
		attr_clear(&file->attrs[i]);
		file->attrs[i] = file->attrs[--file->attr_count];
		return;
	}
}

void owners_attr_put(struct owners *o, struct owner *file, const char *name, const void *value,
		     size_t len)
{
	owner_attr_remove(file, name);
	file->attrs = xreallocarray(file->attrs, file->attr_count + 1, sizeof(struct owner_attr));
	file->attrs[file->attr_count++] =
		(struct owner_attr){xstrdup(name), len ? xmemdup(value, len) : NULL, len};
	o->attrs = true;
}

void owners_attr_now(const struct owner_attr *attr, mode_t mode, struct str *ret)
{
	struct acl acl cleanup_acl = {0};

	if (str_eq(attr->name, ACL_ACCESS) && acl_parse(attr->value, attr->len, &acl) == 0) {
		acl_chmod(&acl, mode);
		acl_format(&acl, ret);
	} else if (attr->len) {
		str_append_len(ret, attr->value, attr->len);
	}
}

void owners_set_put(struct owners *o, const char *path, const char *name, const void *value,
		    size_t len)
{
	owner_set_vec_push(&o->sets, (struct owner_set){xstrdup(path),
							{xstrdup(name),
							 len ? xmemdup(value, len) : NULL, len}});
}

const struct owner_set *owners_sets(const struct owners *o, size_t *ret_count)
{
	*ret_count = o->sets.count;
	return o->sets.items;
}

/* --- the list --- */

static int from_hex(const char *text, struct str *ret)
{
	size_t len = strlen(text);

	if (str_eq(text, "-"))
		return 0;
	if (len % 2 || strspn(text, "0123456789abcdef") != len)
		return 1;
	for (size_t i = 0; i < len; i += 2) {
		char pair[3] = {text[i], text[i + 1], '\0'};

		str_append_char(ret, (char)strtoul(pair, NULL, 16));
	}
	return 0;
}

static int numbers(const struct line *w, size_t from, size_t count, uint64_t *ret)
{
	for (size_t i = 0; i < count; i++)
		if (str_u64(w->items[from + i], &ret[i]) != 0)
			return 1;
	return 0;
}

static int parse_attribute(struct owners *o, const struct line *w)
{
	struct str value cleanup_str = STR_INIT;
	uint64_t n[2];

	if (from_hex(w->items[w->count - 1], &value) != 0)
		return 1;
	if (line_is(w, "set", 4)) {
		owners_set_put(o, w->items[1], w->items[2], value.buf, value.len);
		return 0;
	}
	if (numbers(w, 1, 2, n) != 0)
		return 1;
	owners_attr_put(o, owners_add(o, n[0], n[1]), w->items[3], value.buf, value.len);
	return 0;
}

static int parse_device(struct owners *o, const struct line *w)
{
	struct owner *file;
	uint64_t n[2], device[2];
	bool block = str_eq(w->items[3], "b");

	if ((!block && !str_eq(w->items[3], "c")) || numbers(w, 1, 2, n) != 0 ||
	    numbers(w, 4, 2, device) != 0)
		return 1;
	file = owners_add(o, n[0], n[1]);
	file->type = block ? S_IFBLK : S_IFCHR;
	file->major = (uint32_t)device[0];
	file->minor = (uint32_t)device[1];
	return 0;
}

static int parse_set_id(struct owners *o, const struct line *w)
{
	const char *p = w->items[3];
	mode_t mode = 0;
	uint64_t n[2];

	if (*p == 'u')
		mode |= S_ISUID;
	p += *p == 'u';
	if (*p == 'g')
		mode |= S_ISGID;
	p += *p == 'g';
	if (!mode || *p || numbers(w, 1, 2, n) != 0)
		return 1;
	owners_set_id(o, owners_add(o, n[0], n[1]), mode);
	return 0;
}

/* 0, or 1: malformed. */
static int parse_record(struct owners *o, const struct line *w)
{
	uint64_t n[4];

	if (line_is(w, "owner", 5)) {
		if (numbers(w, 1, 4, n) != 0 || n[2] >= UINT32_MAX || n[3] >= UINT32_MAX)
			return 1;
		owners_chown(o, owners_add(o, n[0], n[1]), (uint32_t)n[2], (uint32_t)n[3]);
		return 0;
	}
	if (line_is(w, "device", 6))
		return parse_device(o, w);
	if (line_is(w, "set-id", 4))
		return parse_set_id(o, w);
	if (line_is(w, "attribute", 5) || line_is(w, "set", 4))
		return parse_attribute(o, w);
	return 1;
}

int owners_parse(struct owners *o, const char *text, size_t len, const char *name, struct err **err)
{
	const char *p = text, *end = text + len;
	size_t line = 1;
	int rc = 0;

	if (len < strlen(HEAD) || memcmp(text, HEAD, strlen(HEAD)) != 0)
		return err_set(err, E_OWNER_LIST, "'%s' is not a list of owners", name);
	p += strlen(HEAD);
	while (rc == 0 && p < end) {
		struct arena *arena cleanup_arena = arena_new();
		struct line w;

		line++;
		rc = line_read(arena, &p, end, &w);
		if (rc == 0)
			rc = parse_record(o, &w);
	}
	if (rc != 0)
		return err_set(err, E_OWNER_LIST, "'%s' is not a list of owners: line %zu", name,
			       line);
	return 0;
}

/* A path or name, as words want it: in quotation marks. */
static void format_attr(const struct owner_attr *a, struct str *ret)
{
	const unsigned char *p = a->value;

	str_append_char(ret, ' ');
	str_quote(ret, a->name);
	str_append(ret, a->len ? " " : " -");
	for (size_t i = 0; i < a->len; i++)
		str_printf(ret, "%02x", p[i]);
	str_append_char(ret, '\n');
}

static void format_file(const struct owner *file, struct str *ret)
{
	unsigned long long dev = file->dev, ino = file->ino;

	if (file->uid || file->gid)
		str_printf(ret, "owner %llu %llu %u %u\n", dev, ino, file->uid, file->gid);
	if (file->type)
		str_printf(ret, "device %llu %llu %c %u %u\n", dev, ino,
			   file->type == S_IFBLK ? 'b' : 'c', file->major, file->minor);
	if (file->set_id)
		str_printf(ret, "set-id %llu %llu %s%s\n", dev, ino,
			   file->set_id & S_ISUID ? "u" : "", file->set_id & S_ISGID ? "g" : "");
	for (size_t i = 0; i < file->attr_count; i++) {
		str_printf(ret, "attribute %llu %llu", dev, ino);
		format_attr(&file->attrs[i], ret);
	}
}

void owners_format(const struct owners *o, bool sets, struct str *ret)
{
	str_append(ret, HEAD);
	for (size_t i = 0; i < o->slot_count; i++)
		for (const struct owner *file = o->slots[i]; file; file = file->next)
			format_file(file, ret);
	for (size_t i = 0; sets && i < o->sets.count; i++) {
		str_append(ret, "set ");
		str_quote(ret, o->sets.items[i].path);
		format_attr(&o->sets.items[i].attr, ret);
	}
}
