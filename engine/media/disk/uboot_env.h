/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * U-Boot's environment as it lies on a card, twice: CRC-32 of what follows the flag, a flag byte
 * that counts up with each saving, "NAME=VALUE" texts that each end in a NUL, and one NUL more.
 * Which copy counts is decided as U-Boot does (env/common.c): the only valid one, else the one with
 * the higher flag, where 0 follows 255; the first when they are equal.
 *
 *	struct uboot_env e = {0};
 *	uboot_env_read(card_fd, "card.img", at, size, &e, err);
 *	strv_get(&e.vars, "BOOT_ORDER"); // or NULL
 *	strv_set(&e.vars, "BOOT_A_LEFT", "3");
 *	uboot_env_write(card_fd, "card.img", at, size, &e, err);
 *	uboot_env_clear(&e);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

#define UBOOT_ENV_HEAD 5 /* bytes before the variables */
#define UBOOT_ENV_MAX (1u << 20)

struct uboot_env {
	struct strv vars; /* "NAME=VALUE", in the order of the copy */
	bool valid[2];
	unsigned char flags[2];
	int newer; /* the copy that counts; -1: none is valid */
};

/* Reads one copy of SIZE bytes; false when its CRC is wrong. Adds to RET_VARS (may be NULL). */
bool uboot_env_parse(const unsigned char *copy, size_t size, unsigned char *ret_flag,
		     struct strv *ret_vars);
/* Which of two copies U-Boot takes: 0, 1, or -1. */
int uboot_env_newer(const bool valid[2], const unsigned char flags[2]);
/* Writes one copy of SIZE bytes, zeros after the variables. ERR_USER when they do not fit. */
int uboot_env_format(const struct strv *vars, unsigned char flag, unsigned char *copy, size_t size,
		     struct err **err) warn_unused;

int uboot_env_read(int fd, const char *name, const uint64_t at[2], uint64_t size,
		   struct uboot_env *ret, struct err **err) warn_unused;
/* Both copies: the other one gets the next flag, as if it had been saved twice. */
int uboot_env_write(int fd, const char *name, const uint64_t at[2], uint64_t size,
		    const struct uboot_env *e, struct err **err) warn_unused;
void uboot_env_clear(struct uboot_env *e);
#define cleanup_uboot_env __attribute__((cleanup(uboot_env_clear)))
