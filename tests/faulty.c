/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A disk that fails, as a library for LD_PRELOAD. Of all calls that the programs make on files
 * below FAULTY_ROOT, number FAULTY_NTH fails (with FAULTY_ON, all from it on), counted over all
 * processes in the file FAULTY_STATE: two int64_t, calls so far and faults. FAULTY_HOW:
 *
 *	EIO      any call but those that look at nothing
 *	ENOSPC   calls that take room
 *	EINTR    calls that may be interrupted
 *	short    reads, writes and copies do a part of their work
 *
 * A step of a recipe is not affected: it gets none of orch's environment. Nor is what libc's own
 * streams (FILE) do, for they call libc from within.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READS = 1, ROOM = 2, WAITS = 4, PARTS = 8, NAMES = 16 };

static struct {
	int64_t count, faults;
} * state;
static char root[PATH_MAX];
static int64_t nth;
static int error; /* 0: short */
static unsigned mask;
static bool on;

__attribute__((constructor)) static void begin(void)
{
	const char *how = getenv("FAULTY_HOW"), *file = getenv("FAULTY_STATE"),
		   *where = getenv("FAULTY_ROOT"), *number = getenv("FAULTY_NTH");
	int fd;

	if (!how || !file || !where || !number)
		return;
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	snprintf(root, sizeof(root), "%s/", where);
	nth = atoll(number);
	on = getenv("FAULTY_ON") != NULL;
	if (!strcmp(how, "EIO"))
		error = EIO, mask = ~0u;
	else if (!strcmp(how, "ENOSPC"))
		error = ENOSPC, mask = ROOM;
	else if (!strcmp(how, "EINTR"))
		error = EINTR, mask = WAITS;
	else
		mask = PARTS;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		state = NULL;
	close(fd);
}

static bool below(const char *path)
{
	return strncmp(path, root, strlen(root)) == 0;
}

/* Where descriptor FD is. */
static bool fd_below(int fd)
{
	char link[64], place[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, place, sizeof(place) - 1);
	if (n < 0)
		return false;
	place[n] = 0;
	return below(place);
}

static bool at_below(int dir, const char *path)
{
	char cwd[PATH_MAX];

	if (!path)
		return false;
	if (*path == '/')
		return below(path);
	if (dir != AT_FDCWD)
		return fd_below(dir);
	if (!getcwd(cwd, sizeof(cwd) - 1))
		return false;
	strcat(cwd, "/");
	return below(cwd);
}

/* Whether this call is the one. */
static bool hit(unsigned what, bool ours)
{
	int64_t n;

	if (!state || !(mask & what) || !ours)
		return false;
	n = __atomic_add_fetch(&state->count, 1, __ATOMIC_RELAXED);
	if (on ? n < nth : n != nth)
		return false;
	__atomic_add_fetch(&state->faults, 1, __ATOMIC_RELAXED);
	return true;
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL(what, ours, value)                 \
	do {                                    \
		int before = errno;             \
		if (hit(what, ours) && error) { \
			errno = error;          \
			return value;           \
		}                               \
		errno = before;                 \
	} while (0)
/* How much of COUNT is done. */
#define PART(what, ours, count)             \
	do {                                \
		int before = errno;         \
		bool now = hit(what, ours); \
		errno = before;             \
		if (now && error) {         \
			errno = error;      \
			return -1;          \
		}                           \
		if (now && count > 1)       \
			count /= 2;         \
	} while (0)

static unsigned opening(int flags)
{
	return READS | WAITS | NAMES | (flags & O_CREAT ? ROOM : 0);
}
#define MODE                               \
	mode_t mode = 0;                   \
	va_list ap;                        \
	va_start(ap, flags);               \
	if (flags & (O_CREAT | O_TMPFILE)) \
		mode = va_arg(ap, mode_t); \
	va_end(ap)
#define OPEN(name)                                                  \
	int name(const char *path, int flags, ...)                  \
	{                                                           \
		MODE;                                               \
		REAL(name);                                         \
		FAIL(opening(flags), at_below(AT_FDCWD, path), -1); \
		return real(path, flags, mode);                     \
	}
#define OPENAT(name)                                           \
	int name(int dir, const char *path, int flags, ...)    \
	{                                                      \
		MODE;                                          \
		REAL(name);                                    \
		FAIL(opening(flags), at_below(dir, path), -1); \
		return real(dir, path, flags, mode);           \
	}
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
int __open_2(const char *path, int flags);
int __open_2(const char *path, int flags)
{
	return open(path, flags);
}
int __open64_2(const char *path, int flags);
int __open64_2(const char *path, int flags)
{
	return open(path, flags);
}
int __openat_2(int dir, const char *path, int flags);
int __openat_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}
int __openat64_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags)
{
	return openat(dir, path, flags);
}

