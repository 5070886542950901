/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Consistency of a project: what is said in several places must be said alike. Nothing is built or
 * booted for it. The rules are RAUC's design checklist as far as files can tell:
 *
 *	rules.c             the names of the rules
 *	rules_graph.c       nodes are reached and locked; results do not depend on the host
 *	rules_disk.c        images fit their partitions; the one that keeps state is last
 *	rules_state.c       what is kept is mounted, named, and grows
 *	rules_boot.c        RAUC's slots are partitions of the disk
 *	rules_environment.c U-Boot and fw_env.config look in the same, reserved places
 *	rules_device.c      what is written by hand says what device and disk say
 *	rules_names.c       names of disks and partitions last, are made, and mean one that is there
 *	rules_script.c      the boot script counts, follows RAUC, leads to no prompt
 *	rules_grub.c        GRUB's script does so, in each state that RAUC can bring about
 *	rules_grub_modules.c GRUB has the commands that its script uses
 *	rules_firmware.c    the files that config.txt of a Raspberry Pi names are beside it
 *	rules_fit.c         U-Boot reads the slots' FIT image; hashes and signatures count
 *	rules_rauc.c        what RAUC accepts and keeps
 *	rules_units.c       units are started; a growing table discards nothing
 *	rules_health.c      when a slot is called good
 *	rules_condition.c   what conditions make of such units
 *	rules_emergency.c   a system that does not come up reboots
 *	rules_restart.c     what is to end in a reboot ends
 *	rules_words.c       the words of units are systemd's
 *	rules_values.c      their values can be read
 *	rules_udev.c        udev can read its rules
 *	rules_fstab.c       what fstab mounts can be mounted
 *	rules_unit_names.c  the units that others name are there
 *	rules_programs.c    programs are there, whole, and set their variables
 *	rules_exec.c        so are those that units and RAUC start, once built
 *	rules_kernel.c      one kernel in a tree and a slot; what it can do, once built
 *	rules_modules.c     the kernel has the modules that lists name
 *	rules_target.c      no private key, no unfilled template
 *	rules_test.c        what scenarios ask of their boards
 *	rules_ssh.c         sshd finds its keys, and can read lists of keys
 *	rules_identity.c    devices make their own identity, and have a name
 *	rules_kept.c        what systemd keeps in a /var that is in memory
 *	rules_links.c       links that somebody follows on the device lead to something
 *	rules_bundle.c      compatible, slot classes, a keyring that knows the signer
 *	rules_sign.c        certificates and their last day
 *	rules_release.c     what is released is fit to ship
 *
 * Rules look at what devices get (view.h): rootfs/etc/rauc/system.conf counts because an image on
 * the disk copies rootfs/ to /, and a boot script because the step that takes it makes a file of
 * such an image. Where a rule finds nothing to look at it says so in a note.
 */
#include "graph/graph.h"

struct check_report {
	struct err_list errors;   /* the project is refused */
	struct err_list warnings; /* worth a look */
	struct err_list notes;    /* what could not be checked, and why */
};
/* What breaks it has its code, "... [image-fits]", which `orch explain` knows, too. */
struct check_rule {
	struct err_code code;
	bool warning;      /* else an error */
	const char *holds; /* when it is kept: "images are no larger than their partitions" */
};
/* All rules, ended by one whose code has no name. Each has a case in tests/must-fail/. */
extern const struct check_rule check_rules[];

void check_report_clear(struct check_report *r);

/*
 * Runs all rules over the whole graph, or over each variant of the project that is chosen. NOW
 * (seconds since 1970) is for certificates. What was built is looked at as well where nodes have
 * records (plan_make) of the store in STORE_DIR (may be NULL).
 */
int check_project(struct graph *g, const char *store_dir, int64_t now, struct check_report *ret,
		  struct err **err) warn_unused;
/*
 * Compares the project's device with what was shipped before: RELEASE is a directory with a
 * device.json or an install.img, one of these files, or a node of kind shipped that is such a
 * directory. What devices in the field have cannot be changed by an update: each difference is an
 * error with both values. What RELEASE does not show is a note. ERR_USER where it cannot be read,
 * the project has no device, or the variants chosen have several.
 */
int check_against(struct graph *g, const char *release, struct check_report *ret,
		  struct err **err) warn_unused;
/*
 * Runs the rules about devices and their updates if a bundle is wanted, but for tests; breaches go
 * to ERRORS. For builds: nothing is signed that devices would refuse, or could not start. It opens
 * no store, and looks at no tree.
 */
int check_bundles(struct graph *g, int64_t now, struct err_list *errors,
		  struct err **err) warn_unused;
