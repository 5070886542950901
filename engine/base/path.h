/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Paths as text, and directories. A "project path" is what a recipe may write: relative, no empty
 * part, no "." or ".." part, no control character.
 */
#include <stdbool.h>

#include "base/err.h"

/* "a/b"; B is taken alone when it is absolute. Caller frees. */
char *path_join(const char *a, const char *b);
/* The part after the last '/'. Points into PATH. */
const char *path_base(const char *path);
/* Everything before the last '/', or "."; caller frees. */
char *path_dir(const char *path);
/* Removes "./", "//" and trailing "/"; ".." is kept. Caller frees. */
char *path_normal(const char *path);
/* Whether PATH is a project path; else *ret_why says what is wrong ("is absolute", ...). */
bool path_is_project(const char *path, const char **ret_why);
/*
 * Opens REL beneath directory DIRFD with openat2(RESOLVE_BENEATH): a link may not lead out.
 * FLAGS as open(2), O_CLOEXEC added. Returns the fd, or -1 with *err (class USER).
 */
int path_open_beneath(int dirfd, const char *rel, int flags, struct err **err) warn_unused;
/* Like mkdir -p; mode 0777 & ~umask. */
int path_mkdirs(const char *path, struct err **err) warn_unused;
/* Makes the directories above PATH. */
int path_mkparents(const char *path, struct err **err) warn_unused;
/*
 * Makes the directories that REL, a project path, names in the directory TOP. Refuses links among
 * them (class USER): a project may be a stranger's, and what is written into it stays in it.
 */
int path_mkdirs_within(const char *top, const char *rel, struct err **err) warn_unused;
/* Like rm -rf, of any depth, never following a link, never leaving the file system. Missing: 0. */
int path_remove(const char *path, struct err **err) warn_unused;
bool path_exists(const char *path);
/*
 * Whether an entry of a directory is git's own, not content: ".git", a directory, or the file that
 * stands for it in a submodule or worktree. It differs between clones of one commit.
 */
bool path_is_git(const char *entry);
/*
 * Absolute path of program NAME: PATH, then /usr/sbin and /sbin. NULL if
 * there is none. Caller frees.
 */
char *path_program(const char *name);
