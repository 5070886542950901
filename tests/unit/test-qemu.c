/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "machine/guest/qemu.h"
#include "machine/guest/steps.h"
#include "tmp.h"

/* Puts an executable shell script DIR/NAME there; returns its path. */
static char *fake(const char *name, const char *body)
{
	char *path = path_join(dir, name);
	char *text cleanup_free = xasprintf("#!/bin/sh\n%s", body);
	struct err *err = NULL;

	assert_int_equal(file_write(path, text, strlen(text), 0755, false, &err), 0);
	return path;
}

/* -- argv -- */

static char *joined(const struct qemu_machine *m)
{
	struct strv argv cleanup_strv = {0};
	struct str s = STR_INIT;

	qemu_argv(m, &argv);
	for (size_t i = 0; i < argv.count; i++)
		str_printf(&s, " %s", argv.items[i]);
	str_append_char(&s, ' ');
	return str_steal(&s);
}

static const struct qemu_disk two_disks[] = {
	{.path = "/w/a,b.img", .serial = "orch-root"},
	{.path = "/w/s.img", .serial = "orch-steps", .bus = QEMU_VIRTIO, .readonly = true},
	{.path = "/w/d.img", .serial = "orch-disk1", .snapshot = true},
};

static void test_argv_efi(void **state)
{
	struct qemu_machine m = {
		.arch = "arm64",
		.program = "qemu-system-aarch64",
		.accel = "tcg,thread=multi",
		.cpu = "cortex-a72",
		.cpus = 2,
		.memory_mb = 2048,
		.epoch = 1735689600,
		.efi = true,
		.cmdline_extra = "a=1,2 -- x",
		.vars_path = "/w/vars.fd",
		.firmware_code = "/f/code.fd",
		.disks = two_disks,
		.disk_count = 3,
	};
	char *line cleanup_free = joined(&m);

	assert_non_null(
		strstr(line, " -machine virt,gic-version=3 -accel tcg,thread=multi -cpu cortex-a72 "
			     "-smp 2 -m 2048 "));
	assert_non_null(strstr(line, " -nic none "));
	assert_non_null(strstr(line, " -no-reboot "));
	assert_non_null(strstr(line, " -rtc base=2025-01-01T00:00:00 "));
	assert_non_null(strstr(line,
			       " -drive if=pflash,unit=0,readonly=on,format=raw,file=/f/code.fd "
			       "-drive if=pflash,unit=1,format=raw,file=/w/vars.fd "));
	assert_non_null(strstr(line, "kernel-cmdline-extra=a=1,,2 -- x "));
	assert_non_null(strstr(line, "discard=unmap,format=raw,file=/w/a,,b.img -device "
				     "nvme,drive=disk0,serial=orch-root,bootindex=0 "));
	assert_non_null(strstr(line, "readonly=on,format=raw,file=/w/s.img -device "
				     "virtio-blk-pci,drive=disk1,serial=orch-steps "));
	assert_non_null(strstr(line, "snapshot=on,format=raw,file=/w/d.img "));
	assert_null(strstr(line, "-kernel"));
}

static void test_argv_kernel(void **state)
{
	struct qemu_machine m = {
		.arch = "amd64",
		.program = "qemu-system-x86_64",
		.accel = "kvm",
		.cpu = "host",
		.memory_mb = 512,
		.kernel = "/w/vmlinuz",
		.append = "root=/dev/vda",
	};
	char *line cleanup_free = joined(&m);

	assert_non_null(strstr(line, " -machine q35 -accel kvm -cpu host -smp 1 -m 512 "));
	assert_non_null(strstr(line, " -kernel /w/vmlinuz -append root=/dev/vda "));
	assert_null(strstr(line, "-initrd"));
	assert_null(strstr(line, "pflash"));
	assert_null(strstr(line, "-rtc"));
}

static void test_find(void **state)
{
	struct qemu_machine m = {.arch = "vax"};
	struct err *err cleanup_err = NULL;

	assert_int_equal(qemu_find(&m, NULL, &err), -1);
	assert_int_equal(err->code->cls, ERR_USER);
	assert_non_null(strstr(err->text, "'vax'"));
	assert_null(qemu_console("vax"));
	assert_string_equal(qemu_console("arm64"), "ttyAMA0");
}

/* -- running, with fake QEMUs -- */

