/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration that our apt-get runs with. All of it lies in the request's directory but
 * apt.conf, for proxies have passwords, and auth.conf. apt splits some values at spaces
 * and commas, so what it is told by name lies there under a plain name: keyrings as copies, the
 * directory itself as /proc/self/cwd when its path is not plain (apt runs in it).
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/url.h"
#include "kinds/debian/apt.h"
#include "kinds/debian/apt_auth.h"
#include "kinds/debian/mirrors.h"
#include "kinds/fetch/login.h"

#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring"
#define MAX_KEYRING (16 * 1024 * 1024)

static bool is_plain(const char *path)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/";

	return path[strspn(path, plain)] == '\0';
}

/* Q->dir as apt is told. */
static const char *apt_dir(const struct apt_request *q)
{
	return is_plain(q->dir) ? q->dir : "/proc/self/cwd";
}

int apt_write(const struct apt_request *q, const char *rel, const struct str *text,
	      struct err **err)
{
	char *path cleanup_free = path_join(q->dir, rel);

	return file_write(path, text->buf, text->len, 0600, false, err);
}

static int make_dirs(const struct apt_request *q, struct err **err)
{
	static const char *const dirs[] = {
		"etc/sources.d",          "etc/keys", "etc/mirrors", "state/lists/partial",
		"cache/archives/partial", "log"};
	struct str empty cleanup_str = STR_INIT;

	if (path_mkdirs(q->dir, err) < 0)
		return -1;
	if (chmod(q->dir, 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot keep others out of '%s'",
				 q->dir);
	for (size_t i = 0; i < array_len(dirs); i++) {
		char *path cleanup_free = path_join(q->dir, dirs[i]);

		if (path_mkdirs(path, err) < 0)
			return -1;
	}
	return apt_write(q, "state/status", &empty, err);
}

/* ---- apt.conf ---- */

static void append_setting(struct str *s, const char *name, const char *value)
{
	str_printf(s, "%s ", name);
	apt_conf_value(s, value);
	str_append(s, ";\n");
}

/*
 * What an archive calls itself may change: a project names suites and keys, and which lists the
 * store happens to have is no part of the answer.
 */
static void make_conf(struct apt_request *q, const struct mirrors *m)
{
	struct str s cleanup_str = STR_INIT;
	char *dir cleanup_free = xasprintf("%s/", apt_dir(q));
	char *status cleanup_free = xasprintf("%s/state/status", apt_dir(q));

	host_apt_conf(&m->host, &s);
	append_setting(&s, "Dir", dir);
	append_setting(&s, "Dir::State::status", status);
	str_printf(&s,
		   "Dir::Etc \"etc\";\nDir::Etc::netrcparts \"/dev/null\";\n"
		   "Dir::Etc::sourcelist \"/dev/null\";\n"
		   "Dir::Etc::sourceparts \"sources.d\";\nDir::Etc::main \"/dev/null\";\n"
		   "Dir::Etc::parts \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n"
		   "Dir::Etc::trusted \"/dev/null\";\nDir::Etc::trustedparts \"/dev/null\";\n"
		   "Dir::State \"state\";\nDir::Cache \"cache\";\nDir::Log \"log\";\n"
		   "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n"
		   "APT::Install-Recommends \"%s\";\nAPT::Install-Suggests \"false\";\n"
		   "APT::Sandbox::User \"root\";\nAPT::Update::Error-Mode \"any\";\n"
		   "Acquire::AllowReleaseInfoChange \"true\";\n"
		   "Acquire::Languages \"none\";\nAcquire::ForceHash \"SHA256\";\n",
		   q->arch, q->arch, q->recommends ? "true" : "false");
	q->conf = arena_strdup(q->arena, s.buf);
}

/* ---- keyrings ---- */

static int debian_keyring(const struct archive *a, char **ret, struct err **err)
{
	static const char *const suffixes[] = {".gpg", ".pgp"};

	for (size_t i = 0; i < array_len(suffixes); i++) {
		*ret = xasprintf(DEBIAN_KEYRING "%s", suffixes[i]);
		if (path_exists(*ret))
			return 0;
		free(steal_ptr(*ret));
	}
	return err_set(
		err, E_ARCHIVE_KEYS,
		"no keys to verify archive '%s' with: install debian-archive-keyring, or give it a "
		"'keyring:' in recipes/project.yaml",
		a->alias);
}

/* The keys of A as bytes: the project's, else those of the host's source, else Debian's. */
static int read_keys(const struct apt_request *q, const struct archive *a, const struct mirror *w,
		     struct str *ret, struct err **err)
{
	char *path cleanup_free = NULL;

	if (!a->keyring && w->signed_by && *w->signed_by != '/') {
		str_append(ret, w->signed_by);
		return 0;
	}
	if (a->keyring)
		path = path_join(q->project_dir, a->keyring->text);
	else if (w->signed_by)
		path = xstrdup(w->signed_by);
	else if (debian_keyring(a, &path, err) < 0)
		return -1;
	if (file_read(path, MAX_KEYRING, ret, err) < 0)
		return err_wrap(err, "the keys of archive '%s'", a->alias);
	return 0;
}

/*
 * A copy, *RET below Q->dir, whose name ends as apt wants it for what is inside. Its name is that
 * of the content, for apt compares names: two archives may have copies of one keyring.
 */
static int write_keys(const struct apt_request *q, const struct archive *a, const struct mirror *w,
		      const char **ret, struct err **err)
{
	struct str keys cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	if (read_keys(q, a, w, &keys, err) < 0)
		return -1;
	digest_data(keys.buf, keys.len, &d);
	*ret = arena_printf(q->arena, "etc/keys/%s%s", digest_hex(&d, hex),
			    str_skip(keys.buf, "-----BEGIN") ? ".asc" : ".gpg");
	return apt_write(q, *ret, &keys, err);
}

/* ---- sources ---- */

static bool is_flat(const char *suite)
{
	return str_ends(suite, "/");
}

static int append_words(struct str *s, const char *key, const struct archive *a,
			const struct list *words, bool flat, struct err **err)
{
	str_printf(s, "%s:", key);
	for (size_t i = 0; i < words->count; i++) {
		const char *word = LIST_AT(*words, const char *, i);

		if (!*word || word[strcspn(word, " \t\r\n,")])
			return err_set(err, E_ARCHIVE_SETTINGS,
				       "'%s' of archive '%s' in recipes/project.yaml is one word "
				       "without spaces or commas",
				       word, a->alias);
		if (words != &a->suites || is_flat(word) == flat)
			str_printf(s, " %s", word);
	}
	str_append(s, "\n");
	return 0;
}

static bool has_suites(const struct archive *a, bool flat)
{
	for (size_t i = 0; i < a->suites.count; i++)
		if (is_flat(LIST_AT(a->suites, const char *, i)) == flat)
			return true;
	return false;
}

/* The stanza of A's flat suites, which have no components, or of the others. */
static int append_stanza(const struct apt_request *q, const struct archive *a, const char *uri,
			 const char *keys, bool flat, struct str *s, struct err **err)
{
	if (!has_suites(a, flat))
		return 0;
	str_printf(s, "Types: deb deb-src\nURIs: %s\n", uri);
	if (append_words(s, "Suites", a, &a->suites, flat, err) < 0 ||
	    (!flat && append_words(s, "Components", a, &a->components, flat, err) < 0))
		return -1;
	if (a->valid_until == VALID_UNTIL_IGNORE)
		str_append(s, "Check-Valid-Until: no\n");
	str_printf(s, "Signed-By: %s/%s\n\n", apt_dir(q), keys);
	return 0;
}

/* A suite that both archives have; NULL: none. */
static const char *common_suite(const struct archive *a, const struct archive *b)
{
	for (size_t i = 0; i < a->suites.count; i++) {
		for (size_t k = 0; k < b->suites.count; k++) {
			const char *suite = LIST_AT(a->suites, const char *, i);

			if (str_eq(suite, LIST_AT(b->suites, const char *, k)))
				return suite;
		}
	}
	return NULL;
}

static const char *with_place(struct arena *arena, const struct archive *a)
{
	if (!a->keyring)
		return arena_printf(arena, "'%s'", a->alias);
	return arena_printf(arena, "'%s' (%s:%u)", a->alias, a->keyring->pos.file,
			    a->keyring->pos.line);
}

/* For apt a suite at one place is one thing, with one keyring and one rule for its age. */
static int refuse_conflict(const struct apt_request *q, size_t i, const char **keys,
			   struct err **err)
{
	const struct archive *a = LIST_AT(q->archives, const struct archive *, i);

	for (size_t k = 0; k < i; k++) {
		const struct archive *b = LIST_AT(q->archives, const struct archive *, k);
		const char *suite = common_suite(a, b);
		bool other_keys = !str_eq(keys[i], keys[k]);

		if (!suite || !str_eq(q->urls[i], q->urls[k]) ||
		    (!other_keys && a->valid_until == b->valid_until))
			continue;
		return err_set(err, E_ARCHIVE_SETTINGS,
			       "archives %s and %s have suite '%s' of one place, but another %s: "
			       "give both the same, or make them one archive",
			       with_place(q->arena, b), with_place(q->arena, a), suite,
			       other_keys ? "'keyring'" : "'valid-until'");
	}
	return 0;
}

/* The mirrors of an archive, of which apt has a list. */
struct apt_mirrors {
	const char **urls;
	size_t count;
	size_t first; /* the one that apt asks first */
};

static int write_list(const struct apt_request *q, const char *alias, const struct apt_mirrors *l,
		      struct err **err)
{
	char *rel cleanup_free = xasprintf("etc/mirrors/%s", alias);
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 0; i < l->count; i++)
		str_printf(&s, "%s\tpriority:%zu\n", l->urls[(l->first + i) % l->count], i + 1);
	return apt_write(q, rel, &s, err);
}

