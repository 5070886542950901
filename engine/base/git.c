/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/git_priv.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"

/* git_copied(), for the programs that this one starts, too */
#define COPY "ORCH_GIT_COPY"
#define ORIGINAL "ORCH_GIT_ORIGINAL"

/* Appends the lines that it prints, but for empty ones. */
static int run_lines(struct strv *argv, struct strv *ret, struct err **err)
{
	struct str out cleanup_str = STR_INIT;
	char *rest, *line;

	if (git_run(argv, NULL, true, &out, err) < 0)
		return -1;
	rest = out.buf;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			strv_push(ret, line);
	return 0;
}

/* One line that git says; 1 when it refuses. */
static int ask(const char *dir, const char *const *words, char **ret)
{
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;
	struct err *refused cleanup_err = NULL;

	git_command(&argv, dir);
	for (; *words; words++)
		strv_push(&argv, *words);
	if (git_run(&argv, NULL, true, &out, &refused) < 0)
		return 1;
	*ret = xstrndup(out.buf, strcspn(out.buf, "\n"));
	return 0;
}
#define ASK(g, ret, ...) ask((g)->dir, (const char *const[]){__VA_ARGS__, NULL}, ret)

bool git_lfs_means(const char *text, const char *path)
{
	static const char key[] = "\noid sha256:";
	const char *oid = str_skip(text, "version ") ? strstr(text, key) : NULL;
	struct err *ignored cleanup_err = NULL;
	struct digest d;
	struct stat st;
	char hex[DIGEST_HEX + 1];

	if (!oid || lstat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
	    digest_file(path, &d, &ignored) < 0)
		return false;
	return str_skip(oid + strlen(key), digest_hex(&d, hex));
}

void git_copied(const char *copy, const char *original)
{
	if (copy) {
		setenv(COPY, copy, 1);
		setenv(ORIGINAL, original, 1);
	} else {
		unsetenv(COPY);
	}
}

/* What DIR, in a copy, is a copy of, caller frees; NULL: it is none. */
static char *original_of(const char *dir)
{
	const char *copy = getenv(COPY), *original = getenv(ORIGINAL);
	const char *rest = copy && original ? str_skip(dir, copy) : NULL;

	return rest && (!*rest || *rest == '/') ? xasprintf("%s%s", original, rest) : NULL;
}

int git_open(const char *dir, struct git *ret, struct err **err)
{
	char *program cleanup_free = path_program("git"), *original cleanup_free = NULL;
	struct git g = {.dir = (char *)dir};

	if (!program)
		return err_set(err, E_PROGRAM_MISSING,
			       "program 'git' is not installed: sudo apt-get install git");
	if (ASK(&g, &g.prefix, "rev-parse", "--show-prefix")) {
		original = original_of(dir);
		g.dir = original;
		if (!original || ASK(&g, &g.prefix, "rev-parse", "--show-prefix"))
			return err_set(err, E_NO_REPOSITORY,
				       "'%s' is in no git repository that could be read",
				       original ? original : dir);
	}
	g.dir = xstrdup(g.dir);
	*ret = g;
	return 0;
}

void git_close(struct git *g)
{
	free(g->dir);
	free(g->prefix);
	*g = (struct git){0};
}

bool git_shallow(const struct git *g)
{
	char *answer cleanup_free = NULL;

	return ASK(g, &answer, "rev-parse", "--is-shallow-repository") == 0 &&
	       str_eq(answer, "true");
}

static int no_revision(const struct git *g, const char *rev, struct err **err)
{
	if (git_shallow(g))
		return err_set(err, E_NO_REVISION,
			       "there is no revision '%s' in this clone, which is shallow: 'git "
			       "fetch --unshallow', or fetch-depth: 0 (GitHub), GIT_DEPTH: 0 "
			       "(GitLab)",
			       rev);
	return err_set(err, E_NO_REVISION,
		       "there is no revision '%s' in this clone: 'git fetch' brings what there is",
		       rev);
}

static int find_commit(const struct git *g, const char *rev, char **ret)
{
	char *name cleanup_free = xasprintf("%s^{commit}", rev);

	/* What begins so is no name of anything, but an option. */
	return *rev == '-' || !*rev ? 1 : ASK(g, ret, "rev-parse", "--verify", "--quiet", name);
}

