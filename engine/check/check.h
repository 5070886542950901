/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Consistency of a project: what is said in several places must be said alike. Nothing is built or
 * booted for it. The rules are RAUC's design checklist as far as files can tell:
 *
 *	rules.c         the names of the rules
 *	rules_graph.c   every node is reached and locked, results do not depend on the host
 *	rules_disk.c    images fit their slots; the U-Boot environment lies in a reserved area
 *	rules_boot.c    fw_env.config, CONFIG_ENV_*, system.conf, boot.txt and the disk agree
 *	rules_script.c  the boot script counts, follows RAUC's order and leads to no prompt
 *	rules_rauc.c    what RAUC accepts, keeps and calls good
 *	rules_kernel.c  one kernel in a tree and a slot; what it can do, once that tree is built
 *	rules_target.c  names that are stable on the target; no private key in a tree
 *	rules_test.c    what scenarios ask of their boards
 *	rules_links.c   links that somebody follows on the device lead to something
 *	rules_sign.c    compatible, slot classes, certificates and their last day
 *
 * Rules look at the files where they will be on the target: rootfs/etc/rauc/system.conf counts
 * because an image copies rootfs/ to /.
 */
#include "graph/graph.h"

struct check_report {
	struct err_list errors;   /* the project is refused */
	struct err_list warnings; /* worth a look */
	struct err_list notes;    /* what could not be checked, and why */
};
/* Every text ends in the name of its rule: "... [image-fits]". */
struct check_rule {
	const char *name;
	bool warning;     /* else an error */
	const char *text; /* what holds when it is kept */
};
/* All rules, ended by one without a name. Each has a case in tests/must-fail/. */
extern const struct check_rule check_rules[];

void check_report_clear(struct check_report *r);

/*
 * Runs all rules over the whole graph. NOW (seconds since 1970) is for certificates. What was built
 * is looked at as well where nodes have records (plan_make) of the store in STORE_DIR (may be
 * NULL).
 */
int check_project(const struct graph *g, const char *store_dir, int64_t now,
		  struct check_report *ret, struct err **err) warn_unused;
