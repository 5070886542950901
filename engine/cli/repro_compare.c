/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/repro_compare.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/image/look.h"

#define GUESS_MAX (4u << 20) /* bytes of a file that its cause is guessed from */
#define LIST_MAX (16u << 20)
#define INFO "var/lib/dpkg/info/"

struct comparison {
	struct arena *arena;
	const char *scratch;
	const struct repro_side *side[2];
	struct repro_difference *ret;
	unsigned looks;
};

/* ---- blocks ---- */

static ssize_t block_of(int fd, uint64_t at, char buf[REPRO_BLOCK])
{
	size_t have = 0;
	ssize_t n;

	memset(buf, 0, REPRO_BLOCK);
	while (have < REPRO_BLOCK &&
	       (n = pread(fd, buf + have, REPRO_BLOCK - have, (off_t)(at + have))) > 0)
		have += (size_t)n;
	return (ssize_t)have;
}

/* Compares one block, of which either file may have less. */
static void compare_block(struct repro_difference *d, int a, int b, uint64_t at)
{
	char x[REPRO_BLOCK], y[REPRO_BLOCK];
	ssize_t n = block_of(a, at, x), m = block_of(b, at, y), i = 0;

	if (n == m && !memcmp(x, y, REPRO_BLOCK))
		return;
	while (i < n && i < m && x[i] == y[i])
		i++;
	if (!d->blocks++)
		d->offset = at + (uint64_t)i;
}

/* The first block from AT on that is not a hole in both; END: there is none. */
static uint64_t next_block(int a, int b, uint64_t at, uint64_t end)
{
	uint64_t x = fd_next_data(a, at), y = fd_next_data(b, at), next = x < y ? x : y;

	return next < end ? next / REPRO_BLOCK * REPRO_BLOCK : end;
}

/* Blocks that only the longer one has differ from nothing. */
static int compare_blocks(struct comparison *c, struct err **err)
{
	int a cleanup_fd = open(c->side[0]->file, O_RDONLY | O_CLOEXEC);
	int b cleanup_fd = open(c->side[1]->file, O_RDONLY | O_CLOEXEC);
	struct stat x, y;
	uint64_t both, longer;

	if (a < 0 || b < 0 || fstat(a, &x) < 0 || fstat(b, &y) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'",
				 c->side[a < 0 ? 0 : 1]->file);
	both = (uint64_t)(x.st_size < y.st_size ? x.st_size : y.st_size) / REPRO_BLOCK;
	longer = (uint64_t)(x.st_size > y.st_size ? x.st_size : y.st_size);
	c->ret->compared = longer / REPRO_BLOCK + (longer % REPRO_BLOCK != 0);
	for (uint64_t at = next_block(a, b, 0, both * REPRO_BLOCK); at < both * REPRO_BLOCK;
	     at = next_block(a, b, at + REPRO_BLOCK, both * REPRO_BLOCK))
		compare_block(c->ret, a, b, at);
	if (c->ret->compared > both) {
		compare_block(c->ret, a, b, both * REPRO_BLOCK);
		c->ret->blocks += c->ret->compared - both - 1;
	}
	return c->ret->blocks ? 0 : 1;
}

/* ---- causes ---- */

static enum cause guess(const struct comparison *c, const char *a, size_t a_len, const char *b,
			size_t b_len)
{
	const struct repro_side *l = c->side[0], *r = c->side[1];
	const struct cause_side x = {a, a_len, l->project, l->from, l->until};
	const struct cause_side y = {b, b_len, r->project, r->from, r->until};

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

static void guess_inodes(struct comparison *c, const struct tree_inode *a,
			 const struct tree_inode *b)
{
	uint64_t from = guess_from(tree_inode_difference(a, b));
	size_t a_len, b_len;
	char *x cleanup_free = bytes_of(a, from, &a_len),
		*y cleanup_free = bytes_of(b, from, &b_len);

	c->ret->cause = guess(c, x, a_len, y, b_len);
}

/* Of a file that is no tree: a part of it, around the first difference. */
static int guess_files(struct comparison *c, struct err **err)
{
	uint64_t from = guess_from(c->ret->offset);
	char *data[2] = {xmalloc(GUESS_MAX), xmalloc(GUESS_MAX)};
	ssize_t len[2] = {0, 0};
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		int fd cleanup_fd = open(c->side[i]->file, O_RDONLY | O_CLOEXEC);

		len[i] = fd < 0 ? -1 : pread(fd, data[i], GUESS_MAX, (off_t)from);
		if (len[i] < 0)
			rc = err_errno(err, E_READ_FAILED, errno, "cannot read '%s'",
				       c->side[i]->file);
	}
	if (rc == 0)
		c->ret->cause = guess(c, data[0], (size_t)len[0], data[1], (size_t)len[1]);
	free(data[0]);
	free(data[1]);
	return rc;
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

/* "libc6" of "libc6:arm64.list". */
static const char *package_name(struct arena *arena, const char *list)
{
	size_t len = strlen(list) - strlen(".list");
	const char *colon = memchr(list, ':', len);

	return arena_strndup(arena, list, colon ? (size_t)(colon - list) : len);
}

/* The package whose list of files has PATH, or NULL. */
static const char *package_of(struct arena *arena, struct tree *t, const char *path)
{
	char *line cleanup_free = xasprintf("\n/%s\n", path);
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *name = str_skip(entries[i]->path, INFO);
		char *text cleanup_free = NULL;

		if (!name || !str_ends(name, ".list"))
			continue;
		text = tree_inode_text(entries[i]->inode, LIST_MAX);
		if (text && strstr(text, line))
			return package_name(arena, name);
	}
	return NULL;
}

