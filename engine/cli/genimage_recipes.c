/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Partitions get the places that genimage gives them, as numbers, while all sizes before them are
 * known; it aligns each partition for itself, which a disk does not. Files are where genimage has
 * them by default: what images are made of in input/, the content of file systems in root/.
 */
#include "cli/genimage_recipes.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/str.h"
#include "media/disk/layout.h"

#define INPUT "input/"
#define UNKNOWN UINT64_MAX
#define GPT_TAIL ((uint64_t)33 * LAYOUT_SECTOR) /* of 128 entries */

/* ---- notes, and items by name ---- */

static void note(struct genimage *g, unsigned line, const char *fmt, ...) printf_like(3, 4);
static void note(struct genimage *g, unsigned line, const char *fmt, ...)
{
	va_list ap;
	char *text cleanup_free = NULL;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	strv_printf(&g->notes, "%s:%u: %s", g->file, line, text);
}

/* The last item of that name, which is used then; NULL. */
static struct conf_item *item(struct conf_item *c, const char *key)
{
	struct conf_item *found = NULL;

	for (size_t i = 0; c && i < c->count; i++) {
		if (!str_eq(c->items[i].key, key))
			continue;
		c->items[i].used = true;
		found = &c->items[i];
	}
	return found;
}

static const char *value(struct conf_item *c, const char *key)
{
	const struct conf_item *i = item(c, key);

	return i && i->values.count ? i->values.items[0] : NULL;
}

static bool is_on(struct conf_item *c, const char *key, bool def)
{
	const char *v = value(c, key);

	return !v ? def : str_eq(v, "true") || str_eq(v, "on") || str_eq(v, "yes");
}

/* "64M", "4k", "2s": 0, or 1 when it is something else. */
static int size_of(const char *text, uint64_t *ret)
{
	static const struct {
		char letter;
		uint64_t unit;
	} units[] = {{'s', 512},     {'k', 1 << 10}, {'K', 1 << 10},
		     {'M', 1 << 20}, {'G', 1 << 30}, {'\0', 1}};
	char *end;
	unsigned long long n = strtoull(text, &end, 0);

	if (end == text || (*end && end[1]))
		return 1;
	for (size_t i = 0; i < array_len(units); i++) {
		if (units[i].letter != *end)
			continue;
		*ret = n * units[i].unit;
		return 0;
	}
	return 1;
}

/* The size under KEY of C, 0 without one; UNKNOWN with a note when orch has no such size. */
static uint64_t size(struct genimage *g, struct conf_item *c, const char *key)
{
	const char *v = value(c, key);
	uint64_t n = 0;

	if (v && size_of(v, &n)) {
		note(g, item(c, key)->line, "'%s = %s' is not a number of bytes: say how many", key,
		     v);
		return UNKNOWN;
	}
	return n;
}

/* What nobody has asked for. */
static void note_unused(struct genimage *g, struct conf_item *c)
{
	static const char *const harmless[] = {"fill",       "sparse", "temporary",
					       "use-mke2fs", "name",   NULL};

	for (size_t i = 0; i < c->count; i++) {
		struct conf_item *k = &c->items[i];
		bool skip = k->used;

		for (size_t h = 0; harmless[h]; h++)
			skip = skip || str_eq(k->key, harmless[h]);
		if (!skip)
			note(g, k->line, "'%s' has no counterpart", k->key);
	}
}

/* ---- names ---- */

/* A node's name for an image: "sdcard.img" is sdcard, "rootfs.ext4" rootfs-ext4. Caller frees. */
static char *node_name(const char *image)
{
	size_t len = strlen(image);
	char *s = xstrndup(image, str_ends(image, ".img") ? len - 4 : len);

	for (char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_+-", *p))
			*p = '-';
	return s;
}

static struct conf_item *image_named(struct genimage *g, const char *name)
{
	for (size_t i = 0; i < g->conf.count; i++) {
		struct conf_item *c = &g->conf.items[i];

		if (str_eq(c->key, "image") && c->title && str_eq(c->title, name))
			return c;
	}
	return NULL;
}

static const char *const handlers[] = {"hdimage",  "vfat",  "ext2", "ext3", "ext4",
				       "squashfs", "erofs", "file", NULL};

/* The section that says what image C is. */
static struct conf_item *handler(struct conf_item *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].section && !str_eq(c->items[i].key, "partition"))
			return &c->items[i];
	return NULL;
}

