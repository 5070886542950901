/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "media/tree/tree_priv.h"

#define MAX_LINKS_FOLLOWED 40
#define MAX_PATH 4096
#define SPOOL_WINDOW ((size_t)32 << 20)

struct tree *tree_new(uint64_t epoch, const char *scratch)
{
	struct tree *t = xcalloc(1, sizeof(*t));
	const char *tmp = getenv("TMPDIR");
	struct tree_entry *root;

	t->arena = arena_new();
	t->epoch = epoch;
	t->scratch = xstrdup(scratch ? scratch : tmp && *tmp ? tmp : "/var/tmp");
	t->spool = -1;
	root = arena_alloc(t->arena, sizeof(*root));
	root->path = "";
	root->inode = tree_inode_new(t, S_IFDIR | 0755, 0, 0, (int64_t)epoch);
	root->inode->links = 1;
	map_set(&t->index, root->path, root);
	t->dirty = true;
	return t;
}

void tree_free(struct tree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->mappings.count; i++)
		munmap(t->mappings.items[i].addr, t->mappings.items[i].len);
	tree_mappings_clear(&t->mappings);
	for (size_t i = 0; i < t->kept.count; i++)
		tree_free(t->kept.items[i]);
	tree_ptrs_clear(&t->kept);
	strv_clear(&t->left_out);
	tree_entry_ptrs_clear(&t->sorted);
	map_clear(&t->index);
	if (t->spool >= 0)
		close(t->spool);
	free(t->scratch);
	arena_free(t->arena);
	free(t);
}

uint64_t tree_epoch(const struct tree *t)
{
	return t->epoch;
}

int64_t tree_time(int64_t mtime)
{
	if (mtime > TREE_TIME_MAX)
		return TREE_TIME_MAX;
	return mtime < TREE_TIME_MIN ? TREE_TIME_MIN : mtime;
}

const struct strv *tree_left_out(const struct tree *t)
{
	return &t->left_out;
}

void tree_settle_times(struct tree *t, int64_t since)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		if (tree_is_young(entries[i]->inode->mtime, entries[i]->inode->ctime, since))
			entries[i]->inode->mtime = (int64_t)t->epoch;
}

void tree_keep(struct tree *t, struct tree *src)
{
	tree_ptrs_push(&t->kept, src);
}

void tree_begin(struct tree *t)
{
	t->seq++;
}

const char *tree_strdup(struct tree *t, const char *s)
{
	return arena_strdup(t->arena, s);
}

/* ---- where data lies ---- */

int tree_map_fd(struct tree *t, int fd, const char *name, const void **ret_addr, size_t *ret_len,
		struct err **err)
{
	struct stat st;
	struct tree_mapping m;

	if (fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", name);
	*ret_addr = NULL;
	if (S_ISBLK(st.st_mode))
		st.st_size = lseek(fd, 0, SEEK_END);
	*ret_len = (size_t)st.st_size;
	if (st.st_size <= 0)
		return 0;
	m.len = (size_t)st.st_size;
	m.addr = mmap(NULL, m.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m.addr == MAP_FAILED)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot map '%s'", name);
	tree_mappings_push(&t->mappings, m);
	*ret_addr = m.addr;
	return 0;
}

int tree_map_image(struct tree *t, const char *path, uint64_t offset, const void **ret_addr,
		   size_t *ret_len, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (tree_map_fd(t, fd, path, ret_addr, ret_len, err) < 0)
		return -1;
	if (offset >= *ret_len)
		return err_set(err, E_FILESYSTEM_DAMAGED, "'%s' ends before its file system", path);
	*ret_addr = (const char *)*ret_addr + offset;
	*ret_len -= offset;
	return 0;
}

static int spool_open(struct tree *t, struct err **err)
{
	if (t->spool >= 0)
		return 0;
	t->spool = open(t->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (t->spool < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a scratch file in '%s'",
				 t->scratch);
	return 0;
}

/* LEN zeroed bytes of the spool that stay at their address; the disk space is taken at once. */
static void *spool_alloc(struct tree *t, size_t len, struct err **err)
{
	struct tree_mapping m;
	size_t size = (len + SPOOL_WINDOW - 1) / SPOOL_WINDOW * SPOOL_WINDOW;
	int rc;

	if (len > t->window_size - t->window_used) {
		if (spool_open(t, err) < 0)
			return NULL;
		rc = posix_fallocate(t->spool, (off_t)t->spool_size, (off_t)size);
		if (rc) {
			err_errno(err, E_SCRATCH_FAILED, rc,
				  "cannot enlarge the scratch file in '%s'", t->scratch);
			return NULL;
		}
		m.len = size;
		m.addr = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, t->spool,
			      (off_t)t->spool_size);
		if (m.addr == MAP_FAILED) {
			err_errno(err, E_SCRATCH_FAILED, errno, "cannot map the scratch file");
			return NULL;
		}
		tree_mappings_push(&t->mappings, m);
		t->spool_size += size;
		t->window = m.addr;
		t->window_used = 0;
		t->window_size = size;
	}
	t->window_used += len;
	return t->window + t->window_used - len;
}

/* ---- inodes ---- */

struct tree_inode *tree_inode_new(struct tree *t, mode_t mode, uint32_t uid, uint32_t gid,
				  int64_t mtime)
{
	struct tree_inode *inode = arena_alloc(t->arena, sizeof(*inode));

	inode->mode = mode;
	inode->uid = uid;
	inode->gid = gid;
	inode->mtime = tree_time(mtime);
	inode->ctime = INT64_MAX;
	inode->seq = t->seq;
	return inode;
}

void *tree_grow(struct arena *a, void *items, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))
		return items;
	bigger = arena_alloc(a, (count ? 2 * count : 1) * size);
	if (items)
		memcpy(bigger, items, count * size);
	return bigger;
}

