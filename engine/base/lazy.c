/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/lazy.h"

#include <dlfcn.h>

int lazy_load(struct lazy_lib *lib, struct err **err)
{
	void *handle;

	if (lib->loaded)
		return 0;
	handle = dlopen(lib->soname, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return err_set(err, ERR_ENV, "cannot load '%s': install the package %s (%s)",
			       lib->soname, lib->package, dlerror());
	for (size_t i = 0; i < lib->count; i++) {
		void *symbol = dlsym(handle, lib->symbols[i].name);

		if (!symbol)
			return err_set(err, ERR_ENV, "'%s' is too old: it has no %s", lib->soname,
				       lib->symbols[i].name);
		*(void **)((char *)lib->api + lib->symbols[i].offset) = symbol;
	}
	lib->loaded = true;
	return 0;
}