struct seen {
	struct str text;
	bool done;
};

static void see(void *arg, enum console_event event, const char *text, long a, long b)
{
	struct seen *s = arg;

	if (event == CONSOLE_MARKER && str_eq(text, "end"))
		s->done = true;
	str_printf(&s->text, "%d %s %ld %ld\n", (int)event, text, a, b);
}

static int run_fake(const char *body, struct qemu_watch watch, struct seen *seen, struct err **err)
{
	char *program cleanup_free = fake("qemu", body);
	struct qemu_machine m = {.arch = "arm64",
				 .program = program,
				 .accel = "tcg",
				 .cpu = "max",
				 .memory_mb = 64,
				 .tmp_dir = dir,
				 .kernel = "k"};

	seen->text = (struct str)STR_INIT;
	watch.token = "f00d";
	watch.fn = see;
	watch.arg = seen;
	watch.done = &seen->done;
	return qemu_run(&m, &watch, err);
}

static void test_run(void **state)
{
	struct err *err cleanup_err = NULL;
	struct seen seen = {0};

	assert_int_equal(
		run_fake("echo hi; echo 'ORCH-f00d end 0;'; echo warn >&2; [ \"$TMPDIR\" ]",
			 (struct qemu_watch){.total_s = 20}, &seen, &err),
		0);
	assert_non_null(strstr(seen.text.buf, "0 hi 0 0\n1 end 0 0\n"));
	assert_non_null(strstr(seen.text.buf, "0 qemu: warn 0 0\n"));
	assert_true(seen.done);
	str_release(&seen.text);
}

static void test_run_fails(void **state)
{
	struct err *err cleanup_err = NULL;
	struct seen seen = {0};

	assert_int_equal(run_fake("echo 'Could not open disk' >&2; exit 1", (struct qemu_watch){0},
				  &seen, &err),
			 -1);
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_non_null(strstr(err->text, "Could not open disk"));
	assert_non_null(strstr(err->text, "exited with 1"));
	str_release(&seen.text);
}

static void test_run_panic(void **state)
{
	struct err *err cleanup_err = NULL;
	struct seen seen = {0};

	assert_int_equal(run_fake("echo 'Kernel panic - not syncing: no root'; exit 0",
				  (struct qemu_watch){.total_s = 20}, &seen, &err),
			 -1);
	assert_int_equal(err->code->cls, ERR_BUILD);
	assert_non_null(strstr(err->text, "no root"));
	str_release(&seen.text);
}

static void check_late(const char *body, struct qemu_watch watch, const char *text)
{
	struct err *err cleanup_err = NULL;
	struct seen seen = {0};

	assert_int_equal(run_fake(body, watch, &seen, &err), -1);
	assert_int_equal(err->code->cls, ERR_TIMEOUT);
	assert_non_null(strstr(err->text, text));
	str_release(&seen.text);
}

static void test_deadlines(void **state)
{
	check_late("exec sleep 60", (struct qemu_watch){.begin_s = 1, .total_s = 30},
		   "start its steps");
	check_late("echo 'ORCH-f00d begin;'; exec sleep 60",
		   (struct qemu_watch){.begin_s = 1, .total_s = 2}, "not done in time");
	check_late("echo 'ORCH-f00d end 0;'; exec sleep 60",
		   (struct qemu_watch){.total_s = 30, .quit_s = 1}, "power off");
}

/* -- the steps script -- */

static void test_quote(void **state)
{
	const char *const argv[] = {"printf", "%s|", "it's", "a b", "$x", ""};
	struct str line cleanup_str = STR_INIT, out cleanup_str = STR_INIT;
	struct err *err = NULL;

	steps_quote_argv(argv, 6, &line);
	assert_int_equal(
		proc_output((char *[]){"sh", "-c", line.buf, NULL}, NULL, 1000, &out, &err), 0);
	assert_string_equal(out.buf, "it's|a b|$x||");
}

