/* SPDX-License-Identifier: GPL-3.0-or-later */
/* listening: the ports that others may reach, and no others are open. */
#include "scenario/command.h"
#include "scenario/ports.h"

struct listening {
	struct step_head head;
	struct list ports; /* of const char *, "22/tcp" */
};

static const struct option options[] = {
	{"listening", OPT_STRING, offsetof(struct listening, ports), OPT_LIST,
	 .help = "Ports that may be open, beside those of the loopback device; any other is told. "
		 "Ask when the system has started: `run: systemctl is-system-running --wait`.",
	 .example = "[22/tcp, 68/udp]"},
	STEP_NAME(struct listening),
	STEP_WITHIN(struct listening, 600),
};

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct listening *l = data;
	struct port p;

	for (size_t i = 0; i < l->ports.count; i++) {
		const char *text = LIST_AT(l->ports, const char *, i);

		if (port_parse(text, &p))
			err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "listening"),
				    "'%s' is not a port like 22/tcp or 68/udp", text);
	}
}

static const struct schema schema = SCHEMA(struct listening, options, .check = check);

static const char script[] = "for f in tcp tcp6 udp udp6; do\n"
			     "	[ -r /proc/net/$f ] || continue\n"
			     "	while read -r line; do echo \"$f $line\"; done </proc/net/$f\n"
			     "done\n";

static bool is_allowed(const struct listening *l, struct port p)
{
	struct port q;

	for (size_t i = 0; i < l->ports.count; i++) {
		if (port_parse(LIST_AT(l->ports, const char *, i), &q) == 0 &&
		    q.number == p.number && q.udp == p.udp)
			return true;
	}
	return false;
}

/* All that are open and may not be, "80/tcp, 5353/udp". 1: the system does not tell. */
static int find_others(const struct listening *l, const struct strv *lines, struct str *ret)
{
	struct ports open = {0};
	int rc = ports_read(lines, &open);

	for (size_t i = 0; i < open.count; i++) {
		if (!is_allowed(l, open.items[i]))
			str_printf(ret, "%s%u/%s", ret->len ? ", " : "", open.items[i].number,
				   open.items[i].udp ? "udp" : "tcp");
	}
	ports_clear(&open);
	return rc;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct listening *l = opts;
	struct strv lines cleanup_strv = {0};
	struct str others cleanup_str = STR_INIT;

	if (command_lines(s, script, step_within(&l->head, COMMAND_S), &lines, err) < 0)
		return -1;
	if (find_others(l, &lines, &others))
		return err_set(
			err, E_SCENARIO_FAILED,
			"the system does not tell which ports are open: /proc/net/tcp and its "
			"neighbours cannot be read; mount /proc, or wait until it is");
	if (!others.len)
		return 0;
	return err_set(err, E_SCENARIO_FAILED,
		       "the system listens on %s: stop what does (`ss -tulpn` says what it is), or "
		       "name it under 'listening'",
		       others.buf);
}

static const char *no_value(const void *opts)
{
	return NULL; /* a list */
}

const struct verb verb_listening = {
	.form = {"listening", &schema},
	.traits = STEP_NEEDS_ON | STEP_NEEDS_AGENT | STEP_NEEDS_BOOT,
	.value = no_value,
	.run = run,
};
