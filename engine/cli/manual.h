/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Manual pages without header and end; cmd_manual.c lists them. */
#include "base/str.h"

void manual_orch(struct str *ret);
