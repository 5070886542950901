/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB's script, run in the states that RAUC, tries and failures bring about (RAUC's reference,
 * "GRUB"): the slot is started that RAUC means, from its partition, a try costs one, and nothing
 * ends at a menu or a prompt.
 */
#include <regex.h>

#include "base/path.h"
#include "base/str.h"
#include "check/grub.h"
#include "check/view.h"
#include "kinds/device/device_opts.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define MAX_SLOTS 8
#define MAX_BOOTS 64                /* in a row, until something must have happened */
#define NO_TRIES 9                  /* where nobody says how many there are */
#define MAX_WORK (16 * 1024 * 1024) /* of all runs of a script together (grub.h) */

/* What has come of the runs so far. */
struct so_far {
	size_t work;
	bool unknown; /* it was said that one met something that is not known here */
};

/* A script on a device with these slots. */
struct trial {
	struct check_view *v;
	const struct check_grub *s;
	const struct conf_entry *slots[MAX_SLOTS]; /* bootname= of system.conf */
	size_t count;
	const struct device_opts *device; /* or NULL */
	struct so_far *so_far;            /* NULL: it runs once, and nothing is said */
};

static struct trial trial_of(struct check_view *v, const struct check_grub *s)
{
	struct trial t = {.v = v, .s = s, .device = v->device ? v->device->recipe->opts : NULL};

	for (size_t i = 0; i < v->system.count && t.count < MAX_SLOTS; i++)
		if (str_skip(v->system.items[i].section, "slot.") &&
		    str_eq(v->system.items[i].key, "bootname"))
			t.slots[t.count++] = &v->system.items[i];
	return t;
}

static int64_t tries_of(const struct trial *t)
{
	return t->device && t->device->bootloader->tries ? t->device->bootloader->tries : 0;
}

static void set_slot(const struct trial *t, struct grub_vars *saved, size_t slot, const char *what,
		     const char *value)
{
	grub_set(saved, arena_printf(t->v->arena, "%s_%s", t->slots[slot]->value, what), value);
}

/* As RAUC leaves it when slot FIRST is to be tried first, and all are good. */
static struct grub_vars all_good(const struct trial *t, size_t first)
{
	struct str order cleanup_str = STR_INIT;
	struct grub_vars saved = {0};

	for (size_t i = 0; i < t->count; i++) {
		size_t slot = i == 0 ? first : i <= first ? i - 1 : i;

		str_printf(&order, "%s%s", i ? " " : "", t->slots[slot]->value);
		set_slot(t, &saved, slot, "OK", "1");
		set_slot(t, &saved, slot, "TRY", "0");
	}
	grub_set(&saved, "ORDER", arena_strdup(t->v->arena, order.buf ? order.buf : ""));
	return saved;
}

static struct pos line_pos(const struct trial *t, unsigned line)
{
	return t->s->lines.items[line].pos;
}

/* One note is enough. */
static void unknown_is_said(const struct trial *t, const struct grub_run *run, const char *order)
{
	if (run->end != GRUB_UNKNOWN || t->so_far->unknown)
		return;
	t->so_far->unknown = true;
	check_note(t->v, CHECK_BOOT_COUNTER, line_pos(t, run->line),
		   "not checked: what GRUB does with ORDER='%s'; '%s' is not known here", order,
		   run->word);
}

/* The number in "hd0,gpt3"; 0: it has none. */
static unsigned long part_number(const char *device)
{
	const char *comma = device ? strchr(device, ',') : NULL;

	return comma ? strtoul(comma + strcspn(comma, "0123456789"), NULL, 10) : 0;
}

static bool has_trees(const struct node *image)
{
	for (size_t i = 0; i < image->in.count; i++) {
		const struct node *from = image->in.items[i].from;

		for (size_t k = 0; from && k < from->outputs.count; k++)
			if (from->outputs.items[k].type == OUTPUT_TREE)
				return true;
	}
	return false;
}

/* Whether the project brings PATH to IMAGE, by a name that FAT takes for the same. */
static bool is_brought(const struct check_view *v, const struct node *image, const char *path)
{
	for (size_t i = 0; i < v->files.count; i++)
		if (v->files.items[i].image == image && !strcasecmp(v->files.items[i].target, path))
			return true;
	return check_is_made(v, image, path) ||
	       check_writes(v, image, path) != CHECK_WRITES_NOTHING;
}

