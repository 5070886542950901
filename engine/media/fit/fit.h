/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * U-Boot's FIT images: device trees (Devicetree Specification 0.4, section 5) whose nodes are
 * kernels, initramfs and so on, with configurations that say what is started together.
 */
#include <stdbool.h>

#include "base/err.h"

/* Whether data lie behind the tree, as `mkimage -E` puts them. HEAD: the first 8 bytes. */
bool fit_is_external(const unsigned char head[8], uint64_t file_size);
/*
 * Refuses the FIT image in the N bytes at DATA (what is external may be left out) unless each of
 * its configurations has a signature that covers every image it starts, and each of those has a
 * hash that nobody can forge. Whether the signature is right is not looked at. ERR_INTEGRITY; NAME
 * is for messages.
 */
int fit_check_signed(const unsigned char *data, size_t n, const char *name,
		     struct err **err) warn_unused;
