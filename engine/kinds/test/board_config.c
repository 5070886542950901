/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/test/board_config.h"

#include "machine/board/remote_console.h"

#define AT(which) offsetof(struct board_config, commands[which])
#define COMMAND(which, name, ...)                                          \
	{                                                                  \
		name, OPT_STRING, AT(which), OPT_LIST, .help = __VA_ARGS__ \
	}
static const struct option options[] = {
	{"power-on", OPT_STRING, AT(REMOTE_CMD_POWER_ON), OPT_LIST | OPT_REQUIRED,
	 .help = "Command that switches the board on.",
	 .example = "[labgrid-client, -p, bench, power, \"on\"]"},
	{"power-off", OPT_STRING, AT(REMOTE_CMD_POWER_OFF), OPT_LIST | OPT_REQUIRED,
	 .help = "Command that takes its power away; it succeeds when there is none."},
	{"console", OPT_STRING, AT(REMOTE_CMD_CONSOLE), OPT_LIST | OPT_REQUIRED,
	 .help = "Its serial console: tcp://HOST:PORT, telnet://HOST:PORT, unix:/PATH, a serial "
		 "line of this machine (/dev/PATH), or a command that prints what it says.",
	 .example = "/dev/serial/by-id/usb-FTDI_TTL232R-if00-port0"},
	{"baud", OPT_INT, offsetof(struct board_config, baud), OPT_POSITIVE, .def = "115200",
	 .help = "Speed of a console that is a serial line."},
	COMMAND(REMOTE_CMD_WRITE, "write",
		"Command that puts an image on the board's card; the image's path is its last "
		"argument. Power is off."),
	COMMAND(REMOTE_CMD_READ, "read",
		"Command that copies the card into the file that its last argument names."),
	{"card", OPT_STRING, offsetof(struct board_config, card), OPT_ABSPATH,
	 .help = "Where this machine has the card while it is not in the board, in place of "
		 "`write` and `read`: a block device of an SD multiplexer. Without "
		 "`card-to-host`: the file that an emulator works on.",
	 .example = "/dev/disk/by-id/usb-LinuxAut_sdmux_HS-SD_MMC_00012345-0:0"},
	COMMAND(REMOTE_CMD_TO_HOST, "card-to-host", "Command that gives the card to this machine."),
	COMMAND(REMOTE_CMD_TO_BOARD, "card-to-board", "Command that gives it to the board."),
	COMMAND(REMOTE_CMD_COMMANDS, "commands",
		"Command that runs a shell program as root in the running system; the program is "
		"its last argument, and goes on as long as input and output are open.",
		.example = "[ssh, -o, ServerAliveInterval=5, root@bench]"),
	COMMAND(REMOTE_CMD_ACQUIRE, "acquire", "Command that reserves the board for a scenario."),
	COMMAND(REMOTE_CMD_RELEASE, "release", "Command that gives it back."),
	{"timeout", OPT_INT, offsetof(struct board_config, timeout), OPT_POSITIVE, .def = "600",
	 .help = "Seconds that each command but `console` and `commands` may take."},
};
#undef COMMAND
#undef AT

static bool has(const struct board_config *c, enum remote_command which)
{
	return c->commands[which].count > 0;
}

static void check_card(const struct board_config *c, const struct yaml *map,
		       struct err_list *errors)
{
	if (!c->card == !has(c, REMOTE_CMD_WRITE))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "say how a card is written, in one way: 'write', or 'card'");
	if (c->card && has(c, REMOTE_CMD_READ))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "read"),
			    "'read' goes with 'write': leave it out, the card is read by itself");
	if (has(c, REMOTE_CMD_TO_HOST) != has(c, REMOTE_CMD_TO_BOARD))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "'card-to-host' and 'card-to-board' go together");
	if (!c->card && has(c, REMOTE_CMD_TO_HOST))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "card-to-host"),
			    "'card-to-host' needs 'card': where this machine then has it");
	if (has(c, REMOTE_CMD_RELEASE) && !has(c, REMOTE_CMD_ACQUIRE))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "release"),
			    "'release' needs 'acquire'");
}

static void check_texts(const struct board_config *c, const struct yaml *map,
			struct err_list *errors)
{
	for (size_t i = 0; i < REMOTE_CMD_COUNT; i++) {
		const struct list *words = &c->commands[i];

		if (yaml_get(map, remote_words[i]) &&
		    (!words->count || !*LIST_AT(*words, const char *, 0)))
			err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, remote_words[i]),
				    "'%s' is empty: write a program and its arguments, or leave "
				    "it out",
				    remote_words[i]);
	}
}

static void check_console(const struct board_config *c, const struct yaml *map,
			  struct err_list *errors)
{
	struct remote_board r = {0};
	char *host cleanup_free = NULL, *port cleanup_free = NULL;
	enum remote_address sort;
	const char *rest;

	if (!has(c, REMOTE_CMD_CONSOLE))
		return;
	for (size_t i = 0; i < c->commands[REMOTE_CMD_CONSOLE].count; i++)
		strv_push(&r.commands[REMOTE_CMD_CONSOLE],
			  LIST_AT(c->commands[REMOTE_CMD_CONSOLE], const char *, i));
	sort = remote_console_sort(&r, &rest);
	if (sort <= REMOTE_AT_TELNET && remote_host_port(rest, &host, &port))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "console"),
			    "a console there is HOST:PORT, found '%s'", rest);
	if (sort == REMOTE_AT_UNIX && *rest != '/')
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "console"),
			    "a socket is unix: and a path from /, found '%s'", rest);
	remote_board_clear(&r);
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	check_card(data, map, errors);
	check_texts(data, map, errors);
	check_console(data, map, errors);
}

const struct schema board_config_schema = SCHEMA(struct board_config, options, .check = check);