int git_commit(const struct git *g, const char *rev, char **ret, struct err **err)
{
	char *tip cleanup_free = NULL, *name cleanup_free = xstrdup(rev);
	bool common = str_ends(rev, "...");

	if (common)
		name[strlen(name) - strlen("...")] = 0;
	if (find_commit(g, name, &tip))
		return no_revision(g, name, err);
	if (!common) {
		*ret = steal_ptr(tip);
		return 0;
	}
	if (ASK(g, ret, "merge-base", tip, "HEAD") == 0)
		return 0;
	return err_set(err, E_NO_REVISION, "'%s' and HEAD have no commit in common%s", name,
		       git_shallow(g) ? " in this clone, which is shallow: 'git fetch --unshallow'"
				      : "");
}

int git_names(const struct git *g, struct strv *ret, struct err **err)
{
	struct strv argv cleanup_strv = {0};

	git_command(&argv, g->dir);
	strv_push(&argv, "for-each-ref");
	strv_push(&argv, "--format=%(refname:short)");
	strv_push(&argv, "refs/heads");
	strv_push(&argv, "refs/remotes");
	strv_push(&argv, "refs/tags");
	return run_lines(&argv, ret, err);
}

int git_tags(const struct git *g, const char *commit, bool before, struct strv *ret,
	     struct err **err)
{
	struct strv argv cleanup_strv = {0};

	git_command(&argv, g->dir);
	strv_push(&argv, "for-each-ref");
	strv_push(&argv, "--format=%(refname:strip=2)");
	strv_push(&argv, before ? "--merged" : "--points-at");
	strv_push(&argv, commit);
	strv_push(&argv, "refs/tags");
	return run_lines(&argv, ret, err);
}

/* A file, link or submodule of a commit. */
struct entry {
	char *path; /* in the directory that is written */
	char *oid;
	mode_t mode;
};
DEFINE_VEC(entries, struct entry)

struct link {
	char *path, *target;
};
DEFINE_VEC(links, struct link)

struct export
{
	const char *top;    /* the directory that is written */
	struct links links; /* written last: until then no name leads elsewhere */
};

/* What one repository gives: the whole, or a submodule. */
struct part {
	struct export *x;
	const struct git *g;
	const char *at; /* of g->dir in what is written: "", "vendor/lib/" */
	struct entries blobs, modules;
};

static void entries_free(struct entries *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].path);
		free(v->items[i].oid);
	}
	entries_clear(v);
}

static void links_free(struct links *v)
{
	for (size_t i = 0; i < v->count; i++) {
		free(v->items[i].path);
		free(v->items[i].target);
	}
	links_clear(v);
}

