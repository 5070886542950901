/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/state_sqlite.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define LIBRARY "libsqlite3.so.0"
#define LIBRARY_ROOM (8u << 20) /* bytes; with libm it takes less than 4 MiB */

struct sqlite_calls sqlite;

#define SQLITE_SYMBOL(name) {"sqlite3_" #name, offsetof(struct sqlite_calls, name)},
static const struct {
	const char *name;
	size_t offset;
} symbols[] = {SQLITE_CALLS(SQLITE_SYMBOL)};

/* Whether there is room for it and what it needs: the loader does not say that it was that. */
static bool has_room(void)
{
	void *room = mmap(NULL, LIBRARY_ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room != MAP_FAILED && munmap(room, LIBRARY_ROOM) == 0;
}

static int cannot_load(struct err **err)
{
	const char *why = dlerror();

	if (!has_room())
		return err_set(err, E_NO_MEMORY, "cannot load %s", why);
	return err_set(err, E_PROGRAM_MISSING,
		       "cannot load " LIBRARY ": %s: install package libsqlite3-0", why);
}

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
			return cannot_load(err);
		memcpy((char *)&calls + symbols[i].offset, &call, sizeof(call));
	}
	sqlite = calls;
	return 0;
}
