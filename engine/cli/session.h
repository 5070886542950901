/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What most commands need, opened in order: the project, its graph with the
 * targets marked, the store.
 *
 *	struct session s cleanup_session = {0};
 *	int code = session_open(&s, c, SESSION_STORE, &c->args);
 *	if (code)
 *		return code;                  // said on stderr already
 *	...
 *	return cli_fail(&s, err);             // says ERR, frees it, returns its exit code
 */
#include <jansson.h>

#include "cli/cli.h"
#include "graph/plan.h"

enum session_part {
	SESSION_DIR,     /* the project's directory */
	SESSION_PROJECT, /* its recipes, decoded */
	SESSION_GRAPH,   /* references resolved, targets marked */
	SESSION_STORE,   /* and the store open */
};

struct session {
	const struct cli *cli;
	struct arena *arena;
	char *dir; /* absolute */
	struct project *project;
	struct graph *graph;
	struct store *store;
	struct tool_versions tools;
};

/* Opens everything up to PART. TARGETS may be NULL: all nodes. Returns 0 or the exit code. */
int session_open(struct session *s, const struct cli *c, enum session_part part,
		 const struct strv *targets);
/*
 * The same in two steps, for a command that may be done after the first: the project's directory
 * and the store, then recipes and graph.
 */
int session_open_dir_and_store(struct session *s, const struct cli *c);
int session_open_rest(struct session *s, const struct strv *targets);
/* The graph of the project in DIR, whatever is in the directories above; its default targets. */
int session_open_at(struct session *s, const struct cli *c, const char *dir);
/*
 * Says on stderr, all at once, which wanted nodes miss a file that is not part of the project, such
 * as a key, and with LOCKS also which have a lock that is missing, damaged or answers another
 * recipe. 0 or the exit code. For commands that are about to use these.
 */
int session_check_files(const struct session *s, bool locks);
/* What of that is noted and no error: node->lacks, which the node's place in a plan tells. */
enum session_note {
	SESSION_NOTE_KEYS,           /* keys */
	SESSION_NOTE_KEYS_AND_LOCKS, /* and locks that are not there */
	SESSION_NOTE_KEYS_ALONE,     /* keys, but where there is an error all is told at once */
};
/* The same for commands that build nothing, or perhaps nothing for which a key is needed. */
int session_note_missing(const struct session *s, enum session_note note);
/* The store, after what session_open() opened, for a command that can do without. */
int session_add_store(struct session *s, struct err **err) warn_unused;
/* Only the store, for commands that need no project. */
int session_open_store(struct session *s, const struct cli *c);
/*
 * The store, and whose history is meant: the project's, whose recipes may be broken; with --all or
 * outside of any project s->dir is NULL and everybody's is.
 */
int session_open_history(struct session *s, const struct cli *c);
/* --store, $ORCH_STORE, $XDG_CACHE_HOME/orch, ~/.cache/orch. Absolute; caller frees. */
int session_store_place(const struct cli *c, char **ret, struct err **err) warn_unused;
void session_close(struct session *s);
#define cleanup_session __attribute__((cleanup(session_close)))

/* The node NAME, or NULL with an error that suggests a near one. */
struct node *session_node(const struct session *s, const char *name, struct err **err);

/*
 * Whether NAME can be a node of the project, by the names of its recipes, which may be broken; true
 * where no project is meant.
 */
bool session_has_recipe(const struct session *s, const char *name);

/* Says ERR on stderr (and as JSON on stdout with --json), frees it and returns its exit code. */
int cli_fail(const struct session *s, struct err *err);
/* The same for all errors of a list, in order of place. Returns the exit code of the first. */
int cli_fail_list(const struct session *s, struct err_list *errors);
/* The same beside an answer: with --json it is ANSWER, consumed, that has them. May be NULL. */
int cli_fail_beside(const struct session *s, struct err_list *errors, json_t *answer);
