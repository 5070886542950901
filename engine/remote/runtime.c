/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/runtime.h"

#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"

#define PROGRAM "bin/orch-worker"
#define UNUSED_S (30 * 24 * 3600)
#define KNOWN_MAX (1u << 20)
/* Files that have changed so lately may change again without another time. */
#define UNREST_S 2

/* A file of this machine that belongs to it. */
struct source {
	char *path;
	struct stat st;
	struct runtime_file file;
};
DEFINE_VEC(sources, struct source)

struct making {
	struct sources sources;
	const char *loader; /* as the program names it; lives as long as the program */
};

static void add(struct making *m, const char *path, const char *name)
{
	struct source s = {.path = xstrdup(path), .file = {.name = xstrdup(name)}};

	sources_push(&m->sources, s);
}

static void find_loader(struct making *m, const struct dl_phdr_info *info)
{
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			m->loader = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
	}
}

/* What the loader has loaded; the kernel's own library has no path. */
static int take_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct making *m = arg;
	char *name cleanup_free = NULL;

	if (!*info->dlpi_name)
		find_loader(m, info);
	if (*info->dlpi_name != '/')
		return 0;
	name = xasprintf("lib/%s", path_base(info->dlpi_name));
	add(m, info->dlpi_name, name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->file.name, ((const struct source *)b)->file.name);
}

