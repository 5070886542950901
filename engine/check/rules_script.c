/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boot script: it follows RAUC's variables, every try costs one, nothing leads to a prompt, and
 * the kernel is told what it needs. U-Boot's shell is read line by line, without running it.
 */

#include <ctype.h>
#include <regex.h>
#include <strings.h>

#include "base/path.h"
#include "check/view.h"
#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"

#define MAX_WORD 64

static struct pos script_pos(const struct check_text *script)
{
	return (struct pos){script->path, 1, 1};
}

static bool opens_block(const struct conf_entry *e)
{
	return str_eq(e->key, "if") || str_eq(e->key, "for") || str_eq(e->key, "while") ||
	       str_eq(e->key, "until");
}

static bool ends_branch(const struct conf_entry *e)
{
	return str_eq(e->key, "elif") || str_eq(e->key, "else") || str_skip(e->key, "fi") ||
	       str_skip(e->key, "done");
}

static bool closes_block(const struct conf_entry *e)
{
	return str_skip(e->key, "fi") || str_skip(e->key, "done");
}

static bool saves(const struct conf_entry *e)
{
	return str_skip(e->key, "saveenv") || strstr(e->value, "saveenv");
}

/* Whether line E takes one off VARIABLE: "setexpr X ${X} - 1". */
static bool takes_one(const struct conf_entry *e, const char *variable)
{
	char *want cleanup_free = xasprintf("%s ${%s} - 1", variable, variable);
	char *bare cleanup_free = xasprintf("%s $%s - 1", variable, variable);

	return str_eq(e->key, "setexpr") && (str_skip(e->value, want) || str_skip(e->value, bare));
}

/* Whether what line AT changed is saved before a kernel starts, whatever branch is taken. */
static bool saved_after(const struct check_text *script, size_t at)
{
	bool same_branch = true;
	int depth = 0;

	for (size_t i = 0; i <= at; i++)
		depth += opens_block(&script->lines.items[i]) -
			 closes_block(&script->lines.items[i]);
	for (size_t i = at + 1; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];

		if (ends_branch(e))
			same_branch = false;
		depth += opens_block(e) - closes_block(e);
		if (saves(e) && (same_branch || depth == 0))
			return true;
		if (check_starts_kernel(e))
			return false;
	}
	return false;
}

/* The line that sets VARIABLE whatever it was, or NULL. */
static const struct conf_entry *always_sets(const struct check_text *script, const char *variable)
{
	char *set cleanup_free = xasprintf("%s ", variable);
	int depth = 0;

	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];

		depth += opens_block(e) - closes_block(e);
		if (depth == 0 && str_eq(e->key, "setenv") && str_skip(e->value, set))
			return e;
	}
	return NULL;
}

/* Whether P, behind "test ", is a test that VARIABLE is above 0. */
static bool is_above_zero(const char *p, const char *variable)
{
	static const char *const befores[] = {"0x", "", "\"", "\"0x"};
	static const char *const afters[] = {" -gt 0",   " -ne 0",   " -ge 1",   " != 0",
					     "\" -gt 0", "\" -ne 0", "\" -ge 1", "\" != 0"};

	for (size_t i = 0; i < array_len(befores); i++) {
		char *want cleanup_free = xasprintf("%s${%s}", befores[i], variable);
		const char *rest = str_skip(p, want);

		for (size_t k = 0; rest && k < array_len(afters); k++) {
			const char *end = str_skip(rest, afters[k]);

			if (end && (!*end || strchr(" ;\t", *end)))
				return true;
		}
	}
	return false;
}

static bool tests_counter(const struct conf_entry *e, const char *variable)
{
	for (const char *p = e->value; (p = strstr(p, "test ")); p++)
		if (is_above_zero(p + strlen("test "), variable))
			return true;
	return false;
}

/* The branch that takes one off VARIABLE, at line AT, begins with a test of it. */
static void counter_is_tested(struct check_view *v, const struct check_text *script, size_t at,
			      const char *variable)
{
	const struct conf_entry *down = &script->lines.items[at];

	while (at > 0 && !str_eq(script->lines.items[at].key, "if") &&
	       !str_eq(script->lines.items[at].key, "elif"))
		at--;
	if (!tests_counter(&script->lines.items[at], variable))
		check_say(v, CHECK_BOOT_COUNTER, script->lines.items[at].pos,
			  "no 'test 0x${%s} -gt 0' here decides about the branch that takes one "
			  "off it (line %u): its slot would be tried for ever, or never",
			  variable, down->pos.line);
}