/* apt goes on to the next mirror by itself, but not from one that it cannot connect to. */
int apt_next_mirror(struct apt_request *q, struct err **err)
{
	for (size_t i = 0; q->blamed && i < q->archives.count; i++) {
		const char *alias = LIST_AT(q->archives, const struct archive *, i)->alias;
		struct apt_mirrors *l = &q->lists[i];

		if (!str_eq(alias, q->blamed))
			continue;
		if (l->first + 1 >= l->count)
			return 1;
		l->first++;
		return write_list(q, alias, l, err);
	}
	return 1;
}

/* The places of the archive with number I; *RET_COUNT is 0 when apt alone knows them (a list). */
static const char *const *places_of(const struct apt_request *q, size_t i, size_t *ret_count)
{
	*ret_count = q->lists[i].count;
	if (*ret_count)
		return q->lists[i].urls;
	*ret_count = str_skip(q->urls[i], "http") ? 1 : 0;
	return &q->urls[i];
}

/*
 * Who we are, in the order in which downloads are told: by config.yaml, by the host's files, which
 * apt asks about each file, and by ~/.netrc. The first entry that fits is taken.
 */
static void make_auth(struct apt_request *q, const struct mirrors *m)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%s\n%s\n", m->auth, m->host.auth);
	q->asked = arena_alloc(q->arena, (q->archives.count + 1) * sizeof(*q->asked));
	for (size_t i = 0; i < q->archives.count; i++) {
		size_t count;
		const char *const *urls = places_of(q, i, &count);

		q->asked[i] = false;
		for (size_t k = 0; k < count; k++) {
			const char *user, *password;

			if (login_netrc(q->arena, urls[k], &user, &password) == 0)
				(void)!apt_auth_add(urls[k], user, password, &s);
		}
	}
	q->auth = arena_strdup(q->arena, s.buf);
}