static bool is_known(const struct conf_item *h)
{
	for (size_t i = 0; h && handlers[i]; i++)
		if (str_eq(h->key, handlers[i]))
			return true;
	return false;
}

/* What a recipe names to have IMAGE: a node, or a file. Caller frees. */
static char *reference(struct genimage *g, const char *image)
{
	struct conf_item *c = image_named(g, image), *h = c ? handler(c) : NULL;

	if (is_known(h) && !str_eq(h->key, "file"))
		return node_name(image);
	if (h && str_eq(h->key, "file") && value(h, "name"))
		image = value(h, "name");
	return *image == '/' ? xstrdup(image) : xasprintf(INPUT "%s", image);
}

/* How large IMAGE is, as far as it can be seen. */
static uint64_t image_size(struct genimage *g, const char *image)
{
	struct conf_item *c = image_named(g, image);
	char *path cleanup_free = NULL;
	const char *given = c ? value(c, "size") : NULL;
	uint64_t n;
	struct stat st;

	if (c && is_known(handler(c)) && !str_eq(handler(c)->key, "file"))
		return given && size_of(given, &n) == 0 && n ? n : UNKNOWN;
	path = reference(g, image);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : UNKNOWN;
}

/* ---- disks ---- */

struct disk {
	struct genimage *g;
	enum layout_table table;
	uint64_t align, now, size;
	size_t in_table; /* partitions of the table, and how many came */
	size_t count;
	struct str areas, parts;
	struct strv names;
};

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return n == UNKNOWN || !unit ? n : (n + unit - 1) / unit * unit;
}

static enum layout_table table_of(struct genimage *g, struct conf_item *h)
{
	const char *type = value(h, "partition-table-type");

	if (item(h, "partition-table"))
		return is_on(h, "partition-table", true) ? LAYOUT_MBR : LAYOUT_NONE;
	if (item(h, "gpt"))
		return is_on(h, "gpt", false) ? LAYOUT_GPT : LAYOUT_MBR;
	if (!type || str_eq(type, "mbr") || str_eq(type, "dos"))
		return LAYOUT_MBR;
	if (str_eq(type, "hybrid"))
		return LAYOUT_HYBRID;
	if (!str_eq(type, "gpt") && !str_eq(type, "none"))
		note(g, item(h, "partition-table-type")->line, "there is no table '%s'", type);
	return str_eq(type, "none") ? LAYOUT_NONE : LAYOUT_GPT;
}

/* genimage's letters and words for GUIDs, where they are not those of a disk. */
static const char *gpt_type(struct disk *d, struct conf_item *p)
{
	static const char *const words[][2] = {{"L", "linux-generic"}, {"linux", "linux-generic"},
					       {"S", "swap"},          {"H", "home"},
					       {"U", "esp"},           {"uefi", "esp"},
					       {"F", "basic-data"},    {"fat32", "basic-data"}};
	const char *type = value(p, "partition-type-uuid");
	char buf[37];

	if (!type)
		return "linux-generic";
	for (size_t i = 0; i < array_len(words); i++)
		if (str_eq(type, words[i][0]))
			return words[i][1];
	if (layout_type_guid(type, buf))
		return type;
	note(d->g, item(p, "partition-type-uuid")->line,
	     "the type '%s' has no word here: write its GUID", type);
	return "linux-generic";
}

/* A name that no other one of the disk has. Caller frees. */
static char *part_name(struct disk *d, const char *title)
{
	char *name = node_name(title && *title ? title : "part");
	unsigned n = 1;

	if (strlen(name) > 30)
		name[30] = '\0';
	for (size_t i = 0; i < d->names.count; i++) {
		if (!str_eq(d->names.items[i], name))
			continue;
		free(name);
		name = xasprintf("%.28s-%u", title, ++n);
		i = (size_t)-1;
	}
	strv_push(&d->names, name);
	return name;
}

static void add_number(struct str *s, const char *key, uint64_t n)
{
	const char *unit = n && n % (1 << 20) == 0 ? "M" : n && n % (1 << 10) == 0 ? "K" : "";
	uint64_t of = *unit == 'M' ? 1 << 20 : *unit ? 1 << 10 : 1;

	str_printf(s, ", %s: %llu%s", key, (unsigned long long)(n / of), unit);
}

