/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which number an inode gets, and which blocks: a function of all paths and sizes in which each
 * path has its own place, so that a file that comes, goes or grows moves few others. Devices fetch
 * and write what differs from the release before; with one number after the other, one new file
 * would change every directory after it.
 *
 * Both tables, of inodes and of places for blocks, are filled alike. A directory and what is in it
 * have a region that begins where the hash of its path says and has twice the room that they take;
 * where in the region one begins the hash of its own path says. Where something is already, the
 * hashes name another place, then one in another region, and at last it is the first run from the
 * first place on that is free and long enough. The larger ones go first, of about equal ones those
 * with the smaller hash: whoever comes later to a place yields, so the result does not depend on
 * the order of the tree. Going on to the next free place at once would build up long rows, in which
 * one that comes moves all that follow.
 *
 * A region grows with what is in it as in linear hashing (Litwin, 1980): one more address moves
 * only what was at one of them. The range in which regions begin does not grow but doubles, which
 * moves half of them, and is all of the file system for what is a quarter full or more.
 */
#include "media/ext4/ext4_priv.h"

#define TRIES 32          /* places that hashes name, one after the other */
#define TRIES_IN_REGION 4 /* so many of them in one region */
#define MOST_HOPS 512     /* runs that are looked at for one file; then the table is too full */

/* One inode on its way to a place. */
struct wish {
	size_t index;  /* in the list */
	uint64_t size; /* places, with room to grow */
	uint64_t hash; /* of its path */
};

/* ---- hashes and ranges ---- */

/* What MurmurHash3 ends with. It and the next are in every image: never change them. */
static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}

/* FNV-1a, mixed. */
static uint64_t hash_of(const char *path)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *p = path; *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3u;
	return mix(h);
}

static uint64_t power_below(uint64_t n) /* or at it; N is not 0 */
{
	return UINT64_C(1) << (63 - __builtin_clzll(n));
}

/* An address below RANGE, which is not 0. Of two ranges, most have the same in both. */
static uint64_t address_of(uint64_t hash, uint64_t range)
{
	uint64_t low = power_below(range), at = hash & (2 * low - 1);

	return at < range ? at : at - low;
}

/* N, or so much more that sizes between two powers of two are STEPS. */
static uint64_t in_steps(uint64_t n, uint64_t steps)
{
	uint64_t step = n ? power_below(n) / steps : 0;

	return step ? (n + step - 1) / step * step : n;
}

