/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of units: systemd ignores a line whose value it cannot read, and says so where nobody
 * looks. Words are those of systemd 257 (systemd.service(5), systemd.unit(5), systemd.exec(5),
 * systemd.kill(5)), spans of time as in systemd.time(7).
 */
#include <ctype.h>

#include "base/path.h"
#include "check/view.h"

#define BOOL " yes no true false on off 1 0 y n t f "

/* Keys that take one word of a list; keys and words are between spaces. */
static const struct {
	const char *keys, *words;
} lists[] = {
	{" Type ", " simple exec forking oneshot dbus notify notify-reload idle "},
	{" Restart ", " no always on-success on-failure on-abnormal on-abort on-watchdog "},
	{" RestartMode ", " normal direct debug "},
	{" ExitType ", " main cgroup "},
	{" KillMode ", " control-group process mixed none "},
	{" NotifyAccess ", " none main exec all "},
	{" OOMPolicy ", " continue stop kill "},
	{" CollectMode ", " inactive inactive-or-failed "},
	{" KeyringMode ", " inherit private shared "},
	{" TimeoutStartFailureMode TimeoutStopFailureMode ", " terminate abort kill "},
	{" FailureAction SuccessAction StartLimitAction JobTimeoutAction ",
	 " none reboot reboot-force reboot-immediate poweroff poweroff-force poweroff-immediate "
	 "exit exit-force soft-reboot soft-reboot-force kexec kexec-force halt halt-force "
	 "halt-immediate "},
	{" ProtectSystem ", " strict full" BOOL},
	{" ProtectHome ", " read-only tmpfs" BOOL},
	{" PrivateTmp ", " disconnected" BOOL},
	{" RemainAfterExit DefaultDependencies StopWhenUnneeded RefuseManualStart RefuseManualStop "
	 "AllowIsolate IgnoreOnIsolate NoNewPrivileges PrivateDevices PrivateNetwork PrivateMounts "
	 "ProtectKernelTunables ProtectKernelModules ProtectKernelLogs ProtectClock "
	 "RestrictRealtime RestrictSUIDSGID LockPersonality MemoryDenyWriteExecute DynamicUser "
	 "SendSIGKILL SendSIGHUP GuessMainPID RootDirectoryStartOnly NonBlocking IgnoreSIGPIPE "
	 "RemoveIPC Persistent WakeSystem RemainAfterElapse Accept Writable FlushPending "
	 "MakeDirectory LazyUnmount SloppyOptions ReadWriteOnly ForceUnmount ",
	 BOOL},
};

static const char span_keys[] =
	" TimeoutSec TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutIdleSec RestartSec "
	"RestartMaxDelaySec RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec JobTimeoutSec "
	"JobRunningTimeoutSec StartLimitIntervalSec OnActiveSec OnBootSec OnStartupSec "
	"OnUnitActiveSec OnUnitInactiveSec AccuracySec RandomizedDelaySec LogRateLimitIntervalSec "
	"TriggerLimitIntervalSec PollLimitIntervalSec CPUQuotaPeriodSec DirectoryNotEmptySec ";

static const char units[] =
	" usec us msec ms seconds second sec s minutes minute min m hours hour hr h days day d "
	"weeks week w months month M years year y ";

static bool is_span(const char *p)
{
	if (str_eq(p, "infinity"))
		return true;
	while (*p) {
		size_t digits = strspn(p, "0123456789."), n;

		p += digits + strspn(p + digits, " ");
		for (n = 0; isalpha((unsigned char)p[n]);)
			n++;
		if (!digits || (n && !check_word_in(units, p, n)))
			return false;
		p += n + strspn(p + n, " ");
	}
	return true;
}

static void refuse(struct check_view *v, const struct conf_entry *e, const char *near)
{
	check_say(v, CHECK_UNIT_VALUES, e->pos, "systemd cannot read '%s=%s' and ignores it%s%s%s",
		  e->key, e->value, near ? ": did you mean '" : "", near ? near : "",
		  near ? "'?" : "");
}

static void value_is_read(struct check_view *v, const struct conf_entry *e)
{
	size_t n = strlen(e->key);

	if (!*e->value || strchr(e->value, '%')) /* reset; filled in by systemd */
		return;
	if (check_word_in(span_keys, e->key, n) && !is_span(e->value))
		refuse(v, e, NULL);
	for (size_t i = 0; i < array_len(lists); i++) {
		if (!check_word_in(lists[i].keys, e->key, n) ||
		    (check_word_in(lists[i].words, e->value, strlen(e->value)) &&
		     !strchr(e->value, ' ')))
			continue;
		refuse(v, e, check_word_near(v, lists[i].words, e->value));
	}
}

static int values_are_read(struct check_view *v, const struct check_file *f, struct err **err)
{
	struct conf_entries unit = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	for (size_t i = 0; rc == 0 && i < unit.count; i++)
		/* a socket's and a mount's own sections have words of the same names */
		if (!str_eq(unit.items[i].section, "Socket") &&
		    !str_eq(unit.items[i].section, "Mount"))
			value_is_read(v, &unit.items[i]);
	conf_entries_clear(&unit);
	return rc;
}

int check_value_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) && check_is_unit(f) && values_are_read(v, f, err) < 0)
			return -1;
	}
	return 0;
}