/* Where the partition begins, by genimage's rules; UNKNOWN behind what has no size yet. */
static uint64_t place(struct disk *d, struct conf_item *p, bool listed, bool logical)
{
	uint64_t at = size(d->g, p, "offset"), align = size(d->g, p, "align");

	if (!align || align == UNKNOWN)
		align = listed || d->table == LAYOUT_NONE ? d->align : 1;
	if (logical && d->now != UNKNOWN)
		d->now = round_up(round_up(d->now, d->count == 3 ? d->align : 1) + d->align, align);
	if (at || (!listed && d->table != LAYOUT_NONE))
		return at;
	return round_up(d->now, align);
}

/* How large it is; of what may grow, what is left of a disk whose size is given. */
static uint64_t extent(struct disk *d, struct conf_item *p, bool listed, uint64_t at)
{
	const char *image = value(p, "image");
	uint64_t n = size(d->g, p, "size");
	uint64_t tail = layout_has_gpt(d->table) ? GPT_TAIL : 0;

	if (is_on(p, "autoresize", false)) {
		if (d->size && d->size != UNKNOWN && at != UNKNOWN)
			return (d->size - at - tail) / d->align * d->align;
		note(d->g, item(p, "autoresize")->line,
		     "'autoresize' needs a 'size' of the image: say 'size' and 'grow: true'");
	}
	if (n)
		return n;
	return image ? round_up(image_size(d->g, image), listed ? d->align : 1) : UNKNOWN;
}

static void add_area(struct disk *d, struct conf_item *p, const char *name, uint64_t at, uint64_t n)
{
	const char *image = value(p, "image");
	char *ref cleanup_free = image ? reference(d->g, image) : NULL;

	str_printf(&d->areas, "  - {name: %s, at: %llu", name, (unsigned long long)at);
	if (value(p, "size") && n != UNKNOWN)
		add_number(&d->areas, "size", n);
	if (ref && !value(p, "imageoffset"))
		str_printf(&d->areas, ", from: \"%s\"", ref);
	else if (!value(p, "size"))
		str_append(&d->areas, ", size: 512");
	str_append(&d->areas, "}\n");
	if (at % LAYOUT_SECTOR)
		note(d->g, p->line, "area '%s' begins at byte %llu, which is not a multiple of 512",
		     name, (unsigned long long)at);
}

static void add_types(struct disk *d, struct conf_item *p)
{
	const char *mbr = value(p, "partition-type");
	unsigned long byte = mbr ? strtoul(mbr, NULL, 0) : 0;

	if (layout_has_gpt(d->table))
		str_printf(&d->parts, ", type: %s", gpt_type(d, p));
	if (d->table == LAYOUT_HYBRID && byte)
		str_printf(&d->parts, ", mbr-type: 0x%02lx", byte & 0xff);
	if (d->table != LAYOUT_MBR)
		return;
	if (!byte)
		note(d->g, p->line, "partition '%s' has no type in the MBR: it gets 0x83",
		     p->title);
	str_printf(&d->parts, ", type: 0x%02lx", byte ? byte & 0xff : 0x83);
}

/* A GUID, as genimage takes it from the configuration; it makes others at random. */
static void add_uuid(struct genimage *g, struct conf_item *c, const char *key, const char *before,
		     struct str *to, const char *after)
{
	const char *text = value(c, key);
	unsigned char id[16];

	if (text && uuid_parse(text, id) == 0)
		str_printf(to, "%s%s%s", before, text, after);
	else if (text)
		note(g, item(c, key)->line, "'%s = %s' is not a UUID: one is derived from names",
		     key, text);
}

static void add_signature(struct genimage *g, struct conf_item *h, struct str *to)
{
	const char *text = value(h, "disk-signature");
	char *end = NULL;
	unsigned long n = text ? strtoul(text, &end, 0) : 0;

	if (text && !*end && n && n <= UINT32_MAX)
		str_printf(to, "uuid: \"%08lx\"\n", n);
	else if (text)
		note(g, item(h, "disk-signature")->line,
		     "'disk-signature = %s' is not a number: one is derived from names", text);
}

static void add_part(struct disk *d, struct conf_item *p, const char *name, uint64_t at, uint64_t n)
{
	const char *image = value(p, "image");
	char *ref cleanup_free = image ? reference(d->g, image) : NULL;

	str_printf(&d->parts, "  - {name: %s", name);
	add_types(d, p);
	if (layout_has_gpt(d->table))
		add_uuid(d->g, p, "partition-uuid", ", uuid: ", &d->parts, "");
	if (is_on(p, "bootable", false))
		str_append(&d->parts, ", active: true");
	if (ref && !value(p, "imageoffset"))
		str_printf(&d->parts, ", from: \"%s\"", ref);
	if (n != UNKNOWN)
		add_number(&d->parts, "size", n);
	else if (!ref)
		note(d->g, p->line, "partition '%s' has no size", name);
	if (at != UNKNOWN && at)
		add_number(&d->parts, "at", at);
	str_append(&d->parts, "}\n");
}

