/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A shell in the guest, in place of its steps: on a copy of the image, or on the disk that the
 * attempt left which failed in a step. On a terminal it has the guest's console; without one it
 * runs what stdin holds.
 */
#include <sys/ioctl.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/run/step.h"
#include "kinds/run/vm_guest.h"

#define INPUT_MAX (1u << 20) /* bytes of commands */

struct vm_shell {
	struct vm vm;
	struct steps_shell shell;
	const char *line_end; /* of a terminal that is raw: "\r\n" */
	bool held;            /* the shell is not there yet, or no longer */
};

static void on_marker(struct vm_shell *sh, const char *word, long a)
{
	struct vm *vm = &sh->vm;

	if (str_eq(word, "shell")) {
		vm->begun = true;
		sh->held = false;
	} else if (str_eq(word, "over")) {
		vm->over = sh->held = true;
		vm->status = a;
	} else if (str_eq(word, "lost") && a >= 1 && (size_t)a <= vm->disk_count - 2) {
		vm->lost = a;
	}
}

static void on_console(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct vm_shell *sh = arg;
	struct str line cleanup_str = STR_INIT;

	if (event == CONSOLE_MARKER)
		on_marker(sh, text, a);
	if (event != CONSOLE_LINE || sh->vm.over || (sh->shell.tty && !sh->held))
		return;
	str_escape(&line, text, strlen(text));
	fprintf(sh->held ? stderr : stdout, "%s%s", line.buf ? line.buf : "", sh->line_end);
}

/* What the shell is told of our terminal, or reads instead of one. */
static int choose_input(struct vm_shell *sh, const struct shell_request *q, struct err **err)
{
	struct action *a = sh->vm.a;
	struct str text cleanup_str = STR_INIT;
	struct winsize size = {0};

	sh->line_end = "\n";
	if (!q->term || !isatty(STDOUT_FILENO)) {
		if (fd_read_all(STDIN_FILENO, "stdin", INPUT_MAX, &text, err) < 0)
			return -1;
		sh->shell.input = arena_strdup(a->arena, text.buf ? text.buf : "");
		return 0;
	}
	sh->line_end = "\r\n";
	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	sh->shell.rows = size.ws_row;
	sh->shell.columns = size.ws_col;
	sh->shell.term = q->term;
	sh->shell.tty = qemu_console(sh->vm.board.arch);
	sh->shell.name = a->node;
	return 0;
}

/* The disk of the attempt that failed in a step; else a copy of the image. */
static int choose_disk(struct vm_shell *sh, struct shell_request *q, struct err **err)
{
	struct vm *vm = &sh->vm;
	const char *kept = q->kept ? arena_printf(vm->a->arena, "%s/" VM_IMAGE, q->kept) : NULL;

	if (kept && step_noted(q->kept) && path_exists(kept)) {
		vm->image = kept;
		return 0;
	}
	q->kept = NULL;
	vm->image = arena_printf(vm->a->arena, "%s/" VM_IMAGE, vm->a->workdir);
	return file_copy(action_input(vm->a, vm->o->from)->path, vm->image, 0600, err);
}

static int run_attached(struct vm_shell *sh, struct qemu_machine *m, int *ret_status,
			struct err **err)
{
	struct attach attach = {
		.held = &sh->held, .token = sh->vm.token, .fn = on_console, .arg = sh};
	enum attach_end end;
	int number = 0;

	if (qemu_attach(m, &attach, &end, &number, err) < 0)
		return -1;
	*ret_status = end == ATTACH_SIGNAL ? number : 0;
	return end == ATTACH_GUEST_OFF;
}

static int run_input(struct vm_shell *sh, const struct qemu_machine *m, struct err **err)
{
	const struct qemu_watch watch = {.token = sh->vm.token,
					 .begin_s = board_seconds(&sh->vm.board, VM_BEGIN_S),
					 .quit_s = board_seconds(&sh->vm.board, VM_QUIT_S),
					 .done = &sh->vm.over,
					 .fn = on_console,
					 .arg = sh};

	return qemu_run(m, &watch, err) < 0 ? -1 : 1;
}

/* Until the guest is off, or the user wants out. */
static int run_guest(struct vm_shell *sh, int *ret_status, struct err **err)
{
	struct qemu_machine m;
	int rc;

	if (vm_describe(&sh->vm, &m, err) < 0)
		return -1;
	action_log(sh->vm.a, "orch: booting '%s' (%s)%s", sh->vm.o->from->text,
		   str_eq(m.accel, "kvm") ? "kvm" : "emulated: a minute or more",
		   sh->shell.tty ? "; Ctrl-A X ends it at any time" : "");
	rc = sh->shell.tty ? run_attached(sh, &m, ret_status, err) : run_input(sh, &m, err);
	if (rc <= 0)
		return rc;
	if (vm_judge_disks(&sh->vm, err) < 0)
		return -1;
	if (!sh->vm.over)
		return err_set(err, E_GUEST_ENDED, "the guest went off %s its shell",
			       sh->vm.begun ? "in" : "before");
	*ret_status = (int)(sh->vm.status & 255) << 8;
	return 0;
}

static int run_in(struct vm_shell *sh, struct shell_request *q, int *ret_status, struct err **err)
{
	struct action *a = sh->vm.a;
	const struct steps steps = {.a = a, .list = &sh->vm.o->run, .inside = "/run/orch"};
	const char *path = arena_printf(a->arena, "%s/steps", a->workdir);

	if (path_mkdirs(a->workdir, err) < 0 || choose_disk(sh, q, err) < 0 ||
	    vm_choose_board(&sh->vm, err) < 0 || choose_input(sh, q, err) < 0)
		return -1;
	step_tell_place(&steps, q, "disk");
	if (vm_prepare(&sh->vm, path, err) < 0)
		return -1;
	return run_guest(sh, ret_status, err);
}

int vm_shell(struct action *a, const struct shell_request *q, int *ret_status, struct err **err)
{
	struct vm_shell sh = {.vm = {.a = a, .o = a->opts, .sector = -1}, .held = true};
	struct shell_request here = *q;
	int rc;

	sh.vm.shell = &sh.shell;
	rc = run_in(&sh, &here, ret_status, err);
	vm_clear(&sh.vm);
	return rc < 0 ? err_wrap(err, "shell of node '%s'", a->node) : 0;
}
