/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/board/rauc_board.h"

#include "machine/guest/qemu.h"
#include "machine/guest/steps.h"

static const char program[] =
#include "machine/rauc_board.sh.h"
	;

/* From the firmware's configuration, whose driver may be a module. No double quotes in here. */
static const char find_program[] =
	"mount -t proc proc /proc 2>/dev/null;mount -t sysfs sysfs /sys 2>/dev/null;"
	"modprobe -q qemu_fw_cfg;exec /bin/sh /sys/firmware/qemu_fw_cfg/by_name/" BOARD_AGENT_FILE
	"/raw";

bool board_is_rauc(const struct board *b)
{
	return str_eq(b->machine, RAUC_BOARD);
}

static void set(const char *name, const char *value, struct str *ret)
{
	str_printf(ret, "%s=", name);
	if (value && *value)
		steps_quote_argv(&value, 1, ret);
	str_append_char(ret, '\n');
}

void rauc_board_program(const struct rauc_board_device *d, struct str *ret)
{
	static const char name[] = "{partition}";
	const char *hole = strstr(d->paths, name);
	char *before cleanup_free =
		hole ? xstrndup(d->paths, (size_t)(hole - d->paths)) : xstrdup(d->paths);

	set("before", before, ret);
	set("after", hole ? hole + strlen(name) : NULL, ret);
	set("disk_path", d->disk_path, ret);
	set("prepare", d->prepare, ret);
	str_append(ret, program);
}

void rauc_board_cmdline(const struct board *b, const char *slot, const char *partition,
			struct str *ret)
{
	str_printf(ret,
		   "console=%s root=PARTLABEL=%s ro rootwait gpt panic=-1 rauc.slot=%s "
		   "init=/bin/sh -- -c \"%s\"",
		   qemu_console(b->arch), partition, slot, find_program);
}
