/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "graph/tools.h"

/*
 * Folders in a project folder are read level by level, so depth costs
 * nothing; this bounds mistakes.
 */
#define FOLDER_ENTRIES_MAX 2000000

struct maker {
	struct graph *g;
	const struct node *n;
	struct store *store;
	int dirfd;      /* the project's root */
	struct str out; /* the manifest so far */
	struct str key; /* absolute path of the file in work, for the stat cache */
};

/* One entry of a project folder. */
struct entry {
	const char *path; /* below the folder */
	mode_t mode;
	struct digest digest; /* of a file */
	const char *target;   /* of a link */
};
DEFINE_VEC(entries, struct entry)

/* A folder of the project that is being listed. */
struct listing {
	struct maker *m;
	struct arena *arena;
	const char *root; /* project path */
	struct entries entries;
	struct strs folders; /* below the root, still to be read */
};

static int file_digest(struct maker *m, int dirfd, const char *name, const char *project_path,
		       struct stat *ret_st, struct digest *ret, struct err **err)
{
	str_clear(&m->key);
	str_append(&m->key, m->g->project->dir);
	str_append_char(&m->key, '/');
	str_append(&m->key, project_path);
	return store_stat_digest(m->store, dirfd, name, m->key.buf, ret_st, ret, err);
}

static const char *mode_word(mode_t mode)
{
	return mode & S_IXUSR ? "0755" : "0644";
}

static int add_entry(struct listing *l, int fd, const char *folder, const struct dirent *de,
		     struct err **err)
{
	struct entry e = {0};
	char *path cleanup_free = NULL;
	struct stat st;

	e.path = *folder ? arena_printf(l->arena, "%s/%s", folder, de->d_name)
			 : arena_strdup(l->arena, de->d_name);
	path = path_join(l->root, e.path);
	if (de->d_type != DT_REG && fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, ERR_USER, errno, "cannot read '%s'", path);
	if (de->d_type == DT_REG || S_ISREG(st.st_mode)) {
		if (file_digest(l->m, fd, de->d_name, path, &st, &e.digest, err))
			return -1;
	} else if (S_ISLNK(st.st_mode)) {
		char target[4096];
		ssize_t n = readlinkat(fd, de->d_name, target, sizeof(target));

		if (n < 0 || n == sizeof(target))
			return err_errno(err, ERR_USER, errno, "cannot read link '%s'", path);
		e.target = arena_strndup(l->arena, target, (size_t)n);
	} else if (S_ISDIR(st.st_mode)) {
		strs_push(&l->folders, e.path);
	} else {
		return err_set(err, ERR_USER, "'%s' is neither a file, a folder nor a link", path);
	}
	e.mode = st.st_mode;
	entries_push(&l->entries, e);
	if (l->entries.count > FOLDER_ENTRIES_MAX)
		return err_set(err, ERR_USER, "'%s' has more than %d entries", l->root,
			       FOLDER_ENTRIES_MAX);
	return 0;
}