static int ask_login(struct apt_request *q, const char *url, struct err **err)
{
	struct str s cleanup_str = STR_INIT;
	const char *user, *password;
	int r = login_ask(q->arena, url, &user, &password, err);

	if (r != 0)
		return r;
	if (apt_auth_add(url, user, password, &s) != 0)
		return err_set(err, E_ARCHIVE_PASSWORD,
			       "the user or password for %s is empty or has a space, which apt "
			       "cannot be told",
			       url);
	q->auth = arena_printf(q->arena, "%s%s", s.buf, q->auth);
	return 0;
}

int apt_ask_login(struct apt_request *q, struct err **err)
{
	int found = 1;

	for (size_t i = 0; q->blamed && i < q->archives.count; i++) {
		const char *alias = LIST_AT(q->archives, const struct archive *, i)->alias;
		size_t count;
		const char *const *urls = places_of(q, i, &count);

		if (!str_eq(alias, q->blamed) || q->asked[i])
			continue;
		q->asked[i] = true;
		for (size_t k = 0; k < count; k++) {
			int r = ask_login(q, urls[k], err);

			if (r < 0)
				return err_wrap(err, "archive '%s' asks who we are", alias);
			found = r == 0 ? 0 : found;
		}
	}
	return found;
}

/* What apt is told of where A is. */
static int uri_of(const struct apt_request *q, const struct archive *a, const struct mirror *w,
		  struct apt_mirrors *list, const char **ret, struct err **err)
{
	*list = (struct apt_mirrors){0};
	if (w->list || w->count == 1) {
		*ret = w->list ? w->list : w->urls[0];
		return 0;
	}
	*list = (struct apt_mirrors){.urls = w->urls, .count = w->count};
	*ret = arena_printf(q->arena, "mirror+file:%s/etc/mirrors/%s", apt_dir(q), a->alias);
	return write_list(q, a->alias, list, err);
}

