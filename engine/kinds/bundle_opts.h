/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind bundle. */
#include "recipe/schema.h"

enum bundle_compression { BUNDLE_ZSTD, BUNDLE_LZ4, BUNDLE_GZIP, BUNDLE_XZ };

struct bundle_opts {
	const char *compatible, *version, *description;
	int format, compression;
	struct list images; /* of struct named_ref * */
	struct ref *sign, *tools;
	struct list tested_by; /* of struct ref * */
};
