/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/cas.h"

#include <fcntl.h>
#include <string.h>

#include "base/chunks.h"
#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"
#include "base/trace.h"

static const char *suffix_of(enum output_type type)
{
	return type == OUTPUT_IMAGE ? CAS_IMAGE_SUFFIX : "";
}

char *cas_named_path(const char *store_dir, const char *directory, const struct digest *d,
		     const char *suffix)
{
	char hex[DIGEST_HEX + 1];

	digest_hex(d, hex);
	return xasprintf("%s/%s/%.2s/%s%s", store_dir, directory, hex, hex + 2, suffix);
}

char *cas_path(const char *store_dir, enum output_type type, const struct digest *d)
{
	return cas_named_path(store_dir, "cas", d, suffix_of(type));
}

char *artifact_digest_string(const struct artifact *a)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s:%s", a->type == OUTPUT_IMAGE ? "chunks" : "sha256",
			 digest_hex(&a->digest, hex));
}

int cas_init(const char *store_dir, struct err **err)
{
	char *last cleanup_free = xasprintf("%s/cas/ff", store_dir);

	if (path_exists(last))
		return 0;
	for (unsigned i = 0; i < 256; i++) {
		char *dir cleanup_free = xasprintf("%s/cas/%02x", store_dir, i);

		/* The last one stands for all: it is made when the others are durable. */
		if (i == 255 && file_sync_parent(last, err) < 0)
			return -1;
		if (path_mkdirs(dir, err) < 0)
			return -1;
	}
	return file_sync_parent(last, err);
}

/* --- identity ------------------------------------------------------------------------------ */

int cas_identify(int fd, const char *name, enum output_type type, struct artifact *ret,
		 struct err **err)
{
	struct chunk_info info;
	struct stat st;

	if (type == OUTPUT_IMAGE) {
		if (chunks_digest(fd, name, NULL, &info, err) < 0)
			return -1;
		ret->digest = info.digest;
		ret->size = info.size;
		ret->allocated = info.allocated;
	} else {
		if (fstat(fd, &st) < 0)
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read '%s'",
					 name);
		if (digest_fd(fd, name, &ret->digest, err) < 0)
			return -1;
		ret->size = ret->allocated = (uint64_t)st.st_size;
	}
	ret->type = type;
	return 0;
}

int cas_seal(int fd, const char *name, struct err **err)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = BLOB_MTIME}};

	if (fchmod(fd, 0444) < 0 || futimens(fd, times) < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot seal '%s'", name);
	return 0;
}

bool cas_is_sealed(const struct stat *st, uint64_t size)
{
	return S_ISREG(st->st_mode) && (uint64_t)st->st_size == size &&
	       st->st_mtim.tv_sec == BLOB_MTIME && st->st_mtim.tv_nsec == 0;
}

/* --- taking in ----------------------------------------------------------------------------- */

static int open_output(const char *path, int *ret_fd, struct stat *ret_st, struct err **err)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd cleanup_fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_OUTPUT_MISSING, "'%s' is not a regular file", path);
	fd = open(path, flags);
	if (fd < 0 && errno == EACCES && chmod(path, 0400) == 0)
		fd = open(path, flags);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, E_INPUT_UNREADABLE, errno, "cannot read '%s'", path);
	*ret_fd = steal_fd(&fd);
	*ret_st = st;
	return 0;
}

/* The directory of DEST was taken away since cas_init(), or belongs to another tree than cas/. */
static int make_directory(const char *dest, struct err **err)
{
	char *directory cleanup_free = path_dir(dest);

	if (path_mkdirs(directory, err) < 0)
		return -1;
	return file_sync_parent(directory, err);
}

/* One blob on its way in. */
struct intake {
	const char *store_dir, *directory;
	enum output_type type;
	struct blob_state *old; /* what the blob that had this name was like */
};

/*
 * Whether the good blob of A is at DEST already; one that was damaged is in quarantine then, and
 * what is known of it in *in->old.
 */
