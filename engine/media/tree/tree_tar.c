/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tars into trees and trees into tars: with tree_acl.c the files that know libarchive. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "media/tree/pax.h"
#include "media/tree/tree.h"
#include "media/tree/tree_acl.h"
#include "media/tree/tree_priv.h"
#include "media/tree/tree_xattr.h"
#include "media/tree/unpack.h"

/* One reading. */
struct reading {
	struct tree *t;
	const char *to, *name;
	const char *map; /* the tar's own bytes, when they stay; else NULL */
	size_t map_len;
	const void *data; /* of the tar */
	size_t data_len;
	unsigned flags;
	tree_filter_fn *filter;
	void *arg;
	struct archive *a;
	struct unpack unpack;
	struct acl_lists later; /* ACLs with names, until the tree's passwd is known */
	const char *plain;      /* the tar without compression; NULL: not needed yet */
	size_t plain_len;
};

static void read_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static void write_freep(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

/*
 * libarchive converts names by the thread's locale. It is C.UTF-8 while a tar is read or written,
 * whatever the user's is, so that equal trees give equal bytes.
 */
struct utf8 {
	locale_t own, saved;
};

static struct utf8 utf8_enter(void)
{
	struct utf8 u = {.own = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0)};

	if (u.own)
		u.saved = uselocale(u.own);
	return u;
}

static void utf8_leave(struct utf8 *u)
{
	if (!u->own)
		return;
	uselocale(u->saved);
	freelocale(u->own);
}
#define in_utf8 struct utf8 utf8_scope __attribute__((cleanup(utf8_leave), unused)) = utf8_enter()

/* ---- reading ---- */

/* The pieces of a sparse file may stand in a tar in any order, over each other, beyond its end. */
static int check_piece(const struct reading *r, const struct tree_inode *inode, const char *path,
		       la_int64_t offset, size_t len, struct err **err)
{
	if (!len || (offset >= 0 && tree_inode_takes(inode, (uint64_t)offset, len)))
		return 0;
	return err_set(err, E_UNPACK_REFUSED,
		       "'%s': '%s' is damaged: its pieces are not in order, or larger than the "
		       "file",
		       r->name, path);
}

static int read_content(struct reading *r, struct tree_inode *inode, const char *path,
			struct err **err)
{
	const void *data;
	size_t len;
	la_int64_t offset;
	int rc;

	while ((rc = archive_read_data_block(r->a, &data, &len, &offset)) == ARCHIVE_OK) {
		const char *p = data;

		if (unpack_check(&r->unpack, 0, err) < 0 ||
		    check_piece(r, inode, path, offset, len, err) < 0)
			return -1;
		if (r->map && p >= r->map && p + len <= r->map + r->map_len)
			tree_inode_refer(r->t, inode, (uint64_t)offset, data, len);
		else if (tree_inode_append(r->t, inode, (uint64_t)offset, data, len, err) < 0)
			return -1;
	}
	return rc == ARCHIVE_EOF ? 0 : unpack_fail(&r->unpack, err);
}

/* What is left of an entry that nobody wants: libarchive would decompress it without an end. */
static int pass_over(struct reading *r, struct err **err)
{
	const void *data;
	size_t len;
	la_int64_t offset;

	while (r->unpack.compressed &&
	       archive_read_data_block(r->a, &data, &len, &offset) == ARCHIVE_OK)
		if (unpack_check(&r->unpack, 0, err) < 0)
			return -1;
	return 0;
}

/* Before its first byte is there: what the entry says that it has. Holes cost nothing. */
static int check_size(const struct reading *r, struct archive_entry *ae, struct err **err)
{
	la_int64_t size = archive_entry_sparse_count(ae) ? 0 : archive_entry_size(ae);

	return unpack_check(&r->unpack, size > 0 ? (uint64_t)size : 0, err);
}

/* Paths of pax headers are UTF-8 and have no other form in the C locale. */
static const char *entry_path(struct archive_entry *ae)
{
	const char *p = archive_entry_pathname(ae);

	return p ? p : archive_entry_pathname_utf8(ae);
}

/* The bytes of the tar as they are without compression. */
static int need_plain(struct reading *r, struct err **err)
{
	int fd cleanup_fd = -1;
	const void *plain;
	uint64_t len;

	if (r->plain)
		return 0;
	fd = open(r->t->scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a scratch file in '%s'",
				 r->t->scratch);
	if (tree_expand(r->name, r->data, r->data_len, fd, 0, &len, err) < 0 ||
	    tree_map_fd(r->t, fd, r->name, &plain, &r->plain_len, err) < 0)
		return -1;
	r->plain = plain;
	return 0;
}