static void counter_counts(struct check_view *v, const struct check_text *script,
			   const struct conf_entry *bootname)
{
	char *variable cleanup_free = xasprintf("BOOT_%s_LEFT", bootname->value);
	const struct conf_entry *reset = always_sets(script, variable);

	if (reset)
		check_say(v, CHECK_BOOT_COUNTER, reset->pos,
			  "%s starts over each time: a slot that does not come up would be tried "
			  "for ever",
			  variable);
	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];

		if (!takes_one(e, variable))
			continue;
		counter_is_tested(v, script, i, variable);
		if (!saved_after(script, i))
			check_say(v, CHECK_BOOT_COUNTER, e->pos,
				  "the new %s is not saved before the kernel starts: a slot that "
				  "does not come up would be tried for ever; add 'saveenv'",
				  variable);
		return;
	}
	check_say(v, CHECK_BOOT_COUNTER, script_pos(script),
		  "no line takes one off %s (slot with bootname=%s, %s:%u): a slot that does not "
		  "come up would be tried for ever",
		  variable, bootname->value, bootname->pos.file, bootname->pos.line);
}

static void order_is_followed(struct check_view *v, const struct check_text *script)
{
	const struct conf_entry *reset = always_sets(script, "BOOT_ORDER");
	int depth = 0;

	if (reset)
		check_say(v, CHECK_BOOT_ORDER, reset->pos,
			  "BOOT_ORDER is set each time: RAUC could not choose the slot that is "
			  "tried first");
	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];

		if (depth == 0 && str_eq(e->key, "for") &&
		    (strstr(e->value, "in ${BOOT_ORDER}") || strstr(e->value, "in $BOOT_ORDER")))
			return;
		depth += opens_block(e) - closes_block(e);
	}
	check_say(
		v, CHECK_BOOT_ORDER, script_pos(script),
		"no 'for … in ${BOOT_ORDER}': RAUC could not choose the slot that is tried first");
}

/* The name of the variable after "mmc 0:${", which says what partition the slot is in. */
static bool partition_variable(const struct check_text *script, char ret[MAX_WORD])
{
	for (size_t i = 0; i < script->lines.count; i++) {
		const char *p = strstr(script->lines.items[i].value, ":${");
		size_t n = p ? strcspn(p + 3, "}") : 0;

		if (!p || n >= MAX_WORD)
			continue;
		memcpy(ret, p + 3, n);
		ret[n] = 0;
		return true;
	}
	return false;
}

static bool compares_with(const struct conf_entry *e, const char *word)
{
	char *bare cleanup_free = xasprintf("= %s ", word);
	char *quoted cleanup_free = xasprintf("= \"%s\"", word);

	return (str_eq(e->key, "if") || str_eq(e->key, "elif")) &&
	       (strstr(e->value, bare) || strstr(e->value, quoted));
}

/* What the branch for BOOTNAME sets VARIABLE to: "name=3" or "setenv name 3". NULL: not seen. */
static const struct conf_entry *branch_sets(const struct check_text *script, const char *bootname,
					    const char *variable, uint64_t *ret)
{
	char *assign cleanup_free = xasprintf("%s=", variable);
	char *set cleanup_free = xasprintf("%s ", variable);
	bool inside = false;

	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];
		const char *text = str_skip(e->key, assign);

		if (compares_with(e, bootname))
			inside = true;
		else if (ends_branch(e))
			inside = false;
		if (!text && str_eq(e->key, "setenv"))
			text = str_skip(e->value, set);
		if (inside && text && str_u64(text, ret) == 0)
			return e;
	}
	return NULL;
}

static void slot_is_its_partition(struct check_view *v, const struct check_text *script,
				  const struct conf_entry *bootname)
{
	const struct conf_entry *device = conf_find(&v->system, bootname->section, "device"), *e;
	char variable[MAX_WORD];
	uint64_t n;

	if (!device || !partition_variable(script, variable))
		return;
	e = branch_sets(script, bootname->value, variable, &n);
	for (size_t i = 0; e && i < v->partitions.count; i++) {
		const struct check_partition *p = &v->partitions.items[i];

		if (p->name && str_eq(p->name, path_base(device->value)) && n != i + 1)
			check_say(
				v, CHECK_SLOT_PARTITION, e->pos,
				"slot %s is partition %zu, '%s', of disk '%s' (%s:%u; %s:%u), not "
				"%llu",
				bootname->value, i + 1, p->name, v->disk->name, p->pos.file,
				p->pos.line, device->pos.file, device->pos.line,
				(unsigned long long)n);
	}
}

