/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch boot: an image on an emulated board, its serial line on the terminal. The card is a copy in
 * the store's tmp/, larger than the image as real cards are, and gone afterwards.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "cli/boot_parts.h"
#include "cli/builder.h"
#include "cli/paint.h"
#include "kinds/test/board_use.h"
#include "kinds/test/board_opts.h"
#include "machine/board/rauc_board.h"
#include "machine/terminal.h"
#include "scenario/chooser.h"

#define UNATTENDED_S 600 /* without a terminal nobody would press Ctrl-A X */

struct boot {
	struct session s;
	struct node *image, *board_node;
	struct board board;
	struct target target; /* with --slot */
	char *dir, *card;     /* of this run */
	char *firmware, *variables, *device_tree;
	const struct strv *qemu; /* NULL: this machine's */
};

static bool is_kind(const struct node *n, const char *kind)
{
	return str_eq(n->recipe->kind->name, kind);
}

static unsigned scale_of(const struct node *board)
{
	const struct board_opts *o = board->recipe->opts;
	unsigned n = 1000;

	if (o->time_scale && board_scale_parse(o->time_scale, &n))
		n = 1000;
	return n;
}

/* In QEMU, with its boot loader. */
static bool boots_here(const struct node *board)
{
	return !board_opts_rauc(board->recipe->opts) && !board_opts_remote(board->recipe->opts);
}

/* The board of --board, with or without its directory; else the fastest. */
static int choose_board(struct boot *b, const char *wanted, struct err **err)
{
	const struct graph *g = b->s.graph;
	struct node *best = NULL;

	for (size_t i = 0; i < g->nodes.count; i++) {
		struct node *n = g->nodes.items[i];

		if (!is_kind(n, "board") || (!wanted && !boots_here(n)))
			continue;
		if (wanted ? str_eq(n->name, wanted) || str_eq(path_base(n->name), wanted)
			   : !best || scale_of(n) < scale_of(best))
			best = n;
	}
	b->board_node = best;
	if (best && board_opts_rauc(best->recipe->opts))
		return err_set(err, E_BOARD_LACKS,
			       "board '%s' does not boot (machine: rauc): name one that does with "
			       "--board",
			       best->name);
	if (best && board_opts_remote(best->recipe->opts))
		return err_set(err, E_BOARD_LACKS,
			       "board '%s' is not QEMU's (machine: remote): name an emulated one "
			       "with --board",
			       best->name);
	if (best)
		return 0;
	if (!wanted)
		return err_set(err, E_NO_BOARD,
			       "this project has no board: describe one in recipes/boards/ ('orch "
			       "kinds board')");
	if (!session_node(&b->s, wanted, err))
		return -1;
	return err_set(err, E_WRONG_KIND, "node '%s' is not a board", wanted);
}

/* What is known of the device that boots from the image, and that SLOT is one of its. */
static int read_device(struct boot *b, const char *slot, struct err **err)
{
	char *all cleanup_free = NULL;

	if (boot_parts_device(&b->s, b->image, "--slot", &b->target, err) < 0)
		return -1;
	if (target_slot(&b->target, slot))
		return 0;
	all = target_bootnames(&b->target);
	return err_set(err, E_UNKNOWN_SLOT, "the device has no slot '%s', only %s", slot, all);
}

static int choose(struct boot *b, const struct cli *c, struct err **err)
{
	const char *name = c->args.items[0];

	b->image = session_node(&b->s, name, err);
	if (!b->image)
		return -1;
	if (!b->image->outputs.count || b->image->outputs.items[0].type != OUTPUT_IMAGE)
		return err_set(err, E_NO_IMAGE, "node '%s' makes no image that could be booted",
			       name);
	if (c->slot && read_device(b, c->slot, err) < 0)
		return -1;
	return choose_board(b, c->board, err);
}