static void check_script(bool systemd)
{
	const char *const scripts[] = {"echo 'one'\nfalse", "cat <<E\n$HOME\nE"};
	const struct steps_disk disks[] = {{"orch-disk1", "data", true},
					   {"orch-disk2", "raw", false}};
	const char *const env[] = {"MODE=release", "TWO=it's\n$x"};
	struct steps_plan plan = {.token = "f00d",
				  .env = env,
				  .env_count = 2,
				  .scripts = scripts,
				  .count = 2,
				  .disks = disks,
				  .disk_count = 2,
				  .epoch = 1735689600,
				  .inputs = true,
				  .systemd = systemd};
	char *path cleanup_free = path_join(dir, "steps.sh");
	struct str s cleanup_str = STR_INIT;
	struct err *err = NULL;

	steps_script(&plan, &s);
	assert_int_equal(s.len % 4096, 0);
	assert_non_null(strstr(s.buf, "\necho 'one'\nfalse\nEND-f00d\n"));
	assert_non_null(strstr(s.buf, "\tMODE=release 'TWO=it'\\''s\n$x' "));
	assert_non_null(strstr(s.buf, "mount \"$dev\" /mnt/data"));
	assert_null(strstr(s.buf, "mount \"$dev\" /mnt/raw"));
	assert_non_null(strstr(s.buf, "wait_disk orch-inputs 3\n"));
	assert_true((strstr(s.buf, "exec /sbin/init") != NULL) == systemd);
	assert_int_equal(file_write(path, s.buf, s.len, 0644, false, &err), 0);
	assert_int_equal(proc_run((char *[]){"sh", "-n", path, NULL}, NULL, &err), 0);
}

/* A shell takes the place of the steps, with or without a terminal, where a login would have it. */
static void check_shell(const char *input, bool systemd)
{
	const char *const scripts[] = {"true"};
	const struct steps_shell shell = {
		.input = input, .tty = "ttyS0", .term = "xterm", .name = "it's", .rows = 40};
	const struct steps_plan plan = {.token = "f00d",
					.scripts = scripts,
					.count = 1,
					.systemd = systemd,
					.shell = &shell};
	char *path cleanup_free = path_join(dir, "shell.sh");
	struct str s cleanup_str = STR_INIT;
	struct err *err = NULL;

	steps_script(&plan, &s);
	assert_non_null(strstr(s.buf, "/run/orch/step-1"));
	assert_null(strstr(s.buf, "\nrun 1\n"));
	assert_true((strstr(s.buf, "\necho typed\nEND-f00d\n") != NULL) == (input != NULL));
	assert_true((strstr(s.buf, "shell_on_terminal ttyS0 xterm 'it'\\''s'\n") != NULL) ==
		    !input);
	assert_true((strstr(s.buf, "/dev/null /run/systemd/system/serial-getty@ttyS0") != NULL) ==
		    (systemd && !input));
	assert_int_equal(file_write(path, s.buf, s.len, 0644, false, &err), 0);
	assert_int_equal(proc_run((char *[]){"sh", "-n", path, NULL}, NULL, &err), 0);
}

static void test_shell(void **state)
{
	check_shell(NULL, false);
	check_shell(NULL, true);
	check_shell("echo typed", false);
	check_shell("echo typed", true);
}

static void test_script(void **state)
{
	check_script(false);
	check_script(true);
}

/*
 * What the kernel makes of the line: the text between the only two double
 * quotes is init's argument.
 */
static void test_cmdline(void **state)
{
	struct str s cleanup_str = STR_INIT;
	const char *open, *close;
	struct err *err = NULL;

	steps_cmdline("ttyAMA0", &s);
	assert_non_null(str_skip(s.buf, "console=ttyAMA0 panic=-1 init=/bin/sh -- -c \""));
	open = strchr(s.buf, '"');
	close = strrchr(s.buf, '"');
	assert_ptr_equal(strchr(open + 1, '"'), close);
	assert_string_equal(close, "\"");
	assert_true(s.len < 1024);
	{
		char *text cleanup_free = xstrndup(open + 1, (size_t)(close - open - 1));

		assert_int_equal(proc_run((char *[]){"sh", "-n", "-c", text, NULL}, NULL, &err), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv_efi),  cmocka_unit_test(test_argv_kernel),
		cmocka_unit_test(test_find),      cmocka_unit_test(test_run),
		cmocka_unit_test(test_run_fails), cmocka_unit_test(test_run_panic),
		cmocka_unit_test(test_deadlines), cmocka_unit_test(test_quote),
		cmocka_unit_test(test_script),    cmocka_unit_test(test_shell),
		cmocka_unit_test(test_cmdline),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
