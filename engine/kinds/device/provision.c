/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/device/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/tree/content.h"
#include "machine/sandbox/confined.h"
#include "recipe/expand.h"

#define RECIPE "provision.yaml"
#define RECIPE_MAX (1u << 20)
#define FROM_MAX (64u << 20)
#define KEY_MAX (64u << 10)

struct provision_file {
	struct pos pos; /* OPT_PLACED */
	const char *to, *text, *from, *mode;
	int ssh_key; /* index into key_types; 0: none */
};

static const char *const key_types[] = {"none", "ed25519", "ecdsa", "rsa", NULL};

static const struct option file_options[] = {
	{"to", OPT_STRING, offsetof(struct provision_file, to), OPT_REQUIRED | OPT_ABSPATH,
	 .help = "Where it is in the partition; with '/' at its end a directory."},
	{"text", OPT_STRING, offsetof(struct provision_file, text), .help = "What is in it."},
	{"from", OPT_STRING, offsetof(struct provision_file, from),
	 .help = "A file of this directory that is copied."},
	{"ssh-key", OPT_ENUM, offsetof(struct provision_file, ssh_key), .words = key_types,
	 .help = "A private key for ssh is made, and its public half as TO.pub."},
	{"mode", OPT_STRING, offsetof(struct provision_file, mode),
	 .help = "As in 'modes': 0640, 990:990, or both. Else 0644, of keys 0600, of directories "
		 "0755, and 0:0."},
};

/* A path that ends in '/' is a directory; any other is filled by one of the three. */
static void check_file(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct provision_file *f = data;
	struct content_attr attr;
	bool directory = str_ends(f->to, "/");
	int ways = !!f->text + !!f->from + !!f->ssh_key;
	const char *why;

	if (ways != !directory)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    directory ? "'%s' is a directory, which has no content: take '/' off "
					"its end for a file"
				      : "'%s' needs one of 'text', 'from' and 'ssh-key'",
			    f->to);
	if (f->mode && content_attr_parse(f->mode, &attr))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "mode"),
			    "'%s' is not a mode or owner: write 0640, 990:990 or \"0640 990:990\"",
			    f->mode);
	if (f->from && !path_is_project(f->from, &why))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "from"),
			    "'%s' %s: it is a file below this directory", f->from, why);
}

static const struct schema file_schema =
	SCHEMA(struct provision_file, file_options, .check = check_file);

static const struct option provision_options[] = {
	{"partition", OPT_STRING, offsetof(struct provision, partition),
	 .help = "Name of the partition; else that of 'state' of the device."},
	{"files", OPT_STRUCT, offsetof(struct provision, files),
	 OPT_LIST | OPT_REQUIRED | OPT_PLACED, .sub = &file_schema,
	 .help = "What is laid into it."},
};
static const struct schema provision_schema = SCHEMA(struct provision, provision_options);

/* Where F lies, without '/' at its end; of a key also its public half. */
static bool is_at(const struct provision_file *f, const char *path)
{
	size_t len = strlen(f->to) - str_ends(f->to, "/");

	if (strncmp(f->to, path, len) != 0)
		return false;
	return !path[len] || str_eq(path + len, "/") || (f->ssh_key && str_eq(path + len, ".pub"));
}

/* Two that lie at one place, once names have become what they stand for. */
static void check_places(const struct provision *p, struct err_list *errors)
{
	for (size_t i = 0; i < p->files.count; i++) {
		const struct provision_file *f =
			LIST_AT(p->files, const struct provision_file *, i);

		if (str_skip(f->to, "/lost+found"))
			err_list_at(errors, E_INVALID_VALUE, f->pos,
				    "'%s' is e2fsck's: name another place", f->to);
		for (size_t k = 0; k < i; k++) {
			const struct provision_file *other =
				LIST_AT(p->files, const struct provision_file *, k);

			if (is_at(f, other->to) || is_at(other, f->to))
				err_list_at(errors, E_DUPLICATE_NAME, f->pos,
					    "'%s' and '%s' are one place", other->to, f->to);
		}
	}
}

struct provision *provision_read(struct arena *arena, const char *dir, const struct unit *unit,
				 struct err_list *errors)
{
	const char *path = arena_printf(arena, "%s/" RECIPE, dir);
	struct str text cleanup_str = STR_INIT;
	struct scope scope = {
		.vars = &unit->values, .no_nodes = true, .remedy = "name a column of units.csv so"};
	struct err *err = NULL;
	struct provision *p;
	struct yaml *map;

	if (file_read(path, RECIPE_MAX, &text, &err) < 0) {
		err->code = E_FILE_UNREADABLE;
		err_list_add(errors, err);
		return NULL;
	}
	map = yaml_parse(arena, path, text.buf, text.len, errors);
	if (!map)
		return NULL;
	scope.source = (struct source){text.buf, text.len};
	(void)expand_tree(arena, &scope, map, errors);
	p = errors->count ? NULL : schema_decode(&provision_schema, arena, map, NULL, errors);
	if (p)
		check_places(p, errors);
	return errors->count ? NULL : p;
}

