/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* orch lock --layout NODE: the layout lock of an image (media/ext4/ext4.h). */
#include "cli/cli.h"

/* Returns the exit code. */
int lock_layout(struct cli *c);
