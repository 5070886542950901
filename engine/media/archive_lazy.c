/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/archive_lazy.h"

struct archive_api archive_api;

int archive_load(struct err **err)
{
	static const struct lazy_symbol symbols[] = {
#define X(name) LAZY_SYMBOL(archive_, archive_api, name)
		ARCHIVE_FUNCTIONS(X)
#undef X
			{"archive_errno", offsetof(struct archive_api, number)},
	};
	static struct lazy_lib lib = {.soname = "libarchive.so.13",
				      .package = "libarchive13",
				      .symbols = symbols,
				      .count = array_len(symbols),
				      .api = &archive_api};

	return lazy_load(&lib, err);
}
