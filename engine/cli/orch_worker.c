/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch-worker: makes the outputs of nodes, and carries out the commands that need the libraries for
 * it. Only orch starts it (program.h, run/spawner.h):
 *
 *	orch-worker worker
 *	orch-worker worker --job FILE               on another machine (run/detached.h)
 *	orch-worker command BUILD ARGUMENT...       as the arguments of orch
 *	orch-worker remote BUILD STORE read|write   speaks to shared caches (remote/helper.h)
 *	orch-worker appliance FILE ARGUMENT...      QEMU for libguestfs (guest/appliance_wall.h)
 */
#include <stdio.h>

#include "base/str.h"
#include "base/trace.h"
#include "cli/cli.h"
#include "cli/program.h"
#include "kinds/makers.h"
#include "kinds/user_config.h"
#include "machine/guest/appliance_wall.h"
#include "remote/helper.h"
#include "run/detached.h"
#include "run/sched.h"

static const struct command_run runs[] = {
	{"boot", cmd_boot},       {"cache", cmd_cache},       {"check", cmd_check},
	{"config", cmd_config},   {"demo", cmd_demo},         {"diff", cmd_diff},
	{"doctor", cmd_doctor},   {"flash", cmd_flash},       {"image", cmd_image},
	{"inspect", cmd_inspect}, {"lock", cmd_lock},         {"publish", cmd_publish},
	{"repro", cmd_repro},     {"query", cmd_query_owner}, {"sbom", cmd_sbom},
	{"shell", cmd_shell},     {"size", cmd_size},         {NULL},
};

static void no_other(char **argv, struct err **err)
{
	err_set(err, E_INTERNAL, "neither orch nor orch-worker has command '%s'", argv[1]);
}

/* ARGV: BUILD STORE read|write */
static int remote_main(char **argv)
{
	struct arena *arena cleanup_arena = arena_new();
	struct err *err cleanup_err = NULL;
	struct user_config config;
	struct remote_config remote;

	if (user_config_read(arena, &config, &err) < 0) {
		fprintf(stderr, "orch: %s\n", err->text);
		return err_exit_code(err->code->cls);
	}
	user_config_remote(&config, arena, &remote);
	remote.mode = str_eq(argv[2], "write") ? REMOTE_WRITE : REMOTE_READ;
	return helper_serve(&remote, argv[1], argv[0]);
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
	if (argc == 5 && str_eq(argv[1], "remote")) {
		trace_init();
		return remote_main(argv + 2);
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