/* Image and board, built if they are not. 0 or the exit code, said. */
static int build_both(struct boot *b)
{
	struct builder run = {
		.cli = b->s.cli, .session = &b->s, .modest = true, .deliver = builder_hash_targets};
	struct strv targets cleanup_strv = {0};
	struct err *err = NULL;
	int code;

	strv_push(&targets, b->image->name);
	strv_push(&targets, b->board_node->name);
	if (graph_select(b->s.graph, &targets, &err) || session_add_store(&b->s, &err))
		return cli_fail(&b->s, err);
	code = session_check_files(&b->s, true);
	if (code)
		return code;
	if (builder_run(&run, &code, &err))
		code = cli_fail(&b->s, err);
	else if (code)
		builder_failures(&run);
	builder_close(&run);
	return code;
}

/* "B A C" for B: that one, then the others as they are. */
static char *order_from(const struct target *t, const char *slot)
{
	struct str order = STR_INIT;

	str_append(&order, slot);
	for (size_t i = 0; i < t->slots.count; i++)
		if (!str_eq(t->slots.items[i].bootname, slot))
			str_printf(&order, " %s", t->slots.items[i].bootname);
	return str_steal(&order);
}

/* SLOT first, with all its tries. */
static int choose_slot(struct boot *b, const char *slot, struct err **err)
{
	int fd cleanup_fd = open(b->card, O_RDWR | O_CLOEXEC);
	const struct target *t = &b->target;
	struct boot_vars vars cleanup_boot_vars = {0};
	struct boot_state state cleanup_boot_state = {0};

	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", b->card);
	if (t->chooser->read(fd, t, &vars, err) < 0)
		return -1;
	t->chooser->get(&vars, t, &state);
	boot_state_clear(&state);
	state.order = order_from(t, slot);
	state.left[target_slot(t, slot) - t->slots.items] = t->tries ? (int)t->tries : 1;
	t->chooser->set(&vars, t, &state);
	return t->chooser->write(fd, t, &vars, err);
}

static int make_card(struct boot *b, struct err **err)
{
	uint64_t size;

	if (tmp_dir(store_subdir(b->s.store, "tmp"), "boot", &b->dir, err))
		return -1;
	b->card = path_join(b->dir, "card.img");
	return boot_parts_card(&b->s, b->image, b->card, &size, err);
}

/* The board's own QEMU, if it has one. */
static int find_emulator(struct boot *b, struct err **err)
{
	const struct artifact *emulator = boot_parts_output(b->board_node, BOARD_EMULATOR);
	char *path cleanup_free = boot_parts_blob(&b->s, b->board_node, BOARD_EMULATOR);
	struct action a = {.arena = b->s.arena,
			   .roots_dir = store_subdir(b->s.store, "roots"),
			   .workdir = b->dir};
	struct action_input tree = {.ref = b->board_node->name, .path = path};

	if (!emulator)
		return 0;
	tree.digest = emulator->digest;
	return board_use_emulator(&a, &tree, b->board.arch, &b->qemu, err);
}

static int prepare(struct boot *b, const struct cli *c, struct err **err)
{
	char *json cleanup_free = boot_parts_blob(&b->s, b->board_node, BOARD_JSON);

	b->firmware = boot_parts_blob(&b->s, b->board_node, BOARD_FIRMWARE);
	b->device_tree = boot_parts_blob(&b->s, b->board_node, BOARD_DEVICE_TREE);
	if (!json || !b->firmware)
		return err_set(err, E_INTERNAL, "board '%s' has no description",
			       b->board_node->name);
	if (board_read(json, &b->board, err) || make_card(b, err) ||
	    boot_parts_variables(&b->s, b->board_node, b->dir, &b->variables, err) ||
	    find_emulator(b, err))
		return -1;
	return c->slot ? choose_slot(b, c->slot, err) : 0;
}

