/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of owners beside a directory. */
#include "base/owners.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct owners *o cleanup_owners = owners_new(), *again cleanup_owners = owners_new();
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	if (owners_parse(o, (const char *)data, size, "x", &err) < 0)
		return 0;
	owners_format(o, true, &text);
	assert(owners_parse(again, text.buf, text.len, "x", &err) == 0);
	return 0;
}
