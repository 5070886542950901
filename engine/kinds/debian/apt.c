/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/apt.h"
#include "kinds/debian/build_depends.h"
#include "kinds/debian/mirrors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "base/url.h"
#include "media/deb/deb.h"

#define MAX_OUTPUT (64 * 1024 * 1024)
#define POOL_SOURCES "etc/sources.d/pool.sources"
#define BUILD_SOURCES "etc/sources.d/build.sources"

/* Above 1000, so that a kept version wins even over a newer one. */
int apt_prefer(const struct apt_request *q, const struct lock_entries *keep, struct err **err)
{
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < keep->count; i++)
		str_printf(&s, "Package: %s\nPin: version %s\nPin-Priority: 1001\n\n",
			   keep->items[i].name, keep->items[i].version);
	return apt_write(q, "etc/preferences", &s, err);
}

/* ---- running apt ---- */

/* Its environment, with CONF as its configuration. */
static char **make_env(struct arena *arena, int conf)
{
	char **env;
	size_t n = 0, count = 0;

	while (environ[count])
		count++;
	env = arena_alloc(arena, (count + 3) * sizeof(*env));
	for (size_t i = 0; i < count; i++)
		if (!str_skip(environ[i], "APT_CONFIG=") && !str_skip(environ[i], "LC_ALL=") &&
		    !str_skip(environ[i], "LANGUAGE="))
			env[n++] = environ[i];
	env[n++] = arena_printf(arena, "APT_CONFIG=/proc/self/fd/%d", conf);
	env[n++] = (char *)"LC_ALL=C.UTF-8";
	return env;
}

/* Q->auth and an apt.conf that names it, as files for the processes of one program. */
static int open_conf(const struct apt_request *q, int *ret_auth, int *ret_conf, struct err **err)
{
	struct str conf cleanup_str = STR_INIT;

	if (tmp_in_memory("auth.conf", q->auth, strlen(q->auth), ret_auth, err) < 0)
		return -1;
	str_printf(&conf, "%sDir::Etc::netrc \"/proc/self/fd/%d\";\nAPT::Keep-Fds { \"%d\"; };\n",
		   q->conf, *ret_auth, *ret_auth);
	return tmp_in_memory("apt.conf", conf.buf, conf.len, ret_conf, err);
}

static bool fetches(char *const argv[])
{
	size_t i = 1;

	while (argv[i] && argv[i][0] == '-')
		i++;
	return argv[i] && str_eq(argv[i], "update");
}

int apt_run(struct apt_request *q, char *const argv[], struct str *out, struct err **err)
{
	char *log cleanup_free = path_join(q->dir, "log/stderr");
	int fd cleanup_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int auth cleanup_fd = -1, conf cleanup_fd = -1;
	struct arena *arena cleanup_arena = arena_new();
	struct proc_opts opts = {.cwd = q->dir, .errfd = fd};
	struct confined wall cleanup_confined = {.network = fetches(argv)};
	char *program cleanup_free = path_program(argv[0]);

	if (!program)
		return err_set(err, E_PROGRAM_MISSING,
			       "'%s' is needed to resolve packages: install the package apt",
			       argv[0]);
	if (fd < 0)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot write '%s'", log);
	if (open_conf(q, &auth, &conf, err) < 0)
		return -1;
	opts.env = make_env(arena, conf);
	opts.pass = (int[]){auth, conf, -1};
	apt_show(q, &wall);
	confined_apply(&wall, &opts);
	if (proc_output(argv, &opts, MAX_OUTPUT, out, err) == 0)
		return 0;
	return apt_complain(q, log, err);
}

static bool have_lists(const struct apt_request *q)
{
	uint64_t date;
	struct err *ignored cleanup_err = NULL;

	return apt_date(q, &date, &ignored) == 0;
}

static int drop_local(struct apt_request *q, const char *sources, struct err **err)
{
	char *path cleanup_free = path_join(q->dir, sources);

	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(err, E_SCRATCH_FAILED, errno, "cannot remove '%s'", path);
	return 0;
}

