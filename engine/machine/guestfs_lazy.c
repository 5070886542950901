/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guestfs_lazy.h"

#include <dlfcn.h>
#include <stdbool.h>

struct guestfs_api guestfs_api;

#ifdef GUESTFS_LINKED

int guestfs_load(struct err **err)
{
#define X(name) guestfs_api.name = guestfs_##name;
	GUESTFS_FUNCTIONS(X)
#undef X
	return 0;
}

#else

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define X(name) {"guestfs_" #name, offsetof(struct guestfs_api, name)},
	GUESTFS_FUNCTIONS(X)
#undef X
};

int guestfs_load(struct err **err)
{
	static bool loaded;
	void *lib;

	if (loaded)
		return 0;
	lib = dlopen("libguestfs.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return err_set(err, ERR_ENV,
			       "libguestfs cannot be loaded (%s): install the package libguestfs0, "
			       "or use 'writer: direct'",
			       dlerror());
	for (size_t i = 0; i < array_len(functions); i++) {
		void *f = dlsym(lib, functions[i].name);

		if (!f)
			return err_set(err, ERR_ENV, "libguestfs is too old: it has no %s",
				       functions[i].name);
		*(void **)((char *)&guestfs_api + functions[i].offset) = f;
	}
	loaded = true;
	return 0;
}

#endif
