/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/keylock.h"

#include <dirent.h>

#include "base/file.h"
#include "base/tmp.h"

static char *lock_path(struct store *s, const struct digest *key)
{
	char hex[DIGEST_HEX + 1];

	return xasprintf("%s/%s", store_subdir(s, "locks"), digest_hex(key, hex));
}

int keylock_try(struct store *s, const struct digest *key, int *ret_fd, struct err **err)
{
	char *path cleanup_free = lock_path(s, key);

	for (;;) {
		struct err *e cleanup_err = NULL;
		struct stat st;
		int fd;

		if (lock_file(path, LOCK_EXCLUSIVE, false, &fd, &e) < 0) {
			if (e->code->cls == ERR_LOCKED)
				return 1;
			*err = steal_ptr(e);
			return -1;
		}
		/* The last holder may have removed the file between our open and our lock. */
		if (fstat(fd, &st) == 0 && st.st_nlink > 0) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
	}
}

void keylock_drop(struct store *s, const struct digest *key, int *fd)
{
	char *path cleanup_free = NULL;

	if (*fd < 0)
		return;
	path = lock_path(s, key);
	(void)!unlink(path);
	close(*fd);
	*fd = -1;
}

void keylock_sweep(struct store *s)
{
	DIR *dir = opendir(store_subdir(s, "locks"));
	struct dirent *de;

	while (dir && (de = readdir(dir))) {
		struct err *err cleanup_err = NULL;
		struct digest key;
		int fd;

		if (digest_parse(de->d_name, &key) == 0 && keylock_try(s, &key, &fd, &err) == 0)
			keylock_drop(s, &key, &fd);
	}
	if (dir)
		closedir(dir);
}
