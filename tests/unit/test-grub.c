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
	assert_int_equal(conf_read_lines(arena, dir, "grub.cfg", NULL, &lines, &err), 0);
	run = (struct grub_run){
		.arena = arena, .root = "hd0,gpt1", .saved = run.saved, .fails = run.fails};
	grub_run(&lines, &run);
	return run.end;
}

/* The last line that the script prints. */
static void says(const char *script, const char *what)
{
	char *all cleanup_free = xasprintf("%s\nreboot\n", script);

	assert_int_equal(runs(all), GRUB_RESETS);
	assert_non_null(run.said);
	assert_string_equal(run.said->line, what);
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

static void test_lines(void **state)
{
	(void)state;
	says("echo a \\\n\tb\\\nc \\\\\necho d", "d");
	says("echo a \\\n\tb\\\nc \\\\", "a bc \\");
	says("echo a \\\n\nfalse", "a");
	says("echo a # \\\necho b", "b");
	says("# \\\necho b", "b");
	says("echo 'a # b' \\\n c", "a # b c");
	assert_int_equal(runs("frobnicate \\\nx\n"), GRUB_UNKNOWN);
	assert_int_equal(run.line, 0);
}

static void test_echo(void **state)
{
	(void)state;
	says("echo a; echo -n b; echo -n -e 'c\\td'; echo e", "bc\tde");
	assert_string_equal(run.said->before->line, "a");
	says("echo -ne 'a\\nb'; echo", "b");
	assert_string_equal(run.said->before->line, "a");
	says("echo -e 'a\\cb' c; echo -x", "a-x");
	says("echo -- -n", "-- -n");
}

static void test_eval(void **state)
{
	(void)state;
	says("function f_A { echo in; }\nset s=A; eval \"f_$s\"", "in");
	says("function f { eval 'return'; echo no; }\necho yes\nf", "yes");
	says("function f { eval \"eval 'echo $1'\"; }\neval 'f x; f y'", "y");
	assert_int_equal(runs("eval 'function f { echo a; }'\nf\n"), GRUB_UNKNOWN);
	assert_int_equal(runs("eval 'menuentry x { boot; }'\nset timeout=0\n"), GRUB_UNKNOWN);
	assert_int_equal(runs("eval 'true; fi'\nreboot"), GRUB_UNKNOWN);
}

static void test_places(void **state)
{
	(void)state;
	says("search -n -s there -l x; echo $there", "found");
	says("search --set -l x; echo $root", "found");
	says("search --label x --set there; echo $there $root", "found hd0,gpt1");
	says("search --set=there --label x; echo $there $root", "found hd0,gpt1");
	says("search.fs_label x root; echo $root", "found");
	says("search.fs_label root; echo $root", "hd0,gpt1");
	says("echo $grub_platform", "efi");
	says("save_env a; echo", "");
	assert_string_equal(run.block, "(hd0,gpt1)/EFI/BOOT/grubenv");
	says("set prefix=(hd0,gpt2)/grub; load_env; echo", "");
	assert_string_equal(run.block, "(hd0,gpt2)/grub/grubenv");
}

/* "a a a …" of N bytes; heap. */
static char *letters(size_t n)
{
	char *text = xcalloc(1, n + 1);

	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? ' ' : 'a';
	return text;
}

/* What would take ages, or all memory. */
static void test_bounds(void **state)
{
	char *many cleanup_free = letters(4000);
	char *spread cleanup_free =
		xasprintf("set a=\"%s\"\nwhile true; do for x in $a $a; do true; done; done", many);
	char *matched cleanup_free = xasprintf("set a=\"%s\"\nregexp \"$a\" \"$a\"", many);

	(void)state;
	says("regexp --set=1:x '(b+)' abbc; echo $x", "bb");
	says("regexp '\\\\1' '\\1'; echo $?", "0");
	assert_int_equal(runs("regexp '(.*)(.*)\\2\\1b' aaaa"), GRUB_UNKNOWN);
	assert_int_equal(runs("regexp 'a{9}' aaaa"), GRUB_UNKNOWN);
	assert_int_equal(runs(spread), GRUB_UNKNOWN);
	assert_string_equal(run.word, "a loop without an end");
	assert_in_range(run.work, 500000, 600000);
	assert_int_equal(runs(matched), GRUB_UNKNOWN);
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

static const char kernel[] =
	"set b=(hd0,gpt2)/grubenv\nload_env --file $b\nset A_TRY=1; save_env --file $b A_TRY\n"
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

static bool uses(const char *command)
{
	struct conf_entries used = {0};
	bool found = false;

	grub_commands(arena, &lines, &used);
	for (size_t i = 0; i < used.count; i++)
		found |= str_eq(used.items[i].key, command);
	conf_entries_clear(&used);
	return found;
}

static void test_commands(void **state)
{
	(void)state;
	runs("if ! hashsum x; then reboot; fi\nuntil search x; do sleep 1; done\n");
	assert_true(uses("hashsum"));
	assert_true(uses("reboot"));
	assert_true(uses("search"));
	assert_true(uses("sleep"));
	assert_false(uses("x"));
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
		cmocka_unit_test(test_words),     cmocka_unit_test(test_lines),
		cmocka_unit_test(test_echo),      cmocka_unit_test(test_eval),
		cmocka_unit_test(test_tests),     cmocka_unit_test(test_loops),
		cmocka_unit_test(test_kernel),    cmocka_unit_test(test_menu),
		cmocka_unit_test(test_is_script), cmocka_unit_test(test_places),
		cmocka_unit_test(test_bounds),    cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