static int check_headers(struct reading *r, struct archive_entry *ae, struct err **err)
{
	la_int64_t at = archive_read_header_position(r->a);
	struct str why cleanup_str = STR_INIT;

	if (need_plain(r, err) < 0)
		return -1;
	if (pax_check(r->plain, r->plain_len, at < 0 ? 0 : (uint64_t)at, &why))
		return 0;
	return err_set(err, E_UNPACK_REFUSED,
		       "'%s': '%s' has an attribute that cannot be read (%s), and would be without "
		       "it",
		       r->name, entry_path(ae), why.buf);
}

/*
 * An attribute (an owner, a time) that libarchive cannot read it leaves out, and says nothing of it
 * but by a warning, by the text of an error that has no code (a garbled access list), or not at all
 * (pax.h). The warning with a code is about a name that is not UTF-8, which stays as it is; it may
 * hide another.
 */
static int check_attributes(struct reading *r, struct archive_entry *ae, int rc, struct err **err)
{
	const char *why = archive_error_string(r->a);
	bool hides = rc == ARCHIVE_WARN && archive_errno(r->a) > 0;

	if (why && !hides)
		return err_set(err, E_UNPACK_REFUSED,
			       "'%s': '%s' has an attribute that cannot be read (%s), and would be "
			       "without it",
			       r->name, entry_path(ae), why);
	if (!hides && r->unpack.compressed &&
	    archive_format(r->a) != ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE)
		return 0; /* there are no such headers, and to decompress it again takes its time */
	return check_headers(r, ae, err);
}

static const char *entry_symlink(struct archive_entry *ae)
{
	const char *p = archive_entry_symlink(ae);

	return p ? p : archive_entry_symlink_utf8(ae);
}

static const char *entry_hardlink(struct archive_entry *ae)
{
	const char *p = archive_entry_hardlink(ae);

	return p ? p : archive_entry_hardlink_utf8(ae);
}

/* 0, or 1 when the filter drops the entry; *RET is the place in the tree. */
static int place(struct reading *r, const char *path, struct tree_inode *inode, struct str *ret,
		 struct err **err)
{
	struct str normal cleanup_str = STR_INIT;
	const char *shown;
	int rc;

	path += strspn(path, "/"); /* of tar -P; as tar and dpkg do */
	if (tree_path_normal(path, &normal))
		return err_set(err, E_UNPACK_REFUSED,
			       "'%s': the name '%s' is refused: it is too long or has '..'",
			       r->name, path);
	shown = normal.buf;
	if (r->filter) {
		rc = r->filter(r->arg, &shown, inode, err);
		if (rc)
			return rc;
	}
	str_clear(ret);
	str_printf(ret, "%s/%s", r->to, shown);
	return 0;
}

static int read_hardlink(struct reading *r, const char *path, const char *target, struct err **err)
{
	struct str to cleanup_str = STR_INIT, from cleanup_str = STR_INIT;
	struct tree_inode probe = {.mode = S_IFREG};
	struct tree_entry *e;
	int rc = place(r, path, &probe, &to, err);

	if (rc)
		return rc < 0 ? -1 : 0;
	rc = place(r, target, &probe, &from, err);
	if (rc < 0)
		return -1;
	e = rc ? NULL : tree_link_target(r->t, from.buf, r->flags, true);
	if (!e)
		return err_set(err, E_UNPACK_REFUSED,
			       "'%s': '%s' is a hard link to '%s', which is not there", r->name,
			       path, target);
	return tree_put(r->t, to.buf, e->inode, r->flags, true, err);
}

/* Fills what depends on the type. */
static int read_special(struct reading *r, struct archive_entry *ae, struct tree_inode *inode,
			const char *path, struct err **err)
{
	const char *target;

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFIFO:
		return 0;
	case S_IFLNK:
		target = entry_symlink(ae);
		if (!target || !*target)
			return err_set(err, E_UNPACK_REFUSED,
				       "'%s': '%s' is a link without a target", r->name, path);
		inode->target = tree_strdup(r->t, target);
		return 0;
	case S_IFCHR:
	case S_IFBLK:
		inode->major = (uint32_t)archive_entry_rdevmajor(ae);
		inode->minor = (uint32_t)archive_entry_rdevminor(ae);
		return 0;
	default:
		return err_set(
			err, E_UNPACK_REFUSED,
			"'%s': '%s' is of a type that trees do not have (the rest of a file from "
			"another volume, or a socket)",
			r->name, path);
	}
}

