/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind test: a scenario on an emulated board. Its steps are those of engine/scenario; test_run.c
 * plays them.
 */
#include "kinds/device/device_opts.h"
#include "kinds/kinds.h"
#include "kinds/test/board_opts.h"
#include "kinds/test/test_opts.h"
#include "kinds/verdict.h"
#include "recipe/facts.h"
#include "scenario/chooser.h"

#define AT(field) offsetof(struct test_opts, field)
static const struct option test_options[] = {
	{"board", OPT_REF, AT(board), OPT_REQUIRED, .accept = ACCEPT_NODE,
	 .help = "The board, a node of kind `board`.", .example = "boards/virt"},
	{"from", OPT_STRING, AT(from), OPT_LIST | OPT_UNKEYED,
	 .help = "Previous releases: one test NAME@RELEASE for each, in which ${from} stands for "
		 "the release; NAME is the group of them.",
	 .example = "[\"1.0.0\", \"1.1.0\"]"},
	{"card", OPT_REF, AT(card), OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "The image on its card; the card is a copy.", .example = "install"},
	{"card-size", OPT_SIZE, AT(card_size), OPT_POSITIVE, .def = "4G",
	 .help = "Size of the card, a power of two."},
	{"media", OPT_REF, AT(media), OPT_LIST, .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "Files for the guest, at /run/orch/media/NODE/FILE (the last part of the node's "
		 "name; a project file lies in `project`).",
	 .example = "[bundle]"},
	{"device", OPT_STRING, AT(device),
	 .help = "The node of kind `device` whose slots and boot loader are meant; one in a "
		 "project needs no naming.",
	 .example = "device"},
	{"slots", OPT_GONE,
	 .help = "kind `device` says them; with several, `device` names the node"},
	{"environment", OPT_GONE,
	 .help = "kind `device` says where it lies; with several, `device` names the node"},
	{"never", OPT_STRING, AT(never), OPT_LIST,
	 .help = "Texts that the console must not show at any time.",
	 .example = "[\"U-Boot>\", \"=> \"]"},
	{"timeout", OPT_INT, AT(timeout), OPT_POSITIVE | OPT_UNKEYED, .def = "3600",
	 .help = "Seconds for the whole, times the board's time-scale."},
	PLATFORM_OPTION(struct test_opts),
	{"keep-card", OPT_BOOL, AT(keep_card),
	 .help = "Whether the card is an output (card.img), for other tests to go on with."},
	{"steps", OPT_FORM, AT(steps), OPT_LIST | OPT_REQUIRED, .forms = &verb_forms,
	 .help = "What is done and must be seen, in order; each step has exactly one verb, and the "
		 "keys below it.",
	 .example = "[{power: on}, {wait: \"login:\"}]"},
};
#undef AT

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct test_opts *o = data;

	if (o->card_size & (o->card_size - 1) || o->card_size < 1 << 20)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "card-size"),
			    "the size of a card is a power of two, like 4G");
	if (!o->steps.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "steps"),
			    "a test needs at least one step");
	for (size_t i = 0; i < o->never.count; i++) {
		if (!*LIST_AT(o->never, const char *, i))
			err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "never"),
				    "'never' has an empty text");
	}
	steps_check_order(&o->steps, errors);
}

static const struct schema schema = SCHEMA(struct test_opts, test_options, .check = check);

/* -- the device -- */

static const struct formed *step_at(const struct test_opts *o, size_t i)
{
	return LIST_AT(o->steps, struct formed *, i);
}

/* The first step with TRAIT, or NULL. */
static const struct formed *first_with(const struct test_opts *o, unsigned trait)
{
	for (size_t i = 0; i < o->steps.count; i++)
		if (step_traits(step_at(o, i)) & trait)
			return step_at(o, i);
	return NULL;
}

bool test_has_trait(const struct test_opts *o, unsigned trait)
{
	return first_with(o, trait) != NULL;
}

bool test_needs_device(const struct test_opts *o)
{
	return o->device || test_has_trait(o, STEP_NEEDS_DEVICE);
}

