/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* The versions of host programs, for manifests. */
#include "graph/manifest.h"

/*
 * With ASK what program NAME says about its version; without, or when it says nothing, the digest
 * of its file. Only what orch itself names may be asked: that is to run it. Looked for once per
 * run. NULL with ERR_ENV when there is no such program.
 */
const char *tool_version(struct tool_versions *tools, const char *name, bool ask, struct store *s,
			 struct err **err);
