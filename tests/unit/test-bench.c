/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The boot loader's part of a board that does not boot: the choice, and the card afterwards. */
#include "media.h"

#include "machine/board/rauc_board.h"
#include "scenario/bench.h"
#include "scenario/card.h"

static void said(void *arg, enum scene_source source, const char *line)
{
	str_printf(arg, "%s\n", line);
}

static struct target_slot slots[] = {{"A", "root-a"}, {"B", "root-b"}};
static const struct target device = {
	.chooser = &chooser_uboot,
	.paths = "/dev/system/{partition}",
	.slots = {slots, 2, 0},
	.areas = {{0, 4096}, {4096, 4096}},
	.area_count = 2,
	.tries = 3,
};
static const struct board board = {.machine = (char *)RAUC_BOARD,
				   .arch = (char *)"arm64",
				   .prepare = (char *)"it's\nhere",
				   .time_permille = 1000};

/* A card on which nothing is said yet, of the device T. */
static void on_card(struct stage *s, const struct target *t, struct str *log)
{
	struct scene_opts opts = {.board = &board, .dir = dir, .log = said, .arg = log};
	struct err *err = NULL;

	blank("card", 8192);
	*s = (struct stage){.arena = arena_new(), .board = &board, .target = t, .card = at("card")};
	ok(scene_new(&opts, &s->scene, &err), &err);
}

static void end(struct stage *s)
{
	scene_free(s->scene);
	arena_free(s->arena);
}

static void assert_tries(struct stage *s, int a, int b)
{
	struct boot_state is cleanup_boot_state = {0};
	struct err *err = NULL;

	ok(card_read_state(s, &is, &err), &err);
	assert_int_equal(is.left[0], a);
	assert_int_equal(is.left[1], b);
}

/* Each start costs a try, until none is left and all are given back. */
static void test_choose(void **state)
{
	static const char chosen[] = "AAABBBA";
	static const int left[][2] = {{2, 3}, {1, 3}, {0, 3}, {0, 2}, {0, 1}, {0, 0}, {2, 3}};
	struct str log cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct stage s;

	on_card(&s, &device, &log);
	for (size_t i = 0; i < strlen(chosen); i++) {
		struct board_power p = {0};
		char *slot cleanup_free =
			xasprintf(" root=PARTLABEL=root-%c ro rootwait gpt panic=-1 rauc.slot=%c "
				  "init=/bin/sh -- ",
				  chosen[i] + 'a' - 'A', chosen[i]);

		ok(bench_choose(&s, &p, &err), &err);
		assert_non_null(strstr(p.cmdline, slot));
		assert_tries(&s, left[i][0], left[i][1]);
	}
	assert_non_null(strstr(log.buf, "-- slot A: order <A B>, left A=2 B=3\n"));
	assert_non_null(strstr(log.buf, "-- no slot left, all tries given back\n"));
	end(&s);
}

/* What process 1 is told, as words of a shell. */
static void test_program(void **state)
{
	struct str log cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct board_power p = {0};
	struct stage s;

	on_card(&s, &device, &log);
	ok(bench_choose(&s, &p, &err), &err);
	assert_non_null(str_skip(p.program, "before=/dev/system/\nafter=\ndisk_path=\n"
					    "prepare='it'\\''s\nhere'\n"));
	assert_non_null(strstr(p.program, "\nsh /run/orch/restart-rauc"));
	end(&s);
}

static void test_foreign_order(void **state)
{
	struct str log cleanup_str = STR_INIT;
	struct boot_vars vars cleanup_boot_vars = {0};
	struct err *err = NULL;
	struct board_power p = {0};
	struct stage s;

	on_card(&s, &device, &log);
	strv_push(&vars.vars, "BOOT_ORDER=C D");
	ok(card_write_vars(&s, &vars, &err), &err);
	refused(bench_choose(&s, &p, &err), &err, "the order 'C D' has none of the device's");
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_foreign_order),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
