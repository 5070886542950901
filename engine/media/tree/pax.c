/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/pax.h"

#include <ctype.h>
#include <string.h>

#define BLOCK 512
#define SIZE_AT 124 /* of the header: 12 octal digits */
#define TYPE_AT 156
#define MAX_DIGITS 18 /* fit into 64 bits with a sign */
#define LIBARCHIVE_XATTR "LIBARCHIVE.xattr."
#define SCHILY_XATTR "SCHILY.xattr."

/* One "LENGTH KEY=VALUE\n". */
struct record {
	const char *key, *value;
	size_t key_len, value_len;
};

static bool complain(struct str *why, const char *key, size_t len, const char *what)
{
	str_printf(why, "%.*s %s", (int)len, key, what);
	return false;
}

/* The record at *P, which ends before END; *P is after it then. */
static bool next_record(const char **p, const char *end, struct record *ret)
{
	const char *digit = *p, *equals, *key;
	size_t len = 0;

	for (; digit < end && isdigit((unsigned char)*digit) && len < BLOCK * (size_t)BLOCK * 8;
	     digit++)
		len = len * 10 + (size_t)(*digit - '0');
	if (digit == *p || digit == end || *digit != ' ' || len > (size_t)(end - *p) ||
	    len < (size_t)(digit + 2 - *p) || (*p)[len - 1] != '\n')
		return false;
	key = digit + 1;
	*p += len;
	equals = memchr(key, '=', (size_t)(*p - 1 - key));
	if (!equals || equals == key)
		return false;
	*ret = (struct record){.key = key,
			       .key_len = (size_t)(equals - key),
			       .value = equals + 1,
			       .value_len = (size_t)(*p - 1 - (equals + 1))};
	return true;
}

static bool is_base64(const char *s, size_t len)
{
	if (len && len % 4 == 0 && s[len - 1] == '=')
		len -= s[len - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '+' && s[i] != '/')
			return false;
	return len % 4 != 1;
}

static bool is_url_encoded(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] == '%' && (i + 2 >= len || !isxdigit((unsigned char)s[i + 1]) ||
				    !isxdigit((unsigned char)s[i + 2])))
			return false;
	return true;
}

/* The attribute's name, when R is of one; NULL: it is something else. */
static const char *attribute_of(const struct record *r, size_t *ret_len)
{
	static const char *const prefixes[] = {LIBARCHIVE_XATTR, SCHILY_XATTR};

	for (size_t i = 0; i < array_len(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (r->key_len < n || memcmp(r->key, prefixes[i], n) != 0)
			continue;
		*ret_len = r->key_len - n;
		return r->key + n;
	}
	return NULL;
}

/* The length of the digits that S begins with. */
static size_t digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

static bool is_number(const char *s, size_t len)
{
	return len && len <= MAX_DIGITS && digits(s, len) == len;
}

/* Seconds, before 1970 too, and what part of one. */
static bool is_time(const char *s, size_t len)
{
	size_t sign = len && *s == '-', whole = digits(s + sign, len - sign), n = sign + whole;

	if (!whole || whole > MAX_DIGITS)
		return false;
	return n == len || (s[n] == '.' && digits(s + n + 1, len - n - 1) == len - n - 1);
}

/* Numbers with commas in between; of libarchive's they are pairs. */
static bool is_map(const char *s, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at <= len; count++) {
		size_t n = digits(s + at, len - at);

		if (!n || n > MAX_DIGITS || (at + n < len && s[at + n] != ','))
			return !len;
		at += n + 1;
	}
	return count % 2 == 0;
}

static bool has_no_nul(const char *s, size_t len)
{
	return !memchr(s, '\0', len);
}

