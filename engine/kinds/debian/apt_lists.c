/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lists that apt keeps below Q->dir: as its archives have signed them, or from the start. apt
 * checks an index when it fetches it and never again, so that a bit that changes later on the disk
 * is a wrong version, digest or dependency in each lock from then on.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/apt.h"

#define RELEASE "InRelease"
#define RELEASE_MAX (64u << 20)

/*
 * LINE of a Release file, " DIGEST SIZE PATH": whether the list that apt keeps of it, below DIR and
 * with the name of its Release file in front, is another file. One that apt does not keep is right.
 */
static bool is_damaged(const char *dir, const char *release, char *line)
{
	char *rest = line + strspn(line, " "), *path;
	const char *hex = strsep(&rest, " ");
	struct err *ignored cleanup_err = NULL;
	char *list cleanup_free = NULL;
	struct digest want, have;
	struct stat st;

	if (!rest || digest_parse(hex, &want))
		return false;
	rest += strspn(rest, " ");
	strsep(&rest, " ");
	if (!rest)
		return false;
	for (path = rest; *path;
	     path++) /* apt's names of lists; what it would quote is not there */
		if (*path == '/')
			*path = '_';
	list = xasprintf("%s/%.*s%s", dir, (int)(strlen(release) - strlen(RELEASE)), release, rest);
	return stat(list, &st) == 0 &&
	       (digest_file(list, &have, &ignored) < 0 || !digest_eq(&want, &have));
}

/* Whether a list of RELEASE is damaged. apt has checked its signature in this run. */
static int check_release(const char *dir, const char *release, bool *ret_damaged, struct err **err)
{
	char *path cleanup_free = path_join(dir, release);
	struct str text cleanup_str = STR_INIT;
	bool digests = false;
	char *rest, *line;

	if (file_read(path, RELEASE_MAX, &text, err) < 0)
		return -1;
	rest = text.buf;
	while (!*ret_damaged && (line = strsep(&rest, "\n"))) {
		if (*line != ' ')
			digests = str_eq(line, "SHA256:");
		else if (digests)
			*ret_damaged = is_damaged(dir, release, line);
	}
	return 0;
}

int apt_lists_damaged(const struct apt_request *q, bool *ret, struct err **err)
{
	char *lists cleanup_free = path_join(q->dir, "state/lists");
	DIR *dir = opendir(lists);
	const struct dirent *e;
	int rc = 0;

	*ret = false;
	while (dir && rc == 0 && !*ret && (e = readdir(dir))) {
		if (str_ends(e->d_name, RELEASE))
			rc = check_release(lists, e->d_name, ret, err);
	}
	if (dir)
		closedir(dir);
	return rc;
}

int apt_lists_set_aside(const struct apt_request *q, struct err **err)
{
	static const char *const caches[] = {"cache/pkgcache.bin", "cache/srcpkgcache.bin"};
	char *lists cleanup_free = path_join(q->dir, "state/lists");
	char *aside cleanup_free = path_join(q->dir, "state/lists.aside");
	char *partial cleanup_free = path_join(lists, "partial");

	if (path_remove(aside, err) < 0)
		return -1;
	if (rename(lists, aside) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot rename '%s'", lists);
	/* They are of the lists, which will have the same sizes and times. */
	for (size_t i = 0; i < array_len(caches); i++) {
		char *path cleanup_free = path_join(q->dir, caches[i]);

		if (path_remove(path, err) < 0)
			return -1;
	}
	return path_mkdirs(partial, err);
}

int apt_lists_take_back(const struct apt_request *q, struct err **err)
{
	char *lists cleanup_free = path_join(q->dir, "state/lists");
	char *aside cleanup_free = path_join(q->dir, "state/lists.aside");

	if (path_remove(lists, err) < 0)
		return -1;
	if (rename(aside, lists) < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot rename '%s'", aside);
	return 0;
}
