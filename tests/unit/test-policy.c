/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What policies read: licence expressions, ELF files, open ports, systemd's times. */
#include "media.h"

#include "base/file.h"
#include "media/deb/spdx.h"
#include "media/elf_file.h"
#include "scenario/ports.h"
#include "scenario/startup.h"

/* -- licences -- */

static bool is_listed(void *arg, const char *id)
{
	const char *const *list = arg;

	for (; *list; list++) {
		if (str_eq(*list, id))
			return true;
	}
	return false;
}

static void test_licences(void **state)
{
	static const char *const allowed[] = {"MIT", "Apache-2.0",
					      "GPL-2.0-only WITH Classpath-exception-2.0", NULL};
	static const struct {
		const char *expression, *refused; /* NULL: allowed */
	} cases[] = {
		{"MIT", NULL},
		{"GPL-3.0-only", "GPL-3.0-only"},
		{"GPL-3.0-only OR MIT", NULL},
		{"MIT OR GPL-3.0-only", NULL},
		{"GPL-3.0-only AND MIT", "GPL-3.0-only"},
		{"MIT AND (GPL-3.0-only OR Apache-2.0)", NULL},
		{"MIT AND GPL-3.0-only OR Apache-2.0", NULL},
		{"MIT AND (GPL-3.0-only AND X OR Y)", "GPL-3.0-only X Y"},
		{"X AND X", "X"},
		{"GPL-2.0-only WITH Classpath-exception-2.0", NULL},
		{"GPL-2.0-only WITH Other", "GPL-2.0-only WITH Other"},
		{"MIT-0", "MIT-0"},
		{"ORANGE", "ORANGE"},
		{"", "() "},
		{"MIT AND", "MIT AND"},
		{"(MIT", "(MIT"},
		{"MIT)", "MIT)"},
		{"MIT Apache-2.0", "MIT Apache-2.0"},
	};
	struct arena *arena cleanup_arena = arena_new();

	for (size_t i = 0; i < array_len(cases); i++) {
		struct str text cleanup_str = STR_INIT;
		struct strs refused = {0};
		bool good = spdx_allowed(arena, cases[i].expression, is_listed, (void *)allowed,
					 &refused);

		for (size_t k = 0; k < refused.count; k++)
			str_printf(&text, "%s%s", k ? " " : "", refused.items[k]);
		assert_int_equal(good, !cases[i].refused);
		if (cases[i].refused && *cases[i].expression)
			assert_non_null(strstr(text.buf, cases[i].refused));
		else
			assert_int_equal(refused.count, !good);
		strs_clear(&refused);
	}
}

static void test_licence_depth(void **state)
{
	static const char *const allowed[] = {"MIT", NULL};
	struct arena *arena cleanup_arena = arena_new();
	struct str deep cleanup_str = STR_INIT;
	struct strs refused = {0};

	for (size_t i = 0; i < 100000; i++)
		str_append_char(&deep, '(');
	assert_false(spdx_allowed(arena, deep.buf, is_listed, (void *)allowed, &refused));
	strs_clear(&refused);
}

/* -- ELF files -- */

/* This program has a build-id and debug information. */
static void test_own_elf(void **state)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct elf_facts facts, cut;

	assert_return_code(file_read("/proc/self/exe", 1u << 30, &text, &err), 0);
	assert_true(elf_read(text.buf, text.len, &facts));
	assert_int_equal(strlen(facts.build_id), 40);
	assert_true(facts.has_debug);
	assert_false(facts.is_object);
	assert_true(elf_read(text.buf, 64, &cut));
	assert_string_equal(cut.build_id, "");
	assert_false(cut.has_debug);
	assert_false(elf_read(text.buf, 40, &cut));
	assert_false(elf_read("#!/bin/sh\n# and so on, and so on, and so on, and so on", 52, &cut));
}

/* -- ports -- */

#define ZERO "00000000000000000000000000000000"

