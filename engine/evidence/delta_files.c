/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files, and who may do what with them. Times are not compared: they follow from the bytes. */
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "evidence/delta_priv.h"
#include "media/tree/capability.h"

#define SET_ID (S_ISUID | S_ISGID)

struct files {
	struct delta_part *part;
	struct arena *arena;
	struct strs packages[2];      /* before, after: inode->user is an index + 1 */
	struct map changed;           /* names of packages */
	const char *top, *top_change; /* the directory that was added or removed last */
};

static bool same_xattr(const struct tree_xattr *a, const struct tree_xattr *b)
{
	return a == b || (a && b && a->len == b->len && !memcmp(a->value, b->value, a->len));
}

static bool same_xattrs(const struct tree_inode *a, const struct tree_inode *b)
{
	if (a->xattr_count != b->xattr_count)
		return false;
	for (size_t i = 0; i < a->xattr_count; i++) {
		if (!same_xattr(&a->xattrs[i], tree_inode_find_xattr(b, a->xattrs[i].name)))
			return false;
	}
	return true;
}

/* ---- in words ---- */

static const char *type_text(mode_t mode)
{
	return S_ISDIR(mode)   ? "directory "
	       : S_ISLNK(mode) ? "link "
	       : S_ISCHR(mode) ? "character device "
	       : S_ISBLK(mode) ? "block device "
	       : S_ISREG(mode) ? ""
			       : "special ";
}

static void add_capability(struct str *s, const struct tree_inode *n)
{
	const struct tree_xattr *x = tree_inode_find_xattr(n, CAPABILITY_XATTR);

	if (!x)
		return;
	str_append(s, ",");
	capability_text(s, x->value, x->len);
}

static const char *inode_text(struct arena *arena, const struct tree_inode *n)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%s%04o %u:%u", type_text(n->mode), n->mode & 07777, n->uid, n->gid);
	if (S_ISREG(n->mode))
		str_printf(&s, " %llu", (unsigned long long)n->size);
	if (S_ISLNK(n->mode))
		str_printf(&s, " -> %s", n->target);
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		str_printf(&s, " %u,%u", n->major, n->minor);
	add_capability(&s, n);
	return arena_strdup(arena, s.buf);
}

static void add_word(struct str *s, bool differs, const char *word)
{
	if (differs)
		str_printf(s, "%s%s", s->len ? ", " : "", word);
}

static const char *change_text(struct arena *arena, const struct tree_inode *a,
			       const struct tree_inode *b)
{
	struct str s cleanup_str = STR_INIT;
	bool type = (a->mode & S_IFMT) != (b->mode & S_IFMT), file = S_ISREG(b->mode);
	bool caps = !same_xattr(tree_inode_find_xattr(a, CAPABILITY_XATTR),
				tree_inode_find_xattr(b, CAPABILITY_XATTR));

	add_word(&s, type, "type");
	add_word(&s, !S_ISLNK(b->mode) && (a->mode & 07777) != (b->mode & 07777), "mode");
	add_word(&s, a->uid != b->uid || a->gid != b->gid, "owner");
	add_word(&s, caps, "capabilities");
	add_word(&s, !caps && !same_xattrs(a, b), "attributes");
	add_word(&s, !type && file && a->size != b->size, "size");
	add_word(&s,
		 !type && file && a->size == b->size && tree_inode_difference(a, b) != UINT64_MAX,
		 "content");
	add_word(&s, !type && S_ISLNK(b->mode) && !str_eq(a->target, b->target), "target");
	add_word(&s, !type && (a->major != b->major || a->minor != b->minor), "device");
	return s.len ? arena_strdup(arena, s.buf) : NULL;
}

/* Whether everybody may write to it, or to what others have in it. */
static bool is_open(const struct tree_inode *n)
{
	return (n->mode & S_IWOTH) && !S_ISLNK(n->mode) &&
	       !(S_ISDIR(n->mode) && (n->mode & S_ISVTX));
}