static void convert_part(struct disk *d, struct conf_item *p)
{
	bool listed = is_on(p, "in-partition-table", true) && d->table != LAYOUT_NONE;
	bool logical = listed && d->table == LAYOUT_MBR && d->in_table > 4 && d->count >= 3;
	char *name cleanup_free = part_name(d, p->title);
	uint64_t at = place(d, p, listed, logical), n = extent(d, p, listed, at);

	if (listed || d->table == LAYOUT_NONE)
		add_part(d, p, name, at, n);
	else
		add_area(d, p, name, at, n);
	if (listed && d->count && at < d->now && d->now != UNKNOWN)
		note(d->g, p->line,
		     "partition '%s' begins before the end of one that comes first: put them in "
		     "the order of their places",
		     name);
	d->count += listed;
	if (at == UNKNOWN || n == UNKNOWN)
		d->now = UNKNOWN;
	else if (d->now != UNKNOWN && at + n > d->now)
		d->now = at + n;
	if (value(p, "imageoffset"))
		note(d->g, item(p, "imageoffset")->line,
		     "'imageoffset': cut the image in a 'run' node, and name that in 'from'");
	note_unused(d->g, p);
}

static void count_listed(struct disk *d, struct conf_item *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->items[i].key, "partition"))
			d->in_table += is_on(&c->items[i], "in-partition-table", true);
}

static void convert_disk(struct genimage *g, struct conf_item *c, struct conf_item *h,
			 struct str *ret)
{
	struct disk d = {.g = g, .table = table_of(g, h), .size = size(g, c, "size")};
	static const char *const words[] = {"gpt", "mbr", "hybrid", "none"};
	uint64_t entries_at = size(g, h, "gpt-location");
	struct layout head = {.table = d.table, .entries_at = entries_at};
	const char *extended = value(h, "extended-partition");

	d.align = size(g, h, "align");
	if (!d.align || d.align == UNKNOWN)
		d.align = d.table == LAYOUT_NONE ? 1 : LAYOUT_SECTOR;
	d.now = layout_head(&head);
	count_listed(&d, c);
	for (size_t i = 0; i < c->count; i++) {
		if (!str_eq(c->items[i].key, "partition"))
			continue;
		c->items[i].used = true;
		convert_part(&d, &c->items[i]);
	}
	if (extended && !str_eq(extended, "0") && (!str_eq(extended, "4") || d.in_table <= 4))
		note(g, item(h, "extended-partition")->line,
		     "'extended-partition = %s': with more than four partitions the fourth is the "
		     "extended one, else there is none",
		     extended);
	str_printf(ret, "kind: disk\ntable: %s\nalign: %llu\n", words[d.table],
		   (unsigned long long)(d.in_table > 4 && d.table == LAYOUT_MBR ? d.align
										: LAYOUT_SECTOR));
	if (layout_has_gpt(d.table))
		add_uuid(g, h, "disk-uuid", "uuid: ", ret, "\n");
	else if (d.table == LAYOUT_MBR)
		add_signature(g, h, ret);
	if (entries_at && entries_at != UNKNOWN && layout_has_gpt(d.table))
		str_printf(ret, "gpt-entries-offset: %llu\n", (unsigned long long)entries_at);
	if (!d.size && d.now != UNKNOWN && layout_has_gpt(d.table)) /* it ends on 4 KiB */
		d.size = round_up(d.now + GPT_TAIL, 4096);
	if (d.size && d.size != UNKNOWN)
		str_printf(ret, "size: %llu\n", (unsigned long long)d.size);
	if (d.areas.len)
		str_printf(ret, "reserved:\n%s", d.areas.buf);
	str_printf(ret, "partitions:\n%s", d.parts.len ? d.parts.buf : "  []\n");
	if (!d.parts.len)
		note(g, c->line, "disk '%s' has no partition at all", c->title);
	str_release(&d.areas);
	str_release(&d.parts);
	strv_clear(&d.names);
}

/* ---- file systems ---- */

