/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* Between exec.c, which has a command run, and exec_fetch.c, which brings what it made. */
#include "remote/exec.h"
#include "remote/reapi_exec.pb-c.h"
#include "remote/transport_reapi_priv.h"

#define EXEC_OUT "out"

/* Whether RESULT has a directory EXEC_OUT. */
bool exec_has_outputs(const Reapi__ActionResult *result);
/*
 * The files of the directory EXEC_OUT that RESULT names, into DIR/out; ONLY the one of that name,
 * if it is not NULL. Their Tree is appended to TREE. 0; 1 the place has not all of them any more.
 */
int exec_fetch(struct reapi *r, const Reapi__ActionResult *result, const char *dir,
	       const char *only, struct str *tree, struct err **err) warn_unused;
/* The blob that D names, at most MAX bytes, appended to RET. 0; 1 it is not there. */
int exec_blob(struct reapi *r, const Reapi__Digest *d, size_t max, struct str *ret,
	      struct err **err) warn_unused;
