/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pool_fill.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

#define PARTS POOL_PARTS
#define README "README"

static const char readme[] =
	"Packages that 'orch lock' has pinned, and their sources, for builds when the archive has\n"
	"dropped them.\n"
	"\n"
	"sha256/ab/abcd...  each file, called by its SHA-256; builds read these\n"
	"by-name/           links to them, by source package: for you, apt and dpkg-source\n"
	"\n"
	"A file is what it is called: 'sha256sum sha256/*/*' prints each digest beside its name.\n";

/* ---- opening ---- */

static int take_lock(struct pool_fill *f, struct err **err)
{
	const char *path = arena_printf(f->arena, "%s/" PARTS "/lock", f->dir);

	f->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (f->lock < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot open '%s'", path);
	while (flock(f->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot lock '%s'", path);
	return 0;
}

/* Whoever holds the lock has begun none of what lies there. */
static int sweep(const struct pool_fill *f, struct err **err)
{
	const char *parts = arena_printf(f->arena, "%s/" PARTS "/files", f->dir);

	if (path_remove(parts, err) < 0)
		return -1;
	return path_mkdirs_within(f->dir, PARTS "/files", err);
}

static int write_readme(const struct pool_fill *f, struct err **err)
{
	const char *path = arena_printf(f->arena, "%s/" README, f->dir);

	if (path_exists(path))
		return 0;
	return file_write(path, readme, strlen(readme), 0644, false, err);
}

/* A user's directory may be on a disk that is not there now: nothing above it is made. */
static int make_dir(const char *dir, struct err **err)
{
	if (mkdir(dir, 0777) == 0 || errno == EEXIST)
		return 0;
	return err_errno(err, E_WRITE_FAILED, errno, "cannot create the pool '%s'", dir);
}

int pool_fill_open(struct arena *arena, const char *top, const char *rel, struct pool_fill *ret,
		   struct err **err)
{
	struct pool_fill f = {.arena = arena, .lock = -1};

	f.dir = rel ? arena_printf(arena, "%s/%s", top, rel) : arena_strdup(arena, top);
	if ((rel ? path_mkdirs_within(top, rel, err) : make_dir(top, err)) < 0 ||
	    path_mkdirs_within(f.dir, PARTS, err) < 0)
		return -1;
	if (take_lock(&f, err) < 0 || sweep(&f, err) < 0 || write_readme(&f, err) < 0) {
		pool_fill_close(&f);
		return -1;
	}
	*ret = f;
	return 0;
}

void pool_fill_close(struct pool_fill *f)
{
	fd_closep(&f->lock);
}

/* ---- files ---- */

static const char *place(const struct pool_fill *f, const struct digest *d)
{
	return arena_printf(f->arena, "%s/%s", f->dir, pool_path(f->arena, d));
}

enum pool_state pool_fill_look(const struct pool_fill *f, const struct digest *d, uint64_t size)
{
	const char *path = place(f, d);
	struct err *ignored cleanup_err = NULL;
	struct digest have;
	struct stat st;

	if (lstat(path, &st) < 0)
		return POOL_ABSENT;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size ||
	    digest_file(path, &have, &ignored) < 0 || !digest_eq(&have, d))
		return POOL_DAMAGED;
	return POOL_WHOLE;
}

const char *pool_fill_part(const struct pool_fill *f, const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	return arena_printf(f->arena, "%s/" PARTS "/files/%s", f->dir, digest_hex(d, hex));
}

int pool_fill_keep(struct pool_fill *f, const struct digest *d, struct err **err)
{
	const char *part = pool_fill_part(f, d), *rel = pool_path(f->arena, d);
	const char *path = place(f, d);
	char *dir cleanup_free = path_dir(rel);
	int fd cleanup_fd = open(part, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", part);
	if (path_mkdirs_within(f->dir, dir, err) < 0 || fd_sync(fd, part, err) < 0)
		return -1;
	if (fchmod(fd, 0444) < 0 || rename(part, path) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	f->touched[d->b[0]] = true;
	return 0;
}

/* ---- names ---- */

/* "by-name/libx/libxml2", "by-name/h/hello", as in Debian's pool. */
static const char *directory_of(const struct pool_fill *f, const char *source)
{
	int n = str_skip(source, "lib") ? 4 : 1;

	return arena_printf(f->arena, "by-name/%.*s/%s", n, source, source);
}

/* 0: it is there; 1: something else has the name. */
static int link_name(const char *path, const char *target, struct err **err)
{
	char have[256];
	ssize_t n;

	if (symlink(target, path) == 0 || errno == EPERM || errno == EOPNOTSUPP)
		return 0;
	if (errno != EEXIST)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
	n = readlink(path, have, sizeof(have));
	return !(n > 0 && (size_t)n == strlen(target) && memcmp(have, target, (size_t)n) == 0);
}

int pool_fill_name(const struct pool_fill *f, const char *source, const char *file,
		   const struct digest *d, struct err **err)
{
	const char *dir = directory_of(f, source), *base = path_base(file);
	const char *target = arena_printf(f->arena, "../../../%s", pool_path(f->arena, d));
	char hex[DIGEST_HEX + 1];
	int rc;

	if (path_mkdirs_within(f->dir, dir, err) < 0)
		return -1;
	rc = link_name(arena_printf(f->arena, "%s/%s/%s", f->dir, dir, base), target, err);
	if (rc == 1)
		rc = link_name(arena_printf(f->arena, "%s/%s/%s.%.12s", f->dir, dir, base,
					    digest_hex(d, hex)),
			       target, err);
	return rc < 0 ? -1 : 0;
}

const char *pool_fill_named(const struct pool_fill *f, const char *source, const char *file)
{
	const char *path =
		arena_printf(f->arena, "%s/%s/%s", f->dir, directory_of(f, source), file);

	return access(path, R_OK) == 0 ? path : NULL;
}

int pool_fill_sync(const struct pool_fill *f, struct err **err)
{
	const char *all = arena_printf(f->arena, "%s/sha256/.", f->dir);
	bool any = false;

	for (size_t i = 0; i < array_len(f->touched); i++) {
		const char *in = arena_printf(f->arena, "%s/sha256/%02zx/.", f->dir, i);

		if (f->touched[i] && file_sync_parent(in, err) < 0)
			return -1;
		any |= f->touched[i];
	}
	if (!any)
		return 0;
	if (file_sync_parent(all, err) < 0 ||
	    file_sync_parent(arena_printf(f->arena, "%s/.", f->dir), err) < 0)
		return -1;
	return file_sync_parent(f->dir, err);
}
