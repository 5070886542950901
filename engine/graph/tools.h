/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The versions of host programs, for manifests. */
#include "graph/manifest.h"

/*
 * What program NAME says about its version, or the digest of its file when it says nothing. Asked
 * once per run. NULL with ERR_ENV when there is no such program.
 */
const char *tool_version(struct tool_versions *tools, const char *name, struct store *s,
			 struct err **err);
