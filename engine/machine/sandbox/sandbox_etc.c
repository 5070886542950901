/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The /etc of steps that run with this machine's programs; see sandbox.h. */
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "machine/sandbox/sandbox_internal.h"

#define FILE_LIMIT (4 * 1024 * 1024) /* bytes; a loader's cache has some 100 KiB */

/* Patterns of names in /etc, or paths below it. */
static const char *const named[] = {
	/* the loader of libraries, ld(1); what /usr names through links */
	"ld.so.*", "alternatives", "locale.alias", "java-*", "python3.*", "perl", "groff",
	/* whom programs trust, without the keys of the machine */
	"ssl/certs", "ssl/openssl.cnf", "pki/tls/certs", "pki/tls/openssl.cnf", "pki/ca-trust",
	"crypto-policies",
	/* which system this is, and when */
	"os-release", "debian_version", "lsb-release", "localtime",
	/* names of ports, protocols, types of files */
	"services", "protocols", "mime.types", "magic",
	/* defaults of programs that builds run */
	"dpkg", "mke2fs.conf", "mtools.conf",
	/* documents */
	"fonts", "xml", "sgml", "texmf", "ImageMagick-*"};

/* What is made, the same on every machine. */
static const struct {
	const char *path, *text;
} made[] = {
	{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
		       "build:x:1000:1000:build:/tmp:/bin/sh\n"
		       "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
	{"etc/group", "root:x:0:\nbuild:x:1000:\nnogroup:x:65534:\n"},
	{"etc/hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"},
	{"etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n"
			      "networks: files\nprotocols: files\nservices: files\n"
			      "ethers: files\nrpc: files\n"},
};

static int copy_link(const char *from, const char *to, struct err **err)
{
	char target[PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot read the link '%s'", from);
	target[n] = '\0';
	if (symlink(target, to) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot link '/%s' in the sandbox",
				 to);
	return 0;
}

static int write_file(const char *to, const char *text, size_t len, struct err **err)
{
	int fd cleanup_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot write '/%s' in the sandbox",
				 to);
	return 0;
}

/* A copy costs less than a mount. What this user may not read is no step's business. */
static int copy_file(const char *from, const char *to, struct err **err)
{
	static char text[FILE_LIMIT];
	int fd cleanup_fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	return n < 0 ? 0 : write_file(to, text, (size_t)n, err);
}

static int put(const char *name, struct err **err)
{
	char *from cleanup_free = path_join("/etc", name),
		   *to cleanup_free = path_join("etc", name);
	struct stat st;

	if (lstat(from, &st) < 0)
		return 0;
	if (strchr(name, '/') && path_mkparents(to, err) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, err);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (mkdir(to, 0755) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot create '/%s' in the sandbox",
				 to);
	return mounts_lay_over(to, from, err);
}

static bool is_named(const char *name)
{
	for (size_t i = 0; i < array_len(named); i++)
		if (fnmatch(named[i], name, FNM_PATHNAME) == 0)
			return true;
	return false;
}

static int put_named(struct err **err)
{
	DIR *dir = opendir("/etc");
	int r = 0;

	if (!dir)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot read '/etc'");
	for (struct dirent *e; r == 0 && (e = readdir(dir));)
		if (is_named(e->d_name))
			r = put(e->d_name, err);
	closedir(dir);
	for (size_t i = 0; r == 0 && i < array_len(named); i++)
		if (strchr(named[i], '/'))
			r = put(named[i], err);
	return r;
}

int etc_enter(struct err **err)
{
	if (mkdir("etc", 0755) < 0 ||
	    mount("tmpfs", "etc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot mount a tmpfs on '/etc'");
	if (put_named(err) < 0)
		return err_wrap(err, "sandbox");
	for (size_t i = 0; i < array_len(made); i++)
		if (write_file(made[i].path, made[i].text, strlen(made[i].text), err) < 0)
			return -1;
	return 0;
}

int etc_close(struct err **err)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount_setattr(AT_FDCWD, "etc", 0, &read_only, sizeof(read_only)) < 0)
		return err_errno(err, E_SANDBOX_SETUP, errno, "cannot make '/etc' read-only");
	return 0;
}
