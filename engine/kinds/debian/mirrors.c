/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/mirrors.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/url.h"
#include "kinds/debian/apt_auth.h"
#include "kinds/debian/mirror_list.h"
#include "kinds/package_pool.h"

#define MAX_LIST (1024 * 1024)

/* ---- the user's configuration ---- */

static const char *trim_slash(struct arena *arena, const char *url)
{
	size_t n = strlen(url);

	while (n && url[n - 1] == '/')
		n--;
	return arena_strndup(arena, url, n);
}

/* The scheme of a list of mirrors, after which the scheme of the list itself stands. */
static bool is_list(const char *url)
{
	return str_skip(url, "mirror:") || str_skip(url, "mirror+");
}

static int check_url(const char *alias, const char *url, struct pos pos, struct err **err)
{
	static const char *const schemes[] = {"http://",        "https://",      "file:/",
					      "mirror:/",       "mirror+file:/", "mirror+http://",
					      "mirror+https://"};
	bool known = false;

	for (size_t i = 0; i < array_len(schemes); i++)
		known |= str_skip(url, schemes[i]) != NULL;
	if (url[strcspn(url, " \t\r\n")])
		return err_at(err, E_INVALID_URL, pos,
			      "the URL of archive '%s' has a space: write %%20", alias);
	if (!known)
		return err_at(err, E_INVALID_URL, pos,
			      "the URL of archive '%s' must begin with https://, http://, file:/, "
			      "or one of these after mirror+",
			      alias);
	if (is_list(url) && url_has_user(url))
		return err_at(err, E_INVALID_URL, pos,
			      "the list of mirrors of archive '%s' has a user or password in its "
			      "URL: write it into apt's auth.conf",
			      alias);
	return 0;
}

static int take_url(struct mirrors *m, const struct pair *p, const char *url, struct mirror *ret,
		    struct str *auth, struct err **err)
{
	if (check_url(p->key, url, p->pos, err) < 0)
		return -1;
	if (url_has_user(url) && apt_auth_append(m->arena, url, auth) != 0)
		return err_at(err, E_URL_LOGIN, p->pos,
			      "the user or password of archive '%s' is empty or has a space, which "
			      "apt cannot be told",
			      p->key);
	url = trim_slash(m->arena, url_without_user(m->arena, url));
	if (is_list(url))
		ret->list = url;
	else
		ret->urls[ret->count++] = url;
	return 0;
}

static int take_pair(struct mirrors *m, const struct pair *p, struct mirror *ret, struct str *auth,
		     struct err **err)
{
	const struct list *urls = p->data;

	*ret = (struct mirror){.urls = arena_alloc(m->arena, (urls->count + 1) * sizeof(char *))};
	for (size_t i = 0; i < urls->count; i++)
		if (take_url(m, p, LIST_AT(*urls, const char *, i), ret, auth, err) < 0)
			return -1;
	if (!urls->count || (ret->list && urls->count > 1))
		return err_at(err, E_INVALID_VALUE, p->pos,
			      "archive '%s' needs a URL, several, or one list of mirrors", p->key);
	return 0;
}

int mirrors_open(struct arena *arena, struct mirrors *ret, struct err **err)
{
	struct str auth cleanup_str = STR_INIT;

	*ret = (struct mirrors){.arena = arena};
	if (user_config_read(arena, &ret->config, err) < 0 ||
	    host_apt_read(arena, &ret->host, err) < 0)
		return -1;
	for (size_t i = 0; i < ret->config.mirrors.count; i++) {
		const struct pair *p = LIST_AT(ret->config.mirrors, struct pair *, i);
		struct mirror ignored;

		if (take_pair(ret, p, &ignored, &auth, err) < 0)
			return -1;
	}
	ret->auth = arena_strdup(arena, auth.buf);
	return 0;
}

