/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boards as data, and the agent's protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "machine/board/agent.h"
#include "machine/board/rauc_board.h"

static const struct board pi = {
	.machine = (char *)"raspi3b",
	.arch = (char *)"arm64",
	.qemu = (char *)"QEMU 1",
	.cpus = 4,
	.memory_mb = 1024,
	.serial = 1,
	.load = BOARD_KERNEL,
	.card = BOARD_BUILTIN,
	.network = BOARD_NET_USB,
	.watchdog = BOARD_DOG_BUILTIN,
	.agent = BOARD_AGENT_NONE,
	.time_permille = 4000,
};

static const struct board virt = {
	.machine = (char *)"virt",
	.arch = (char *)"arm64",
	.cpu = (char *)"cortex-a57",
	.cpus = 2,
	.memory_mb = 512,
	.card = BOARD_SDHCI_PCI,
	.watchdog = BOARD_DOG_I6300ESB,
	.agent = BOARD_AGENT_VIRTIO,
	.time_permille = 1000,
};

static const struct board rauc = {
	.machine = (char *)RAUC_BOARD,
	.arch = (char *)"amd64",
	.cpu = (char *)"qemu64",
	.prepare = (char *)"mkdir /data/rauc",
	.cpus = 1,
	.memory_mb = 512,
	.card = BOARD_VIRTIO,
	.network = BOARD_NET_NONE,
	.watchdog = BOARD_DOG_NONE,
	.agent = BOARD_AGENT_VIRTIO,
	.time_permille = 1000,
};

static void test_scale(void **state)
{
	unsigned n = 7;

	assert_int_equal(board_scale_parse("1.0", &n), 0);
	assert_int_equal(n, 1000);
	assert_int_equal(board_scale_parse("4", &n), 0);
	assert_int_equal(n, 4000);
	assert_int_equal(board_scale_parse("0.25", &n), 0);
	assert_int_equal(n, 250);
	assert_int_equal(board_scale_parse("1000", &n), 0);
	assert_int_equal(n, 1000000);
	n = 7;
	assert_int_equal(board_scale_parse("", &n), 1);
	assert_int_equal(board_scale_parse("0", &n), 1);
	assert_int_equal(board_scale_parse("-1", &n), 1);
	assert_int_equal(board_scale_parse("1.", &n), 1);
	assert_int_equal(board_scale_parse("1.0000", &n), 1);
	assert_int_equal(board_scale_parse("1x", &n), 1);
	assert_int_equal(board_scale_parse("1001", &n), 1);
	assert_int_equal(n, 7);
	assert_int_equal(board_seconds(&pi, 10), 40);
	assert_int_equal(board_seconds(&(struct board){.time_permille = 1}, 10), 1);
}

static void test_roundtrip(void **state)
{
	const struct board *boards[] = {&pi, &virt, &rauc};

	for (size_t i = 0; i < array_len(boards); i++) {
		struct str a cleanup_str = STR_INIT, b cleanup_str = STR_INIT;
		struct board read cleanup_board = {0};
		struct err *err cleanup_err = NULL;

		board_print(boards[i], &a);
		assert_int_equal(board_parse(a.buf, "x", &read, &err), 0);
		board_print(&read, &b);
		assert_string_equal(a.buf, b.buf);
		assert_string_equal(read.machine, boards[i]->machine);
		assert_int_equal(read.serial, boards[i]->serial);
		assert_int_equal(read.load, boards[i]->load);
		assert_int_equal(read.agent, boards[i]->agent);
		assert_true(!read.cpu == !boards[i]->cpu);
		assert_true(!read.prepare == !boards[i]->prepare);
		assert_true(board_is_rauc(&read) == (boards[i] == &rauc));
	}
}

