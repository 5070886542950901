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
	"export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	"umask 022\n"
	"cd /\n"
	"mounted() { while read -r _ p _; do [ \"$p\" = \"$1\" ] && return 0; done </proc/mounts; "
	"return 1; }\n"
	"say() {\n"
	"\techo 1 >/proc/sys/kernel/printk\n"
	"\tprintf '\\nORCH-%s %s;\\n' \"$T\" \"$1\" >/dev/console\n"
	"\techo 4 >/proc/sys/kernel/printk\n"
	"}\n";

static const char mounts[] =
	"[ -e /proc/self ] || mount -t proc proc /proc\n"
	"mounted /sys || mount -t sysfs sysfs /sys\n"
	"mounted /dev || mount -t devtmpfs dev /dev\n"
	"mkdir -p /dev/pts /dev/shm\n"
	"mounted /dev/pts || mount -t devpts -o mode=620,gid=5 devpts /dev/pts\n"
	"mounted /dev/shm || mount -t tmpfs -o mode=1777 shm /dev/shm\n"
	"mounted /run || mount -t tmpfs -o mode=755 run /run\n"
	"mount -o remount,rw /\n"
	"[ \"$(date +%s)\" -ge $SOURCE_DATE_EPOCH ] || date -s @$SOURCE_DATE_EPOCH >/dev/null\n"
	"ip link set lo up 2>/dev/null || ifconfig lo up 2>/dev/null\n"
	"say begin\n"
	"mkdir -p /run/orch\n"
	/* Where / lies on the boot disk: the host reads it there afterwards. */
	"while read -r _ _ n _ p _; do [ \"$p\" = / ] && root=$n; done </proc/self/mountinfo\n"
	"d=/sys/dev/block/$root\n"
	"start=0\n"
	"[ -e $d/partition ] && read -r start <$d/start && d=$d/..\n"
	"for f in $d/serial $d/device/serial; do\n"
	"\t[ -e $f ] && read -r x <$f && [ \"$x\" = " STEPS_ROOT_SERIAL
	" ] && say \"root $start\"\n"
	"done\n";

/* wait_disk SERIAL N: the device name of a disk, waited for up to 30 s; ends the run without it. */
static const char disk_functions[] =
	"find_disk() {\n"
	"\tfor s in /sys/block/*/serial /sys/block/*/device/serial; do\n"
	"\t\t[ -e \"$s\" ] && read -r x <\"$s\" && [ \"$x\" = \"$1\" ] || continue\n"
	"\t\td=${s#/sys/block/} && echo \"/dev/${d%%/*}\" && return 0\n"
	"\tdone\n"
	"\treturn 1\n"
	"}\n"
	"wait_disk() {\n"
	"\ti=0\n"
	"\tuntil dev=$(find_disk \"$1\"); do\n"
	"\t\t[ $i -lt 30 ] || { say \"lost $2\"; leave 1; }\n"
	"\t\ti=$((i + 1)); sleep 1\n"
	"\tdone\n"
	"}\n";

/* Ends the guest. What was started in the background must not write behind our back. */
static const char leave_alone[] =
	"leave() {\n"
	"\tcd /\n"
	"\tkill -TERM -1 2>/dev/null; sleep 1; kill -KILL -1 2>/dev/null\n"
	"\tsync\n"
	"\tlist=\n"
	"\twhile read -r _ p _; do case $p in /|/proc*|/sys*|/dev*|/run) ;; "
	"*) list=\"$p $list\";; esac; done </proc/mounts\n"
	"\tfor p in $list; do umount \"$p\" 2>/dev/null || umount -l \"$p\"; done\n"
	"\tmount -o remount,ro / || say dirty\n"
	"\tsync\n"
	"\tsay \"end $1\"\n"
	"\techo o >/proc/sysrq-trigger\n"
	"\tsleep 600\n"
	"}\n";

static const char leave_systemd[] = "leave() {\n"
				    "\tsync\n"
				    "\tsay \"end $1\"\n"
				    "\tsystemctl --no-block poweroff\n"
				    "\texit 0\n"
				    "}\n";

/* Between the two: the variables of the recipe. */
static const char run_begin[] =
	"run() {\n"
	"\tsay \"step $1\"\n"
	"\tenv -i PATH=\"$PATH\" HOME=/root LC_ALL=C.UTF-8 TZ=UTC TERM=dumb SHELL=/bin/sh \\\n"
	"\t\tDEBIAN_FRONTEND=noninteractive SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH $DISKS \\\n\t\t";

static const char run_end[] =
	" \\\n\t\t/bin/sh -e /run/orch/step-$1 </dev/null >/dev/console 2>&1\n"
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

/* The part that runs the steps: all of it as PID 1, or the unit's program under systemd. */
static void write_main(const struct steps_plan *plan, struct str *ret)
{
	str_append(ret, run_begin);
	steps_quote_argv(plan->env, plan->env_count, ret);
	str_append(ret, run_end);
	write_disks(plan, ret);
	for (size_t i = 0; i < plan->count; i++)
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
	str_append(ret, mounts);
	for (size_t i = 0; i < plan->count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "step-%zu", i + 1);
		put_file(plan, name, plan->scripts[i], ret);
	}
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
