/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/repository/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/walk.h"
#include "media/deb/deb.h"
#include "media/tree/tree_export.h"

#define GUARD ".orch-publish.lock"
#define STAGE ".orch-publish" /* on the file system of the directory, so that renames do */
#define MAX_RELEASE (1 << 20)

struct publishing {
	const char *dir;
	struct tree *t;
	char *stage;      /* T as files */
	char *suite;      /* "stable" */
	char *now, *then; /* the texts of Release, to be and as published; THEN NULL: none was */
	int64_t since;    /* the second from which on servers show the new state */
	struct published *ret;
};

static void publishing_clear(struct publishing *p)
{
	struct err *ignored cleanup_err = NULL;

	if (p->stage)
		(void)!path_remove(p->stage, &ignored);
	free(p->stage);
	free(p->suite);
	free(p->now);
	free(p->then);
}
#define cleanup_publishing __attribute__((cleanup(publishing_clear)))

/* ---- what it is ---- */

/* The suite of an entry that describes it, "dists/stable/Release"; NULL: another entry. */
static char *suite_of(const char *path)
{
	const char *name = str_skip(path, "dists/");
	size_t len = name ? strcspn(name, "/") : 0;

	return len && str_eq(name + len, "/Release") ? xstrndup(name, len) : NULL;
}

static int read_tree(struct publishing *p, const char *tar, struct err **err)
{
	struct tree_entry *const *entries;
	size_t count;

	if (tree_read_tar(p->t, "/", tar, 0, err) < 0)
		return -1;
	entries = tree_entries(p->t, &count);
	for (size_t i = 0; i < count && !p->suite; i++) {
		p->suite = suite_of(entries[i]->path);
		if (p->suite)
			p->now = tree_inode_text(entries[i]->inode, MAX_RELEASE);
	}
	if (!p->now)
		return err_set(err, E_WRONG_INPUT, "'%s' is not a package repository", tar);
	snprintf(p->ret->suite, sizeof(p->ret->suite), "%s", p->suite);
	return 0;
}

/* Seconds of a date as Release has it; -1: FIELD is not there, or is no date. */
static int64_t date_of(const char *release, const char *field, char *ret, size_t size)
{
	char *text cleanup_free = deb_field(release, field);
	struct tm tm = {0};

	snprintf(ret, size, "%s", text ? text : "");
	return text && strptime(text, "%a, %d %b %Y %H:%M:%S", &tm) ? timegm(&tm) : -1;
}

static int refuse_expired(struct publishing *p, int64_t now, struct err **err)
{
	int64_t until =
		date_of(p->now, "Valid-Until", p->ret->valid_until, sizeof(p->ret->valid_until));

	if (until > now)
		return 0;
	return err_set(
		err, E_ARCHIVE_EXPIRED,
		"the repository was valid until %s, and consumers refuse it: give its recipe "
		"a 'date' of today",
		p->ret->valid_until);
}

/* What is published there already must be an earlier state of the same. */
static int refuse_other(const struct publishing *p, struct err **err)
{
	char was[64];
	char *origin cleanup_free = deb_field(p->now, "Origin");
	char *there cleanup_free = p->then ? deb_field(p->then, "Origin") : NULL;
	int64_t date = date_of(p->now, "Date", p->ret->date, sizeof(p->ret->date));

	if (!p->then)
		return 0;
	if (!there || !origin || !str_eq(there, origin))
		return err_set(
			err, E_PUBLISHED_OTHER,
			"'%s' has a suite '%s' of '%s', and this one is of '%s': name another "
			"directory, or another suite",
			p->dir, p->suite, there ? there : "nobody", origin ? origin : "nobody");
	if (date_of(p->then, "Date", was, sizeof(was)) > date)
		return err_set(
			err, E_PUBLISHED_OTHER,
			"'%s' has a state of %s, and this one is of %s: apt believes no older "
			"one. Give the recipe a later 'date'",
			p->dir, was, p->ret->date);
	return 0;
}

static int read_published(struct publishing *p, struct err **err)
{
	char *suite cleanup_free = xasprintf("%s/dists/%s", p->dir, p->suite);
	char *path cleanup_free = path_join(suite, "Release");
	struct str text cleanup_str = STR_INIT;

	if (!path_exists(path))
		return path_exists(suite) ? err_set(err, E_PUBLISHED_OTHER,
						    "'%s' has no Release, so it was not published "
						    "by orch: name another directory, or another "
						    "suite",
						    suite)
					  : 0;
	if (file_read_foreign(path, MAX_RELEASE, &text, err) < 0)
		return -1;
	p->then = str_steal(&text);
	return 0;
}

/* Whether the file behind FD, of as many bytes, has those of INODE. */
static int compare(int fd, const char *path, const struct tree_inode *inode, bool *ret,
		   struct err **err)
{
	char there[16384], here[sizeof(there)];
	ssize_t n = 0;

