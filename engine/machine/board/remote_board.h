/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * `machine: remote`: a board that orch does not start itself, hardware or somebody's emulator. All
 * that is known of it in a project is its name; what switches it, writes its card and shows its
 * console are commands of the user's own configuration under that name (kinds/test/remote_use.h),
 * so that no recipe says what runs on this machine. docs/hardware.md is the manual.
 *
 * The commands run as the user, outside of any sandbox, with the little environment that workers
 * have. A board belongs to one scenario at a time, on one machine by itself (remote_lock()), on
 * several by the commands `acquire` and `release`.
 */
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"
#include "machine/board/board.h"

#define REMOTE_BOARD "remote"
bool board_is_remote(const struct board *b);

enum remote_command {
	REMOTE_CMD_POWER_ON,
	REMOTE_CMD_POWER_OFF,
	REMOTE_CMD_CONSOLE,  /* or an address, see remote_console_open() */
	REMOTE_CMD_WRITE,    /* with the path of the card's image */
	REMOTE_CMD_READ,     /* likewise, of a file to fill */
	REMOTE_CMD_TO_HOST,  /* the multiplexer's switch */
	REMOTE_CMD_TO_BOARD, /* likewise */
	REMOTE_CMD_COMMANDS, /* with a program for /bin/sh in the running system */
	REMOTE_CMD_ACQUIRE,
	REMOTE_CMD_RELEASE,
	REMOTE_CMD_COUNT
};
/* The keys of the configuration: "power-on". */
extern const char *const remote_words[REMOTE_CMD_COUNT];

struct remote_board {
	const char *name;
	const char *config;                     /* the file that describes it, for messages */
	struct strv commands[REMOTE_CMD_COUNT]; /* argv; empty: there is none */
	const char *card;   /* where its card is, while it is here; NULL: write and read move it */
	unsigned baud;      /* of a console that is a serial line */
	unsigned timeout_s; /* of each command that ends */
};
void remote_board_clear(struct remote_board *r);
static inline bool remote_has(const struct remote_board *r, enum remote_command which)
{
	return r->commands[which].count > 0;
}
/* Whether its card can be looked at while the power is on: a file that an emulator works on. */
bool remote_card_is_live(const struct remote_board *r);
/* Whether it can be looked at while the power is off. */
bool remote_card_is_readable(const struct remote_board *r);

/* Runs a command to its end, with ARG as one more argument unless it is NULL. */
int remote_run(const struct remote_board *r, enum remote_command which, const char *arg,
	       struct err **err) warn_unused;
/*
 * Starts one that stays: its input and output are *RET_FD, a socket, and what it says on stderr
 * goes to ERRFD.
 */
int remote_start(const struct remote_board *r, enum remote_command which, const char *arg,
		 int errfd, pid_t *ret_pid, int *ret_fd, struct err **err) warn_unused;
/*
 * Waits until no other scenario of this user and machine has the board; *RET_FD keeps it until it
 * is closed. PROGRESS is called once before it waits.
 */
int remote_lock(const struct remote_board *r, void (*progress)(void *arg, const char *text),
		void *arg, int *ret_fd, struct err **err) warn_unused;
