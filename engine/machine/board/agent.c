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
	"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	"export HOME=/root LC_ALL=C.UTF-8 TERM=dumb\n"
	"umask 022\n"
	"cd /\n"
	"dir=/run/orch\n"
	"mkdir -p $dir/media\n"
	"modprobe -q -a virtio_pci virtio_console virtio_blk ext4\n"
	/* The disk with the files of the test. */
	"mount_media() {\n"
	"\tfor s in /sys/block/*/serial; do\n"
	"\t\t[ -e \"$s\" ] || continue\n"
	"\t\tread -r x <\"$s\" || :\n" /* there is no newline in it */
	"\t\t[ \"$x\" = orch-media ] || continue\n"
	"\t\td=${s#/sys/block/}\n"
	"\t\tmount -t ext4 -o ro,noload \"/dev/${d%%/*}\" $dir/media && return 0\n"
	"\tdone\n"
	"\treturn 1\n"
	"}\n"
	"find_port() {\n"
	"\tfor n in /sys/class/virtio-ports/*/name; do\n"
	"\t\t[ -e \"$n\" ] && read -r x <\"$n\" && [ \"$x\" = org.orch.agent ] || continue\n"
	"\t\tn=${n%/name}\n"
	"\t\tport=/dev/${n##*/}\n"
	"\t\t[ -e \"$port\" ] && return 0\n"
	"\tdone\n"
	"\treturn 1\n"
	"}\n"
	"until find_port; do sleep 0.2; done\n"
	"i=0\n"
	"until [ -z \"$media\" ] || mount_media || [ $i -ge 150 ]; do i=$((i + 1)); sleep 0.2; "
	"done\n"
	"exec 3<>\"$port\"\n"
	"job() {\n"
	"\t{\n"
	"\t\t/bin/sh -e $dir/job-$1 3>&- </dev/null 2>&1\n"
	"\t\techo $? >$dir/status-$1\n"
	"\t} | while IFS= read -r line || [ -n \"$line\" ]; do\n"
	"\t\tprintf 'out %s %s\\n' $1 \"$line\" >&3\n"
	"\tdone\n"
	"\tread -r status <$dir/status-$1\n"
	"\tprintf 'end %s %s\\n' $1 \"$status\" >&3\n"
	"}\n"
	"printf 'hello\\n' >&3\n"
	"while :; do\n"
	"\twhile read -r word id len <&3; do\n"
	"\t\t[ \"$word\" = run ] || continue\n"
	"\t\thead -c \"$len\" <&3 >$dir/job-$id\n"
	"\t\tjob $id &\n"
	"\tdone\n"
	"\tsleep 0.5\n"
	"done\n";

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