ssize_t read(int fd, void *buf, size_t n)
{
	REAL(read);
	PART(READS | WAITS | PARTS, fd_below(fd), n);
	return real(fd, buf, n);
}
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room)
{
	return n > room ? abort(), -1 : read(fd, buf, n);
}
#define PREAD(name)                                           \
	ssize_t name(int fd, void *buf, size_t n, off_t at)   \
	{                                                     \
		REAL(name);                                   \
		PART(READS | WAITS | PARTS, fd_below(fd), n); \
		return real(fd, buf, n, at);                  \
	}
PREAD(pread)
PREAD(pread64)
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t at, size_t room)
{
	return n > room ? abort(), -1 : pread(fd, buf, n, at);
}
ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off_t at, size_t room)
{
	return n > room ? abort(), -1 : pread(fd, buf, n, at);
}
ssize_t write(int fd, const void *buf, size_t n)
{
	REAL(write);
	PART(ROOM | WAITS | PARTS, fd_below(fd), n);
	return real(fd, buf, n);
}
#define PWRITE(name)                                              \
	ssize_t name(int fd, const void *buf, size_t n, off_t at) \
	{                                                         \
		REAL(name);                                       \
		PART(ROOM | WAITS | PARTS, fd_below(fd), n);      \
		return real(fd, buf, n, at);                      \
	}
PWRITE(pwrite)
PWRITE(pwrite64)
ssize_t writev(int fd, const struct iovec *v, int n)
{
	REAL(writev);
	PART(ROOM | WAITS | PARTS, fd_below(fd), n);
	return real(fd, v, n);
}
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t n, unsigned flags)
{
	REAL(copy_file_range);
	PART(READS | ROOM | WAITS | PARTS, fd_below(out), n);
	return real(in, from, out, to, n, flags);
}
#define SENDFILE(name)                                                \
	ssize_t name(int out, int in, off_t *at, size_t n)            \
	{                                                             \
		REAL(name);                                           \
		PART(READS | ROOM | WAITS | PARTS, fd_below(out), n); \
		return real(out, in, at, n);                          \
	}
SENDFILE(sendfile)
SENDFILE(sendfile64)

#define ON_FD(name, what)                     \
	int name(int fd)                      \
	{                                     \
		REAL(name);                   \
		FAIL(what, fd_below(fd), -1); \
		return real(fd);              \
	}
ON_FD(fsync, ROOM | WAITS)
ON_FD(fdatasync, ROOM | WAITS)
ON_FD(syncfs, ROOM)
/* It is closed all the same, as the kernel does. */
int close(int fd)
{
	bool now;
	REAL(close);
	now = hit(NAMES, fd > 2 && fd_below(fd));
	if (real(fd) < 0)
		return -1;
	if (now && error == EIO) {
		errno = EIO;
		return -1;
	}
	return 0;
}
#define TRUNCATE(name)                        \
	int name(int fd, off_t size)          \
	{                                     \
		REAL(name);                   \
		FAIL(ROOM, fd_below(fd), -1); \
		return real(fd, size);        \
	}
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)
#define FALLOCATE(name)                                  \
	int name(int fd, int mode, off_t at, off_t size) \
	{                                                \
		REAL(name);                              \
		FAIL(ROOM, fd_below(fd), -1);            \
		return real(fd, mode, at, size);         \
	}
