/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The dpkg of a tree, in a treebox: packages are unpacked and configured in the order of a plan
 * (media/deb/deb_plan.h), with their scripts, conffiles and triggers. It finds below TREEBOX_DIR:
 *
 *	install.sh		the steps, run by the tree's own /bin/sh
 *	steps			a line each: VERB NAME..., see install_sh
 *	debs/NAME_ARCH.deb	the packages
 *	overlay.tar		the overlay, if there is one
 *	status			what dpkg says of itself, see read_complaint()
 *
 * While it works there are a policy-rc.d that starts no daemon, and an /etc/fstab, as a new system
 * has one; both go again unless the tree had them or somebody wrote to them.
 *
 * Files keep the times of their packages. A directory has its packaged time until something is put
 * into it, from then on the time of all that is made (tree_from_dir(), media/tree/tree_dir.h).
 */
#include "kinds/run/treebox.h"
#include "media/deb/deb_plan.h"

struct dpkg_job {
	struct action *a;
	const struct deb_plan *plan;
	/* Directory of the host, laid over the tree again whenever packages were unpacked; NULL. */
	const char *overlay;
	const char *dir; /* of the box */
	/* Of the tree, or NULL: unknown. A foreign dpkg is spared what this machine does faster. */
	const char *arch;
};

/* The environment of maintainer scripts, the same on every machine. */
void dpkg_environment(const struct action *a, struct strv *ret);
/* Writes what the box needs into its directory, which is made. */
int dpkg_put(const struct dpkg_job *job, struct err **err) warn_unused;
/* Installs; ERR_BUILD names the package and the script that failed. */
int dpkg_install(const struct dpkg_job *job, struct treebox *box, struct err **err) warn_unused;