static int drop_locals(struct apt_request *q, struct err **err)
{
	q->pool = q->builds = NULL;
	return drop_local(q, POOL_SOURCES, err) < 0 ? -1 : drop_local(q, BUILD_SOURCES, err);
}

/* Makes DIR (encoded), which has an index of what is in it, an archive: in the file SOURCES. */
static int add_local(struct apt_request *q, const char *dir, const char *sources, struct err **err)
{
	struct str s cleanup_str = STR_INIT, out cleanup_str = STR_INIT;
	char *const update[] = {
		"apt-get",
		"-qq",
		"update",
		arena_printf(q->arena, "-oDir::Etc::sourcelist=%s/%s", q->dir, sources),
		"-oDir::Etc::sourceparts=/dev/null",
		"-oAPT::Get::List-Cleanup=0",
		NULL};

	str_printf(&s, "Types: deb\nURIs: file:%s\nSuites: ./\nTrusted: yes\n", dir);
	if (apt_write(q, sources, &s, err) < 0)
		return -1;
	return apt_run(q, update, &out, err);
}

int apt_add_pool(struct apt_request *q, const char *dir, const struct strv *files, struct err **err)
{
	if (apt_write_pool(dir, files, err) < 0)
		return -1;
	q->pool = url_encode_path(q->arena, dir);
	return add_local(q, q->pool, POOL_SOURCES, err);
}

int apt_add_builds(struct apt_request *q, const struct strv *depends, const char *more,
		   struct err **err)
{
	char *dir cleanup_free = path_join(q->dir, "build");
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < depends->count; i++) {
		struct digest d;
		char hex[DIGEST_HEX + 1];

		digest_data(depends->items[i], strlen(depends->items[i]), &d);
		str_printf(&text,
			   "Package: " APT_BUILD "%zu\nVersion: 1\nArchitecture: all\n"
			   "Maintainer: -\nDescription: -\nDepends: %s\n"
			   "Filename: ./" APT_BUILD "%zu_1_all.deb\nSize: 1\nSHA256: %s\n\n",
			   i, depends->items[i], i, digest_hex(&d, hex));
	}
	str_append(&text, more);
	if (path_mkdirs(dir, err) < 0 || apt_write(q, "build/Packages", &text, err) < 0)
		return -1;
	q->builds = url_encode_path(q->arena, dir);
	return add_local(q, q->builds, BUILD_SOURCES, err);
}

static int update_lists(struct apt_request *q, struct err **err)
{
	char *const update[] = {"apt-get", "-qq", "update", NULL};

	for (size_t i = 0; i < q->archives.count; i++) {
		const struct lock_archive place =
			debian_archive_of(LIST_AT(q->archives, const struct archive *, i));

		if (mirrors_check_list(q->mirrors, &place, q->dir, err) < 0)
			return -1;
	}
	for (;;) {
		struct str out cleanup_str = STR_INIT;
		struct err *failed = NULL, *next = NULL;
		int r;

		if (apt_run(q, update, &out, &failed) == 0)
			return 0;
		r = q->unknown ? apt_ask_login(q, &next) : 1;
		if (r == 1 && failed->code->cls == ERR_NET)
			r = apt_next_mirror(q, &next);
		if (r > 0)
			*err = steal_ptr(failed);
		err_free(failed);
		if (r < 0)
			*err = next;
		if (r != 0)
			return -1;
	}
}

/*
 * Lists as the archives signed them: those that are kept, when they still are that, else new ones.
 * A Release file with a signature that does not fit may be the archive's or the one kept here. Have
 * the archives nothing better, all stays as it was.
 */
