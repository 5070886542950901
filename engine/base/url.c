/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/url.h"

#include <ctype.h>
#include <stdio.h>

#include "base/str.h"

/* The part of TEXT that names user, host and port: *ret_len bytes; NULL when it has none. */
static const char *authority(const char *text, size_t *ret_len)
{
	const char *colon = strstr(text, "://");

	if (!colon || strcspn(text, "/?#") < (size_t)(colon - text))
		return NULL;
	*ret_len = strcspn(colon + 3, "/?#");
	return colon + 3;
}

/* The '@' that ends the user's name and password, or NULL. */
static const char *user_end(const char *text)
{
	size_t len;
	const char *start = authority(text, &len);

	return start ? memrchr(start, '@', len) : NULL;
}

bool url_has_user(const char *text)
{
	return user_end(text) != NULL;
}

const char *url_without_user(struct arena *arena, const char *text)
{
	const char *at = user_end(text);
	size_t len;
	const char *start = authority(text, &len);

	return at ? arena_printf(arena, "%.*s%s", (int)(start - text), text, at + 1) : text;
}

static void split_user(struct arena *arena, const char *user, size_t len, struct url *ret)
{
	const char *colon = memchr(user, ':', len);
	size_t n = colon ? (size_t)(colon - user) : len;

	ret->user = url_decode(arena, arena_strndup(arena, user, n));
	ret->password =
		colon ? url_decode(arena, arena_strndup(arena, colon + 1, len - n - 1)) : "";
}

static void split_host(struct arena *arena, const char *host, size_t len, struct url *ret)
{
	const char *bracket = *host == '[' ? memchr(host, ']', len) : NULL;
	const char *colon = bracket ? bracket + 1 : memchr(host, ':', len);

	if (!colon || colon >= host + len || *colon != ':')
		colon = NULL;
	ret->port = colon ? arena_strndup(arena, colon + 1, len - (size_t)(colon + 1 - host)) : "";
	if (bracket)
		ret->host = arena_strndup(arena, host + 1, (size_t)(bracket - host) - 1);
	else
		ret->host = arena_strndup(arena, host, colon ? (size_t)(colon - host) : len);
}

void url_split(struct arena *arena, const char *text, struct url *ret)
{
	size_t len;
	const char *start = authority(text, &len), *at = user_end(text);
	const char *colon = strchr(text, ':');

	*ret = (struct url){.scheme = "", .host = "", .port = "", .path = text};
	if (colon)
		ret->scheme = arena_strndup(arena, text, (size_t)(colon - text));
	if (!start) {
		ret->path = colon ? arena_strdup(arena, colon + 1) : text;
		return;
	}
	ret->path = arena_strdup(arena, start + len);
	if (at)
		split_user(arena, start, (size_t)(at - start), ret);
	split_host(arena, at ? at + 1 : start, at ? len - (size_t)(at + 1 - start) : len, ret);
}

char *url_shown(const char *text)
{
	const char *at = user_end(text);
	size_t len;
	const char *start = authority(text, &len), *rest = at ? at + 1 : text;
	size_t n = strcspn(rest, "?");

	return xasprintf("%.*s%.*s%s", at ? (int)(start - text) : 0, text, (int)n, rest,
			 rest[n] ? "?..." : "");
}

char *url_decode(struct arena *arena, const char *text)
{
	char *out = arena_strdup(arena, text), *w = out;

	for (const char *s = text; *s; s++) {
		unsigned c;

		if (*s == '%' && isxdigit((unsigned char)s[1]) && isxdigit((unsigned char)s[2]) &&
		    sscanf(s + 1, "%2x", &c) == 1) {
			*w++ = (char)c;
			s += 2;
		} else {
			*w++ = *s;
		}
	}
	*w = '\0';
	return out;
}

char *url_encode_path(struct arena *arena, const char *path)
{
	struct str s cleanup_str = STR_INIT;

	for (; *path; path++) {
		if (*path > ' ' && *path < 0x7f && !strchr("%?#", *path))
			str_append_char(&s, *path);
		else
			str_printf(&s, "%%%02x", (unsigned char)*path);
	}
	return arena_strdup(arena, s.buf);
}
