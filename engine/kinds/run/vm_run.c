/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running a guest. The image is copied (sparsely) first and the other disks are overlaid, so no
 * input changes. The steps travel as machine/guest/steps.h says and report through markers; then
 * the guest is off, and what is asked for is read out of the copy: as a tree, cleaned of what
 * running leaves behind, sorted and with clamped times.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/makers.h"
#include "kinds/run/inputs_disk.h"
#include "kinds/run/step_env.h"
#include "kinds/run/vm_opts.h"
#include "kinds/test/board_use.h"
#include "kinds/tree/content.h"
#include "machine/guest/qemu.h"
#include "machine/guest/steps.h"
#include "media/ext4/ext4.h"
#include "media/tree/clean.h"

#define BEGIN_S 900                 /* from power on to the first step */
#define QUIT_S 300                  /* from the last step to power off */
#define LOG_MAX (64u * 1024 * 1024) /* of console output that is kept */
#define TOKEN_LEN 16                /* random bytes */

/* -- one run -- */

struct vm {
	struct action *a;
	const struct vm_opts *o;
	struct board board; /* the recipe's, or what its options say */
	struct board_files files;
	const char *image; /* the copy that is booted */
	char token[2 * TOKEN_LEN + 1];
	const char *const *scripts;
	struct steps_disk *steps_disks;
	struct qemu_disk *disks;
	size_t disk_count;
	/* what the guest reported */
	bool begun, over, dirty;
	long step;       /* running or last one, from 1 */
	long status;     /* exit status of the steps, when over */
	long lost;       /* number of a disk, or 0 */
	int64_t sector;  /* start of the root file system; -1: unknown */
	uint64_t logged; /* bytes */
};