static int look_at(struct source *s, struct err **err)
{
	if (stat(s->path, &s->st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", s->path);
	s->file.size = (uint64_t)s->st.st_size;
	return 0;
}

static int find_sources(struct making *m, struct err **err)
{
	dl_iterate_phdr(take_loaded, m);
	if (!m->loader)
		return err_set(err, E_WORKER_PROGRAM,
			       "the worker program was not started by a loader of its own");
	add(m, "/proc/self/exe", PROGRAM);
	qsort(m->sources.items, m->sources.count, sizeof(*m->sources.items), by_name);
	for (size_t i = 0; i < m->sources.count; i++) {
		if (i && by_name(&m->sources.items[i - 1], &m->sources.items[i]) == 0)
			return err_set(err, E_WORKER_PROGRAM, "two libraries are called '%s'",
				       m->sources.items[i].file.name);
		if (look_at(&m->sources.items[i], err) < 0)
			return -1;
	}
	return 0;
}

/* --- digests, which each node needs: hashed once for each state of the files ---------------- */

/* The files as the file system knows them, a line each; and whether all are at rest. */
static bool print_state(const struct sources *v, struct str *ret)
{
	time_t now = time(NULL);
	bool rests = true;

	for (size_t i = 0; i < v->count; i++) {
		const struct stat *st = &v->items[i].st;

		str_quote(ret, v->items[i].file.name);
		str_printf(ret, " %ju %ju %ju %jd.%09ld %jd.%09ld\n", (uintmax_t)st->st_dev,
			   (uintmax_t)st->st_ino, (uintmax_t)st->st_size,
			   (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
			   (intmax_t)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
		rests = rests && now - st->st_ctim.tv_sec > UNREST_S;
	}
	return rests;
}

/* TEXT is the state and, after it, a digest a line. 0: they are taken over; 1: of another state. */
static int read_known(const char *path, const struct str *state, struct sources *v)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	size_t line = DIGEST_HEX + 1;

	if (file_read(path, KNOWN_MAX, &text, &ignored) < 0 ||
	    text.len != state->len + v->count * line ||
	    memcmp(text.buf, state->buf, state->len) != 0)
		return 1;
	for (size_t i = 0; i < v->count; i++) {
		char *hex = text.buf + state->len + i * line;

		hex[DIGEST_HEX] = 0;
		if (digest_parse(hex, &v->items[i].file.digest) != 0)
			return 1;
	}
	return 0;
}

static int hash_all(struct sources *v, struct str *known, struct err **err)
{
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < v->count; i++) {
		if (digest_file(v->items[i].path, &v->items[i].file.digest, err) < 0)
			return -1;
		str_printf(known, "%s\n", digest_hex(&v->items[i].file.digest, hex));
	}
	return 0;
}

/* PARENT is where what is known of them lies. */
static int find_digests(struct sources *v, const char *parent, struct err **err)
{
	char *path cleanup_free = path_join(parent, "known");
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	bool rests = print_state(v, &text);

	if (read_known(path, &text, v) == 0)
		return 0;
	if (path_mkdirs(parent, err) < 0 || hash_all(v, &text, err) < 0)
		return -1;
	if (rests)
		(void)!file_write(path, text.buf, text.len, 0644, false, &ignored);
	return 0;
}

static void digest_list(const struct sources *v, struct digest *ret)
{
	struct str text cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];

	str_append(&text, "orch-runtime 1\n");
	for (size_t i = 0; i < v->count; i++) {
		const struct runtime_file *f = &v->items[i].file;

		str_append(&text, "file ");
		str_quote(&text, f->name);
		str_printf(&text, " sha256:%s %ju\n", digest_hex(&f->digest, hex),
			   (uintmax_t)f->size);
	}
	digest_data(text.buf, text.len, ret);
}

/* Below DIR, durably; what was hashed may be another file by now. */
static int copy_source(const struct source *s, const char *dir, struct err **err)
{
	char *to cleanup_free = path_join(dir, s->file.name);
	int fd cleanup_fd = -1;
	struct digest now;

	if (path_mkparents(to, err) < 0 || file_copy(s->path, to, 0755, err) < 0 ||
	    digest_file(to, &now, err) < 0)
		return -1;
	if (!digest_eq(&now, &s->file.digest))
		return err_set(err, E_WORKER_PROGRAM,
			       "'%s' changes while it is read: run orch again", s->path);
	fd = open(to, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", to);
	return fd_sync(fd, to, err);
}

static int copy_all(const struct sources *v, const char *dir, struct err **err)
{
	for (size_t i = 0; i < v->count; i++) {
		if (copy_source(&v->items[i], dir, err) < 0)
			return -1;
	}
	return 0;
}

/* Another process may be faster: then this one's goes away. */
static int put_together(const struct sources *v, const char *store, const char *dir,
			struct err **err)
{
	char *parent cleanup_free = path_join(store, "tmp"), *tmp cleanup_free = NULL;
	struct err *ignored cleanup_err = NULL;
	int rc;

	if (path_mkdirs(parent, err) < 0 || path_mkparents(dir, err) < 0 ||
	    tmp_dir(parent, "runtime", &tmp, err) < 0)
		return -1;
	rc = copy_all(v, tmp, err);
	if (rc == 0 && rename(tmp, dir) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		rc = err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", dir);
	if (rc == 0)
		rc = file_sync_parent(dir, err);
	(void)!path_remove(tmp, &ignored);
	return rc;
}

/* Those whose time, which each use sets, is long ago. Failing costs room only. */
static void remove_unused(const char *parent, const char *used)
{
	DIR *d = opendir(parent);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path cleanup_free = path_join(parent, e->d_name);
		struct err *ignored cleanup_err = NULL;
		struct digest is;
		struct stat st;

		if (digest_parse(e->d_name, &is) == 0 && !str_eq(e->d_name, used) &&
		    lstat(path, &st) == 0 && time(NULL) - st.st_mtime > UNUSED_S)
			(void)!path_remove(path, &ignored);
	}
	if (d)
		closedir(d);
}

static int open_in(struct making *m, const char *store, struct runtime *r, struct err **err)
{
	char *parent cleanup_free = path_join(store, "runtime");
	char hex[DIGEST_HEX + 1];

	if (find_digests(&m->sources, parent, err) < 0)
		return -1;
	digest_list(&m->sources, &r->digest);
	r->dir = path_join(parent, digest_hex(&r->digest, hex));
	r->loader = xasprintf("lib/%s", path_base(m->loader));
	if (!path_exists(r->dir) && put_together(&m->sources, store, r->dir, err) < 0)
		return -1;
	(void)!utimensat(AT_FDCWD, r->dir, NULL, 0);
	remove_unused(parent, hex);
	for (size_t i = 0; i < m->sources.count; i++) {
		runtime_files_push(&r->files, m->sources.items[i].file);
		m->sources.items[i].file.name = NULL;
	}
	return 0;
}

int runtime_open(const char *store, struct runtime *ret, struct err **err)
{
	struct making m = {0};
	struct runtime r = {0};
	int rc = find_sources(&m, err);

	if (rc == 0)
		rc = open_in(&m, store, &r, err);
	for (size_t i = 0; i < m.sources.count; i++) {
		free(m.sources.items[i].path);
		free(m.sources.items[i].file.name);
	}
	sources_clear(&m.sources);
	if (rc == 0)
		*ret = r;
	else
		runtime_clear(&r);
	return rc;
}

void runtime_clear(struct runtime *r)
{
	for (size_t i = 0; i < r->files.count; i++)
		free(r->files.items[i].name);
	runtime_files_clear(&r->files);
	free(r->dir);
	free(r->loader);
	*r = (struct runtime){0};
}

void runtime_command(const struct runtime *r, const char *where, struct strv *ret)
{
	strv_printf(ret, "%s/%s", where, r->loader);
	strv_push(ret, "--inhibit-cache");
	strv_push(ret, "--library-path");
	strv_printf(ret, "%s/lib", where);
	strv_printf(ret, "%s/" PROGRAM, where);
}
