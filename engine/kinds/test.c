/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind test: a scenario on an emulated board. What it needs to start, carry out and judge is in
 * kinds/test_run.h; here are its options, outputs and demands.
 */
#include "kinds/kinds.h"
#include "kinds/test_run.h"
#include "run/action.h"

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
		"Each step has exactly one verb: power, wait, refuse, run, install, reboot, "
		"slot, cut, environment, set-environment, damage, boot-half, same, rauc, network, "
		"boot-choice, power-cuts; the other keys of a step belong to its verb. The power "
		"is off at first. Regular expressions are POSIX extended ones.\n\n"
		"The outputs are verdict.json (without times, so that what depends on the verdict "
		"is cached by it), console.log (seconds since power-on in front of each line), "
		"junit.xml and, with `keep-card`, card.img.",
	.version = 1,
	.named = kind_always,
	.schema = &test_schema,
	.each = "from",
	.outputs = test_outputs,
	.demand = test_demand,
};
