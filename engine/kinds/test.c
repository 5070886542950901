/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind test: a scenario on an emulated board. Its steps are those of engine/scenario; test_run.c
 * plays them.
 */
#include "kinds/kinds.h"
#include "kinds/test_opts.h"
#include "scenario/chooser.h"

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
	{"steps", OPT_FORM, AT(steps), OPT_LIST | OPT_REQUIRED, .forms = &verb_forms,
	 .help = "What is done and must be seen, in order; each step has exactly one verb, and the "
		 "keys below it."},
};
#undef AT

static void check_environment(const struct test_env *e, const struct yaml *map,
			      struct err_list *errors)
{
	struct pos pos = yaml_key_pos(map, "environment");
	uint64_t a, b;

	if (e->at.count != 2) {
		err_list_at(errors, pos, "the environment has two copies: 'at' names both");
		return;
	}
	a = LIST_AT(e->at, uint64_t, 0);
	b = LIST_AT(e->at, uint64_t, 1);
	if (a < b + e->size && b < a + e->size)
		err_list_at(errors, pos, "the two copies of the environment overlap");
	if (e->size < 512 || e->size > 1 << 20)
		err_list_at(errors, pos, "an environment has 512 bytes to 1M");
}

static void check_steps(const struct test_opts *o, struct err_list *errors)
{
	struct target target = {0};

	test_target(o, &target);
	for (size_t i = 0; i < o->steps.count; i++) {
		const struct formed *s = LIST_AT(o->steps, struct formed *, i);

		if (step_verb(s)->check)
			step_verb(s)->check(s->data, &target, s->pos, errors);
	}
	target_clear(&target);
	steps_check_order(&o->steps, errors);
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_opts *o = data;

	if (o->card_size & (o->card_size - 1) || o->card_size < 1 << 20)
		err_list_at(errors, yaml_key_pos(map, "card-size"),
			    "the size of a card is a power of two, like 4G");
	if (o->environment)
		check_environment(o->environment, map, errors);
	if (!o->steps.count)
		err_list_at(errors, yaml_key_pos(map, "steps"), "a test needs at least one step");
	for (size_t i = 0; i < o->never.count; i++) {
		if (!*LIST_AT(o->never, const char *, i))
			err_list_at(errors, yaml_key_pos(map, "never"),
				    "'never' has an empty text");
	}
	check_steps(o, errors);
}

static const struct schema schema = SCHEMA(struct test_opts, test_options, .check = check);

void test_target(const struct test_opts *o, struct target *ret)
{
	*ret = (struct target){.chooser = &chooser_uboot,
			       .areas = {{1 << 20, 32 << 10}, {2 << 20, 32 << 10}},
			       .area_count = 2,
			       .boot_partition = "boot",
			       .tries = 3};
	for (size_t i = 0; i < o->slots.count; i++) {
		const struct pair *p = LIST_AT(o->slots, struct pair *, i);

		target_slots_push(&ret->slots, (struct target_slot){p->key, p->value});
	}
	if (!ret->slots.count) {
		target_slots_push(&ret->slots, (struct target_slot){"A", "root-a"});
		target_slots_push(&ret->slots, (struct target_slot){"B", "root-b"});
	}
	for (size_t i = 0; o->environment && i < o->environment->at.count && i < 2; i++)
		ret->areas[i] = (struct target_area){LIST_AT(o->environment->at, uint64_t, i),
						     o->environment->size};
}

static void test_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct test_opts *o = ctx->opts;

	output_specs_push(ret, (struct output_spec){"verdict.json", OUTPUT_FILE});
	output_specs_push(ret, (struct output_spec){"console.log", OUTPUT_FILE});
	output_specs_push(ret, (struct output_spec){"junit.xml", OUTPUT_FILE});
	if (o->keep_card)
		output_specs_push(ret, (struct output_spec){"card.img", OUTPUT_IMAGE});
}

/* The board says how much memory it takes. */
static struct demand test_demand(const void *opts)
{
	const struct test_opts *o = opts;

	return (struct demand){
		.disk_mb = o->keep_card ? 1000 : 10,
		.cpus = 1,
		.timeout_s = (unsigned)o->timeout * 10 + 600, /* the scaled one comes first */
	};
}

const struct kind kind_test = {
	.name = "test",
	.summary = "a scenario on an emulated board: power, console, commands, cuts, damage",
	.manual =
		"Starts the board with a card made of an image, does the steps in order and "
		"fails at the first that does not hold.\n\n"
		"Each step has exactly one verb, which are the keys below 'steps'; the other keys "
		"of a step belong to its verb. The power is off at first. Regular expressions are "
		"POSIX extended ones.\n\n"
		"The outputs are verdict.json (without times, so that what depends on the verdict "
		"is cached by it), console.log (seconds since power-on in front of each line), "
		"junit.xml and, with `keep-card`, card.img.",
	.version = 1,
	.named = kind_always,
	.schema = &schema,
	.each = "from",
	.outputs = test_outputs,
	.demand = test_demand,
};