static int by_size_and_hash(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;
	uint64_t m = x->size ? power_below(x->size) : 0, n = y->size ? power_below(y->size) : 0;

	if (m != n)
		return m > n ? -1 : 1;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* The directory in whose region N is: a directory is in its own. */
static size_t region_of(const struct ext4_writer *w, size_t index)
{
	return w->list.items[index].directory ? index : w->list.items[index].up;
}

/* A table that is filled: how its regions lie in it. */
struct table {
	uint64_t room;   /* its end */
	uint64_t range;  /* where regions begin: below it */
	uint64_t *sizes; /* of regions, by the index of their directory: half of them */
};

static void table_clear(struct table *t)
{
	free(t->sizes);
}
#define cleanup_table __attribute__((cleanup(table_clear)))

/*
 * Sorts WISHES, and cuts RET, of which room is set, into regions for them: in all of it or, where
 * that is more than twice SPACE times what they take, in its first half, quarter, ...
 */
static void cut(const struct ext4_writer *w, struct wish *wishes, size_t count, uint64_t space,
		struct table *ret)
{
	uint64_t all = 0;

	qsort(wishes, count, sizeof(*wishes), by_size_and_hash);
	ret->sizes = xcalloc(w->list.count, sizeof(*ret->sizes));
	for (size_t i = 0; i < count; i++) {
		ret->sizes[region_of(w, wishes[i].index)] += wishes[i].size;
		all += wishes[i].size;
	}
	ret->range = ret->room;
	while (all && ret->range / 2 >= space * all)
		ret->range /= 2;
}

/* The hash for the TRY-th time, 0 the first. */
static uint64_t again(uint64_t hash, unsigned try)
{
	return try ? mix(hash + try) : hash;
}

/* Where WISH is tried for the TRY-th time: in its region, then in another one. */
static uint64_t aim(const struct ext4_writer *w, const struct table *t, const struct wish *wish,
		    unsigned try)
{
	size_t region = region_of(w, wish->index);
	uint64_t hash = again(hash_of(w->list.items[region].path), try / TRIES_IN_REGION);
	uint64_t first = address_of(hash, t->range);

	return (first + address_of(again(wish->hash, try), 2 * t->sizes[region])) % t->range;
}

/* ---- inodes ---- */

uint64_t ext4_inodes_for(uint64_t count)
{
	return in_steps(count + count / 4 + EXT2_GOOD_OLD_FIRST_INO + 64, 8);
}

/* The number that the lock says, where it can be had. */
static void number_pinned(struct ext4_numbered *n, ext2_ino_t first, uint64_t room, bool *used)
{
	uint64_t at = n->pin ? (uint64_t)n->pin->ino - first : UINT64_MAX;

	if (at >= room || used[at])
		return;
	used[at] = true;
	n->ino = n->pin->ino;
}

void ext4_number(struct ext4_writer *w)
{
	size_t count = w->list.count - 1 - w->lost_found;
	struct wish *wishes cleanup_free = xcalloc(count + 1, sizeof(*wishes));
	ext2_ino_t first = EXT2_FIRST_INODE(w->fs->super) + w->lost_found;
	struct table t cleanup_table = {.room = w->fs->super->s_inodes_count - first + 1};
	bool *used cleanup_free = xcalloc(t.room, sizeof(*used));

	w->list.items[0].ino = EXT2_ROOT_INO;
	if (w->lost_found)
		w->list.items[count + 1].ino = first - 1;
	for (size_t i = 0; i < count; i++)
		wishes[i] = (struct wish){i + 1, 1, hash_of(w->list.items[i + 1].path)};
	cut(w, wishes, count, 4, &t);
	for (size_t i = 0; i < count; i++)
		number_pinned(&w->list.items[wishes[i].index], first, t.room, used);
	for (size_t i = 0; i < count; i++) {
		uint64_t at;
		unsigned try = 0;

		if (w->list.items[wishes[i].index].ino)
			continue;
		do
			at = aim(w, &t, &wishes[i], try);
		while (used[at] && ++try < TRIES);
		while (used[at])
			at = at + 1 == t.room ? 0 : at + 1;
		used[at] = true;
		w->list.items[wishes[i].index].ino = first + (ext2_ino_t)at;
	}
}

/* ---- areas ---- */

/* What is free when nothing has been taken yet. */
static void find_areas(struct ext4_writer *w)
{
	blk64_t at = w->fs->super->s_first_data_block, end = ext2fs_blocks_count(w->fs->super);
	uint64_t place = 0;

	while (at < end) {
		blk64_t first, used = end;

		if (ext2fs_find_first_zero_block_bitmap2(w->fs->block_map, at, end - 1, &first))
			break;
		if (ext2fs_find_first_set_block_bitmap2(w->fs->block_map, first, end - 1, &used))
			used = end;
		ext4_areas_push(&w->areas, (struct ext4_area){first, place, used - first});
		place += used - first;
		at = used;
	}
}

static uint64_t places(const struct ext4_writer *w)
{
	const struct ext4_area *last = w->areas.count ? &w->areas.items[w->areas.count - 1] : NULL;

	return last ? last->place + last->len : 0;
}

uint64_t ext4_blocks_at(const struct ext4_writer *w, uint64_t at, uint64_t len, blk64_t *ret_block)
{
	size_t low = 0, high = w->areas.count;
	const struct ext4_area *area;
	uint64_t left;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (w->areas.items[middle].place <= at)
			low = middle;
		else
			high = middle;
	}
	area = &w->areas.items[low];
	*ret_block = area->block + (at - area->place);
	left = area->place + area->len - at;
	return len < left ? len : left;
}