/* Rights that are there now and were not: set-id, capabilities, writable by everybody. */
static bool is_alarm(const struct tree_inode *a, const struct tree_inode *b)
{
	mode_t had = a && S_ISREG(a->mode) ? a->mode : 0;
	const struct tree_xattr *caps = tree_inode_find_xattr(b, CAPABILITY_XATTR);

	if (S_ISREG(b->mode) && (b->mode & SET_ID & ~had))
		return true;
	if (S_ISREG(b->mode) && (b->mode & SET_ID) && a && (a->uid != b->uid || a->gid != b->gid))
		return true;
	if (caps && !(a && same_xattr(tree_inode_find_xattr(a, CAPABILITY_XATTR), caps)))
		return true;
	return is_open(b) && !(a && is_open(a));
}

/* ---- walking ---- */

static const char *owner_of(const struct files *f, unsigned side, const struct tree_inode *n)
{
	return n->user ? f->packages[side].items[n->user - 1] : NULL;
}

/* What is in a directory that was added or removed as a whole follows from that. */
static bool is_below_top(struct files *f, const char *path, const char *change)
{
	const char *rest = f->top ? str_skip(path, f->top) : NULL;

	return rest && *rest == '/' && change == f->top_change;
}

static void add_row(struct files *f, const struct tree_entry *a, const struct tree_entry *b,
		    const char *change)
{
	const struct tree_entry *e = b ? b : a;
	struct delta_row *row =
		delta_add(f->part, DELTA_FILES, arena_printf(f->arena, "/%s", e->path), change);

	row->before = a ? inode_text(f->arena, a->inode) : NULL;
	row->after = b ? inode_text(f->arena, b->inode) : NULL;
	row->package = owner_of(f, b != NULL, e->inode);
	row->alarm = b && is_alarm(a ? a->inode : NULL, b->inode);
	row->minor = is_below_top(f, e->path, change) ||
		     (row->package && map_get(&f->changed, row->package)) ||
		     str_skip(e->path, "var/lib/dpkg/");
}

static void compare_entry(struct files *f, const struct tree_entry *a, const struct tree_entry *b)
{
	const struct tree_entry *e = b ? b : a;
	const char *change = !a   ? "added"
			     : !b ? "removed"
				  : change_text(f->arena, a->inode, b->inode);

	if (!change)
		return;
	add_row(f, a, b, change);
	if (S_ISDIR(e->inode->mode) && !(a && b) && !is_below_top(f, e->path, change)) {
		f->top = e->path;
		f->top_change = change;
	}
}

static void walk(struct files *f, struct tree *before, struct tree *after)
{
	size_t a_count, b_count, i = 0, k = 0;
	struct tree_entry *const *a = tree_entries(before, &a_count);
	struct tree_entry *const *b = tree_entries(after, &b_count);

	while (i < a_count || k < b_count) {
		int order = i == a_count ? 1 : k == b_count ? -1 : strcmp(a[i]->path, b[k]->path);

		compare_entry(f, order <= 0 ? a[i] : NULL, order >= 0 ? b[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
}

/* "libc6" of a row "libc6:armhf". */
static void note_changed(struct files *f, const struct delta_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		const char *name = rows->items[i].name;

		map_set(&f->changed, arena_strndup(f->arena, name, strcspn(name, ":")), f);
	}
}

void delta_files(struct delta_part *p, struct arena *arena, struct tree *before, struct tree *after)
{
	struct files f = {.part = p, .arena = arena};

	sizes_note_packages(arena, before, &f.packages[0]);
	sizes_note_packages(arena, after, &f.packages[1]);
	note_changed(&f, &p->rows[DELTA_PACKAGES]);
	walk(&f, before, after);
	strs_clear(&f.packages[0]);
	strs_clear(&f.packages[1]);
	map_clear(&f.changed);
}
