/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of units and of other configurations of systemd, which ignores a line whose value it
 * cannot read, and says so where nobody looks; and of sshd, which does not start with one. Words
 * are those of systemd 257 (systemd.service(5), systemd.unit(5), systemd.exec(5), systemd.kill(5),
 * systemd-system.conf(5), journald.conf(5), systemd.network(5)) and of OpenSSH 10 (sshd_config(5)),
 * spans of time as in systemd.time(7), sizes as in systemd.syntax(7).
 */
#include <ctype.h>
#include <math.h>
#include <strings.h>

#include "base/path.h"
#include "check/view.h"

#define BOOL " yes no true false on off 1 0 y n t f "

/* Keys that take one word of a list; keys and words are between spaces. */
struct value_list {
	const char *keys, *words;
};

static const struct value_list unit_lists[] = {
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

/* Of *.conf, and of *.network. */
static const struct value_list config_lists[] = {
	{" Storage ", " volatile persistent auto none "},
	{" SplitMode ", " uid login none "},
	{" CrashAction ", " freeze reboot poweroff "},
	{" DHCP ", " ipv4 ipv6 both none v4 v6" BOOL},
	{" Seal ReadKMsg CrashReboot CrashShell ForwardToSyslog ForwardToKMsg ForwardToConsole "
	 "ForwardToWall DefaultCPUAccounting DefaultIOAccounting DefaultMemoryAccounting "
	 "DefaultTasksAccounting NoNewPrivileges ManageForeignRoutes ReadEtcHosts "
	 "KillUserProcesses ",
	 BOOL},
};

/* Of sshd, in any case. */
#define YES_NO " yes no "
static const struct value_list sshd_lists[] = {
	{" PermitRootLogin ", " prohibit-password without-password forced-commands-only" YES_NO},
	{" AllowTcpForwarding AllowStreamLocalForwarding ", " all local remote" YES_NO},
	{" GatewayPorts ", " clientspecified" YES_NO},
	{" Compression ", " delayed" YES_NO},
	{" IgnoreRhosts ", " shosts-only" YES_NO},
	{" PermitTunnel ", " point-to-point ethernet" YES_NO},
	{" AddressFamily ", " any inet inet6 "},
	{" LogLevel ", " quiet fatal error info verbose debug debug1 debug2 debug3 "},
	{" AllowAgentForwarding DisableForwarding ExposeAuthInfo GSSAPIAuthentication "
	 "HostbasedAuthentication IgnoreUserKnownHosts KbdInteractiveAuthentication "
	 "ChallengeResponseAuthentication KerberosAuthentication PasswordAuthentication "
	 "PermitEmptyPasswords PermitTTY PermitUserRC PrintLastLog PrintMotd PubkeyAuthentication "
	 "StreamLocalBindUnlink StrictModes TCPKeepAlive UseDNS UsePAM X11Forwarding "
	 "X11UseLocalhost ",
	 YES_NO},
};

static const char span_keys[] =
	" TimeoutSec TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutIdleSec RestartSec "
	"RestartMaxDelaySec RuntimeMaxSec RuntimeRandomizedExtraSec WatchdogSec JobTimeoutSec "
	"JobRunningTimeoutSec StartLimitIntervalSec OnActiveSec OnBootSec OnStartupSec "
	"OnUnitActiveSec OnUnitInactiveSec AccuracySec RandomizedDelaySec LogRateLimitIntervalSec "
	"TriggerLimitIntervalSec PollLimitIntervalSec CPUQuotaPeriodSec DirectoryNotEmptySec "
	"DefaultTimeoutStartSec DefaultTimeoutStopSec DefaultTimeoutAbortSec "
	"DefaultDeviceTimeoutSec DefaultRestartSec DefaultStartLimitIntervalSec SyncIntervalSec "
	"RateLimitIntervalSec MaxFileSec MaxRetentionSec RootDistanceMaxSec PollIntervalMinSec "
	"PollIntervalMaxSec ConnectionRetrySec SaveIntervalSec HoldoffTimeoutSec "
	"InhibitDelayMaxSec ";

/* A span, or one of two words more (systemd-system.conf(5)). */
static const char watchdog_keys[] = " RuntimeWatchdogSec RebootWatchdogSec KExecWatchdogSec ";

/* Bytes, with K, M, G, T: of *.conf; of units, a share ("20%") and "infinity" as well. */
static const char size_keys[] =
	" SystemMaxUse SystemKeepFree SystemMaxFileSize RuntimeMaxUse RuntimeKeepFree "
	"RuntimeMaxFileSize ";
static const char limit_keys[] =
	" MemoryMin MemoryLow MemoryHigh MemoryMax MemorySwapMax MemoryZSwapMax ";

static const char number_keys[] =
	" StartLimitBurst DefaultStartLimitBurst RateLimitBurst SystemMaxFiles RuntimeMaxFiles "
	"RestartSteps LogRateLimitBurst ";

/* What each word of a span is in seconds. */
static const struct {
	const char *words;
	double seconds;
} span_units[] = {
	{" usec us ", 1e-6},           {" msec ms ", 1e-3},
	{" seconds second sec s ", 1}, {" minutes minute min m ", 60},
	{" hours hour hr h ", 3600},   {" days day d ", 86400},
	{" weeks week w ", 604800},    {" months month M ", 2629800},
	{" years year y ", 31557600},
};

/* What the N bytes WORD mean in seconds; nothing is a second. Negative: no unit. */
static double seconds_of(const char *word, size_t n)
{
	for (size_t i = 0; n && i < array_len(span_units); i++)
		if (check_word_in(span_units[i].words, word, n))
			return span_units[i].seconds;
	return n ? -1 : 1;
}

bool check_span(const char *p, double *ret)
{
	*ret = 0;
	if (str_eq(p, "infinity"))
		*ret = (double)INFINITY;
	while (*p && !isinf(*ret)) {
		size_t digits = strspn(p, "0123456789."), n;
		const char *word = p + digits + strspn(p + digits, " ");
		double seconds;

		for (n = 0; isalpha((unsigned char)word[n]);)
			n++;
		seconds = seconds_of(word, n);
		if (!digits || seconds < 0)
			return false;
		*ret += strtod(p, NULL) * seconds;
		p = word + n + strspn(word + n, " ");
	}
	return true;
}

bool check_bytes(const char *p, double *ret)
{
	static const char units[] = "BKMGTPE";

	*ret = 0;
	do {
		size_t digits = strspn(p, "0123456789.");
		double n = strtod(p, NULL);
		const char *unit;

		if (!digits)
			return false;
		p += digits + strspn(p + digits, " ");
		unit = *p ? strchr(units, *p) : NULL;
		for (ptrdiff_t i = unit ? unit - units : 0; i > 0; i--)
			n *= 1024;
		*ret += n;
		p += unit != NULL;
		p += strspn(p, " ");
	} while (*p);
	return true;
}

static bool is_size(const char *p)
{
	double bytes;

	return check_bytes(p, &bytes);
}

static bool is_limit(const char *p)
{
	size_t digits = strspn(p, "0123456789.");

	return str_eq(p, "infinity") || (digits && str_eq(p + digits, "%")) || is_size(p);
}

static bool is_number(const char *p)
{
	return *p && !p[strspn(p, "0123456789")];
}

static void refuse(struct check_view *v, const struct conf_entry *e, const char *near)
{
	check_say(v, CHECK_UNIT_VALUES, e->pos, "systemd cannot read '%s=%s' and ignores it%s%s%s",
		  e->key, e->value, near ? ": did you mean '" : "", near ? near : "",
		  near ? "'?" : "");
}

/* Values that are no words of a list. */
static bool is_read(const struct conf_entry *e)
{
	size_t n = strlen(e->key);
	double seconds;

	if (check_word_in(watchdog_keys, e->key, n) &&
	    (str_eq(e->value, "off") || str_eq(e->value, "default")))
		return true;
	if (check_word_in(watchdog_keys, e->key, n) || check_word_in(span_keys, e->key, n))
		return check_span(e->value, &seconds);
	if (check_word_in(size_keys, e->key, n))
		return is_size(e->value);
	if (check_word_in(limit_keys, e->key, n))
		return is_limit(e->value);
	return !check_word_in(number_keys, e->key, n) || is_number(e->value);
}

static void value_is_read(struct check_view *v, const struct conf_entry *e,
			  const struct value_list *lists, size_t count)
{
	size_t n = strlen(e->key);

	if (!*e->value || strchr(e->value, '%')) /* reset; filled in by systemd, or a share */
		return;
	if (!is_read(e))
		refuse(v, e, NULL);
	for (size_t i = 0; i < count; i++) {
		if (!check_word_in(lists[i].keys, e->key, n) ||
		    (check_word_in(lists[i].words, e->value, strlen(e->value)) &&
		     !strchr(e->value, ' ')))
			continue;
		refuse(v, e, check_word_near(v, lists[i].words, e->value));
	}
}

static int values_are_read(struct check_view *v, const struct check_file *f,
			   const struct value_list *lists, size_t count, struct err **err)
{
	struct conf_entries unit = {0};
	int rc = conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &unit, err);

	for (size_t i = 0; rc == 0 && i < unit.count; i++)
		/* a socket's and a mount's own sections have words of the same names */
		if (!str_eq(unit.items[i].section, "Socket") &&
		    !str_eq(unit.items[i].section, "Mount"))
			value_is_read(v, &unit.items[i], lists, count);
	conf_entries_clear(&unit);
	return rc;
}