static int list_folder(struct listing *l, const char *folder, struct err **err)
{
	char *path cleanup_free = *folder ? path_join(l->root, folder) : xstrdup(l->root);
	int fd = openat(l->m->dirfd, path,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | (*folder ? O_NOFOLLOW : 0));
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;
	int rc = 0;

	if (!dir) {
		err_errno(err, ERR_USER, errno, "cannot read folder '%s'", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, de = readdir(dir)))
		if (!str_eq(de->d_name, ".") && !str_eq(de->d_name, ".."))
			rc = add_entry(l, fd, folder, de, err);
	if (rc == 0 && errno)
		rc = err_errno(err, ERR_USER, errno, "cannot read folder '%s'", path);
	closedir(dir);
	return rc;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static void write_entry(const struct entry *e, struct str *to)
{
	char hex[DIGEST_HEX + 1];

	str_quote(to, e->path);
	if (S_ISREG(e->mode)) {
		str_printf(to, " %s sha256:%s\n", mode_word(e->mode), digest_hex(&e->digest, hex));
	} else if (S_ISLNK(e->mode)) {
		str_append(to, " link ");
		str_quote(to, e->target);
		str_append_char(to, '\n');
	} else {
		str_append(to, " folder\n");
	}
}

/* input REF folder DIGEST, then its entries; the digest is that of the entries' lines. */
static void write_listing(const struct listing *l, const char *ref, struct str *out)
{
	struct str lines cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	struct digest digest;

	for (size_t i = 0; i < l->entries.count; i++)
		write_entry(&l->entries.items[i], &lines);
	digest_data(lines.buf, lines.len, &digest);
	str_append(out, "input ");
	str_quote(out, ref);
	str_printf(out, " folder sha256:%s\n", digest_hex(&digest, hex));
	for (size_t i = 0; i < l->entries.count; i++) {
		str_append(out, "file ");
		str_quote(out, ref);
		str_append_char(out, ' ');
		write_entry(&l->entries.items[i], out);
	}
}

static int write_folder(struct maker *m, const struct edge *e, const char *path, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct listing l = {.m = m, .arena = arena, .root = path};
	int rc;

	strs_push(&l.folders, "");
	rc = 0;
	for (size_t i = 0; i < l.folders.count && rc == 0; i++)
		rc = list_folder(&l, l.folders.items[i], err);
	if (rc == 0) {
		if (l.entries.count > 1)
			qsort(l.entries.items, l.entries.count, sizeof(*l.entries.items),
			      compare_entries);
		write_listing(&l, e->ref_text, &m->out);
	}
	entries_clear(&l.entries);
	strs_clear(&l.folders);
	return rc;
}

static int write_file(struct maker *m, const struct edge *e, const char *path, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	struct stat st;

	if (file_digest(m, m->dirfd, path, path, &st, &digest, err))
		return -1;
	str_append(&m->out, "input ");
	str_quote(&m->out, e->ref_text);
	str_printf(&m->out, " file %s sha256:%s\n", mode_word(st.st_mode),
		   digest_hex(&digest, hex));
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
		err_set(err, ERR_USER, "cannot tell where '%s' leads", path);
		return NULL;
	}
	return xstrdup(real + strlen(root) + 1);
}

