/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layout locks: where everything is in a file system, as a text, and back. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/line.h"
#include "media/ext4/ext4_priv.h"

#define HEAD "orch"
#define FORMAT "layout"
#define VERSION "1"

/* ---- reading ---- */

struct reading {
	struct ext4_lock *lock;
	const char *text, *at, *end;
	struct arena *arena;
	struct line line;
};

static bool next(struct reading *r)
{
	return line_read(r->arena, &r->at, r->end, &r->line) == 0;
}

static bool number(const struct line *l, size_t i, uint64_t *ret)
{
	return i < l->count && str_u64(l->items[i], ret) == 0;
}

/* What is wrong with the head, or NULL. */
static const char *read_head(struct reading *r)
{
	struct ext4_lock *lock = r->lock;

	if (!next(r) || !line_is(&r->line, HEAD, 3) || !str_eq(r->line.items[1], FORMAT))
		return "it is not a layout lock";
	if (!str_eq(r->line.items[2], VERSION))
		return "its format is not known to this orch";
	if (!next(r) || !line_is(&r->line, "size", 4) || !number(&r->line, 1, &lock->size) ||
	    !str_eq(r->line.items[2], "inodes") || !number(&r->line, 3, &lock->inodes))
		return "its second line is damaged";
	return NULL;
}

static const char *read_pin(struct reading *r)
{
	const struct ext4_pins *pins = &r->lock->pins;
	const struct line *l = &r->line;
	struct ext4_pin pin = {0};
	uint64_t ino, block;

	if (l->count != 4 || !number(l, 0, &ino) || !number(l, 1, &block) ||
	    !number(l, 2, &pin.blocks) || ino < EXT2_ROOT_INO || ino > r->lock->inodes ||
	    block > r->lock->size / EXT4_BLOCK || pin.blocks > r->lock->size / EXT4_BLOCK)
		return "a line of it is damaged";
	if (pins->count && strcmp(pins->items[pins->count - 1].path, l->items[3]) >= 0)
		return "its lines are not sorted";
	pin.ino = (ext2_ino_t)ino;
	pin.block = block;
	pin.path = xstrdup(l->items[3]);
	ext4_pins_push(&r->lock->pins, pin);
	return NULL;
}

/* The last line is the digest of all before it. */
static const char *read_pins(struct reading *r)
{
	const char *before = r->at, *why = NULL;
	struct digest is, said;

	while (!why && next(r)) {
		if (line_is(&r->line, "digest", 2)) {
			digest_data(r->text, (size_t)(before - r->text), &is);
			return digest_parse(r->line.items[1], &said) || !digest_eq(&is, &said) ||
					       r->at != r->end
				       ? "its digest is that of another text"
				       : NULL;
		}
		why = read_pin(r);
		before = r->at;
	}
	return why ? why : "it is cut";
}

int ext4_lock_parse(const char *text, size_t len, struct ext4_lock **ret, const char **ret_why)
{
	struct arena *arena cleanup_arena = arena_new();
	struct ext4_lock *lock cleanup_ext4_lock = xcalloc(1, sizeof(*lock));
	struct reading r = {
		.lock = lock, .text = text, .at = text, .end = text + len, .arena = arena};

	*ret_why = read_head(&r);
	if (!*ret_why)
		*ret_why = read_pins(&r);
	if (*ret_why)
		return 1;
	*ret = steal_ptr(lock);
	return 0;
}

void ext4_lock_free(struct ext4_lock *lock)
{
	if (!lock)
		return;
	for (size_t i = 0; i < lock->pins.count; i++)
		free(lock->pins.items[i].path);
	ext4_pins_clear(&lock->pins);
	free(lock);
}

static int by_path(const void *a, const void *b)
{
	const struct ext4_pin *x = a, *y = b;

	return strcmp(x->path, y->path);
}

const struct ext4_pin *ext4_lock_find(const struct ext4_lock *lock, const char *path)
{
	const struct ext4_pin key = {.path = (char *)(uintptr_t)path};

	return lock->pins.count
		       ? bsearch(&key, lock->pins.items, lock->pins.count, sizeof(key), by_path)
		       : NULL;
}

