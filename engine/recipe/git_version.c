/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/git_version.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/git.h"
#include "base/path.h"

#define VERSION_MAX 4096 /* bytes of .tarball-version */

struct release {
	uint64_t part[3]; /* major, minor, patch */
};

/* One number, without a zero ahead, from *AT; a next one must be left for it. */
static bool read_part(const char **at, uint64_t *ret)
{
	size_t n = strspn(*at, "0123456789");
	char *digits cleanup_free = xstrndup(*at, n);

	*at += n;
	return n && (n == 1 || *digits != '0') && str_u64(digits, ret) == 0 && *ret < UINT64_MAX;
}

/* "v1.2.3", and nothing else. */
static bool read_release(const char *tag, struct release *ret)
{
	const char *at = str_skip(tag, "v");

	for (size_t i = 0; at && i < 3; i++)
		if (!read_part(&at, &ret->part[i]) || (i < 2 && *at++ != '.'))
			return false;
	return at && !*at;
}

static bool is_higher(const struct release *a, const struct release *b)
{
	for (size_t i = 0; i < 3; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] > b->part[i];
	return false;
}

/* The highest release among the tags of COMMIT, with BEFORE also of what it descends from. */
static int find_release(const struct git *g, const char *commit, bool before, bool *ret_found,
			struct release *ret, struct err **err)
{
	struct strv tags cleanup_strv = {0};

	*ret_found = false;
	if (git_tags(g, commit, before, &tags, err) < 0)
		return -1;
	for (size_t i = 0; i < tags.count; i++) {
		struct release r;

		if (read_release(tags.items[i], &r) && (!*ret_found || is_higher(&r, ret))) {
			*ret = r;
			*ret_found = true;
		}
	}
	return 0;
}

static char *print(const struct release *r, unsigned more, const char *suffix)
{
	return xasprintf("%llu.%llu.%llu%s", (unsigned long long)r->part[0],
			 (unsigned long long)r->part[1], (unsigned long long)r->part[2] + more,
			 suffix);
}

static int version_after(const struct git *g, const char *commit, char **ret, struct err **err)
{
	struct release r = {0};
	bool found;

	if (find_release(g, commit, true, &found, &r, err) < 0)
		return -1;
	if (!found && git_shallow(g))
		return err_set(err, E_NO_REVISION,
			       "this clone is shallow and has no tag like v1.2.3: 'git fetch "
			       "--unshallow --tags', or fetch-depth: 0 (GitHub), GIT_DEPTH: 0 "
			       "(GitLab)");
	*ret = print(&r, 1, "-dev");
	return 0;
}

int git_version_at(const struct git *g, const char *commit, char **ret, struct err **err)
{
	struct release r;
	bool found;

	if (find_release(g, commit, false, &found, &r, err) < 0)
		return -1;
	if (!found)
		return version_after(g, commit, ret, err);
	*ret = print(&r, 0, "");
	return 0;
}

static int version_of_tree(const struct git *g, char **ret, struct err **err)
{
	char *head cleanup_free = NULL;
	struct err *none cleanup_err = NULL;
	bool clean;

	if (git_commit(g, "HEAD", &head, &none) < 0)
		return err_set(err, E_NO_REVISION,
			       "nothing is committed yet in the repository of '%s', and 'version: "
			       "git' is that of a commit: git commit",
			       g->dir);
	if (git_clean(g, &clean, err) < 0)
		return -1;
	return clean ? git_version_at(g, head, ret, err) : version_after(g, head, ret, err);
}

/* 1: there is no such file. */
static int version_of_copy(const char *dir, char **ret, struct err **err)
{
	char *path cleanup_free = path_join(dir, TARBALL_VERSION);
	struct str text cleanup_str = STR_INIT;

	if (!path_exists(path))
		return 1;
	if (file_read(path, VERSION_MAX, &text, err) < 0)
		return -1;
	*ret = xstrndup(text.buf, strcspn(text.buf, " \t\r\n"));
	if (**ret)
		return 0;
	free(steal_ptr(*ret));
	return err_set(err, E_INVALID_VALUE, "'" TARBALL_VERSION "' has no version in it");
}

int git_version(const char *dir, char **ret, struct err **err)
{
	struct git g cleanup_git = {0};
	int rc = version_of_copy(dir, ret, err);

	if (rc <= 0)
		return rc;
	if (git_open(dir, &g, err) == 0)
		return version_of_tree(&g, ret, err);
	if ((*err)->code == E_NO_REPOSITORY)
		err_wrap(err, "'version: git' wants tags, or the version in a file "
			      "'" TARBALL_VERSION "'");
	return -1;
}
