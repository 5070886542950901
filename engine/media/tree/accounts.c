/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/accounts.h"

#include <inttypes.h>

#include "base/str.h"
#include "base/vec.h"

#define TEXT_MAX (16u << 20)
#define DAY_S 86400
#define NEAR_MAX 1024 /* names that an unknown one is compared with */

static const char passwd[] = "etc/passwd", group[] = "etc/group";
static const char shadow[] = "etc/shadow", gshadow[] = "etc/gshadow";

/* ---- files of lines with fields ---- */

/* The text of a file with a line end at its end; "" when it is missing. Caller frees. */
static char *read_file(const struct tree *t, const char *path)
{
	struct tree_entry *e = tree_resolve(t, path);
	char *text cleanup_free = e ? tree_inode_text(e->inode, TEXT_MAX) : NULL;
	bool ended = !text || !*text || str_ends(text, "\n");

	return ended ? xstrdup(text ? text : "") : xasprintf("%s\n", text);
}

static int write_file(struct tree *t, const char *path, const char *text, struct err **err)
{
	struct tree_entry *e = tree_resolve(t, path);

	if (!e)
		return tree_add_file(t, path, 0644, text, strlen(text), err);
	return tree_rewrite(t, e->path, text, strlen(text), err);
}

/* Field I (from 0) of a line of TEXT; heap. NULL: the line has fewer. */
static char *field(const char *line, unsigned i)
{
	size_t n = strcspn(line, "\n");

	for (; i > 0; i--) {
		size_t f = strcspn(line, ":\n");

		if (f >= n)
			return NULL;
		line += f + 1;
		n -= f + 1;
	}
	return xstrndup(line, strcspn(line, ":\n"));
}

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/* The first line of TEXT whose field I is VALUE, or NULL. */
static const char *find_line(const char *text, unsigned i, const char *value)
{
	for (const char *l = text; *l; l = next_line(l)) {
		char *f cleanup_free = field(l, i);

		if (f && str_eq(f, value))
			return l;
	}
	return NULL;
}

static int append(struct tree *t, const char *path, const char *line, struct err **err)
{
	char *text cleanup_free = read_file(t, path);
	char *longer cleanup_free = xasprintf("%s%s\n", text, line);

	return write_file(t, path, longer, err);
}

/* ---- groups ---- */

int accounts_find_group(const struct tree *t, const char *name, uint32_t *ret_gid)
{
	char *text cleanup_free = read_file(t, group);
	const char *line = find_line(text, 0, name);
	char *gid cleanup_free = line ? field(line, 2) : NULL;
	uint64_t n;

	if (!gid || str_u64(gid, &n) || n > UINT32_MAX)
		return 1;
	*ret_gid = (uint32_t)n;
	return 0;
}

char *accounts_group_name(const struct tree *t, uint32_t gid)
{
	char *text cleanup_free = read_file(t, group);
	char *number cleanup_free = xasprintf("%" PRIu32, gid);
	const char *line = find_line(text, 2, number);

	return line ? field(line, 0) : NULL;
}

int accounts_add_group(struct tree *t, const char *name, uint32_t gid, struct err **err)
{
	char *other cleanup_free = accounts_group_name(t, gid);
	char *line cleanup_free = xasprintf("%s:x:%" PRIu32 ":", name, gid);
	char *hidden cleanup_free = xasprintf("%s:*::", name);
	uint32_t is;

	if (accounts_find_group(t, name, &is) == 0)
		return is == gid ? 0
				 : err_set(err, E_USER_CONFLICT,
					   "the tree has a group '%s' with gid %" PRIu32
					   ", not %" PRIu32,
					   name, is, gid);
	if (other)
		return err_set(err, E_USER_CONFLICT, "gid %" PRIu32 " is group '%s' in the tree",
			       gid, other);
	if (append(t, group, line, err) < 0)
		return -1;
	return tree_resolve(t, gshadow) ? append(t, gshadow, hidden, err) : 0;
}

/* ---- members ---- */

static bool has_member(const char *members, const char *user)
{
	for (const char *m = members; *m; m += strspn(m, ",")) {
		size_t n = strcspn(m, ",");

		if (n == strlen(user) && strncmp(m, user, n) == 0)
			return true;
		m += n;
	}
	return false;
}

