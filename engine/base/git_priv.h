/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* How git is run, for git*.c alone. */
#include "base/git.h"
#include "base/str.h"

/*
 * "git" into ARGV, with what keeps it from running anything that the repository of DIR names: whose
 * the files are does not matter then.
 */
void git_command(struct strv *argv, const char *dir);
/*
 * All of the environment that git gets, with MORE ("NAME=VALUE"; may be NULL) after it; owned by V.
 */
char *const *git_environment(struct strv *v, const struct strv *more);
/*
 * Runs ARGV with what it takes to find programs and the user's settings, and with MORE
 * ("NAME=VALUE"; may be NULL), and nothing else of the environment, which may hold secrets.
 * Appends its output to RET. With QUIET what it says is left out, but for the
 * first line in the error of a failure.
 */
int git_run(struct strv *argv, const struct strv *more, bool quiet, struct str *ret,
	    struct err **err) warn_unused;
/* Whether TEXT is a pointer of git LFS, and the plain file at PATH what it means. */
bool git_lfs_means(const char *text, const char *path);