/* The place of BLOCK; UINT64_MAX: a table is there. */
static uint64_t place_of(const struct ext4_writer *w, blk64_t block)
{
	for (size_t i = 0; i < w->areas.count; i++) {
		const struct ext4_area *area = &w->areas.items[i];

		if (block >= area->block && block < area->block + area->len)
			return area->place + (block - area->block);
	}
	return UINT64_MAX;
}

/* ---- places of blocks ---- */

/* How many of the LEN places from AT on are free, in a row. */
static uint64_t free_from(ext2fs_block_bitmap taken, uint64_t at, uint64_t len, uint64_t room)
{
	blk64_t other;

	if (at >= room || !len)
		return 0;
	if (len > room - at)
		len = room - at;
	return ext2fs_find_first_set_block_bitmap2(taken, at, at + len - 1, &other) ? len
										    : other - at;
}

static void mark(ext2fs_block_bitmap taken, uint64_t at, uint64_t len)
{
	if (len)
		ext2fs_mark_block_bitmap_range2(taken, at, (blk_t)len);
}

/*
 * Files that the lock has stay where they are: first what each of them had there, then what it has
 * grown by, then the room that it wants behind. PINNED, by the index of the wish, gets where; a
 * file whose neighbour leaves it no room to grow has none, like one that is not in the lock.
 */
static void keep_pinned(const struct ext4_writer *w, const struct wish *wishes, size_t count,
			uint64_t room, ext2fs_block_bitmap taken, uint64_t *pinned)
{
	for (size_t i = 0; i < count; i++) {
		const struct ext4_numbered *n = &w->list.items[wishes[i].index];
		uint64_t had = n->pin && n->pin->blocks < n->blocks ? n->pin->blocks : n->blocks;

		pinned[i] = n->pin && n->pin->blocks ? place_of(w, n->pin->block) : UINT64_MAX;
		if (pinned[i] == UINT64_MAX || free_from(taken, pinned[i], had, room) < had)
			pinned[i] = UINT64_MAX;
		else
			mark(taken, pinned[i], had);
	}
	for (size_t i = 0; i < count; i++) {
		const struct ext4_numbered *n = &w->list.items[wishes[i].index];
		uint64_t had = n->pin ? n->pin->blocks : 0;

		if (pinned[i] == UINT64_MAX || n->blocks <= had)
			continue;
		if (free_from(taken, pinned[i] + had, n->blocks - had, room) == n->blocks - had) {
			mark(taken, pinned[i] + had, n->blocks - had);
		} else {
			ext2fs_unmark_block_bitmap_range2(taken, pinned[i], (blk_t)had);
			pinned[i] = UINT64_MAX;
		}
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t blocks = w->list.items[wishes[i].index].blocks, end = pinned[i] + blocks;

		if (pinned[i] != UINT64_MAX)
			mark(taken, end, free_from(taken, end, wishes[i].size - blocks, room));
	}
}

/* The first of SIZE free places in a row at or after *AT. */
static bool find_free(ext2fs_block_bitmap taken, uint64_t size, uint64_t room, uint64_t *at)
{
	for (int hops = 0; hops < MOST_HOPS && *at < room && size <= room - *at; hops++) {
		blk64_t first, next;

		if (ext2fs_find_first_zero_block_bitmap2(taken, *at, room - 1, &first) ||
		    size > room - first)
			return false;
		*at = first;
		if (ext2fs_find_first_set_block_bitmap2(taken, first, first + size - 1, &next))
			return true;
		*at = next;
	}
	return false;
}