static int start_qemu(const struct boot *b, int console, pid_t *ret_pid, struct err **err)
{
	const int pass[] = {console, -1};
	char *chardev cleanup_free = xasprintf("socket,id=console,fd=%d", console);
	struct board_power power = {.qemu = b->qemu,
				    .firmware = b->firmware,
				    .variables = b->variables,
				    .device_tree = b->device_tree,
				    .card = b->card,
				    .console = chardev};
	struct confined wall cleanup_confined = {0};
	struct proc_opts opts = {.pass = pass};
	struct strv argv cleanup_strv = {0}, env cleanup_strv = {0};

	/* An emulator may be the project's: what the caller's environment holds is not for it. */
	strv_push(&env, "PATH=/usr/bin:/bin");
	opts.env = strv_argv(&env);
	board_argv(&b->board, &power, &argv);
	board_show(&b->board, &power, &wall);
	confined_apply(&wall, &opts);
	return proc_start(strv_argv(&argv), &opts, ret_pid, err);
}

/* QEMU that left by itself tells how; one that we end does not. */
static int end_qemu(pid_t pid, bool gone, struct err **err)
{
	int status;

	if (!gone)
		kill(pid, SIGKILL);
	if (proc_wait(pid, &status, err))
		return -1;
	return gone ? proc_check("qemu", status, err) : 0;
}

/* 0, or -1 with *err; *ret_code: what to exit with. */
static int run(struct boot *b, const struct cli *c, int *ret_code, struct err **err)
{
	struct foreign told cleanup_foreign = {0};
	struct attach a = {.timeout_s = c->timeout};
	enum attach_end end = ATTACH_GUEST_OFF;
	int ours cleanup_fd = -1, process cleanup_fd = -1, pair[2], number = 0, rc;
	pid_t pid;

	if (!a.timeout_s && !isatty(STDIN_FILENO))
		a.timeout_s = board_seconds(&b->board, UNATTENDED_S);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, E_CANNOT_START, errno, "cannot start QEMU");
	ours = pair[0];
	rc = start_qemu(b, pair[1], &pid, err);
	close(pair[1]);
	if (rc)
		return -1;
	process = (int)syscall(SYS_pidfd_open, pid, 0);
	told = foreign_begin(stdout);
	a.console = ours;
	a.process = process;
	rc = attach_run(&a, &end, &number, err);
	if (end_qemu(pid, rc == 0 && end == ATTACH_GUEST_OFF, rc ? NULL : err) || rc)
		return -1;
	if (end == ATTACH_TIMEOUT)
		return err_set(err, E_BOARD_TIMEOUT,
			       "the board was still on after %u s; --timeout gives it more",
			       a.timeout_s);
	*ret_code = end == ATTACH_SIGNAL ? 128 + number : 0;
	return 0;
}

/* Where we are, and the way out. */
static void greet(const struct boot *b, const struct cli *c)
{
	fprintf(stderr, "orch: '%s' on %s%s%s; ", b->image->name, b->board_node->name,
		c->slot ? ", slot " : "", c->slot ? c->slot : "");
	if (isatty(STDIN_FILENO))
		fprintf(stderr, "Ctrl-A X ends it");
	else
		fprintf(stderr, "no terminal: it ends with the guest or after a time (--timeout)");
	fprintf(stderr, "; what it writes is thrown away\n");
}

static void release(struct boot *b)
{
	struct err *ignored cleanup_err = NULL;

	if (b->dir && path_remove(b->dir, &ignored) < 0)
		print_aside(ignored->text);
	board_clear(&b->board);
	target_clear(&b->target);
	free(b->dir);
	free(b->card);
	free(b->firmware);
	free(b->variables);
	free(b->device_tree);
	session_close(&b->s);
}

static int boot(struct boot *b, struct cli *c)
{
	struct err *err = NULL;
	int code = session_open(&b->s, c, SESSION_GRAPH, NULL);

	if (code)
		return code;
	if (choose(b, c, &err))
		return cli_fail(&b->s, err);
	code = build_both(b);
	if (code)
		return code;
	if (prepare(b, c, &err))
		return cli_fail(&b->s, err);
	greet(b, c);
	return run(b, c, &code, &err) ? cli_fail(&b->s, err) : code;
}

int cmd_boot(struct cli *c)
{
	struct boot b = {0};
	int code = boot(&b, c);

	release(&b);
	return code;
}
