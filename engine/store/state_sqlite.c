/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_sqlite.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libsqlite3.so.0"

struct sqlite_calls sqlite;

#define SQLITE_SYMBOL(name) {"sqlite3_" #name, offsetof(struct sqlite_calls, name)},
static const struct {
	const char *name;
	size_t offset;
} symbols[] = {SQLITE_CALLS(SQLITE_SYMBOL)};

int sqlite_load(struct err **err)
{
	struct sqlite_calls calls;
	void *library;

	if (sqlite.open_v2)
		return 0;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; i < array_len(symbols); i++) {
		void *call = library ? dlsym(library, symbols[i].name) : NULL;

		if (!call)
			return err_set(err, E_PROGRAM_MISSING,
				       "cannot load " LIBRARY ": %s: install package "
				       "libsqlite3-0",
				       dlerror());
		memcpy((char *)&calls + symbols[i].offset, &call, sizeof(call));
	}
	sqlite = calls;
	return 0;
}
