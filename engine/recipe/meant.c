/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/meant.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MEANT_MAX 1e9

static uint64_t round_up(double n)
{
	uint64_t whole = (uint64_t)n;

	return whole + ((double)whole < n);
}

/* The number that TEXT begins with; *RET_UNIT is what comes after it. Negative: none. */
static double number(const char *text, const char **ret_unit)
{
	size_t len = strspn(text, "0123456789.");
	char *end;
	double n = len ? strtod(text, &end) : -1;

	if (!len || end != text + len || n > MEANT_MAX)
		return -1;
	*ret_unit = end + strspn(end, " ");
	return n;
}

char *meant_seconds(const char *text)
{
	static const struct {
		const char *word;
		int seconds;
	} units[] = {{"s", 1},    {"sec", 1},     {"m", 60},
		     {"min", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}};
	const char *unit;
	double n = number(text, &unit);

	for (size_t i = 0; n > 0 && i < array_len(units); i++)
		if (str_eq(unit, units[i].word))
			return xasprintf("%" PRIu64, round_up(n * units[i].seconds));
	return NULL;
}

char *meant_size(const char *text)
{
	static const char letters[] = "KMGT";
	const char *unit, *letter, *rest;
	double n = number(text, &unit);
	char upper;

	if (n <= 0 || !*unit)
		return NULL;
	upper = *unit >= 'a' && *unit <= 'z' ? (char)(*unit - 'a' + 'A') : *unit;
	letter = strchr(letters, upper);
	rest = unit + 1;
	if (!letter || (*rest && !str_eq(rest, "B") && !str_eq(rest, "b") && !str_eq(rest, "iB")))
		return NULL;
	for (; n < (double)round_up(n) && letter > letters; letter--)
		n *= 1024;
	return xasprintf("%" PRIu64 "%c", round_up(n), *letter);
}
