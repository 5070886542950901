/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A small process that outlives this one by a moment: when this process ends, however it ends, the
 * janitor removes the folders and ends the processes it was told about. It holds no descriptor but
 * its pipe, and no signal to this process group reaches it.
 */
#include <sys/types.h>

#include "base/err.h"

struct janitor;

int janitor_start(struct janitor **ret, struct err **err) warn_unused;
/* Folder PATH (absolute) is to be removed with all that is in it. Repeated paths count once. */
void janitor_remove(struct janitor *j, const char *path);
/* PID is to be killed; only while it is the same process (its start time is noted now). */
void janitor_kill(struct janitor *j, pid_t pid);
/* Sends it to work now and waits for it; NULL is fine. */
void janitor_dismiss(struct janitor *j);
