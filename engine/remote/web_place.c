/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/web_place.h"

#include <stdlib.h>

#include "base/url.h"

#define AMAZON "amazonaws.com"

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static const char *either(const char *a, const char *b, const char *c)
{
	if (a)
		return a;
	return b ? b : c;
}

static bool is_local(const char *host)
{
	return str_eq(host, "localhost") || str_eq(host, "::1") || str_skip(host, "127.");
}

/* BASE and PATH with one '/' between, none at the end. */
static const char *below(struct arena *arena, const char *base, const char *path)
{
	size_t a = strlen(base), b;

	path += strspn(path, "/");
	b = strlen(path);
	while (a && base[a - 1] == '/')
		a--;
	while (b && path[b - 1] == '/')
		b--;
	return arena_printf(arena, "%.*s%s%.*s", (int)a, base, b ? "/" : "", (int)b, path);
}

/* ---- http and https ---- */

static void take_login(const struct url *u, const struct remote_access *access, struct arena *arena,
		       struct web_place *ret)
{
	const char *colon = access->token ? strchr(access->token, ':') : NULL;

	if (colon) {
		ret->user = arena_strndup(arena, access->token, (size_t)(colon - access->token));
		ret->password = colon + 1;
	} else if (access->token) {
		ret->token = access->token;
	} else if (u->user) {
		ret->user = u->user;
		ret->password = u->password;
	}
}

static int check_plain(const struct url *u, const struct web_place *place, bool plain,
		       struct err **err)
{
	if (!str_eq(u->scheme, "http") || is_local(u->host))
		return 0;
	if (place->token || place->user)
		return err_set(err, E_REMOTE_URL,
			       "the token for '%s' would travel in clear; use https://, or take "
			       "the token away",
			       u->host);
	if (!plain)
		return err_set(err, E_REMOTE_URL,
			       "whoever is between here and '%s' could answer in its place; use "
			       "https://, or add ?plain=yes to the URL and sign results ('trust:')",
			       u->host);
	return 0;
}

static int web_find(struct arena *arena, const char *url, const struct url *u,
		    const struct remote_access *access, struct web_place *ret, struct err **err)
{
	const char *query = strchr(url, '?');
	bool plain = query && str_eq(query, "?plain=yes");
	const char *text = url_without_user(arena, url);

	if (!*u->host || (query && !plain) || strchr(url, '#'))
		return err_set(err, E_REMOTE_URL,
			       "'%s' is not a URL of a cache: it has a host and a path alone",
			       u->host);
	ret->base = below(arena, arena_strndup(arena, text, strcspn(text, "?")), "");
	take_login(u, access, arena, ret);
	return check_plain(u, ret, plain, err);
}

/* ---- S3 ---- */

static void take_key(const struct remote_access *access, struct web_place *ret)
{
	ret->signing.key_id = access->key_id;
	ret->signing.secret = access->secret;
	if (access->key_id)
		return;
	ret->signing.key_id = environment("AWS_ACCESS_KEY_ID");
	ret->signing.secret = environment("AWS_SECRET_ACCESS_KEY");
	ret->signing.session = environment("AWS_SESSION_TOKEN");
}

static int s3_find(struct arena *arena, const struct url *u, const struct remote_access *access,
		   struct web_place *ret, struct err **err)
{
	const char *endpoint =
		either(environment("AWS_ENDPOINT_URL_S3"), environment("AWS_ENDPOINT_URL"), NULL);
	const char *region = either(access->region, environment("AWS_REGION"),
				    environment("AWS_DEFAULT_REGION"));
	const char *query = strchr(u->path, '?');
	const char *prefix = arena_strndup(arena, u->path, strcspn(u->path, "?"));
	struct url to;

	if (!*u->host || *u->port || u->user || (query && !str_eq(query, "?plain=yes")))
		return err_set(err, E_REMOTE_URL, "'s3://%s%s' is not s3://BUCKET/PREFIX", u->host,
			       u->path);
	ret->is_s3 = true;
	ret->signing.region = region ? region : "us-east-1";
	take_key(access, ret);
	if (ret->signing.key_id && !ret->signing.secret)
		return err_set(err, E_REMOTE_URL,
			       "there is a key for 's3://%s', but no secret; set "
			       "$AWS_SECRET_ACCESS_KEY",
			       u->host);
	if (endpoint) {
		ret->base = below(arena, below(arena, endpoint, u->host), prefix);
	} else {
		endpoint = arena_printf(arena, "https://%s.s3.%s.%s", u->host, ret->signing.region,
					AMAZON);
		ret->base = below(arena, endpoint, prefix);
	}
	url_split(arena, endpoint, &to);
	return check_plain(&to, &(struct web_place){0}, query != NULL, err);
}

int web_place_find(struct arena *arena, const char *url, const struct remote_access *access,
		   struct web_place *ret, struct err **err)
{
	struct url u;

	*ret = (struct web_place){0};
	url_split(arena, url, &u);
	if (str_eq(u.scheme, "s3"))
		return s3_find(arena, &u, access, ret, err);
	return web_find(arena, url, &u, access, ret, err);
}
