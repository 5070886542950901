/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/apt_auth.h"

#include "base/url.h"

#define SPACE " \t\r\n"

/* Whether an entry for MACHINE answers URL: the rules of apt's contrib/netrc.cc. */
static bool is_for(struct arena *arena, const char *machine, const struct url *url)
{
	const char *rest = strstr(machine, "://");
	const char *host_port =
		*url->port ? arena_printf(arena, "%s:%s", url->host, url->port) : url->host;
	const char *place = arena_printf(arena, "%s%s/", host_port, url->path);

	if (rest && (strncmp(machine, url->scheme, (size_t)(rest - machine)) != 0 ||
		     strlen(url->scheme) != (size_t)(rest - machine)))
		return false;
	if (!rest && !str_eq(url->scheme, "https"))
		return false;
	machine = rest ? rest + 3 : machine;
	if (!strchr(machine, '/'))
		return str_eq(machine, host_port) || str_eq(machine, url->host);
	return str_skip(place, machine) != NULL;
}

static void blank_comments(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, SPACE);
		if (*line == '#')
			memset(line, ' ', strcspn(line, "\n"));
	}
}

int apt_auth_find(struct arena *arena, const char *text, const char *url, const char **ret_user,
		  const char **ret_password)
{
	char *copy cleanup_free = xstrdup(text);
	const char *user = NULL, *password = "";
	bool here = false;
	struct url u;
	char *save = NULL;

	url_split(arena, url, &u);
	blank_comments(copy);
	for (char *word = strtok_r(copy, SPACE, &save); word; word = strtok_r(NULL, SPACE, &save)) {
		char *value = strtok_r(NULL, SPACE, &save);

		if (!value)
			break;
		if (str_eq(word, "machine") && here && user)
			break;
		if (str_eq(word, "machine"))
			here = is_for(arena, value, &u);
		else if (here && str_eq(word, "login"))
			user = arena_strdup(arena, value);
		else if (here && str_eq(word, "password"))
			password = arena_strdup(arena, value);
	}
	if (!user)
		return 1;
	*ret_user = user;
	*ret_password = password;
	return 0;
}

static bool is_word(const char *s)
{
	return *s && s[strcspn(s, SPACE)] == '\0';
}

int apt_auth_add(const char *url, const char *user, const char *password, struct str *ret)
{
	if (!is_word(user) || (*password && !is_word(password)))
		return 1;
	str_printf(ret, "machine %s login %s", url, user);
	if (*password)
		str_printf(ret, " password %s", password);
	str_append(ret, "\n");
	return 0;
}

int apt_auth_append(struct arena *arena, const char *url, struct str *ret)
{
	struct url u;

	url_split(arena, url, &u);
	return apt_auth_add(url_without_user(arena, url), u.user, u.password, ret);
}