/*
 * A file that no image brings may be put there later, by a technician or an update: what a script
 * does then is for them to know. In a tree that is not built yet it may be.
 */
static bool is_absent(void *arg, const char *device, const char *path)
{
	const struct check_view *v = arg;
	unsigned long number = part_number(device);
	struct err *ignored cleanup_err = NULL;
	const struct node *image, *unbuilt = NULL;

	if (!number || number > v->partitions.count)
		return false;
	image = v->partitions.items[number - 1].from;
	if (!image || is_brought(v, image, path))
		return false;
	if (!has_trees(image))
		return true;
	return v->tree_has && v->tree_has(v, image, path, &unbuilt, &ignored) == 0 && !unbuilt;
}

/* Runs the script once; SAVED becomes what it leaves. */
static struct grub_run start(const struct trial *t, struct grub_vars *saved, unsigned fails)
{
	struct grub_run run = {.arena = t->v->arena,
			       .absent = is_absent,
			       .absent_arg = t->v,
			       .fails = fails,
			       .no_block = !saved,
			       .root = t->s->root,
			       .end = GRUB_UNKNOWN,
			       .word = "a loop without an end"};
	const char *order = saved ? grub_get(saved, "ORDER") : "";

	if (saved)
		run.saved = *saved;
	if (!t->so_far || t->so_far->work < MAX_WORK)
		grub_run(&t->s->lines, &run);
	if (t->so_far) {
		t->so_far->work += run.work;
		unknown_is_said(t, &run, order);
	}
	if (saved)
		*saved = run.saved;
	else
		grub_vars_clear(&run.saved);
	return run;
}

/* The value of the kernel's argument KEY ("root="), in the arena; NULL: it has none. */
static const char *argument(const struct trial *t, const struct grub_run *run, const char *key)
{
	char *all cleanup_free = xasprintf(" %s", run->kernel ? run->kernel : "");
	char *word cleanup_free = xasprintf(" %s", key);
	const char *p = strstr(all, word);

	p = p ? p + strlen(word) : NULL;
	return p ? arena_strndup(t->v->arena, p, strcspn(p, " \t")) : NULL;
}

/* The slot that was started, as the kernel is told; the count of slots: none of them. */
static size_t started(const struct trial *t, const struct grub_run *run)
{
	const char *name = run->end == GRUB_STARTS ? argument(t, run, "rauc.slot=") : NULL;
	size_t i = 0;

	while (i < t->count && !(name && str_eq(t->slots[i]->value, name)))
		i++;
	return i;
}

/* The index of the partition of that name; the count of partitions: there is none. */
static size_t partition_called(const struct check_view *v, const char *name)
{
	size_t i = 0;

	while (i < v->partitions.count && !str_eq(v->partitions.items[i].name, name))
		i++;
	return i;
}

/* Kernel and root of SLOT come from its partition. */
static void from_its_partition(const struct trial *t, const struct grub_run *run, size_t slot)
{
	struct check_view *v = t->v;
	const struct conf_entry *device = conf_find(&v->system, t->slots[slot]->section, "device");
	size_t i = device ? partition_called(v, path_base(device->value)) : v->partitions.count;
	unsigned long from = part_number(run->kernel_root);
	const char *root = argument(t, run, "root="), *label;
	const struct check_partition *p;

	if (i == v->partitions.count)
		return;
	p = &v->partitions.items[i];
	label = root ? str_skip(root, "PARTLABEL=") : NULL;
	if (from && from != i + 1)
		check_say(v, CHECK_SLOT_PARTITION, line_pos(t, run->kernel_line),
			  "slot %s is partition %zu, '%s', of disk '%s' (%s:%u; %s:%u), and its "
			  "kernel is loaded from partition %lu",
			  t->slots[slot]->value, i + 1, p->name, v->disk->name, p->pos.file,
			  p->pos.line, device->pos.file, device->pos.line, from);
	if (label && !str_eq(label, p->name))
		check_say(v, CHECK_SLOT_PARTITION, line_pos(t, run->kernel_line),
			  "slot %s is partition '%s' of disk '%s' (%s:%u; %s:%u), and its kernel "
			  "is told root=PARTLABEL=%s",
			  t->slots[slot]->value, p->name, v->disk->name, p->pos.file, p->pos.line,
			  device->pos.file, device->pos.line, label);
}

