/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The command line. main.c picks a row of the command table, options.c fills struct cli from the
 * one option table, and the command (cmd_*.c) does its work and returns the exit code. Results go
 * to stdout; progress and errors go to stderr; nothing below this directory prints or exits.
 *
 * There are two programs. orch (orch.c) has what reads recipes and the store, and starts fast.
 * orch-worker (orch_worker.c) has the libraries for archives, file systems, network and guests: it
 * makes outputs, and carries out the commands that need those libraries, for which orch executes
 * it (program.h).
 *
 * A new option is a row in options.c, a field here and a bit in the commands that take it; a new
 * command is a row in main.c, a row in the program that carries it out, and a file.
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "base/vec.h"

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
enum progress { PROGRESS_AUTO, PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET };
/* --format; AUTO: what the command prints when not told. */
enum format {
	FORMAT_AUTO,
	FORMAT_DOT,
	FORMAT_SVG,
	FORMAT_MERMAID,
	FORMAT_JSON,
	FORMAT_SPDX,
	FORMAT_CYCLONEDX,
};

/* Which options a command takes: OPTION() of the place in the table. */
enum option_bit {
	O_DIR,
	O_STORE,
	O_OFFLINE,
	O_COLOR,
	O_NO_WAIT,
	O_HELP,
	O_VERSION, /* every command */
	O_JSON,
	O_JOBS,
	O_KEEP_GOING,
	O_DRY_RUN,
	O_SET,
	O_PROGRESS,
	O_RESULT_JSON,
	O_EVENTS,
	O_EXIT_CODE,
	O_RUN,
	O_FORMAT,
	O_UPDATE,
	O_RULES,
	O_AGAINST,
	O_BOARD,
	O_SLOT,
	O_TIMEOUT,
	O_SIZE,
	O_YES,
	O_FIXED,
	O_ALL,
	O_FOLLOW,
	O_LIST,
	O_TEMPLATE,
	O_NAME,
	O_COMPATIBLE,
	O_HTML,
	O_FOCUS,
	O_DEPTH,
	O_NO_STATUS,
	O_SCRIPT,
	O_SINCE,
	O_SUMMARY,
	O_JUNIT,
	O_CODE_QUALITY,
	O_ONLY,
	O_VARIANT,
	O_REMOTE_READ,
	O_REMOTE_WRITE,
	O_REMOTE_REQUIRED,
	O_FETCH,
	O_PUSH_WAIT,
	O_REMOTE,
	O_OUTPUT,
	O_MARKDOWN,
	O_KEY,
	O_POLICY,
	O_RELEASES,
	O_FROM,
	O_ADVISORIES,
	O_CA,
	O_LAYOUT,
	O_PROVISION,
	O_UNIT,
	O_CHANNEL,
	O_PERCENT,
	O_HALT,
	O_NOT_BEFORE, /* the 65th row, see OPTION() */
	O_EXPIRES,
	O_SERIAL,
	O_ARCH,
	O_COUNT, /* how many there are */
};
#define OPTION(bit) (UINT64_C(1) << (bit) % 64)

/* A set of options: those of the table's first 64 rows, and the others. */
struct option_set {
	uint64_t first, others;
};
static inline bool option_set_has(const struct option_set *s, size_t bit)
{
	return (bit < 64 ? s->first : s->others) & OPTION(bit);
}
static inline void option_set_add(struct option_set *s, size_t bit)
{
	*(bit < 64 ? &s->first : &s->others) |= OPTION(bit);
}

struct command;

