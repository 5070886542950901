/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
#include "kinds/disk/disk_opts.h"
#include "run/action.h"

/*
 * Makes the formats that the options name of IMAGE, which lies in the directory of the outputs and
 * stays there if it is one of them. L is its layout, placed.
 */
int disk_make_formats(struct action *a, const char *image, const struct layout *l,
		      struct err **err) warn_unused;