static void test_not_a_board(void **state)
{
	static const char *const texts[] = {
		"", "{}", "[]", "{\"v\": 2}", "{\"v\": 1, \"machine\": 3}",
	};
	struct board b = {0};

	for (size_t i = 0; i < array_len(texts); i++) {
		struct err *err cleanup_err = NULL;

		assert_int_equal(board_parse(texts[i], "x", &b, &err), -1);
		assert_int_equal(err->code->cls, ERR_INTEGRITY);
		assert_null(b.machine);
	}
}

/* The arguments as one line. */
static char *line_of(const struct board *b, const struct board_power *p)
{
	struct strv argv cleanup_strv = {0};
	struct str s = STR_INIT;

	board_argv(b, p, &argv);
	for (size_t i = 0; i < argv.count; i++)
		str_printf(&s, "%s%s", i ? " " : "", argv.items[i]);
	return str_steal(&s);
}

static void assert_has(const char *line, const char *part)
{
	if (!strstr(line, part))
		fail_msg("'%s' is not in '%s'", part, line);
}

static void assert_lacks(const char *line, const char *part)
{
	if (strstr(line, part))
		fail_msg("'%s' is in '%s'", part, line);
}

static void test_argv_pi(void **state)
{
	struct board_power p = {.firmware = "u-boot.bin",
				.device_tree = "pi.dtb",
				.card = "a,b.img",
				.agent_unit = "unit",
				.agent_fd = 5,
				.qmp_fd = 6};
	char *line cleanup_free = line_of(&pi, &p);

	assert_has(line, "qemu-system-aarch64 -machine raspi3b -accel tcg,thread=single,");
	assert_has(line, " -kernel u-boot.bin -dtb pi.dtb ");
	assert_has(line, " -serial null -serial chardev:console ");
	assert_has(line, "if=sd,format=raw,cache=unsafe,discard=unmap,file=a,,b.img");
	assert_has(line, "usb-net");
	assert_has(line, "socket,id=qmp,fd=6");
	assert_lacks(line, "-cpu");
	assert_lacks(line, "virtio");
	assert_lacks(line, "fw_cfg");
	assert_lacks(line, " -S");
	assert_lacks(line, "-rtc");
}

static void test_argv_virt(void **state)
{
	struct board_power p = {.firmware = "u-boot.bin",
				.card = "card",
				.record = "log",
				.media = "media",
				.clock = "1970-01-01T00:00:00",
				.agent_unit = "unit",
				.agent_drop_in = "drop",
				.agent_script = "script",
				.agent_fd = 5,
				.paused = true};
	char *line cleanup_free = line_of(&virt, &p);

	assert_has(line, " -accel tcg,thread=multi,");
	assert_has(line, " -bios u-boot.bin ");
	assert_has(line, "driver=blklogwrites");
	assert_has(line, "log.filename=log");
	assert_has(line, "file.filename=card ");
	assert_has(line, "-device sd-card,drive=card0");
	assert_false(board_has_write_cache(&virt));
	assert_has(line, "drive=media0,serial=" BOARD_MEDIA_SERIAL);
	assert_has(line, "restrict=on");
	assert_has(line, "name=" BOARD_AGENT_PORT);
	assert_has(line, "-rtc base=1970-01-01T00:00:00");
	assert_has(line, " -S");
	/* QEMU takes names of at most 55 bytes. */
	for (const char *at = line; (at = strstr(at, "-fw_cfg name=")); at++)
		assert_true(strcspn(at + strlen("-fw_cfg name="), ",") <= 55);
}

/* A disk whose flushes are recorded. */
static void test_argv_disk(void **state)
{
	struct board disk = virt;
	struct board_power p = {.firmware = "u-boot.bin", .card = "card", .record = "log"};
	char *line cleanup_free = NULL;

	disk.card = BOARD_VIRTIO;
	disk.agent = BOARD_AGENT_NONE;
	line = line_of(&disk, &p);
	assert_has(line, "-drive if=none,id=card0,driver=blklogwrites");
	assert_has(line, "-device virtio-blk-pci,drive=card0 ");
	assert_lacks(line, "cache=unsafe");
	assert_lacks(line, "sd-card");
	assert_true(board_has_write_cache(&disk));
}

