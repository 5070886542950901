/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* What scene.c (lines, loop, waiting) and scene_power.c (QEMU) share. */
#include <sys/types.h>

#include "machine/board/agent.h"
#include "machine/board/console.h"
#include "machine/board/scene.h"

struct job_end {
	unsigned job;
	int status;
};
DEFINE_VEC(job_ends, struct job_end)

struct scene {
	struct scene_opts o;
	char *unit, *drop_in, *script; /* paths */
	uint64_t deadline;             /* of all, ms; 0: none */
	/* since power-on */
	struct scene_lines lines;
	uint64_t kept; /* bytes of memory that the lines take, or would take */
	size_t cursor;
	bool open_taken; /* the line that is not finished was a hit */
	uint64_t start;  /* ms */
	pid_t pid;       /* 0: off */
	int pidfd, outfd, errfd, agentfd, qmpfd;
	struct scene_remote *remote; /* scene_remote.h; NULL: QEMU is started */
	bool heard;                  /* the console has said something since power-on */
	const int *sending;          /* the one of these with bytes that wait for room, or NULL */
	struct console console, own;
	struct agent agent;
	struct str monitor; /* half a line of QMP */
	bool hello;         /* the agent listens */
	bool qmp_ready, qmp_answer, qmp_failed;
	unsigned resets, next_job;
	struct strv background; /* numbers of jobs that nobody waits for */
	struct job_ends ends;
	char *last_own; /* what QEMU said last, or NULL */
	char *broken;   /* a text of `never`, or NULL */
	int status;     /* of QEMU, when it is off */
};

#define SCENE_KEPT_MAX (64u << 20)

/* clock_ms() in SECONDS of the board's, which may be slow. */
uint64_t scene_deadline(const struct scene *s, unsigned seconds);
void scene_console_said(void *arg, enum console_event event, const char *text, long a, long b);
void scene_qemu_said(void *arg, enum console_event event, const char *text, long a, long b);
void scene_agent_said(void *arg, enum agent_event event, unsigned id, const char *text, int status);
/*
 * Takes in what comes until DEADLINE (ms). 0: something came; 1: the deadline passed; 2: the board
 * is off. A forbidden text is an error.
 */
int scene_pump(struct scene *s, uint64_t deadline, struct err **err) warn_unused;
/*
 * What QEMU's monitor says, in pieces: lines of JSON (QMP). One that is longer than orch's commands
 * are ever answered with is cut and means nothing: QEMU may come from a tree.
 */
#define MONITOR_LINE_MAX (64 * 1024)
void scene_monitor_feed(struct scene *s, const char *data, size_t len);
/* Lines and what is known of the guest, of the last power-on. */
void scene_forget(struct scene *s);
/* Closes QEMU's sockets and reaps it. */
int scene_reap(struct scene *s, struct err **err) warn_unused;
/* "WHAT: the board switched itself off", "WHAT within 60 s". */
int scene_went_off(struct scene *s, const char *what, struct err **err);
int scene_too_late(const struct scene *s, const char *what, unsigned seconds, struct err **err);
/*
 * Writes to one of QEMU's sockets, *FD, and takes in meanwhile what comes: a guest that waits for
 * us to read does not read itself. 0: all is written; 1: not within SECONDS (scaled), *RET_SENT
 * bytes are; 2: the board is off, or that socket is closed.
 */
int scene_send(struct scene *s, const int *fd, const void *data, size_t len, unsigned seconds,
	       size_t *ret_sent, struct err **err) warn_unused;
