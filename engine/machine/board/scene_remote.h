/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The scene's part for a remote board (remote_board.h). What QEMU is to others are here commands
 * that end (power), a console that is opened once the power is on, or before, if somebody answers
 * there, and a command that stays while the system runs and takes its commands (agent.h). That one
 * is started when a step needs it, and again when it has ended, for the system restarts under it.
 *
 * A console that hangs up is an error, but where the power goes; until its first byte, and for
 * ten seconds, it is opened again: what listens there may come with the power.
 */
#include "machine/board/remote_console.h"
#include "machine/board/scene_priv.h"

struct scene_remote {
	const struct remote_board *board;
	int lock; /* remote_lock() */
	bool acquired;
	bool on;
	bool ending; /* the power goes, or may go: a console that hangs up is right */
	int own;     /* where commands that stay say what is wrong; we read errfd */
	struct remote_console console;
	char *why_closed; /* why the console could not be opened the last time, or NULL */
	uint64_t open_until, open_again;   /* ms */
	pid_t agent;                       /* 0: none */
	uint64_t agent_again, agent_until; /* ms: start it, be rid of it */
	const struct board_files_carried *carry;
	bool carried; /* in the system that runs */
};

/* Takes the board for this scene: nobody else has it, and its power is off. */
int scene_remote_take(struct scene *s, struct err **err) warn_unused;
/* Gives it back, whatever comes of it. */
void scene_remote_leave(struct scene *s);

int scene_remote_on(struct scene *s, const struct board_power *p, struct err **err) warn_unused;
/* Switches it off. */
int scene_remote_cut(struct scene *s, struct err **err) warn_unused;
/* Waits until the system says that it has shut down, or the console hangs up; then off. */
int scene_remote_wait_off(struct scene *s, unsigned seconds, struct err **err) warn_unused;
/* The system has what takes commands, and the files of the scenario. */
int scene_remote_wait_agent(struct scene *s, unsigned seconds, struct err **err) warn_unused;
void scene_remote_forget_agent(struct scene *s);

/* After each look at the descriptors. 0, 2: the board is off; -1. */
int scene_remote_pumped(struct scene *s, struct err **err) warn_unused;
/* What of a console's bytes is the console's: returns how many. */
size_t scene_remote_filter(struct scene *s, char *buf, size_t len);