/* What the first line of SAID that is like RE names, in the arena; NULL: none is. */
static const char *choice_in(const struct trial *t, const struct grub_said *said, const regex_t *re)
{
	const char *name = NULL;
	regmatch_t m[2];

	for (; said; said = said->before)
		if (regexec(re, said->line, array_len(m), m, 0) == 0 && m[1].rm_so >= 0)
			name = arena_strndup(t->v->arena, said->line + m[1].rm_so,
					     (size_t)(m[1].rm_eo - m[1].rm_so));
	return name;
}

/* What the script prints tells scenarios which slot was chosen. */
static void choice_is_said(const struct trial *t, const struct grub_run *run, size_t slot)
{
	const char *chosen = t->device ? t->device->bootloader->chosen : NULL;
	const char *name = t->slots[slot]->value, *said;
	regex_t re;

	if (!chosen || regcomp(&re, chosen, REG_EXTENDED) != 0)
		return;
	said = choice_in(t, run->said, &re);
	regfree(&re);
	if (!said)
		check_say(t->v, CHECK_CHOSEN_LINE, recipe_pos(t->v->device->recipe, "bootloader"),
			  "no line that %s prints before slot '%s' starts is like '%s'", t->s->path,
			  name, chosen);
	else if (!str_eq(said, name))
		check_say(t->v, CHECK_CHOSEN_LINE, recipe_pos(t->v->device->recipe, "bootloader"),
			  "before slot '%s' starts the first line that %s prints like '%s' names "
			  "'%s'",
			  name, t->s->path, chosen, said);
}

/* With SLOT first in ORDER it is started; false: other tests of it are in vain. */
static bool is_started(const struct trial *t, size_t slot)
{
	struct grub_vars saved = all_good(t, slot);
	const char *order = grub_get(&saved, "ORDER");
	struct grub_run run = start(t, &saved, 0);
	size_t is = started(t, &run);

	grub_vars_clear(&saved);
	if (run.end == GRUB_UNKNOWN)
		return false;
	if (run.end == GRUB_WAITS)
		check_say(t->v, CHECK_BOOT_PROMPT, line_pos(t, run.line),
			  "with ORDER='%s' GRUB starts nothing, and waits after this for ever: let "
			  "the script end in 'reboot'",
			  order);
	else if (run.end != GRUB_STARTS)
		check_say(t->v, CHECK_SLOT_BOOTNAME, t->slots[slot]->pos,
			  "with ORDER='%s' the script %s starts no slot", order, t->s->path);
	else if (is == t->count)
		check_say(t->v, CHECK_KERNEL_ARGUMENTS, line_pos(t, run.kernel_line),
			  "with ORDER='%s' no argument rauc.slot= tells the kernel one of the "
			  "slots of %s",
			  order, t->slots[slot]->pos.file);
	else if (is != slot)
		check_say(t->v, CHECK_BOOT_ORDER, line_pos(t, run.kernel_line),
			  "with ORDER='%s' GRUB starts slot '%s': RAUC could not choose the slot "
			  "that is tried first",
			  order, t->slots[is]->value);
	if (run.end != GRUB_STARTS || is != slot)
		return false;
	from_its_partition(t, &run, slot);
	choice_is_said(t, &run, slot);
	return true;
}

/* A slot that never comes up is given up after its tries. */
static void tries_are_counted(const struct trial *t, size_t slot)
{
	struct grub_vars saved = all_good(t, slot);
	int64_t tries = tries_of(t);
	const char *name = t->slots[slot]->value;
	struct grub_run run;
	unsigned boots = 0;

	for (; boots < MAX_BOOTS; boots++) {
		run = start(t, &saved, 0);
		if (started(t, &run) != slot)
			break;
	}
	grub_vars_clear(&saved);
	if (run.end == GRUB_UNKNOWN)
		return;
	if (boots == MAX_BOOTS)
		check_say(t->v, CHECK_BOOT_COUNTER, line_pos(t, run.kernel_line),
			  "slot '%s' is tried for ever: a try has to be counted in %s_TRY, looked "
			  "at, and saved before the kernel starts ('save_env')",
			  name, name);
	else if (tries && boots != tries)
		check_say(t->v, CHECK_BOOT_COUNTER, line_pos(t, run.kernel_line),
			  "slot '%s' is tried %u time%s, and device '%s' (%s) promises %lld", name,
			  boots, boots == 1 ? "" : "s", t->v->device->name,
			  t->v->device->recipe->file, (long long)tries);
}