/* ---- filling ---- */

struct filling {
	const char *dir, *scratch, *comment;
	struct tree *t;
	json_t *keys;
};

static int set_attr(const struct filling *fi, const struct provision_file *f, const char *path,
		    struct err **err)
{
	struct tree_entry *e = tree_resolve(fi->t, path);
	struct content_attr attr;

	if (!e)
		return err_at(err, E_INTERNAL, f->pos, "'%s' is not in the tree", path);
	if (!f->mode || content_attr_parse(f->mode, &attr))
		return 0;
	if (attr.mode >= 0)
		tree_inode_chmod(fi->t, e->inode, (mode_t)attr.mode);
	if (attr.uid >= 0) {
		e->inode->uid = (uint32_t)attr.uid;
		e->inode->gid = (uint32_t)attr.gid;
	}
	return 0;
}

static int add(const struct filling *fi, const struct provision_file *f, const struct str *bytes,
	       mode_t mode, struct err **err)
{
	if (tree_add_file(fi->t, f->to, mode, bytes->buf, bytes->len, err) < 0)
		return err_place(err, f->pos);
	return set_attr(fi, f, f->to, err);
}

static int copy(const struct filling *fi, const struct provision_file *f, struct err **err)
{
	int dir cleanup_fd = open(fi->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd cleanup_fd = dir < 0 ? -1 : path_open_beneath(dir, f->from, O_RDONLY, err);
	struct str bytes cleanup_str = STR_INIT;

	if (dir < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open '%s'", fi->dir);
	if (fd < 0 || fd_read_all(fd, f->from, FROM_MAX, &bytes, err) < 0)
		return err_place(err, f->pos);
	return add(fi, f, &bytes, 0644, err);
}

/* ssh-keygen, which sees nothing but the directory it writes to, and wants to be somebody. */
static int make_key(const struct filling *fi, const struct provision_file *f, const char *path,
		    struct err **err)
{
	struct confined wall cleanup_confined = {.as_root = true};
	struct proc_opts opts = {0};
	struct str said cleanup_str = STR_INIT;
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "ssh-keygen");
	strv_push(&argv, "-q");
	strv_printf(&argv, "-t%s", key_types[f->ssh_key]);
	strv_push(&argv, "-N");
	strv_push(&argv, "");
	strv_printf(&argv, "-C%s", fi->comment);
	strv_printf(&argv, "-f%s", path);
	confined_program(&wall, "ssh-keygen");
	confined_write(&wall, fi->scratch);
	confined_apply(&wall, &opts);
	return proc_output(strv_argv(&argv), &opts, KEY_MAX, &said, err);
}

static int add_key(const struct filling *fi, const struct provision_file *f, const char *path,
		   const char *public, struct err **err)
{
	struct provision_file beside = {.pos = f->pos};
	char *to cleanup_free = xasprintf("%s.pub", f->to);
	struct str key cleanup_str = STR_INIT, text cleanup_str = STR_INIT;

	beside.to = to;
	if (file_read(path, KEY_MAX, &key, err) < 0 || file_read(public, KEY_MAX, &text, err) < 0)
		return -1;
	if (add(fi, f, &key, 0600, err) < 0 || add(fi, &beside, &text, 0644, err) < 0)
		return -1;
	explicit_bzero(key.buf, key.len);
	text.buf[strcspn(text.buf, "\n")] = 0;
	json_object_set_new(fi->keys, f->to, json_string(text.buf));
	return 0;
}

static int fill_key(const struct filling *fi, const struct provision_file *f, struct err **err)
{
	char *path cleanup_free = path_join(fi->scratch, "key");
	char *public cleanup_free = path_join(fi->scratch, "key.pub");
	int rc = make_key(fi, f, path, err) < 0 ? -1 : add_key(fi, f, path, public, err);

	unlink(path);
	unlink(public);
	return rc < 0 ? err_place(err, f->pos) : 0;
}

static int fill(const struct filling *fi, const struct provision_file *f, struct err **err)
{
	const struct str text = {.buf = (char *)(uintptr_t)f->text,
				 .len = f->text ? strlen(f->text) : 0};

	if (f->text)
		return add(fi, f, &text, 0644, err);
	if (f->from)
		return copy(fi, f, err);
	if (f->ssh_key)
		return fill_key(fi, f, err);
	if (tree_add_dir(fi->t, f->to, 0755, err) < 0)
		return err_place(err, f->pos);
	return set_attr(fi, f, f->to, err);
}

int provision_fill(const struct provision *p, const char *dir, const char *scratch,
		   const char *comment, struct tree *t, json_t *keys, struct err **err)
{
	const struct filling fi = {dir, scratch, comment, t, keys};

	for (size_t i = 0; i < p->files.count; i++)
		if (fill(&fi, LIST_AT(p->files, const struct provision_file *, i), err) < 0)
			return -1;
	return 0;
}
