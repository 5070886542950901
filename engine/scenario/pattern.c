/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scenario/pattern.h"

#include <ctype.h>

#define NESTED_MAX 20
#define PLACES_MAX 1000
#define MANY (PLACES_MAX + 1)

struct scan {
	const char *at;
	unsigned depth;
	const char *why; /* it is too much; NULL: it is not */
};

/* The end of the bracket expression that begins at P: "[^]x[:digit:]]". */
static const char *after_bracket(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']') {
		const char inner = p[1];

		if (*p++ != '[' || !inner || !strchr(":.=", inner))
			continue;
		for (p++; *p && !(p[0] == inner && p[1] == ']'); p++)
			;
		p += *p ? 2 : 0;
	}
	return *p ? p + 1 : p;
}

/* How often the piece before a "{2}", "{2,}" or "{2,5}" is there; 1 for what is none of them. */
static size_t times(struct scan *s)
{
	const char *p = s->at + 1;
	size_t n[2] = {0, 0};
	unsigned i = 0;

	for (; isdigit((unsigned char)*p) || (*p == ',' && i == 0); p++) {
		if (*p == ',')
			i = 1;
		else if (n[i] < MANY)
			n[i] = n[i] * 10 + (size_t)(*p - '0');
	}
	s->at++;
	if (*p != '}' || p == s->at)
		return 1;
	s->at = p + 1;
	return n[0] >= n[1] ? n[0] + i : n[1];
}

static size_t limited(size_t n)
{
	return n < MANY ? n : MANY;
}

static size_t group(struct scan *s);

/* One piece without what repeats it. */
static size_t piece(struct scan *s)
{
	if (*s->at == '(')
		return group(s);
	if (*s->at == '[') {
		s->at = after_bracket(s->at);
		return 1;
	}
	if (*s->at == '\\' && s->at[1]) {
		if (isdigit((unsigned char)s->at[1]))
			s->why = "a back-reference (\\1) may take for ever to look for";
		s->at++;
	}
	s->at++;
	return 1;
}

/* How many places it has with all repetitions written out, as regcomp() does; MANY: too many. */
static size_t places(struct scan *s)
{
	size_t all = 0, last = 0;

	while (*s->at && !s->why && !(*s->at == ')' && s->depth)) {
		size_t more = 1;

		if (*s->at == '{') {
			more = times(s);
		} else if (*s->at == '+') {
			more = 2;
			s->at++;
		} else if (*s->at == '*' || *s->at == '?') {
			s->at++;
		} else {
			last = piece(s);
			all = limited(all + last);
			continue;
		}
		all = limited(more ? all + last * (more - 1) : all);
		last = limited(more ? last * more : last);
	}
	return all;
}

static size_t group(struct scan *s)
{
	size_t n;

	s->at++;
	if (++s->depth > NESTED_MAX) {
		s->why = "its groups are too deep in one another";
		return MANY;
	}
	n = places(s);
	s->depth--;
	if (*s->at == ')')
		s->at++;
	return n + 1;
}

int regex_compile(const char *text, regex_t *ret, struct err **err)
{
	struct scan s = {.at = text};
	char message[200];
	int rc;

	if (strlen(text) > PLACES_MAX)
		return err_set(err, E_INVALID_PATTERN, "a regular expression has at most %d bytes",
			       PLACES_MAX);
	if (places(&s) >= MANY && !s.why)
		s.why = "it repeats too much";
	if (s.why)
		return err_set(err, E_INVALID_PATTERN,
			       "'%s' is not a regular expression that orch looks for: %s", text,
			       s.why);
	rc = regcomp(ret, text, REG_EXTENDED);
	if (!rc)
		return 0;
	regerror(rc, ret, message, sizeof(message));
	return err_set(err, E_INVALID_PATTERN, "'%s' is not an extended regular expression: %s",
		       text, message);
}

void regex_check(const struct yaml *map, const char *key, const char *text, struct err_list *errors)
{
	struct err *err cleanup_err = NULL;
	regex_t regex;

	if (!text)
		return;
	if (regex_compile(text, &regex, &err) < 0)
		err_list_at(errors, err->code, yaml_key_pos(map, key), "%s", err->text);
	else
		regfree(&regex);
}
