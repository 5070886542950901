/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch image: what is in what a node made, without root and without mounting it. The names and
 * bytes are foreign: on a terminal they are escaped.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/json.h"
#include "cli/paint.h"
#include "cli/table.h"
#include "cli/view.h"
#include "media/tree/tree_export.h"

static bool is_pattern(const char *path)
{
	return path[strcspn(path, "*?[")] != '\0';
}

/* ---- ls ---- */

static void mode_text(mode_t mode, char ret[11])
{
	static const char types[] = "?pc?d?b?-?l?s???";

	ret[0] = types[(mode & S_IFMT) >> 12];
	for (unsigned i = 0; i < 9; i++)
		ret[i + 1] = "rwxrwxrwx"[i];
	for (unsigned i = 0; i < 9; i++) {
		if (!(mode & (0400u >> i)))
			ret[i + 1] = '-';
	}
	if (mode & S_ISUID)
		ret[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		ret[6] = mode & 010 ? 's' : 'S';
	if (mode & S_ISVTX)
		ret[9] = mode & 01 ? 't' : 'T';
	ret[10] = '\0';
}

static char *time_text(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[64] = "";

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	return xstrdup(text);
}

static char *size_text(const struct tree_inode *n)
{
	if (S_ISDIR(n->mode))
		return xstrdup("");
	if (S_ISCHR(n->mode) || S_ISBLK(n->mode))
		return xasprintf("%u,%u", n->major, n->minor);
	return xasprintf("%llu", (unsigned long long)n->size);
}

static const char *type_word(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFREG:
		return "file";
	case S_IFCHR:
		return "character-device";
	case S_IFBLK:
		return "block-device";
	default:
		return "special";
	}
}

static json_t *entry_object(const struct tree_entry *e)
{
	const struct tree_inode *n = e->inode;
	char *path cleanup_free = xasprintf("/%s", e->path);
	char *mode cleanup_free = xasprintf("%04o", n->mode & 07777);

	return json_pack("{s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "path", json_text(path),
			 "type", type_word(n->mode), "mode", mode, "uid", (json_int_t)n->uid, "gid",
			 (json_int_t)n->gid, "size", (json_int_t)n->size, "mtime",
			 (json_int_t)n->mtime, "links", (json_int_t)n->links, "target",
			 json_text(n->target));
}

struct line {
	const struct tree_entry *entry;
	char *name;
};
DEFINE_VEC(lines, struct line)

static void add_line(struct lines *l, const struct tree_entry *e, char *name)
{
	lines_push(l, (struct line){e, name});
}

static int max_int(int a, int b)
{
	return a > b ? a : b;
}

struct widths {
	int owner, size;
};

/* Text of one line before its name: printed with no width first, to measure. */
static void print_line(const struct line *l, struct widths *w, bool measure)
{
	const struct tree_inode *n = l->entry->inode;
	char *size cleanup_free = size_text(n), *when cleanup_free = time_text(n->mtime);
	char *owner cleanup_free = xasprintf("%u:%u", n->uid, n->gid), mode[11];

	if (measure) {
		w->owner = max_int(w->owner, (int)strlen(owner));
		w->size = max_int(w->size, (int)strlen(size));
		return;
	}
	mode_text(n->mode, mode);
	printf("%s %-*s %*s %s ", mode, w->owner, owner, w->size, size, when);
	print_escaped(stdout, l->name, strlen(l->name));
	if (n->target) {
		printf(" -> ");
		print_escaped(stdout, n->target, strlen(n->target));
	}
	putchar('\n');
}

static void print_list(const struct lines *l)
{
	struct widths w = {0};

	for (size_t i = 0; i < l->count; i++)
		print_line(&l->items[i], &w, true);
	for (size_t i = 0; i < l->count; i++)
		print_line(&l->items[i], &w, false);
}

/* What is in directory DIR, "" or "usr". */
static void list_directory(struct lines *l, struct tree *t, const char *dir)
{
	char *prefix cleanup_free = xasprintf("%s%s", dir, *dir ? "/" : "");
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		const char *name = str_skip(entries[i]->path, prefix);

		if (name && *name && !strchr(name, '/'))
			add_line(l, entries[i], xstrdup(name));
	}
}

static void list_matches(struct lines *l, struct tree *t, const char *pattern)
{
	char *glob cleanup_free = xasprintf("/%s", pattern);
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		if (*entries[i]->path && tree_glob(glob, entries[i]->path))
			add_line(l, entries[i], xasprintf("/%s", entries[i]->path));
	}
}

