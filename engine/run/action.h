/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a maker's run() sees: one attempt at one node, in the worker process. The worker has its own
 * process group and an empty work directory; its stdout and stderr are the node's log. run() reads
 * the inputs named here and nothing else, writes every declared output below outdir, and returns.
 */
#include "base/digest.h"
#include "recipe/kind.h"

enum input_type {
	INPUT_FILE,   /* one file: .path (project file or output of a node) */
	INPUT_FOLDER, /* a directory of the project: .path */
	INPUT_INSIDE, /* .inside within the tree .path */
	INPUT_NODE,   /* all outputs of a node: .files */
};

struct input_file {
	const char *name; /* output name, "u-boot.bin" */
	const char *path; /* absolute, read only */
	enum output_type type;
	struct digest digest;
	uint64_t size; /* bytes */
};

struct action_input {
	const char *ref;  /* as written in the recipe; the lookup key */
	const char *node; /* the node it comes from, or NULL for a project path */
	enum input_type type;
	enum output_type output_type; /* of .path, when it comes from a node */
	const char *path, *inside;
	const char *output;   /* name of the output that .path is, when it comes from a node */
	struct digest digest; /* of what .path names (file, directory listing or tree) */
	struct input_file *files;
	size_t file_count;
};

struct action_secret {
	const char *node;   /* whose option it is */
	const char *option; /* "key" */
	const char *path;   /* absolute */
};

struct action {
	struct arena *arena;
	const char *node;        /* "tests/rollback" */
	const char *identity;    /* what UUIDs derive from; only where kind->identified() */
	const char *project;     /* project.name, for identities; NULL unless kind->named() */
	const char *version;     /* project.version where the kind is versioned(), else NULL */
	const char *project_dir; /* absolute; for messages and secrets only */
	uint64_t epoch;          /* seconds: `times:` of the project, of whatever is made */
	uint64_t lock_date;      /* seconds: newest of the locks reached, see kind.h; 0: none */
	const struct kind *kind;
	const struct maker *maker; /* of KIND */
	const void *opts;          /* the kind's struct; refs are unresolved, look them up below */
	/* Archives of project.yaml as far as the kind needs them, or NULL. */
	const struct project *shared;
	const char *lock; /* text of the node's lock, of which the key holds the pins; or NULL */
	const struct action_input *inputs;
	size_t input_count;
	const struct action_secret *secrets;
	size_t secret_count;
	const char *outdir;     /* write outputs here, by their names */
	const char *workdir;    /* scratch, removed afterwards unless the node fails */
	const char *cache_dir;  /* shared downloads, files named by SHA-256; verify before use */
	const char *pool_dir;   /* absolute: the project's pool (kinds/package_pool.h), or NULL */
	const char *roots_dir;  /* unpacked trees, shared; see kinds/run/rootdir.h */
	const char *caches_dir; /* of builds, see kinds/run/build_cache.h; NULL: there are none */
	int64_t began_ns;       /* when the run began, since 1970; 0: not in a run */
	bool offline;           /* make no connection */
	unsigned cpus;          /* how many CPUs this attempt may use */
	void *worker;           /* the worker's own; NULL: not in a worker (a shell) */
};

/* How to open a shell; maker->shell(). */
struct shell_request {
	const char *kept; /* the work directory of the attempt that failed, to go on in; or NULL */
	const char *term; /* TERM of our terminal; NULL: there is none */
	int terminal; /* with TERM: a terminal for the shell, never the user's (machine/pty.h) */
};

/* What makes the outputs of a kind; kinds/makers.c lists them. */
struct maker {
	const struct kind *kind;
	/* Makes the outputs, in the worker process. */
	int (*run)(struct action *a, struct err **err);
	/*
	 * Downloads what run() would into cache_dir, so that it can be sent to a machine without a
	 * network. NULL: run() downloads nothing, or has to itself.
	 */
	int (*fetch)(struct action *a, struct err **err);
	/*
	 * A shell on our terminal, where the steps of run() stand; NULL: this kind runs no
	 * commands. *ret_status: of wait(2).
	 */
	int (*shell)(struct action *a, const struct shell_request *q, int *ret_status,
		     struct err **err);
};

/* The input behind a reference of the options. Never NULL for a ref of this node's options. */
const struct action_input *action_input(const struct action *a, const struct ref *ref);
/* The file that holds the kind's input_fact. */
const struct action_input *action_fact(const struct action *a);
/* The absolute path of a secret of NODE, or NULL. */
const char *action_secret(const struct action *a, const char *node, const char *option);
/* "FILE:LINE" of a struct pos in the options; of the whole recipe, line 0: its file. Arena. */
const char *action_place(const struct action *a, struct pos pos);
/* "outdir/NAME"; arena. */
const char *action_output(const struct action *a, const char *name);
/*
 * A line for the user ("unpacking 148 packages"), and percent done (or -1). Also goes to the log.
 */
void action_progress(struct action *a, int percent, const char *fmt, ...) printf_like(3, 4);
/*
 * The same for a download, WHAT ("fetching packages"), of which DONE of TOTAL (0: unknown) bytes
 * came. The next one of this attempt begins at less than the last has come to.
 */
void action_downloaded(struct action *a, uint64_t done, uint64_t total, const char *what);
/*
 * Something the user should know although the node does not fail: shown on his terminal, and in the
 * log. Only a node that runs says it; what must be said each time is for a rule of `orch check`.
 */
void action_warning(struct action *a, const char *fmt, ...) printf_like(2, 3);
/*
 * What was unpacked of input TREE had changed after second SINCE, when it was last known to be
 * right: results of nodes that used it may be wrong and are dropped. It is being unpacked again.
 */
void action_misused(struct action *a, const struct action_input *tree, int64_t since);
/*
 * The node is about to fail, and might not outside of the user namespace that workers are in, where
 * the owners of this machine's files are seen: it is run once more, there.
 */
void action_go_outside(struct action *a);
/* A line for the log only. */
void action_log(struct action *a, const char *fmt, ...) printf_like(2, 3);
