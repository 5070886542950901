/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A command on an engine of the REAPI that executes (Execution, Operations): what its directory
 * holds is sent, as far as the engine has not got it, and what it leaves in `out` comes back.
 *
 *	exec_open(url, &access, &x, &err)
 *	exec_run(x, &action, &ui, dir, &err)     as often as wanted, one after the other
 *	exec_close(x)
 *
 * Calls block. A stream that is lost is taken up again, a worker that is lost is replaced; after
 * that the error is of class NET.
 */
#include <signal.h>

#include "base/vec.h"
#include "remote/exec_root.h"

struct exec_action {
	const struct root_entries *root;
	const struct strv *command;
	struct strs platform; /* name, value, name, value ... */
	unsigned timeout_s;   /* of the command, which has a minute more; 0: the engine's */
	bool again;           /* not what the engine remembers of the same command */
	const char *result;   /* a file of `out` that every command leaves which came to its end */
	/*
	 * Not NULL: of `out` RESULT alone comes back, the rest stays there, and the packed REAPI
	 * Tree that names all of it is appended.
	 */
	struct str *left;
};

/* What is told while it goes on. */
struct exec_ui {
	void (*stage)(void *arg, const char *text);           /* "queued", "running" */
	void (*warn)(void *arg, const char *text);            /* for the user */
	void (*log)(void *arg, const void *data, size_t len); /* what it prints, as it comes */
	void *arg;
	const volatile sig_atomic_t *stop; /* becomes true: the command is cancelled */
};

struct exec;
/* ACCESS lives as long. Connects when first used. E_REMOTE_URL. */
int exec_open(const char *url, const struct remote_access *access, struct exec **ret,
	      struct err **err) warn_unused;
void exec_close(struct exec *x);
/*
 * The command has ended, with whatever exit code; what was in its directory `out` is in DIR/out.
 * E_NODE_TIMEOUT: the engine has stopped it; E_STOPPED: ui->stop.
 */
int exec_run(struct exec *x, const struct exec_action *a, const struct exec_ui *ui, const char *dir,
	     struct err **err) warn_unused;
