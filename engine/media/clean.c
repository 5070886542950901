/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/clean.h"

#include <sys/stat.h>

#include "base/str.h"
#include "base/vec.h"

/* Everything that matches goes, with what is below it. */
static const char *const patterns[] = {
	/* identity */
	"/var/lib/dbus/machine-id",
	"/var/lib/systemd/random-seed",
	"/var/lib/systemd/credential.secret",
	"/etc/ssh/ssh_host_*_key",
	"/etc/ssh/ssh_host_*_key.pub",
	/* backups */
	"/etc/passwd-",
	"/etc/group-",
	"/etc/shadow-",
	"/etc/gshadow-",
	"/etc/subuid-",
	"/etc/subgid-",
	"/etc/.pwd.lock",
	"/var/lib/dpkg/*-old",
	"/var/lib/dpkg/lock*",
	"/var/lib/dpkg/triggers/Lock",
	"/var/cache/debconf/*-old",
	"/var/backups/*",
	/* caches and state of what ran */
	"/var/cache/ldconfig/aux-cache",
	"/var/cache/apt/*.bin",
	"/var/cache/apt/archives/*.deb",
	"/var/cache/apt/archives/lock",
	"/var/cache/apt/archives/partial/*",
	"/var/lib/apt/lists/*",
	"/var/lib/systemd/timers/*",
	"/var/lib/systemd/timesync/clock",
	"/var/lib/systemd/coredump/*",
	"/etc/.updated",
	"/var/.updated",
	"/root/.bash_history",
	/* temporary */
	"/tmp/*",
	"/var/tmp/*",
	"/run/*",
};

/* Files below /var/log go, folders stay: services expect theirs. */
static int clean_logs(struct tree *t, size_t *count, struct err **err)
{
	size_t all;
	struct tree_entry *const *entries = tree_entries(t, &all);
	struct strv logs cleanup_strv = {0};

	for (size_t i = 0; i < all; i++) {
		if (str_skip(entries[i]->path, "var/log/") && !S_ISDIR(entries[i]->inode->mode))
			strv_printf(&logs, "/%s", entries[i]->path);
	}
	for (size_t i = 0; i < logs.count; i++) {
		size_t n;

		if (tree_remove(t, logs.items[i], &n, err) < 0)
			return -1;
		*count += n;
	}
	return 0;
}

int tree_clean(struct tree *t, size_t *ret_count, struct err **err)
{
	struct tree_entry *id = tree_lookup(t, "/etc/machine-id");
	size_t count = 0, n;

	for (size_t i = 0; i < array_len(patterns); i++) {
		if (tree_remove(t, patterns[i], &n, err) < 0)
			return -1;
		count += n;
	}
	if (clean_logs(t, &count, err) < 0)
		return -1;
	if (id && S_ISREG(id->inode->mode) && id->inode->size > 0) {
		if (tree_add_file(t, "/etc/machine-id", 0444, "", 0, err) < 0)
			return -1;
		count++;
	}
	if (ret_count)
		*ret_count = count;
	return 0;
}
