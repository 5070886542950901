/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/git_priv.h"
#include "base/path.h"

static void push_all(struct strv *argv, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strv_push(argv, words[i]);
}

/*
 * Appends to ENV what switches filters off: git reads a file whose times are not those of the
 * index, through the programs that .gitattributes and the repository's configuration name. An empty
 * program is none.
 */
static void without_filters(const struct git *g, struct strv *env)
{
	static const char *const words[] = {"config", "--null", "--name-only", "--get-regexp",
					    "^filter\\."};
	struct strv argv cleanup_strv = {0};
	struct str names cleanup_str = STR_INIT;
	struct err *none cleanup_err = NULL;
	size_t n = 0;

	git_command(&argv, g->dir);
	push_all(&argv, words, array_len(words));
	if (git_run(&argv, NULL, true, &names, &none) < 0)
		return;
	for (const char *at = names.buf; at < names.buf + names.len; at += strlen(at) + 1, n++) {
		const char *value = str_ends(at, ".required") ? "false" : "";

		strv_take(env, xasprintf("GIT_CONFIG_KEY_%zu=%s", n, at));
		strv_take(env, xasprintf("GIT_CONFIG_VALUE_%zu=%s", n, value));
	}
	strv_take(env, xasprintf("GIT_CONFIG_COUNT=%zu", n));
}

/* Whether the file NAME of HEAD is a pointer of git LFS, and g->dir has what it means. */
static bool is_as_pointer_means(const struct git *g, const char *name)
{
	char *object cleanup_free = xasprintf("HEAD:%s%s", g->prefix, name);
	char *path cleanup_free = path_join(g->dir, name);
	struct strv argv cleanup_strv = {0};
	struct str text cleanup_str = STR_INIT;
	struct err *none cleanup_err = NULL;

	git_command(&argv, g->dir);
	strv_push(&argv, "cat-file");
	strv_push(&argv, "blob");
	strv_push(&argv, object);
	return git_run(&argv, NULL, true, &text, &none) == 0 && git_lfs_means(text.buf, path);
}

/* One entry of git-status(1): two letters, a space, the path in the repository. */
static bool differs(const struct git *g, const char *entry)
{
	const char *path = strlen(entry) > 3 ? str_skip(entry + 3, g->prefix) : NULL;

	return !str_skip(entry, " M ") || !path || !is_as_pointer_means(g, path);
}

static int is_status_empty(const struct git *g, bool *ret, struct err **err)
{
	static const char *const words[] = {"status",
					    "--porcelain=v1",
					    "-z",
					    "--untracked-files=no",
					    "--ignore-submodules=dirty",
					    "--no-renames",
					    "--",
					    "."};
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;

	without_filters(g, &env);
	git_command(&argv, g->dir);
	push_all(&argv, words, array_len(words));
	if (git_run(&argv, &env, false, &out, err) < 0)
		return -1;
	*ret = true;
	for (const char *at = out.buf; *ret && at < out.buf + out.len; at += strlen(at) + 1)
		*ret = !differs(g, at);
	return 0;
}

/* The submodule at PATH, as far as it is checked out. */
static int is_module_clean(const struct git *g, const char *path, bool *ret, struct err **err)
{
	char *dir cleanup_free = path_join(g->dir, path),
		  *own cleanup_free = path_join(dir, ".git");
	struct git module cleanup_git = {0};

	if (!path_exists(own))
		return 0;
	return git_open(dir, &module, err) < 0 ? -1 : git_clean(&module, ret, err);
}

/*
 * One entry of git-ls-files(1): "H 160000 OID 0\tPATH". A small letter is a file that git was told
 * to take for unchanged, S one that it does not look at when it is there.
 */
static int look_at_entry(const struct git *g, const char *entry, bool *ret, struct err **err)
{
	const char *path = strchr(entry, '\t');
	char *at cleanup_free = path ? path_join(g->dir, path + 1) : NULL;

	if (!at)
		return 0;
	if ((*entry >= 'a' && *entry <= 'z') || (*entry == 'S' && path_exists(at)))
		*ret = false;
	else if (str_skip(entry + 1, " 160000 "))
		return is_module_clean(g, path + 1, ret, err);
	return 0;
}

/* What git-status(1) says nothing of. */
static int look_closer(const struct git *g, bool *ret, struct err **err)
{
	static const char *const words[] = {"ls-files", "-v", "--stage", "-z"};
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;

	git_command(&argv, g->dir);
	push_all(&argv, words, array_len(words));
	if (git_run(&argv, NULL, false, &out, err) < 0)
		return -1;
	for (const char *at = out.buf; *ret && at < out.buf + out.len; at += strlen(at) + 1)
		if (look_at_entry(g, at, ret, err) < 0)
			return -1;
	return 0;
}

int git_clean(const struct git *g, bool *ret, struct err **err)
{
	if (is_status_empty(g, ret, err) < 0)
		return -1;
	return *ret ? look_closer(g, ret, err) : 0;
}
