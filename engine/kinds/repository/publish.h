/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Laying a repository out where a web server shows it. Nobody who reads meanwhile sees half: what
 * lists name is there before the lists, a suite becomes the new one at once, and the lists that the
 * last state named stay beside those of this one. Packages stay for good: locks of other projects
 * name them.
 */
#include <stdbool.h>

#include "base/err.h"

struct published {
	char suite[65];
	char date[64], valid_until[64]; /* as the repository says them */
	size_t added, kept;             /* packages that were not there, that were there already */
	bool unchanged;                 /* it was published before: nothing was written */
};

/*
 * Publishes the repository in TAR in directory DIR, which is made if missing. Refused: one that is
 * expired at second NOW, a suite of somebody else or of a later date in its place, and a package
 * that was published with other bytes. Then, and when it is cut short, DIR shows what it did.
 */
int repository_publish(const char *tar, const char *dir, int64_t now, struct published *ret,
		       struct err **err) warn_unused;