static int update_sound_lists(struct apt_request *q, struct err **err)
{
	struct err *first cleanup_err = NULL, *ignored cleanup_err = NULL;
	bool had = have_lists(q), damaged = false;
	int rc = update_lists(q, &first);

	if (rc == 0 && apt_lists_damaged(q, &damaged, err) < 0)
		return -1;
	if (rc == 0 && !damaged)
		return 0;
	if (rc < 0 && (!had || first->code->cls != ERR_INTEGRITY)) {
		*err = steal_ptr(first);
		return -1;
	}
	if (apt_lists_set_aside(q, err) < 0)
		return -1;
	if (update_lists(q, rc < 0 ? &ignored : err) == 0)
		return 0;
	if (rc < 0) {
		if (apt_lists_take_back(q, err) == 0)
			*err = steal_ptr(first);
		return -1;
	}
	return err_wrap(err, "the package lists in the store are damaged");
}

/* Without the network the lists are what they are. */
static int check_kept_lists(struct apt_request *q, struct err **err)
{
	bool damaged;

	if (!have_lists(q))
		return err_set(err, E_NOT_CACHED,
			       "the package lists are not cached, and --offline is set");
	if (apt_lists_damaged(q, &damaged, err) < 0)
		return -1;
	if (damaged)
		return err_set(err, E_ARCHIVE_DAMAGED,
			       "the package lists in the store are damaged, and --offline is set: "
			       "lock without it once");
	return 0;
}

int apt_open(struct apt_request *q, struct err **err)
{
	const struct lock_entries none = {0};

	if (apt_configure(q, err) < 0 || apt_prefer(q, &none, err) < 0 || drop_locals(q, err) < 0)
		return -1;
	return q->offline ? check_kept_lists(q, err) : update_sound_lists(q, err);
}

/* ---- what apt says ---- */

/* A file: URL without its scheme, for apt writes "file:/x" where it was given "file:///x". */
static const char *plain_url(const char *url)
{
	const char *list = str_skip(url, "mirror+");
	const char *path = str_skip(list ? list : url, "file:");
	const char *rest = path ? str_skip(path, "//") : NULL;

	return rest ? rest : path ? path : url;
}

const char *apt_archive_of(const struct apt_request *q, const char *url, const char **ret_rest)
{
	for (size_t i = 0; i < q->archives.count; i++) {
		const char *rest = str_skip(plain_url(url), plain_url(q->urls[i]));

		if (rest && (!*rest || *rest == '/')) {
			*ret_rest = rest;
			return LIST_AT(q->archives, const struct archive *, i)->alias;
		}
	}
	return NULL;
}

/* Splits URL into an archive's alias and the path in it. */
static int place_url(const struct apt_request *q, const char *url, struct lock_entry *e)
{
	const char *rest;

	if ((q->pool && str_skip(plain_url(url), q->pool)) ||
	    (q->builds && str_skip(plain_url(url), q->builds))) {
		e->archive = e->path = "";
		return 0;
	}
	e->archive = apt_archive_of(q, url, &rest);
	if (!e->archive || !*rest)
		return 1;
	do /* a flat archive has its packages in "./" */
		rest++;
	while (*rest == '/' || str_skip(rest, "./"));
	e->path = url_decode(q->arena, rest);
	return 0;
}

/* 'URL' NAME_VERSION_ARCH.deb SIZE SHA256:HEX */
static int parse_uri(const struct apt_request *q, char *line, struct lock_entry *e, char **ret_file)
{
	char *end, *save = NULL, *size, *hash;

	if (*line != '\'' || !(end = strchr(line + 1, '\'')))
		return 1;
	*end = '\0';
	*ret_file = strtok_r(end + 1, " ", &save);
	size = strtok_r(NULL, " ", &save);
	hash = strtok_r(NULL, " ", &save);
	if (!hash || str_u64(size, &e->size) != 0 || !str_skip(hash, "SHA256:") ||
	    digest_parse(hash + 7, &e->sha256) != 0)
		return 1;
	return place_url(q, line + 1, e);
}

/* "qemu-user_1%3a10.0+ds-1_amd64.deb" */
static int parse_file_name(const struct apt_request *q, const char *file, struct lock_entry *e)
{
	char *name = url_decode(q->arena, file), *version = strchr(name, '_'), *arch;

	if (!version || !str_ends(name, ".deb"))
		return 1;
	*version++ = '\0';
	arch = strrchr(version, '_');
	if (!arch)
		return 1;
	*arch++ = '\0';
	arch[strlen(arch) - 4] = '\0';
	e->name = name;
	e->version = version;
	e->arch = arch;
	return 0;
}

