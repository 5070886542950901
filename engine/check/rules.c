/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of the rules, and how they are said. */
#include <stdarg.h>

#include "check/view.h"

#define ERROR false
#define WARNING true

/* In the order of enum check_id. */
const struct check_rule check_rules[] = {
	[CHECK_UNREACHED_NODE] = {"unreached-node", ERROR, "a default target reaches every node"},
	[CHECK_HOST_TOOLS] = {"host-tools", WARNING,
			      "results do not depend on the host's programs"},
	[CHECK_NESTED_STEPS] = {"nested-steps", WARNING,
				"no steps make mounts and namespaces of their own"},
	[CHECK_URL_WITHOUT_DIGEST] = {"url-without-digest", ERROR,
				      "what comes from a URL is named by its digest"},
	[CHECK_UNLOCKED_PACKAGE] = {"unlocked-package", ERROR,
				    "every package is pinned by a lock that answers its recipe"},
	[CHECK_IMAGE_FITS] = {"image-fits", ERROR, "images are no larger than their partitions"},
	[CHECK_DATA_LAST] = {"data-last", ERROR, "the partition that keeps state is the last one"},
	[CHECK_STATE_MOUNTED] = {"state-mounted", ERROR,
				 "the partition that keeps state is mounted as what it holds"},
	[CHECK_STATE_NAMED] = {"state-named", WARNING,
			       "some file of a device keeps each path of the state"},
	[CHECK_GROWING_TYPE] = {"growing-type", ERROR,
				"a table that grows finds one partition of its type"},
	[CHECK_ENVIRONMENT_RESERVED] = {"environment-reserved", ERROR,
					"U-Boot's environment lies in reserved areas of the disk"},
	[CHECK_FIRST_USABLE_BLOCK] =
		{"first-usable-block", ERROR,
		 "the table's first usable block is after U-Boot's environment"},
	[CHECK_ENVIRONMENT_LINE] = {"environment-line", ERROR,
				    "fw_env.config says device, offset and size"},
	[CHECK_ENVIRONMENT_OFFSET] = {"environment-offset", ERROR,
				      "U-Boot and fw_env.config look at the same places"},
	[CHECK_ENVIRONMENT_SIZE] = {"environment-size", ERROR,
				    "U-Boot and fw_env.config agree on the size"},
	[CHECK_ENVIRONMENT_COPIES] = {"environment-copies", ERROR,
				      "the environment has two copies, and U-Boot knows"},
	[CHECK_ENVIRONMENT_PLACE] = {"environment-place", ERROR,
				     "U-Boot keeps its environment on the disk, where it is said"},
	[CHECK_SWITCHED_REGION] = {"switched-region", ERROR,
				   "the region of boot-gpt-switch is twice the first partition"},
	[CHECK_SLOT_DEVICE] = {"slot-device", ERROR, "RAUC's slots are partitions of the disk"},
	[CHECK_SLOT_BOOTNAME] = {"slot-bootname", ERROR, "the boot script tries every bootname"},
	[CHECK_SLOT_PARTITION] = {"slot-partition", ERROR,
				  "the boot script takes each slot from its partition"},
	[CHECK_BOOT_ORDER] = {"boot-order", ERROR, "the boot script follows BOOT_ORDER"},
	[CHECK_BOOT_COUNTER] = {"boot-counter", ERROR,
				"every try of a slot costs one, and that is saved"},
	[CHECK_BOOT_PROMPT] = {"boot-prompt", ERROR, "nothing leads to U-Boot's prompt"},
	[CHECK_CHOSEN_LINE] = {"chosen-line", ERROR,
			       "the boot script says the line that the device promises"},
	[CHECK_KERNEL_ARGUMENTS] = {"kernel-arguments", ERROR,
				    "the kernel is told gpt, panic= and rauc.slot="},
	[CHECK_FIT_IMAGE] = {"fit-image", ERROR,
			     "U-Boot reads FIT images, and each part of one has a hash"},
	[CHECK_ONE_KERNEL] = {"one-kernel", ERROR,
			      "a tree of packages, or a root slot, has one kernel"},
	[CHECK_KERNEL_FEATURES] = {"kernel-features", ERROR,
				   "the kernel has dm-verity, squashfs and loop"},
	[CHECK_KERNEL_ROOM] = {"kernel-room", ERROR, "the kernel has room where U-Boot puts it"},
	[CHECK_MIN_BUNDLE_VERSION] = {"min-bundle-version", ERROR,
				      "old bundles are refused, and the new one is not"},
	[CHECK_CHECK_PURPOSE] = {"check-purpose", ERROR,
				 "only certificates for code signing are accepted"},
	[CHECK_BUNDLE_FORMATS] = {"bundle-formats", ERROR, "only verity bundles are accepted"},
	[CHECK_STATUS_FILE] = {"status-file", ERROR, "RAUC's status outlives boots and updates"},
	[CHECK_MARK_GOOD] = {"mark-good", ERROR,
			     "a slot is marked good after the application has started"},
	[CHECK_FAILURE_REBOOTS] = {"failure-reboots", ERROR,
				   "a device whose application fails reboots"},
	[CHECK_REPART_DISCARDS] = {"repart-discards", ERROR,
				   "a table that grows discards no idle half of a region"},
	[CHECK_UNIT_WORDS] = {"unit-words", ERROR,
			      "systemd and sshd know the words that they are told"},
	[CHECK_MISSING_UNIT] = {"missing-unit", ERROR, "units that others name are there"},
	[CHECK_MISSING_PROGRAM] = {"missing-program", ERROR,
				   "the project's programs are where files name them"},
	[CHECK_SCRIPT_SYNTAX] = {"script-syntax", ERROR,
				 "a shell can read each script of a device"},
	[CHECK_SCRIPT_VARIABLES] = {"script-variables", ERROR,
				    "scripts of a device set the variables that they use"},
	[CHECK_DEVICE_AGREES] = {"device-agrees", ERROR,
				 "files for the device say what its recipe promises"},
	[CHECK_TABLE_RESTORED] = {"table-restored", ERROR,
				  "U-Boot writes back the table that the disk has"},
	[CHECK_SECOND_SLOT] = {"second-slot", ERROR,
			       "an update writes to no slot that devices need meanwhile"},
	[CHECK_DEVICE_NAMES] =
		{"device-names", ERROR,
		 "names of disks are made by a udev rule, and of partitions that are there"},
	[CHECK_STABLE_NAMES] = {"stable-names", ERROR,
				"disks have names that last: no mmcblkN, UUID=, LABEL="},
	[CHECK_UNFILLED_TEMPLATE] = {"unfilled-template", ERROR,
				     "no image has a template that was not filled"},
	[CHECK_PRIVATE_KEY] = {"private-key", ERROR, "no private key is in an image"},
	[CHECK_KEYRING_INSTALLED] = {"keyring-installed", ERROR,
				     "an image has the keyring that system.conf names"},
	[CHECK_BUNDLE_COMPATIBLE] = {"bundle-compatible", ERROR,
				     "bundles are for the devices of the project"},
	[CHECK_BUNDLE_CLASSES] = {"bundle-classes", ERROR,
				  "every image of a bundle has a class of slots"},
	[CHECK_BUNDLE_ORDER] = {"bundle-order", ERROR, "a bundle writes the boot loader last"},
	[CHECK_SIGNER] = {"signer", ERROR,
			  "the signer's key, certificate, usage and keyring fit each other"},
	[CHECK_SIGNER_EXPIRES] = {"signer-expires", ERROR,
				  "the signer's certificates are valid for another month"},
	[CHECK_SIGNER_AGES] = {"signer-ages", WARNING,
			       "the signer's certificates are valid for another quarter"},
	[CHECK_KEYRING_OF_SIGNER] = {"keyring-of-signer", ERROR,
				     "the devices' keyring knows the bundle's signer"},
	[CHECK_UNTESTED_BUNDLE] = {"untested-bundle", WARNING, "what is signed was started before"},
	[CHECK_TEST_COMMANDS] = {"test-commands", ERROR,
				 "tests run commands on boards that take some"},
	[CHECK_DANGLING_LINK] = {"dangling-link", WARNING,
				 "links that systemd or libc follow lead to something"},
	[CHECK_COUNT] = {NULL, ERROR, NULL},
};

void check_report_clear(struct check_report *r)
{
	err_list_clear(&r->errors);
	err_list_clear(&r->warnings);
	err_list_clear(&r->notes);
}

void check_say(struct check_view *v, enum check_id id, struct pos pos, const char *fmt, ...)
{
	const struct ignored_rule *ignored = check_ignored(v, id, pos);
	struct err_list *to = check_rules[id].warning ? &v->report->warnings : &v->report->errors;
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	if (ignored)
		err_list_at(&v->report->notes, pos, "%s [%s] (ignored: %s)", text,
			    check_rules[id].name, ignored->why);
	else
		err_list_at(to, pos, "%s [%s]", text, check_rules[id].name);
}

void check_note(struct check_view *v, enum check_id id, struct pos pos, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	v->noted[id] = true;
	err_list_at(&v->report->notes, pos, "%s [%s]", text, check_rules[id].name);
}
