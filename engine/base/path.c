/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/walk.h"

char *path_join(const char *a, const char *b)
{
	if (*b == '/' || !*a)
		return xstrdup(b);
	return xasprintf("%s%s%s", a, str_ends(a, "/") ? "" : "/", b);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_dir(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	if (slash == path)
		return xstrdup("/");
	return xstrndup(path, (size_t)(slash - path));
}

char *path_normal(const char *path)
{
	struct str s = STR_INIT;
	const char *p = path;

	if (*p == '/')
		str_append_char(&s, '/');
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n && !(n == 1 && *p == '.')) {
			if (s.len && s.buf[s.len - 1] != '/')
				str_append_char(&s, '/');
			str_append_len(&s, p, n);
		}
		p += n;
		p += strspn(p, "/");
	}
	if (!s.len)
		str_append_char(&s, '.');
	return str_steal(&s);
}

bool path_is_project(const char *path, const char **ret_why)
{
	const char *p = path;

	*ret_why = NULL;
	if (!*path)
		*ret_why = "is empty";
	else if (*path == '/')
		*ret_why = "is absolute";
	for (; *p && !*ret_why; p += *p == '/') {
		size_t n = strcspn(p, "/");

		if (n == 0)
			*ret_why = "has an empty part";
		else if (n == 1 && p[0] == '.')
			*ret_why = "has a '.' part";
		else if (n == 2 && p[0] == '.' && p[1] == '.')
			*ret_why = "contains '..'";
		for (size_t i = 0; i < n; i++) {
			if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
				*ret_why = "contains a control character";
		}
		p += n;
	}
	return !*ret_why;
}

int path_open_beneath(int dirfd, const char *rel, int flags, struct err **err)
{
	struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC),
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, dirfd, rel, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd >= 0)
		return fd;
	if (errno == EXDEV)
		return err_set(err, E_BAD_LINK, "'%s' leads out of the project through a link",
			       rel);
	return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'", rel);
}

int path_mkdirs(const char *path, struct err **err)
{
	char *copy cleanup_free = xstrdup(path);

	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return 0;
	for (char *p = copy + 1; *copy; p++) {
		char saved = *p;

		if (saved != '/' && saved)
			continue;
		*p = 0;
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'",
					 copy);
		*p = saved;
		if (!saved)
			break;
	}
	return 0;
}

int path_mkparents(const char *path, struct err **err)
{
	char *dir cleanup_free = path_dir(path);

	return path_mkdirs(dir, err);
}

int path_mkdirs_within(const char *top, const char *rel, struct err **err)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	char *path cleanup_free = path_join(top, rel);
	int at cleanup_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", top);
	for (char *name = path + strlen(path) - strlen(rel), *next; name; name = next) {
		struct stat st;
		int sub;

		next = strchr(name, '/');
		if (next)
			*next = 0;
		if (mkdirat(at, name, 0777) < 0 && errno != EEXIST)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create directory '%s'",
					 path);
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
			return err_set(err, E_BAD_LINK,
				       "'%s' is a link, and nothing is written through a link of a "
				       "project: remove it",
				       path);
		sub = openat(at, name, flags);
		if (sub < 0)
			return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
		close(at);
		at = sub;
		if (next)
			*next++ = '/';
	}
	return 0;
}

static int remove_entry(void *arg, int dirfd, const char *name, bool is_dir, struct err **err)
{
	if (unlinkat(dirfd, name, is_dir ? AT_REMOVEDIR : 0) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, E_WRITE_FAILED, errno, "cannot remove '%s'", name);
}

static int remove_shut(void *arg, const char *name, int why, struct err **err)
{
	return why == ENOENT ? 0 : err_errno(err, E_WRITE_FAILED, why, "cannot remove '%s'", name);
}

int path_remove(const char *path, struct err **err)
{
	struct walk w = {WALK_FORCE, remove_entry, remove_shut, NULL};
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return err_errno(err, E_WRITE_FAILED, errno, "cannot remove '%s'", path);
	}
	if (S_ISDIR(st.st_mode) && walk_below(path, &w, err) < 0)
		return -1;
	return remove_entry(NULL, AT_FDCWD, path, S_ISDIR(st.st_mode), err);
}

bool path_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

bool path_is_git(const char *entry)
{
	return str_eq(entry, ".git");
}

static char *program_in(const char *dir, size_t len, const char *name)
{
	char *path = xasprintf("%.*s/%s", (int)len, dir, name);
	struct stat st;

	if (len && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *path_program(const char *name)
{
	const char *env = getenv("PATH");
	char *dirs cleanup_free = xasprintf("%s:/usr/sbin:/sbin", env ? env : "/usr/bin:/bin");

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? xstrdup(name) : NULL;
	for (const char *p = dirs; *p;) {
		size_t n = strcspn(p, ":");
		char *found = program_in(p, n, name);

		if (found)
			return found;
		p += n + (p[n] == ':');
	}
	return NULL;
}