static void add_copy(struct genimage *g, const char *image, const char *to, struct str *ret)
{
	struct conf_item *c = image_named(g, image);
	char *ref cleanup_free = reference(g, image);

	if (c && is_known(handler(c)) && !str_eq(handler(c)->key, "file"))
		str_printf(ret, "  - {copy: \"%s:%s.img\", to: \"/%s\"}\n", ref, ref, to);
	else
		str_printf(ret, "  - {copy: \"%s\", to: \"/%s\"}\n", ref, to);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Files by name, else what lies below a directory. */
static void convert_content(struct genimage *g, struct conf_item *c, struct conf_item *h,
			    struct str *ret)
{
	const char *mount = value(c, "mountpoint"), *from = value(c, "srcpath");
	const struct conf_item *files = item(h, "files");
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; files && i < files->values.count; i++)
		add_copy(g, files->values.items[i], base_of(files->values.items[i]), &s);
	for (size_t i = 0; i < h->count; i++) {
		struct conf_item *f = &h->items[i];

		if (!str_eq(f->key, "file") || !f->title)
			continue;
		f->used = true;
		add_copy(g, value(f, "image") ? value(f, "image") : f->title, f->title, &s);
		note_unused(g, f);
	}
	if (!s.len && from)
		str_printf(&s, "  - {copy: \"%s/\", to: /}\n", from);
	else if (!s.len && !is_on(c, "empty", false))
		str_printf(&s, "  - {copy: \"root%s%s/\", to: /}\n",
			   mount && *mount && *mount != '/' ? "/" : "",
			   mount && !str_eq(mount, "/") ? mount : "");
	str_printf(ret, "contents:%s%s", s.len ? "\n" : " []\n", s.len ? s.buf : "");
}

static void convert_filesystem(struct genimage *g, struct conf_item *c, struct conf_item *h,
			       struct str *ret)
{
	bool ext = str_skip(h->key, "ext") != NULL;
	const char *label = value(h, "label"), *compression = value(h, "compression");
	uint64_t n = size(g, c, "size");

	if (ext && !str_eq(h->key, "ext4"))
		note(g, h->line, "%s becomes ext4, which has a journal and extents", h->key);
	str_printf(ret, "kind: image\nfilesystem: %s\n", ext ? "ext4" : h->key);
	if (n && n != UNKNOWN)
		str_printf(ret, "size: %llu\n", (unsigned long long)n);
	else
		str_append(ret, "size: auto\n");
	if (label)
		str_printf(ret, "label: \"%s\"\n", label);
	if (compression)
		str_printf(ret, "compression: \"%s\"\n", compression);
	if (str_eq(h->key, "squashfs") && value(h, "block-size"))
		str_printf(ret, "block-size: %llu\n", (unsigned long long)size(g, h, "block-size"));
	convert_content(g, c, h, ret);
}

/* ---- */

static void convert_image(struct genimage *g, struct conf_item *c)
{
	struct conf_item *h = handler(c);
	struct str text cleanup_str = STR_INIT;
	char *name cleanup_free = node_name(c->title ? c->title : "image");

	if (!is_known(h)) {
		note(g, h ? h->line : c->line,
		     "image '%s': %s%s%s has no counterpart: make it in a "
		     "'run' node",
		     c->title, h ? "'" : "", h ? h->key : "what it is", h ? "'" : "");
		return;
	}
	h->used = true;
	for (size_t i = 0; i < g->names.count; i++)
		if (str_eq(g->names.items[i], name))
			note(g, c->line, "image '%s' is made twice: both are '%s'", c->title, name);
	str_printf(&text, "# From %s:%u, image '%s'.\n", g->file, c->line, c->title);
	if (str_eq(h->key, "hdimage"))
		convert_disk(g, c, h, &text);
	else if (!str_eq(h->key, "file"))
		convert_filesystem(g, c, h, &text);
	note_unused(g, h);
	note_unused(g, c);
	if (str_eq(h->key, "file"))
		return; /* those that name it take the file */
	strv_push(&g->names, name);
	strv_push(&g->recipes, text.buf);
}

void genimage_convert(struct genimage *g)
{
	for (size_t i = 0; i < g->conf.count; i++) {
		struct conf_item *c = &g->conf.items[i];

		if (str_eq(c->key, "image") && c->section && c->title)
			convert_image(g, c);
		else
			note(g, c->line, "'%s' has no counterpart", c->key);
	}
}

void genimage_clear(struct genimage *g)
{
	conf_item_clear(&g->conf);
	strv_clear(&g->notes);
	strv_clear(&g->names);
	strv_clear(&g->recipes);
}