	*ret = true;
	for (uint64_t at = 0; at < inode->size && *ret; at += (uint64_t)n) {
		n = pread(fd, there, sizeof(there), (off_t)at);
		if (n < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
		*ret = n > 0 && (uint64_t)n <= inode->size - at;
		if (!*ret)
			return 0;
		tree_inode_read(inode, at, here, (size_t)n);
		*ret = memcmp(there, here, (size_t)n) == 0;
	}
	return 0;
}

/* Whether PATH of the directory is E, by its bytes. */
static int is_placed(const struct publishing *p, const struct tree_entry *e, bool *ret,
		     struct err **err)
{
	char *path cleanup_free = path_join(p->dir, e->path);
	int fd cleanup_fd = -1;
	struct stat st;

	*ret = false;
	if (lstat(path, &st) < 0 || (st.st_mode & S_IFMT) != (e->inode->mode & S_IFMT))
		return 0;
	*ret = S_ISDIR(st.st_mode);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != e->inode->size)
		return 0;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", path);
	return compare(fd, path, e->inode, ret, err);
}

/* Equal descriptions are not enough: another key may have signed them, and disks lose bytes. */
static int find_unchanged(struct publishing *p, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(p->t, &count);
	bool same = p->then && str_eq(p->then, p->now);

	for (size_t i = 0; i < count && same; i++)
		if (is_placed(p, entries[i], &same, err) < 0)
			return -1;
	p->ret->unchanged = same;
	return 0;
}

/* ---- what a power cut leaves ---- */

static int sync_at(int dirfd, const char *path, struct err **err)
{
	int fd cleanup_fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path)
		      : fd_sync(fd, path, err);
}

static int sync_entry(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	return sync_at(dirfd, name, err);
}

/* Directory PATH, and all that is below it. */
static int sync_all(const char *path, struct err **err)
{
	struct walk w = {.entry = sync_entry};

	return walk_below(path, &w, err) < 0 ? -1 : sync_at(AT_FDCWD, path, err);
}

/*
 * What of the directory is the repository's, below TOP, "pool" or "dists", and TOP itself: also
 * what was there, for whoever placed it may have been cut short.
 */
