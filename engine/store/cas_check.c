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
	/* The folder's two digits belong to the digest. */
	to = xasprintf("%s/%.*s%s", dir, 2, path_base(path) - 3, path_base(path));
	for (unsigned i = 1; path_exists(to); i++) {
		free(to);
		to = xasprintf("%s/%.*s%s.%u", dir, 2, path_base(path) - 3, path_base(path), i);
	}
	if (rename(path, to) < 0 && errno != ENOENT)
		return err_errno(err, ERR_STORE, errno, "cannot move '%s' to '%s'", path, to);
	return 0;
}

/* Hashes the blob: 0 and sealed again, or 1 and *ret_why. EIO counts as damage. */
static int check_content(const char *path, const struct artifact *a, char **ret_why,
			 struct err **err)
{
	int fd cleanup_fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct err *broken cleanup_err = NULL;
	struct artifact now = {0};

	if (fd < 0)
		return err_errno(err, ERR_STORE, errno, "cannot read blob '%s'", path);
	if (cas_identify(fd, path, a->type, &now, &broken) < 0) {
		if (broken->cls == ERR_RESOURCE) {
			*err = steal_ptr(broken);
			return -1;
		}
		*ret_why = steal_ptr(broken->text);
		return 1;
	}
	if (!digest_eq(&now.digest, &a->digest)) {
		*ret_why = xstrdup("its content has changed");
		return 1;
	}
	return cas_seal(fd, path, err);
}

int cas_check(const char *store_dir, const struct artifact *a, char **ret_why, struct err **err)
{
	char *path cleanup_free = cas_path(store_dir, a->type, &a->digest);
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return err_errno(err, ERR_STORE, errno, "cannot read blob '%s'", path);
		*ret_why = xstrdup("it is missing");
		return 1;
	}
	if (cas_is_sealed(&st, a->size))
		return 0;
	if (!S_ISREG(st.st_mode)) {
		*ret_why = xstrdup("it is no file");
		rc = 1;
	} else if ((uint64_t)st.st_size != a->size) {
		*ret_why = xasprintf("it has %lld bytes instead of %llu", (long long)st.st_size,
				     (unsigned long long)a->size);
		rc = 1;
	} else {
		rc = check_content(path, a, ret_why, err);
	}
	if (rc == 1 && cas_quarantine(store_dir, path, err) < 0) {
		free(*ret_why);
		*ret_why = NULL;
		return -1;
	}
	return rc;
}

/* --- verify -------------------------------------------------------------------------------- */

struct verify {
	const char *store_dir;
	void (*report)(void *arg, const char *text);
	void *arg;
	struct store_verify_result *result;
};

/* What the name FOLDER/NAME promises; 1 when it is no blob's name. */
static int parse_name(const char *folder, const char *name, struct artifact *ret)
{
	char *hex cleanup_free = xasprintf("%s%s", folder, name);

	ret->type = OUTPUT_FILE;
	if (strlen(hex) == DIGEST_HEX + strlen(CAS_IMAGE_SUFFIX) &&
	    str_eq(hex + DIGEST_HEX, CAS_IMAGE_SUFFIX)) {
		hex[DIGEST_HEX] = 0;
		ret->type = OUTPUT_IMAGE;
	}
	return digest_parse(hex, &ret->digest);
}

static int verify_one(struct verify *v, const char *folder, const char *name, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/cas/%s/%s", v->store_dir, folder, name);
	char *why cleanup_free = NULL, *text cleanup_free = NULL;
	struct artifact a = {0};
	struct stat st;
	int rc;

	if (lstat(path, &st) < 0)
		return 0; /* another process took it away */
	v->result->blobs++;
	v->result->bytes += (uint64_t)st.st_size;
	if (parse_name(folder, name, &a) != 0 || !S_ISREG(st.st_mode)) {
		why = xstrdup("it is no blob");
		rc = 1;
	} else {
		rc = check_content(path, &a, &why, err);
	}
	if (rc <= 0)
		return rc;
	v->result->damaged++;
	text = xasprintf("blob 'cas/%s/%s' is damaged: %s; moved to quarantine", folder, name, why);
	if (v->report)
		v->report(v->arg, text);
	return cas_quarantine(v->store_dir, path, err);
}

typedef int entry_fn(struct verify *v, const char *folder, const char *name, struct err **err);

static int each_entry(struct verify *v, const char *path, const char *folder, entry_fn *fn,
		      struct err **err)
{
	DIR *dir = opendir(path);
	struct dirent *de;
	int rc = 0;

	if (!dir)
		return err_errno(err, ERR_STORE, errno, "cannot read folder '%s'", path);
	while (rc == 0 && (de = readdir(dir))) {
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			rc = fn(v, folder, de->d_name, err);
	}
	closedir(dir);
	return rc;
}

static int verify_folder(struct verify *v, const char *folder, const char *name, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/cas/%s", v->store_dir, name);
	struct stat st;

	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	return each_entry(v, path, name, verify_one, err);
}

int cas_verify(const char *store_dir, void (*report)(void *arg, const char *text), void *arg,
	       struct store_verify_result *ret, struct err **err)
{
	char *path cleanup_free = path_join(store_dir, "cas");
	struct verify v = {.store_dir = store_dir, .report = report, .arg = arg, .result = ret};

	return each_entry(&v, path, NULL, verify_folder, err);
}