struct cli {
	const struct command *command;
	struct strv args; /* after the command's name */
	char *dir;        /* -C, or NULL: the current directory */
	char *home;       /* root's project, when this works on a copy (own_copy.h), or NULL */
	char *store;      /* --store, or NULL */
	bool offline, no_wait, help, version, json, keep_going, dry_run, exit_code, update, rules,
		yes, fixed, all, follow, no_status, list, script, remote_read, remote_write,
		remote_required, remote, markdown, layout, halt;
	int color;        /* enum when */
	int progress;     /* enum progress */
	int format;       /* enum format */
	int only;         /* --only: 1 targets */
	int fetch;        /* enum fetch_what */
	unsigned jobs;    /* 0: as many as there are CPUs */
	unsigned timeout; /* seconds; 0: not given */
	unsigned depth;   /* 0: not given */
	struct strv sets, variants, keys;
	char *result_json, *events, *run, *board, *slot, *size, *against, *template, *name,
		*compatible, *html, *focus, *since, *push_wait, *releases, *summary, *junit,
		*code_quality, *output, *policy, *from, *advisories, *ca, *provision, *unit,
		*channel, *percent, *not_before, *expires, *serial, *arch;
	char *update_name;         /* --update PKG, or NULL: everything */
	struct findings *findings; /* finding.h; NULL where nobody gathers them */
	int step_summary; /* the summary of a job, open since before root's rights went; -1: none */
};

/* What becomes of root's rights (as_owner.h). */
enum root_use {
	ROOT_GOES,       /* before the command */
	ROOT_OUTSIDE,    /* the same; the command is about no project that one may stand in */
	ROOT_GOES_LATER, /* the command does it */
	ROOT_STAYS,      /* the command looks at no project and no store */
};

struct command {
	const char *name;
	const char *args; /* "[TARGET...]" */
	const char *summary;
	const char *help; /* further paragraphs, or NULL */
	uint64_t options; /* OPTION(), beyond those every command takes */
	unsigned min_args, max_args;
	enum root_use root;
	uint64_t others; /* OPTION() of rows after the first 64 */
};
/* What a command takes, without what every command does. */
static inline struct option_set command_options(const struct command *c)
{
	return (struct option_set){c->options, c->others};
}

/* The command table, ended by a row without a name. */
extern const struct command commands[];
const struct command *command_find(const char *name);

/* Which function carries out a command. */
struct command_run {
	const char *name;          /* "build"; "query owner": with that first argument alone */
	int (*run)(struct cli *c); /* returns the exit code; NULL: the other program has it */
};
struct program {
	/* What it carries out itself, ended by a row without a name. */
	const struct command_run *runs;
	/* Becomes the program that has the other commands; returns only with an error. */
	void (*hand_over)(char **argv, struct err **err);
};
/* "0.1.0 (8b1f00dcafe5)": the version, and the commit or the package that it is of. */
extern const char orch_version[];
/* main() of both programs. Returns the exit code. */
int cli_main(int argc, char **argv, const struct program *program);

/* Fills *RET from argv. ERR_USER with a suggestion when an option or the command is unknown. */
int cli_parse(struct cli *ret, int argc, char **argv, struct err **err) warn_unused;
void cli_release(struct cli *c);
/* The help of one command, or of all when COMMAND is NULL. */
void cli_help(const struct command *command, FILE *to);

int cmd_help(struct cli *c);
int cmd_boot(struct cli *c);
int cmd_build(struct cli *c);
int cmd_plan(struct cli *c);
int cmd_why(struct cli *c);
int cmd_log(struct cli *c);
int cmd_query(struct cli *c);
int cmd_query_owner(struct cli *c);
int cmd_verify(struct cli *c);
int cmd_runs(struct cli *c);
int cmd_diff(struct cli *c);
int cmd_changed(struct cli *c);
int cmd_flash(struct cli *c);
int cmd_graph(struct cli *c);
int cmd_image(struct cli *c);
int cmd_inspect(struct cli *c);
int cmd_check(struct cli *c);
int cmd_lock(struct cli *c);
int cmd_pki(struct cli *c);
int cmd_init(struct cli *c);
int cmd_kinds(struct cli *c);
int cmd_schema(struct cli *c);
int cmd_explain(struct cli *c);
int cmd_config(struct cli *c);
int cmd_convert(struct cli *c);
int cmd_manual(struct cli *c);
int cmd_completion(struct cli *c);
int cmd_shell(struct cli *c);
int cmd_publish(struct cli *c);
int cmd_repro(struct cli *c);
int cmd_sbom(struct cli *c);
int cmd_size(struct cli *c);
int cmd_cache(struct cli *c);
int cmd_store(struct cli *c);
int cmd_timings(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_demo(struct cli *c);