/* The first line of step N that says something, for messages. */
static const char *step_title(const struct vm *vm, long n)
{
	const char *text = vm->scripts[n - 1];
	size_t len;

	for (;;) {
		text += strspn(text, " \t\n");
		len = strcspn(text, "\n");
		if (*text != '#')
			break;
		text += len;
	}
	return len > 60 ? arena_printf(vm->a->arena, "%.57s...", text)
			: arena_strndup(vm->a->arena, text, len);
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
		action_progress(vm->a, -1, "step %ld of %zu: %s", a, vm->o->run.count,
				step_title(vm, a));
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

static int make_token(char ret[2 * TOKEN_LEN + 1], struct err **err)
{
	unsigned char b[TOKEN_LEN];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return err_errno(err, E_INTERNAL, errno, "cannot get random numbers");
	for (size_t i = 0; i < sizeof(b); i++)
		snprintf(ret + 2 * i, 3, "%02x", b[i]);
	return 0;
}

/* Whether an image has a partition table, and so no file system of its own to mount. */
static bool is_partitioned(const char *path)
{
	unsigned char head[1024] = {0};
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	return memcmp(head + 512, "EFI PART", 8) == 0 ||
	       (head[510] == 0x55 && head[511] == 0xaa && memcmp(head + 54, "FAT", 3) != 0 &&
		memcmp(head + 82, "FAT", 3) != 0);
}

static void collect_scripts(struct vm *vm)
{
	const struct list *run = &vm->o->run;
	const char **scripts = arena_alloc(vm->a->arena, run->count * sizeof(*scripts));

	for (size_t i = 0; i < run->count; i++) {
		const struct step *s = LIST_AT(*run, struct step *, i);
		struct str line cleanup_str = STR_INIT;

		if (s->script) {
			scripts[i] = s->script;
			continue;
		}
		steps_quote_argv(s->argv.items, s->argv.count, &line);
		scripts[i] = arena_strdup(vm->a->arena, line.buf);
	}
	vm->scripts = scripts;
}

/* What a disk is called below /mnt; the name stands in a shell script, so only plain bytes stay. */
static const char *disk_name(struct vm *vm, const struct action_input *in)
{
	char *name = arena_strdup(vm->a->arena, path_base(in->node ? in->node : in->ref));
	char *dot = in->node ? NULL : strrchr(name, '.');

	if (dot && dot > name)
		*dot = 0;
	for (char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
			*p = '_';
	}
	return name;
}

/* The boot disk, the disk with the steps, the disks of the recipe, and that of its inputs. */
static int collect_disks(struct vm *vm, const char *steps_path, struct err **err)
{
	size_t count = vm->o->disks.count;
	const char *inputs = arena_printf(vm->a->arena, "%s/inputs.img", vm->a->workdir);

	vm->disk_count = count + 2 + (vm->o->inputs.count > 0);
	vm->disks = arena_alloc(vm->a->arena, vm->disk_count * sizeof(*vm->disks));
	vm->steps_disks = arena_alloc(vm->a->arena, (count + 1) * sizeof(*vm->steps_disks));
	vm->disks[0] = (struct qemu_disk){.path = vm->image, .serial = STEPS_ROOT_SERIAL};
	vm->disks[1] =
		(struct qemu_disk){.path = steps_path, .serial = STEPS_SERIAL, .readonly = true};
	for (size_t i = 0; i < count; i++) {
		const struct action_input *in =
			action_input(vm->a, LIST_AT(vm->o->disks, struct ref *, i));
		const char *serial = arena_printf(vm->a->arena, "orch-disk%zu", i + 1);

		vm->disks[i + 2] =
			(struct qemu_disk){.path = in->path, .serial = serial, .snapshot = true};
		vm->steps_disks[i] = (struct steps_disk){.serial = serial,
							 .name = disk_name(vm, in),
							 .mount = !is_partitioned(in->path)};
		if (vm->o->inputs.count && str_eq(vm->steps_disks[i].name, STEPS_INPUTS))
			return err_set(err, E_DUPLICATE_NAME,
				       "disk '%s' would appear at /mnt/" STEPS_INPUTS
				       ", where the inputs are: rename it",
				       in->ref);
	}
	if (!vm->o->inputs.count)
		return 0;
	vm->steps_disks[count].name = STEPS_INPUTS;
	vm->disks[count + 2] =
		(struct qemu_disk){.path = inputs, .serial = STEPS_INPUTS_SERIAL, .readonly = true};
	return inputs_disk_write(vm->a, &vm->o->inputs, inputs, err);
}

static int write_steps(struct vm *vm, const char *path, struct err **err)
{
	struct strv env cleanup_strv = {0};
	struct steps_plan plan = {.token = vm->token,
				  .scripts = vm->scripts,
				  .count = vm->o->run.count,
				  .disks = vm->steps_disks,
				  .disk_count = vm->o->disks.count,
				  .epoch = vm->a->epoch,
				  .inputs = vm->o->inputs.count > 0,
				  .systemd = vm->o->systemd};
	struct str text cleanup_str = STR_INIT;

	step_env_push(&vm->o->env, &env);
	plan.env = (const char *const *)env.items;
	plan.env_count = env.count;
	steps_script(&plan, &text);
	return file_write(path, text.buf, text.len, 0600, false, err);
}

/* A kernel or initrd on the host: the file itself, or taken out of the tree it lies in. */
static int host_file(struct vm *vm, const struct ref *ref, const char *name, const char **ret,
		     struct err **err)
{
	const struct action_input *in = action_input(vm->a, ref);
	struct tree *t cleanup_tree = NULL;
	struct tree_entry *e;
	char *text cleanup_free = NULL;
	const char *path;

	if (in->type != INPUT_INSIDE) {
		*ret = in->path;
		return 0;
	}
	t = tree_new(vm->a->epoch, vm->a->workdir);
	if (tree_read_tar(t, "/", in->path, 0, err) < 0)
		return -1;
	e = tree_resolve(t, in->inside);
	text = e ? tree_inode_text(e->inode, 1u << 30) : NULL;
	if (!text)
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", ref->text);
	path = arena_printf(vm->a->arena, "%s/%s", vm->a->workdir, name);
	if (file_write(path, text, e->inode->size, 0600, false, err) < 0)
		return -1;
	*ret = path;
	return 0;
}

/* The recipe's board, or one made of its options. */
static int choose_board(struct vm *vm, struct err **err)
{
	const struct vm_opts *o = vm->o;

	if (!o->board) {
		vm->board = (struct board){.arch = xstrdup(o->arch),
					   .cpus = (unsigned)o->cpus,
					   .memory_mb = (unsigned)(o->memory >> 20),
					   .time_permille = 1000};
		return 0;
	}
	return board_use_open(vm->a, o->board, &vm->board, &vm->files, err);
}

/* Not before anything in a package, so that what the guest makes can be told from it. */
static uint64_t start_of_clock(const struct action *a)
{
	return a->lock_date > a->epoch ? a->lock_date : a->epoch;
}

static int describe_machine(struct vm *vm, struct qemu_machine *m, struct err **err)
{
	struct action *a = vm->a;
	const struct vm_opts *o = vm->o;
	struct str line cleanup_str = STR_INIT;

	if (o->cmdline)
		str_printf(&line, "%s ", o->cmdline);
	steps_cmdline(qemu_console(vm->board.arch), &line);
	*m = (struct qemu_machine){
		.command = vm->files.qemu,
		.arch = vm->board.arch,
		.machine = vm->board.machine,
		.cpu = vm->board.cpu,
		.cpus = vm->board.cpus,
		.memory_mb = vm->board.memory_mb,
		.epoch = start_of_clock(a),
		.tmp_dir = a->workdir,
		.efi = o->boot == VM_BOOT_EFI,
		.disks = vm->disks,
		.disk_count = vm->disk_count,
	};
	if (m->efi) {
		m->cmdline_extra = arena_strdup(a->arena, line.buf);
		m->vars_path = arena_printf(a->arena, "%s/efi-vars.fd", a->workdir);
		return qemu_find(m, a->cache_dir, err);
	}
	m->append = arena_strdup(a->arena, line.buf);
	if (host_file(vm, o->kernel, "kernel", &m->kernel, err) < 0 ||
	    (o->initrd && host_file(vm, o->initrd, "initrd", &m->initrd, err) < 0))
		return -1;
	return qemu_find(m, a->cache_dir, err);
}

/* What was wrong, when the guest went off by itself. */
static int judge(const struct vm *vm, struct err **err)
{
	if (vm->lost)
		return err_set(
			err, E_GUEST_DISK,
			"disk '%s' did not appear in the guest, or holds no file system that the "
			"guest's kernel can mount",
			vm->steps_disks[vm->lost - 1].name);
	if (vm->over && vm->status != 0 && vm->step > 0)
		return err_set(err, E_STEP_FAILED, "step %ld (%s) failed with exit status %ld",
			       vm->step, step_title(vm, vm->step), vm->status);
	if (!vm->begun)
		return err_set(err, E_GUEST_ENDED, "the guest went off before its first step%s",
			       vm->o->boot == VM_BOOT_EFI
				       ? "; is there a systemd-boot of version 257 or newer "
					 "in the image?"
				       : "");
	if (!vm->over)
		return err_set(err, E_GUEST_ENDED, "the guest went off in step %ld (%s)", vm->step,
			       vm->step > 0 ? step_title(vm, vm->step) : "");
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
				   .begin_s = board_seconds(&vm->board, BEGIN_S),
				   .total_s = board_seconds(&vm->board, (unsigned)vm->o->timeout),
				   .quit_s = board_seconds(&vm->board, QUIT_S),
				   .done = &vm->over,
				   .fn = on_console,
				   .arg = vm};
	struct strv argv cleanup_strv = {0};
	struct str line cleanup_str = STR_INIT;

	if (describe_machine(vm, &m, err) < 0)
		return -1;
	qemu_argv(&m, &argv);
	steps_quote_argv((const char *const *)argv.items, argv.count, &line);
	action_log(vm->a, "%s", line.buf);
	action_progress(vm->a, -1, "booting '%s' (%s)", vm->o->from->text,
			str_eq(m.accel, "kvm") ? "kvm" : "emulated");
	if (qemu_run(&m, &watch, err) < 0) {
		if (vm->step > 0)
			return err_wrap(err, "in step %ld (%s)", vm->step,
					step_title(vm, vm->step));
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
	tree_settle_times(t, (int64_t)start_of_clock(vm->a));
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

	vm->image = arena_printf(a->arena, "%s/boot.img", a->workdir);
	if (choose_board(vm, err) < 0 || make_token(vm->token, err) < 0)
		return -1;
	collect_scripts(vm);
	if (collect_disks(vm, steps, err) < 0 || write_steps(vm, steps, err) < 0 ||
	    file_copy(action_input(a, vm->o->from)->path, vm->image, 0600, err) < 0 ||
	    run_guest(vm, err) < 0)
		return -1;
	return write_outputs(vm, err);
}

static int vm_run(struct action *a, struct err **err)
{
	struct vm vm = {.a = a, .o = a->opts, .sector = -1};
	int rc = run_in(&vm, err);

	board_clear(&vm.board);
	return rc;
}

const struct maker maker_vm = {
	.kind = &kind_vm,
	.run = vm_run,
};
