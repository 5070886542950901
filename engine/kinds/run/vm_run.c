/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running a guest. The image is copied (sparsely) first and the other disks are overlaid, so no
 * input changes. The steps travel as machine/guest/steps.h says and report through markers; then
 * the guest is off, and what is asked for is read out of the copy: as a tree, cleaned of what
 * running leaves behind, sorted and with clamped times.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/run/step.h"
#include "kinds/run/vm_guest.h"
#include "kinds/tree/content.h"
#include "media/ext4/ext4.h"
#include "media/tree/clean.h"

#define LOG_MAX (64u * 1024 * 1024) /* of console output that is kept */

/* -- one run -- */

/* Without it a shell after a failure is before the steps. */
static void note_step(struct vm *vm)
{
	struct err *err cleanup_err = NULL;

	if (step_note(vm->a, (size_t)vm->step - 1, &err) < 0)
		action_log(vm->a, "%s", err->text);
}

static void take_marker(struct vm *vm, const char *word, long a, long b)
{
	bool is_step = a >= 1 && (size_t)a <= vm->o->run.count;

	if (str_eq(word, "begin")) {
		vm->begun = true;
	} else if (str_eq(word, "root")) {
		vm->sector = a;
	} else if (str_eq(word, "step") && is_step) {
		vm->step = a;
		note_step(vm);
		action_progress(vm->a, -1, "step %ld of %zu: %s", a, vm->o->run.count,
				vm_step_title(vm, a));
	} else if (str_eq(word, "done") && is_step) {
		action_log(vm->a, "step %ld ended with %ld", a, b);
	} else if (str_eq(word, "lost") && a >= 1 && (size_t)a <= vm->disk_count - 2) {
		vm->lost = a;
	} else if (str_eq(word, "dirty")) {
		vm->dirty = true;
	} else if (str_eq(word, "end")) {
		vm->over = true;
		vm->status = a;
	}
}

static void on_console(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct vm *vm = arg;

	if (event == CONSOLE_MARKER)
		take_marker(vm, text, a, b);
	if (event != CONSOLE_LINE || vm->logged > LOG_MAX)
		return;
	action_log(vm->a, "%s", text);
	vm->logged += strlen(text) + 1;
	if (vm->logged > LOG_MAX)
		action_log(vm->a, "(the guest printed more than %u MiB; the rest is left out)",
			   LOG_MAX >> 20);
}

static const char *step_place(const struct vm *vm)
{
	const struct step *step = LIST_AT(vm->o->run, struct step *, vm->step - 1);

	return action_place(vm->a, step->pos);
}

/* What was wrong, when the guest went off by itself. */
static int judge(const struct vm *vm, struct err **err)
{
	if (vm_judge_disks(vm, err) < 0)
		return -1;
	if (vm->over && vm->status != 0 && vm->step > 0)
		return err_set(err, E_STEP_FAILED, "%s: step %ld (%s) failed with exit status %ld",
			       step_place(vm), vm->step, vm_step_title(vm, vm->step), vm->status);
	if (!vm->begun)
		return err_set(err, E_GUEST_ENDED, "the guest went off before its first step%s",
			       vm->o->boot == VM_BOOT_EFI
				       ? "; is there a systemd-boot of version 257 or newer "
					 "in the image?"
				       : "");
	if (!vm->over)
		return err_set(err, E_GUEST_ENDED, "the guest went off in step %ld (%s)", vm->step,
			       vm->step > 0 ? vm_step_title(vm, vm->step) : "");
	if (vm->dirty)
		return err_set(
			err, E_GUEST_DISK,
			"the guest's root file system could not be made read only after the steps: "
			"something still writes to it");
	return 0;
}