void tree_inode_refer(struct tree *t, struct tree_inode *inode, uint64_t offset, const void *data,
		      size_t len)
{
	struct tree_segment *last = NULL;

	if (len == 0)
		return;
	if (inode->size < offset + len)
		inode->size = offset + len;
	if (inode->segment_count)
		last = &inode->segments[inode->segment_count - 1];
	if (last && last->offset + last->len == offset &&
	    (const char *)last->data + last->len == (const char *)data) {
		last->len += len;
		return;
	}
	inode->segments = tree_grow(t->arena, inode->segments, inode->segment_count,
				    sizeof(*inode->segments));
	inode->segments[inode->segment_count++] = (struct tree_segment){offset, len, data};
}

int tree_inode_append(struct tree *t, struct tree_inode *inode, uint64_t offset, const void *data,
		      size_t len, struct err **err)
{
	void *copy;

	if (len == 0)
		return 0;
	copy = spool_alloc(t, len, err);
	if (!copy)
		return -1;
	memcpy(copy, data, len);
	tree_inode_refer(t, inode, offset, copy, len);
	return 0;
}

void tree_inode_read(const struct tree_inode *inode, uint64_t offset, void *buf, size_t len)
{
	size_t low = 0, high = inode->segment_count;

	memset(buf, 0, len);
	while (low < high) { /* the first segment that ends after OFFSET */
		size_t mid = (low + high) / 2;

		if (inode->segments[mid].offset + inode->segments[mid].len <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < inode->segment_count; low++) {
		const struct tree_segment *s = &inode->segments[low];
		uint64_t from = s->offset > offset ? s->offset : offset;
		uint64_t to = s->offset + s->len < offset + len ? s->offset + s->len : offset + len;

		if (from >= to)
			return;
		memcpy((char *)buf + (from - offset), (const char *)s->data + (from - s->offset),
		       to - from);
	}
}

char *tree_inode_text(const struct tree_inode *inode, size_t limit)
{
	char *text;

	if (!S_ISREG(inode->mode) || inode->size > limit)
		return NULL;
	text = xmalloc(inode->size + 1);
	tree_inode_read(inode, 0, text, inode->size);
	text[inode->size] = '\0';
	return text;
}

/* ---- names ---- */

int tree_path_normal(const char *path, struct str *ret)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return 1;
		if (n > 255)
			return 1;
		if (n && !(n == 1 && path[0] == '.')) {
			if (ret->len)
				str_append_char(ret, '/');
			str_append_len(ret, path, n);
		}
		path += n;
		path += *path == '/';
	}
	return ret->len >= MAX_PATH;
}

static struct tree_entry *entry_get(const struct tree *t, const char *path)
{
	struct tree_entry *e = map_get(&t->index, path);

	return e && e->inode ? e : NULL;
}

/* Which links a walk may go through, and how it ended. */
struct walk {
	unsigned flags, seq;
	bool strict; /* judge links by flags and seq; else all may be followed */
	bool follow_last;
	const char *bad; /* the link that was not to be followed */
};

static void cut_last(struct str *s)
{
	char *slash = strrchr(s->buf, '/');

	if (!s->len)
		return;
	s->len = slash ? (size_t)(slash - s->buf) : 0;
	s->buf[s->len] = '\0';
}

/* Puts the target of a link before what is left to walk. */
static void follow(struct str *cur, char **rest, const char *target, const char *left)
{
	char *joined = xasprintf("%s/%s", target, left);

	if (target[0] == '/')
		str_clear(cur);
	else
		cut_last(cur);
	free(*rest);
	*rest = joined;
}

