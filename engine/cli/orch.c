/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch: reads recipes, asks the store, starts workers. It links none of the libraries that make
 * outputs (tests/lint.sh looks), so that it starts fast, and they see nothing but a worker.
 */
#include "cli/cli.h"
#include "cli/program.h"

static const struct command_run runs[] = {
	{"build", cmd_build},
	{"plan", cmd_plan},
	{"why", cmd_why},
	{"log", cmd_log},
	{"runs", cmd_runs},
	{"timings", cmd_timings},
	{"changed", cmd_changed},
	{"graph", cmd_graph},
	{"pki", cmd_pki},
	{"init", cmd_init},
	{"kinds", cmd_kinds},
	{"schema", cmd_schema},
	{"explain", cmd_explain},
	{"store", cmd_store},
	{"completion", cmd_completion},
	{"convert", cmd_convert},
	{"manual", cmd_manual},
	{"query owner", NULL},
	{"query", cmd_query},
	{"verify", cmd_verify},
	{"help", cmd_help},
	{NULL},
};

int main(int argc, char **argv)
{
	return cli_main(argc, argv, &(struct program){runs, program_hand_over});
}
