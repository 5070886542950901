/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest/appliance_seal.h"

#include <sys/file.h>

#include "base/dirseal.h"
#include "base/path.h"
#include "base/tmp.h"

#define HASH_EVERY (INT64_C(86400) * 1000000000) /* nanoseconds */

/* Where libguestfs puts it (guestfs(3), "LOCATION OF SUPERMIN APPLIANCES"). */
static char *appliance_dir(const char *cache)
{
	return xasprintf("%s/.guestfs-%u/appliance.d", cache, (unsigned)geteuid());
}

static char *seal_file(const char *cache)
{
	return xasprintf("%s/%u.seal", cache, (unsigned)geteuid());
}

static int lock(const char *cache, struct appliance_seal *s, struct err **err)
{
	char *path cleanup_free = xasprintf("%s/%u.lock", cache, (unsigned)geteuid());

	return lock_file(path, LOCK_EXCLUSIVE, true, &s->lock, err);
}

/* Whether the appliance DIR is as its seal says. */
static bool is_right(const char *dir, const char *file, struct appliance_seal *s)
{
	struct err *why cleanup_err = NULL;
	int64_t now = dirseal_now();
	struct dirseal seal;

	if (dirseal_read(file, &seal) != 0)
		return false;
	if (path_exists(dir) &&
	    dirseal_check(dir, file, &seal,
			  now < seal.hashed_ns || now - seal.hashed_ns > HASH_EVERY, &why) == 0)
		return true;
	s->changed = path_exists(dir);
	return false;
}

int appliance_seal_check(const char *cache, struct appliance_seal *ret, struct err **err)
{
	char *dir cleanup_free = appliance_dir(cache), *file cleanup_free = seal_file(cache);

	if (lock(cache, ret, err) < 0)
		return -1;
	if (is_right(dir, file, ret)) {
		appliance_seal_release(ret);
		return 0;
	}
	if (path_exists(file) && path_remove(file, err) < 0)
		return -1;
	return path_exists(dir) ? path_remove(dir, err) : 0;
}

int appliance_seal_make(const char *cache, struct appliance_seal *s, struct err **err)
{
	char *dir cleanup_free = appliance_dir(cache), *file cleanup_free = seal_file(cache);

	if (!s->lock || !path_exists(dir))
		return 0;
	if (dirseal_make(dir, file, err) < 0)
		return -1;
	appliance_seal_release(s);
	return 0;
}

void appliance_seal_release(struct appliance_seal *s)
{
	if (s->lock) {
		flock(s->lock, LOCK_UN); /* libguestfs has forked meanwhile */
		close(s->lock);
	}
	s->lock = 0;
}
