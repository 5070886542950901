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

int git_clean(const struct git *g, bool *ret, struct err **err)
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
