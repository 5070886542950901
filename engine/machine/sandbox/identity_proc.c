/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose files of /proc are: a process's its own, all others root's. To the kernel everything there
 * is root's, and only the name of a file tells the process.
 */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "machine/sandbox/identity_priv.h"

/* The directory that names without a leading '/' begin at, or the file that DIRFD is. */
static void append_link(const struct tracee *t, int dirfd, struct str *ret)
{
	char link[64], *to = str_reserve(ret, PATH_MAX);
	ssize_t n = -1;

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "%d/cwd", (int)t->tid);
	else
		snprintf(link, sizeof(link), "%d/fd/%d", (int)t->tid, dirfd);
	if (t->self->proc >= 0)
		n = readlinkat(t->self->proc, link, to, PATH_MAX - 1);
	if (n > 0)
		ret->len += (size_t)n;
	ret->buf[ret->len] = '\0';
}

/* What follows "/proc/" in the name of TARGET, in RET's memory; NULL: it is not known. */
static const char *name_in_proc(struct tracee *t, const struct target *target, struct str *ret)
{
	struct str name cleanup_str = STR_INIT;
	const char *at;

	if (target->path && tracee_path(t, target->path, &name) != 0)
		return NULL;
	if (!name.len || *name.buf != '/') {
		append_link(t, target->dirfd, ret);
		str_append(ret, "/");
	}
	if (name.len)
		str_append(ret, name.buf);
	at = strstr(ret->buf, "/proc");
	if (!at || strstr(at, "/..") || (at[5] && at[5] != '/'))
		return NULL;
	at += strlen("/proc");
	return at + strspn(at, "/");
}

static bool is_word(const char *name, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(name, word, len) == 0;
}

/* The process whose file NAME is, see name_in_proc(); NULL: root's. */
static const struct creds *owner_by_name(const struct tracee *t, const char *name, int flags)
{
	size_t n = strcspn(name, "/");
	const struct tracee *other;

	if (is_word(name, n, "self") || is_word(name, n, "thread-self"))
		return !name[n] && (flags & AT_SYMLINK_NOFOLLOW) ? NULL : t->creds;
	if (!isdigit((unsigned char)*name))
		return NULL;
	if (t->self->proc < 0) /* its numbers are those of another namespace */
		return t->creds;
	other = identity_find(t->self, (pid_t)strtol(name, NULL, 10));
	return other ? other->creds : NULL;
}

void proc_owner(struct tracee *t, const struct target *target, struct stat *st)
{
	struct str path cleanup_str = STR_INIT;
	const char *name = name_in_proc(t, target, &path);
	const struct creds *c = name ? owner_by_name(t, name, target->flags) : t->creds;

	st->st_uid = c ? c->uid[EFFECTIVE] : 0;
	st->st_gid = c ? c->gid[EFFECTIVE] : 0;
}
