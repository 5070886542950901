/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GRUB's scripts, run without a machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/file.h"
#include "check/grub.h"
#include "tmp.h"

static struct arena *arena;
static struct conf_entries lines;
static struct grub_run run;

/* Reads SCRIPT and runs it; what fails and what is saved is as RUN has it. */
static enum grub_end runs(const char *script)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = path_join(dir, "grub.cfg");

	conf_entries_clear(&lines);
	assert_int_equal(file_write(path, script, strlen(script), 0644, false, &err), 0);
	assert_int_equal(conf_read_table(arena, dir, "grub.cfg", NULL, &lines, &err), 0);
	run = (struct grub_run){
		.arena = arena, .root = "hd0,gpt1", .saved = run.saved, .fails = run.fails};
	grub_run(&lines, &run);
	return run.end;
}

/* What the script prints last. */
static void says(const char *script, const char *what)
{
	char *all cleanup_free = xasprintf("%s\nreboot\n", script);

	assert_int_equal(runs(all), GRUB_RESETS);
	assert_string_equal(run.said, what);
}

static void test_words(void **state)
{
	(void)state;
	says("set a=\"x y\"; echo $a", "x y");
	says("set a=\"x y\"\nset b=$a; echo $b", "x");
	says("set a=\"x y\"\nset b=\"$a\"; echo ${b}z", "x yz");
	says("a=x; echo '$a' \"$a\" \\$a \"\\$a\" $unset end # comment", "$a x $a $a end");
	says("set s=A; set A_OK=1; eval \"set ok=\\$${s}_OK\"; echo $ok", "1");
	says("regexp --set=1:disk '^([^,]+),' \"$root\"; echo $disk", "hd0");
	assert_int_equal(runs("echo 'no end\nreboot"), GRUB_UNKNOWN);
}

static void test_tests(void **state)
{
	(void)state;
	says("if [ a = b -o 1 -lt 2 ]; then echo yes; else echo no; fi", "yes");
	says("if test ! -z x -a \"\" = y; then echo yes; elif [ -n x ]; then echo or; fi", "or");
	says("if [ ( a = b ) ]; then echo yes; else echo no; fi", "no");
	says("if ! false; then echo not; fi", "not");
}

static void test_loops(void **state)
{
	(void)state;
	says("set l=\"a b c\"; for x in $l d; do if [ $x = c ]; then break; fi; echo $x; done",
	     "b");
	says("for x in a b; do if [ $x = b ]; then continue; fi; echo $x; done", "a");
	says("for x in $none; do echo never; done; echo after", "after");
	says("set n=; while [ \"$n\" != aaa ]; do set n=${n}a; done; echo $n", "aaa");
	says("function f { echo \"f $1\"; return; echo never; }; f x", "f x");
	assert_int_equal(runs("while true; do true; done"), GRUB_UNKNOWN);
	assert_int_equal(runs("while; do; done"), GRUB_UNKNOWN);
	assert_int_equal(runs("function f { f; }; f"), GRUB_UNKNOWN);
	assert_int_equal(runs("set a=aaaaaaaa\nwhile true; do set a=$a$a; done"), GRUB_UNKNOWN);
	assert_int_equal(runs("if true; then reboot; fi; fi"), GRUB_RESETS);
	assert_int_equal(runs("fi"), GRUB_UNKNOWN);
	assert_int_equal(runs("frobnicate /x"), GRUB_UNKNOWN);
	assert_string_equal(run.word, "frobnicate");
}

static const char kernel[] = "load_env --file (hd0,gpt2)/grubenv\nset A_TRY=1\nsave_env A_TRY\n"
			     "if linux (hd0,gpt3)/vmlinuz root=$r ro; then\nboot\nfi\nreboot\n";

static void test_kernel(void **state)
{
	(void)state;
	grub_set(&run.saved, "r", "PARTLABEL=a");
	assert_int_equal(runs(kernel), GRUB_STARTS);
	assert_string_equal(run.kernel, "root=PARTLABEL=a ro");
	assert_string_equal(run.kernel_root, "hd0,gpt3");
	assert_string_equal(run.block, "(hd0,gpt2)/grubenv");
	assert_string_equal(grub_get(&run.saved, "A_TRY"), "1");
	assert_int_equal(run.asked, 2);
	assert_int_equal(run.kernel_line, 3);
	for (run.fails = 1; run.fails <= 2; run.fails++)
		assert_int_equal(runs(kernel), GRUB_RESETS);
	run.fails = 0;
	assert_int_equal(runs("linux /vmlinuz"), GRUB_WAITS);
}

static const char menu[] = "menuentry 'one' { linux /a first; }\n"
			   "menuentry \"two\" --id second {\n\tlinux /b second\n}\n";

static enum grub_end runs_menu(const char *settings)
{
	char *script cleanup_free = xasprintf("%s\n%s", settings, menu);

	return runs(script);
}

static void test_menu(void **state)
{
	(void)state;
	assert_int_equal(runs_menu(""), GRUB_WAITS);
	assert_int_equal(runs_menu("set timeout=0"), GRUB_STARTS);
	assert_string_equal(run.kernel, "first");
	assert_int_equal(run.keys, 0);
	assert_int_equal(runs_menu("set timeout=3; set default=second"), GRUB_STARTS);
	assert_string_equal(run.kernel, "second");
	assert_int_equal(run.keys, 3);
	run.fails = 1;
	assert_int_equal(runs_menu("set timeout=0"), GRUB_WAITS);
	assert_int_equal(runs_menu("set timeout=0; set fallback=1"), GRUB_STARTS);
	assert_string_equal(run.kernel, "second");
	run.fails = 0;
}

static void test_is_script(void **state)
{
	(void)state;
	runs(kernel);
	assert_true(grub_is_script(arena, &lines));
	runs("title Linux\nlinux /vmlinuz\noptions ro\n");
	assert_false(grub_is_script(arena, &lines));
	runs("The kernel is linux /of course.\nset it up\n");
	assert_false(grub_is_script(arena, &lines));
}

static int setup(void **state)
{
	arena = arena_new();
	return dir_setup(state);
}

static int teardown(void **state)
{
	conf_entries_clear(&lines);
	grub_vars_clear(&run.saved);
	arena_free(arena);
	return dir_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words), cmocka_unit_test(test_tests),
		cmocka_unit_test(test_loops), cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_menu),  cmocka_unit_test(test_is_script),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