/* ---- writing ---- */

struct writing {
	struct ext4_walk walk;
	struct ext4_lock *lock;
	struct ext4_pin *pin; /* that is looked at */
	bool *seen;           /* by inode number */
	bool bad;
};

static int note_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t logical, blk64_t ref, int offset,
		      void *arg)
{
	struct writing *w = arg;

	w->bad = !ext4_take(&w->walk.left.blocks, 1);
	if (w->bad)
		return BLOCK_ABORT;
	if (!w->pin->blocks++)
		w->pin->block = *block;
	return 0;
}

/* The lock owns PATH from here on. */
static errcode_t note_inode(struct writing *w, ext2_ino_t ino, char *path)
{
	struct ext2_inode inode;
	errcode_t code = ext2fs_read_inode(w->walk.fs, ino, &inode);

	ext4_pins_push(&w->lock->pins, (struct ext4_pin){.path = path, .ino = ino});
	w->pin = &w->lock->pins.items[w->lock->pins.count - 1];
	if (!code && ext2fs_inode_has_valid_blocks2(w->walk.fs, &inode))
		code = ext2fs_block_iterate3(w->walk.fs, ino,
					     BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_DATA_ONLY, NULL,
					     note_block, w);
	if (!code && LINUX_S_ISDIR(inode.i_mode))
		code = ext4_walk_directory(&w->walk, ino, path);
	return code ? code : w->bad ? EXT2_ET_BAD_BLOCK_NUM : 0;
}

static errcode_t note_all(struct writing *w)
{
	errcode_t code = note_inode(w, EXT2_ROOT_INO, xstrdup(""));
	ext2_ino_t ino;
	char *path;

	while (!code && ext4_walk_next(&w->walk, &ino, &path)) {
		if (ino < EXT2_ROOT_INO || ino > w->walk.fs->super->s_inodes_count)
			code = EXT2_ET_BAD_INODE_NUM;
		if (code) {
			free(path);
			continue;
		}
		code = note_inode(w, ino, path);
	}
	return code;
}

/* An inode has the first of its paths; the others are hard links and have no line. */
static void print(const struct writing *w, struct str *to)
{
	const struct ext4_pins *pins = &w->lock->pins;
	size_t before = to->len;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	str_printf(to, HEAD " " FORMAT " " VERSION "\nsize %llu inodes %llu\n",
		   (unsigned long long)w->lock->size, (unsigned long long)w->lock->inodes);
	for (size_t i = 0; i < pins->count; i++) {
		const struct ext4_pin *p = &pins->items[i];

		if (w->seen[p->ino])
			continue;
		w->seen[p->ino] = true;
		str_printf(to, "%u %llu %llu ", p->ino, (unsigned long long)p->block,
			   (unsigned long long)p->blocks);
		str_quote(to, p->path);
		str_append_char(to, '\n');
	}
	digest_data(to->buf + before, to->len - before, &d);
	str_printf(to, "digest %s\n", digest_hex(&d, hex));
}

int ext4_lock_write(const char *path, uint64_t offset, struct str *ret, struct err **err)
{
	struct ext4_lock *lock cleanup_ext4_lock = xcalloc(1, sizeof(*lock));
	struct writing w = {.lock = lock};
	struct stat st;
	errcode_t code;

	if (stat(path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	code = ext4_walk_open(&w.walk, path, offset, (uint64_t)st.st_size - offset);
	if (!code) {
		lock->size = ext2fs_blocks_count(w.walk.fs->super) * w.walk.fs->blocksize;
		lock->inodes = w.walk.fs->super->s_inodes_count;
		code = note_all(&w);
	}
	if (!code) {
		qsort(lock->pins.items, lock->pins.count, sizeof(*lock->pins.items), by_path);
		w.seen = xcalloc(lock->inodes + 1, sizeof(*w.seen));
		print(&w, ret);
		free(w.seen);
	}
	ext4_walk_free(&w.walk);
	return code ? ext4_unread(code, path, err) : 0;
}
