/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind vm. */
#include "recipe/schema.h"

enum vm_boot { VM_BOOT_EFI, VM_BOOT_KERNEL };

struct vm_opts {
	struct ref *from, *kernel, *initrd, *board;
	int boot;
	const char *arch, *cmdline;
	uint64_t memory;
	int64_t cpus, timeout;
	struct list disks;  /* of struct ref * */
	struct list inputs; /* of struct ref * */
	struct list run;    /* of struct step * */
	struct list env;    /* of struct pair * */
	bool systemd;
	struct list outputs;  /* of struct pair * */
	struct list platform; /* of struct pair * */
};
