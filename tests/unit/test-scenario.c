/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scenarios without a board: RAUC's rule, the device, the line of a choice, the card's verbs. */
#include "media.h"

#include "action.h"
#include "kinds/makers.h"
#include "kinds/test/test_run.h"
#include "option-lines.h"
#include "scenario/choice.h"
#include "scenario/choice_rule.h"
#include "scenario/pattern.h"

#define M ((uint64_t)1 << 20)
#define EVERY_VERB_DIGEST "58b8ed0f8eb320538ff50248741bbd7855e139e74a0b98d993e4da7391e4c928"

#define NONE LEFT_UNSET

static void test_rule(void **state)
{
	static struct target_slot slots[] = {{"A", "root-a"}, {"B", "root-b"}};
	static const struct target target = {.slots = {slots, 2, 0}, .tries = 3};
	static const struct {
		char *order;
		int a, b;
		size_t chosen;
		int left_a, left_b;
	} cases[] = {
		{NULL, NONE, NONE, 0, 2, 3},    {"", NONE, NONE, 0, 2, 3},
		{"A B", 3, 3, 0, 2, 3},         {"B A", 3, 3, 1, 3, 2},
		{"A B", 0, 3, 1, 0, 2},         {"A B", 1, 0, 0, 0, 0},
		{"B", 3, 0, CHOICE_NONE, 3, 3}, {"A B", 0, 0, CHOICE_NONE, 3, 3},
		{"B A", NONE, 0, 0, 2, 0},      {"A", 0, 3, CHOICE_NONE, 3, 3},
		{"A B", 10, 3, 0, 9, 3},        {"C B", 3, 3, 1, 3, 2},
		{"B  A", 3, 3, 1, 3, 2},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct boot_state s = {cases[i].order, {cases[i].a, cases[i].b}};

		assert_int_equal(choice_rule(&target, &s), cases[i].chosen);
		assert_int_equal(s.left[0], cases[i].left_a);
		assert_int_equal(s.left[1], cases[i].left_b);
	}
}

/* The variables of U-Boot, and what they mean; others stay. */
static void test_uboot(void **state)
{
	static struct target_slot slots[] = {{"A", "root-a"}, {"rescue", "root-b"}};
	static const struct target target = {.slots = {slots, 2, 0}, .tries = 3};
	struct boot_vars vars cleanup_boot_vars = {0};
	struct boot_state is cleanup_boot_state = {0};
	struct boot_state to = {"rescue A", {LEFT_UNSET, 3}};
	struct str text cleanup_str = STR_INIT;

	strv_push(&vars.vars, "BOOT_A_LEFT=1f");
	strv_push(&vars.vars, "other=x");
	strv_push(&vars.vars, "BOOT_rescue_LEFT=2 ");
	chooser_uboot.get(&vars, &target, &is);
	assert_null(is.order);
	assert_int_equal(is.left[0], 31);
	assert_int_equal(is.left[1], LEFT_UNSET);
	boot_state_text(&is, &target, &text);
	assert_string_equal(text.buf, "order <not set>, left A=31 rescue=not set");
	chooser_uboot.set(&vars, &target, &to);
	assert_int_equal(vars.vars.count, 3);
	assert_string_equal(strv_get(&vars.vars, "BOOT_ORDER"), "rescue A");
	assert_string_equal(strv_get(&vars.vars, "BOOT_rescue_LEFT"), "3");
	assert_string_equal(strv_get(&vars.vars, "other"), "x");
	assert_null(strv_get(&vars.vars, "BOOT_A_LEFT"));
}

/* -- the device -- */

#define DEVICE(bootloader)                                                                       \
	"{\"v\": 1, \"disk\": {\"partitions\": ["                                                \
	"{\"name\": \"root-a\", \"start\": 1, \"size\": 1}, "                                    \
	"{\"name\": \"boot\", \"start\": 4194304, \"size\": 2097152}]}, "                        \
	"\"bootloader\": " bootloader ", \"slots\": ["                                           \
	"{\"class\": \"bootloader\", \"type\": \"boot-gpt-switch\", "                            \
	"\"slots\": [{\"partition\": \"boot\"}]}, "                                              \
	"{\"class\": \"rootfs\", \"slots\": [{\"partition\": \"root-a\", \"bootname\": \"A\"}, " \
	"{\"partition\": \"root-b\", \"bootname\": \"rescue\"}]}]}"