/* Adds USER to the last field, number I, of the line of GROUP in PATH. */
static int add_member(struct tree *t, const char *path, const char *name, unsigned i,
		      const char *user, struct err **err)
{
	char *text cleanup_free = read_file(t, path);
	const char *line = find_line(text, 0, name), *end = line + (line ? strcspn(line, "\n") : 0);
	char *members cleanup_free = line ? field(line, i) : NULL;
	struct str now cleanup_str = STR_INIT;

	if (!line)
		return 0;
	if (!members)
		return err_set(err, E_TREE_UNSUITABLE,
			       "the tree's '/%s' has a malformed line for '%s'", path, name);
	if (has_member(members, user))
		return 0;
	str_append_len(&now, text, (size_t)(end - text));
	str_printf(&now, "%s%s%s", *members ? "," : "", user, end);
	return write_file(t, path, now.buf, err);
}

static int no_group(const struct tree *t, const char *name, struct err **err)
{
	char *text cleanup_free = read_file(t, group);
	struct strv names cleanup_strv = {0};
	const char *near;

	for (const char *l = text; *l && names.count < NEAR_MAX; l = next_line(l)) {
		char *n cleanup_free = field(l, 0);

		strv_push(&names, n);
	}
	near = str_nearest(name, (const char *const *)names.items, names.count);
	return err_set(err, E_USER_CONFLICT, "the tree has no group '%s'%s%s%s", name,
		       near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int accounts_join(struct tree *t, const char *user, const char *name, struct err **err)
{
	uint32_t gid;

	if (accounts_find_group(t, name, &gid))
		return no_group(t, name, err);
	if (add_member(t, group, name, 3, user, err) < 0)
		return -1;
	return add_member(t, gshadow, name, 3, user, err);
}

/* ---- users ---- */

/* LINE is that of a user of the same name: each field must be as asked for. */
static int compare_user(const char *line, const struct account *u, struct err **err)
{
	char *uid cleanup_free = xasprintf("%" PRIu32, u->uid),
		  *gid cleanup_free = xasprintf("%" PRIu32, u->gid);
	const struct {
		const char *what, *wanted;
		unsigned field;
	} all[] = {{"uid", uid, 2}, {"gid", gid, 3}, {"home", u->home, 5}, {"shell", u->shell, 6}};

	for (size_t i = 0; i < array_len(all); i++) {
		char *is cleanup_free = field(line, all[i].field);

		if (!is || !str_eq(is, all[i].wanted))
			return err_set(err, E_USER_CONFLICT,
				       "the tree has a user '%s' with %s '%s', not '%s'", u->name,
				       all[i].what, is ? is : "", all[i].wanted);
	}
	return 0;
}

int accounts_find_user(struct tree *t, const char *name, struct account *ret)
{
	char *text cleanup_free = read_file(t, passwd);
	const char *line = find_line(text, 0, name);
	char *uid cleanup_free = line ? field(line, 2) : NULL,
		  *gid cleanup_free = line ? field(line, 3) : NULL,
		  *home cleanup_free = line ? field(line, 5) : NULL,
		  *shell cleanup_free = line ? field(line, 6) : NULL;
	uint64_t u, g;

	if (!shell || str_u64(uid, &u) || str_u64(gid, &g) || u > UINT32_MAX || g > UINT32_MAX)
		return 1;
	*ret = (struct account){.name = tree_strdup(t, name),
				.home = tree_strdup(t, home),
				.shell = tree_strdup(t, shell),
				.uid = (uint32_t)u,
				.gid = (uint32_t)g};
	return 0;
}

int accounts_add_user(struct tree *t, const struct account *u, struct err **err)
{
	char *text cleanup_free = read_file(t, passwd);
	char *uid cleanup_free = xasprintf("%" PRIu32, u->uid);
	const char *same = find_line(text, 0, u->name), *taken = find_line(text, 2, uid);
	bool hidden = tree_resolve(t, shadow) != NULL;
	char *line cleanup_free = xasprintf("%s:%s:%" PRIu32 ":%" PRIu32 "::%s:%s", u->name,
					    hidden ? "x" : "*", u->uid, u->gid, u->home, u->shell);
	char *secret cleanup_free =
		xasprintf("%s:*:%" PRIu64 ":0:99999:7:::", u->name, tree_epoch(t) / DAY_S);

	if (same)
		return compare_user(same, u, err);
	if (taken) {
		char *other cleanup_free = field(taken, 0);

		return err_set(err, E_USER_CONFLICT, "uid %s is user '%s' in the tree", uid, other);
	}
	if (append(t, passwd, line, err) < 0)
		return -1;
	return hidden ? append(t, shadow, secret, err) : 0;
}
