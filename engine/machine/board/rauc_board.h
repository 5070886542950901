/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `machine: rauc`: a board that does not boot, for scenarios about slots. QEMU loads the device's
 * kernel and initramfs, which mount the root slot that orch chose; in it, process 1 is not an init
 * but a shell program of ours (rauc_board.sh). That names the partitions as the device does, mounts
 * what fstab says, and starts dbus-daemon and the slot's own `rauc service`; then it takes commands
 * as any board with an agent does. The slots are the partitions of the card, and what RAUC saves
 * for the boot loader lies where the device has it.
 *
 *	card --choice_rule()--> slot --kernel, initramfs, rauc_board.sh--> dbus-daemon, rauc, agent
 *
 * So it has all that a board has but a boot loader and an init, and what needs one of these is
 * refused before anything is built (STEP_NEEDS_BOOT). The choice is made in the scenario layer
 * (scenario/bench.h), whose rule boot scripts are compared with; this part knows no slots.
 *
 * The guest is of the device's architecture and not the host's: then rauc is one program in one
 * emulator, where a guest of the host's would run it in a second one.
 */
#include <stdbool.h>

#include "machine/board/board.h"

#define RAUC_BOARD "rauc"

bool board_is_rauc(const struct board *b);

/* How its process 1 finds its way; texts of the device. */
struct rauc_board_device {
	const char *paths;     /* "/dev/system/{partition}" */
	const char *disk_path; /* "/dev/system/disk", or NULL */
	const char *prepare;   /* a script of the board, before rauc starts; or NULL */
};
/* Appends the program, to stand before the agent's in the guest's configuration. */
void rauc_board_program(const struct rauc_board_device *d, struct str *ret);
/* Appends the kernel's command line, by which SLOT on PARTITION is booted. */
void rauc_board_cmdline(const struct board *b, const char *slot, const char *partition,
			struct str *ret);
/* The script that switches it off, for scene_start(). */
#define RAUC_BOARD_OFF "sh /run/orch/off"
