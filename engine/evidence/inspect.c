/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"
#include "base/map_fault.h"
#include "base/path.h"
#include "base/str.h"
#include "kinds/image/look.h"
#include "kinds/pki/x509.h"
#include "media/ext4/ext4.h"
#include "media/fat/fat.h"

#define SAMPLES 256
#define LIKELY 300 /* permille of an image that samples must find, for all of it to be compared */
#define NEAR 100   /* permille of its data that may differ in what is near it */
#define TEXT_MAX (1u << 20)

/* ---- which image it is ---- */

static struct block_place place_of(const struct inspect *c, const struct inspect_part *p,
				   const struct inspect_image *image)
{
	return (struct block_place){c->file, p->part->start, image->place.size};
}

/* The most of any image that the samples found, in permille. */
static int best_of(struct inspect *c, const struct inspect_part *p, unsigned *permille,
		   unsigned *ret_best, struct err **err)
{
	*ret_best = 0;
	for (size_t i = 0; i < c->images.count; i++) {
		const struct inspect_image *image = &c->images.items[i];
		struct block_place place = place_of(c, p, image);

		permille[i] = 0;
		if (!image->place.size || image->place.size > p->part->size)
			continue;
		if (blocks_sample(&place, &image->place, SAMPLES, &permille[i], err) < 0)
			return -1;
		if (permille[i] > *ret_best)
			*ret_best = permille[i];
	}
	return 0;
}

static void join(struct inspect *c, const char **list, const char *name)
{
	*list = *list ? arena_printf(c->arena, "%s, %s", *list, name) : name;
}

static bool is_near(const struct blocks *b)
{
	return b->changed * 1000 <= (b->blocks - b->zero) * NEAR;
}

/* Compares with all of IMAGES that the samples liked best; *RET is the nearest, NULL: none is. */
static int find_image(struct inspect *c, struct inspect_part *p, struct blocks *ret_blocks,
		      const struct inspect_image **ret, struct err **err)
{
	unsigned *permille cleanup_free = xcalloc(c->images.count + 1, sizeof(*permille)), best;
	const char *name = NULL;

	if (best_of(c, p, permille, &best, err) < 0)
		return -1;
	for (size_t i = 0; i < c->images.count && best >= LIKELY; i++) {
		const struct inspect_image *image = &c->images.items[i];
		struct block_place place = place_of(c, p, image);
		struct blocks b;

		if (permille[i] != best)
			continue;
		if (blocks_compare(&image->place, &place, &b, err) < 0)
			return -1;
		if (*ret && b.changed == ret_blocks->changed)
			join(c, &name, image->name);
		if (*ret && b.changed >= ret_blocks->changed) {
			blocks_clear(&b);
			continue;
		}
		blocks_clear(ret_blocks);
		*ret_blocks = b;
		*ret = image;
		name = image->name;
	}
	if (*ret && !ret_blocks->changed)
		p->release = name;
	else if (*ret && is_near(ret_blocks))
		p->near = name;
	else
		*ret = NULL;
	return 0;
}

/* ---- whose blocks differ ---- */

struct owner_walk {
	struct arena *arena;
	const struct block_ranges *changes;
	struct map bytes; /* path -> uint64_t * */
	uint64_t told;
};

