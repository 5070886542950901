/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `version: git`: the version of a project by the tags of its repository. A tag vX.Y.Z at HEAD,
 * with nothing changed, is X.Y.Z. Everything else is X.Y.(Z+1)-dev, after the highest such tag that
 * HEAD descends from (none: 0.0.0): less than the next release, as RAUC compares (semver.org
 * 2.0.0), and the same for all commits until then, so that a commit changes no key.
 *
 * A copy without its repository has the version in a file .tarball-version, as GNU's
 * git-version-gen keeps it, which comes first.
 */
#include "base/err.h"

struct git;

#define TARBALL_VERSION ".tarball-version"

/* The version of the project in DIR; caller frees. */
int git_version(const char *dir, char **ret, struct err **err) warn_unused;
/* The version of COMMIT as it was committed; caller frees. */
int git_version_at(const struct git *g, const char *commit, char **ret,
		   struct err **err) warn_unused;