static int is_there(const struct intake *in, const char *dest, const struct artifact *a,
		    bool *ret_there, struct err **err)
{
	struct stat st;
	int rc;

	*ret_there = false;
	if (lstat(dest, &st) < 0)
		return 0;
	rc = cas_hash(dest, a, in->old, err);
	if (rc < 0)
		return -1;
	if (rc == 1)
		return cas_quarantine(in->store_dir, dest, err);
	*ret_there = cas_is_sealed(&st, a->size);
	return 0;
}

/* Gives the sealed and synced file PATH its name DEST; a good blob that is there already stays. */
static int publish(const struct intake *in, const char *path, const char *dest,
		   const struct artifact *a, struct err **err)
{
	bool there;

	if (is_there(in, dest, a, &there, err) < 0)
		return -1;
	if (there) {
		unlink(path);
		return file_sync_parent(dest, err);
	}
	if (rename(path, dest) == 0)
		return file_sync_parent(dest, err);
	if (errno == ENOENT && make_directory(dest, err) < 0)
		return -1;
	if (rename(path, dest) < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot move '%s' to '%s'", path,
				 dest);
	return file_sync_parent(dest, err);
}

/* Hashes, seals, syncs and publishes the file FD at PATH, which only we can write. */
static int take_in(const struct intake *in, int fd, const char *path, struct artifact *ret,
		   struct err **err)
{
	char *dest cleanup_free = NULL;

	if (cas_seal(fd, path, err) < 0 || cas_identify(fd, path, in->type, ret, err) < 0 ||
	    fd_sync(fd, path, err) < 0)
		return -1;
	dest = cas_named_path(in->store_dir, in->directory, &ret->digest, suffix_of(in->type));
	return publish(in, path, dest, ret, err);
}

/* As take_in, from a private copy: the file has other names, another owner or another disk. */
static int take_copy(const struct intake *in, const char *path, struct artifact *ret,
		     struct err **err)
{
	char *parent cleanup_free = path_join(in->store_dir, "tmp");
	char *dir cleanup_free = NULL, *copy cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	int fd cleanup_fd = -1;
	int rc = -1;

	if (tmp_dir(parent, "ingest", &dir, err) < 0)
		return -1;
	copy = path_join(dir, "blob");
	if (file_copy(path, copy, 0600, err) == 0) {
		fd = open(copy, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		rc = fd < 0 ? err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot open '%s'", copy)
			    : take_in(in, fd, copy, ret, err);
	}
	if (rc == 0)
		unlink(path);
	if (path_remove(dir, &ignored) < 0)
		trace(TRACE_STORE, "%s", ignored->text);
	return rc;
}

static int ingest(const struct intake *in, const char *path, struct artifact *ret, struct err **err)
{
	char *top cleanup_free = path_join(in->store_dir, in->directory);
	struct artifact a = {.name = ret->name};
	int fd cleanup_fd = -1;
	struct stat st = {0}, store_st;
	int rc;

	if (open_output(path, &fd, &st, err) < 0)
		return -1;
	if (stat(top, &store_st) < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot use directory '%s'",
				 top);
	if (st.st_nlink > 1 || st.st_dev != store_st.st_dev || st.st_uid != geteuid())
		rc = take_copy(in, path, &a, err);
	else
		rc = take_in(in, fd, path, &a, err);
	if (rc < 0)
		return err_wrap(err, "cannot store '%s'", path_base(path));
	*ret = a;
	return 0;
}

int cas_ingest(const char *store_dir, const char *path, enum output_type type, struct artifact *ret,
	       struct blob_state *ret_old, struct err **err)
{
	struct blob_state ignored cleanup_blob_state = {0};
	struct intake in = {store_dir, "cas", type, ret_old ? ret_old : &ignored};

	*in.old = (struct blob_state){0};
	return ingest(&in, path, ret, err);
}

int cas_put_named(const char *store_dir, const char *directory, const char *path,
		  struct digest *ret, struct err **err)
{
	struct blob_state ignored cleanup_blob_state = {0};
	struct intake in = {store_dir, directory, OUTPUT_FILE, &ignored};
	struct artifact a = {0};

