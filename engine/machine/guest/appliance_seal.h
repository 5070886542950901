/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The appliance that libguestfs builds once and keeps, looked at before each use as unpacked trees
 * are (kinds/run/rootdir.h): what lstat(2) tells of its files must be as it was when it had been
 * built, and once a day their bytes. One that has changed, or that nobody saw being built, is
 * removed, and libguestfs builds another.
 *
 *	struct appliance_seal seal cleanup_appliance_seal = {0};
 *	appliance_seal_check(cache, &seal, err);
 *	// libguestfs launches, and builds an appliance where there is none
 *	appliance_seal_make(cache, &seal, err);
 *
 * Between the two others wait, unless the appliance was right.
 */
#include <stdbool.h>
#include <unistd.h>

#include "base/err.h"

struct appliance_seal {
	int lock;     /* held while there is none that is right; 0: not held */
	bool changed; /* one was removed because it had changed */
};

/* CACHE: the cache directory given to libguestfs. */
int appliance_seal_check(const char *cache, struct appliance_seal *ret,
			 struct err **err) warn_unused;
/* Notes how the appliance is, where that is not known. */
int appliance_seal_make(const char *cache, struct appliance_seal *s, struct err **err) warn_unused;
void appliance_seal_release(struct appliance_seal *s);
#define cleanup_appliance_seal __attribute__((cleanup(appliance_seal_release)))