/* What RAUC called bad is not started. */
static void bad_is_left_out(const struct trial *t, size_t slot)
{
	struct grub_vars saved = all_good(t, slot);
	struct grub_run run;

	set_slot(t, &saved, slot, "OK", "0");
	run = start(t, &saved, 0);
	if (started(t, &run) == slot)
		check_say(t->v, CHECK_BOOT_ORDER, line_pos(t, run.kernel_line),
			  "slot '%s' is started though RAUC called it bad (%s_OK=0)",
			  t->slots[slot]->value, t->slots[slot]->value);
	grub_vars_clear(&saved);
}

/* When no slot has tries left, all that are good get them back, and none is left out for ever. */
static void begins_again(const struct trial *t, size_t first)
{
	struct grub_vars saved = all_good(t, first);
	int64_t tries = tries_of(t);
	bool seen[MAX_SLOTS] = {false};
	size_t last = t->count;
	struct grub_run run;

	for (size_t i = 0; i < t->count; i++)
		set_slot(t, &saved, i, "TRY",
			 arena_printf(t->v->arena, "%lld", (long long)(tries ? tries : NO_TRIES)));
	for (unsigned boots = 0; boots < MAX_BOOTS; boots++) {
		run = start(t, &saved, 0);
		if (run.end != GRUB_STARTS && run.end != GRUB_RESETS)
			break;
		last = run.end == GRUB_STARTS ? started(t, &run) : last;
		if (last < t->count)
			seen[last] = true;
	}
	grub_vars_clear(&saved);
	if (run.end == GRUB_WAITS)
		check_say(t->v, CHECK_BOOT_PROMPT, line_pos(t, run.line),
			  "when all tries are used up GRUB waits after this for ever: give them "
			  "back, and 'reboot'");
	for (size_t i = 0; run.end != GRUB_WAITS && run.end != GRUB_UNKNOWN && i < t->count; i++)
		if (!seen[i])
			check_say(
				t->v, CHECK_BOOT_COUNTER, line_pos(t, run.line),
				"when all tries are used up slot '%s' is never tried again%s%s%s: "
				"ORDER has to keep it ('set' takes the first word alone of a "
				"$variable without quotes)",
				t->slots[i]->value, last < t->count ? ", only '" : "",
				last < t->count ? t->slots[last]->value : "",
				last < t->count ? "'" : "");
}

/* Whatever cannot be read, the device tries again. */
static void failures_reset(const struct trial *t)
{
	unsigned asked = 1;

	for (unsigned fails = 1; fails <= asked && fails <= MAX_BOOTS; fails++) {
		struct grub_vars saved = all_good(t, 0);
		struct grub_run run = start(t, &saved, fails);

		grub_vars_clear(&saved);
		asked = run.asked;
		if (run.end != GRUB_WAITS || fails > asked)
			continue;
		check_say(t->v, CHECK_BOOT_PROMPT, line_pos(t, run.failed_line),
			  "when this fails GRUB waits for ever: let what follows end in 'reboot'");
		return;
	}
}

/* A block that is lost costs no device. */
static void lost_block_starts(const struct trial *t)
{
	struct grub_run run = start(t, NULL, 0);

	if (run.end == GRUB_WAITS)
		check_say(t->v, CHECK_BOOT_PROMPT, line_pos(t, run.line),
			  "when GRUB cannot read its environment block it waits after this for "
			  "ever: set ORDER and all others before 'load_env'");
	else if (run.end == GRUB_RESETS)
		check_say(
			t->v, CHECK_GRUB_ENVIRONMENT, line_pos(t, run.line),
			"when GRUB cannot read its environment block it starts no slot: set ORDER "
			"and all others before 'load_env'");
}

static void keys_lead_nowhere(const struct trial *t, const struct grub_run *run)
{
	if (run->keys)
		check_say(t->v, CHECK_BOOT_PROMPT, line_pos(t, 0),
			  "for %u s a key, or noise on a serial line, leads to GRUB's menu, and "
			  "from there to its prompt: say 'set timeout=0'",
			  run->keys);
}

