/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A board that is switched on and off: QEMU, its console as lines with a cursor, commands in the
 * guest, and the monitor. One poll loop behind blocking calls with deadlines; nothing runs on its
 * own. QEMU dies with this process. A remote board (scene_remote.h) is switched off with the scene,
 * and by the next one that takes it.
 *
 *	scene_new(&opts, &scene, err);
 *	scene_power_on(scene, &power, err);
 *	scene_wait(scene, &want, 60, &line, err);      // a line of the console
 *	scene_start(scene, "reboot", false, &job, err); // a command in the guest
 *	scene_cut(scene, err);                         // SIGKILL: the power is gone
 *	scene_free(scene);
 *
 * All seconds of these calls are multiplied with the board's time-scale. Errors: ERR_TIMEOUT when
 * the whole took too long, ERR_BUILD for what the board did or did not do in time, and when it said
 * more than can be kept (64 MiB since power-on).
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"
#include "machine/board/board.h"
#include "machine/board/remote_board.h"
#include "machine/board/web.h"

enum scene_source {
	SCENE_CONSOLE,
	SCENE_QEMU,       /* what QEMU itself says */
	SCENE_BOARD,      /* what the commands of a remote board say */
	SCENE_JOB,        /* a command in the guest */
	SCENE_BACKGROUND, /* one that nobody waits for */
	SCENE_NOTE,       /* the scene's own: power, resets, steps */
};

struct scene_line {
	char *text;
	enum scene_source source;
	unsigned job;
	uint64_t ms; /* since power-on */
	bool taken;  /* it was a hit before it was finished */
};
DEFINE_VEC(scene_lines, struct scene_line)

/*
 * Called for each line as it comes, with seconds since power-on before it and then the mark of its
 * source: "-- " of a note, "> " and "& " of commands, "qemu: ", "board: "; a line of the console
 * has none, and gets a backslash when it begins with one or with a backslash.
 */
typedef void scene_log_fn(void *arg, enum scene_source source, const char *line);

struct scene_opts {
	const struct board *board;
	const struct remote_board *remote; /* how a REMOTE_BOARD is reached; else NULL */
	const char *dir;                   /* scratch, for the agent's files */
	const char *const *never;          /* texts that the console must not show */
	size_t never_count;
	unsigned total_s; /* all of it; 0: no deadline. Scaled. */
	struct web *web;  /* the board's server (machine/board/web.h), at BOARD_WEB; or NULL */
	/* Not 0, as from a handler of signals: what waits ends with ERR_CANCEL. NULL: never. */
	const volatile sig_atomic_t *stop;
	scene_log_fn *log;
	void *arg;
};

struct scene;
/* A remote board is waited for, taken and switched off. */
int scene_new(const struct scene_opts *opts, struct scene **ret, struct err **err) warn_unused;
/* Cuts the power if it is on. */
void scene_free(struct scene *s);
static inline void scene_freep(struct scene **s)
{
	scene_free(*s);
}
#define cleanup_scene __attribute__((cleanup(scene_freep)))

/* A line of the log: "-- step 3: ...". */
void scene_note(struct scene *s, const char *fmt, ...) printf_like(2, 3);

/*
 * Starts QEMU; descriptors and agent files of POWER are set here. With LINK false the network's
 * cable is out from the start. Lines and cursor start over.
 */
int scene_power_on(struct scene *s, const struct board_power *power, bool link,
		   struct err **err) warn_unused;
bool scene_is_on(const struct scene *s);
/* SIGKILL, and QEMU is gone. Nothing when it is off. */
int scene_cut(struct scene *s, struct err **err) warn_unused;
/* Waits until QEMU ends by itself. */
int scene_wait_off(struct scene *s, unsigned seconds, struct err **err) warn_unused;
/* Plugs the network's cable in or out. */
int scene_link(struct scene *s, bool up, struct err **err) warn_unused;

/* Lines since the last power-on, whether it is still on or not. */
const struct scene_lines *scene_lines(const struct scene *s);
/* The last line of the console, finished or not, or "". Valid until the next call. */
const char *scene_last_line(const struct scene *s);

/* What is waited for. FN returns 1 for a hit, 0 to go on, -1 with *err to give up. */
typedef int scene_match_fn(void *arg, const struct scene_line *line, struct err **err);
struct scene_want {
	scene_match_fn *fn;
	void *arg;
	const char *what; /* for the message: "no line like 'Starting kernel'" */
	bool open;        /* a line that is not finished, too; FN then never gives up */
	bool background;  /* lines of background commands, too */
};
/*
 * The first hit after the cursor; the cursor then stands after it. Other lines than the
 * console's leave it where it is. RET may be NULL; its text lives until the power is on again.
 */
int scene_wait(struct scene *s, const struct scene_want *want, unsigned seconds,
	       struct scene_line *ret, struct err **err) warn_unused;
/* Moves the cursor after everything that has come. */
void scene_skip(struct scene *s);
/* Lets the board run for so many milliseconds (not scaled). */
int scene_pass(struct scene *s, uint64_t ms, struct err **err) warn_unused;

/* Waits until commands can be run in the guest. */
int scene_wait_agent(struct scene *s, unsigned seconds, struct err **err) warn_unused;
/* Starts a script for /bin/sh -e in the guest; scene_wait_agent() came before. */
int scene_start(struct scene *s, const char *script, bool background, unsigned *ret_job,
		struct err **err) warn_unused;
/* Waits for its end. A guest that restarts meanwhile is ERR_BUILD. */
int scene_wait_job(struct scene *s, unsigned job, unsigned seconds, int *ret_status,
		   struct err **err) warn_unused;
/* The agent has to say hello again: the guest is about to restart. */
void scene_forget_agent(struct scene *s);
