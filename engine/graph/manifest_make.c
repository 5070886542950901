/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the graph, the files of the project and the store's records to a manifest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "base/private_key.h"
#include "graph/manifest.h"
#include "graph/tools.h"
#include "graph/values.h"

/*
 * Directories of the project are read level by level, so that depth costs nothing; this bounds
 * mistakes.
 */
#define FOLDER_ENTRIES_MAX 2000000
#define LOCK_BYTES_MAX (64 * 1024 * 1024)

struct maker {
	struct graph *g;
	const struct node *n;
	struct store *store; /* NULL: of an outline */
	int dirfd;           /* the project's root */
	struct arena *arena; /* of the manifest */
	struct manifest *to;
	struct str key; /* absolute path of the file in work, for the stat cache */
};

/* A directory of the project that is being listed. */
struct listing {
	struct maker *m;
	const char *root; /* project path */
	struct manifest_entries *entries;
	struct strs directories; /* below the root, still to be read */
	bool keep_git;
};

/* As store_stat_digest(), and nobody remembers it. */
static int read_digest(int dirfd, const char *name, const char *project_path, struct stat *ret_st,
		       struct digest *ret, struct err **err)
{
	int fd cleanup_fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || fstat(fd, ret_st) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", project_path);
	if (!S_ISREG(ret_st->st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a regular file", project_path);
	return digest_fd(fd, project_path, ret, err);
}

static int file_digest(struct maker *m, int dirfd, const char *name, const char *project_path,
		       struct stat *ret_st, struct digest *ret, struct err **err)
{
	const char *secret;

	str_clear(&m->key);
	str_append(&m->key, m->g->project->dir);
	str_append_char(&m->key, '/');
	str_append(&m->key, project_path);
	if (m->store ? store_stat_digest(m->store, dirfd, name, m->key.buf, ret_st, ret, err)
		     : read_digest(dirfd, name, project_path, ret_st, ret, err))
		return -1;
	secret = secrets_find(&m->g->secrets, ret);
	if (secret)
		return err_set(err, E_PRIVATE_KEY_EXPOSED,
			       "'%s' is a copy of the private '%s', and would be handed out: name "
			       "public files only",
			       project_path, secret);
	return 0;
}

static mode_t file_mode(const struct stat *st)
{
	return S_IFREG | (st->st_mode & S_IXUSR ? 0755 : 0644);
}

static int add_entry(struct listing *l, int fd, const char *directory, const struct dirent *de,
		     struct err **err)
{
	struct manifest_entry e = {0};
	char *path cleanup_free = NULL;
	struct stat st;

	e.path = *directory ? arena_printf(l->m->arena, "%s/%s", directory, de->d_name)
			    : arena_strdup(l->m->arena, de->d_name);
	path = path_join(l->root, e.path);
	if (de->d_type != DT_REG && fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", path);
	if (de->d_type == DT_REG || S_ISREG(st.st_mode)) {
		if (file_digest(l->m, fd, de->d_name, path, &st, &e.digest, err))
			return -1;
		e.mode = file_mode(&st);
	} else if (S_ISLNK(st.st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(fd, de->d_name, target, sizeof(target));

		if (n < 0 || n == sizeof(target))
			return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read link '%s'",
					 path);
		e.mode = S_IFLNK;
		e.target = arena_strndup(l->m->arena, target, (size_t)n);
	} else if (S_ISDIR(st.st_mode)) {
		e.mode = S_IFDIR;
		strs_push(&l->directories, e.path);
	} else {
		return err_set(err, E_NOT_A_FILE, "'%s' is neither a file, a directory nor a link",
			       path);
	}
	manifest_entries_push(l->entries, e);
	if (l->entries->count > FOLDER_ENTRIES_MAX)
		return err_set(err, E_TOO_LARGE, "'%s' has more than %d entries", l->root,
			       FOLDER_ENTRIES_MAX);
	return 0;
}

static int list_directory(struct listing *l, const char *directory, struct err **err)
{
	char *path cleanup_free = *directory ? path_join(l->root, directory) : xstrdup(l->root);
	int fd = openat(l->m->dirfd, path,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | (*directory ? O_NOFOLLOW : 0));
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;
	int rc = 0;

	if (!dir) {
		err_errno(err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, de = readdir(dir)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, "..") &&
		    (l->keep_git || !path_is_git(de->d_name)))
			rc = add_entry(l, fd, directory, de, err);
	if (rc == 0 && errno)
		rc = err_errno(err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'", path);
	closedir(dir);
	return rc;
}

static int compare_entries(const void *a, const void *b)
{
	const struct manifest_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int read_directory(struct maker *m, struct manifest_input *in, const char *path,
			  bool keep_git, struct err **err)
{
	struct listing l = {.m = m, .root = path, .entries = &in->entries, .keep_git = keep_git};
	int rc = 0;

	in->type = MANIFEST_FOLDER;
	strs_push(&l.directories, "");
	for (size_t i = 0; i < l.directories.count && rc == 0; i++)
		rc = list_directory(&l, l.directories.items[i], err);
	strs_clear(&l.directories);
	if (in->entries.count > 1)
		qsort(in->entries.items, in->entries.count, sizeof(*in->entries.items),
		      compare_entries);
	manifest_entries_digest(&in->entries, &in->digest);
	return rc;
}

static int read_file(struct maker *m, struct manifest_input *in, const char *path, struct err **err)
{
	struct stat st;

	if (file_digest(m, m->dirfd, path, path, &st, &in->digest, err))
		return -1;
	in->type = MANIFEST_FILE;
	in->mode = file_mode(&st);
	return 0;
}

/* Where a path that is a link really is in the project; heap. */
static char *real_path(struct maker *m, const char *path, struct err **err)
{
	int fd cleanup_fd = path_open_beneath(m->dirfd, path, O_PATH, err);
	char *root cleanup_free = realpath(m->g->project->dir, NULL), *real cleanup_free = NULL;
	char link[64];

	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	real = realpath(link, NULL);
	if (!root || !real || !str_skip(real, root) || real[strlen(root)] != '/') {
		err_set(err, E_BAD_LINK, "cannot tell where '%s' leads", path);
		return NULL;
	}
	return xstrdup(real + strlen(root) + 1);
}

static void take_filled(const struct edge *e, mode_t mode, struct manifest_input *in)
{
	in->type = MANIFEST_FILE;
	in->mode = mode;
	digest_data(e->filled, strlen(e->filled), &in->digest);
}

/* A template counts as what it was filled to, and must not have changed since. */
static int read_template(struct maker *m, const struct edge *e, const char *path,
			 struct manifest_input *in, struct err **err)
{
	struct digest now;
	struct stat st;

	if (file_digest(m, m->dirfd, path, path, &st, &now, err))
		return err_place(err, e->pos);
	if (!digest_eq(&now, &e->raw))
		return err_at(err, E_FILE_CHANGING, e->pos,
			      "template '%s' was changed while orch ran: run it again", e->path);
	take_filled(e, file_mode(&st), in);
	return 0;
}

static int read_path(struct maker *m, const struct edge *e, struct manifest_input *in,
		     struct err **err)
{
	char *real cleanup_free = NULL;
	const char *path = e->path;
	struct stat st;

	if (!path) {
		take_filled(e, S_IFREG | 0644, in);
		return 0;
	}
	if (fstatat(m->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		return err_at(err, E_FILE_UNREADABLE, e->pos,
			      "input '%s' of node '%s' cannot be read: %s", path, m->n->name,
			      strerror(errno));
	}
	if (S_ISLNK(st.st_mode)) {
		path = real = real_path(m, path, err);
		if (!real || fstatat(m->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_at(err, E_BAD_LINK, e->pos, "cannot follow the link '%s'",
				      e->path);
	}
	if (e->filled)
		return read_template(m, e, path, in, err);
	if (S_ISDIR(st.st_mode) ? read_directory(m, in, path, e->keep_git, err)
				: read_file(m, in, path, err)) {
		err_wrap(err, "node '%s'", m->n->name);
		return err_place(err, e->pos);
	}
	return 0;
}

/* The output that the edge names, or all of its node. */
static int add_blobs(const struct edge *e, struct manifest_input *in, struct err **err)
{
	const struct record *r = e->from->record;

	for (size_t i = 0; i < r->output_count; i++) {
		const struct artifact *a = &r->outputs[i];

		if (!e->output || str_eq(a->name, e->output))
			manifest_blobs_push(&in->blobs, (struct manifest_blob){.name = a->name,
									       .type = a->type,
									       .digest = a->digest,
									       .size = a->size});
	}
	if (e->output && !in->blobs.count)
		return err_set(err, E_INTERNAL, "the record of node '%s' has no output '%s'",
			       e->from->name, e->output);
	return 0;
}

static int add_input(struct maker *m, const struct edge *e, struct err **err)
{
	static const enum manifest_input_type types[] = {[REF_NODE] = MANIFEST_NODE,
							 [REF_OUTPUT] = MANIFEST_OUTPUT,
							 [REF_INSIDE] = MANIFEST_INSIDE};
	struct manifest_input *in = manifest_inputs_at_end(&m->to->inputs);

	in->ref = e->ref_text;
	if (e->type == REF_PATH)
		return read_path(m, e, in, err);
	if (!e->from->record)
		return err_set(err, E_INTERNAL, "node '%s' is asked for before '%s' has settled",
			       m->n->name, e->from->name);
	in->type = types[e->type];
	return add_blobs(e, in, err);
}

/* What of the lock in TEXT is the node's: 0, or 1 when nothing is. */
static int part_of(const struct maker *m, const char *text, struct lock_part *ret)
{
	const struct kind *k = m->n->recipe->kind;
	struct kind_ctx ctx = node_ctx(m->g, m->n);

	*ret = (struct lock_part){text, strlen(text)};
	ctx.arena = m->arena;
	return k->lock_part ? k->lock_part(&ctx, text, ret) : 0;
}

/* Reads the lock, and what it pins into the manifest in m->to. */
static int add_pins(struct maker *m, struct err **err)
{
	const struct node *n = m->n;
	struct str text cleanup_str = STR_INIT;
	struct lock_part part;
	int fd cleanup_fd = -1;

	if (!n->lock)
		return 0;
	if (faccessat(m->dirfd, n->lock, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return err_at(err, E_NOT_LOCKED, (struct pos){n->recipe->file, 1, 1},
			      "'%s' is missing: run 'orch lock %s'", n->lock, n->name);
	fd = path_open_beneath(m->dirfd, n->lock, O_RDONLY, err);
	if (fd < 0 || fd_read_all(fd, n->lock, LOCK_BYTES_MAX, &text, err) < 0)
		return -1;
	if (strlen(text.buf) != text.len)
		return err_set(err, E_LOCK_MALFORMED, "'%s' holds a NUL byte: run 'orch lock %s'",
			       n->lock, n->name);
	if (part_of(m, text.buf, &part))
		return err_at(err, E_NOT_LOCKED, (struct pos){n->recipe->file, 1, 1},
			      "'%s' has nothing for this variant: run 'orch lock %s'", n->lock,
			      n->name);
	m->to->lock = arena_strndup(m->arena, part.text, part.len);
	return n->recipe->kind->pins(m->arena, n->lock, m->to->lock, &m->to->pins, err);
}

static int add_tools(struct maker *m, struct tool_versions *tools, struct err **err)
{
	const struct kind *k = m->n->recipe->kind;
	struct strs names = {0};
	int rc = 0;

	if (k->tools)
		k->tools(m->n->recipe->opts, &names);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *name = names.items[i];
		const char *version = tool_version(tools, name, !k->tools_named, m->store, err);

		if (version)
			manifest_tools_push(&m->to->tools, (struct manifest_tool){name, version});
		else
			rc = err_wrap(err, "%s: node '%s'", m->n->recipe->file, m->n->name);
	}
	strs_clear(&names);
	return rc;
}

static int add_secret(void *arg, const char *option_path, const char *project_path)
{
	strs_push(arg, project_path);
	return 0;
}

/*
 * A secret is in no key, so that a node that has one may be cached when its mode has changed. One
 * that is missing is told when something is to be signed.
 */
static int check_secrets(const struct maker *m, struct err **err)
{
	const struct recipe *r = m->n->recipe;
	struct strs paths = {0};
	int rc = 0;

	schema_each_secret(r->kind->schema, r->opts, add_secret, &paths);
	for (size_t i = 0; i < paths.count && rc == 0; i++) {
		mode_t mode;

		rc = private_key_check_place(m->dirfd, paths.items[i], &mode, err);
	}
	strs_clear(&paths);
	return rc;
}

static int maker_open(struct maker *m, struct graph *g, const struct node *n, struct store *s,
		      struct err **err)
{
	*m = (struct maker){.g = g, .n = n, .store = s, .key = STR_INIT};
	m->dirfd = open(g->project->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->dirfd < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'",
				 g->project->dir);
	m->arena = arena_new();
	m->to = manifest_new(m->arena);
	return 0;
}

static void maker_close(struct maker *m)
{
	close(m->dirfd);
	arena_free(m->arena);
	str_release(&m->key);
}

static void add_head(struct maker *m)
{
	const struct kind *k = m->n->recipe->kind;

	m->to->kind = k->name;
	m->to->version = k->version;
	m->to->named = k->named && k->named(m->n->recipe->opts);
	m->to->project = m->n->recipe->project->name;
	m->to->node = m->n->recipe->name;
	if (m->to->named && k->identified && k->identified(m->n->recipe->opts) &&
	    !str_eq(m->n->recipe->identity, m->n->recipe->name))
		m->to->identity = m->n->recipe->identity;
	m->to->times = m->n->recipe->project->times;
	m->to->lock_date = m->n->lock_date;
	m->to->dated = k->dated && k->dated(m->n->recipe->opts);
	if (k->versioned && k->versioned(m->n->recipe->opts))
		m->to->project_version = m->n->recipe->project->version;
	schema_flatten(k->schema, m->n->recipe->opts, m->arena, &m->to->options);
}

int manifest_make(struct graph *g, struct node *n, struct store *s, struct tool_versions *tools,
		  struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct maker m;
	int rc = 0;

	if (values_fill(g, n, s, err) || maker_open(&m, g, n, s, err))
		return -1;
	add_head(&m);
	rc = add_pins(&m, err);
	for (size_t i = 0; i < n->in.count && !n->in.items[i].value && rc == 0; i++)
		rc = add_input(&m, &n->in.items[i], err);
	if (rc == 0)
		rc = add_tools(&m, tools, err);
	if (rc == 0)
		rc = check_secrets(&m, err);
	if (rc == 0) {
		manifest_print(m.to, false, &text);
		n->manifest = arena_strndup(g->arena, text.buf, text.len);
		digest_data(text.buf, text.len, &n->key);
		n->lock_text = m.to->lock ? arena_strdup(g->arena, m.to->lock) : NULL;
	}
	maker_close(&m);
	return rc;
}

static bool is_there(const struct maker *m, const char *path)
{
	return faccessat(m->dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int outline_inputs(struct maker *m, struct err **err)
{
	for (size_t i = 0; i < m->n->in.count && !m->n->in.items[i].value; i++) {
		const struct edge *e = &m->n->in.items[i];
		struct manifest_input *in;

		if (e->type == REF_PATH && e->path && !is_there(m, e->path))
			continue;
		in = manifest_inputs_at_end(&m->to->inputs);
		in->ref = e->ref_text;
		in->type = MANIFEST_NODE;
		if (e->type == REF_PATH && read_path(m, e, in, err))
			return -1;
	}
	return 0;
}

static void outline_tools(struct maker *m)
{
	const struct kind *k = m->n->recipe->kind;
	struct strs names = {0};

	if (k->tools)
		k->tools(m->n->recipe->opts, &names);
	for (size_t i = 0; i < names.count; i++)
		manifest_tools_push(
			&m->to->tools,
			(struct manifest_tool){arena_strdup(m->arena, names.items[i]), ""});
	strs_clear(&names);
}

int manifest_outline(struct graph *g, const struct node *n, const char **ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct maker m;
	int rc = 0;

	if (maker_open(&m, g, n, NULL, err))
		return -1;
	add_head(&m);
	if (n->lock && is_there(&m, n->lock))
		rc = add_pins(&m, err);
	if (rc == 0)
		rc = outline_inputs(&m, err);
	if (rc == 0) {
		outline_tools(&m);
		manifest_print(m.to, false, &text);
		*ret = arena_strndup(g->arena, text.buf, text.len);
	}
	maker_close(&m);
	return rc;
}

static char *first_change(const char *before, const char *now)
{
	struct arena *arena cleanup_arena = arena_new();
	struct changes changes = {0};
	char *what;

	manifest_diff(arena, before, now, &changes);
	what = xstrdup(changes.count ? changes.items[0].name : "an input");
	changes_clear(&changes);
	return what;
}

/*
 * Reads the project files of the node again, into the manifest in m->to. 1: *ret_gone is gone, or a
 * lock that pins other things.
 */
static int read_again(struct maker *m, const char **ret_gone)
{
	struct pins before = m->to->pins;
	struct err *bad cleanup_err = NULL;
	bool same;

	m->to->pins = (struct pins){0};
	same = add_pins(m, &bad) == 0 && pins_eq(&before, &m->to->pins);
	pins_clear(&before);
	*ret_gone = m->n->lock;
	if (!same)
		return 1;
	for (size_t i = 0; i < m->n->in.count; i++) {
		const struct edge *e = &m->n->in.items[i];
		struct manifest_input *in = &m->to->inputs.items[i];
		struct err *gone cleanup_err = NULL;

		if (e->type != REF_PATH)
			continue;
		in->entries.count = 0;
		if (read_path(m, e, in, &gone) == 0)
			continue;
		*ret_gone = e->path;
		return 1;
	}
	return 0;
}

int manifest_recheck(struct graph *g, const struct node *n, struct store *s, char **ret_what,
		     struct err **err)
{
	struct str now cleanup_str = STR_INIT;
	const char *gone;
	struct maker m;
	int rc = 0;

	if (maker_open(&m, g, n, s, err))
		return -1;
	m.to = manifest_parse(m.arena, n->manifest, err);
	if (!m.to) {
		rc = -1;
	} else if (read_again(&m, &gone)) {
		*ret_what = xstrdup(gone);
		rc = 1;
	} else {
		manifest_print(m.to, false, &now);
		rc = !str_eq(now.buf, n->manifest);
		*ret_what = rc ? first_change(n->manifest, now.buf) : NULL;
	}
	maker_close(&m);
	return rc;
}
