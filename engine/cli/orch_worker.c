/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch-worker: makes the outputs of nodes, and carries out the commands that need the libraries for
 * it. Only orch starts it (program.h, run/spawner.h):
 *
 *	orch-worker worker
 *	orch-worker worker --job FILE               on another machine (run/detached.h)
 *	orch-worker command BUILD ARGUMENT...       as the arguments of orch
 *	orch-worker appliance FILE ARGUMENT...      QEMU for libguestfs (guest/appliance_wall.h)
 */
#include <stdio.h>

#include "base/str.h"
#include "base/trace.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "kinds/makers.h"
#include "machine/guest/appliance_wall.h"
#include "run/detached.h"
#include "run/sched.h"

static const struct command_run runs[] = {
	{"boot", cmd_boot}, {"cache", cmd_cache},   {"check", cmd_check}, {"config", cmd_config},
	{"demo", cmd_demo}, {"doctor", cmd_doctor}, {"flash", cmd_flash}, {"image", cmd_image},
	{"lock", cmd_lock}, {"shell", cmd_shell},   {"size", cmd_size},   {NULL},
};

static void no_other(char **argv, struct err **err)
{
	err_set(err, E_INTERNAL, "neither orch nor orch-worker has command '%s'", argv[1]);
}

int main(int argc, char **argv)
{
	if (argc == 2 && str_eq(argv[1], "worker")) {
		trace_init();
		return worker_main(makers_all, build_id);
	}
	if (argc == 4 && str_eq(argv[1], "worker") && str_eq(argv[2], "--job")) {
		trace_init();
		return detached_main(makers_all, argv[3]);
	}
	if (argc >= 3 && str_eq(argv[1], "appliance")) {
		trace_init();
		return appliance_wall_main(argv + 2);
	}
	if (argc < 3 || !str_eq(argv[1], "command")) {
		fputs("orch-worker is a part of orch, which starts it\n", stderr);
		return err_exit_code(ERR_USER);
	}
	if (!str_eq(argv[2], build_id)) {
		fprintf(stderr,
			"orch: '%s' is of another build than the orch that started it: install "
			"both together\n",
			argv[0]);
		return err_exit_code(ERR_ENV);
	}
	argv[2] = (char *)"orch";
	return cli_main(argc - 2, argv + 2, &(struct program){runs, no_other});
}
