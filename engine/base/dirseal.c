/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/dirseal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"

#define SEAL_MAX 4096

struct walk {
	struct hasher *content; /* NULL: only the stamp is wanted */
	struct hasher *stamp;
	uint64_t bytes;
};

int64_t dirseal_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t ns(struct timespec t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void add_text(struct hasher *h, const char *text)
{
	hasher_update(h, text, strlen(text) + 1);
}

static void add_stamp(struct walk *w, const char *path, const struct stat *st)
{
	char text[160];

	snprintf(text, sizeof(text), "%ju %o %jd %" PRId64 " %" PRId64, (uintmax_t)st->st_ino,
		 (unsigned)st->st_mode, (intmax_t)st->st_size, ns(st->st_mtim), ns(st->st_ctim));
	add_text(w->stamp, path);
	add_text(w->stamp, text);
}

static int add_file(struct walk *w, int dirfd, const char *name, const char *path, struct err **err)
{
	int fd cleanup_fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct digest d;

	if (fd < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read '%s'", path);
	if (digest_fd(fd, path, &d, err) < 0)
		return -1;
	hasher_update(w->content, d.b, sizeof(d.b));
	return 0;
}

static int add_link(struct walk *w, int dirfd, const char *name, const char *path, struct err **err)
{
	char target[4096];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read '%s'", path);
	target[n] = 0;
	add_text(w->content, target);
	return 0;
}

static int add_content(struct walk *w, int dirfd, const char *name, const char *path,
		       const struct stat *st, struct err **err)
{
	char mode[16];

	snprintf(mode, sizeof(mode), "%o", (unsigned)st->st_mode);
	add_text(w->content, path);
	add_text(w->content, mode);
	if (S_ISREG(st->st_mode))
		return add_file(w, dirfd, name, path, err);
	return S_ISLNK(st->st_mode) ? add_link(w, dirfd, name, path, err) : 0;
}

static int list(int fd, const char *path, struct strv *ret, struct err **err)
{
	int own = dup(fd);
	DIR *dir = own < 0 ? NULL : fdopendir(own);

	if (!dir) {
		if (own >= 0)
			close(own);
		return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read directory '%s'",
				 path);
	}
	for (struct dirent *e; (e = readdir(dir));) {
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			strv_push(ret, e->d_name);
	}
	closedir(dir);
	strv_sort(ret);
	return 0;
}

/* FD is the directory PATH, "" for the first one. */
static int walk_dir(struct walk *w, int fd, const char *path, struct err **err)
{
	struct strv names cleanup_strv = {0};

	if (list(fd, path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.items[i];
		char *sub cleanup_free = *path ? path_join(path, name) : xstrdup(name);
		int next cleanup_fd = -1;
		struct stat st;

		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot look at '%s'",
					 sub);
		add_stamp(w, sub, &st);
		if (S_ISREG(st.st_mode))
			w->bytes += (uint64_t)st.st_size;
		if (w->content && add_content(w, fd, name, sub, &st, err) < 0)
			return -1;
		if (!S_ISDIR(st.st_mode))
			continue;
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_errno(err, E_STORE_INACCESSIBLE, errno,
					 "cannot read directory '%s'", sub);
		if (walk_dir(w, next, sub, err) < 0)
			return -1;
	}
	return 0;
}

/* Fills stamp, bytes and, with HASH, content. */
static int look(const char *dir, bool hash, struct dirseal *ret, struct err **err)
{
	int fd cleanup_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct walk w = {.content = hash ? hasher_new() : NULL, .stamp = hasher_new()};
	struct stat st;
	int rc = -1;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot read directory '%s'", dir);
	} else {
		add_stamp(&w, "", &st);
		rc = walk_dir(&w, fd, "", err);
	}
	ret->bytes = w.bytes;
	if (w.content)
		hasher_finish(w.content, &ret->content);
	hasher_finish(w.stamp, &ret->stamp);
	return rc < 0 ? err_wrap(err, "'%s'", dir) : 0;
}

static int write_seal(const char *file, const struct dirseal *s, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];

	str_printf(&text, "orch-seal 1\ncontent %s\n", digest_hex(&s->content, hex));
	str_printf(&text, "stamp %s\n", digest_hex(&s->stamp, hex));
	str_printf(&text, "bytes %" PRIu64 "\nhashed %" PRId64 "\nlooked %" PRId64 "\n", s->bytes,
		   s->hashed_ns, s->looked_ns);
	return file_write(file, text.buf, text.len, 0644, false, err);
}

int dirseal_make(const char *dir, const char *file, struct err **err)
{
	struct dirseal s = {.hashed_ns = dirseal_now()};

	s.looked_ns = s.hashed_ns;
	return look(dir, true, &s, err) < 0 ? -1 : write_seal(file, &s, err);
}

int dirseal_read(const char *file, struct dirseal *ret)
{
	struct err *ignored cleanup_err = NULL;
	struct str text cleanup_str = STR_INIT;
	char content[DIGEST_HEX + 1], stamp[DIGEST_HEX + 1];
	int end = -1;

	if (file_read(file, SEAL_MAX, &text, &ignored) < 0)
		return 1;
	sscanf(text.buf,
	       "orch-seal 1\ncontent %64s\nstamp %64s\nbytes %" SCNu64 "\nhashed %" SCNd64
	       "\nlooked %" SCNd64 "\n%n",
	       content, stamp, &ret->bytes, &ret->hashed_ns, &ret->looked_ns, &end);
	if (end < 0 || digest_parse(content, &ret->content) != 0)
		return 1;
	return digest_parse(stamp, &ret->stamp);
}

int dirseal_check(const char *dir, const char *file, const struct dirseal *seal, bool hash,
		  struct err **err)
{
	struct dirseal now = *seal;

	now.looked_ns = dirseal_now();
	if (!hash) {
		if (look(dir, false, &now, err) < 0)
			return -1;
		hash = !digest_eq(&now.stamp, &seal->stamp);
	}
	if (hash) {
		now.hashed_ns = now.looked_ns;
		if (look(dir, true, &now, err) < 0)
			return -1;
		if (!digest_eq(&now.content, &seal->content))
			return 1;
	}
	return write_seal(file, &now, err);
}
