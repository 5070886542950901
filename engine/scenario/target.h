/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The device whose card is on the board, as scenarios must know it: which slots its boot loader
 * chooses from, how it tells which, and where it keeps what it knows of them. It is read from what
 * kind `device` says of it (device.json), the one place where that stands.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "base/vec.h"

struct target_slot {
	const char *bootname;  /* "A" */
	const char *partition; /* "root-a" */
};
DEFINE_VEC(target_slots, struct target_slot)

#define TARGET_SLOTS 8
#define TARGET_AREAS 2

struct target_area { /* of the card, bytes */
	uint64_t at, size;
};

struct chooser;
struct target {
	const char *loader;            /* "uboot" */
	const struct chooser *chooser; /* chooser.h; NULL: UNREADABLE says why there is none */
	const char *unreadable;
	const char *paths, *disk_path; /* "/dev/system/{partition}", "/dev/system/disk" or NULL */
	const char *chosen; /* extended regular expression; its first group is the boot name */
	struct target_slots slots;              /* best first; at most TARGET_SLOTS */
	struct target_area areas[TARGET_AREAS]; /* where the boot loader keeps its state */
	size_t area_count;
	const char *boot_partition; /* the one that a switch of the table changes, or NULL */
	struct target_area region;  /* both halves that it may be */
	unsigned tries;             /* of a slot that nothing is said about; 0: not said */
};

/* `chosen` of what the kernel itself shows: RAUC needs the name of the slot there. */
#define TARGET_CHOSEN_BY_KERNEL "Kernel command line:.* rauc\\.slot=([^ ]+)"

/*
 * Reads the text of a device.json; strings live in ARENA. Orch wrote it, so what is wrong with it
 * is ERR_INTEGRITY; a device of more slots than this can hold is ERR_USER. RET is empty before, and
 * is cleared whatever comes back.
 */
int target_parse(struct arena *arena, const char *text, struct target *ret,
		 struct err **err) warn_unused;
/* The partition that is switched is half I (0, 1) of its region, which begins there. */
static inline uint64_t target_half(const struct target *t, unsigned i)
{
	return t->region.at + (i ? t->region.size / 2 : 0);
}
/* For a verb at POS that is about it: the device has one. */
void target_check_switched(const struct target *t, const char *verb, struct pos pos,
			   struct err_list *errors);
/* The slot of that boot name, or NULL. */
const struct target_slot *target_slot(const struct target *t, const char *bootname);
/* "A B"; caller frees. */
char *target_bootnames(const struct target *t);
void target_clear(struct target *t);
#define cleanup_target __attribute__((cleanup(target_clear)))
