/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The names of the rules, and how they are said. */
#include <stdarg.h>

#include "check/view.h"

#define ERROR false
#define WARNING true
#define RULE(id, name, level, holds, text) [id] = {{name, ERR_USER, text}, level, holds}

/* In the order of enum check_id. */
const struct check_rule check_rules[] = {
	RULE(CHECK_UNREACHED_NODE, "unreached-node", ERROR, "a default target reaches every node",
	     "A recipe that no default target needs is built only when it is asked for by name, "
	     "and so nobody notices when it breaks. Name it in 'default' of "
	     "recipes/project.yaml, use it in another node, or delete the file. Recipes below "
	     "tests/ may stand alone."),
	RULE(CHECK_HOST_TOOLS, "host-tools", WARNING,
	     "results do not depend on the host's programs",
	     "A node with 'root: host' runs with the programs of this machine, so that another "
	     "machine may give another result, and an upgrade of this one, too. Name a tree of "
	     "packages in 'root'."),
	RULE(CHECK_NESTED_STEPS, "nested-steps", WARNING,
	     "no steps make mounts and namespaces of their own",
	     "'nested: true' lets steps make mounts and namespaces of their own. They reach more "
	     "of the kernel than other steps can, so it is said each time; look at what they "
	     "run."),
	RULE(CHECK_URL_WITHOUT_DIGEST, "url-without-digest", ERROR,
	     "what comes from a URL is named by its digest",
	     "A step downloads something, and nothing says what that has to be: the result "
	     "depends on what is there that day. Let a node of kind 'fetch' get it, with its "
	     "sha256, and name that node as input."),
	RULE(CHECK_UNLOCKED_PACKAGE, "unlocked-package", ERROR,
	     "every package is pinned by a lock that answers its recipe",
	     "Packages that no lock pins would be whatever the archive has on the day of the "
	     "build. Run 'orch lock NODE' and commit the lock; 'orch explain not-locked' and "
	     "'lock-stale' tell more."),
	RULE(CHECK_IMAGE_FITS, "image-fits", ERROR, "images are no larger than their partitions",
	     "An image that is larger than its partition cannot be written, and partitions of "
	     "devices that were shipped do not grow. Make the image smaller or the partition "
	     "larger, as long as no device has it."),
	RULE(CHECK_DATA_LAST, "data-last", ERROR, "the partition that keeps state is the last one",
	     "The partition that keeps state takes what a larger card has, which only the last "
	     "one can. Another one after it would also stand in the way when the device is to "
	     "have more room."),
	RULE(CHECK_STATE_MOUNTED, "state-mounted", ERROR,
	     "the partition that keeps state is mounted as what it holds",
	     "The partition that keeps state has to be mounted, with the file system that it "
	     "holds. Otherwise the device starts without its state, or not at all. Compare "
	     "fstab, or a mount unit, with the node of kind 'disk'."),
	RULE(CHECK_STATE_NAMED, "state-named", WARNING,
	     "some file of a device keeps each path of the state",
	     "The device promises to keep a path, and no file of it names that path, so that "
	     "perhaps nothing keeps it. Look at what should mount or link it there, or take it "
	     "out of the promise."),
	RULE(CHECK_GROWING_TYPE, "growing-type", ERROR,
	     "a table that grows finds one partition of its type",
	     "A table that grows finds the partition by its type. With two of that type, or "
	     "none, another one grows, or none does."),
	RULE(CHECK_ENVIRONMENT_RESERVED, "environment-reserved", ERROR,
	     "U-Boot's environment lies in reserved areas of the disk",
	     "U-Boot's environment lies outside of all partitions, so partitioning tools take "
	     "its place for free space and may overwrite or discard it. Name its copies under "
	     "'reserved' of the disk."),
	RULE(CHECK_FIRST_USABLE_BLOCK, "first-usable-block", ERROR,
	     "the table's first usable block is after U-Boot's environment",
	     "The first usable block of a partition table says where tools may begin to write. "
	     "It has to be after U-Boot's environment; orch sets it so when the copies are named "
	     "under 'reserved'."),
	RULE(CHECK_ENVIRONMENT_LINE, "environment-line", ERROR,
	     "fw_env.config says device, offset and size",
	     "/etc/fw_env.config tells RAUC and fw_setenv where the environment is, a line for "
	     "each copy: device, offset, size. Without it no slot can be chosen or marked good. "
	     "In a template, {{DEVICE#fw-env}} is made from the disk."),
	RULE(CHECK_ENVIRONMENT_OFFSET, "environment-offset", ERROR,
	     "U-Boot and fw_env.config look at the same places",
	     "U-Boot and fw_env.config must mean the same bytes: with two opinions, RAUC writes "
	     "an environment that U-Boot never reads, and the update never starts."),
	RULE(CHECK_ENVIRONMENT_SIZE, "environment-size", ERROR,
	     "U-Boot and fw_env.config agree on the size",
	     "The check sum of the environment is over its whole size. When U-Boot and "
	     "fw_env.config differ in it, each finds the other's environment damaged."),
	RULE(CHECK_ENVIRONMENT_COPIES, "environment-copies", ERROR,
	     "the environment has two copies, and U-Boot knows",
	     "One copy of the environment is lost when the power is cut while it is written, and "
	     "with it which slot to start. Give it two, and tell U-Boot: "
	     "CONFIG_SYS_REDUNDAND_ENVIRONMENT=y."),
	RULE(CHECK_ENVIRONMENT_PLACE, "environment-place", ERROR,
	     "U-Boot keeps its environment on the disk, where it is said",
	     "U-Boot has to keep its environment where fw_env.config says: on the same device, "
	     "in its user area, at an offset and of a size that a fragment of its configuration "
	     "names. What no fragment says is the board's default, which changes with U-Boot."),
	RULE(CHECK_SWITCHED_REGION, "switched-region", ERROR,
	     "the region of boot-gpt-switch is twice the first partition",
	     "RAUC's boot-gpt-switch writes the half of a region that is not in use, then points "
	     "the first partition at it. The region has to be twice that partition, begin where "
	     "it begins, and be reserved on the disk with 'region: 2x'."),
	RULE(CHECK_SLOT_DEVICE, "slot-device", ERROR, "RAUC's slots are partitions of the disk",
	     "A slot of RAUC's system.conf names a device that the disk does not have, so that "
	     "installing would fail on the device. Name a partition of the disk."),
	RULE(CHECK_SLOT_BOOTNAME, "slot-bootname", ERROR, "the boot script tries every bootname",
	     "The boot script never tries a slot that RAUC can choose. An update into that slot "
	     "would never start."),
	RULE(CHECK_SLOT_PARTITION, "slot-partition", ERROR,
	     "the boot script takes each slot from its partition",
	     "The boot script takes a slot from another partition than RAUC writes it to. After "
	     "an update the device would start what it had before, or nothing."),
	RULE(CHECK_BOOT_ORDER, "boot-order", ERROR, "the boot script follows BOOT_ORDER",
	     "RAUC chooses the slot that is tried first by BOOT_ORDER, for GRUB by ORDER. The boot "
	     "script has to go through it, must not set it each time, and may start no slot that "
	     "RAUC called bad."),
	RULE(CHECK_BOOT_COUNTER, "boot-counter", ERROR,
	     "every try of a slot costs one, and that is saved",
	     "Each try of a slot has to cost one, and that has to be saved before the kernel "
	     "starts. Otherwise a slot that does not come up is tried for ever, and the device "
	     "never falls back to the good one."),
	RULE(CHECK_BOOT_PROMPT, "boot-prompt", ERROR, "nothing leads to a boot loader's prompt",
	     "A device in the field has nobody to type at a prompt. Whatever goes wrong "
	     "has to end in a reset, so that the next slot is tried: a last line 'reset' in the "
	     "script, a CONFIG_BOOTCOMMAND that ends in it, CONFIG_BOOTDELAY=-2, "
	     "CONFIG_RESET_TO_RETRY=y. GRUB's script ends in 'reboot' whatever cannot be read, and "
	     "has no menu that a key can stop."),
	RULE(CHECK_GRUB_ENVIRONMENT, "grub-environment", ERROR,
	     "GRUB can read its environment block, write to it, and go without",
	     "A file 'grubenv' is not an environment block: it begins with the line '# GRUB "
	     "Environment Block', has lines NAME=VALUE, and is filled with '#' to 1024 bytes. "
	     "GRUB reads no other, and RAUC's 'grub-editenv' writes none. Make it by "
	     "'grub-editenv FILE create' and 'grub-editenv FILE set NAME=VALUE'. It has to lie "
	     "where the device promises it, and a script that cannot read it has to start a slot "
	     "all the same."),
	RULE(CHECK_CHOSEN_LINE, "chosen-line", ERROR,
	     "the boot script says the line that the device promises",
	     "The device says by which line its boot loader tells the chosen slot, and scenarios "
	     "wait for that line. The boot script has to print it."),
	RULE(CHECK_KERNEL_ARGUMENTS, "kernel-arguments", ERROR,
	     "the kernel is told gpt, panic= and rauc.slot=",
	     "On a GPT the kernel needs 'gpt' to use its backup when it is damaged, on any table "
	     "'panic=' to reboot instead of hanging, and 'rauc.slot=' so that RAUC knows which "
	     "slot it runs from. "
	     "They are read where they are what boots: in the boot script or GRUB's, else in "
	     "extlinux.conf, the entries of systemd-boot, 'cmdline' of an image that has it, or "
	     "cmdline.txt of a Raspberry Pi's firmware."),
	RULE(CHECK_FIRMWARE_FILES, "firmware-files", ERROR,
	     "what config.txt names is in the boot image",
	     "A Raspberry Pi's firmware reads config.txt, passes over what it does not know, and "
	     "starts nothing when a file that is named there is not beside it. The boot partition "
	     "has no fallback: an update with such an image ends the device."),
	RULE(CHECK_FIT_IMAGE, "fit-image", ERROR,
	     "U-Boot reads FIT images, and each part of one has a hash",
	     "A slot starts by a FIT image. U-Boot has to be able to read it (CONFIG_FIT=y), and "
	     "each of its parts needs a hash, for one without is started even when it is "
	     "damaged."),
	RULE(CHECK_FIT_SIGNED, "fit-signed", ERROR,
	     "where FIT images are signed, U-Boot starts nothing else",
	     "A FIT image is signed (kind 'fit'), and U-Boot would start another one all the "
	     "same: it was built to look at no signature, its own device tree lacks the key, or "
	     "the boot script or the old image format lead around the signature. docs/device.md, "
	     "'Signed images', has all that belongs together."),
	RULE(CHECK_ONE_KERNEL, "one-kernel", ERROR,
	     "a tree of packages, or a root slot, has one kernel",
	     "With two kernels in a tree, or in what one slot is made of, the initramfs belongs "
	     "to one and the modules to the other. Name one kernel, and let every node that has "
	     "one take the same: 'orch lock --update PACKAGE' without a node."),
	RULE(CHECK_KERNEL_FEATURES, "kernel-features", ERROR,
	     "the kernel has dm-verity, squashfs and loop",
	     "RAUC mounts a bundle by loop, dm-verity and squashfs. A kernel without them starts "
	     "well and can never be updated. This is seen once the tree of the kernel was built."),
	RULE(CHECK_KERNEL_ROOM, "kernel-room", ERROR, "the kernel has room where U-Boot puts it",
	     "U-Boot loads the kernel to an address and unpacks it there. It must not reach into "
	     "what is loaded next to it, and not be larger than U-Boot unpacks "
	     "(CONFIG_SYS_BOOTM_LEN)."),
	RULE(CHECK_MISSING_MODULE, "missing-module", ERROR,
	     "the kernel has the modules that lists name",
	     "A list of modules for the initramfs, or of systemd, names one that the kernel does "
	     "not have, nor as built in. It is left out without a word, and perhaps the device "
	     "does not find its disk. This is seen once the tree of the kernel was built."),
	RULE(CHECK_MIN_BUNDLE_VERSION, "min-bundle-version", ERROR,
	     "old bundles are refused, and the new one is not",
	     "Without 'min-bundle-version' in system.conf, an old bundle with known holes is as "
	     "good as a new one. It must not be above the version of the bundle that is built, "
	     "which devices would refuse."),
	RULE(CHECK_CHECK_PURPOSE, "check-purpose", ERROR,
	     "only certificates for code signing are accepted",
	     "'check-purpose=codesign' in system.conf makes devices accept certificates for code "
	     "signing only, and not, say, one for e-mail from the same CA."),
	RULE(CHECK_SIGNING_TIME_WITHOUT_CRL, "signing-time-without-crl", ERROR,
	     "a stolen signing key can be revoked",
	     "With 'use-bundle-signing-time=true' what counts is the time that a bundle itself "
	     "says, so that who has stolen a signing key dates bundles back, and no certificate's "
	     "end stops them. 'check-crl=true' makes devices ask the lists in their keyring of "
	     "what CAs have revoked; 'orch pki crl' puts an empty one of each CA there, which it "
	     "has to have from the first day on (docs/keys.md)."),
	RULE(CHECK_BUNDLE_FORMATS, "bundle-formats", ERROR, "only verity bundles are accepted",
	     "Devices should take bundles of format 'verity' alone: what is read is checked, "
	     "each block of it. 'plain' can be changed after its signature was checked "
	     "(CVE-2020-25860)."),
	RULE(CHECK_ADAPTIVE_INDEX, "adaptive-index", ERROR,
	     "devices can install adaptively what a bundle offers so",
	     "For an adaptive update RAUC compares an index of the image with those of the slots, "
	     "which it keeps in a directory. Without 'data-directory' in system.conf it ignores "
	     "the method: all is fetched and written. On no partition that outlives boots and "
	     "updates, it reads both slots whole for each update. A boot partition (types that "
	     "begin with 'boot-') is always written whole. What a disk has as 'installed' must lie "
	     "where RAUC looks for it: data-directory, statusfile and slots are those of "
	     "system.conf."),
	RULE(CHECK_STATUS_FILE, "status-file", ERROR, "RAUC's status outlives boots and updates",
	     "RAUC keeps its status in a file, which has to be on a partition that outlives "
	     "boots and updates. In a slot it is lost with the next update."),
	RULE(CHECK_RAUC_WORDS, "rauc-words", ERROR, "RAUC can read its configuration",
	     "RAUC does not start with a section or key in system.conf that it does not know, or "
	     "a number that it cannot read: then nothing is installed, and no slot is marked "
	     "good. Only words that are nearly known ones are told."),
	RULE(CHECK_CUSTOM_BACKEND, "custom-backend", ERROR,
	     "a boot loader of one's own has a program that RAUC asks",
	     "With 'bootloader=custom' RAUC asks a program of the device which slot is next, and "
	     "tells it what to start: 'bootloader-custom-backend' in [handlers] of system.conf "
	     "names it by its absolute path. It answers 'get-primary', 'set-primary SLOT', "
	     "'get-state SLOT', 'set-state SLOT good|bad' and, newer ones, 'get-current', and "
	     "exits with 0. Without it every update ends in an error after it was written."),
	RULE(CHECK_MARK_GOOD, "mark-good", ERROR,
	     "a slot is marked good after the application has started",
	     "A slot may be marked good only when the device does what it is for. The unit that "
	     "does it needs Requires= and After= of the one that tells, and has to be enabled; "
	     "otherwise a broken application counts as good, or a good one is given up after its "
	     "tries."),
	RULE(CHECK_SKIPPED_CHECK, "skipped-check", ERROR,
	     "no unit that a slot's mark waits for is always skipped",
	     "systemd skips a unit whose condition does not hold, and what waits for it goes on as "
	     "if it had started: a check that is always skipped finds nothing, and every slot is "
	     "marked good. The condition here never holds on the device. Take it out, or mend what "
	     "it names."),
	RULE(CHECK_CONDITIONAL_CHECK, "conditional-check", WARNING,
	     "units that a slot's mark waits for have no conditions",
	     "systemd skips a unit whose condition does not hold, and what waits for it goes on as "
	     "if it had started. Where a check has to be made, say Assert… in place of Condition…: "
	     "then the unit fails. Where it need not always be made, let a program in "
	     "ExecCondition= decide, which can look at more than one file."),
	RULE(CHECK_IDLE_UNIT, "idle-unit", WARNING, "units of the project are started",
	     "A unit has an [Install] section, and nothing starts it: no 'units: enable', no link, "
	     "no other unit. Or files for systemd-networkd are there, and it is not started. "
	     "Name it in 'units: enable' of the image, or take it out."),
	RULE(CHECK_FAILURE_REBOOTS, "failure-reboots", ERROR,
	     "a device whose application fails reboots",
	     "A device whose application fails has to reboot, so that the tries are used up and "
	     "the other slot comes: 'FailureAction=reboot' in the unit that waits for it. So has "
	     "one that does not come up: systemd's emergency mode asks for a password and waits, "
	     "unless a drop-in of emergency.service reboots."),
	RULE(CHECK_REPART_DISCARDS, "repart-discards", ERROR,
	     "a table that grows discards no idle half of a region",
	     "systemd-repart discards free space, and the idle half of a region looks like that. "
	     "Give it --discard=no, also by a drop-in for systemd-repart.service."),
	RULE(CHECK_UNIT_WORDS, "unit-words", ERROR,
	     "systemd and sshd know the words that they are told",
	     "systemd ignores a section or key that it does not know, and says so only in the "
	     "journal of the device; sshd does not start with one. It is a typing error in most "
	     "cases."),
	RULE(CHECK_UNIT_VALUES, "unit-values", ERROR,
	     "systemd and sshd can read the values that they are told",
	     "A line of a unit, or of another configuration of systemd, has a value that systemd "
	     "cannot read ('Type=onshot', 'SystemMaxUse=32MB'). It ignores the line and goes on, "
	     "as if it did not say so; sshd does not start with one. Write one of the values that "
	     "the manual page lists."),
	RULE(CHECK_SSHD_KEYS, "sshd-keys", ERROR,
	     "sshd finds its host keys and can read lists of keys",
	     "sshd is told of a host key, or of a list of public keys, that the image does not "
	     "have and nothing on the device can make there; or a line of such a list is not a "
	     "whole key. Nobody could log in. Name the place where the key is made, and copy each "
	     "public key as one line."),
	RULE(CHECK_OWN_IDENTITY, "own-identity", ERROR, "each device makes its own identity",
	     "An image has a machine id, or a seed, which every device would then have. Leave "
	     "/etc/machine-id empty, and take the others out: systemd makes them."),
	RULE(CHECK_HOST_NAME, "host-name", ERROR, "/etc/hostname is the name of a host",
	     "/etc/hostname has something that no host can be called. systemd takes what it can "
	     "of it, or calls the device 'localhost'. Use letters, digits and '-'."),
	RULE(CHECK_CLOCK_KEPT, "clock-kept", WARNING,
	     "a clock without a battery does not fall behind",
	     "systemd-timesyncd keeps the time in /var, which is in memory here, and takes the "
	     "time of /usr/lib/clock-epoch where it has nothing. Keep "
	     "/var/lib/systemd/timesync where it outlives a boot, and let the image have "
	     "'clock-epoch: true'."),
	RULE(CHECK_JOURNAL_KEPT, "journal-kept", WARNING,
	     "the journal is kept where files say so, and has a limit",
	     "systemd-journald is told to keep no journal, and other lines, or files, are about "
	     "one that is kept: leave 'Storage=' out, then it is kept if /var/log/journal is "
	     "there. Or it may take more than the partition, or the memory, in which it lies has: "
	     "what the state or RAUC's status need is then gone. Let 'SystemMaxUse=' be a small "
	     "share of the partition, and 'RuntimeMaxUse=' of the memory."),
	RULE(CHECK_UDEV_WORDS, "udev-words", ERROR, "udev can read the lines of its rules",
	     "A line of a udev rule has a key or operator that udev does not know, or leads to a "
	     "label that is not there. udev leaves the line out and goes on, so that links to "
	     "devices are missing. Mend the word; see udev(7)."),
	RULE(CHECK_FSTAB_LINES, "fstab-lines", ERROR,
	     "fstab can be mounted, and a read-only root has a /var to write to",
	     "A line of fstab names a directory, file system or option that is nearly a known "
	     "one, and would not be mounted so; or nothing is mounted on /var although the root "
	     "slot stays read-only."),
	RULE(CHECK_MISSING_UNIT, "missing-unit", ERROR, "units that others name are there",
	     "A unit names another one that is not there, so that it waits for nothing, or does "
	     "not start. Correct the name, or install what brings it."),
	RULE(CHECK_MISSING_PROGRAM, "missing-program", ERROR,
	     "the project's programs are where files name them",
	     "A file names a program of the project at a place where it does not lie on the "
	     "device, or where nobody may execute it. Correct the path, copy the program there, "
	     "or chmod +x it."),
	RULE(CHECK_SCRIPT_SYNTAX, "script-syntax", ERROR,
	     "a shell can read each script of a device",
	     "A script that devices get cannot be read by its shell, and would fail when it is "
	     "started. The message has what the shell says."),
	RULE(CHECK_SCRIPT_VARIABLES, "script-variables", ERROR,
	     "scripts of a device set the variables that they use",
	     "A script that devices get uses a variable in small letters that nothing in it "
	     "sets. It is a typing error in most cases. What the caller of a script sets has a "
	     "name in capitals."),
	RULE(CHECK_DEVICE_AGREES, "device-agrees", ERROR,
	     "files for the device say what its recipe promises",
	     "A file that was written by hand says something else than the node of kind 'device' "
	     "promises: system.conf, fw_env.config, the boot script. Change one of them, or let "
	     "a template be filled from the device's facts."),
	RULE(CHECK_TABLE_RESTORED, "table-restored", ERROR,
	     "U-Boot writes back the table that the disk has",
	     "U-Boot's script writes a partition table back when both copies are lost. It has to "
	     "be the one of the disk, or such a device gets another layout and loses its state."),
	RULE(CHECK_SECOND_SLOT, "second-slot", ERROR,
	     "an update writes to no slot that devices need meanwhile",
	     "A class of slots with one member would be written while the device still needs it, "
	     "and a cut then leaves nothing. Give it a second slot, or a type that RAUC "
	     "switches."),
	RULE(CHECK_DEVICE_NAMES, "device-names", ERROR,
	     "names of disks are made by a udev rule, and of partitions that are there",
	     "A path below /dev is used that nothing on the device makes, or that means a "
	     "partition which the disk does not have. Name it as a udev rule of the image does, "
	     "or by /dev/disk/by-partlabel/."),
	RULE(CHECK_STABLE_NAMES, "stable-names", ERROR,
	     "disks have names that last: no mmcblkN, UUID=, LABEL=",
	     "mmcblk0, UUID= and LABEL= do not name one disk for ever: the kernel numbers disks "
	     "as it finds them, and both slots carry the same file system. Use names that a udev "
	     "rule or the partition table gives."),
	RULE(CHECK_UNFILLED_TEMPLATE, "unfilled-template", ERROR,
	     "no image has a template that was not filled",
	     "A file with {{…}} would come onto the device as it is. Lay it with 'template' "
	     "instead of 'copy', after what copies its directory."),
	RULE(CHECK_PRIVATE_KEY, "private-key", ERROR, "no private key is in an image",
	     "A private key in an image is in the hands of everybody who has the image. Keys are "
	     "made on the device when it starts first, or stay in pki/private/ and never leave "
	     "the machine that signs."),
	RULE(CHECK_KEYRING_INSTALLED, "keyring-installed", ERROR,
	     "an image has the keyring that system.conf names",
	     "system.conf names a keyring, and no image puts one there. Devices could verify "
	     "nothing, and would refuse every update."),
	RULE(CHECK_BUNDLE_COMPATIBLE, "bundle-compatible", ERROR,
	     "bundles are for the devices of the project",
	     "RAUC takes only bundles whose 'compatible' is that of the device. Say the same in "
	     "the recipe of the bundle and in system.conf; a value of the device's facts does "
	     "both."),
	RULE(CHECK_BUNDLE_CLASSES, "bundle-classes", ERROR,
	     "every image of a bundle has a class of slots",
	     "A bundle has an image for a class of slots that devices do not have, and would be "
	     "refused. Compare the names with the slots in system.conf."),
	RULE(CHECK_BUNDLE_ORDER, "bundle-order", ERROR, "a bundle writes the boot loader last",
	     "The images of a bundle are written in their order, and the boot loader switches to "
	     "what is new. It has to come last, so that a cut before it leaves the old system "
	     "whole."),
	RULE(CHECK_SIGNER, "signer", ERROR,
	     "the signer's key, certificate, usage and keyring fit each other",
	     "The key, the certificate, its usages and the keyring that belong to a signer have "
	     "to fit each other. Otherwise a build fails when it signs, or devices refuse what "
	     "was signed."),
	RULE(CHECK_SIGNER_EXPIRES, "signer-expires", ERROR,
	     "the signer's certificates are valid for another month",
	     "The signer's certificates are over in less than a month, or already. Devices check "
	     "the date, and refuse what was signed by then. Issue a new one now."),
	RULE(CHECK_SIGNER_AGES, "signer-ages", WARNING,
	     "the signer's certificates are valid for another quarter",
	     "The signer's certificates are over within a quarter. Issue new ones while there is "
	     "time; a new CA needs an update that brings it before the old one is over."),
	RULE(CHECK_KEYRING_OF_SIGNER, "keyring-of-signer", ERROR,
	     "the devices' keyring knows the bundle's signer",
	     "The keyring that devices have does not know the signer of a bundle, so that they "
	     "would refuse it. Sign with a certificate below a CA of that keyring, or bring the "
	     "new CA with an update that the old one signs."),
	RULE(CHECK_REPOSITORY_VALID, "repository-valid", WARNING,
	     "package repositories are believed for another fortnight",
	     "Consumers believe a repository from its date on for as long as 'valid-for' says, and "
	     "this one is over, or is soon. Give its recipe a later 'date', or let 'orch lock "
	     "--update' bring newer locks, then build and publish it again."),
	RULE(CHECK_REVOCATION_LISTS, "revocation-lists", ERROR,
	     "devices that check lists of what is revoked find one of each CA",
	     "With 'check-crl=true' in system.conf a device refuses every bundle whose chain has a "
	     "CA without a list in the keyring: one that this CA has signed, that is not over, and "
	     "that begins no later than what was signed. 'orch pki crl' adds empty lists that last "
	     "as long as their CA."),
	RULE(CHECK_UNTESTED_BUNDLE, "untested-bundle", WARNING, "what is signed was started before",
	     "A bundle is signed though nothing has started what is in it. Name the verdict of a "
	     "scenario in 'tested-by', and it is signed only when that has passed."),
	RULE(CHECK_RELEASE_KEYS, "release-keys", WARNING, "releases are signed with product keys",
	     "A release would be signed, or trusted by its devices, with certificates that 'orch "
	     "pki init' makes for development: their keys lie in a directory of the project, open "
	     "to who can read it. Make a CA for the product and keep its keys in a token; no "
	     "release is built before."),
	RULE(CHECK_RELEASE_COMPATIBLE, "release-compatible", WARNING,
	     "releases are for a device with a name of its own",
	     "The bundle of a release has the 'compatible' of a template, so that devices of "
	     "others may have it, too, and yours can never change it. Choose one that nobody else "
	     "has, with the name of your company in it, before the first device ships; no release "
	     "is built before."),
	RULE(CHECK_RELEASE_VERSION, "release-version", WARNING,
	     "a release and its bundle have one version",
	     "The version of a release is not that of one commit, or its bundle has another. Set "
	     "the tag that 'version: git' looks for, and let the bundle have "
	     "'${project.version}'."),
	RULE(CHECK_RELEASE_TOOLS, "release-tools", WARNING,
	     "releases are made by programs that a lock pins",
	     "A node that ships is made by programs of the machine that builds, so that it cannot "
	     "be made again when they are gone. Name a tree of packages that has them in 'tools', "
	     "or in 'root' of a node of kind run; no release is built before."),
	RULE(CHECK_RELEASE_TESTED, "release-tested", WARNING, "what is released was started before",
	     "No scenario has started what a release has in it. Name the verdict of one in "
	     "'tested-by' of the bundle or of the release; no release is built before."),
	RULE(CHECK_RELEASE_DOCUMENTS, "release-documents", WARNING,
	     "releases have a bill of materials and provenance",
	     "The bundle or the disk of a release is built without a bill of materials or without "
	     "provenance. Take 'sbom: []' or 'provenance: false' out of it; no release is built "
	     "before."),
	RULE(CHECK_TEST_COMMANDS, "test-commands", ERROR,
	     "tests run commands on boards that take some",
	     "A scenario runs commands on a board that takes none ('agent: none'). Use a board "
	     "with an agent, or look at the console alone."),
	RULE(CHECK_DANGLING_LINK, "dangling-link", WARNING,
	     "links that systemd or libc follow lead to something",
	     "A symbolic link in an image leads to something that the image does not have: a "
	     "unit that is enabled and not installed, a file of libc. Install the package that "
	     "brings it, or take the link out."),
	RULE(CHECK_ROOT_COMPLETE, "root-complete", ERROR,
	     "a root that others made has what updates need",
	     "A root slot is filled with a file system that no recipe here puts together, and it "
	     "lacks what the device needs to start, to update itself or to believe a bundle. Add "
	     "it where that root is made, or lay it over it: an image or a tree with 'unpack' "
	     "first, and what is missing after it."),
	[CHECK_COUNT] = {{NULL, ERR_USER, NULL}, ERROR, NULL},
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
		err_list_at(&v->report->notes, &check_rules[id].code, pos, "%s (ignored: %s)", text,
			    ignored->why);
	else
		err_list_at(to, &check_rules[id].code, pos, "%s", text);
}

void check_note(struct check_view *v, enum check_id id, struct pos pos, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	v->noted[id] = true;
	err_list_at(&v->report->notes, &check_rules[id].code, pos, "%s", text);
}