/* The first change that ends after AT. */
static size_t first_change(const struct block_ranges *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->items[middle].at + r->items[middle].size <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void take_owner(void *arg, uint64_t at, uint64_t size, const char *name)
{
	struct owner_walk *w = arg;
	size_t i = first_change(w->changes, at);
	uint64_t *sum, bytes = 0;

	for (; i < w->changes->count && w->changes->items[i].at < at + size; i++) {
		const struct block_range *r = &w->changes->items[i];
		uint64_t from = r->at > at ? r->at : at;
		uint64_t to = r->at + r->size < at + size ? r->at + r->size : at + size;

		bytes += to - from;
	}
	if (!bytes)
		return;
	sum = map_get(&w->bytes, *name ? name : "/");
	if (!sum) {
		sum = arena_alloc(w->arena, sizeof(*sum));
		map_set(&w->bytes, arena_strdup(w->arena, *name ? name : "/"), sum);
	}
	*sum += bytes;
	w->told += bytes;
}

static void take_free(void *arg, uint64_t at, uint64_t size)
{
	take_owner(arg, at, size, "(free)");
}

/* 1: orch does not know the file system. */
static int tell_owners(const struct block_place *p, struct owner_walk *w, struct err **err)
{
	int rc = ext4_each_owner(p->file, p->at, take_owner, w, err);

	if (rc == 0)
		return ext4_each_free(p->file, p->at, take_free, w, err);
	if (rc == 1)
		rc = fat_each_owner(p->file, p->at, p->size, take_owner, w, err);
	if (rc == 0)
		rc = fat_each_free(p->file, p->at, p->size, take_free, w, err);
	return rc;
}

/* ---- whose inodes differ ---- */

struct inode_walk {
	struct inspect *c;
	struct inspect_part *part;
	const struct block_ranges *changes;
	int fd[2];         /* of the image, of the card */
	uint64_t start[2]; /* of the file system in it */
	struct map told;   /* places, as text */
	bool on_card;      /* it goes through the card */
};

static bool differs_at(const struct block_ranges *r, uint64_t at, uint64_t size)
{
	size_t i = first_change(r, at);

	return i < r->count && r->items[i].at < at + size;
}

static void take_inode(void *arg, uint64_t at, uint64_t size, const char *name)
{
	struct inode_walk *w = arg;
	const char *place = arena_printf(w->c->arena, "%llu", (unsigned long long)at);
	unsigned char bytes[2][EXT4_INODE_MAX];
	struct str s cleanup_str = STR_INIT;

	if (size > EXT4_INODE_MAX || !differs_at(w->changes, at, size) || map_get(&w->told, place))
		return;
	for (int i = 0; i < 2; i++) {
		if (pread(w->fd[i], bytes[i], size, (off_t)(w->start[i] + at)) != (ssize_t)size)
			return;
	}
	ext4_inode_changes(bytes[0], bytes[1], size, &s);
	if (!s.len)
		return;
	map_set(&w->told, place, w);
	inspect_inodes_push(&w->part->inodes,
			    (struct inspect_inode){arena_strdup(w->c->arena, *name ? name : "/"),
						   w->on_card ? "only on the card"
							      : arena_strdup(w->c->arena, s.buf)});
}

/* What of the card's tables of inodes cannot be read is told with the rest. */
static int find_inodes(struct inspect *c, struct inspect_part *p,
		       const struct block_ranges *changes, const struct inspect_image *image,
		       struct err **err)
{
	int a cleanup_fd = open(image->place.file, O_RDONLY | O_CLOEXEC);
	int b cleanup_fd = open(c->file, O_RDONLY | O_CLOEXEC);
	struct inode_walk w = {.c = c,
			       .part = p,
			       .changes = changes,
			       .fd = {a, b},
			       .start = {image->place.at, p->part->start}};
	struct err *ignored cleanup_err = NULL;
	int rc;

	if (a < 0 || b < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'",
				 a < 0 ? image->place.file : c->file);
	rc = ext4_each_inode(image->place.file, image->place.at, take_inode, &w, err);
	w.on_card = true;
	if (rc == 0)
		(void)!ext4_each_inode(c->file, p->part->start, take_inode, &w, &ignored);
	map_clear(&w.told);
	return rc;
}

static int find_owners(struct inspect *c, struct inspect_part *p, const struct blocks *b,
		       const struct inspect_image *image, struct err **err)
{
	struct owner_walk w = {.arena = c->arena, .changes = &b->changes};
	uint64_t all = b->changed * BLOCK_BYTES;
	int rc = 0;

	p->changed = b->changed;
	if (b->changed)
		rc = tell_owners(&image->place, &w, err);
	for (size_t i = 0; i < w.bytes.count; i++)
		inspect_files_push(&p->files,
				   (struct inspect_file){w.bytes.entries[i].key,
							 *(uint64_t *)w.bytes.entries[i].value});
	if (b->changed && rc == 0 && w.told < all)
		inspect_files_push(&p->files, (struct inspect_file){"(file system)", all - w.told});
	map_clear(&w.bytes);
	if (b->changed && rc == 0)
		rc = find_inodes(c, p, &b->changes, image, err);
	return rc < 0 ? -1 : 0;
}

/* ---- what is in it ---- */

static char *text_at(const struct tree *t, const char *path, size_t *ret_len)
{
	const struct tree_entry *e = tree_resolve(t, path);

	if (!e || !S_ISREG(e->inode->mode))
		return NULL;
	if (ret_len)
		*ret_len = (size_t)e->inode->size;
	return tree_inode_text(e->inode, TEXT_MAX);
}

/* VALUE of a line "KEY=VALUE" of TEXT, without quotation marks; or NULL. */
static const char *value_of(struct arena *arena, const char *text, const char *key)
{
	for (const char *p = text; p && *p; p = strchr(p, '\n'), p += p != NULL) {
		const char *value = str_skip(p, key);

		if (value && *value == '=') {
			value += 1 + (value[1] == '"');
			return arena_strndup(arena, value, strcspn(value, "\"\r\n"));
		}
	}
	return NULL;
}

struct certificates {
	struct inspect *c;
	struct inspect_part *part;
};

static void take_certificate(void *arg, const char *subject, int64_t not_before, int64_t not_after)
{
	struct certificates *s = arg;

	inspect_certificates_push(&s->part->certificates,
				  (struct inspect_certificate){arena_strdup(s->c->arena, subject),
							       not_before, not_after});
}

/* The keyring that its RAUC trusts: a path below /etc/rauc, or an absolute one. */
static void read_keyring(struct inspect *c, struct inspect_part *p, const struct tree *t)
{
	char *conf cleanup_free = text_at(t, "etc/rauc/system.conf", NULL);
	char *pem cleanup_free = NULL;
	const char *section = conf ? strstr(conf, "[keyring]") : NULL;
	const char *path = value_of(c->arena, section, "path");
	struct certificates all = {c, p};
	size_t len;

	if (!path)
		path = "keyring.pem";
	if (*path != '/')
		path = arena_printf(c->arena, "etc/rauc/%s", path);
	pem = text_at(t, path, &len);
	p->keyring_unread = pem && x509_each(pem, len, take_certificate, &all) < 0;
}

static void read_tree(struct inspect *c, struct inspect_part *p, const struct tree *t)
{
	char *text cleanup_free = text_at(t, "etc/os-release", NULL);
	const char *version = value_of(c->arena, text, "IMAGE_VERSION");

	p->version = version ? version : value_of(c->arena, text, "VERSION_ID");
	read_keyring(c, p, t);
}

static void look_at(struct inspect *c, struct inspect_part *p)
{
	struct look l cleanup_look = {.offset = p->part->start, .size = p->part->size};
	struct err *why cleanup_err = NULL;
	unsigned faults;

	l.scratch = arena_printf(c->arena, "%s/%zu", c->scratch, c->parts.count);
	map_faults_begin();
	if (path_mkdirs(l.scratch, &why) == 0 && look_into(&l, c->file, "", false, &why) == 0) {
		if (l.tree)
			read_tree(c, p, l.tree);
	} else {
		p->unread = arena_strdup(c->arena, why->text);
	}
	faults = map_faults_end();
	if (faults)
		p->unread = arena_printf(c->arena, "the disk has an error, in %u page%s", faults,
					 faults == 1 ? "" : "s");
	p->format = l.format ? l.format : "file";
}

/* ---- a partition ---- */

static const char *bootname_of(const struct inspect *c, const char *partition)
{
	for (size_t i = 0; c->target && i < c->target->slots.count; i++) {
		if (str_eq(c->target->slots.items[i].partition, partition))
			return c->target->slots.items[i].bootname;
	}
	return NULL;
}

static int inspect_partition(struct inspect *c, int fd, size_t i, struct err **err)
{
	struct inspect_part *p = inspect_parts_at_end(&c->parts);
	struct blocks blocks cleanup_blocks = {0};
	const struct inspect_image *image = NULL;
	char *name cleanup_free = look_part_name(&c->table.parts, i);

	p->part = &c->table.parts.items[i];
	p->name = arena_strdup(c->arena, name);
	p->bootname = bootname_of(c, name);
	p->is_state = c->state_partition && str_eq(name, c->state_partition);
	p->cut = p->part->start + p->part->size > c->table.size;
	look_at(c, p);
	p->state = ext4_state(fd, p->part->start);
	if (!p->state)
		p->state = fat_state(fd, p->part->start);
	if (find_image(c, p, &blocks, &image, err) < 0)
		return -1;
	return image ? find_owners(c, p, &blocks, image, err) : 0;
}

/* ---- a card ---- */

/* Whether an area is as it was erased: nothing was saved there yet. */
static bool is_blank(int fd, const struct target_area *area)
{
	unsigned char buf[4096], first = 0;

	for (uint64_t at = 0; at < area->size; at += sizeof(buf)) {
		uint64_t left = area->size - at;
		size_t len = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		if (pread(fd, buf, len, (off_t)(area->at + at)) != (ssize_t)len)
			return false;
		if (!at)
			first = buf[0];
		if ((first && first != 0xff) || buf[0] != first || memcmp(buf, buf + 1, len - 1))
			return false;
	}
	return true;
}

/* Whether each copy is valid, or was never saved. */
static bool environment_is_well(const struct inspect *c)
{
	for (size_t i = 0; i < c->target->area_count; i++) {
		if (!c->vars.copies.ok[i] && !c->blank[i])
			return false;
	}
	return c->has_environment;
}

/* What cannot be read is told with the rest. */
static void read_environment(struct inspect *c, int fd)
{
	struct err *why cleanup_err = NULL;

	if (!c->target)
		return;
	c->no_environment = c->target->unreadable;
	if (!c->target->chooser)
		return;
	c->vars.counts = -1;
	if (c->target->chooser->read(fd, c->target, &c->vars, &why) < 0) {
		c->no_environment = arena_strdup(c->arena, why->text);
		return;
	}
	for (size_t i = 0; i < c->target->area_count; i++)
		c->blank[i] = is_blank(fd, &c->target->areas[i]);
	c->target->chooser->get(&c->vars, c->target, &c->state);
	c->has_environment = true;
}

int inspect_card(struct inspect *c, struct err **err)
{
	int fd cleanup_fd = open(c->file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'", c->file);
	table_read(fd, table_disk_size(fd), &c->table);
	read_environment(c, fd);
	for (size_t i = 0; i < c->table.parts.count; i++) {
		if (inspect_partition(c, fd, i, err) < 0)
			return -1;
	}
	return 0;
}

bool inspect_is_well(const struct inspect *c)
{
	const struct table *t = &c->table;
	bool well =
		t->parts.count && (!t->gpt || (t->equal && t->protective && t->size >= t->said));

	if (c->target && c->target->chooser)
		well = well && environment_is_well(c);
	for (size_t i = 0; i < c->parts.count && well; i++) {
		const struct inspect_part *p = &c->parts.items[i];

		well = !p->cut && !p->unread && !(p->state && !str_eq(p->state, "clean")) &&
		       (!p->changed || p->is_state) &&
		       !(p->bootname && c->images.count && !p->release);
	}
	return well;
}

void inspect_clear(struct inspect *c)
{
	for (size_t i = 0; i < c->parts.count; i++) {
		inspect_files_clear(&c->parts.items[i].files);
		inspect_inodes_clear(&c->parts.items[i].inodes);
		inspect_certificates_clear(&c->parts.items[i].certificates);
	}
	inspect_parts_clear(&c->parts);
	inspect_images_clear(&c->images);
	boot_vars_clear(&c->vars);
	boot_state_clear(&c->state);
	table_clear(&c->table);
}