static void kernel_is_told(struct check_view *v)
{
	static const struct {
		const char *word, *why;
	} wanted[] = {
		{"gpt", "without it Linux does not look for the backup of a damaged table"},
		{"panic=", "without it a panic is for ever, and no other slot is tried"},
		{"rauc.slot=", "without it RAUC has to guess which slot runs"},
	};
	const struct disk_opts *disk = v->disk ? v->disk->recipe->opts : NULL;
	bool gpt = !disk || layout_has_gpt((enum layout_table)disk->table);

	for (size_t i = 0; v->system.count && i < v->told.count; i++) {
		const struct conf_entry *e = &v->told.items[i];

		for (size_t k = gpt ? 0 : 1; k < array_len(wanted); k++) {
			if (!check_has_argument(e->value, wanted[k].word))
				check_say(v, CHECK_KERNEL_ARGUMENTS, e->pos,
					  "kernel argument '%s' is missing: %s", wanted[k].word,
					  wanted[k].why);
		}
		if (check_has_argument(e->value, "panic=0"))
			check_say(
				v, CHECK_KERNEL_ARGUMENTS, e->pos,
				"panic=0 makes a panic last for ever, and no other slot is tried: "
				"say after how many seconds the kernel reboots");
	}
}

/* A kernel that waits for somebody to open the watchdog resets the device when nobody does. */
static int watchdog_is_opened(struct check_view *v, struct err **err)
{
	const struct conf_entry *waits = NULL;
	bool opened = false;

	for (size_t i = 0; i < v->told.count; i++)
		if (check_has_argument(v->told.items[i].value, "watchdog.open_timeout="))
			waits = &v->told.items[i];
	for (size_t i = 0; waits && !opened && i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		struct conf_entries conf = {0};
		const struct conf_entry *sec;

		if (!check_ships(v, f->image) || !strstr(f->target, "/systemd/system.conf"))
			continue;
		if (conf_read_ini(v->arena, v->g->project->dir, f->path, f->filled, &conf, err) < 0)
			return -1;
		sec = conf_find(&conf, "Manager", "RuntimeWatchdogSec");
		opened = sec && !str_eq(sec->value, "0") && !str_eq(sec->value, "off");
		conf_entries_clear(&conf);
	}
	if (waits && !opened && !check_has_argument(waits->value, "systemd.watchdog_sec="))
		check_say(
			v, CHECK_KERNEL_ARGUMENTS, waits->pos,
			"with 'watchdog.open_timeout=' the kernel resets a device on which nobody "
			"opens the watchdog, and no system.conf of systemd says "
			"'RuntimeWatchdogSec='");
	return 0;
}

static const struct conf_entry *last_kconfig(const struct check_view *v, const char *key)
{
	return conf_find(&v->kconfig, "", key);
}

/* On a board with a keyboard or an open serial line U-Boot's prompt is the end. */
static void no_prompt(struct check_view *v, const struct check_text *script)
{
	const struct conf_entry *delay = last_kconfig(v, "CONFIG_BOOTDELAY");
	const struct conf_entry *command = last_kconfig(v, "CONFIG_BOOTCOMMAND");
	const struct conf_entry *retry = last_kconfig(v, "CONFIG_BOOT_RETRY");
	const struct conf_entry *reset = last_kconfig(v, "CONFIG_RESET_TO_RETRY");
	const struct conf_entry *last = &script->lines.items[script->lines.count - 1];

	if (!str_eq(last->key, "reset"))
		check_say(v, CHECK_BOOT_PROMPT, last->pos,
			  "the boot script ends without 'reset': a slot that does not start would "
			  "end at U-Boot's prompt");
	if (!v->kconfig.count)
		return;
	if (!delay || !str_eq(delay->value, "-2"))
		check_say(
			v, CHECK_BOOT_PROMPT, delay ? delay->pos : script_pos(script),
			"a key at the right moment, or noise on the serial line, leads to U-Boot's "
			"prompt: set CONFIG_BOOTDELAY=-2");
	if (!command)
		check_say(v, CHECK_BOOT_PROMPT, script_pos(script),
			  "no fragment says CONFIG_BOOTCOMMAND: what the board's defconfig has "
			  "ends at U-Boot's prompt when it finds nothing to boot");
	if (!retry || !str_eq(retry->value, "y") || !reset || !str_eq(reset->value, "y"))
		check_say(v, CHECK_BOOT_PROMPT, reset ? reset->pos : script_pos(script),
			  "a prompt that U-Boot comes to all the same would be the end: set "
			  "CONFIG_BOOT_RETRY=y and CONFIG_RESET_TO_RETRY=y");
	if (command && !str_ends(command->value, "reset"))
		check_say(v, CHECK_BOOT_PROMPT, command->pos,
			  "CONFIG_BOOTCOMMAND does not end in 'reset': a boot script that is gone "
			  "would end at U-Boot's prompt");
}

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p++) {
		bool left = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
		bool right = !(isalnum((unsigned char)p[n]) || p[n] == '_');

		if (left && right)
			return true;
	}
	return false;
}

