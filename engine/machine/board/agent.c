/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/agent.h"

#include <stdio.h>

const char agent_unit[] =
	"[Unit]\n"
	"Description=Commands of the test\n"
	"DefaultDependencies=no\n"
	"[Service]\n"
	"ExecStart=/bin/sh /sys/firmware/qemu_fw_cfg/by_name/opt/org.orch/agent/raw\n"
	"IgnoreSIGPIPE=no\n"
	"KillMode=process\n"
	"TasksMax=infinity\n";

const char agent_drop_in[] = "[Unit]\n"
			     "Wants=o.service\n";

const char agent_script[] =
#include "machine/agent.sh.h"
	;

/* "WORD ID REST" */
static void take_line(struct agent *a)
{
	const char *line = a->line.buf, *rest;
	char *end;
	unsigned long id;

	if (str_eq(line, "hello")) {
		a->fn(a->arg, AGENT_HELLO, 0, "", 0);
		return;
	}
	rest = str_skip(line, "out ");
	if (!rest)
		rest = str_skip(line, "end ");
	if (!rest || *rest < '0' || *rest > '9')
		return;
	id = strtoul(rest, &end, 10);
	if (*end == ' ')
		end++;
	if (*line == 'o')
		a->fn(a->arg, AGENT_LINE, (unsigned)id, end, 0);
	else
		a->fn(a->arg, AGENT_END, (unsigned)id, "", (int)strtol(end, NULL, 10));
}

void agent_feed(struct agent *a, const void *data, size_t len)
{
	const char *p = data;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\n') {
			take_line(a);
			str_clear(&a->line);
		} else if (p[i] && a->line.len < AGENT_LINE_MAX) {
			str_append_char(&a->line, p[i]);
		}
	}
}

void agent_reset(struct agent *a)
{
	str_clear(&a->line);
}

void agent_release(struct agent *a)
{
	str_release(&a->line);
}

void agent_request(unsigned id, const char *script, struct str *ret)
{
	str_printf(ret, "run %u %zu\n", id, strlen(script));
	str_append(ret, script);
}
