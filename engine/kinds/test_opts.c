/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/test_opts.h"

const char *const verb_words[] = {
	"power",   "wait",        "refuse",          "run",    "install",   "reboot", "slot",
	"cut",     "environment", "set-environment", "damage", "boot-half", "same",   "rauc",
	"network", "boot-choice", "power-cuts",      NULL,
};

static const char *const copies_words[] = {"any", "both", "one", "none", NULL};
static const char *const damage_words[] = {"zero", "random", "flip", NULL};
static const char *const same_words[] = {"start", NULL};

#define AT(field) offsetof(struct test_damage, field)
static const struct option damage_options[] = {
	{"partition", OPT_STRING, AT(partition), .help = "A partition, by its name.",
	 .example = "data"},
	{"gpt", OPT_STRING, AT(gpt), .help = "A copy of the partition table: primary or backup."},
	{"at", OPT_SIZE, AT(at), .help = "First byte on the card, or in the partition."},
	{"size", OPT_SIZE, AT(size), OPT_POSITIVE,
	 .help = "Bytes; without it to the end of the partition."},
	{"with", OPT_ENUM, AT(with), .def = "zero", .words = damage_words,
	 .help = "What is written: zero, random (the same bytes each time) or flip (every bit)."},
};
#undef AT
static const struct schema damage_schema =
	SCHEMA(struct test_damage, damage_options, .check = test_check_damage);

#define AT(field) offsetof(struct test_same, field)
static const struct option same_options[] = {
	{"partition", OPT_STRING, AT(partition), .help = "A partition, by its name.",
	 .example = "root-a"},
	{"at", OPT_SIZE, AT(at), .help = "First byte on the card, or in the partition."},
	{"size", OPT_SIZE, AT(size), OPT_POSITIVE,
	 .help = "Bytes; without it those of the image, or of the partition."},
	{"as", OPT_REF, AT(as), OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .words = same_words,
	 .help = "What is there: an image, or start (the card as it was when the test began). An "
		 "image begins at the partition's start; without a partition it is one of the "
		 "whole card.",
	 .example = "root"},
};
#undef AT
static const struct schema same_schema =
	SCHEMA(struct test_same, same_options, .check = test_check_same);

#define AT(field) offsetof(struct test_cuts, field)
static const struct option cuts_options[] = {
	{"roots", OPT_REF, AT(roots), OPT_LIST | OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "Every image that a root slot may hold when it is chosen: old and new.",
	 .example = "[root, \"tests/v2:root.img\"]"},
	{"boots", OPT_REF, AT(boots), OPT_LIST | OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "Every image that the boot partition may hold: old and new.",
	 .example = "[boot, \"tests/v2:boot.img\"]"},
	{"torn", OPT_BOOL, AT(torn), .def = "true",
	 .help = "Also with the last write done by half, sector by sector."},
	{"lost-writes", OPT_INT, AT(lost_writes), .def = "1",
	 .help = "Any of so many last writes may be lost, all subsets (1 to 12): an SD card holds "
		 "writes back and knows no flush. 1: none but the last one. On a board whose card "
		 "is virtio: any sector since the last flush, all subsets of up to 12; of more "
		 "each alone, all but one, all after each, and so many random ones (2 to 1000).",
	 .example = "8"},
	{"most", OPT_INT, AT(most),
	 .help = "Fails when more boots than this would be needed; without it there is no limit."},
};
#undef AT
static const struct schema cuts_schema =
	SCHEMA(struct test_cuts, cuts_options, .check = test_check_cuts);