int apt_parse_uris(const struct apt_request *q, char *text, enum lock_type type,
		   struct lock_entries *ret, struct err **err)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *copy cleanup_free = xstrdup(l);
		struct lock_entry e = {.type = type};
		char *file;

		if (*l != '\'')
			continue;
		if (parse_uri(q, l, &e, &file) != 0 || parse_file_name(q, file, &e) != 0)
			return err_set(err, E_APT_OUTPUT,
				       "unexpected output of apt-get --print-uris: %s", copy);
		lock_entries_push(ret, e);
	}
	return 0;
}

/*
 * Names are that very package: neither a regular expression, which apt-get takes them for when
 * there is no such package, nor does their last character say what is to be done with another.
 */
static void push_word(struct strv *argv, const char *word)
{
	bool modifier = str_ends(word, "+") || str_ends(word, "-");

	strv_printf(argv, "%s%s", word, modifier ? "+" : "");
}

static void install_command(const char *quiet, const struct strv *words, struct strv *ret)
{
	static const char *const options[] = {"install",
					      "--print-uris",
					      "-y",
					      "--allow-downgrades",
					      "-oAPT::Solver=internal",
					      "-oAPT::Cmd::Pattern-Only=true"};

	strv_push(ret, "apt-get");
	for (size_t i = 0; i < array_len(options); i++)
		strv_push(ret, options[i]);
	strv_push(ret, quiet);
	strv_push(ret, "--");
	for (size_t i = 0; i < words->count; i++)
		push_word(ret, words->items[i]);
}

int apt_install(struct apt_request *q, const struct strv *words, struct lock_entries *ret,
		struct apt_unmets *unmet, struct err **err)
{
	struct strv argv cleanup_strv = {0}, telling cleanup_strv = {0};
	struct str out cleanup_str = STR_INIT, said cleanup_str = STR_INIT;
	struct err *again cleanup_err = NULL;

	install_command("-qq", words, &argv);
	if (apt_run(q, strv_argv(&argv), &out, err) == 0)
		return apt_parse_uris(q, out.buf, LOCK_PACKAGE, ret, err);
	if ((*err)->code->cls != ERR_USER)
		return -1;
	/* Only a less quiet apt says which dependency it is. */
	install_command("-q", words, &telling);
	if (apt_run(q, strv_argv(&telling), &said, &again) < 0)
		apt_parse_unmet(q->arena, said.buf, unmet);
	return -1;
}

int apt_tool(struct apt_request *q, const char *name, struct lock_entries *ret, struct err **err)
{
	char *const argv[] = {"apt-get", "download", "--print-uris", "-qq", (char *)name, NULL};
	struct str out cleanup_str = STR_INIT;

	if (apt_run(q, argv, &out, err) < 0)
		return err_wrap(err, "tool '%s'", name);
	return apt_parse_uris(q, out.buf, LOCK_TOOL, ret, err);
}

/* ---- source packages ---- */

/* The version in full (with its epoch) of the .dsc whose file name has only FILE_VERSION. */
static const char *full_version(struct apt_request *q, const char *name, const char *file_version,
				struct err **err)
{
	char *const argv[] = {"apt-cache", "showsrc", (char *)name, NULL};
	struct str out cleanup_str = STR_INIT;
	char *save = NULL;

	if (apt_run(q, argv, &out, err) < 0)
		return NULL;
	for (char *l = strtok_r(out.buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *version = str_skip(l, "Version: "),
			   *colon = version ? strchr(version, ':') : NULL;

		if (version && str_eq(colon ? colon + 1 : version, file_version))
			return arena_strdup(q->arena, version);
	}
	return file_version;
}

int apt_source_needs(struct apt_request *q, const char *name, const char *version, const char **ret,
		     struct err **err)
{
	char *const argv[] = {"apt-cache", "showsrc", "--only-source", (char *)name, NULL};
	struct str out cleanup_str = STR_INIT;

