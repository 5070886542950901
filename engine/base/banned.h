/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Functions that nobody may use: they write without knowing how much room there is, keep their
 * result in static storage, race for a name, or hand a line to a shell. The build puts this file in
 * front of every source (-include, see meson.build), so that the compiler refuses them; the headers
 * that declare them come first, because a poisoned name may not even be declared.
 */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#undef alloca /* glibc's macro */
/* No bound: snprintf, memcpy, xstrdup, struct str. */
#pragma GCC poison strcpy stpcpy strcat strncat sprintf vsprintf gets wcscpy wcscat alloca
/* Static storage or no bound: strtok_r, gmtime_r, localtime_r, strftime. */
#pragma GCC poison strtok gmtime localtime asctime asctime_r ctime_r
/* A name that somebody else may take first: mkstemp, mkdtemp, tmp_dir(). */
#pragma GCC poison mktemp tmpnam tempnam
/* A shell: proc_run(). */
#pragma GCC poison popen
/* Also names of fields, so only calls can be refused. */
#define ctime(...) ctime_is_banned__use_localtime_r_and_strftime
#define system(...) system_is_banned__use_proc_run
