/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where archives are. A project says what it takes (suites, components, keys); where that can be
 * had is a matter of the machine: the user's config.yaml, else what the host's apt uses for Debian.
 * Both forms of apt's sources are read, sources.list(5).
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "kinds/debian.h"
#include "kinds/user_config.h"

#define MAX_FILE (4 * 1024 * 1024)

static char *trim_slash(struct arena *arena, const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	return arena_strndup(arena, url, n);
}

/* 0: found; 1: the user has said nothing about it. */
static int user_mirror(struct arena *arena, const char *alias, const char **ret, struct err **err)
{
	struct user_config c;

	if (user_config_read(arena, &c, err) < 0)
		return -1;
	for (size_t i = 0; i < c.mirrors.count; i++) {
		const struct pair *p = LIST_AT(c.mirrors, struct pair *, i);

		if (str_eq(p->key, alias)) {
			*ret = trim_slash(arena, p->value);
			return 0;
		}
	}
	return 1;
}

/* ---- the host's apt ---- */

/* What an archive is to Debian: its own host paths differ between these. */
enum role { ROLE_NONE, ROLE_MAIN, ROLE_SECURITY };

static bool is_codename(const char *s, size_t len)
{
	static const char *const names[] = {
		"bullseye", "bookworm", "trixie",    "forky",  "duke",         "sid",
		"unstable", "testing",  "oldstable", "stable", "oldoldstable", "experimental"};

	for (size_t i = 0; i < array_len(names); i++)
		if (strlen(names[i]) == len && strncmp(names[i], s, len) == 0)
			return true;
	return false;
}

/* Of a suite: "trixie", "trixie-updates" are main, "trixie-security" is security. */
static enum role suite_role(const char *suite)
{
	size_t n = strcspn(suite, "-/");
	const char *rest = suite + n;

	if (!is_codename(suite, n))
		return ROLE_NONE;
	if (str_eq(rest, "-security") || str_eq(rest, "/updates"))
		return ROLE_SECURITY;
	if (!*rest || str_eq(rest, "-updates") || str_eq(rest, "-backports") ||
	    str_eq(rest, "-proposed-updates"))
		return ROLE_MAIN;
	return ROLE_NONE;
}

static bool has_word(const char *list, const char *word)
{
	char *copy cleanup_free = xstrdup(list);
	char *save = NULL;

	for (char *w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		if (str_eq(w, word))
			return true;
	return false;
}

static enum role role_of(const char *suites)
{
	char *copy cleanup_free = xstrdup(suites);
	char *save = NULL;
	char *first = strtok_r(copy, " \t", &save);

	return first ? suite_role(first) : ROLE_NONE;
}

static bool is_usable_uri(const char *uri)
{
	return str_skip(uri, "http://") || str_skip(uri, "https://") || str_skip(uri, "file:");
}

/* Takes URI when this source is Debian's and plays ROLE. */
static void offer(struct arena *arena, enum role role, const char *uris, const char *suites,
		  const char *components, const char **ret)
{
	char *copy cleanup_free = xstrdup(uris);
	char *save = NULL, *uri = strtok_r(copy, " \t", &save);

	if (!*ret && uri && role_of(suites) == role && has_word(components, "main") &&
	    is_usable_uri(uri))
		*ret = trim_slash(arena, uri);
}

/* The field of a deb822 stanza; heap, "" when absent. */
static char *field(const char *stanza, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = stanza; *line;
	     line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n'))
		if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
			const char *value = line + n + 1 + strspn(line + n + 1, " \t");

			return xstrndup(value, strcspn(value, "\n"));
		}
	return xstrdup("");
}

static void read_stanza(struct arena *arena, const char *stanza, enum role role, const char **ret)
{
	char *types cleanup_free = field(stanza, "Types"),
		    *uris cleanup_free = field(stanza, "URIs");
	char *suites cleanup_free = field(stanza, "Suites"),
		     *parts cleanup_free = field(stanza, "Components");
	char *enabled cleanup_free = field(stanza, "Enabled");

	if (has_word(types, "deb") && !str_eq(enabled, "no"))
		offer(arena, role, uris, suites, parts, ret);
}