static int read_entry(struct reading *r, struct archive_entry *ae, struct err **err)
{
	struct str to cleanup_str = STR_INIT;
	const char *path = entry_path(ae), *link = entry_hardlink(ae);
	struct tree_inode *inode;
	int rc;

	if (!path)
		return err_set(err, E_UNPACK_REFUSED, "'%s' has an entry without a name", r->name);
	if (check_size(r, ae, err) < 0)
		return -1;
	if (link)
		return read_hardlink(r, path, link, err);
	if (archive_entry_uid(ae) > UINT32_MAX || archive_entry_gid(ae) > UINT32_MAX ||
	    archive_entry_uid(ae) < 0 || archive_entry_gid(ae) < 0)
		return err_set(err, E_UNPACK_REFUSED, "'%s': '%s' has a bad owner", r->name, path);
	inode = tree_inode_new(r->t, archive_entry_mode(ae), (uint32_t)archive_entry_uid(ae),
			       (uint32_t)archive_entry_gid(ae), archive_entry_mtime(ae));
	rc = read_special(r, ae, inode, path, err);
	if (rc == 0)
		rc = tree_xattrs_read(r->t, ae, inode, r->name, path, err);
	if (rc == 0)
		rc = tree_acl_read(r->t, ae, inode, path, &r->later, err);
	if (rc == 0)
		rc = place(r, path, inode, &to, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	if (S_ISREG(inode->mode)) {
		inode->size = (uint64_t)archive_entry_size(ae);
		if (read_content(r, inode, path, err) < 0)
			return -1;
	}
	return tree_put(r->t, to.buf, inode, r->flags, true, err);
}

static int read_all(struct reading *r, const void *data, size_t len, struct err **err)
{
	in_utf8;
	struct archive *a __attribute__((cleanup(read_freep))) = NULL;
	struct archive_entry *ae;
	int rc;

	a = archive_read_new();
	if (!a)
		return err_set(err, E_INTERNAL, "libarchive has no reader");
	r->a = a;
	r->unpack = (struct unpack){.a = a, .name = r->name};
	r->data = data;
	r->data_len = len;
	archive_read_support_format_tar(a);
	if (!len)
		archive_read_support_format_empty(a);
	if (unpack_open(&r->unpack, data, len, err) < 0)
		return -1;
	if (!r->unpack.compressed) {
		r->plain = data;
		r->plain_len = len;
	}
	tree_begin(r->t);
	while ((rc = archive_read_next_header(a, &ae)) == ARCHIVE_OK || rc == ARCHIVE_WARN)
		if (check_attributes(r, ae, rc, err) < 0 || read_entry(r, ae, err) < 0 ||
		    pass_over(r, err) < 0)
			return -1;
	if (rc != ARCHIVE_EOF)
		return unpack_fail(&r->unpack, err);
	if (unpack_end(&r->unpack, err) < 0)
		return -1;
	return tree_acl_settle(r->t, r->to, &r->later, err);
}

int tree_read_tar(struct tree *t, const char *to, const char *path, unsigned flags,
		  struct err **err)
{
	struct reading r = {.t = t, .to = to, .name = path, .flags = flags};
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);
	const void *addr;
	int rc;

	if (fd < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot open '%s'", path);
	if (tree_map_fd(t, fd, path, &addr, &r.map_len, err) < 0)
		return -1;
	if (!addr)
		return err_set(err, E_UNPACK_REFUSED, "'%s' is empty and no tar", path);
	r.map = addr;
	rc = read_all(&r, addr, r.map_len, err);
	acl_lists_free(&r.later);
	return rc;
}

int tree_read_tar_filter(struct tree *t, const char *to, const char *name, const void *data,
			 size_t len, unsigned flags, tree_filter_fn *fn, void *arg,
			 struct err **err)
{
	struct reading r = {
		.t = t, .to = to, .name = name, .flags = flags, .filter = fn, .arg = arg};
	int rc = read_all(&r, data, len, err);

	acl_lists_free(&r.later);
	return rc;
}

int tree_read_tar_data(struct tree *t, const char *to, const char *name, const void *data,
		       size_t len, unsigned flags, struct err **err)
{
	return tree_read_tar_filter(t, to, name, data, len, flags, NULL, NULL, err);
}

/* ---- writing ---- */

static int write_fail(struct archive *a, const char *path, struct err **err)
{
	return unpack_fail(&(struct unpack){.a = a, .name = path}, err);
}

static uint64_t bytes_of(const struct tree_inode *inode)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < inode->segment_count; i++)
		bytes += inode->segments[i].len;
	return bytes;
}

/*
 * A tar has no holes here: a file of a few bytes may claim exabytes, and zeros would be written. To
 * a disk they are what a compressed archive of that size would become.
 */