static bool take(const struct ext4_writer *w, const struct table *t, const struct wish *wish,
		 ext2fs_block_bitmap taken, uint64_t *ret)
{
	blk64_t other;
	bool found = false;

	for (unsigned try = 0; !found && try < TRIES; try++) {
		*ret = aim(w, t, wish, try);
		found = wish->size <= t->room - *ret &&
			ext2fs_find_first_set_block_bitmap2(taken, *ret, *ret + wish->size - 1,
							    &other);
	}
	if (!found) {
		*ret = aim(w, t, wish, 0);
		found = find_free(taken, wish->size, t->room, ret);
	}
	if (!found) {
		*ret = 0;
		found = find_free(taken, wish->size, t->room, ret);
	}
	if (found)
		ext2fs_mark_block_bitmap_range2(taken, *ret, (blk_t)wish->size);
	return found;
}

/* False: not all of them have found a place. TAKEN is as large as the file system. */
static bool place_by_name(struct ext4_writer *w, struct wish *wishes, size_t count,
			  ext2fs_block_bitmap taken)
{
	struct table t cleanup_table = {.room = places(w)};
	uint64_t *pinned cleanup_free = xcalloc(count + 1, sizeof(*pinned));

	/* in an empty map libext2fs (1.47.0) finds nothing free; there are fewer places */
	ext2fs_mark_block_bitmap_range2(taken, t.room,
					(blk_t)(ext2fs_blocks_count(w->fs->super) - t.room));
	cut(w, wishes, count, 2, &t);
	keep_pinned(w, wishes, count, t.room, taken, pinned);
	for (size_t i = 0; i < count; i++) {
		uint64_t *at = &w->list.items[wishes[i].index].at;

		if (pinned[i] != UINT64_MAX)
			*at = pinned[i];
		else if (!take(w, &t, &wishes[i], taken, at))
			return false;
	}
	return true;
}

/* What has blocks, with the room that ORDER gives. */
static size_t wish_all(const struct ext4_writer *w, enum ext4_order order, struct wish *ret)
{
	size_t count = 0;

	for (size_t i = 0; i < w->list.count; i++) {
		uint64_t blocks = w->list.items[i].blocks;

		if (blocks)
			ret[count++] = (struct wish){
				i, order == EXT4_BY_NAME_WITH_ROOM ? in_steps(blocks, 4) : blocks,
				hash_of(w->list.items[i].path)};
	}
	return count;
}

static void place_in_order(struct ext4_writer *w)
{
	uint64_t at = 0;

	for (size_t i = 0; i < w->list.count; i++) {
		w->list.items[i].at = at;
		at += w->list.items[i].blocks;
	}
}

static void take_blocks(struct ext4_writer *w)
{
	for (size_t i = 0; i < w->list.count; i++) {
		const struct ext4_numbered *n = &w->list.items[i];
		uint64_t got;

		for (uint64_t done = 0; done < n->blocks; done += got) {
			blk64_t block;

			got = ext4_blocks_at(w, n->at + done, n->blocks - done, &block);
			ext2fs_block_alloc_stats_range(w->fs, block, (blk_t)got, +1);
		}
	}
}

errcode_t ext4_place(struct ext4_writer *w)
{
	struct wish *wishes cleanup_free = xcalloc(w->list.count, sizeof(*wishes));
	ext2fs_block_bitmap taken = NULL;
	bool placed = false;

	find_areas(w);
	for (int order = EXT4_BY_NAME_WITH_ROOM; !placed; order++) {
		size_t count = wish_all(w, order, wishes);
		errcode_t code = 0;

		w->told->order = order;
		w->told->files = count;
		if (order == EXT4_IN_ORDER) {
			place_in_order(w);
			break;
		}
		code = ext2fs_allocate_block_bitmap(w->fs, "places", &taken);
		if (code)
			return code;
		placed = place_by_name(w, wishes, count, taken);
		ext2fs_free_block_bitmap(taken);
	}
	take_blocks(w);
	return 0;
}
