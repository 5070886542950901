/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/run/vm_guest.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/run/inputs_disk.h"
#include "kinds/run/step_env.h"
#include "kinds/tree/input_tree.h"
#include "media/fat/fat.h"
#include "media/tree/tree.h"

const char *vm_step_title(const struct vm *vm, long n)
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

static int make_token(char ret[2 * VM_TOKEN_LEN + 1], struct err **err)
{
	unsigned char b[VM_TOKEN_LEN];

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
	       (head[510] == 0x55 && head[511] == 0xaa && !fat_state(fd, 0));
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
				  .systemd = vm->o->systemd,
				  .shell = vm->shell};
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
	const char *path, *inside;

	if (in->type != INPUT_INSIDE) {
		*ret = in->path;
		return 0;
	}
	if (input_tree(vm->a, in, &t, &inside, err) < 0)
		return -1;
	e = tree_resolve(t, inside);
	text = e ? tree_inode_text(e->inode, 1u << 30) : NULL;
	if (!text)
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", ref->text);
	path = arena_printf(vm->a->arena, "%s/%s", vm->a->workdir, name);
	if (file_write(path, text, e->inode->size, 0600, false, err) < 0)
		return -1;
	*ret = path;
	return 0;
}

int vm_choose_board(struct vm *vm, struct err **err)
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

int vm_describe(struct vm *vm, struct qemu_machine *m, struct err **err)
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
		.epoch = vm_clock(a),
		.tmp_dir = a->workdir,
		.efi = o->boot == VM_BOOT_EFI,
		.disks = vm->disks,
		.disk_count = vm->disk_count,
	};
	if (m->efi) {
		m->cmdline_extra = arena_strdup(a->arena, line.buf);
		m->vars_path = arena_printf(a->arena, "%s/efi-vars.fd", a->workdir);
		if (vm->files.variables) {
			m->firmware_code = vm->files.firmware;
			m->firmware_vars = vm->files.variables;
		}
		return qemu_find(m, a->cache_dir, err);
	}
	m->append = arena_strdup(a->arena, line.buf);
	if (host_file(vm, o->kernel, "kernel", &m->kernel, err) < 0 ||
	    (o->initrd && host_file(vm, o->initrd, "initrd", &m->initrd, err) < 0))
		return -1;
	return qemu_find(m, a->cache_dir, err);
}

uint64_t vm_clock(const struct action *a)
{
	return a->lock_date > a->epoch ? a->lock_date : a->epoch;
}

int vm_prepare(struct vm *vm, const char *steps_path, struct err **err)
{
	if (make_token(vm->token, err) < 0)
		return -1;
	collect_scripts(vm);
	return collect_disks(vm, steps_path, err) < 0 ? -1 : write_steps(vm, steps_path, err);
}

int vm_judge_disks(const struct vm *vm, struct err **err)
{
	if (!vm->lost)
		return 0;
	return err_set(err, E_GUEST_DISK,
		       "disk '%s' did not appear in the guest, or holds no file system that the "
		       "guest's kernel can mount",
		       vm->steps_disks[vm->lost - 1].name);
}

void vm_clear(struct vm *vm)
{
	board_clear(&vm->board);
}
