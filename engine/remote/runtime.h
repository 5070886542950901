/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The worker program with all that it needs, for machines that have neither its libraries nor those
 * of another version:
 *
 *	bin/orch-worker
 *	lib/ld-linux-x86-64.so.2    the loader, which starts it
 *	lib/libcurl.so.4 ...        each library that this process was started with
 *
 * It is as the worker on this machine, byte for byte, so its digest, the SHA-256 of a list of these
 * files, stands for the libraries that shape results. It lies in STORE/runtime/DIGEST/, where it is
 * put together once for each build of orch and state of the libraries.
 */
#include "base/digest.h"
#include "base/vec.h"

struct runtime_file {
	char *name; /* "lib/libcurl.so.4" */
	struct digest digest;
	uint64_t size;
};
DEFINE_VEC(runtime_files, struct runtime_file)

struct runtime {
	char *dir;    /* absolute */
	char *loader; /* "lib/ld-linux-x86-64.so.2" */
	struct digest digest;
	struct runtime_files files; /* sorted by name; all have mode 0755 */
};

/*
 * Of the program that this process is, orch-worker, into STORE (absolute), where those that no run
 * has used for a month are removed. runtime_clear() frees what is in *RET.
 */
int runtime_open(const char *store, struct runtime *ret, struct err **err) warn_unused;
void runtime_clear(struct runtime *r);
/* Appends the words that start it when bin/ and lib/ lie in WHERE: an argv's first. */
void runtime_command(const struct runtime *r, const char *where, struct strv *ret);
