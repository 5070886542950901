/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's console, in pieces as long as the first byte says. Lines are clean, whatever comes. */
#include "fuzz.h"
#include "machine/board/console.h"

static void event(void *arg, enum console_event event, const char *text, long a, long b)
{
	assert(strlen(text) <= CONSOLE_LINE_MAX);
	for (const char *p = text; *p; p++)
		assert((unsigned char)*p >= ' ' || *p == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct console c cleanup_console = CONSOLE_INIT("token", event, NULL);
	size_t step = size ? (size_t)data[0] + 1 : 1;

	for (size_t at = 1; at < size; at += step)
		console_feed(&c, data + at, size - at < step ? size - at : step);
	console_end(&c);
	return 0;
}