/* The words of LIST without case, as sshd reads them. */
static bool has_word(const struct check_view *v, const char *list, const char *word)
{
	char *save = NULL;

	for (char *w = strtok_r(arena_strdup(v->arena, list), " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		if (strcasecmp(w, word) == 0)
			return true;
	return false;
}

static void sshd_reads(struct check_view *v, const struct conf_entry *e)
{
	const char *value = e->value + strspn(e->value, "\"=");
	char *word cleanup_free = xstrndup(value, strcspn(value, " \t\"#"));

	for (size_t i = 0; i < array_len(sshd_lists); i++) {
		const char *words = sshd_lists[i].words, *near;

		if (!has_word(v, sshd_lists[i].keys, e->key) || has_word(v, words, word))
			continue;
		near = check_word_near(v, words, word);
		check_say(v, CHECK_UNIT_VALUES, e->pos,
			  "sshd does not start with '%s %s', which it cannot read%s%s%s", e->key,
			  word, near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
}

static int sshd_reads_all(struct check_view *v, const struct check_file *f, struct err **err)
{
	struct conf_entries conf = {0};
	int rc = conf_read_table(v->arena, v->g->project->dir, f->path, f->filled, &conf, err);

	for (size_t i = 0; rc == 0 && i < conf.count; i++)
		sshd_reads(v, &conf.items[i]);
	conf_entries_clear(&conf);
	return rc;
}

int check_value_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		int rc = 0;

		if (!check_ships(v, f->image))
			continue;
		if (check_is_unit(f))
			rc = values_are_read(v, f, unit_lists, array_len(unit_lists), err);
		else if (check_is_sshd_config(f))
			rc = sshd_reads_all(v, f, err);
		else if (check_is_config(f))
			rc = values_are_read(v, f, config_lists, array_len(config_lists), err);
		if (rc < 0)
			return -1;
	}
	return 0;
}