/* What a member is besides its attributes. */
static const struct field {
	const char *key;
	bool (*is_right)(const char *s, size_t len);
	const char *wrong;
	bool repeats;
} fields[] = {
	{"path", has_no_nul, "has a NUL"},
	{"linkpath", has_no_nul, "has a NUL"},
	{"uname", has_no_nul, "has a NUL"},
	{"gname", has_no_nul, "has a NUL"},
	{"uid", is_number, "is not a number"},
	{"gid", is_number, "is not a number"},
	{"size", is_number, "is not a number"},
	{"mtime", is_time, "is not a time"},
	{"SCHILY.devmajor", is_number, "is not a number"},
	{"SCHILY.devminor", is_number, "is not a number"},
	{"SCHILY.realsize", is_number, "is not a number"},
	{"GNU.sparse.major", is_number, "is not a number"},
	{"GNU.sparse.minor", is_number, "is not a number"},
	{"GNU.sparse.size", is_number, "is not a number"},
	{"GNU.sparse.realsize", is_number, "is not a number"},
	{"GNU.sparse.numblocks", is_number, "is not a number"},
	{"GNU.sparse.offset", is_number, "is not a number", .repeats = true},
	{"GNU.sparse.numbytes", is_number, "is not a number", .repeats = true},
	{"GNU.sparse.map", is_map, "is not a list of pairs"},
	{"GNU.sparse.name", has_no_nul, "has a NUL"},
};

static const struct field *field_of(const struct record *r)
{
	for (size_t i = 0; i < array_len(fields); i++)
		if (strlen(fields[i].key) == r->key_len &&
		    memcmp(fields[i].key, r->key, r->key_len) == 0)
			return &fields[i];
	return NULL;
}

static bool check_record(const struct record *r, struct str *why)
{
	const struct field *field = field_of(r);
	size_t len;
	const char *name = attribute_of(r, &len);

	if (field && !field->is_right(r->value, r->value_len))
		return complain(why, r->key, r->key_len, field->wrong);
	if (!name)
		return true;
	if (!len || memchr(name, '\0', len))
		return complain(why, r->key, r->key_len, "has no name");
	if (*r->key == 'L' && !is_url_encoded(name, len))
		return complain(why, r->key, r->key_len, "has a name with a wrong %XX");
	if (*r->key == 'L' && !is_base64(r->value, r->value_len))
		return complain(why, r->key, r->key_len, "is not base64");
	return true;
}

/* Whether R's key comes again, up to END, with another value. */
static bool comes_again(const struct record *r, const char *p, const char *end)
{
	struct record other;

	while (p < end && next_record(&p, end, &other))
		if (other.key_len == r->key_len && memcmp(other.key, r->key, r->key_len) == 0 &&
		    (other.value_len != r->value_len ||
		     memcmp(other.value, r->value, r->value_len) != 0))
			return true;
	return false;
}

/* ALL: of the header of all members that follow. */
static bool check_records(const char *p, const char *end, bool all, struct str *why)
{
	struct record r;
	size_t len;

	while (p < end) {
		const struct field *field;

		if (!next_record(&p, end, &r)) {
			str_append(why, "its pax header is malformed");
			return false;
		}
		if (!check_record(&r, why))
			return false;
		field = field_of(&r);
		if (all && (field || attribute_of(&r, &len)))
			return complain(why, r.key, r.key_len, "is given for all members at once");
		if ((field ? !field->repeats : attribute_of(&r, &len) != NULL) &&
		    comes_again(&r, p, end))
			return complain(why, r.key, r.key_len, "has two values");
	}
	return true;
}

/* The size that a header says; UINT64_MAX when it is not in octal digits. */
static uint64_t size_of(const char *header)
{
	uint64_t size = 0;
	size_t i = SIZE_AT;

	while (i < SIZE_AT + 12 && header[i] == ' ')
		i++;
	for (; i < SIZE_AT + 12 && header[i] >= '0' && header[i] <= '7'; i++)
		size = size * 8 + (uint64_t)(header[i] - '0');
	return i < SIZE_AT + 12 && header[i] && header[i] != ' ' ? UINT64_MAX : size;
}

bool pax_check(const char *tar, size_t len, uint64_t at, struct str *why)
{
	while (at <= len && len - at >= BLOCK && tar[at + TYPE_AT] &&
	       strchr("xgXLK", tar[at + TYPE_AT])) {
		char type = tar[at + TYPE_AT];
		uint64_t size = size_of(tar + at);

		if (size > len - at - BLOCK)
			return true; /* libarchive complains about this */
		at += BLOCK;
		if (type != 'L' && type != 'K' &&
		    !check_records(tar + at, tar + at + size, type == 'g', why))
			return false;
		at += (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	return true;
}