/* The block is where the device promises it, which RAUC and scenarios believe. */
static void block_is_in_place(const struct trial *t, const struct grub_run *run)
{
	const struct list *areas = t->device ? &t->device->bootloader->environment : NULL;
	const char *name = areas && areas->count ? LIST_AT(*areas, const char *, 0) : NULL;
	size_t want = name ? partition_called(t->v, name) : t->v->partitions.count;
	unsigned long is = run->block ? part_number(run->block) : 0;

	if (want < t->v->partitions.count && is && is != want + 1)
		check_say(t->v, CHECK_GRUB_ENVIRONMENT, line_pos(t, run->kernel_line),
			  "GRUB's environment is in '%s', and device '%s' (%s) promises it in "
			  "partition %zu, '%s'",
			  run->block, t->v->device->name, t->v->device->recipe->file, want + 1,
			  name);
}

static void slots_are_chosen(const struct trial *t)
{
	bool all = true;

	for (size_t i = 0; i < t->count; i++) {
		bool one = is_started(t, i);

		all &= one;
		if (!one || t->count < 2)
			continue;
		tries_are_counted(t, i);
		bad_is_left_out(t, i);
	}
	for (size_t i = 0; all && t->count > 1 && i < t->count; i++)
		begins_again(t, i);
	if (all)
		failures_reset(t);
	if (all)
		lost_block_starts(t);
}

static void look_at(struct check_view *v, const struct check_grub *s)
{
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");
	struct so_far so_far = {0};
	struct trial t = trial_of(v, s);
	struct grub_vars saved = all_good(&t, 0);
	struct grub_run run;

	t.so_far = &so_far;
	run = start(&t, &saved, 0);
	grub_vars_clear(&saved);
	if (run.end == GRUB_UNKNOWN)
		return;
	keys_lead_nowhere(&t, &run);
	block_is_in_place(&t, &run);
	if (loader && str_eq(loader->value, "grub") && t.count)
		slots_are_chosen(&t);
}

int check_grub_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *loader = conf_find(&v->system, "system", "bootloader");

	(void)err;
	for (size_t i = 0; i < v->grubs.count; i++)
		look_at(v, &v->grubs.items[i]);
	if (!v->grubs.count && loader && str_eq(loader->value, "grub"))
		check_note(v, CHECK_BOOT_COUNTER, loader->pos,
			   "not checked: GRUB's script; no file that devices get has a command "
			   "'linux'");
	return 0;
}

/* The partition that IMAGE is in, as GRUB calls it. */
static const char *root_of(const struct check_view *v, const struct node *image)
{
	size_t i = 0;

	while (i < v->partitions.count && v->partitions.items[i].from != image)
		i++;
	return arena_printf(v->arena, "hd0,gpt%zu", i < v->partitions.count ? i + 1 : 1);
}

/* Adds the file at PATH if it is a script of GRUB's; IMAGE is NULL: a step takes it. */
static int add_script(struct check_view *v, const struct node *image, const char *path,
		      const char *filled, struct err **err)
{
	const char *text = filled ? filled : check_text_of(v, path, MAX_TEXT_BYTES);
	struct check_grub s = {.path = path, .root = root_of(v, image)};
	struct grub_vars saved;
	struct grub_run run;
	struct trial t;

	if (!text || !strstr(text, "linux") || str_skip(text, "#!"))
		return 0;
	if (conf_read_lines(v->arena, v->g->project->dir, path, filled, &s.lines, err) < 0 ||
	    !grub_is_script(v->arena, &s.lines)) {
		conf_entries_clear(&s.lines);
		return *err ? -1 : 0;
	}
	check_grubs_push(&v->grubs, s);
	t = trial_of(v, &s);
	saved = all_good(&t, 0);
	run = start(&t, &saved, 0);
	grub_vars_clear(&saved);
	if (run.end == GRUB_STARTS)
		conf_entries_push(&v->told, (struct conf_entry){"", "bootargs", run.kernel,
								line_pos(&t, run.kernel_line)});
	return 0;
}

int check_grub_gather(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];

		if (check_ships(v, f->image) &&
		    add_script(v, f->image, f->path, f->filled, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < v->texts.count; i++) {
		const struct check_text *x = &v->texts.items[i];

		if (!x->kconfig && !x->starts_kernel &&
		    add_script(v, NULL, x->path, x->filled, err) < 0)
			return -1;
	}
	return 0;
}
