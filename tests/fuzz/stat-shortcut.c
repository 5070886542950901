/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a snapshot of a project with nothing to do holds after its head and sum. The first byte of
 * an input says how often its entries are repeated, so that they can be enough for several threads.
 * The directories that they are looked for in lack most names, and an entry may say so.
 */
#include "fuzz.h"
#include "graph/stat_shortcut.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body cleanup_str = STR_INIT, answer cleanup_str = STR_INIT;
	uint64_t len = 0;
	size_t entries = 0;

	if (size < 1 + sizeof(len))
		return 0;
	memcpy(&len, data + 1, sizeof(len));
	if (len <= size - 1 - sizeof(len))
		entries = size - 1 - sizeof(len) - (size_t)len;
	str_append_len(&body, data + 1, size - 1);
	for (unsigned i = 0; i < data[0]; i++)
		str_append_len(&body, data + size - entries, entries);
	if (stat_shortcut_read("/proc/self", "/proc/self/fdinfo", body.buf, body.len, &answer) ==
	    0) {
		assert(answer.len == len);
		assert(memcmp(answer.buf, body.buf + sizeof(len), answer.len) == 0);
	} else {
		assert(answer.len == 0);
	}
	return 0;
}