static int run_guest(struct vm *vm, struct err **err)
{
	struct qemu_machine m;
	struct qemu_watch watch = {.token = vm->token,
				   .begin_s = board_seconds(&vm->board, VM_BEGIN_S),
				   .total_s = board_seconds(&vm->board, (unsigned)vm->o->timeout),
				   .quit_s = board_seconds(&vm->board, VM_QUIT_S),
				   .done = &vm->over,
				   .fn = on_console,
				   .arg = vm};
	struct strv argv cleanup_strv = {0};
	struct str line cleanup_str = STR_INIT;

	if (vm_describe(vm, &m, err) < 0)
		return -1;
	qemu_argv(&m, &argv);
	steps_quote_argv((const char *const *)argv.items, argv.count, &line);
	action_log(vm->a, "%s", line.buf);
	action_progress(vm->a, -1, "booting '%s' (%s)", vm->o->from->text,
			str_eq(m.accel, "kvm") ? "kvm" : "emulated");
	if (qemu_run(&m, &watch, err) < 0) {
		if (vm->step > 0)
			return err_wrap(err, "in step %ld (%s)", vm->step,
					vm_step_title(vm, vm->step));
		return -1;
	}
	return judge(vm, err);
}

/* -- results -- */

static int write_output(struct vm *vm, struct tree *t, const struct pair *p, struct err **err)
{
	const char *path = action_output(vm->a, p->key);
	struct tree_entry *e = tree_resolve(t, p->value);
	struct tree *part cleanup_tree = NULL;
	char *text cleanup_free = NULL;

	if (!e)
		return err_set(err, E_OUTPUT_MISSING, "output '%s': there is no '%s' in the guest",
			       p->key, p->value);
	if (!str_ends(p->key, ".tar")) {
		text = tree_inode_text(e->inode, 1u << 30);
		if (!text)
			return err_set(err, E_OUTPUT_MISSING,
				       "output '%s': '%s' is not a file of up to 1 GiB", p->key,
				       p->value);
		return file_write(path, text, e->inode->size, 0644, false, err);
	}
	if (!S_ISDIR(e->inode->mode))
		return err_set(err, E_OUTPUT_MISSING, "output '%s': '%s' is not a directory",
			       p->key, p->value);
	part = tree_new(vm->a->epoch, vm->a->workdir);
	if (tree_copy_tree(part, "/", t, e->path, 0, err) < 0 ||
	    (!*e->path && tree_clean(part, err) < 0))
		return -1;
	return tree_write_tar(part, path, err);
}

static int write_outputs(struct vm *vm, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(vm->a->epoch, vm->a->workdir);

	if (vm->sector < 0)
		return err_set(err, E_GUEST_DISK,
			       "the guest's root file system is not on the disk of '%s'",
			       vm->o->from->text);
	action_progress(vm->a, -1, "reading the guest's files");
	if (ext4_read_tree(t, vm->image, (uint64_t)vm->sector * 512, err) < 0)
		return err_wrap(err, "cannot read the guest's root file system");
	content_say_left_out(vm->a, t);
	tree_settle_times(t, (int64_t)vm_clock(vm->a));
	for (size_t i = 0; i < vm->o->outputs.count; i++) {
		if (write_output(vm, t, LIST_AT(vm->o->outputs, struct pair *, i), err) < 0)
			return -1;
	}
	return 0;
}

static int run_in(struct vm *vm, struct err **err)
{
	struct action *a = vm->a;
	const char *steps = arena_printf(a->arena, "%s/steps", a->workdir);

	vm->image = arena_printf(a->arena, "%s/" VM_IMAGE, a->workdir);
	if (vm_choose_board(vm, err) < 0 || vm_prepare(vm, steps, err) < 0 ||
	    file_copy(action_input(a, vm->o->from)->path, vm->image, 0600, err) < 0 ||
	    run_guest(vm, err) < 0)
		return -1;
	return write_outputs(vm, err);
}

static int vm_run(struct action *a, struct err **err)
{
	struct vm vm = {.a = a, .o = a->opts, .sector = -1};
	int rc = run_in(&vm, err);

	vm_clear(&vm);
	return rc;
}

const struct maker maker_vm = {
	.kind = &kind_vm,
	.run = vm_run,
	.shell = vm_shell,
};