static int write_sources(struct apt_request *q, struct mirrors *m, struct err **err)
{
	struct str s cleanup_str = STR_INIT;
	const char **keys = arena_alloc(q->arena, (q->archives.count + 1) * sizeof(*keys));

	q->urls = arena_alloc(q->arena, (q->archives.count + 1) * sizeof(*q->urls));
	q->lists = arena_alloc(q->arena, (q->archives.count + 1) * sizeof(*q->lists));
	for (size_t i = 0; i < q->archives.count; i++) {
		const struct archive *a = LIST_AT(q->archives, const struct archive *, i);
		const struct lock_archive place = debian_archive_of(a);
		struct mirror w;

		if (mirrors_find(m, &place, &w, err) < 0 ||
		    uri_of(q, a, &w, &q->lists[i], &q->urls[i], err) < 0 ||
		    write_keys(q, a, &w, &keys[i], err) < 0 ||
		    refuse_conflict(q, i, keys, err) < 0 ||
		    append_stanza(q, a, q->urls[i], keys[i], false, &s, err) < 0 ||
		    append_stanza(q, a, q->urls[i], keys[i], true, &s, err) < 0)
			return -1;
	}
	return apt_write(q, "etc/sources.d/orch.sources", &s, err);
}

/* ---- what apt sees ---- */

/* The place of an archive or of a list of mirrors, if it is of this machine. */
static void show_place(const struct apt_request *q, const char *url, struct confined *ret)
{
	const char *path = strstr(url, "file:");

	path = path ? path + strlen("file:") : str_skip(url, "mirror:");
	if (!path || *path != '/')
		return;
	path += strspn(path, "/") - 1;
	confined_read(ret, url_decode(q->arena, path));
}

void apt_show(const struct apt_request *q, struct confined *ret)
{
	const struct host_apt *h = &q->mirrors->host;

	confined_program(ret, "apt-get");
	confined_write(ret, q->dir);
	for (size_t i = 0; i < q->archives.count; i++) {
		show_place(q, q->urls[i], ret);
		for (size_t k = 0; k < q->lists[i].count; k++)
			show_place(q, q->lists[i].urls[k], ret);
	}
	if (q->pool)
		confined_read(ret, url_decode(q->arena, q->pool));
	for (size_t i = 0; i < h->count; i++) { /* certificates, programs that find proxies */
		const struct host_setting *s = &h->settings[i];

		if (*s->value == '/' && str_skip(s->name, "Acquire::"))
			confined_read(ret, s->value);
	}
}

int apt_configure(struct apt_request *q, struct err **err)
{
	struct mirrors *m = q->mirrors = arena_alloc(q->arena, sizeof(*m));

	if (make_dirs(q, err) < 0 || mirrors_open(q->arena, m, err) < 0 ||
	    write_sources(q, m, err) < 0)
		return -1;
	make_auth(q, m);
	make_conf(q, m);
	return 0;
}
