/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/curl_lazy.h"

struct curl_api curl_api;

int curl_load(struct err **err)
{
	static const struct lazy_symbol symbols[] = {
#define X(name) LAZY_SYMBOL(curl_, curl_api, name)
		CURL_FUNCTIONS(X)
#undef X
	};
	static struct lazy_lib lib = {.soname = "libcurl.so.4",
				      .package = "libcurl4",
				      .symbols = symbols,
				      .count = array_len(symbols),
				      .api = &curl_api};

	return lazy_load(&lib, err);
}
