/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* orch publish --channel: the half of the command that is about bundles. */
#include "cli/cli.h"

/* Returns the exit code; what went wrong has been told. */
int publish_channel(struct cli *c);
/* The error of options that are about a channel, where none is named. */
struct err *publish_no_channel(void);