/* Firmware that keeps variables: both are flash, and a snapshot keeps none of them. */
static void test_argv_flash(void **state)
{
	struct board pc = virt;
	struct board_power p = {.firmware = "code.fd", .variables = "vars", .card = "card"};
	char *line cleanup_free = NULL, *lost cleanup_free = NULL;

	pc.card = BOARD_NVME;
	line = line_of(&pc, &p);
	assert_has(line, "-drive if=pflash,unit=0,format=raw,readonly=on,file=code.fd ");
	assert_has(line, "-drive if=pflash,unit=1,format=raw,file=vars ");
	assert_has(line, "-device nvme,drive=card0,serial=");
	assert_lacks(line, "-bios");
	assert_true(board_has_write_cache(&pc));
	p.snapshot = true;
	lost = line_of(&pc, &p);
	assert_has(lost, "if=pflash,unit=1,format=raw,snapshot=on,file=vars ");
}

/* Its kernel is loaded, and what ends is off. */
static void test_argv_rauc(void **state)
{
	struct board_power p = {.firmware = "vmlinuz",
				.initramfs = "initrd",
				.cmdline = "root=PARTLABEL=a init=/bin/sh -- -c \"x\"",
				.card = "card",
				.media = "media",
				.agent_script = "script",
				.agent_fd = 5};
	char *line cleanup_free = line_of(&rauc, &p), *disk, *media;

	assert_has(line, "qemu-system-x86_64 -machine q35 -accel tcg,thread=multi,");
	assert_has(line, " -kernel vmlinuz -initrd initrd -append root=PARTLABEL=a init=/bin/sh "
			 "-- -c \"x\" -no-reboot ");
	assert_has(line, "-fw_cfg name=" BOARD_AGENT_FILE ",file=script");
	assert_has(line, " -nic none");
	assert_lacks(line, "-bios");
	assert_lacks(line, "watchdog");
	disk = strstr(line, "drive=card0");
	media = strstr(line, "drive=media0");
	assert_true(disk && media && disk < media); /* so the card is /dev/vda */
}

static void on_agent(void *arg, enum agent_event event, unsigned id, const char *text, int status)
{
	struct str *s = arg;

	if (event == AGENT_HELLO)
		str_append(s, "hello;");
	else if (event == AGENT_LINE)
		str_printf(s, "%u:%s;", id, text);
	else
		str_printf(s, "%u=%d;", id, status);
}

static void test_agent(void **state)
{
	static const char text[] = "hello\nout 1 a b\nout 2 \nnoise\nout x y\nend 1 0\n"
				   "out 12 out 3\nend 2 127\nout 4";
	struct str whole cleanup_str = STR_INIT, bytes cleanup_str = STR_INIT;
	struct agent a = AGENT_INIT(on_agent, &whole), b = AGENT_INIT(on_agent, &bytes);

	agent_feed(&a, text, strlen(text));
	for (size_t i = 0; i < strlen(text); i++)
		agent_feed(&b, text + i, 1);
	assert_string_equal(whole.buf, "hello;1:a b;2:;1=0;12:out 3;2=127;");
	assert_string_equal(bytes.buf, whole.buf);
	agent_reset(&a);
	agent_feed(&a, "hello\n", 6);
	assert_true(str_ends(whole.buf, "2=127;hello;"));
	agent_release(&a);
	agent_release(&b);
}

static void test_agent_request(void **state)
{
	struct str s cleanup_str = STR_INIT;

	agent_request(3, "echo\nx", &s);
	assert_string_equal(s.buf, "run 3 6\necho\nx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scale),       cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_not_a_board), cmocka_unit_test(test_argv_pi),
		cmocka_unit_test(test_argv_virt),   cmocka_unit_test(test_argv_disk),
		cmocka_unit_test(test_argv_flash),  cmocka_unit_test(test_argv_rauc),
		cmocka_unit_test(test_agent),       cmocka_unit_test(test_agent_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