/*
 * The real name of PATH inside the tree, links resolved, into *RET. What does not exist is taken as
 * it is written. 1: a loop, or a link that must not be followed (w->bad).
 */
static int walk(const struct tree *t, const char *path, struct walk *w, struct str *ret)
{
	char *rest cleanup_free = xstrdup(path);
	const char *p = rest;
	int followed = 0;

	str_clear(ret);
	while (*p) {
		size_t n = strcspn(p, "/");
		const char *next = p + n + strspn(p + n, "/");
		struct tree_entry *e;

		if (n == 2 && p[0] == '.' && p[1] == '.') {
			cut_last(ret);
		} else if (n && !(n == 1 && p[0] == '.')) {
			if (ret->len)
				str_append_char(ret, '/');
			str_append_len(ret, p, n);
			e = entry_get(t, ret->buf);
			if (e && S_ISLNK(e->inode->mode) && (*next || w->follow_last)) {
				if (w->strict &&
				    (!(w->flags & TREE_FOLLOW) || e->inode->seq == w->seq)) {
					w->bad = e->path;
					return 1;
				}
				if (++followed > MAX_LINKS_FOLLOWED || ret->len > MAX_PATH)
					return 1;
				follow(ret, &rest, e->inode->target, next);
				next = rest;
			}
		}
		p = next;
	}
	return 0;
}

struct tree_entry *tree_lookup(const struct tree *t, const char *path)
{
	struct str real cleanup_str = STR_INIT;
	struct walk w = {0};

	return walk(t, path, &w, &real) ? NULL : entry_get(t, real.buf);
}

struct tree_entry *tree_resolve(const struct tree *t, const char *path)
{
	struct str real cleanup_str = STR_INIT;
	struct walk w = {.follow_last = true};

	return walk(t, path, &w, &real) ? NULL : entry_get(t, real.buf);
}

struct tree_entry *tree_link_target(struct tree *t, const char *path, unsigned flags, bool strict)
{
	struct str real cleanup_str = STR_INIT;
	struct walk w = {.flags = flags, .seq = t->seq, .strict = strict};
	struct tree_entry *e;

	e = walk(t, path, &w, &real) ? NULL : entry_get(t, real.buf);
	return e && !S_ISDIR(e->inode->mode) ? e : NULL;
}

static struct tree_entry *parent_of(const struct tree *t, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir cleanup_free = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");

	return entry_get(t, dir);
}

/* Names INODE at the real path PATH, whose parent is there. */
static void entry_set(struct tree *t, const char *path, struct tree_inode *inode)
{
	struct tree_entry *e = map_get(&t->index, path);

	inode->links++;
	t->dirty = true;
	if (!e) {
		e = arena_alloc(t->arena, sizeof(*e));
		e->path = arena_strdup(t->arena, path);
		map_set(&t->index, e->path, e);
	}
	if (e->inode)
		e->inode->links--;
	else if (*path)
		parent_of(t, path)->children++;
	e->inode = inode;
}

/* Makes the directories above the real path PATH. */
static int make_parents(struct tree *t, const char *path, struct err **err)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		char *dir cleanup_free = xstrndup(path, (size_t)(slash - path));
		struct tree_entry *e = entry_get(t, dir);

		if (!e)
			entry_set(t, dir,
				  tree_inode_new(t, S_IFDIR | 0755, 0, 0, (int64_t)t->epoch));
		else if (!S_ISDIR(e->inode->mode))
			return err_set(err, E_TREE_CONFLICT,
				       "cannot create '/%s': '/%s' is not a directory", path, dir);
	}
	return 0;
}

/* Whether INODE may take the place of E. 0 yes, 1 leave E alone, -1 error. */
static int judge_replace(const struct tree *t, const struct tree_entry *e,
			 const struct tree_inode *inode, unsigned flags, struct err **err)
{
	bool was_dir = S_ISDIR(e->inode->mode), is_dir = S_ISDIR(inode->mode);
	struct tree_entry *target;

	if (was_dir == is_dir)
		return 0;
	if (is_dir && S_ISLNK(e->inode->mode) && (flags & TREE_FOLLOW) && e->inode->seq != t->seq) {
		target = tree_resolve(t, e->path);
		if (target && S_ISDIR(target->inode->mode))
			return 1;
	}
	if ((flags & TREE_REPLACE) && !e->children)
		return 0;
	if (was_dir)
		return err_set(err, E_TREE_CONFLICT,
			       "'/%s' is a directory%s and cannot become a %s", e->path,
			       e->children ? " with content" : "",
			       S_ISLNK(inode->mode) ? "link" : "file");
	return err_set(err, E_TREE_CONFLICT, "'/%s' is a %s and cannot become a directory", e->path,
		       S_ISLNK(e->inode->mode) ? "link" : "file");
}