static bool wants_fact(const void *opts)
{
	return test_needs_device(opts);
}

#define TEST_FACT "device"
static const struct fact_help fact_help[] = {
	{TEST_FACT, "What is known of the device, for steps that need it: its " DEVICE_OUTPUT "."},
	{NULL, NULL},
};

static enum fact_result fact(struct facts *f, const struct recipe *r, const char *name,
			     struct str *ret)
{
	return str_eq(name, TEST_FACT) ? device_of_recipe(f, r, ret) : FACT_UNKNOWN;
}

static void fact_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	strs_push(ret, TEST_FACT);
}

/* What the steps ask of the device. */
static void check_steps(const struct test_opts *o, const struct target *t, struct err_list *errors)
{
	for (size_t i = 0; i < o->steps.count; i++) {
		const struct formed *s = step_at(o, i);
		unsigned traits = step_traits(s);

		if ((traits & STEP_NEEDS_CHOOSER) && !t->chooser) {
			err_list_at(errors, E_DEVICE_UNKNOWN, s->pos, "'%s' cannot be: %s",
				    s->form->name, t->unreadable);
			return; /* once is enough */
		}
		if ((traits & STEP_NEEDS_DEVICE) && step_verb(s)->check)
			step_verb(s)->check(s->data, t, s->pos, errors);
	}
}

/* Where a missing device is told: at the key that names it, else at the step that needs it. */
static void no_device(const struct kind_ctx *ctx, const char *why, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	const struct formed *s = first_with(o, STEP_NEEDS_DEVICE);

	if (o->device)
		err_list_at(errors, E_STEP_ORDER, yaml_key_pos(ctx->map, "device"), "%s", why);
	else
		err_list_at(errors, E_DEVICE_UNKNOWN, s->pos,
			    "'%s' needs to know the device, and %s", s->form->name, why);
}

static void check_device(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	struct str why cleanup_str = STR_INIT;

	if (!test_needs_device(o) && !o->device)
		return;
	if (device_is_missing(ctx, o->device, &why))
		no_device(ctx, why.buf, errors);
}

/* Whether its board is one that does not boot. */
static bool on_bench(const struct kind_ctx *ctx)
{
	const struct board_opts *b =
		board_of_ref(ctx, ((const struct test_opts *)ctx->opts)->board);

	return b && board_opts_rauc(b);
}

/*
 * What the device cannot give the steps. It is asked of tests that are wanted: a mistake of the
 * device is told there, and by the rules of `orch check`, and not by every test alone.
 */
static void check_against_device(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	const struct project *p = ctx->project;
	struct target t cleanup_target = {0};
	struct str why cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	const struct recipe *device;
	const char *text;

	if (!test_needs_device(o))
		return;
	device = device_find(&p->recipes, o->device, NULL, "", &why);
	if (!device)
		return; /* check_device() */
	text = facts_expand(p->facts, (struct pos){device->file, 1, 1},
			    arena_printf(ctx->arena, "%s#" DEVICE_FACT, device->name), errors);
	if (!text)
		return;
	if (target_parse(ctx->arena, text, &t, &err) < 0)
		err_list_at(errors, err->code, (struct pos){device->file, 1, 1}, "%s", err->text);
	else if (on_bench(ctx) && !t.chooser)
		err_list_at(errors, E_DEVICE_UNKNOWN, o->board->pos,
			    "board '%s' (machine: rauc) chooses in the boot loader's place: %s",
			    o->board->text, t.unreadable);
	else
		check_steps(o, &t, errors);
}

/* An image whose size the recipes tell fits the card: else a build finds out when all is made. */
static void check_card(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	struct str text cleanup_str = STR_INIT;
	uint64_t size;

	if (!o->card->node ||
	    facts_of(ctx->project->facts, o->card->node, "size", &text) != FACT_KNOWN ||
	    str_u64(text.buf, &size) || size <= o->card_size)
		return;
	err_list_at(errors, E_IMAGE_TOO_LARGE,
		    yaml_get(ctx->map, "card-size") ? yaml_key_pos(ctx->map, "card-size")
						    : o->card->pos,
		    "image '%s' has %llu bytes, more than the card: raise 'card-size'",
		    o->card->text, (unsigned long long)size);
}