static void test_ports(void **state)
{
	static const struct {
		const char *line;
		unsigned number; /* 0: none */
		bool udp;
	} cases[] = {
		{"tcp sl  local_address rem_address   st tx_queue rx_queue tr tm->when", 0, false},
		{"tcp 0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 0", 22,
		 false},
		{"tcp 1: 0100007F:0277 00000000:0000 0A 00000000:00000000", 0, false},
		{"tcp 2: 3500007F:0035 00000000:0000 0A 00000000:00000000", 0, false},
		{"tcp 3: 0F02000A:0016 0202000A:C350 01 00000000:00000000", 0, false},
		{"tcp6 0: " ZERO ":1F90 " ZERO ":0000 "
		 "0A 00000000:00000000",
		 8080, false},
		{"tcp6 1: 00000000000000000000000001000000:1F90 " ZERO ":0000 "
		 "0A 00000000:00000000",
		 0, false},
		{"tcp6 2: 0000000000000000FFFF00000100007F:1F90 " ZERO ":0000 "
		 "0A 00000000:00000000",
		 0, false},
		{"udp 10: 00000000:14E9 00000000:0000 07 00000000:00000000", 5353, true},
		{"udp 11: 0F02000A:0044 0202000A:0043 01 00000000:00000000", 0, true},
		{"", 0, false},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct port p = {0};

		assert_int_equal(port_read(cases[i].line, &p), !cases[i].number);
		assert_int_equal(p.number, cases[i].number);
		assert_int_equal(p.udp, cases[i].number && cases[i].udp);
	}
}

static void test_port_texts(void **state)
{
	static const char *const bad[] = {"22",      "tcp/22", "0/tcp", "65536/udp",
					  "22/sctp", "/tcp",   ""};
	struct ports list = {0};
	struct port p;

	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(port_parse(bad[i], &p), 1);
	assert_int_equal(port_parse("53/udp", &p), 0);
	ports_add(&list, p);
	ports_add(&list, (struct port){53, false});
	ports_add(&list, (struct port){22, false});
	ports_add(&list, (struct port){53, false});
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[0].number, 22);
	assert_false(list.items[1].udp);
	assert_true(list.items[2].udp);
	ports_clear(&list);
}

/* Where nobody could read the files no line is there, not even a heading. */
static void test_no_ports(void **state)
{
	struct strv lines cleanup_strv = {0};
	struct ports open = {0};

	assert_int_equal(ports_read(&lines, &open), 1);
	strv_push(&lines, "tcp sl local_address rem_address st tx_queue rx_queue tr tm->when");
	assert_int_equal(ports_read(&lines, &open), 0);
	assert_int_equal(open.count, 0);
	strv_push(&lines, "tcp 0: 00000000:0016 00000000:0000 0A 00000000:00000000");
	assert_int_equal(ports_read(&lines, &open), 0);
	assert_int_equal(open.count, 1);
	ports_clear(&open);
}

/* -- systemd's times -- */

static void test_startup(void **state)
{
	struct str text cleanup_str = STR_INIT;
	struct startup s = {0};

	startup_read(&s, "FirmwareTimestampMonotonic=0");
	startup_read(&s, "InitRDTimestampMonotonic=2150000");
	startup_read(&s, "UserspaceTimestampMonotonic=5000000");
	startup_read(&s, "FinishTimestampMonotonic=12300000");
	startup_read(&s, "Version=257");
	assert_int_equal(startup_total(&s), 12300000);
	startup_text(&s, &text);
	assert_string_equal(text.buf, "12.3 s (kernel 2.1 s, initramfs 2.9 s, userspace 7.3 s)");
	startup_read(&s, "InitRDTimestampMonotonic=0");
	startup_read(&s, "FirmwareTimestampMonotonic=1000000");
	str_clear(&text);
	startup_text(&s, &text);
	assert_string_equal(text.buf,
			    "13.3 s (before the kernel 1.0 s, kernel 5.0 s, userspace 7.3 s)");
}

static void test_durations(void **state)
{
	static const char *const bad[] = {"", "s", "-1s", "40 s", "4h", "0s", "100000000s", "1s ,"};
	uint64_t us;

	for (size_t i = 0; i < array_len(bad); i++)
		assert_int_equal(duration_parse(bad[i], &us), 1);
	assert_int_equal(duration_parse("40s", &us), 0);
	assert_int_equal(us, 40000000);
	assert_int_equal(duration_parse("1min 30s", &us), 0);
	assert_int_equal(us, 90000000);
	assert_int_equal(duration_parse("1m500ms", &us), 0);
	assert_int_equal(us, 60500000);
	assert_int_equal(duration_parse("90", &us), 0);
	assert_int_equal(us, 90000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_licences),   cmocka_unit_test(test_licence_depth),
		cmocka_unit_test(test_own_elf),    cmocka_unit_test(test_ports),
		cmocka_unit_test(test_port_texts), cmocka_unit_test(test_no_ports),
		cmocka_unit_test(test_startup),    cmocka_unit_test(test_durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
