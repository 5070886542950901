/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#include <locale.h>
#include <wchar.h>

#include "base/alloc.h"

struct utf8 utf8_start(const char *text, size_t len)
{
	return (struct utf8){.at = text, .next = text, .end = text + len, .line = 1, .col = 0};
}

/* Length of the valid sequence at S, its code in *ret; 0 when there is none. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *s < 0x80 ? 1 : *s >= 0xf0 && *s < 0xf8 ? 4 : *s >= 0xe0 ? 3 : 2;
	uint32_t code;

	if (n == 1) {
		*ret = *s;
		return 1;
	}
	if (*s < 0xc0 || *s >= 0xf8 || n > len)
		return 0;
	code = *s & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret = code;
	return n;
}

size_t utf8_encode(uint32_t code, char ret[4])
{
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; code >>= 6)
		ret[i] = (char)(0x80 | (code & 0x3f));
	ret[0] = (char)(marks[n] | code);
	return n;
}

/* Line ends as YAML 1.1 knows them: LF, CR, CR LF, NEL, LS, PS. */
static bool ends_line(const struct utf8 *u)
{
	if (u->code == '\r')
		return u->next == u->end || *u->next != '\n';
	return u->code == '\n' || u->code == 0x85 || u->code == 0x2028 || u->code == 0x2029;
}

bool utf8_next(struct utf8 *u)
{
	size_t n;

	if (u->col && !u->bad && ends_line(u)) {
		u->line++;
		u->col = 0;
	}
	if (u->next == u->end)
		return false;
	u->at = u->next;
	n = decode((const unsigned char *)u->at, (size_t)(u->end - u->at), &u->code);
	u->bad = n == 0;
	if (u->bad)
		u->code = (unsigned char)*u->at;
	u->next = u->at + (n ? n : 1);
	u->col++;
	return true;
}

bool utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0 && code != 0x85);
}

unsigned utf8_width(uint32_t code)
{
	static locale_t unicode; /* opened once */
	static bool tried;
	locale_t old;
	int width;

	if (code < 0x80)
		return 1;
	if (!tried)
		unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
	tried = true;
	if (!unicode)
		return 1;
	old = uselocale(unicode);
	width = wcwidth((wchar_t)code);
	uselocale(old);
	return width < 0 ? 1 : (unsigned)width;
}
