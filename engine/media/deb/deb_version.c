/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions and relations as Debian Policy 5.6.12 and 7.1 define them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "media/deb/deb.h"

/* '~' sorts before the end, letters before all other characters. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (!c || isdigit((unsigned char)c))
		return 0;
	if (isalpha((unsigned char)c))
		return (unsigned char)c;
	return (unsigned char)c + 256;
}

/* A run of digits as a number of any length: moves *P after it. */
static const char *number(const char **p, size_t *ret_len)
{
	const char *start;

	while (**p == '0')
		(*p)++;
	start = *p;
	while (isdigit((unsigned char)**p))
		(*p)++;
	*ret_len = (size_t)(*p - start);
	return start;
}

static int compare_part(const char *a, const char *b)
{
	while (*a || *b) {
		const char *na, *nb;
		size_t la, lb;
		int c;

		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			c = weight(*a) - weight(*b);
			if (c)
				return c;
			a += *a != '\0';
			b += *b != '\0';
		}
		na = number(&a, &la);
		nb = number(&b, &lb);
		if (la != lb)
			return la < lb ? -1 : 1;
		c = strncmp(na, nb, la);
		if (c)
			return c;
	}
	return 0;
}

struct version {
	char *text; /* owned: what the others point into */
	const char *epoch, *upstream, *revision;
};

static struct version version_split(const char *s)
{
	struct version v = {.text = xstrdup(s), .epoch = "0", .revision = ""};
	char *colon = strchr(v.text, ':'), *dash = strrchr(v.text, '-');

	v.upstream = v.text;
	if (colon) {
		*colon = '\0';
		v.epoch = v.text;
		v.upstream = colon + 1;
	}
	if (dash && dash > v.upstream) {
		*dash = '\0';
		v.revision = dash + 1;
	}
	return v;
}

int deb_version_compare(const char *a, const char *b)
{
	struct version va = version_split(a), vb = version_split(b);
	int c = compare_part(va.epoch, vb.epoch);

	if (!c)
		c = compare_part(va.upstream, vb.upstream);
	if (!c)
		c = compare_part(va.revision, vb.revision);
	free(va.text);
	free(vb.text);
	return c;
}

bool deb_relation_allows(const struct deb_relation *r, const char *version)
{
	int c;

	if (!*r->op || !version)
		return !*r->op;
	c = deb_version_compare(version, r->version);
	switch (r->op[0]) {
	case '<':
		return r->op[1] == '<' ? c < 0 : c <= 0;
	case '>':
		return r->op[1] == '>' ? c > 0 : c >= 0;
	default:
		return c == 0;
	}
}

bool deb_relation_next(const char **field, struct deb_relation *ret)
{
	const char *start = *field + strspn(*field, " \t\n,|");
	size_t len = strcspn(start, ",|");
	char *one cleanup_free = xstrndup(start, len);

	if (!len)
		return false;
	*field = start + len;
	*ret = (struct deb_relation){.more = **field == '|'};
	if (sscanf(one, "%255[^ :(\t\n]%*[^(](%2[<>=] %255[^ )]", ret->name, ret->op,
		   ret->version) < 3)
		sscanf(one, "%255[^ :(\t\n](%2[<>=] %255[^ )]", ret->name, ret->op, ret->version);
	return true;
}

char *deb_next_stanza(char **rest)
{
	char *stanza = *rest, *end = stanza ? strstr(stanza, "\n\n") : NULL;

	if (!stanza || !*stanza)
		return NULL;
	*rest = end ? end + 2 : NULL;
	if (end)
		end[1] = '\0';
	return stanza;
}

char *deb_field(const char *stanza, const char *field)
{
	size_t n = strlen(field);

	for (const char *line = stanza; *line;) {
		size_t len = strcspn(line, "\n");

		if (len > n && line[n] == ':' && strncasecmp(line, field, n) == 0) {
			const char *value = line + n + 1, *end = line + len;
			char *out;

			while (end[0] == '\n' && (end[1] == ' ' || end[1] == '\t'))
				end += 1 + strcspn(end + 1, "\n");
			value += strspn(value, " \t");
			out = value < end ? xstrndup(value, (size_t)(end - value)) : xstrdup("");
			for (char *p = out; *p; p++)
				if (*p == '\n')
					*p = ' ';
			return out;
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}