int tree_put(struct tree *t, const char *path, struct tree_inode *inode, unsigned flags,
	     bool strict, struct err **err)
{
	struct str normal cleanup_str = STR_INIT, real cleanup_str = STR_INIT;
	struct walk w = {.flags = flags, .seq = t->seq, .strict = strict};
	struct tree_entry *e;
	int rc;

	if (tree_path_normal(path, &normal))
		return err_set(err, E_UNPACK_REFUSED,
			       "the name '%s' is refused: it is too long or has '..'", path);
	if (walk(t, normal.buf, &w, &real)) {
		if (w.bad)
			return err_set(err, E_UNPACK_REFUSED,
				       "the name '%s' is refused: '/%s' is a symbolic link", path,
				       w.bad);
		return err_set(err, E_UNPACK_REFUSED,
			       "the name '%s' leads into a loop of symbolic links", path);
	}
	if (!real.len && !S_ISDIR(inode->mode))
		return err_set(err, E_UNPACK_REFUSED, "the root of a tree cannot be a file");
	if (make_parents(t, real.buf, err) < 0)
		return -1;
	e = entry_get(t, real.buf);
	if (e && e->inode == inode)
		return 0;
	if (e) {
		rc = judge_replace(t, e, inode, flags, err);
		if (rc)
			return rc < 0 ? -1 : 0;
	}
	entry_set(t, real.buf, inode);
	return 0;
}

int tree_link(struct tree *t, const char *path, struct tree_inode *inode, unsigned flags,
	      struct err **err)
{
	return tree_put(t, path, inode, flags, !(flags & TREE_FOLLOW), err);
}

/* ---- making and removing ---- */

int tree_add_file(struct tree *t, const char *path, mode_t mode, const void *data, size_t len,
		  struct err **err)
{
	struct tree_inode *inode =
		tree_inode_new(t, S_IFREG | (mode & 07777), 0, 0, (int64_t)t->epoch);
	void *copy = arena_alloc(t->arena, len + 1);

	memcpy(copy, data, len);
	tree_inode_refer(t, inode, 0, copy, len);
	return tree_put(t, path, inode, TREE_FOLLOW, false, err);
}

int tree_add_dir(struct tree *t, const char *path, mode_t mode, struct err **err)
{
	struct tree_inode *inode =
		tree_inode_new(t, S_IFDIR | (mode & 07777), 0, 0, (int64_t)t->epoch);

	return tree_put(t, path, inode, TREE_FOLLOW, false, err);
}

int tree_add_symlink(struct tree *t, const char *path, const char *target, struct err **err)
{
	struct tree_inode *inode = tree_inode_new(t, S_IFLNK | 0777, 0, 0, (int64_t)t->epoch);

	if (!*target || strlen(target) >= MAX_PATH)
		return err_set(err, E_UNPACK_REFUSED, "'%s' has a bad link target", path);
	inode->target = tree_strdup(t, target);
	return tree_put(t, path, inode, TREE_FOLLOW, false, err);
}

static int by_path(const void *a, const void *b)
{
	return strcmp((*(struct tree_entry *const *)a)->path,
		      (*(struct tree_entry *const *)b)->path);
}

struct tree_entry *const *tree_entries(struct tree *t, size_t *ret_count)
{
	if (t->dirty) {
		t->sorted.count = 0;
		for (size_t i = 0; i < t->index.count; i++) {
			struct tree_entry *e = t->index.entries[i].value;

			if (e->inode)
				tree_entry_ptrs_push(&t->sorted, e);
		}
		qsort(t->sorted.items, t->sorted.count, sizeof(t->sorted.items[0]), by_path);
		t->dirty = false;
	}
	*ret_count = t->sorted.count;
	return t->sorted.items;
}

int tree_remove(struct tree *t, const char *glob, size_t *ret_count, struct err **err)
{
	struct tree_entry *const *entries;
	size_t count, removed = 0;

	if (glob[0] != '/' || !glob[1])
		return err_set(err, E_INVALID_VALUE,
			       "cannot remove '%s': write an absolute pattern below '/'", glob);
	entries = tree_entries(t, &count);
	for (size_t i = 1; i < count; i++) {
		struct tree_entry *e = entries[i], *parent = parent_of(t, e->path);

		if (parent && !tree_glob(glob, e->path))
			continue;
		if (parent)
			parent->children--;
		e->inode->links--;
		e->inode = NULL;
		e->children = 0;
		removed++;
	}
	if (removed)
		t->dirty = true;
	*ret_count = removed;
	return 0;
}
