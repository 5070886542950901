/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest/steps.h"

#include <inttypes.h>
#include <stdio.h>

/* Finds the disk with the script by its serial number and becomes it. No double quotes in here. */
static const char find_script[] = "[ -e /sys/block ]||mount -t sysfs sysfs /sys;"
				  "[ -e /dev/null ]||mount -t devtmpfs dev /dev;"
				  "for s in /sys/block/*/serial /sys/block/*/device/serial;do "
				  "[ -e $s ]&&read -r x <$s&&[ $x. = " STEPS_SERIAL ". ]&&"
				  "{ d=${s#/sys/block/};exec /bin/sh /dev/${d%%/*};};"
				  "done;echo " STEPS_SERIAL ": no such disk";

static const char prelude[] =
#include "machine/steps.sh.h"
	;

static const char mounts[] =
#include "machine/steps_mounts.sh.h"
	;

static const char disk_functions[] =
#include "machine/steps_disks.sh.h"
	;

static const char shell_functions[] =
#include "machine/steps_shell.sh.h"
	;

static const char leave_alone[] =
#include "machine/steps_leave.sh.h"
	;

static const char leave_systemd[] =
#include "machine/steps_leave_systemd.sh.h"
	;

/* Between the two: the variables of the recipe. */
static const char clean_begin[] =
	"clean() {\n"
	"\tenv -i PATH=\"$PATH\" HOME=/root LC_ALL=C.UTF-8 TZ=UTC TERM=dumb SHELL=/bin/sh \\\n"
	"\t\tDEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH $DISKS \\\n\t\t";

static const char clean_end[] = " \\\n\t\t\"$@\"\n"
				"}\n";

static const char run[] = "run() {\n"
			  "\tsay \"step $1\"\n"
			  "\tclean /bin/sh -e /run/orch/step-$1 </dev/null >/dev/console 2>&1\n"
			  "\trc=$?\n"
			  "\tsay \"done $1 $rc\"\n"
			  "\t[ $rc = 0 ] || leave $rc\n"
			  "}\n";

static const char unit[] = "[Unit]\n"
			   "Description=Build steps\n"
			   "DefaultDependencies=no\n"
			   "After=default.target\n"
			   "Conflicts=shutdown.target\n"
			   "[Service]\n"
			   "Type=oneshot\n"
			   "ExecStart=/bin/sh /run/orch/main\n"
			   "StandardInput=null\n"
			   "TimeoutStartSec=infinity\n";

/* TEXT as one shell word: bare where that is safe, else in single quotes. */
static void quote(const char *text, struct str *ret)
{
	static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				   "_@%+=:,./-";

	if (*text && text[strspn(text, safe)] == 0) {
		str_append(ret, text);
		return;
	}
	str_append_char(ret, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			str_append(ret, "'\\''");
		else
			str_append_char(ret, *p);
	}
	str_append_char(ret, '\'');
}

void steps_quote_argv(const char *const *argv, size_t count, struct str *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_char(ret, ' ');
		quote(argv[i], ret);
	}
}

/* A here-document that puts TEXT into /run/orch/NAME of the guest. */
static void put_file(const struct steps_plan *plan, const char *name, const char *text,
		     struct str *ret)
{
	str_printf(ret, "cat >/run/orch/%s <<'END-%s'\n%s\nEND-%s\n", name, plan->token, text,
		   plan->token);
}

static void write_disks(const struct steps_plan *plan, struct str *ret)
{
	str_append(ret, "DISKS=\n");
	if (plan->disk_count == 0 && !plan->inputs)
		return;
	str_append(ret, disk_functions);
	str_append(ret, "mkdir -p /mnt && mount -t tmpfs -o mode=755 mnt /mnt\n");
	for (size_t i = 0; i < plan->disk_count; i++) {
		const struct steps_disk *d = &plan->disks[i];

		str_printf(ret, "wait_disk %s %zu\n", d->serial, i + 1);
		str_printf(ret, "DISKS=\"$DISKS ORCH_DISK_%zu=$dev\"\n", i + 1);
		if (d->mount)
			str_printf(ret,
				   "mkdir -p /mnt/%s && mount \"$dev\" /mnt/%s || "
				   "{ say \"lost %zu\"; leave 1; }\n",
				   d->name, d->name, i + 1);
	}
	if (plan->inputs)
		str_printf(ret,
			   "wait_disk " STEPS_INPUTS_SERIAL " %zu\n"
			   "mkdir -p /mnt/" STEPS_INPUTS
			   " && mount -o ro \"$dev\" /mnt/" STEPS_INPUTS " && cd /mnt/" STEPS_INPUTS
			   " || { say \"lost %zu\"; leave 1; }\n",
			   plan->disk_count + 1, plan->disk_count + 1);
}