/* A repository may be forged: no name leads out of the directory. */
static bool is_beneath(const char *path)
{
	while (true) {
		size_t n = strcspn(path, "/");

		if (!n || (n == 1 && path[0] == '.') || (n == 2 && !strncmp(path, "..", 2)))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

/* "100644 blob OID\tPATH" */
static int read_entry(struct part *p, const char *line, struct err **err)
{
	const char *tab = strchr(line, '\t');
	char type[16], oid[80];
	struct entry e = {0};
	unsigned mode;

	if (!tab || sscanf(line, "%o %15s %79s", &mode, type, oid) != 3 || !is_beneath(tab + 1))
		return err_set(err, E_NO_REPOSITORY, "git lists what can be no file: '%s'", line);
	e = (struct entry){xasprintf("%s%s", p->at, tab + 1), xstrdup(oid), mode};
	entries_push(str_eq(type, "commit") ? &p->modules : &p->blobs, e);
	return 0;
}

static int list(struct part *p, const char *tree, struct err **err)
{
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;

	git_command(&argv, p->g->dir);
	strv_push(&argv, "ls-tree");
	strv_push(&argv, "-rz");
	strv_push(&argv, "--full-tree");
	strv_push(&argv, tree);
	if (git_run(&argv, NULL, false, &out, err) < 0)
		return -1;
	for (const char *at = out.buf; at < out.buf + out.len; at += strlen(at) + 1)
		if (read_entry(p, at, err) < 0)
			return -1;
	return 0;
}

/* The file of the work tree, when TEXT is a pointer of git LFS that means it; heap. */
static char *kept_elsewhere(const struct part *p, const struct entry *e, const struct str *text)
{
	char *file cleanup_free = path_join(p->g->dir, e->path + strlen(p->at));

	return git_lfs_means(text->buf, file) ? steal_ptr(file) : NULL;
}

static int write_file(const struct part *p, const struct entry *e, const struct str *text,
		      struct err **err)
{
	char *path cleanup_free = path_join(p->x->top, e->path);
	char *other cleanup_free = kept_elsewhere(p, e, text);
	mode_t mode = e->mode & S_IXUSR ? 0755 : 0644;
	int fd cleanup_fd = -1;

	if (path_mkparents(path, err) < 0)
		return -1;
	if (other)
		return file_copy(other, path, mode, err);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create '%s'", path);
	return fd_write_all(fd, path, text->buf, text->len, err);
}

/* Reads "OID blob SIZE\n", SIZE bytes, "\n". */
static int read_blob(FILE *from, const struct entry *e, struct str *ret, struct err **err)
{
	char head[160], type[16];
	size_t size;

	str_clear(ret);
	if (!fgets(head, sizeof(head), from) || sscanf(head, "%*s %15s %zu", type, &size) != 2 ||
	    !str_eq(type, "blob"))
		return err_set(err, E_NO_REVISION,
			       "this clone lacks '%s' of the revision: 'git fetch --refetch' "
			       "brings all of it",
			       e->path);
	str_reserve(ret, size + 1);
	if (fread(ret->buf, 1, size + 1, from) != size + 1)
		return err_set(err, E_READ_FAILED, "git ended within '%s'", e->path);
	ret->len = size;
	ret->buf[size] = 0;
	return 0;
}

static int write_blobs(const struct part *p, FILE *from, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < p->blobs.count; i++) {
		const struct entry *e = &p->blobs.items[i];

		if (read_blob(from, e, &text, err) < 0)
			return -1;
		if (S_ISLNK(e->mode))
			links_push(&p->x->links,
				   (struct link){xstrdup(e->path), xstrdup(text.buf)});
		else if (write_file(p, e, &text, err) < 0)
			return -1;
	}
	return 0;
}

/* The digests of all that is wanted, a line each, in a file in memory. */
static int wanted(const struct part *p, int *ret_fd, struct err **err)
{
	struct str lines cleanup_str = STR_INIT;

	for (size_t i = 0; i < p->blobs.count; i++)
		str_printf(&lines, "%s\n", p->blobs.items[i].oid);
	return tmp_in_memory("revision", lines.buf, lines.len, ret_fd, err);
}

static int start_reader(const struct part *p, int in, pid_t *ret_pid, FILE **ret, struct err **err)
{
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};
	struct proc_opts opts = {.in = in, .env = git_environment(&env, NULL)};
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start 'git'");
	opts.out = fds[1];
	git_command(&argv, p->g->dir);
	strv_push(&argv, "cat-file");
	strv_push(&argv, "--batch");
	rc = proc_start(strv_argv(&argv), &opts, ret_pid, err);
	close(fds[1]);
	if (rc < 0)
		close(fds[0]);
	else
		*ret = fdopen(fds[0], "r");
	return rc;
}

static int read_blobs(const struct part *p, struct err **err)
{
	int in cleanup_fd = -1, status, rc;
	FILE *from = NULL;
	pid_t pid;

	if (wanted(p, &in, err) < 0 || start_reader(p, in, &pid, &from, err) < 0)
		return -1;
	rc = write_blobs(p, from, err);
	if (rc < 0)
		proc_kill_group(pid, SIGKILL);
	fclose(from);
	if (rc < 0) {
		struct err *ignored cleanup_err = NULL;

		(void)!proc_wait(pid, &status, &ignored);
		return -1;
	}
	return proc_wait(pid, &status, err) < 0 ? -1 : proc_check("git", status, err);
}

static int export_part(struct export *x, const struct git *g, const char *at, const char *tree,
		       struct err **err);

/* One that is not checked out is the empty directory that it is in the work tree. */
static int export_module(const struct part *p, const struct entry *e, struct err **err)
{
	char *to cleanup_free = path_join(p->x->top, e->path);
	char *at cleanup_free = xasprintf("%s/", e->path);
	struct git module = {.dir = path_join(p->g->dir, e->path + strlen(p->at))};
	char *own cleanup_free = path_join(module.dir, ".git"), *commit cleanup_free = NULL;
	int rc = path_mkdirs(to, err);

	if (rc == 0 && path_exists(own)) {
		rc = find_commit(&module, e->oid, &commit)
			     ? err_set(err, E_NO_REVISION,
				       "submodule '%s' lacks commit %.12s of the revision: 'git -C "
				       "%s fetch'",
				       e->path, e->oid, e->path)
			     : export_part(p->x, &module, at, commit, err);
	}
	git_close(&module);
	return rc;
}

