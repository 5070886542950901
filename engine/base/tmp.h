/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Temporary directories, files in memory and lock files. A temporary directory is named
 * NAME.PID.XXXXXX; what a killed process left is removed by the next tmp_sweep() that finds its pid
 * gone.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Makes PARENT/NAME.PID.XXXXXX, mode 0700; caller frees the path and removes the directory. */
int tmp_dir(const char *parent, const char *name, char **ret_path, struct err **err) warn_unused;
/*
 * Removes the temporary directories in PARENT whose process is gone. Not finding PARENT is not an
 * error.
 */
int tmp_sweep(const char *parent, struct err **err) warn_unused;
/* Of these, only what tmp_dir() made as NAME: for a PARENT in which others choose names, too. */
int tmp_sweep_named(const char *parent, const char *name, struct err **err) warn_unused;

/*
 * A directory that tmp_dir() made as NAME in PARENT, of a process that is still there: the newest.
 * NULL when there is none; caller frees.
 */
char *tmp_find(const char *parent, const char *name);
/* Whether the process is still there that made PATH with tmp_dir(). */
bool tmp_alive(const char *path);

/*
 * Binds the names that tmp_dir() makes to process PID instead of this one. For workers: their own
 * pid means nothing outside of their pid namespace.
 */
void tmp_set_owner(pid_t pid);

/*
 * A file in memory, without a name on any disk, that holds LEN bytes of DATA and is read from its
 * start; NAME is for messages and /proc. Nobody has it but this process and those it passes it to.
 */
int tmp_in_memory(const char *name, const void *data, size_t len, int *ret_fd,
		  struct err **err) warn_unused;

/* flock on a file that is made if missing. The lock dies with the descriptor. */
enum lock_mode { LOCK_SHARED, LOCK_EXCLUSIVE };
/* Returns the fd; 1 would-block is reported as -1 with ERR_LOCKED when WAIT is false. */
int lock_file(const char *path, enum lock_mode mode, bool wait, int *ret_fd,
	      struct err **err) warn_unused;
