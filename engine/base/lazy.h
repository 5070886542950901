/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Libraries that are loaded when they are first needed. orch starts itself once more for every node
 * it builds, and most of a start would go into relocating libraries that this process never calls.
 *
 * A file that uses one lists its functions in a header of its own, once as struct and table
 * (LAZY_FIELD, LAZY_SYMBOL) and once as macros that call through the struct.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct lazy_symbol {
	const char *name;
	size_t offset; /* of its pointer in the struct */
};
#define LAZY_FIELD(prefix, name) __typeof__(&prefix##name) name;
#define LAZY_SYMBOL(prefix, api, name) {#prefix #name, offsetof(struct api, name)},

struct lazy_lib {
	const char *soname;  /* "libcurl.so.4" */
	const char *package; /* Debian package that has it, for the message */
	const struct lazy_symbol *symbols;
	size_t count;
	void *api; /* the struct that is filled */
	bool loaded;
};

/* Loads the library and fills its struct, the first time. ERR_ENV when it is missing or too old. */
int lazy_load(struct lazy_lib *lib, struct err **err) warn_unused;