#define ENVIRONMENT                                              \
	"\"environment\": [{\"at\": 1048576, \"size\": 32768}, " \
	"{\"at\": 2097152, \"size\": 32768}]"
#define UBOOT "{\"type\": \"uboot\", \"tries\": 3, " ENVIRONMENT "}"

static void test_device(void **state)
{
	struct arena *arena cleanup_arena = arena_new();
	struct target t cleanup_target = {0};
	struct err *err = NULL;
	char *all cleanup_free = NULL;

	ok(target_parse(arena, DEVICE(UBOOT), &t, &err), &err);
	assert_ptr_equal(t.chooser, &chooser_uboot);
	assert_int_equal(t.tries, 3);
	assert_int_equal(t.areas[1].at, 2 * M);
	assert_string_equal(t.boot_partition, "boot");
	assert_int_equal(target_half(&t, 0), 4 * M);
	assert_int_equal(target_half(&t, 1), 6 * M);
	all = target_bootnames(&t);
	assert_string_equal(all, "A rescue");
	assert_string_equal(target_slot(&t, "rescue")->partition, "root-b");
	assert_null(target_slot(&t, "B"));
}

static void test_unreadable(void **state)
{
	static const struct {
		const char *device, *why;
	} cases[] = {
		{DEVICE("{\"type\": \"barebox\", " ENVIRONMENT "}"), "boot loader 'barebox' yet"},
		{DEVICE("{\"type\": \"grub\", " ENVIRONMENT "}"), "one reserved area or"},
		{DEVICE("{\"type\": \"grub\", \"environment\": [{\"at\": 0, \"size\": 512}]}"),
		 "1024 bytes to 1M"},
		{DEVICE("{\"type\": \"uboot\"}"), "in two copies"},
		{DEVICE("{\"type\": \"uboot\", \"environment\": [{\"at\": 0, \"size\": 511}, {}]}"),
		 "512 bytes to 1M"},
	};
	struct arena *arena cleanup_arena = arena_new();
	struct target t = {0};
	struct err *err = NULL;

	for (size_t i = 0; i < array_len(cases); i++) {
		ok(target_parse(arena, cases[i].device, &t, &err), &err);
		assert_null(t.chooser);
		assert_non_null(strstr(t.unreadable, cases[i].why));
		target_clear(&t);
		t = (struct target){0};
	}
	refused(target_parse(arena, "{\"v\": 2}", &t, &err), &err, "not of version 1");
	refused(target_parse(arena, "{", &t, &err), &err, "not of version 1");
	refused(target_parse(arena, DEVICE("{}"), &t, &err), &err, "names no boot loader");
	target_clear(&t);
}

/* The line that tells the choice: the kernel's command line, or what the device says. */
static void test_choices(void **state)
{
	static const char text[] =
		DEVICE("{\"type\": \"uboot\", \"chosen\": \"BOOT: slot ([^ ]+) order\"}");
	struct arena *arena cleanup_arena = arena_new();
	struct target by_kernel cleanup_target = {0}, by_script cleanup_target = {0};
	struct choice_lines kernel, script;
	struct err *err = NULL;
	size_t slot = 7;

	ok(target_parse(arena, DEVICE(UBOOT), &by_kernel, &err), &err);
	ok(target_parse(arena, text, &by_script, &err), &err);
	ok(choice_lines_init(&kernel, &by_kernel, &err), &err);
	ok(choice_lines_init(&script, &by_script, &err), &err);
	assert_int_equal(choice_line(&kernel, "BOOT: slot A order <A>", &slot, &err), 0);
	assert_int_equal(choice_line(&kernel,
				     "[    0.000000] Kernel command line: root=x ro "
				     "rauc.slot=rescue quiet",
				     &slot, &err),
			 1);
	assert_int_equal(slot, 1);
	assert_int_equal(choice_line(&script, "x BOOT: slot A order <A rescue>", &slot, &err), 1);
	assert_int_equal(slot, 0);
	assert_int_equal(choice_line(&script, "BOOT: slot A did not start", &slot, &err), 0);
	refused(choice_line(&script, "BOOT: slot B order <B>", &slot, &err), &err,
		"chose 'B', which is not a slot");
	choice_lines_clear(&kernel);
	choice_lines_clear(&script);
}

