/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/tree/tree_opts.h"
#include "media/tree/accounts.h"
#include "media/tree/ssh_key.h"

#define NO_HOME "/nonexistent"
#define NO_SHELL "/usr/sbin/nologin"
#define KEYS_MAX (1024 * 1024)

static void set_owner(struct tree *t, const char *path, const struct account *u)
{
	struct tree_inode *n = tree_lookup(t, path)->inode;

	n->uid = u->uid;
	n->gid = u->gid;
}

/* ---- keys ---- */

static int check_keys(const char *name, const char *text, struct err **err)
{
	char *copy cleanup_free = xstrdup(text), *next = copy;
	unsigned number = 0, keys = 0;

	for (char *line; (line = strsep(&next, "\n"));) {
		char *wrong cleanup_free = NULL;

		line += strspn(line, " \t\r");
		number++;
		if (!*line || *line == '#')
			continue;
		wrong = ssh_key_wrong(line);
		if (wrong)
			return err_set(err, E_SSH_KEYS, "%s:%u: %s", name, number, wrong);
		keys++;
	}
	if (!keys)
		return err_set(err, E_SSH_KEYS, "'%s' has no public key", name);
	return 0;
}

static int add_keys(struct action *a, const struct tree_user *opts, const struct account *u,
		    struct tree *t, struct err **err)
{
	const struct action_input *in = action_input(a, opts->keys);
	char *dir cleanup_free = path_join(u->home, ".ssh");
	char *path cleanup_free = path_join(dir, "authorized_keys");
	struct str text cleanup_str = STR_INIT;

	if (in->type != INPUT_FILE)
		return err_set(err, E_NOT_A_FILE, "keys '%s' is not a file", in->ref);
	if (str_eq(u->home, NO_HOME))
		return err_set(err, E_USER_CONFLICT,
			       "user '%s' has no home for its keys: give it a 'home'", u->name);
	if (file_read(in->path, KEYS_MAX, &text, err) < 0 || check_keys(in->ref, text.buf, err) < 0)
		return -1;
	if (!tree_resolve(t, dir)) {
		if (tree_add_dir(t, dir, 0700, err) < 0)
			return -1;
		set_owner(t, dir, u);
	}
	if (tree_add_file(t, path, 0600, text.buf, text.len, err) < 0)
		return -1;
	set_owner(t, path, u);
	return 0;
}

/* ---- users ---- */

static int add_home(struct tree *t, const struct account *u, struct err **err)
{
	struct tree_entry *e = tree_resolve(t, u->home);

	if (e && !S_ISDIR(e->inode->mode))
		return err_set(err, E_USER_CONFLICT,
			       "the home '%s' of user '%s' is not a directory", u->home, u->name);
	if (e || str_eq(u->home, NO_HOME))
		return 0;
	if (tree_add_dir(t, u->home, 0700, err) < 0)
		return -1;
	set_owner(t, u->home, u);
	return 0;
}

/*
 * What the recipe says of a user, completed by what the tree has of it. True: its group may be one
 * of another name.
 */
static bool complete(const struct tree_user *opts, struct tree *t, struct account *ret)
{
	bool known = accounts_find_user(t, opts->name, ret) == 0;
	uint64_t gid;

	if (!known)
		*ret = (struct account){.name = opts->name,
					.home = NO_HOME,
					.shell = NO_SHELL,
					.gid = (uint32_t)opts->uid};
	ret->uid = (uint32_t)opts->uid;
	if (opts->home)
		ret->home = opts->home;
	if (opts->shell)
		ret->shell = opts->shell;
	if (opts->gid && str_u64(opts->gid, &gid) == 0)
		ret->gid = (uint32_t)gid;
	else if (!known && accounts_find_group(t, opts->name, &ret->gid))
		ret->gid = (uint32_t)opts->uid;
	return known || opts->gid;
}

/* The primary group: one that has the number, else a new one of the user's name. */
static int add_primary(struct tree *t, const struct account *u, bool any, struct err **err)
{
	char *name cleanup_free = accounts_group_name(t, u->gid);

	if (name && any)
		return 0;
	return accounts_add_group(t, u->name, u->gid, err);
}

static int add_user(struct action *a, const struct tree_user *opts, struct tree *t,
		    struct err **err)
{
	struct account u;
	bool any = complete(opts, t, &u);

	if (add_primary(t, &u, any, err) < 0 || accounts_add_user(t, &u, err) < 0)
		return -1;
	for (size_t i = 0; i < opts->groups.count; i++)
		if (accounts_join(t, u.name, LIST_AT(opts->groups, const char *, i), err) < 0)
			return -1;
	if (add_home(t, &u, err) < 0)
		return -1;
	return opts->keys ? add_keys(a, opts, &u, t, err) : 0;
}

int tree_add_accounts(struct action *a, struct tree *t, struct err **err)
{
	const struct tree_opts *o = a->opts;

	for (size_t i = 0; i < o->groups.count; i++) {
		const struct tree_group *g = LIST_AT(o->groups, struct tree_group *, i);

		if (accounts_add_group(t, g->name, (uint32_t)g->gid, err) < 0)
			return tree_place(a, g->pos, err);
	}
	for (size_t i = 0; i < o->users.count; i++) {
		const struct tree_user *u = LIST_AT(o->users, struct tree_user *, i);

		if (add_user(a, u, t, err) < 0)
			return tree_place(a, u->pos, err);
	}
	return 0;
}

int tree_check_shells(struct action *a, const struct tree *t, struct err **err)
{
	const struct tree_opts *o = a->opts;

	for (size_t i = 0; i < o->users.count; i++) {
		const struct tree_user *u = LIST_AT(o->users, struct tree_user *, i);

		if (!u->shell || tree_resolve(t, u->shell))
			continue;
		err_set(err, E_USER_CONFLICT, "the tree has no '%s', the shell of user '%s'",
			u->shell, u->name);
		return tree_place(a, u->pos, err);
	}
	return 0;
}
