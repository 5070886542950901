/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/clean.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/vec.h"

#define TEXT_MAX (16u << 20)
#define DAY_S 86400
#define MACHINE_ID "etc/machine-id"

/* Everything that matches goes, with what is below it. */
static const char *const litter[] = {
	/* mounted over */
	"/dev/*",
	"/proc/*",
	"/sys/*",
	"/run/*",
	"/tmp/*",
	"/var/tmp/*",
	/* identity */
	"/etc/ssh/ssh_host_*",
	"/var/lib/dbus/machine-id",
	"/var/lib/systemd/random-seed",
	"/var/lib/systemd/credential.secret",
	/* backups and locks */
	"/etc/passwd-",
	"/etc/group-",
	"/etc/shadow-",
	"/etc/gshadow-",
	"/etc/subuid-",
	"/etc/subgid-",
	"/etc/.pwd.lock",
	"/var/backups/*",
	"/var/cache/debconf/*-old",
	"/var/lib/dpkg/*-old",
	"/var/lib/dpkg/lock",
	"/var/lib/dpkg/lock-frontend",
	"/var/lib/dpkg/triggers/Lock",
	"/var/lib/dpkg/updates/*",
	/* caches and traces of what ran */
	"/var/cache/apt/*.bin",
	"/var/cache/apt/archives/*.deb",
	"/var/cache/apt/archives/lock",
	"/var/cache/apt/archives/partial/*",
	"/var/cache/fontconfig/*",
	"/var/cache/ldconfig/aux-cache",
	"/var/cache/man/*",
	"/var/lib/apt/lists/*",
	"/var/lib/systemd/coredump/*",
	"/var/lib/systemd/timers/*",
	"/var/lib/systemd/timesync/clock",
	"/etc/.updated",
	"/var/.updated",
	"/root/.bash_history",
};

/* Logs go; a file that was shipped empty (btmp) and the directories stay. */
static int clean_logs(struct tree *t, struct err **err)
{
	struct strv logs cleanup_strv = {0};
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tree_inode *n = entries[i]->inode;

		if (str_skip(entries[i]->path, "var/log/") && S_ISREG(n->mode) && n->size)
			strv_printf(&logs, "/%s", entries[i]->path);
	}
	for (size_t i = 0; i < logs.count; i++) {
		if (tree_remove(t, logs.items[i], &count, err) < 0)
			return -1;
	}
	return 0;
}

/* name:password:LASTCHANGE:...: the day a password was last changed, in days since 1970. */
static int fix_days(struct tree *t, const char *path, struct err **err)
{
	struct tree_entry *e = tree_lookup(t, path);
	char *text cleanup_free = e ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
	struct str out cleanup_str = STR_INIT;
	char *next = text;

	if (!text)
		return 0;
	for (char *line; (line = strsep(&next, "\n")) && *line;) {
		char *name = strsep(&line, ":"), *password = strsep(&line, ":"),
		     *day = strsep(&line, ":");

		if (!day || !line)
			return err_set(err, E_TREE_UNSUITABLE,
				       "the tree's '/%s' has a malformed line", path);
		str_printf(&out, "%s:%s:", name, password);
		if (str_eq(day, "0"))
			str_append(&out, day); /* must be changed at the next login */
		else if (*day)
			str_printf(&out, "%" PRIu64, tree_epoch(t) / DAY_S);
		str_printf(&out, ":%s\n", line);
	}
	return tree_rewrite(t, path, out.buf, out.len, err);
}

int tree_clean(struct tree *t, struct err **err)
{
	size_t count;

	for (size_t i = 0; i < array_len(litter); i++) {
		if (tree_remove(t, litter[i], &count, err) < 0)
			return -1;
	}
	if (clean_logs(t, err) < 0 || fix_days(t, "etc/shadow", err) < 0)
		return -1;
	if (tree_lookup(t, MACHINE_ID) || tree_lookup(t, "usr/lib/systemd/systemd"))
		return tree_add_file(t, MACHINE_ID, 0444, "", 0, err);
	return 0;
}

/* ---- what programs did to a tree ---- */

static bool is_litter(const char *path)
{
	char *part cleanup_free = xstrdup(path);

	for (char *end = part + strlen(part); end; end = strrchr(part, '/')) {
		*end = '\0';
		for (size_t i = 0; i < array_len(litter); i++)
			if (tree_glob(litter[i], part))
				return true;
	}
	return false;
}

static bool is_log(const struct tree_entry *e)
{
	return str_skip(e->path, "var/log/") && S_ISREG(e->inode->mode) && e->inode->size;
}

static bool is_uninitialized(const struct tree *t)
{
	struct tree_entry *e = tree_lookup(t, MACHINE_ID);
	char *text cleanup_free = e ? tree_inode_text(e->inode, 64) : NULL;

	return text && (str_eq(text, "uninitialized\n") || str_eq(text, "uninitialized"));
}

static int put_back(struct tree *t, const struct tree *before, const struct tree_entry *e,
		    struct err **err)
{
	const struct tree_inode *was = e->inode;
	struct tree_inode *now;

	if (!S_ISDIR(was->mode))
		return tree_copy_tree(t, e->path, before, e->path, TREE_REPLACE, err);
	if (tree_add_dir(t, e->path, was->mode & 07777, err) < 0)
		return -1;
	now = tree_lookup(t, e->path)->inode;
	now->uid = was->uid;
	now->gid = was->gid;
	now->mtime = was->mtime;
	return 0;
}

int tree_clean_after(struct tree *t, struct tree *before, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(before, &count);
	bool *keep cleanup_free = xcalloc(count, sizeof(*keep));
	bool uninitialized = is_uninitialized(t);
	int rc;

	for (size_t i = 0; i < count; i++) {
		const struct tree_entry *e = entries[i];

		keep[i] = tree_lookup(t, e->path) &&
			  (is_litter(e->path) || is_log(e) || str_eq(e->path, MACHINE_ID));
	}
	rc = tree_clean(t, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		if (keep[i])
			rc = put_back(t, before, entries[i], err);
	if (rc == 0 && uninitialized)
		rc = tree_add_file(t, MACHINE_ID, 0444, "uninitialized\n", 14, err);
	tree_keep(t, before);
	return rc;
}