static int export_part(struct export *x, const struct git *g, const char *at, const char *tree,
		       struct err **err)
{
	struct part p = {.x = x, .g = g, .at = at};
	int rc = list(&p, tree, err);

	if (rc == 0 && p.blobs.count)
		rc = read_blobs(&p, err);
	for (size_t i = 0; rc == 0 && i < p.modules.count; i++)
		rc = export_module(&p, &p.modules.items[i], err);
	entries_free(&p.blobs);
	entries_free(&p.modules);
	return rc;
}

static int write_links(const struct export *x, struct err **err)
{
	for (size_t i = 0; i < x->links.count; i++) {
		const struct link *l = &x->links.items[i];
		char *path cleanup_free = path_join(x->top, l->path);

		if (path_mkparents(path, err) < 0)
			return -1;
		if (symlink(l->target, path) < 0)
			return err_errno(err, E_SCRATCH_FAILED, errno, "cannot create link '%s'",
					 path);
	}
	return 0;
}

int git_export(const struct git *g, const char *commit, const char *to, bool *ret_found,
	       struct err **err)
{
	size_t len = strlen(g->prefix);
	char *name cleanup_free = NULL, *tree cleanup_free = NULL;
	struct export x = {.top = to};
	int rc;

	name = xasprintf("%s:%.*s", commit, (int)(len ? len - 1 : 0), g->prefix);
	*ret_found = ASK(g, &tree, "rev-parse", "--verify", "--quiet", name) == 0;
	if (!*ret_found)
		return 0;
	rc = export_part(&x, g, "", tree, err);
	if (rc == 0)
		rc = write_links(&x, err);
	links_free(&x.links);
	return rc;
}

int git_ignored(const struct git *g, const struct strs *paths, struct strv *ret, struct err **err)
{
	static const char *const words[] = {"ls-files",           "-z", "--others", "--ignored",
					    "--exclude-standard", "--"};
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;

	if (!paths->count)
		return 0;
	git_command(&argv, g->dir);
	for (size_t i = 0; i < array_len(words); i++)
		strv_push(&argv, words[i]);
	for (size_t i = 0; i < paths->count; i++)
		strv_push(&argv, paths->items[i]);
	if (git_run(&argv, NULL, false, &out, err) < 0)
		return -1;
	for (const char *at = out.buf; at < out.buf + out.len; at += strlen(at) + 1)
		strv_push(ret, at);
	return 0;
}

/* ---- what the work tree is at ---- */

static bool is_ignored(const char *path, const char *const *ignored)
{
	for (; *ignored; ignored++) {
		const char *rest = str_skip(path, *ignored);

		if (rest && (*rest == '/' || !*rest))
			return true;
	}
	return false;
}

/* No `git status`: it would run what the repository names as a filter. */
static int ask_dirty(const struct git *g, const char *const *ignored, bool *ret, struct err **err)
{
	static const char *const words[] = {"ls-files", "-z", "--others", "--exclude-standard"};
	struct strv argv cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT;
	bool clean;

	git_command(&argv, g->dir);
	for (size_t i = 0; i < array_len(words); i++)
		strv_push(&argv, words[i]);
	if (git_clean(g, &clean, err) < 0 || git_run(&argv, NULL, false, &out, err) < 0)
		return -1;
	*ret = !clean;
	for (const char *at = out.buf; at < out.buf + out.len; at += strlen(at) + 1)
		*ret |= !is_ignored(at, ignored);
	return 0;
}

int git_state(const struct git *g, const char *const *ignored, struct git_state *ret,
	      struct err **err)
{
	struct git_state s cleanup_git_state = {0};

	if (ASK(g, &s.commit, "rev-parse", "--verify", "--quiet", "HEAD"))
		return 1;
	if (ASK(g, &s.branch, "symbolic-ref", "--quiet", "--short", "HEAD"))
		s.branch = NULL;
	if (ASK(g, &s.log, "rev-parse", "--git-path", "logs/HEAD"))
		s.log = NULL;
	if (ask_dirty(g, ignored, &s.dirty, err) < 0)
		return -1;
	*ret = s;
	s = (struct git_state){0};
	return 0;
}

void git_state_release(struct git_state *s)
{
	free(s->commit);
	free(s->branch);
	free(s->log);
	*s = (struct git_state){0};
}