static int list_tree(struct lines *l, struct look *look, struct err **err)
{
	struct tree_entry *e = tree_resolve(look->tree, look->rest);

	if (!e)
		e = tree_lookup(look->tree, look->rest);
	if (e && S_ISDIR(e->inode->mode))
		list_directory(l, look->tree, e->path);
	else if (e)
		add_line(l, e, xstrdup(path_base(e->path)));
	else
		list_matches(l, look->tree, look->rest);
	if (!e && !l->count)
		return err_set(err, E_TREE_PATH_MISSING, "nothing in this %s matches '/%s'",
			       look->format, look->rest);
	return 0;
}

static void print_disk(const struct look *look)
{
	struct table *t = table_new(">SIZE", ">START", "TYPE", "UUID", "PARTITION", NULL);

	for (size_t i = 0; i < look->parts.count; i++) {
		const struct gpt_part *p = &look->parts.items[i];
		char *name cleanup_free = look_part_name(&look->parts, i);
		char *start cleanup_free = str_bytes(p->start);
		char *size cleanup_free = str_bytes(p->size);

		table_row(t, size, start, p->type, p->uuid, name);
	}
	table_print(t);
}

static json_t *partition_object(const struct look *look, size_t i)
{
	const struct gpt_part *p = &look->parts.items[i];
	char *name cleanup_free = look_part_name(&look->parts, i);

	return json_pack("{s:o, s:s, s:I, s:I, s:o, s:o}", "path", json_text(name), "type",
			 "partition", "start", (json_int_t)p->start, "size", (json_int_t)p->size,
			 "guid", json_text(p->type), "uuid", json_text(p->uuid));
}

static void print_json(const struct view *v, const struct lines *l)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < v->look.parts.count; i++)
		json_array_append_new(entries, partition_object(&v->look, i));
	for (size_t i = 0; i < l->count; i++)
		json_array_append_new(entries, entry_object(l->items[i].entry));
	json_print(stdout,
		   json_pack("{s:i, s:b, s:o, s:o, s:s, s:I, s:o}", "v", 1, "ok", 1, "name",
			     json_text(v->result.name), "within", json_text(v->result.path),
			     "format", v->look.format, "size", (json_int_t)v->look.size, "entries",
			     entries),
		   false);
}

static int list(const struct cli *c, struct view *v, struct err **err)
{
	struct lines l = {0};
	int rc = v->look.tree ? list_tree(&l, &v->look, err) : 0;

	if (rc == 0 && c->json) {
		print_json(v, &l);
	} else if (rc == 0 && v->look.disk) {
		print_disk(&v->look);
	} else if (rc == 0 && !v->look.tree) {
		printf("%llu ", (unsigned long long)v->look.size);
		print_lines(stdout, "", v->result.name, strlen(v->result.name));
	} else if (rc == 0) {
		print_list(&l);
	}
	for (size_t i = 0; i < l.count; i++)
		free(l.items[i].name);
	lines_clear(&l);
	return rc;
}

/* ---- cat and cp ---- */

/* The file that the path leads to, or NULL: then it is bytes of the image itself. */
static int find_file(const struct view *v, struct tree_entry **ret, struct err **err)
{
	const struct look *l = &v->look;

	*ret = NULL;
	if (l->disk)
		return err_set(err, E_NOT_A_FILE,
			       "'%s' is a disk: name a partition and a file, as 'orch image ls' "
			       "shows them",
			       v->result.name);
	if (!l->tree)
		return 0;
	*ret = tree_resolve(l->tree, l->rest);
	if (!*ret)
		return err_set(err, E_TREE_PATH_MISSING,
			       "'/%s' is a link to what is not in this %s, or a pattern", l->rest,
			       l->format);
	return 0;
}

typedef int piece_fn(void *arg, const void *data, size_t len, struct err **err);

static int each_piece_of_file(const struct tree_inode *n, piece_fn *fn, void *arg, struct err **err)
{
	char buf[65536];

	for (uint64_t at = 0; at < n->size;) {
		size_t len = n->size - at < sizeof(buf) ? (size_t)(n->size - at) : sizeof(buf);

		tree_inode_read(n, at, buf, len);
		if (fn(arg, buf, len, err) < 0)
			return -1;
		at += len;
	}
	return 0;
}

static int each_piece_of_image(const struct look *l, piece_fn *fn, void *arg, struct err **err)
{
	int fd cleanup_fd = open(l->file, O_RDONLY | O_CLOEXEC);
	char buf[65536];

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", l->file);
	for (uint64_t at = 0; at < l->size;) {
		uint64_t left = l->size - at;
		size_t want = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		ssize_t n = pread(fd, buf, want, (off_t)(l->offset + at));

		if (n <= 0)
			return n ? err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", l->file)
				 : 0;
		if (fn(arg, buf, (size_t)n, err) < 0)
			return -1;
		at += (uint64_t)n;
	}
	return 0;
}