	if (ingest(&in, path, &a, err) < 0)
		return -1;
	*ret = a.digest;
	return 0;
}

/* --- giving out ---------------------------------------------------------------------------- */

/* Copies SRC into a file that has no name yet, or the name *RET_TMP where that is not possible. */
static int copy_unnamed(int src, const char *dir, const char *dest, uint64_t size, int *ret_fd,
			char **ret_tmp, struct err **err)
{
	char *tmp cleanup_free = NULL;
	int fd cleanup_fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		tmp = xasprintf("%s/.%s.XXXXXX", dir, path_base(dest));
		fd = mkostemp(tmp, O_CLOEXEC);
	}
	if (fd < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create a file in '%s'", dir);
	if (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, 0644) < 0) {
		err_errno(err, E_WRITE_FAILED, errno, "cannot create a file in '%s'", dir);
	} else if (fd_copy_sparse(src, 0, fd, 0, size, err) == 0 && fd_sync(fd, dest, err) == 0) {
		*ret_fd = steal_fd(&fd);
		*ret_tmp = steal_ptr(tmp);
		return 0;
	}
	if (tmp)
		unlink(tmp);
	return -1;
}

/* Names an unnamed file. The random name lives for two system calls. */
static int name_file(int fd, const char *dest, char **tmp, struct err **err)
{
	char *dir cleanup_free = path_dir(dest);
	char *self cleanup_free = xasprintf("/proc/self/fd/%d", fd);

	for (unsigned i = 0; !*tmp; i++) {
		char *name cleanup_free =
			xasprintf("%s/.%s.%ld-%u", dir, path_base(dest), (long)getpid(), i);

		if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0)
			*tmp = steal_ptr(name);
		else if (errno != EEXIST)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", name);
	}
	if (rename(*tmp, dest) < 0) {
		err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dest);
		unlink(*tmp);
		return -1;
	}
	return 0;
}

/*
 * The copy FD is hashed, not the blob: so no byte gets a name that was not looked at. 0; 1 the
 * blob is damaged, and *RET says how; -1.
 */
static int check_copy(int fd, const char *dest, const char *blob, const struct artifact *a,
		      struct blob_state *ret, struct err **err)
{
	struct artifact now = {0};
	int rc;

	if (cas_identify(fd, dest, a->type, &now, err) < 0)
		return -1;
	if (digest_eq(&now.digest, &a->digest))
		return 0;
	rc = cas_hash(blob, a, ret, err);
	if (rc != 0)
		return rc;
	return err_set(err, E_COPY_DIFFERS,
		       "the copy is not what was copied: is the disk or the memory broken?");
}

/* As check_copy(), where there is no copy. */
static int blame(const char *blob, const struct artifact *a, struct blob_state *ret,
		 struct err **err)
{
	struct err *ignored cleanup_err = NULL;

	if (cas_hash(blob, a, ret, &ignored) != 1)
		return -1;
	err_free(steal_ptr(*err));
	return 1;
}

int cas_checkout(const char *store_dir, const struct artifact *a, const char *dest,
		 struct blob_state *ret, struct err **err)
{
	char *path cleanup_free = cas_path(store_dir, a->type, &a->digest);
	char *dir cleanup_free = path_dir(dest), *tmp cleanup_free = NULL;
	int src cleanup_fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), fd cleanup_fd = -1;
	struct stat st;
	int rc;

	*ret = (struct blob_state){0};
	if (src < 0 || fstat(src, &st) < 0 || (uint64_t)st.st_size != a->size) {
		err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read blob '%s'", path);
		return blame(path, a, ret, err);
	}
	if (path_mkdirs(dir, err) < 0)
		return err_wrap(err, "cannot place '%s'", dest);
	rc = copy_unnamed(src, dir, dest, a->size, &fd, &tmp, err);
	rc = rc < 0 ? blame(path, a, ret, err) : check_copy(fd, dest, path, a, ret, err);
	if (rc == 0 && name_file(fd, dest, &tmp, err) == 0)
		return file_sync_parent(dest, err);
	if (rc != 0 && tmp)
		unlink(tmp);
	return rc == 1 ? 1 : err_wrap(err, "cannot place '%s'", dest);
}