static void test_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	check_card(ctx, errors);
	check_against_device(ctx, errors);
}

static void test_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct test_opts *o = ctx->opts;

	output_specs_push(ret, (struct output_spec){VERDICT_OUTPUT, OUTPUT_FILE});
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

/* Of a board that does not boot. */
static void check_bench(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	const char *board = o->board->text;

	for (size_t i = 0; i < o->steps.count; i++) {
		const struct formed *s = step_at(o, i);

		if (step_traits(s) & STEP_NEEDS_BOOT)
			err_list_at(errors, E_BOARD_LACKS, s->pos,
				    "this '%s' needs a board that boots: '%s' (machine: rauc) has "
				    "no boot loader, firmware or init; name another board",
				    s->form->name, board);
	}
	if (!test_needs_device(o))
		err_list_at(errors, E_DEVICE_UNKNOWN, o->board->pos,
			    "board '%s' (machine: rauc) starts a slot of the device: write "
			    "`device: NAME`, which is a node of kind device",
			    board);
}

static void check_network(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;
	const struct formed *s = first_with(o, STEP_NEEDS_NETWORK);
	const struct board_opts *b = s ? board_of_ref(ctx, o->board) : NULL;

	if (b && b->network == BOARD_NET_NONE)
		err_list_at(errors, E_BOARD_LACKS, s->pos,
			    "this '%s' needs a network, and board '%s' has none (network: none)",
			    s->form->name, o->board->text);
}

/* Of a board that orch does not start itself. */
static void check_remote(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct test_opts *o = ctx->opts;

	for (size_t i = 0; i < o->steps.count; i++) {
		const struct formed *s = step_at(o, i);

		if (step_traits(s) & (STEP_NEEDS_QEMU | STEP_NEEDS_NETWORK))
			err_list_at(errors, E_BOARD_LACKS, s->pos,
				    "this '%s' needs a board of QEMU: of '%s' (machine: remote) "
				    "nobody records writes, sets the clock, has the network or "
				    "changes the firmware's variables; name another board",
				    s->form->name, o->board->text);
	}
}

static void check_names(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct board_opts *board =
		board_of_ref(ctx, ((const struct test_opts *)ctx->opts)->board);

	const struct test_opts *o = ctx->opts;

	board_check_ref(ctx, o->board, errors);
	check_network(ctx, errors);
	if (on_bench(ctx))
		check_bench(ctx, errors);
	if (board && board_opts_remote(board))
		check_remote(ctx, errors);
	check_device(ctx, errors);
}

/* The medium's file system has an identity. */
static bool test_has_media(const void *opts)
{
	return ((const struct test_opts *)opts)->media.count > 0;
}

const struct kind kind_test = {
	.name = "test",
	.summary = "a scenario on an emulated board: power, console, commands, cuts, damage",
	.manual =
		"Starts the board with a card made of an image, does the steps in order and "
		"fails at the first that does not hold.\n\n"
		"Each step has exactly one verb, which are the keys below 'steps'; the other keys "
		"of a step belong to its verb. The power is off at first. Regular expressions are "
		"POSIX extended ones, of at most 1000 bytes and without back-references.\n\n"
		"The outputs are verdict.json (without times, so that what depends on the verdict "
		"is cached by it), console.log (seconds since power-on before each line), "
		"junit.xml and, with `keep-card`, card.img.",
	.version = 1,
	.usual_s = 150,
	.named = kind_always,
	.identified = test_has_media,
	.schema = &schema,
	.each = "from",
	.check = check_names,
	.missing = test_missing,
	.fact_help = fact_help,
	.fact = fact,
	.fact_names = fact_names,
	.input_fact = TEST_FACT,
	.wants_fact = wants_fact,
	.outputs = test_outputs,
	.demand = test_demand,
	.platform_at = offsetof(struct test_opts, platform),
};
