/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The options of kind device: what is promised to devices that are out there, and to their data. */
#include "recipe/kind.h"

#define DEVICE_OUTPUT "device.json"
/* The fact that becomes that output. */
#define DEVICE_FACT "json"

enum device_loader {
	LOADER_UBOOT,
	LOADER_BAREBOX,
	LOADER_GRUB,
	LOADER_EFI,
	LOADER_SYSTEMD_BOOT,
	LOADER_CUSTOM,
};
extern const char *const device_loaders[];
/* Whether it can try a slot more than once before the next; RAUC's and systemd's documentation. */
bool device_counts_tries(int loader);

struct device_bootloader {
	int type;                /* enum device_loader */
	struct list environment; /* of const char *: reserved areas of the disk, or partitions */
	int64_t tries;           /* of a slot until the next one; 0: not said */
	const char *chosen;      /* POSIX extended; NULL: rauc.slot= of the kernel's command line */
};

/* A class of slots: either those that are booted, or others. */
struct device_slot {
	struct list boot;       /* of struct pair *: boot name -> partition, best first */
	struct list partitions; /* of const char * */
	const char *parent;     /* the class that these belong to, pair by pair */
	const char *type;       /* RAUC's; NULL: what the disk says */
	const char *install_same, *readonly, *resize, *extra_mount_opts, *extra_mkfs_opts;
};

struct device_path { /* of state that outlives updates */
	const char *owner, *mode;
};

struct device_reset {
	struct list keep; /* of const char *: paths, or "identity" */
};

struct device_state {
	const char *partition;
	struct list paths; /* of struct pair *: path -> struct device_path, or word "identity" */
	int64_t schema;    /* 0: not said */
	struct list reads; /* of int64_t */
	struct device_reset *reset;
};

struct device_opts {
	const char *disk; /* a node */
	const char *compatible, *paths, *disk_path, *support_until;
	struct device_bootloader *bootloader;
	struct list slots; /* of struct pair *: class -> struct device_slot */
	struct device_state *state;
};

/*
 * The device called NAME among RECIPES (name -> struct recipe *), or, with NAME NULL, the only one,
 * or the one of the node DISK (may be NULL). NULL: *RET says why, and what to do, which is REMEDY
 * when there are several.
 */
struct map;
struct recipe;
const struct recipe *device_find(const struct map *recipes, const char *name, const char *disk,
				 const char *remedy, struct str *ret);

/*
 * The text of DEVICE_OUTPUT of the device that key `device` of R names, or of the only one: a fact
 * of kinds that have that key.
 */
enum fact_result device_of_recipe(struct facts *f, const struct recipe *r, struct str *ret);

/*
 * Whether there is no such device, as device_find() says, for a kind with key `device`, whose value
 * is NAME.
 */
bool device_is_missing(const struct kind_ctx *ctx, const char *name, struct str *ret);

/* The partitions of S in order; NAMES (may be NULL) are their boot names. Adds to both. */
void device_slot_partitions(const struct device_slot *s, struct strs *ret, struct strs *names);

/* device_facts.c: the hooks of struct kind. */
extern const struct fact_help device_fact_help[];
enum fact_result device_fact(struct facts *f, const struct recipe *r, const char *name,
			     struct str *ret);
void device_fact_names(struct facts *f, const struct recipe *r, struct strs *ret);

/* device_json.c: the text of DEVICE_OUTPUT; RET as for a fact. */
enum fact_result device_json(struct facts *f, const struct device_opts *o,
			     const struct recipe *disk, struct str *ret);
