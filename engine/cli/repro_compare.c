/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/repro_compare.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/image/look.h"
#include "media/tree/sizes.h"

#define GUESS_MAX (4u << 20) /* bytes of a file that its cause is guessed from */

struct comparison {
	struct arena *arena;
	const char *scratch;
	const struct repro_side *side[2];
	struct repro_difference *ret;
	struct block_ranges changes;
	unsigned looks;
};

/* ---- blocks ---- */

/* Up to a block of FD from AT on; a file may end before it does. */
static ssize_t block_of(int fd, uint64_t at, char buf[BLOCK_BYTES])
{
	size_t have = 0;
	ssize_t n;

	while (have < BLOCK_BYTES &&
	       (n = pread(fd, buf + have, BLOCK_BYTES - have, (off_t)(at + have))) != 0) {
		if (n < 0)
			return -1;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* The first byte that differs is in the block AT. */
static int find_byte(struct comparison *c, const int fd[2], uint64_t at, struct err **err)
{
	char x[BLOCK_BYTES], y[BLOCK_BYTES];
	ssize_t n = block_of(fd[0], at, x), m = block_of(fd[1], at, y), i = 0;

	if (n < 0 || m < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'",
				 c->side[n < 0 ? 0 : 1]->file);
	while (i < n && i < m && x[i] == y[i])
		i++;
	c->ret->offset = at + (uint64_t)i;
	return 0;
}

static uint64_t blocks_of(uint64_t bytes)
{
	return bytes / BLOCK_BYTES + (bytes % BLOCK_BYTES != 0);
}

/* Blocks that only the longer one has differ from nothing. */
static int find_changes(struct comparison *c, uint64_t a_size, uint64_t b_size, struct err **err)
{
	uint64_t shorter = a_size < b_size ? a_size : b_size, longer = a_size ^ b_size ^ shorter;
	uint64_t both = a_size == b_size ? shorter : shorter / BLOCK_BYTES * BLOCK_BYTES;
	const struct block_place before = {c->side[0]->file, 0, both};
	const struct block_place after = {c->side[1]->file, 0, both};
	struct blocks blocks cleanup_blocks = {0};

	if (blocks_compare(&before, &after, &blocks, err) < 0)
		return -1;
	c->changes = blocks.changes;
	blocks.changes = (struct block_ranges){0};
	c->ret->compared = blocks_of(longer);
	c->ret->blocks = blocks.changed + c->ret->compared - blocks_of(both);
	if (a_size != b_size)
		block_ranges_push(&c->changes, (struct block_range){both, blocks_of(longer - both) *
										  BLOCK_BYTES});
	return 0;
}

static int compare_blocks(struct comparison *c, struct err **err)
{
	int a cleanup_fd = open(c->side[0]->file, O_RDONLY | O_CLOEXEC);
	int b cleanup_fd = open(c->side[1]->file, O_RDONLY | O_CLOEXEC);
	struct stat x, y;

	if (a < 0 || b < 0 || fstat(a, &x) < 0 || fstat(b, &y) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'",
				 c->side[a < 0 ? 0 : 1]->file);
	if (find_changes(c, (uint64_t)x.st_size, (uint64_t)y.st_size, err) < 0)
		return -1;
	if (!c->changes.count)
		return 1;
	return find_byte(c, (const int[2]){a, b}, c->changes.items[0].at, err);
}

/* ---- causes ---- */

static enum cause guess(const struct comparison *c, const char *a, size_t a_len, const char *b,
			size_t b_len)
{
	const struct repro_side *l = c->side[0], *r = c->side[1];
	const struct cause_side x = {a, a_len, l->project, l->from, l->until, l->cpus};
	const struct cause_side y = {b, b_len, r->project, r->from, r->until, r->cpus};

	return cause_guess(&x, &y);
}

/* Where the bytes begin that a cause is guessed from: around PLACE, the first difference. */
static uint64_t guess_from(uint64_t place)
{
	return place < GUESS_MAX / 2 ? 0 : place - GUESS_MAX / 2;
}

/* At most GUESS_MAX bytes of an inode from FROM on. Heap. */
static char *bytes_of(const struct tree_inode *inode, uint64_t from, size_t *ret_len)
{
	uint64_t left = inode->size - from;
	size_t len = left < GUESS_MAX ? (size_t)left : GUESS_MAX;
	char *data = xmalloc(len + 1);

	tree_inode_read(inode, from, data, len);
	*ret_len = len;
	return data;
}

static enum cause guess_inodes(const struct comparison *c, const struct tree_inode *a,
			       const struct tree_inode *b)
{
	uint64_t from = guess_from(tree_inode_difference(a, b));
	size_t a_len, b_len;
	char *x cleanup_free = bytes_of(a, from, &a_len),
		*y cleanup_free = bytes_of(b, from, &b_len);

	return guess(c, x, a_len, y, b_len);
}

static ssize_t read_part(const char *file, uint64_t from, size_t len, char *ret)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : pread(fd, ret, len, (off_t)from);
}

/* Of what is no tree: around the first difference at PLACE, but only what is in [START, END). */
static int guess_bytes(const struct comparison *c, uint64_t place, uint64_t start, uint64_t end,
		       enum cause *ret, struct err **err)
{
	uint64_t from = guess_from(place) > start ? guess_from(place) : start;
	size_t want = end - from < GUESS_MAX ? (size_t)(end - from) : GUESS_MAX;
	char *a cleanup_free = xmalloc(GUESS_MAX), *b cleanup_free = xmalloc(GUESS_MAX);
	ssize_t n = read_part(c->side[0]->file, from, want, a);
	ssize_t m = read_part(c->side[1]->file, from, want, b);

	if (n < 0 || m < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'",
				 c->side[n < 0 ? 0 : 1]->file);
	*ret = guess(c, a, (size_t)n, b, (size_t)m);
	return 0;
}

/* ---- files in it ---- */

/* What differs of two entries of one path, or NULL. */
static const char *entry_difference(const struct tree_inode *a, const struct tree_inode *b)
{
	if (a->mode != b->mode)
		return "mode";
	if (a->uid != b->uid || a->gid != b->gid)
		return "owner";
	if (S_ISREG(a->mode) && tree_inode_difference(a, b) != UINT64_MAX)
		return "content";
	if (S_ISLNK(a->mode) && !str_eq(a->target, b->target))
		return "where it leads";
	if (a->major != b->major || a->minor != b->minor)
		return "device";
	return a->mtime != b->mtime ? "time of change" : NULL;
}

/* The two trees of one partition, or of all there is. */
struct pair {
	struct comparison *c;
	size_t part;
	struct tree *tree[2];
	struct strs packages[2]; /* inode->user is an index + 1 */
};

static void note_file(struct pair *p, unsigned side, const struct tree_entry *e, const char *what,
		      enum cause cause)
{
	uint64_t owner = e->inode->user;
	struct repro_place place = {.part = p->part,
				    .path = arena_printf(p->c->arena, "/%s", e->path),
				    .what = what,
				    .package = owner ? p->packages[side].items[owner - 1] : NULL,
				    .cause = cause};

	repro_places_push(&p->c->ret->places, place);
}

static void compare_entry(struct pair *p, const struct tree_entry *e)
{
	const struct tree_entry *other = tree_lookup(p->tree[1], e->path);
	const char *what = other ? entry_difference(e->inode, other->inode) : "only in the first";
	enum cause cause = CAUSE_UNKNOWN;

	if (!what)
		return;
	if (str_eq(what, "content"))
		cause = guess_inodes(p->c, e->inode, other->inode);
	else if (str_eq(what, "time of change"))
		cause = CAUSE_TIME;
	note_file(p, 0, e, what, cause);
}

static void compare_trees(struct comparison *c, size_t part, struct tree *a, struct tree *b)
{
	struct pair p = {.c = c, .part = part, .tree = {a, b}};
	size_t count;
	struct tree_entry *const *entries = tree_entries(a, &count);

	for (unsigned side = 0; side < 2; side++)
		sizes_note_packages(c->arena, p.tree[side], &p.packages[side]);
	for (size_t i = 0; i < count; i++)
		compare_entry(&p, entries[i]);
	entries = tree_entries(b, &count);
	for (size_t i = 0; i < count; i++) {
		if (!tree_lookup(a, entries[i]->path))
			note_file(&p, 1, entries[i], "only in the second", CAUSE_UNKNOWN);
	}
	for (unsigned side = 0; side < 2; side++)
		strs_clear(&p.packages[side]);
}

/* Looks into FILE at PATH; 1: it is nothing that can be looked into. */
static int look(struct comparison *c, const char *file, const char *path, struct look *ret)
{
	struct err *ignored cleanup_err = NULL;
	char *dir = arena_printf(c->arena, "%s/look-%u", c->scratch, c->looks++);

	*ret = (struct look){.scratch = dir};
	return path_mkdirs(dir, &ignored) < 0 || look_into(ret, file, path, false, &ignored) < 0;
}

/* What differs in [START, END), which is called PATH: files, or else bytes, first at PLACE. */
static int look_at_part(struct comparison *c, size_t part, const char *path, uint64_t place,
			uint64_t start, uint64_t end, struct err **err)
{
	struct look a cleanup_look = {0}, b cleanup_look = {0};
	size_t before = c->ret->places.count;
	struct repro_place bytes = {.part = part};

	if (path && look(c, c->side[0]->file, path, &a) == 0 &&
	    look(c, c->side[1]->file, path, &b) == 0 && a.tree && b.tree)
		compare_trees(c, part, a.tree, b.tree);
	if (c->ret->places.count > before)
		return 0;
	if (guess_bytes(c, place, start, end, &bytes.cause, err) < 0)
		return -1;
	repro_places_push(&c->ret->places, bytes);
	return 0;
}

/* ---- partitions ---- */

/* Index of the one that block AT is in, their count: it is in none. */
static size_t partition_at(const struct gpt_parts *parts, uint64_t at)
{
	size_t i = 0;

	while (i < parts->count && (at + BLOCK_BYTES <= parts->items[i].start ||
				    at >= parts->items[i].start + parts->items[i].size))
		i++;
	return i;
}

/* LIST: one for each of PARTS, and the last for what is in none. */
static void count_blocks(const struct comparison *c, const struct gpt_parts *parts,
			 struct repro_part *list)
{
	for (size_t i = 0; i < c->changes.count; i++) {
		const struct block_range *r = &c->changes.items[i];

		for (uint64_t at = r->at; at < r->at + r->size; at += BLOCK_BYTES) {
			struct repro_part *p = &list[partition_at(parts, at)];

			if (!p->blocks++)
				p->offset = at;
		}
	}
}

static int look_at_disk(struct comparison *c, const struct gpt_parts *parts, struct err **err)
{
	struct repro_part *list cleanup_free = xcalloc(parts->count + 1, sizeof(*list));
	int rc = 0;

	count_blocks(c, parts, list);
	for (size_t i = 0; i <= parts->count && rc == 0; i++) {
		const struct gpt_part *p = i < parts->count ? &parts->items[i] : NULL;
		char *name cleanup_free = p ? look_part_name(parts, i) : NULL;
		uint64_t from = p && p->start > list[i].offset ? p->start : list[i].offset;

		if (!list[i].blocks)
			continue;
		list[i].name = name ? arena_strdup(c->arena, name) : NULL;
		repro_parts_push(&c->ret->parts, list[i]);
		rc = look_at_part(c, c->ret->parts.count - 1,
				  name ? arena_printf(c->arena, "%s/", name) : NULL, from,
				  p ? p->start : from, p ? p->start + p->size : from + BLOCK_BYTES,
				  err);
	}
	return rc;
}

static int look_at_both(struct comparison *c, struct err **err)
{
	struct look a cleanup_look = {0}, b cleanup_look = {0};

	if (look(c, c->side[0]->file, "", &a) == 0 && look(c, c->side[1]->file, "", &b) == 0 &&
	    a.disk && b.disk)
		return look_at_disk(c, &a.parts, err);
	return look_at_part(c, 0, "", c->ret->offset, 0, UINT64_MAX, err);
}

int repro_compare(struct arena *arena, const char *scratch, const struct repro_side *a,
		  const struct repro_side *b, struct repro_difference *ret, struct err **err)
{
	struct comparison c = {.arena = arena, .scratch = scratch, .side = {a, b}, .ret = ret};
	int rc;

	*ret = (struct repro_difference){0};
	rc = compare_blocks(&c, err);
	if (rc == 0)
		rc = look_at_both(&c, err);
	block_ranges_clear(&c.changes);
	return rc;
}

void repro_difference_clear(struct repro_difference *d)
{
	repro_parts_clear(&d->parts);
	repro_places_clear(&d->places);
}
