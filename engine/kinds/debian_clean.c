/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a configured tree must not carry into an image. */
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "kinds/debian.h"
#include "media/clean.h"

#define MAX_TEXT (16 * 1024 * 1024)
#define DAY 86400

/* Made by the build's own tools, beside what every system leaves behind (media/clean.h). */
static const char *const litter[] = {
	"/dev/**", "/proc/**", "/sys/**", "/etc/ssh/ssh_host_*", "/var/cache/man/**",
	"/var/cache/fontconfig/*", "/var/lib/dpkg/triggers/Unincorp", "/var/lib/dpkg/updates/*",
};

/* Replaces the content of a file and keeps who owns it. */
static int rewrite(struct tree *t, const char *path, const char *data, size_t len, struct err **err)
{
	struct tree_inode old = *tree_lookup(t, path)->inode;
	struct tree_inode *now;

	if (tree_add_file(t, path, old.mode & 07777, data, len, err) < 0)
		return -1;
	now = tree_lookup(t, path)->inode;
	now->uid = old.uid;
	now->gid = old.gid;
	return 0;
}

/* name:password:LASTCHANGE:...: the day a password was last changed, in days since 1970. */
static int fix_days(struct tree *t, const char *path, uint64_t epoch, struct err **err)
{
	struct tree_entry *e = tree_lookup(t, path);
	char *text cleanup_free = e ? tree_inode_text(e->inode, MAX_TEXT) : NULL;
	struct str out cleanup_str = STR_INIT;
	char *next = text;

	if (!text)
		return 0;
	for (char *line; (line = strsep(&next, "\n")) && *line;) {
		char *name = strsep(&line, ":"), *password = strsep(&line, ":"), *day = strsep(&line, ":");

		if (!day || !line)
			return err_set(err, ERR_BUILD, "the tree's '/%s' has a malformed line", path);
		str_printf(&out, "%s:%s:", name, password);
		if (*day)
			str_printf(&out, "%llu", (unsigned long long)(epoch / DAY));
		str_printf(&out, ":%s\n", line);
	}
	return rewrite(t, path, out.buf, out.len, err);
}

int debian_clean(struct tree *t, uint64_t epoch, struct err **err)
{
	size_t count;

	if (tree_clean(t, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < array_len(litter); i++)
		if (tree_remove(t, litter[i], &count, err) < 0)
			return -1;
	/* Empty, not missing: machine-id(5), so that systemd makes one without asking. */
	if (tree_lookup(t, "usr/lib/systemd/systemd") &&
	    tree_add_file(t, "etc/machine-id", 0444, "", 0, err) < 0)
		return -1;
	return fix_days(t, "etc/shadow", epoch, err);
}