	if (apt_run(q, argv, &out, err) < 0)
		return -1;
	for (char *at = out.buf, *end; at; at = end) {
		char *is cleanup_free = NULL;

		end = strstr(at, "\n\n");
		if (end) {
			end[1] = '\0';
			end += 2;
		}
		is = deb_field(at, "Version");
		if (is && str_eq(is, version)) {
			*ret = build_depends_fields(q->arena, at);
			return 0;
		}
	}
	return err_set(err, E_UNKNOWN_PACKAGE,
		       "what building source '%s' %s needs is in no index of the archives any "
		       "more: 'orch lock NODE --update %s' takes the version that they have",
		       name, version, name);
}

static int parse_source(struct apt_request *q, const char *name, struct str *text,
			struct lock_entries *ret, struct err **err)
{
	size_t first = ret->count;
	const char *version = NULL;
	char *save = NULL;

	for (char *l = strtok_r(text->buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		struct lock_entry e = {.type = LOCK_SOURCE, .name = name, .arch = "source"};
		char *file;

		if (*l != '\'')
			continue;
		if (parse_uri(q, l, &e, &file) != 0)
			return err_set(err, E_APT_OUTPUT,
				       "unexpected output of apt-get source: '%s'", name);
		if (str_ends(file, ".dsc") && strchr(file, '_')) {
			const char *v = strchr(file, '_') + 1;

			version = full_version(q, name, arena_strndup(q->arena, v, strlen(v) - 4),
					       err);
			if (!version)
				return -1;
		}
		/*
		 * What these say stands in the signed index too, and archives
		 * lose them now and then.
		 */
		if (!str_ends(file, ".dsc") && !str_ends(file, ".asc"))
			lock_entries_push(ret, e);
	}
	if (!version)
		return err_set(err, E_UNKNOWN_PACKAGE,
			       "there is no source package '%s' in the archives", name);
	for (size_t i = first; i < ret->count; i++)
		ret->items[i].version = version;
	return 0;
}

int apt_source(struct apt_request *q, const char *name, const char *version,
	       struct lock_entries *ret, struct err **err)
{
	const char *word = version ? arena_printf(q->arena, "%s=%s", name, version) : name;
	char *const argv[] = {"apt-get",    "source", "--print-uris", "--only-source", "-qq",
			      (char *)word, NULL};
	struct str out cleanup_str = STR_INIT;

	if (apt_run(q, argv, &out, err) < 0)
		return err_wrap(err, "source '%s'", name);
	return parse_source(q, name, &out, ret, err);
}

/* ---- dates ---- */

/* The field may be the first; 0 when there is none that can be read. */
static uint64_t release_date(const char *path)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	struct tm tm = {0};
	const char *line;

	str_append(&text, "\n");
	if (file_read(path, MAX_OUTPUT, &text, &ignored) < 0)
		return 0;
	line = strcasestr(text.buf, "\nDate:");
	if (!line || !strptime(line + strlen("\nDate:"), " %a, %d %b %Y %H:%M:%S", &tm))
		return 0;
	return (uint64_t)timegm(&tm);
}

int apt_date(const struct apt_request *q, uint64_t *ret, struct err **err)
{
	char *lists cleanup_free = path_join(q->dir, "state/lists");
	DIR *dir = opendir(lists);
	uint64_t newest = 0;

	for (struct dirent *e; dir && (e = readdir(dir));) {
		char *path cleanup_free = path_join(lists, e->d_name);
		uint64_t date = str_ends(e->d_name, "Release") ? release_date(path) : 0;

		newest = date > newest ? date : newest;
	}
	if (dir)
		closedir(dir);
	if (!newest)
		return err_set(
			err, E_ARCHIVE_UNDATED,
			"no Release file of the archives has a Date, which a lock needs: who "
			"publishes one must write it ('apt-ftparchive release' does)");
	*ret = newest;
	return 0;
}
