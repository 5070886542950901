/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guestfs_lazy.h"

struct guestfs_api guestfs_api;

#ifdef GUESTFS_LINKED /* by meson, for builds with sanitizers */

int guestfs_load(struct err **err)
{
#define X(name) guestfs_api.name = guestfs_##name;
	GUESTFS_FUNCTIONS(X)
#undef X
	return 0;
}

#else

int guestfs_load(struct err **err)
{
	static const struct lazy_symbol symbols[] = {
#define X(name) LAZY_SYMBOL(guestfs_, guestfs_api, name)
		GUESTFS_FUNCTIONS(X)
#undef X
	};
	static struct lazy_lib lib = {.soname = "libguestfs.so.0",
				      .package = "libguestfs0",
				      .symbols = symbols,
				      .count = array_len(symbols),
				      .api = &guestfs_api};

	return lazy_load(&lib, err);
}

#endif
