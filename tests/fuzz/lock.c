/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Locks. What can be read is written again as it was. */
#include "fuzz.h"
#include "kinds/debian/debian.h"

static void parse(const char *text, size_t len)
{
	struct arena *arena cleanup_arena = arena_new();
	struct debian_lock l cleanup_lock = {0};
	struct str again cleanup_str = STR_INIT;
	struct pins pins = {0};
	struct err *err cleanup_err = NULL;

	if (debian_lock_parse(arena, "x.lock", text, len, &l, &err) < 0)
		return;
	debian_lock_format(&l, &again);
	if (!memchr(text, '\r', len))
		assert(again.len == len && memcmp(again.buf, text, len) == 0);
	assert(debian_pins(arena, "x.lock", text, &pins, &err) == 0);
	pins_clear(&pins);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];
	struct digest d;

	str_append_len(&text, data, size);
	parse(text.buf, text.len);
	/* And as body of one whose digest is right. */
	digest_data(data, size, &d);
	str_printf(&text, "digest %s\n", digest_hex(&d, hex));
	parse(text.buf, text.len);
	return 0;
}