#define AT(field) offsetof(struct test_step, field)
static const struct option step_options[] = {
	{"power", OPT_STRING, AT(power),
	 .help = "on: starts the board with the card as it is. off: the guest shuts down. cut: the "
		 "board is gone, in the middle of whatever it does.",
	 .example = "\"on\""},
	{"wait", OPT_STRING, AT(wait),
	 .help = "Waits for a line of the console behind the last one that was waited for: an "
		 "extended regular expression.",
	 .example = "\"Reached target .*multi-user\""},
	{"refuse", OPT_STRING, AT(refuse),
	 .help = "No such line since power-on, nor in the seconds of `for`."},
	{"run", OPT_STEP, AT(run), .help = "A script for /bin/sh -e in the guest, as root.",
	 .example = "systemctl is-system-running --wait"},
	{"install", OPT_REF, AT(install), .accept = ACCEPT_FILE | ACCEPT_PATH,
	 .help = "`rauc install` of that bundle in the guest; it is among the media by itself.",
	 .example = "bundle"},
	{"reboot", OPT_BOOL, AT(reboot),
	 .help = "The guest reboots; waits for the boot script's next choice."},
	{"slot", OPT_STRING, AT(slot),
	 .help = "Waits until the boot script chooses this slot (and no other). With `reboot`: the "
		 "slot that must come.",
	 .example = "A"},
	{"cut", OPT_STRING, AT(cut),
	 .help = "Waits for a line of the console or of a command in the background, then cuts the "
		 "power."},
	{"environment", OPT_DICT, AT(environment),
	 .help = "What U-Boot's environment on the card holds; an empty value: not set. Power is "
		 "off.",
	 .example = "{BOOT_ORDER: A B, BOOT_A_LEFT: \"3\"}"},
	{"set-environment", OPT_DICT, AT(set_environment),
	 .help = "Changes variables in both copies of the environment; an empty value removes one. "
		 "Power is off."},
	{"damage", OPT_STRUCT, AT(damage), .sub = &damage_schema,
	 .help = "Destroys a part of the card. Power is off.",
	 .example = "{at: 1M, size: 32K, with: random}"},
	{"boot-half", OPT_STRING, AT(boot_half),
	 .help = "The first partition is the first or second half of its region, both copies of "
		 "the table are whole and the backup is at the card's end. Power is off."},
	{"same", OPT_STRUCT, AT(same), .sub = &same_schema,
	 .help = "A part of the card equals an image. Power is off.",
	 .example = "{partition: root-a, as: root}"},
	{"rauc", OPT_DICT, AT(rauc),
	 .help = "What `rauc status` says: booted, primary, and good or bad for a slot's name.",
	 .example = "{booted: A, primary: A, B: bad}"},
	{"network", OPT_STRING, AT(network),
	 .help = "Plugs the network's cable in (on) or out (off). With `power: on`: from then on."},
	{"boot-choice", OPT_STRING, AT(boot_choice),
	 .help = "all: the boot script is started with every state of the slots' variables, and "
		 "must choose as RAUC does. No kernel is started."},
	{"power-cuts", OPT_STRUCT, AT(power_cuts), .sub = &cuts_schema,
	 .help = "After a recorded power-on: the card as it was after each write and, torn, in the "
		 "middle of it must boot a whole slot."},
	{"name", OPT_STRING, AT(name), .help = "A name for messages and reports."},
	{"within", OPT_INT, AT(within), OPT_POSITIVE | OPT_UNKEYED,
	 .help = "Seconds the step may take, times the board's time-scale."},
	{"count", OPT_INT, AT(count), OPT_POSITIVE,
	 .help = "`wait`: for so many such lines, the last one counts."},
	{"for", OPT_INT, AT(hold), OPT_POSITIVE, .help = "`refuse`: seconds to look out for it."},
	{"clock", OPT_STRING, AT(clock), .help = "`power: on`: the date of the board's clock.",
	 .example = "1970-01-01"},
	{"record", OPT_BOOL, AT(record),
	 .help = "`power: on`: every write to the card is recorded, for `power-cuts`."},
	{"output", OPT_STRING, AT(output), .help = "A line that the command must print."},
	{"not-output", OPT_STRING, AT(not_output), .help = "A line that it must not print."},
	{"status", OPT_STRING, AT(status), OPT_LIST,
	 .help = "Exit statuses that are right: numbers, or any; without it 0."},
	{"background", OPT_BOOL, AT(background), .help = "Does not wait for the command's end."},
	{"left", OPT_DICT, AT(left), .help = "`slot`: how many tries are left to each slot.",
	 .example = "{A: \"2\", B: \"3\"}"},
	{"after", OPT_STRING, AT(after), .help = "`cut`: seconds between the line and the cut.",
	 .example = "\"0.5\""},
	{"copies", OPT_ENUM, AT(copies), .words = copies_words,
	 .help = "`environment`: how many of its two copies are valid."},
};
#undef AT
static const struct schema step_schema =
	SCHEMA(struct test_step, step_options, .check = test_check_step);