/* A broken pipe is the reader's wish; flush_output() tells of all else. */
static int show_piece(void *arg, const void *data, size_t len, struct err **err)
{
	const bool *terminal = arg;

	if (*terminal)
		print_lines(stdout, "", data, len);
	else
		fwrite(data, 1, len, stdout);
	return 0;
}

static int cat(const struct cli *c, struct view *v, struct err **err)
{
	bool terminal = paint_is_terminal(stdout);
	struct tree_entry *e;

	if (find_file(v, &e, err) < 0)
		return -1;
	if (!e)
		return each_piece_of_image(&v->look, show_piece, &terminal, err);
	if (!S_ISREG(e->inode->mode))
		return err_set(err, E_NOT_A_FILE, "'/%s' is a %s, not a file", e->path,
			       type_word(e->inode->mode));
	return each_piece_of_file(e->inode, show_piece, &terminal, err);
}

struct copy {
	const char *path;
	int fd;
};

static int write_piece(void *arg, const void *data, size_t len, struct err **err)
{
	const struct copy *c = arg;

	return fd_write_all(c->fd, c->path, data, len, err);
}

static int copy_file(const struct view *v, const struct tree_entry *e, const char *dest,
		     struct err **err)
{
	mode_t mode = e ? e->inode->mode & 0777 : 0644;
	int fd cleanup_fd = open(dest, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode | 0200);
	struct copy c = {dest, fd};

	if (fd < 0)
		return err_errno(err, E_FILE_EXISTS, errno, "cannot create '%s'", dest);
	return e ? each_piece_of_file(e->inode, write_piece, &c, err)
		 : each_piece_of_image(&v->look, write_piece, &c, err);
}

static int copy_directory(const struct view *v, const struct tree_entry *e, const char *dest,
			  struct err **err)
{
	struct tree *part cleanup_tree = tree_new(0, v->scratch);

	if (mkdir(dest, 0777) < 0)
		return err_errno(err, E_FILE_EXISTS, errno, "cannot create directory '%s'", dest);
	if (tree_copy_tree(part, "/", v->look.tree, e->path, 0, err) < 0)
		return -1;
	return tree_export(part, dest, err);
}

/* DEST, or in DEST under the name that it has, as cp does. Heap. */
static char *destination(const struct view *v, const struct tree_entry *e, const char *dest)
{
	const char *name = e && *e->path ? path_base(e->path) : path_base(v->result.name);
	struct stat st;

	if (stat(dest, &st) < 0 || !S_ISDIR(st.st_mode))
		return xstrdup(dest);
	if (!e && v->result.artifact)
		name = v->result.artifact->name;
	return path_join(dest, name);
}

static int copy(const struct cli *c, struct view *v, struct err **err)
{
	char *dest cleanup_free = NULL;
	struct tree_entry *e;

	if (find_file(v, &e, err) < 0)
		return -1;
	dest = destination(v, e, c->args.items[2]);
	if (e && S_ISDIR(e->inode->mode))
		return copy_directory(v, e, dest, err);
	if (!e || S_ISREG(e->inode->mode))
		return copy_file(v, e, dest, err);
	return err_set(err, E_NOT_A_FILE, "'/%s' is a %s: only files and directories are copied",
		       e->path, type_word(e->inode->mode));
}

/* ---- */

static int act(const struct session *s, struct view *v, struct err **err)
{
	static const struct {
		const char *name;
		size_t args;
		int (*fn)(const struct cli *c, struct view *v, struct err **err);
	} verbs[] = {{"ls", 2, list}, {"cat", 2, cat}, {"cp", 3, copy}};
	const struct strv *args = &s->cli->args;

	for (size_t i = 0; i < array_len(verbs); i++) {
		const char *text = args->items[1];

		if (!str_eq(args->items[0], verbs[i].name) || args->count != verbs[i].args)
			continue;
		if (view_open(v, s, text, s->cli->run, is_pattern(text), err) < 0)
			return -1;
		return verbs[i].fn(s->cli, v, err);
	}
	return err_set(err, E_USAGE,
		       "usage: orch image ls NODE[:[OUTPUT]/PATH], orch image cat NODE:/PATH, orch "
		       "image cp NODE:/PATH DEST");
}

int cmd_image(struct cli *c)
{
	struct session s cleanup_session = {0};
	struct view v cleanup_view = {0};
	struct err *err = NULL;
	int code = session_open_history(&s, c);

	if (code == 0 && act(&s, &v, &err) < 0)
		code = cli_fail(&s, err);
	return code;
}