/* 0: found; 1: the user has said nothing about it. */
static int user_mirror(struct mirrors *m, const char *alias, struct mirror *ret, struct err **err)
{
	struct str auth cleanup_str = STR_INIT;

	for (size_t i = 0; i < m->config.mirrors.count; i++) {
		const struct pair *p = LIST_AT(m->config.mirrors, struct pair *, i);

		if (str_eq(p->key, alias))
			return take_pair(m, p, ret, &auth, err);
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

static bool is_usable(const char *uri)
{
	return str_skip(uri, "http://") || str_skip(uri, "https://") || str_skip(uri, "file:") ||
	       is_list(uri);
}

/* One that has the very suite, else one of the same role: Debian's mirrors have all suites. */
static const struct host_source *host_source(const struct mirrors *m, const char *suite)
{
	const struct host_source *best = NULL;
	enum role role = suite_role(suite);

	for (size_t i = 0; role != ROLE_NONE && i < m->source_count; i++) {
		const struct host_source *s = &m->sources[i];

		if (!is_usable(s->uri) || suite_role(s->suite) != role ||
		    (*s->origin && !str_eq(s->origin, "Debian")))
			continue;
		if (str_eq(s->suite, suite))
			return s;
		best = best ? best : s;
	}
	return best;
}

/* URL without user and password, which are remembered for it. */
static const char *take_login(struct mirrors *m, const char *url)
{
	struct str auth cleanup_str = STR_INIT;

	if (!url_has_user(url))
		return url;
	if (apt_auth_append(m->arena, url, &auth) == 0)
		m->auth = arena_printf(m->arena, "%s%s", m->auth, auth.buf);
	return url_without_user(m->arena, url);
}

static int host_mirror(struct mirrors *m, const char *suite, struct mirror *ret, struct err **err)
{
	const struct host_source *s;

	if (!m->have_sources && host_apt_sources(&m->host, &m->sources, &m->source_count, err) < 0)
		return -1;
	m->have_sources = true;
	s = host_source(m, suite);
	if (!s)
		return 1;
	*ret = (struct mirror){.signed_by = s->signed_by};
	if (is_list(s->uri)) {
		ret->list = s->uri;
		return 0;
	}
	ret->urls = arena_alloc(m->arena, sizeof(*ret->urls));
	ret->urls[ret->count++] = take_login(m, s->uri);
	return 0;
}

int mirrors_find(struct mirrors *m, const struct lock_archive *a, struct mirror *ret,
		 struct err **err)
{
	int r = user_mirror(m, a->alias, ret, err);

	if (r == 1 && !a->own_keys)
		r = host_mirror(m, a->suite, ret, err);
	if (r <= 0)
		return r;
	return err_set(
		err, E_NO_MIRROR,
		"no mirror configured for archive '%s': add it to ~/.config/orch/config.yaml, "
		"as in mirrors: {%s: URL} (the host's apt has no Debian source for it)",
		a->alias, a->alias);
}

/* ---- lists of mirrors ---- */

/* Where a list itself is: after "mirror+", or after "mirror:" for http. */
static const char *list_url(struct arena *arena, const char *list)
{
	const char *url = str_skip(list, "mirror+");

	return url ? url : arena_printf(arena, "http:%s", str_skip(list, "mirror:"));
}

static bool is_online(const char *url)
{
	return str_skip(url, "http:") || str_skip(url, "https:");
}

static int read_list(struct mirrors *m, const char *url, const char *tmp_dir, struct str *ret,
		     struct err **err)
{
	char *dest cleanup_free = path_join(tmp_dir, "mirrors");
	struct http_opts opts = {0};
	struct http_access access;
	const struct http_source source = {url, &access};
	struct http_item item = {.sources = &source,
				 .source_count = 1,
				 .dest = dest,
				 .max_size = MAX_LIST,
				 .name = "the list of mirrors"};

	if (!is_online(url)) {
		const char *file = strchr(url, ':') + 1;

		file += strspn(file, "/") ? strspn(file, "/") - 1 : 0;
		return file_read(url_decode(m->arena, file), MAX_LIST, ret, err);
	}
	user_config_limit(&m->config, &opts);
	if (host_apt_access(&m->host, url, m->auth, &access, err) < 0 ||
	    http_fetch(&item, 1, &opts, err) < 0 || file_read(dest, MAX_LIST, ret, err) < 0)
		return -1;
	unlink(dest);
	return 0;
}

/* ---- files of an archive ---- */

struct mirror_place {
	struct mirror_place *next;
	const char *alias;
	struct mirror where;
	const struct mirror_item *listed; /* metadata of each URL; NULL: it is not out of a list */
	struct http_access *access;       /* of each URL */
};

static void take_items(struct mirrors *m, const struct mirror_items *items, struct mirror_place *p)
{
	struct mirror_item *own = arena_alloc(m->arena, items->count * sizeof(*own));

	memcpy(own, items->items, items->count * sizeof(*own));
	p->listed = own;
	p->where.urls = arena_alloc(m->arena, items->count * sizeof(*p->where.urls));
	for (size_t i = 0; i < items->count; i++)
		p->where.urls[p->where.count++] = take_login(m, own[i].url);
}

/* Reads the list of P, if its place is one, from its file or server, and fills in its URLs. */
static int resolve_list(struct mirrors *m, struct mirror_place *p, const char *tmp_dir,
			struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	struct mirror_items items = {0};
	const char *url;

	if (!p->where.list || p->where.count)
		return 0;
	url = list_url(m->arena, p->where.list);
	if (read_list(m, url, tmp_dir, &text, err) < 0)
		return err_wrap(err, "cannot read '%s'", p->where.list);
	mirror_list_parse(m->arena, text.buf, is_online(url), &items);
	if (items.count)
		take_items(m, &items, p);
	mirror_items_clear(&items);
	if (!p->where.count)
		return err_set(err, E_NO_MIRROR,
			       "the list of mirrors '%s' names none that can be used: each line "
			       "begins with https://, http:// or, in a local list, file:/",
			       p->where.list);
	return 0;
}

static const struct http_access *elsewhere(void *arg, const char *url)
{
	const struct mirrors *m = arg;
	struct http_access *access = host_apt_elsewhere(&m->host, url, m->auth);

	if (access) {
		access->elsewhere = elsewhere;
		access->elsewhere_arg = arg;
	}
	return access;
}

static int find_place(struct mirrors *m, const struct lock_archive *a, const char *tmp_dir,
		      struct mirror_place **ret, struct err **err)
{
	struct mirror_place *p;

	for (p = m->places; p; p = p->next)
		if (str_eq(p->alias, a->alias)) {
			*ret = p;
			return 0;
		}
	p = arena_alloc(m->arena, sizeof(*p));
	*p = (struct mirror_place){.alias = arena_strdup(m->arena, a->alias)};
	if (mirrors_find(m, a, &p->where, err) < 0 || resolve_list(m, p, tmp_dir, err) < 0)
		return -1;
	p->access = arena_alloc(m->arena, p->where.count * sizeof(*p->access));
	for (size_t i = 0; i < p->where.count; i++) {
		if (host_apt_access(&m->host, p->where.urls[i], m->auth, &p->access[i], err) < 0)
			return -1;
		p->access[i].elsewhere = elsewhere;
		p->access[i].elsewhere_arg = m;
	}
	p->next = m->places;
	*ret = m->places = p;
	return 0;
}

/* What a list's metadata asks for; of a source apt says nothing. */
static struct mirror_file describe(const struct lock_archive *a, const struct lock_entry *e)
{
	const char *dot = strrchr(e->path, '.');
	struct mirror_file f = {0};

	if (e->type == LOCK_SOURCE)
		return f;
	f.arch = e->arch;
	f.type = dot ? dot + 1 : "";
	if (a->components && *a->components && !a->components[strcspn(a->components, ", ")])
		f.component = a->components;
	return f;
}

/* apt's auth.conf has paths, too: each file is asked about. */
static struct http_source source_of(struct mirrors *m, const struct mirror_place *p, size_t i,
				    const char *path)
{
	const char *url = arena_printf(m->arena, "%s/%s", p->where.urls[i], path);
	struct http_access *access = &p->access[i];

	if (access->ask) {
		access = arena_alloc(m->arena, sizeof(*access));
		*access = p->access[i];
		host_apt_login(&m->host, url, m->auth, &access->user, &access->password);
	}
	return (struct http_source){url, access};
}

static void push_mirrors(struct mirrors *m, const struct lock_archive *a,
			 const struct mirror_place *p, const struct lock_entry *e,
			 struct http_source *sources, size_t *count)
{
	const char *path = url_encode_path(m->arena, e->path);
	struct mirror_file file = describe(a, e);

	for (size_t i = 0; i < p->where.count; i++)
		if (!p->listed || mirror_item_serves(&p->listed[i], &file))
			sources[(*count)++] = source_of(m, p, i, path);
}

/* Servers of pools are reached as archives are. */
static int push_pools(struct mirrors *m, const struct pools *pools, const struct digest *d,
		      struct http_source *sources, size_t *count, struct err **err)
{
	for (size_t i = 0; i < pools->url_count; i++) {
		struct http_access *access = arena_alloc(m->arena, sizeof(*access));
		const char *url = arena_printf(m->arena, "%s/%s", take_login(m, pools->urls[i]),
					       pool_path(m->arena, d));

		if (host_apt_access(&m->host, url, m->auth, access, err) < 0)
			return -1;
		access->elsewhere = elsewhere;
		access->elsewhere_arg = m;
		sources[(*count)++] = (struct http_source){url, access};
	}
	return 0;
}

int mirrors_sources(struct mirrors *m, const struct lock_archive *a, const struct lock_entry *e,
		    const char *tmp_dir, struct http_item *item, struct err **err)
{
	struct http_source *sources;
	struct mirror_place *p = NULL;
	struct pools pools;
	size_t most;

	pools_find(m->arena, &m->config, NULL, a->alias, &pools);
	if (find_place(m, a, tmp_dir, &p, err) < 0) {
		if (!pools.url_count)
			return -1;
		err_free(steal_ptr(*err));
		p = NULL;
	}
	most = (p ? p->where.count : 0) + pools.url_count;
	item->sources = sources = arena_alloc(m->arena, most * sizeof(*sources));
	item->source_count = 0;
	if (p)
		push_mirrors(m, a, p, e, sources, &item->source_count);
	if (push_pools(m, &pools, &e->sha256, sources, &item->source_count, err) < 0)
		return -1;
	if (!item->source_count)
		return err_set(err, E_NO_MIRROR,
			       "the list of mirrors '%s' has none for '%s': all say that they have "
			       "other files ('arch:', 'component:', 'type:')",
			       p->where.list, e->path);
	return 0;
}

int mirrors_check_list(struct mirrors *m, const struct lock_archive *a, const char *tmp_dir,
		       struct err **err)
{
	static const struct mirror_file index = {.type = "index"};
	struct err *unread cleanup_err = NULL;
	struct mirror_place *p;
	bool served;

	if (find_place(m, a, tmp_dir, &p, &unread) < 0)
		return 0;
	served = !p->listed;
	for (size_t i = 0; !served && i < p->where.count; i++)
		served = mirror_item_serves(&p->listed[i], &index);
	if (!served)
		return err_set(err, E_NO_MIRROR,
			       "the list of mirrors '%s' has none for the indexes of the archive: "
			       "all say that they have other files ('type:'); add one",
			       p->where.list);
	return 0;
}