static int sync_placed(const struct publishing *p, const char *top, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(p->t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *rest = str_skip(entries[i]->path, top);
		char *path cleanup_free = path_join(p->dir, entries[i]->path);

		if (rest && (!*rest || *rest == '/') && sync_at(AT_FDCWD, path, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- packages ---- */

typedef int file_fn(struct publishing *p, const char *path, struct err **err);

/* The files of the repository below TOP, "pool/" or "dists/". */
static int each_file(struct publishing *p, const char *top, file_fn *fn, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(p->t, &count);

	for (size_t i = 0; i < count; i++)
		if (S_ISREG(entries[i]->inode->mode) && str_skip(entries[i]->path, top) &&
		    fn(p, entries[i]->path, err) < 0)
			return -1;
	return 0;
}

static int refuse_changed(struct publishing *p, const char *path, struct err **err)
{
	char *to cleanup_free = path_join(p->dir, path);
	struct stat st;
	bool same;

	if (lstat(to, &st) < 0)
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_PUBLISHED_OTHER,
			       "'%s' is not a file, as published packages are: remove it", to);
	if (is_placed(p, tree_lookup(p->t, path), &same, err) < 0)
		return -1;
	if (same)
		return 0;
	return err_set(err, E_PUBLISHED_OTHER,
		       "'%s' was published with other bytes, which locks name: give the package "
		       "another version; if the file is damaged, remove it",
		       to);
}

static int move(const char *from, const char *to, struct err **err)
{
	if (rename(from, to) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", to);
	return 0;
}

static int place_package(struct publishing *p, const char *path, struct err **err)
{
	char *from cleanup_free = path_join(p->stage, path),
		   *to cleanup_free = path_join(p->dir, path);
	char *above cleanup_free = path_dir(path);

	if (path_exists(to)) {
		p->ret->kept++;
		return 0;
	}
	p->ret->added++;
	if (sync_at(AT_FDCWD, from, err) < 0 || path_mkdirs_within(p->dir, above, err) < 0)
		return -1;
	return move(from, to, err);
}

/* ---- the suite ---- */

/* A list that the last state named, under its digest. */
static int keep_list(const struct publishing *p, const char *hex, const char *name,
		     struct err **err)
{
	char *above cleanup_free = path_dir(name);
	char *rel cleanup_free = xasprintf("dists/%s/%s/by-hash/SHA256/%s", p->suite, above, hex);
	char *from cleanup_free = path_join(p->dir, rel),
		   *to cleanup_free = path_join(p->stage, rel);
	const char *why;

	if (!path_is_project(rel, &why) || !path_exists(from) || path_exists(to))
		return 0;
	if (path_mkparents(to, err) < 0)
		return -1;
	return file_copy(from, to, 0644, err);
}

/* "DIGEST SIZE NAME" of each list of the last state. */
static int keep_lists(const struct publishing *p, struct err **err)
{
	char *sums cleanup_free = p->then ? deb_field(p->then, "SHA256") : NULL;
	char *save = NULL;

	for (char *hex = sums ? strtok_r(sums, " \t", &save) : NULL; hex;
	     hex = strtok_r(NULL, " \t", &save)) {
		char *size = strtok_r(NULL, " \t", &save), *name = strtok_r(NULL, " \t", &save);

		if (size && name && keep_list(p, hex, name, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * The first second, not before SECOND, of which a server cannot say that the file PATH of the
 * directory has not changed: it tells times in whole seconds, and two states may be published in
 * one.
 */
static int64_t younger(const struct publishing *p, const char *path, int64_t second)
{
	char *file cleanup_free = path_join(p->dir, path);
	struct stat st;

	return stat(file, &st) < 0 || st.st_mtim.tv_sec < second ? second : st.st_mtim.tv_sec + 1;
}

/* The times of a tree are those of all trees. */
static int settle(struct publishing *p, const char *path, struct err **err)
{
	char *file cleanup_free = path_join(p->stage, path);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
				    {.tv_sec = younger(p, path, p->since)}};

	if (utimensat(AT_FDCWD, file, times, 0) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot change '%s'", file);
	return 0;
}

/* Every state has an InRelease: a list that the last one lacked is younger than ever, too. */
static void find_since(struct publishing *p)
{
	char *path cleanup_free = xasprintf("dists/%s/InRelease", p->suite);

	p->since = younger(p, path, (int64_t)time(NULL));
}

/* What names the others, in the order in which they become those of another state. */
static const char *const descriptions[] = {"Release.gpg", "Release", "InRelease"};

/* Where two directories cannot change places: file by file, what names the others last. */
static int place_list(struct publishing *p, const char *path, struct err **err)
{
	char *from cleanup_free = path_join(p->stage, path),
		   *to cleanup_free = path_join(p->dir, path);
	char *above cleanup_free = path_dir(path);

	for (size_t i = 0; i < array_len(descriptions); i++)
		if (str_eq(path_base(path), descriptions[i]))
			return 0;
	return path_mkdirs_within(p->dir, above, err) < 0 ? -1 : move(from, to, err);
}

static int place_one_by_one(struct publishing *p, const char *from, const char *to,
			    struct err **err)
{
	if (each_file(p, "dists/", place_list, err) < 0 || sync_placed(p, "dists", err) < 0)
		return -1;
	for (size_t i = 0; i < array_len(descriptions); i++) {
		char *staged cleanup_free = path_join(from, descriptions[i]);
		char *shown cleanup_free = path_join(to, descriptions[i]);

		if (move(staged, shown, err) < 0 || file_sync_parent(shown, err) < 0)
			return -1;
	}
	return 0;
}

/* In one step, where the file system can. */
static int place_suite(struct publishing *p, struct err **err)
{
	char *rel cleanup_free = path_join("dists", p->suite);
	char *from cleanup_free = path_join(p->stage, rel),
		   *to cleanup_free = path_join(p->dir, rel);

	if (path_mkdirs_within(p->dir, "dists", err) < 0 || sync_all(from, err) < 0)
		return -1;
	if (!path_exists(to)) /* NFS knows no flags; the guard keeps others away */
		return move(from, to, err);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS || errno == EXDEV) /* overlayfs: the last */
		return place_one_by_one(p, from, to, err);
	return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", to);
}

static int place_lists(struct publishing *p, struct err **err)
{
	find_since(p);
	if (keep_lists(p, err) < 0 || each_file(p, "dists/", settle, err) < 0 ||
	    place_suite(p, err) < 0 || sync_placed(p, "dists", err) < 0)
		return -1;
	return sync_at(AT_FDCWD, p->dir, err);
}

/* ---- all of it ---- */

static int stage(struct publishing *p, struct err **err)
{
	p->stage = path_join(p->dir, STAGE);
	if (path_remove(p->stage, err) < 0 || path_mkdirs(p->stage, err) < 0)
		return -1;
	return tree_export(p->t, p->stage, err);
}

static int publish(struct publishing *p, const char *tar, int64_t now, struct err **err)
{
	if (read_tree(p, tar, err) < 0 || refuse_expired(p, now, err) < 0 ||
	    read_published(p, err) < 0 || refuse_other(p, err) < 0)
		return -1;
	if (find_unchanged(p, err) < 0)
		return -1;
	if (p->ret->unchanged)
		return 0;
	if (stage(p, err) < 0 || each_file(p, "pool/", refuse_changed, err) < 0 ||
	    each_file(p, "pool/", place_package, err) < 0 || sync_placed(p, "pool", err) < 0)
		return -1;
	return place_lists(p, err);
}

int repository_publish(const char *tar, const char *dir, int64_t now, struct published *ret,
		       struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct publishing p cleanup_publishing = {.dir = dir, .t = t, .ret = ret};
	char *guard cleanup_free = path_join(dir, GUARD);
	int fd cleanup_fd = -1;
	bool there = path_exists(dir);
	int rc;

	*ret = (struct published){0};
	rc = path_mkdirs(dir, err);
	if (rc == 0 && !there)
		rc = file_sync_parent(dir, err);
	if (rc == 0)
		rc = lock_file(guard, LOCK_EXCLUSIVE, true, &fd, err);
	if (rc == 0)
		rc = publish(&p, tar, now, err);
	return rc;
}
