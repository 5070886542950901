/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind bundle. */
#include "kinds/beside_opts.h"

enum bundle_compression { BUNDLE_ZSTD, BUNDLE_LZ4, BUNDLE_GZIP, BUNDLE_XZ };

/* A program in the bundle that the device's rauc runs. */
struct bundle_hooks {
	struct ref *file;
	bool install_check;
	struct list slots; /* of struct pair *, the hooks of an image by its slot class */
};

struct bundle_opts {
	const char *compatible, *version, *description;
	int format, compression;
	struct list images; /* of struct named_ref * */
	struct ref *sign, *tools;
	struct bundle_hooks *hooks;
	struct list tested_by; /* of struct ref * */
	struct list adaptive;  /* of const char *: slot classes, or "true" alone */
	uint64_t block_size;   /* of the squashfs, bytes; 0: mksquashfs's default */
	struct beside_opts beside;
};

#define BUNDLE_ADAPTIVE_ALL "true"

/*
 * Whether TEXT is one line of an ini file, and of rauc's shell output: a slot class, a compatible,
 * a version.
 */
bool bundle_is_plain_line(const char *text);
/* Whether the input called REF (struct edge) is one of the verdicts. */
bool bundle_is_tested_by(const struct bundle_opts *o, const char *ref);
