/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether blobs are what their names say, and where those go that are not. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "store/cas.h"

/* --- checking ------------------------------------------------------------------------------ */

int cas_quarantine(const char *store_dir, const char *path, struct err **err)
{
	char *dir cleanup_free = path_join(store_dir, "quarantine");
	char *to cleanup_free = NULL;

	if (path_mkdirs(dir, err) < 0)
		return -1;
	/* The directory's two digits belong to the digest. */
	to = xasprintf("%s/%.*s%s", dir, 2, path_base(path) - 3, path_base(path));
	for (unsigned i = 1; path_exists(to); i++) {
		free(to);
		to = xasprintf("%s/%.*s%s.%u", dir, 2, path_base(path) - 3, path_base(path), i);
	}
	if (rename(path, to) < 0 && errno != ENOENT)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot move '%s' to '%s'", path,
				 to);
	return 0;
}

static int64_t in_ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static void stamp_fill(const struct stat *st, struct blob_stamp *ret)
{
	*ret = (struct blob_stamp){st->st_dev, st->st_ino, (uint64_t)st->st_size,
				   in_ns(&st->st_mtim), in_ns(&st->st_ctim)};
}

bool blob_stamp_eq(const struct blob_stamp *a, const struct blob_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static int stamp_path(const char *path, struct stat *ret_st, struct blob_stamp *ret,
		      struct err **err)
{
	*ret = (struct blob_stamp){0};
	if (lstat(path, ret_st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 1;
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read blob '%s'", path);
	}
	stamp_fill(ret_st, ret);
	return 0;
}

int blob_stamp_get(const char *path, struct blob_stamp *ret, struct err **err)
{
	struct stat st;

	return stamp_path(path, &st, ret, err);
}

/* What stat(2) alone tells: 0 it may be good, 1 and ret->why. */
static int look(const char *path, const struct artifact *a, struct stat *ret_st,
		struct blob_state *ret, struct err **err)
{
	int rc = stamp_path(path, ret_st, &ret->stamp, err);

	if (rc < 0)
		return -1;
	if (rc == 1)
		ret->why = xstrdup("it is missing");
	else if (!S_ISREG(ret_st->st_mode))
		ret->why = xstrdup("it is not a file");
	else if ((uint64_t)ret_st->st_size != a->size)
		ret->why = xasprintf("it has %lld bytes instead of %llu",
				     (long long)ret_st->st_size, (unsigned long long)a->size);
	return ret->why ? 1 : 0;
}

/* EIO counts as damage; that we lack something does not. */
static int hash_content(int fd, const char *path, const struct artifact *a, struct blob_state *ret,
			struct err **err)
{
	struct err *broken cleanup_err = NULL;
	struct artifact now = {0};

	if (cas_identify(fd, path, a->type, &now, &broken) < 0) {
		if (broken->code->cls == ERR_RESOURCE) {
			*err = steal_ptr(broken);
			return -1;
		}
		ret->why = steal_ptr(broken->text);
		return 1;
	}
	if (digest_eq(&now.digest, &a->digest))
		return 0;
	ret->why = xstrdup("its content has changed");
	return 1;
}

int cas_hash(const char *path, const struct artifact *a, struct blob_state *ret, struct err **err)
{
	int fd cleanup_fd = -1;
	struct stat st;
	int rc;

	*ret = (struct blob_state){0};
	rc = look(path, a, &st, ret, err);
	if (rc != 0)
		return rc;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read blob '%s'", path);
	stamp_fill(&st, &ret->stamp);
	return hash_content(fd, path, a, ret, err);
}

int blob_hash(const char *store_dir, const struct artifact *a, struct blob_state *ret,
	      struct err **err)
{
	char *path cleanup_free = cas_path(store_dir, a->type, &a->digest);

	return cas_hash(path, a, ret, err);
}

static int seal_again(const char *path, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read blob '%s'", path);
	return cas_seal(fd, path, err);
}

int cas_check(const char *store_dir, const struct artifact *a, struct blob_state *ret,
	      struct err **err)
{
	char *path cleanup_free = cas_path(store_dir, a->type, &a->digest);
	struct stat st;
	int rc;

	*ret = (struct blob_state){0};
	if (lstat(path, &st) == 0 && cas_is_sealed(&st, a->size))
		return 0;
	rc = cas_hash(path, a, ret, err);
	return rc == 0 ? seal_again(path, err) : rc;
}

/* --- verify -------------------------------------------------------------------------------- */

/* What the name DIR/NAME promises; 1 when it is no blob's name. */
static int parse_name(const char *directory, const char *name, struct artifact *ret)
{
	char *hex cleanup_free = xasprintf("%s%s", directory, name);

	ret->type = OUTPUT_FILE;
	if (strlen(hex) == DIGEST_HEX + strlen(CAS_IMAGE_SUFFIX) &&
	    str_eq(hex + DIGEST_HEX, CAS_IMAGE_SUFFIX)) {
		hex[DIGEST_HEX] = 0;
		ret->type = OUTPUT_IMAGE;
	}
	return digest_parse(hex, &ret->digest);
}

static int take_away(const struct cas_verify *v, const char *path, const char *name,
		     struct err **err)
{
	char *text cleanup_free = xasprintf("'cas/%s' is not a blob; moved to quarantine", name);

	v->result->damaged++;
	if (v->report)
		v->report(v->arg, text);
	return cas_quarantine(v->store_dir, path, err);
}

static int verify_one(const struct cas_verify *v, const char *directory, const char *name,
		      struct err **err)
{
	char *rel cleanup_free = path_join(directory, name);
	char *path cleanup_free = xasprintf("%s/cas/%s", v->store_dir, rel);
	struct blob_state state cleanup_blob_state = {0};
	struct artifact a = {.name = rel};
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0)
		return 0; /* another process took it away */
	v->result->blobs++;
	v->result->bytes += (uint64_t)st.st_size;
	v->looked(v->arg);
	if (parse_name(directory, name, &a) != 0 || !S_ISREG(st.st_mode))
		return take_away(v, path, rel, err);
	a.size = (uint64_t)st.st_size;
	a.allocated = (uint64_t)st.st_blocks * 512;
	rc = cas_hash(path, &a, &state, err);
	if (rc == 0 && !cas_is_sealed(&st, a.size))
		return seal_again(path, err);
	if (rc == 0)
		v->good(v->arg, &a, &state.stamp);
	if (rc <= 0)
		return rc;
	v->result->damaged++;
	v->bad(v->arg, &a, &state);
	return 0;
}

typedef int entry_fn(const struct cas_verify *v, const char *directory, const char *name,
		     struct err **err);

static int each_entry(const struct cas_verify *v, const char *path, const char *directory,
		      entry_fn *fn, struct err **err)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	int rc = 0;

	if (!dir)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read directory '%s'",
				 path);
	while (rc == 0 && (de = readdir(dir))) {
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			rc = fn(v, directory, de->d_name, err);
	}
	closedir(dir);
	return rc;
}

static int verify_directory(const struct cas_verify *v, const char *directory, const char *name,
			    struct err **err)
{
	char *path cleanup_free = xasprintf("%s/cas/%s", v->store_dir, name);
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return each_entry(v, path, name, verify_one, err);
}

int cas_verify(const struct cas_verify *v, struct err **err)
{
	char *path cleanup_free = path_join(v->store_dir, "cas");

	return each_entry(v, path, NULL, verify_directory, err);
}