/* root= of the kernel: a PARTUUID read from the table is the only name that U-Boot can give. */
static void root_is_stable(struct check_view *v)
{
	for (size_t i = 0; i < v->told.count; i++) {
		const struct conf_entry *e = &v->told.items[i];
		const char *root = strstr(e->value, "root="), *bad;
		char *word cleanup_free = NULL;

		if (!root)
			continue;
		word = xstrndup(root + 5, strcspn(root + 5, " \t\"'"));
		if (str_skip(word, "PARTUUID=") || !(bad = check_unstable_name(word)))
			continue;
		check_say(v, CHECK_STABLE_NAMES, e->pos,
			  "'%s' does not name one slot for ever: read root=PARTUUID= of the slot "
			  "from the partition table ('part uuid')",
			  bad);
	}
}

/* The value of WORD, "root=", in ARGUMENTS; caller frees. NULL: it is not there. */
static char *argument_value(const char *arguments, const char *word)
{
	const char *p = check_has_argument(arguments, word) ? strstr(arguments, word) : NULL;

	while (p && p != arguments && !strchr(" \t\"'", p[-1]))
		p = strstr(p + 1, word);
	return p ? xstrndup(p + strlen(word), strcspn(p + strlen(word), " \t\"'")) : NULL;
}

/* Arguments that are for one slot name that slot's partition as their root. */
static void root_is_of_slot(struct check_view *v, const struct conf_entry *told)
{
	char *slot cleanup_free = argument_value(told->value, "rauc.slot=");
	char *root cleanup_free = argument_value(told->value, "root=");
	const char *id = root ? str_skip(root, "PARTUUID=") : NULL, *part, *guid;

	if (!slot || !id || strchr(slot, '$') || strchr(id, '$') || !v->device || !v->disk)
		return;
	part = check_fact(v, v->device, arena_printf(v->arena, "%s.partition", slot));
	if (!part) {
		check_say(v, CHECK_SLOT_BOOTNAME, told->pos,
			  "the kernel is told slot '%s', and device '%s' (%s) has none of that "
			  "name",
			  slot, v->device->name, v->device->recipe->file);
		return;
	}
	guid = check_fact(v, v->disk, arena_printf(v->arena, "%s.guid", part));
	if (guid && strcasecmp(guid, id) != 0)
		check_say(v, CHECK_SLOT_PARTITION, told->pos,
			  "root=%s is not partition '%s', in which slot '%s' is: that has "
			  "PARTUUID=%s",
			  root, part, slot, guid);
}

static void slots_are_tried(struct check_view *v, const struct check_text *script)
{
	for (size_t i = 0; i < v->system.count; i++) {
		const struct conf_entry *e = &v->system.items[i];

		if (!str_skip(e->section, "slot.") || !str_eq(e->key, "bootname"))
			continue;
		if (!has_word(script->text, e->value))
			check_say(v, CHECK_SLOT_BOOTNAME, e->pos,
				  "the boot script %s never tries bootname '%s'", script->path,
				  e->value);
		counter_counts(v, script, e);
		slot_is_its_partition(v, script, e);
	}
}

/* Scenarios know the choice by it: what is printed has the variables' names where it has values. */
static void choice_is_said(struct check_view *v, const struct check_text *script)
{
	const struct device_opts *o = v->device ? v->device->recipe->opts : NULL;
	const char *chosen = o ? o->bootloader->chosen : NULL;
	bool said = false;
	regex_t re;

	if (!chosen || regcomp(&re, chosen, REG_EXTENDED) != 0)
		return;
	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];

		said = said || (str_eq(e->key, "echo") && !regexec(&re, e->value, 0, NULL, 0));
	}
	if (!said)
		check_say(v, CHECK_CHOSEN_LINE, recipe_pos(v->device->recipe, "bootloader"),
			  "no line that the boot script %s prints is like '%s'", script->path,
			  chosen);
	regfree(&re);
}

int check_script_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");
	bool any = false;

	kernel_is_told(v);
	root_is_stable(v);
	for (size_t i = 0; i < v->told.count; i++)
		root_is_of_slot(v, &v->told.items[i]);
	if (watchdog_is_opened(v, err) < 0)
		return -1;
	for (size_t i = 0; i < v->texts.count; i++) {
		const struct check_text *script = &v->texts.items[i];

		if (!script->starts_kernel)
			continue;
		any = true;
		no_prompt(v, script);
		choice_is_said(v, script);
		if (v->system.count) {
			order_is_followed(v, script);
			slots_are_tried(v, script);
		}
	}
	if (!any && loader && str_eq(loader->value, "uboot"))
		check_note(v, CHECK_BOOT_COUNTER, loader->pos,
			   "not checked: the boot script; none of the files that the steps for the "
			   "disk's images take has a line that starts a kernel (booti, bootm, "
			   "bootz, bootefi, sysboot)");
	return 0;
}