/* What a console shows may be anything; a report is text. */
static void test_text(void **state)
{
	struct arena *arena cleanup_arena = arena_new();

	assert_string_equal(test_plain(arena, "caf\xc3\xa9\tx\n"), "caf\xc3\xa9\tx\n");
	assert_string_equal(test_plain(arena, "\xff\xc3(\x1b[0m\x7f"), "?"
								       "?(?[0m?");
	assert_string_equal(test_plain(arena, "cut \xe2\x82"), "cut ??");
}

static void test_reports(void **state)
{
	struct action a = action_new(&kind_test, "tests/t",
				     "board: b\ncard: c\nsteps:\n"
				     "- {power: on}\n- {wait: '<\"x\">'}\n- {power: cut}\n");
	struct step_result results[3] = {{1.5, true}, {0.25, false}, {0}};
	struct test_run r = {.a = &a, .o = a.opts, .results = results, .failed = 2};
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;

	ok(test_report(&r, "no line like '<\"x\">' & \xff", &err), &err);
	ok(file_read(action_output(&a, "verdict.json"), 4096, &text, &err), &err);
	assert_non_null(strstr(text.buf, "\"pass\": false"));
	assert_non_null(strstr(text.buf, "\"failed_step\": 2"));
	assert_non_null(strstr(text.buf, "\"wait <\\\"x\\\">\""));
	str_clear(&text);
	ok(file_read(action_output(&a, "junit.xml"), 4096, &text, &err), &err);
	assert_non_null(strstr(text.buf, "tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""));
	assert_non_null(strstr(text.buf, "name=\"1 power on\" time=\"1.500\"/>"));
	assert_non_null(strstr(text.buf, "'&lt;&quot;x&quot;&gt;' &amp; ?\"/>"));
	assert_non_null(strstr(text.buf, "<skipped/>"));
	arena_free(a.arena);
}

/* -- what a manifest has of them -- */

static const char every_verb[] =
	"board: b\n"
	"card: card\n"
	"card-size: 32M\n"
	"media: [m]\n"
	"device: d\n"
	"never: [n]\n"
	"timeout: 60\n"
	"keep-card: true\n"
	"steps:\n"
	"- {power: \"on\", network: off, name: t, within: 1, clock: 1970-01-01, record: true}\n"
	"- {wait: a, name: t, within: 1, count: 2}\n"
	"- {refuse: a, name: t, for: 3}\n"
	"- {run: \"true\", name: t, within: 1, output: o, not-output: p, status: [\"0\", any]}\n"
	"- {run: [a, b], background: true}\n"
	"- {install: bundle, name: t, within: 1, output: o, not-output: p, status: \"1\"}\n"
	"- {reboot: true, slot: A, name: t, within: 1, tries: {A: \"2\"}}\n"
	"- {slot: A, name: t, within: 1, tries: {A: \"2\", B: \"3\"}}\n"
	"- {rauc: {booted: A, A: good}, name: t, within: 1}\n"
	"- {network: off, name: t}\n"
	"- {network: on}\n"
	"- {cut: a, name: t, within: 1, after: \"0.5\"}\n"
	"- {environment: {A: \"1\", B: \"\"}, name: t, copies: both}\n"
	"- {environment: {}, copies: any}\n"
	"- {set-environment: {A: \"1\"}, name: t}\n"
	"- {damage: {partition: p, at: 1, size: 2, with: flip}, name: t}\n"
	"- {damage: {gpt: primary}}\n"
	"- {boot-half: first, name: t}\n"
	"- {boot-half: second}\n"
	"- {same: {partition: p, at: 1, size: 2, as: root}, name: t}\n"
	"- {same: {size: 2, as: start}}\n"
	"- {boot-choice: all, name: t, within: 1}\n"
	"- {power-cuts: {roots: [r, s], boots: b, torn: false, "
	"lost-writes: 2, most: 3}, name: t, within: 1}\n"
	"- {power: \"on\"}\n"
	"- {power: \"off\"}\n"
	"- {power: \"on\"}\n"
	"- {power: cut, within: 2}\n"
	"- {serve: bundle, as: /a, name: t, fault: cut, bytes: 1M, from-request: 2}\n"
	"- {serve: bundle, as: /b}\n"
	"- {fetched: /a, name: t, within: 1, at-least: 1, at-most: 2M, requests: 2+}\n"
	"- {power: \"on\", name: t, stick: s}\n";

/*
 * Verdicts are cached by these lines: with another order or spelling, every scenario that ever
 * passed runs again.
 */
static void test_lines(void **state)
{
	struct action a = action_new(&kind_test, "tests/t", every_verb);
	const char *lines = lines_of(a.arena, kind_test.schema, a.opts, false);
	struct err_list errors cleanup_err_list = {0};
	struct err *err cleanup_err = NULL;
	char hex[DIGEST_HEX + 1];
	struct digest digest;
	const void *opts;

	digest_data(lines, strlen(lines), &digest);
	if (!str_eq(digest_hex(&digest, hex), EVERY_VERB_DIGEST))
		fail_msg("%s\n%s", hex, lines);
	opts = schema_decode(kind_test.schema, a.arena, read_lines(a.arena, lines, &err), NULL,
			     &errors);
	assert_non_null(opts);
	assert_string_equal(lines_of(a.arena, kind_test.schema, opts, false), lines);
	arena_free(a.arena);
}

/* Each verb's text appears in the titles of its steps. */
static void test_titles(void **state)
{
	static const char *const titles[] = {
		[4] = "run a",      [10] = "network on",       [13] = "environment",
		[16] = "damage",    [18] = "boot-half second", [20] = "same",
		[23] = "power on",  [24] = "power off",        [25] = "power on",
		[26] = "power cut", [28] = "serve bundle",     [30] = "t",
	};
	struct action a = action_new(&kind_test, "tests/t", every_verb);
	const struct test_opts *o = a.opts;

	assert_int_equal(o->steps.count, array_len(titles));
	for (size_t i = 0; i < array_len(titles); i++)
		assert_string_equal(step_title(a.arena, LIST_AT(o->steps, struct formed *, i)),
				    titles[i] ? titles[i] : "t");
	arena_free(a.arena);
}

/* -- the verbs of the card -- */

static const char disk[] = "reserved:\n"
			   "- {name: uboot-env, at: 1M, size: 32K}\n"
			   "- {name: uboot-env-redundant, at: 2M, size: 32K}\n"
			   "partitions:\n"
			   "- {name: boot, type: esp, from: boot, region: 2x}\n"
			   "- {name: root-a, type: root-arm64, from: root, size: 4M}\n"
			   "- {name: data, type: linux-generic, size: 2M}\n";

static void make_image(const char *name, uint64_t size)
{
	int fd;

	blank(name, size);
	fd = open(at(name), O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, name, 4, (off_t)size - 4), 4);
	close(fd);
}

static struct action_input image(const char *ref, const char *path)
{
	return (struct action_input){.ref = ref,
				     .node = ref,
				     .type = INPUT_FILE,
				     .output_type = OUTPUT_IMAGE,
				     .path = path};
}

static const char *path_of(void *arg, const struct ref *ref)
{
	return action_input(arg, ref)->path;
}

static const struct stage_host host = {.path = path_of};

/* A card of 32 MiB from an image of less, and a run at it whose recipe has these steps. */
static struct test_run run_of(const char *steps)
{
	char *recipe cleanup_free =
		xasprintf("board: b\ncard: card\ncard-size: 32M\nsteps:\n%s", steps);
	struct action *a = xcalloc(1, sizeof(*a));
	struct err *err = NULL;
	struct target *target;
	struct test_run r;
	const char *card;
	struct action d;

	make_image("boot.img", 2 * M);
	make_image("root.img", 4 * M);
	d = action_new(&kind_disk, "install", disk);
	input_add(&d, image("boot", at("boot.img")));
	input_add(&d, image("root", at("root.img")));
	ok(maker_disk.run(&d, &err), &err);
	*a = action_new(&kind_test, "tests/t", recipe);
	a->input_count = d.input_count;
	card = arena_printf(a->arena, "%s/install.img", d.outdir);
	arena_free(d.arena);
	r = (struct test_run){.a = a, .o = a->opts};
	target = arena_alloc(a->arena, sizeof(*target));
	ok(target_parse(a->arena, DEVICE(UBOOT), target, &err), &err);
	r.stage = (struct stage){.arena = a->arena,
				 .target = target,
				 .start = card,
				 .card = card,
				 .card_size = r.o->card_size,
				 .host = &host,
				 .arg = a};
	return r;
}

static void drop(struct test_run *r)
{
	target_clear((struct target *)r->stage.target);
	arena_free(r->a->arena);
	free(r->a);
}

static int play(struct test_run *r, size_t i, struct err **err)
{
	const struct formed *step;

	assert_true(i < r->o->steps.count);
	step = LIST_AT(r->o->steps, struct formed *, i);
	return step_verb(step)->run(&r->stage, step->data, err);
}

static void resize(const char *path, uint64_t size)
{
	assert_int_equal(truncate(path, (off_t)size), 0);
}

/* How many tries are left is read from the card when the line was seen. */
static void test_judge(void **state)
{
	struct test_run r =
		run_of("- {set-environment: {BOOT_ORDER: rescue A, BOOT_A_LEFT: '2'}}\n"
		       "- {power: 'on'}\n"
		       "- {slot: A, tries: {A: '2'}}\n- {slot: rescue}\n"
		       "- {slot: A, tries: {A: '3'}}\n- {slot: A, tries: {rescue: '0'}}\n");
	const struct formed *const *steps = r.o->steps.items;
	struct err *err = NULL;

	ok(play(&r, 0, &err), &err);
	ok(choice_judge(&r.stage, steps[2]->data, 0, &err), &err);
	refused(choice_judge(&r.stage, steps[3]->data, 0, &err), &err,
		"chose slot A, not rescue (order <rescue A>, left A=2 rescue=not set)");
	refused(choice_judge(&r.stage, steps[4]->data, 0, &err), &err,
		"slot A has not 3 tries left (order <rescue A>");
	refused(choice_judge(&r.stage, steps[5]->data, 0, &err), &err,
		"slot rescue has not 0 tries left");
	drop(&r);
}

static void test_variables(void **state)
{
	struct test_run r = run_of("- {set-environment: {BOOT_ORDER: B A, BOOT_A_LEFT: '2'}}\n"
				   "- {environment: {BOOT_ORDER: B A, BOOT_B_LEFT: ''}, "
				   "copies: both}\n"
				   "- {environment: {BOOT_A_LEFT: '3'}}\n"
				   "- {damage: {at: 1M, size: 32K, with: random}}\n"
				   "- {environment: {BOOT_ORDER: B A}, copies: one}\n"
				   "- {environment: {BOOT_ORDER: B A}, copies: both}\n"
				   "- {damage: {at: 2M, size: 32K, with: flip}}\n"
				   "- {environment: {BOOT_ORDER: ''}, copies: none}\n"
				   "- {environment: {BOOT_ORDER: A}}\n");
	struct err *err = NULL;

	ok(play(&r, 0, &err), &err);
	ok(play(&r, 1, &err), &err);
	refused(play(&r, 2, &err), &err, "BOOT_A_LEFT is '2', not '3'");
	ok(play(&r, 3, &err), &err);
	ok(play(&r, 4, &err), &err);
	refused(play(&r, 5, &err), &err, "1 of the environment's copies is valid");
	ok(play(&r, 6, &err), &err);
	ok(play(&r, 7, &err), &err);
	refused(play(&r, 8, &err), &err, "BOOT_ORDER is not set, not 'A'");
	drop(&r);
}

static void test_equal(void **state)
{
	struct test_run r = run_of("- {same: {partition: root-a, as: root}}\n"
				   "- {same: {at: 4M, size: 8M, as: start}}\n"
				   "- {damage: {partition: root-a, at: 100, size: 1, with: flip}}\n"
				   "- {same: {partition: data, as: root}}\n"
				   "- {same: {partition: gone, as: root}}\n");
	struct err *err = NULL;

	ok(play(&r, 0, &err), &err);
	r.stage.card = arena_printf(r.a->arena, "%s/card.img", r.a->workdir);
	ok(file_copy(r.stage.start, r.stage.card, 0600, &err), &err);
	resize(r.stage.card, 32 * M);
	ok(play(&r, 1, &err), &err);
	ok(play(&r, 2, &err), &err);
	refused(play(&r, 0, &err), &err, "differs from 'root' at byte 100 ");
	refused(play(&r, 1, &err), &err, "differs from 'start'");
	refused(play(&r, 3, &err), &err, "larger than its place");
	refused(play(&r, 4, &err), &err, "no partition 'gone'");
	drop(&r);
}

static void test_half(void **state)
{
	struct test_run r = run_of("- {boot-half: first}\n- {boot-half: second}\n"
				   "- {damage: {gpt: backup}}\n- {damage: {gpt: primary}}\n");
	struct err *err = NULL;
	struct stat st;

	/* On a larger card the backup is not at its end. */
	resize(r.stage.card, 32 * M);
	refused(play(&r, 0, &err), &err, "no valid backup");
	drop(&r);
	r = run_of("- {boot-half: first}\n- {boot-half: second}\n"
		   "- {damage: {gpt: backup}}\n- {damage: {gpt: primary}}\n");
	assert_int_equal(stat(r.stage.card, &st), 0);
	r.stage.card_size = (uint64_t)st.st_size;
	ok(play(&r, 0, &err), &err);
	refused(play(&r, 1, &err), &err, "the second half of its region");
	ok(play(&r, 2, &err), &err);
	refused(play(&r, 0, &err), &err, "no valid backup");
	ok(play(&r, 3, &err), &err);
	refused(play(&r, 0, &err), &err, "primary");
	drop(&r);
}

/* Whoever shows the file on a terminal is not driven by what a guest said. */
static void test_console_is_plain(void **state)
{
	struct action a = {0};
	char *text = NULL;
	size_t len;
	struct test_run r = {.a = &a, .console = open_memstream(&text, &len)};

	test_console_line(&r, SCENE_JOB, "> \x1b]52;c;cm0=\x07 caf\xc3\xa9\xc2\x9b");
	fclose(r.console);
	assert_string_equal(text, "> ?]52;c;cm0=? caf\xc3\xa9?\n");
	free(text);
}

/* What would take all memory, the stack, or for ever; and what merely looks like it. */
static void test_regexes(void **state)
{
	static const char *const fine[] = {
		"BOOT: slot ([^ ]+)",     "[]{9,}()]{2}x{3,}",  "a{1,900}",
		"(a|b)+[[:digit:]]*[{]?", "\\{99999\\}\\(\\\\", "x[^](\\1{1,9999}]",
	};
	static const char *const refused_ones[] = {
		"a{1,1001}",
		"(a{1,100}){1,100}",
		"((((((a{9}){9}){9}){9}){9}){9})",
		"(.*)\\1",
		"((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)",
		"a{999}{999}",
		"[[:alpha:]]{30000}",
		"a{99999999999999999999}",
	};
	char deep[1200] = "";
	struct err *err = NULL;
	regex_t re;

	for (size_t i = 0; i < array_len(fine); i++) {
		int rc = regex_compile(fine[i], &re, &err);

		ok(rc, &err);
		regfree(&re);
	}
	for (size_t i = 0; i < array_len(refused_ones); i++)
		refused(regex_compile(refused_ones[i], &re, &err), &err, "orch looks for");
	memset(deep, '(', 21);
	refused(regex_compile(deep, &re, &err), &err, "too deep");
	memset(deep, '(', sizeof(deep) - 1);
	refused(regex_compile(deep, &re, &err), &err, "at most 1000 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_uboot),
		cmocka_unit_test(test_device),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_choices),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_regexes),
		cmocka_unit_test(test_console_is_plain),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