static int write_path(struct maker *m, const struct edge *e, struct err **err)
{
	char *real cleanup_free = NULL;
	const char *path = e->path;
	struct stat st;

	if (fstatat(m->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT && str_ends(path, ".lock"))
			return err_at(err, e->pos, "'%s' is missing: run 'orch lock %s'", path,
				      m->n->name);
		return err_set(err, ERR_USER, "input '%s' of node '%s' cannot be read: %s", path,
			       m->n->name, strerror(errno));
	}
	if (S_ISLNK(st.st_mode)) {
		path = real = real_path(m, path, err);
		if (!real || fstatat(m->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_at(err, e->pos, "cannot follow the link '%s'", e->path);
	}
	if (S_ISDIR(st.st_mode) ? write_folder(m, e, path, err) : write_file(m, e, path, err))
		return err_wrap(err, "node '%s'", m->n->name);
	return 0;
}

static void write_artifact(const struct artifact *a, struct str *out)
{
	char *digest cleanup_free = artifact_digest_string(a);

	str_quote(out, a->name);
	str_printf(out, " %s %s %ju\n", output_type_word(a->type), digest, (uintmax_t)a->size);
}

static int write_output(struct maker *m, const struct edge *e, struct err **err)
{
	const struct record *r = e->from->record;

	for (size_t i = 0; i < r->output_count; i++) {
		if (!str_eq(r->outputs[i].name, e->output))
			continue;
		str_append(&m->out, "input ");
		str_quote(&m->out, e->ref_text);
		str_append(&m->out, e->type == REF_INSIDE ? " inside " : " output ");
		write_artifact(&r->outputs[i], &m->out);
		return 0;
	}
	return err_set(err, ERR_INTERNAL, "the record of node '%s' has no output '%s'",
		       e->from->name, e->output);
}

static void write_node(struct maker *m, const struct edge *e)
{
	const struct record *r = e->from->record;

	str_append(&m->out, "input ");
	str_quote(&m->out, e->ref_text);
	str_append(&m->out, " node\n");
	for (size_t i = 0; i < r->output_count; i++) {
		str_append(&m->out, "output ");
		str_quote(&m->out, e->ref_text);
		str_append_char(&m->out, ' ');
		write_artifact(&r->outputs[i], &m->out);
	}
}

static int write_edge(struct maker *m, const struct edge *e, struct err **err)
{
	if (e->type == REF_PATH)
		return write_path(m, e, err);
	if (!e->from->record)
		return err_set(err, ERR_INTERNAL, "node '%s' is asked for before '%s' has settled",
			       m->n->name, e->from->name);
	if (e->type != REF_NODE)
		return write_output(m, e, err);
	write_node(m, e);
	return 0;
}

static void write_head(struct maker *m)
{
	const struct node *n = m->n;

	str_printf(&m->out, "orch-manifest 1\nkind %s %u\nproject ", n->recipe->kind->name,
		   n->recipe->kind->version);
	str_quote(&m->out, m->g->project->name);
	str_append(&m->out, "\nnode ");
	str_quote(&m->out, n->name);
	str_printf(&m->out, "\nepoch %ju\n", (uintmax_t)graph_epoch(n));
	schema_write(n->recipe->kind->schema, n->recipe->opts, false, &m->out);
}

static int write_tools(struct maker *m, struct tool_versions *tools, struct err **err)
{
	const struct kind *k = m->n->recipe->kind;
	const char *const *names = k->tools ? k->tools(m->n->recipe->opts) : NULL;

	for (; names && *names; names++) {
		const char *version = tool_version(tools, *names, m->store, err);

		if (!version)
			return err_wrap(err, "node '%s'", m->n->name);
		str_append(&m->out, "tool ");
		str_quote(&m->out, *names);
		str_append_char(&m->out, ' ');
		str_quote(&m->out, version);
		str_append_char(&m->out, '\n');
	}
	return 0;
}

static int maker_open(struct maker *m, struct graph *g, const struct node *n, struct store *s,
		      struct err **err)
{
	*m = (struct maker){.g = g, .n = n, .store = s, .out = STR_INIT, .key = STR_INIT};
	m->dirfd = open(g->project->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (m->dirfd < 0)
		return err_errno(err, ERR_USER, errno, "cannot open folder '%s'", g->project->dir);
	return 0;
}

static void maker_close(struct maker *m)
{
	close(m->dirfd);
	str_release(&m->out);
	str_release(&m->key);
}

int manifest_make(struct graph *g, struct node *n, struct store *s, struct tool_versions *tools,
		  struct err **err)
{
	struct maker m;
	int rc = 0;

	if (maker_open(&m, g, n, s, err))
		return -1;
	write_head(&m);
	for (size_t i = 0; i < n->in.count && rc == 0; i++)
		rc = write_edge(&m, &n->in.items[i], err);
	if (rc == 0)
		rc = write_tools(&m, tools, err);
	if (rc == 0) {
		n->manifest = arena_strndup(g->arena, m.out.buf, m.out.len);
		digest_data(m.out.buf, m.out.len, &n->key);
	}
	maker_close(&m);
	return rc;
}

/* Appends the lines of MANIFEST that speak of project files. */
static void file_lines(const char *manifest, struct str *to)
{
	for (const char *p = manifest, *end; *p; p = end) {
		const char *word = str_skip(p, "input ");
		struct str ref cleanup_str = STR_INIT;

		end = p + strcspn(p, "\n");
		end += *end == '\n';
		if (str_skip(p, "file ") ||
		    (word && str_unquote(&word, &ref) == 0 &&
		     (str_skip(word, " folder ") || str_skip(word, " file "))))
			str_append_len(to, p, (size_t)(end - p));
	}
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

int manifest_recheck(struct graph *g, const struct node *n, struct store *s, char **ret_what,
		     struct err **err)
{
	struct str before cleanup_str = STR_INIT;
	struct maker m;
	int rc = 0;

	if (maker_open(&m, g, n, s, err))
		return -1;
	file_lines(n->manifest, &before);
	for (size_t i = 0; i < n->in.count && rc == 0; i++) {
		const struct edge *e = &n->in.items[i];
		struct err *gone cleanup_err = NULL;

		if (e->type != REF_PATH || write_path(&m, e, &gone) == 0)
			continue;
		*ret_what = xstrdup(e->path);
		rc = 1;
	}
	if (rc == 0 && !str_eq(before.buf, m.out.buf)) {
		*ret_what = first_change(before.buf, m.out.buf);
		rc = 1;
	}
	maker_close(&m);
	return rc;
}