static void write_shell(const struct steps_shell *shell, struct str *ret)
{
	str_append(ret, shell_functions);
	if (shell->input) {
		str_append(ret, "shell_of_input\n");
	} else {
		str_printf(ret, "rows=%u columns=%u\nshell_on_terminal ", shell->rows,
			   shell->columns);
		steps_quote_argv((const char *[]){shell->tty, shell->term, shell->name}, 3, ret);
		str_append_char(ret, '\n');
	}
}

/* The part that runs the steps: all of it as PID 1, or the unit's program under systemd. */
static void write_main(const struct steps_plan *plan, struct str *ret)
{
	str_append(ret, clean_begin);
	steps_quote_argv(plan->env, plan->env_count, ret);
	str_append(ret, clean_end);
	str_append(ret, run);
	write_disks(plan, ret);
	if (plan->shell)
		write_shell(plan->shell, ret);
	for (size_t i = 0; i < plan->count && !plan->shell; i++)
		str_printf(ret, "run %zu\n", i + 1);
	str_append(ret, "leave 0\n");
}

static void write_head(const struct steps_plan *plan, struct str *ret)
{
	str_printf(ret, "T=%s\nSOURCE_DATE_EPOCH=%" PRIu64 "\n", plan->token, plan->epoch);
	str_append(ret, prelude);
	str_append(ret, plan->systemd ? leave_systemd : leave_alone);
}

/* Hands over to systemd with a unit below /run that runs the main part. */
static void write_handover(const struct steps_plan *plan, struct str *ret)
{
	struct str main_part cleanup_str = STR_INIT;
	char *unit_end cleanup_free = xasprintf("END-%s", plan->token);

	str_append(&main_part, "exec >/dev/console 2>&1\n");
	write_head(plan, &main_part);
	write_main(plan, &main_part);
	put_file(plan, "main", main_part.buf, ret);
	if (plan->shell && !plan->shell->input) /* a login there would take its keys */
		str_printf(ret,
			   "mkdir -p /run/systemd/system\n"
			   "ln -s /dev/null /run/systemd/system/serial-getty@%s.service\n",
			   plan->shell->tty);
	str_printf(ret,
		   "mkdir -p /run/systemd/system/default.target.wants\n"
		   "cat >/run/systemd/system/orch-steps.service <<'%s'\n%s%s\n"
		   "ln -s ../orch-steps.service /run/systemd/system/default.target.wants/\n"
		   "exec /sbin/init\n",
		   unit_end, unit, unit_end);
}

void steps_script(const struct steps_plan *plan, struct str *ret)
{
	size_t start = ret->len;

	str_append(ret, "# steps of one run; PID 1 of the guest\n");
	write_head(plan, ret);
	str_append(ret, "root_serial=" STEPS_ROOT_SERIAL "\n");
	str_append(ret, mounts);
	for (size_t i = 0; i < plan->count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "step-%zu", i + 1);
		put_file(plan, name, plan->scripts[i], ret);
	}
	if (plan->shell && plan->shell->input)
		put_file(plan, "input", plan->shell->input, ret);
	if (plan->systemd)
		write_handover(plan, ret);
	else
		write_main(plan, ret);
	while ((ret->len - start) % 4096)
		str_append_char(ret, '\n');
}

void steps_cmdline(const char *console, struct str *ret)
{
	str_printf(ret, "console=%s panic=-1 init=/bin/sh -- -c \"%s\"", console, find_script);
}