#define AT(field) offsetof(struct test_env, field)
static const struct option env_options[] = {
	{"at", OPT_SIZE, AT(at), OPT_LIST | OPT_REQUIRED | OPT_POSITIVE,
	 .help = "Where the two copies begin."},
	{"size", OPT_SIZE, AT(size), OPT_REQUIRED | OPT_POSITIVE, .help = "Bytes of each."},
};
#undef AT
static const struct schema env_schema = SCHEMA(struct test_env, env_options);

#define AT(field) offsetof(struct test_opts, field)
static const struct option test_options[] = {
	{"board", OPT_REF, AT(board), OPT_REQUIRED, .accept = ACCEPT_NODE,
	 .help = "The board, a node of kind `board`.", .example = "boards/virt"},
	{"from", OPT_STRING, AT(from), OPT_LIST | OPT_UNKEYED,
	 .help = "Former releases: one test NAME@RELEASE for each, in which ${from} stands for the "
		 "release; NAME is the group of them.",
	 .example = "[\"1.0.0\", \"1.1.0\"]"},
	{"card", OPT_REF, AT(card), OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "The image on its card; the card is a copy.", .example = "install"},
	{"card-size", OPT_SIZE, AT(card_size), OPT_POSITIVE, .def = "4G",
	 .help = "Size of the card, a power of two."},
	{"media", OPT_REF, AT(media), OPT_LIST, .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "Files for the guest, at /run/orch/media/NODE/FILE (the last part of the node's "
		 "name; a project file lies in `project`).",
	 .example = "[bundle]"},
	{"slots", OPT_DICT, AT(slots), OPT_NAME,
	 .help = "Boot names and their partitions; without it A: root-a, B: root-b.",
	 .example = "{A: root-a, B: root-b}"},
	{"environment", OPT_STRUCT, AT(environment), .sub = &env_schema,
	 .help = "Where U-Boot's environment lies on the card; without it at 1M and 2M, 32K each.",
	 .example = "{at: [1M, 2M], size: 32K}"},
	{"never", OPT_STRING, AT(never), OPT_LIST,
	 .help = "Texts that the console must not show at any time.",
	 .example = "[\"U-Boot>\", \"=> \"]"},
	{"timeout", OPT_INT, AT(timeout), OPT_POSITIVE | OPT_UNKEYED, .def = "3600",
	 .help = "Seconds for the whole, times the board's time-scale."},
	{"keep-card", OPT_BOOL, AT(keep_card),
	 .help = "Whether the card is an output (card.img), for other tests to go on with."},
	{"steps", OPT_STRUCT, AT(steps), OPT_LIST | OPT_REQUIRED | OPT_PLACED, .sub = &step_schema,
	 .help = "What is done and must be seen, in order; each step has exactly one verb."},
};
#undef AT
const struct schema test_schema = SCHEMA(struct test_opts, test_options, .check = test_check_all);

void test_environment(const struct test_opts *o, uint64_t ret_at[2], uint64_t *ret_size)
{
	ret_at[0] = o->environment ? LIST_AT(o->environment->at, uint64_t, 0) : 1u << 20;
	ret_at[1] = o->environment ? LIST_AT(o->environment->at, uint64_t, 1) : 2u << 20;
	*ret_size = o->environment ? o->environment->size : 32u << 10;
}

static const char *step_value(const struct test_step *s)
{
	switch (s->verb) {
	case VERB_POWER:
		return s->power;
	case VERB_WAIT:
		return s->wait;
	case VERB_REFUSE:
		return s->refuse;
	case VERB_RUN:
		return s->run->script ? s->run->script : s->run->argv.items[0];
	case VERB_INSTALL:
		return s->install->text;
	case VERB_REBOOT:
	case VERB_SLOT:
		return s->slot;
	case VERB_CUT:
		return s->cut;
	case VERB_BOOT_HALF:
		return s->boot_half;
	case VERB_NETWORK:
		return s->network;
	case VERB_BOOT_CHOICE:
		return s->boot_choice;
	default:
		return NULL;
	}
}

const char *test_step_title(struct arena *arena, const struct test_step *s)
{
	const char *value = step_value(s);
	size_t len;

	if (s->name)
		return s->name;
	if (!value)
		return verb_words[s->verb];
	value += strspn(value, " \t\n");
	len = strcspn(value, "\n");
	return arena_printf(arena, "%s %.*s%s", verb_words[s->verb], len > 60 ? 57 : (int)len,
			    value, len > 60 || (value[len] && value[len + 1]) ? "..." : "");
}
