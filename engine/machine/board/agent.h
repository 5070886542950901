/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Commands in a guest, without anything of it in the guest's image. systemd (256 or newer) takes a
 * unit from the machine's firmware configuration (agent_unit), and a drop-in that makes it start
 * with the system (agent_drop_in); the unit is a shell that reads this program (agent_script) from
 * there as well. It loads what it needs, mounts the disk with serial number BOARD_MEDIA_SERIAL at
 * /run/orch/media (AGENT_MEDIA before the program says that there is one), and talks through
 * the virtio port BOARD_AGENT_PORT:
 *
 *	host   run ID LENGTH\n and LENGTH bytes: a script for /bin/sh -e
 *	       put ID LENGTH NAME\n and LENGTH bytes: a file of that name in /run/orch/media
 *	guest  hello\n when it starts; out ID LINE\n for each line, of both outputs;
 *	       end ID STATUS\n
 *
 * With AGENT_STREAM before it the program talks by its standard input and output, on a system of
 * which nothing else is known than that a shell runs it, as root.
 *
 * Scripts run beside each other. The rest here is the host's side of the protocol: pure, bytes in
 * and callbacks out.
 */
#include <stdbool.h>

#include "base/str.h"

#define AGENT_MEDIA "media=yes\n"
#define AGENT_STREAM "stream=yes\n"
extern const char agent_unit[], agent_drop_in[], agent_script[];

enum agent_event {
	AGENT_HELLO,
	AGENT_LINE, /* text: a line that script ID printed */
	AGENT_END,  /* status of script ID */
};
typedef void agent_fn(void *arg, enum agent_event event, unsigned id, const char *text, int status);

#define AGENT_LINE_MAX 65536

struct agent {
	agent_fn *fn;
	void *arg;
	struct str line;
};
#define AGENT_INIT(fn_, arg_)                                \
	{                                                    \
		.fn = (fn_), .arg = (arg_), .line = STR_INIT \
	}

void agent_feed(struct agent *a, const void *data, size_t len);
/* Forgets half a line: the guest was reset. */
void agent_reset(struct agent *a);
void agent_release(struct agent *a);
/* Appends the request to run SCRIPT. */
void agent_request(unsigned id, const char *script, struct str *ret);