FALLOCATE(fallocate)
FALLOCATE(fallocate64)
int rename(const char *from, const char *to)
{
	REAL(rename);
	FAIL(ROOM | NAMES, at_below(AT_FDCWD, to), -1);
	return real(from, to);
}
int renameat(int a, const char *from, int b, const char *to)
{
	REAL(renameat);
	FAIL(ROOM | NAMES, at_below(b, to), -1);
	return real(a, from, b, to);
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags)
{
	REAL(renameat2);
	FAIL(ROOM | NAMES, at_below(b, to), -1);
	return real(a, from, b, to, flags);
}
int link(const char *from, const char *to)
{
	REAL(link);
	FAIL(ROOM | NAMES, at_below(AT_FDCWD, to), -1);
	return real(from, to);
}
int linkat(int a, const char *from, int b, const char *to, int flags)
{
	REAL(linkat);
	FAIL(ROOM | NAMES, at_below(b, to), -1);
	return real(a, from, b, to, flags);
}
int symlink(const char *text, const char *path)
{
	REAL(symlink);
	FAIL(ROOM | NAMES, at_below(AT_FDCWD, path), -1);
	return real(text, path);
}
int symlinkat(const char *text, int dir, const char *path)
{
	REAL(symlinkat);
	FAIL(ROOM | NAMES, at_below(dir, path), -1);
	return real(text, dir, path);
}
int unlink(const char *path)
{
	REAL(unlink);
	FAIL(NAMES, at_below(AT_FDCWD, path), -1);
	return real(path);
}
int unlinkat(int dir, const char *path, int flags)
{
	REAL(unlinkat);
	FAIL(NAMES, at_below(dir, path), -1);
	return real(dir, path, flags);
}
int mkdir(const char *path, mode_t mode)
{
	REAL(mkdir);
	FAIL(ROOM | NAMES, at_below(AT_FDCWD, path), -1);
	return real(path, mode);
}
int mkdirat(int dir, const char *path, mode_t mode)
{
	REAL(mkdirat);
	FAIL(ROOM | NAMES, at_below(dir, path), -1);
	return real(dir, path, mode);
}
int fchmod(int fd, mode_t mode)
{
	REAL(fchmod);
	FAIL(NAMES, fd_below(fd), -1);
	return real(fd, mode);
}
int futimens(int fd, const struct timespec t[2])
{
	REAL(futimens);
	FAIL(NAMES, fd_below(fd), -1);
	return real(fd, t);
}
int utimensat(int dir, const char *path, const struct timespec t[2], int flags)
{
	REAL(utimensat);
	FAIL(NAMES, at_below(dir, path), -1);
	return real(dir, path, t, flags);
}
int stat(const char *path, struct stat *st)
{
	REAL(stat);
	FAIL(NAMES, at_below(AT_FDCWD, path), -1);
	return real(path, st);
}
int lstat(const char *path, struct stat *st)
{
	REAL(lstat);
	FAIL(NAMES, at_below(AT_FDCWD, path), -1);
	return real(path, st);
}
int fstat(int fd, struct stat *st)
{
	REAL(fstat);
	FAIL(NAMES, fd_below(fd), -1);
	return real(fd, st);
}
int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	REAL(fstatat);
	FAIL(NAMES, at_below(dir, path), -1);
	return real(dir, path, st, flags);
}
#define LSEEK(name)                                                                      \
	off_t name(int fd, off_t at, int how)                                            \
	{                                                                                \
		REAL(name);                                                              \
		FAIL(READS, (how == SEEK_DATA || how == SEEK_HOLE) && fd_below(fd), -1); \
		return real(fd, at, how);                                                \
	}
LSEEK(lseek)
LSEEK(lseek64)
#define MMAP(name)                                                              \
	void *name(void *at, size_t n, int prot, int flags, int fd, off_t from) \
	{                                                                       \
		REAL(name);                                                     \
		FAIL(READS, fd >= 0 && fd_below(fd), MAP_FAILED);               \
		return real(at, n, prot, flags, fd, from);                      \
	}
MMAP(mmap)
MMAP(mmap64)