static int check_holes(struct tree *t, const char *path, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);
	uint64_t data = 0, holes = 0, most;

	for (size_t i = 0; i < count; i++)
		data += bytes_of(entries[i]->inode);
	most = unpack_most(data);
	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *inode = entries[i]->inode;
		char *limit cleanup_free = NULL;

		if (!S_ISREG(inode->mode) ||
		    (!__builtin_add_overflow(holes, inode->size - bytes_of(inode), &holes) &&
		     holes <= most))
			continue;
		limit = str_bytes(most);
		return err_set(err, E_FILESYSTEM_LIMITS,
			       "'%s': '/%s' has holes of more than %s, which a tar would have to "
			       "hold as zeros",
			       path, entries[i]->path, limit);
	}
	return 0;
}

static int write_zeros(struct archive *a, uint64_t len)
{
	static const char zeros[65536];

	while (len) {
		la_ssize_t n =
			archive_write_data(a, zeros, len < sizeof(zeros) ? len : sizeof(zeros));

		if (n <= 0)
			return -1;
		len -= (uint64_t)n;
	}
	return 0;
}

static int write_bytes(struct archive *a, const char *data, uint64_t len)
{
	while (len) {
		la_ssize_t n = archive_write_data(a, data, len < 1 << 30 ? len : 1 << 30);

		if (n <= 0)
			return -1;
		data += n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int write_content(struct archive *a, const struct tree_inode *inode)
{
	uint64_t pos = 0;

	for (size_t i = 0; i < inode->segment_count; i++) {
		const struct tree_segment *s = &inode->segments[i];

		if (write_zeros(a, s->offset - pos) < 0 || write_bytes(a, s->data, s->len) < 0)
			return -1;
		pos = s->offset + s->len;
	}
	return write_zeros(a, inode->size - pos);
}

static void describe(struct archive_entry *ae, const struct tree_entry *e, const char *first)
{
	const struct tree_inode *inode = e->inode;
	char *name cleanup_free = S_ISDIR(inode->mode) ? xasprintf("%s/", *e->path ? e->path : ".")
						       : xstrdup(e->path);

	archive_entry_clear(ae);
	archive_entry_copy_pathname(ae, name);
	archive_entry_set_mode(ae, inode->mode);
	archive_entry_set_uid(ae, inode->uid);
	archive_entry_set_gid(ae, inode->gid);
	archive_entry_set_mtime(ae, inode->mtime, 0);
	if (first) {
		archive_entry_copy_hardlink(ae, first);
		archive_entry_set_size(ae, 0);
		return;
	}
	archive_entry_set_size(ae, S_ISREG(inode->mode) ? (la_int64_t)inode->size : 0);
	if (S_ISLNK(inode->mode))
		archive_entry_copy_symlink(ae, inode->target);
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) {
		archive_entry_set_rdevmajor(ae, inode->major);
		archive_entry_set_rdevminor(ae, inode->minor);
	}
	for (size_t i = 0; i < inode->xattr_count; i++)
		archive_entry_xattr_add_entry(ae, inode->xattrs[i].name, inode->xattrs[i].value,
					      inode->xattrs[i].len);
}

static int write_entries(struct tree *t, struct archive *a, struct archive_entry *ae)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++)
		entries[i]->inode->user = 0;
	for (size_t i = 0; i < count; i++) {
		struct tree_inode *inode = entries[i]->inode;
		bool linked = inode->links > 1 && inode->user;

		describe(ae, entries[i], linked ? entries[inode->user - 1]->path : NULL);
		inode->user = linked ? inode->user : i + 1;
		if (archive_write_header(a, ae) < ARCHIVE_WARN)
			return -1;
		if (!linked && S_ISREG(inode->mode) && write_content(a, inode) < 0)
			return -1;
	}
	return archive_write_close(a) == ARCHIVE_OK ? 0 : -1;
}

int tree_write_tar(struct tree *t, const char *path, struct err **err)
{
	in_utf8;
	struct archive *a __attribute__((cleanup(write_freep))) = NULL;
	struct archive_entry *ae;
	int fd cleanup_fd = -1;
	int rc;

	if (check_holes(t, path, err) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot create '%s'", path);
	a = archive_write_new();
	if (!a || archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
	    archive_write_set_options(a, "xattrheader=SCHILY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(a, 1 << 20) != ARCHIVE_OK ||
	    archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK ||
	    archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return write_fail(a, path, err);
	ae = archive_entry_new();
	rc = write_entries(t, a, ae);
	archive_entry_free(ae);
	return rc < 0 ? write_fail(a, path, err) : 0;
}