static void note_file(struct comparison *c, struct tree *in, const struct tree_entry *e,
		      const char *what)
{
	if (c->ret->files++)
		return;
	c->ret->path = arena_printf(c->arena, "/%s", e->path);
	c->ret->what = what;
	c->ret->package = package_of(c->arena, in, e->path);
	if (str_eq(what, "time of change"))
		c->ret->cause = CAUSE_TIME;
}

static void compare_entry(struct comparison *c, struct tree *a, const struct tree_entry *e,
			  struct tree *b)
{
	const struct tree_entry *other = tree_lookup(b, e->path);
	const char *what = other ? entry_difference(e->inode, other->inode) : "only in the first";

	if (!what)
		return;
	if (!c->ret->files && str_eq(what, "content"))
		guess_inodes(c, e->inode, other->inode);
	note_file(c, a, e, what);
}

static void compare_trees(struct comparison *c, struct tree *a, struct tree *b)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(a, &count);

	for (size_t i = 0; i < count; i++)
		compare_entry(c, a, entries[i], b);
	entries = tree_entries(b, &count);
	for (size_t i = 0; i < count; i++) {
		if (!tree_lookup(a, entries[i]->path))
			note_file(c, b, entries[i], "only in the second");
	}
}

/* Looks into FILE at PATH; 1: it is nothing that can be looked into. */
static int look(struct comparison *c, const char *file, const char *path, struct look *ret)
{
	struct err *ignored cleanup_err = NULL;
	char *dir = arena_printf(c->arena, "%s/look-%u", c->scratch, c->looks++);

	*ret = (struct look){.scratch = dir};
	return path_mkdirs(dir, &ignored) < 0 || look_into(ret, file, path, false, &ignored) < 0;
}

/* The partition that the first difference is in, "root-a"; NULL: it is between them. */
static const char *partition_at(struct comparison *c, const struct gpt_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		const struct gpt_part *p = &parts->items[i];
		char *name cleanup_free = look_part_name(parts, i);

		if (c->ret->offset >= p->start && c->ret->offset < p->start + p->size)
			return arena_strdup(c->arena, name);
	}
	return NULL;
}

/* Whether both could be looked into at PATH, and a file differs. */
static bool look_at_both(struct comparison *c, const char *path)
{
	struct look a cleanup_look = {0}, b cleanup_look = {0};

	if (look(c, c->side[0]->file, path, &a) || look(c, c->side[1]->file, path, &b))
		return false;
	if (a.disk && b.disk && !*path) {
		c->ret->partition = partition_at(c, &a.parts);
		return c->ret->partition &&
		       look_at_both(c, arena_printf(c->arena, "%s/", c->ret->partition));
	}
	if (!a.tree || !b.tree)
		return false;
	compare_trees(c, a.tree, b.tree);
	return c->ret->files > 0;
}

int repro_compare(struct arena *arena, const char *scratch, const struct repro_side *a,
		  const struct repro_side *b, struct repro_difference *ret, struct err **err)
{
	struct comparison c = {.arena = arena, .scratch = scratch, .side = {a, b}, .ret = ret};
	int rc;

	*ret = (struct repro_difference){0};
	rc = compare_blocks(&c, err);
	if (rc)
		return rc;
	return look_at_both(&c, "") ? 0 : guess_files(&c, err);
}