static void read_deb822(struct arena *arena, char *text, enum role role, const char **ret)
{
	for (char *s = text; s && !*ret;) {
		char *end = strstr(s, "\n\n");

		if (end)
			*end = '\0';
		read_stanza(arena, s, role, ret);
		s = end ? end + 2 : NULL;
	}
}

/* deb [ option=value ... ] uri suite component... */
static void read_one_line(struct arena *arena, char *text, enum role role, const char **ret)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char uri[1024], suite[256];
		int n = 0;

		l += strspn(l, " \t");
		if (!(str_skip(l, "deb ") || str_skip(l, "deb\t")))
			continue;
		l += 3 + strspn(l + 3, " \t");
		if (*l == '[') {
			l += strcspn(l, "]");
			l += *l == ']';
		}
		if (sscanf(l, " %1023s %255s %n", uri, suite, &n) >= 2 && n)
			offer(arena, role, uri, suite, l + n, ret);
	}
}

static void read_source(struct arena *arena, const char *path, enum role role, const char **ret)
{
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (*ret || !path_exists(path) || file_read(path, MAX_FILE, &text, &ignored) < 0)
		return;
	if (str_ends(path, ".sources"))
		read_deb822(arena, text.buf, role, ret);
	else if (str_ends(path, ".list"))
		read_one_line(arena, text.buf, role, ret);
}

static const char *host_mirror(struct arena *arena, enum role role)
{
	struct strv files cleanup_strv = {0};
	DIR *dir = opendir("/etc/apt/sources.list.d");
	const char *ret = NULL;

	strv_push(&files, "/etc/apt/sources.list");
	for (struct dirent *e; dir && (e = readdir(dir));)
		strv_printf(&files, "/etc/apt/sources.list.d/%s", e->d_name);
	if (dir)
		closedir(dir);
	strv_sort(&files);
	for (size_t i = 0; i < files.count; i++)
		read_source(arena, files.items[i], role, &ret);
	return ret;
}

int mirror_url(struct arena *arena, const struct lock_archive *a, const char **ret,
	       struct err **err)
{
	enum role role = suite_role(a->suite);
	int r = user_mirror(arena, a->alias, ret, err);

	if (r <= 0)
		return r;
	*ret = role == ROLE_NONE || a->own_keys ? NULL : host_mirror(arena, role);
	if (!*ret)
		return err_set(err, ERR_ENV,
			       "nothing says where archive '%s' is: add it to "
			       "~/.config/orch/config.yaml, as in mirrors: {%s: URL} (the host's "
			       "apt has no Debian source for it)",
			       a->alias, a->alias);
	return 0;
}

/* ---- the network ---- */

static int apt_config_dump(struct str *ret, struct err **err)
{
	char *const argv[] = {"apt-config", "dump", NULL};
	struct proc_opts opts = {0};
	char *program cleanup_free = path_program("apt-config");

	if (!program)
		return 0;
	return proc_output(argv, &opts, MAX_FILE, ret, err);
}

int mirror_apt_settings(struct str *ret, struct err **err)
{
	static const char *const kept[] = {"Acquire::http", "Acquire::https", "Acquire::Retries",
					   "Acquire::ForceIPv4", "Acquire::ForceIPv6"};
	struct str dump cleanup_str = STR_INIT;
	char *save = NULL;

	if (apt_config_dump(&dump, err) < 0)
		return err_wrap(err, "cannot read the host's apt configuration");
	for (char *l = strtok_r(dump.buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		for (size_t i = 0; i < array_len(kept); i++)
			if (str_skip(l, kept[i])) {
				str_printf(ret, "%s\n", l);
				break;
			}
	return 0;
}

const char *mirror_proxy(struct arena *arena)
{
	struct str dump cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;
	const char *value;

	if (apt_config_dump(&dump, &ignored) < 0)
		return NULL;
	value = strstr(dump.buf, "\nAcquire::http::Proxy \"");
	if (!value)
		return NULL;
	value = strchr(value, '"') + 1;
	if (strcspn(value, "\"") == 0 || str_skip(value, "DIRECT"))
		return NULL;
	return arena_strndup(arena, value, strcspn(value, "\""));
}
