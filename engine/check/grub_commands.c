/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>
#include <regex.h>

#include "base/str.h"
#include "check/grub_priv.h"

#define MAX_GROUPS 10
#define REGEXP_WORK 16 /* bytes of a pattern and of a text, multiplied, that take as long as one */

/* What is asked for here may not be there: whether it is. */
static bool is_there(struct grub *g)
{
	if (++g->run->asked != g->run->fails)
		return true;
	g->run->failed_line = g->run->line;
	return false;
}

/* The arguments from FIRST on, with spaces between. */
static char *joined(struct grub *g, const struct strs *argv, size_t first)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = first; i < argv->count; i++) {
		str_append(&text, i > first ? " " : "");
		str_append(&text, argv->items[i]);
	}
	return arena_strdup(g->run->arena, text.buf ? text.buf : "");
}

static int cmd_set(struct grub *g, const struct strs *argv)
{
	const char *eq = argv->count > 1 ? strchr(argv->items[1], '=') : NULL;
	const char *name = argv->count > 1 ? argv->items[1] : "";

	if (eq)
		grub_set(&g->vars, arena_strndup(g->run->arena, name, (size_t)(eq - name)), eq + 1);
	return 0;
}

static int cmd_unset(struct grub *g, const struct strs *argv)
{
	if (argv->count > 1)
		grub_set(&g->vars, argv->items[1], "");
	return 0;
}

static int cmd_false(struct grub *g, const struct strs *argv)
{
	(void)g, (void)argv;
	return 1;
}

/* Prints TEXT, which has no end of a line in it; ENDS: one comes after it. */
static void say(struct grub *g, const char *text, bool ends)
{
	const struct grub_said *last = g->run->said;
	struct grub_said *line = arena_alloc(g->run->arena, sizeof(*line));

	*line = (struct grub_said){text, !ends, last};
	if (last && last->open) {
		grub_work(g, strlen(last->line));
		line->line = arena_printf(g->run->arena, "%s%s", last->line, text);
		line->before = last->before;
	}
	g->run->said = line;
}

/* The byte that the escape P ("n" of "\n") of 'echo -e' means; 0: it is none. */
static char escape(char p)
{
	static const char names[] = "\\abfnrtv", meant[] = "\\\a\b\f\n\r\t\v";
	const char *at = p ? strchr(names, p) : NULL;

	return at ? meant[at - names] : 0;
}

/* What 'echo -e' makes of TEXT, in place; false: no end of the line comes after it ("\c"). */
static bool escapes(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1] == 'c') {
			*to = 0;
			return false;
		}
		if (*p == '\\' && escape(p[1]))
			*to++ = escape(*++p);
		else
			*to++ = *p;
	}
	*to = 0;
	return true;
}

static int cmd_echo(struct grub *g, const struct strs *argv)
{
	bool ends = true, escaped = false;
	char *text, *line;
	size_t i = 1;

	for (; i < argv->count; i++) {
		const char *option = str_skip(argv->items[i], "-");

		if (!option || !*option || option[strspn(option, "ne")])
			break;
		ends &= !strchr(option, 'n');
		escaped |= strchr(option, 'e') != NULL;
	}
	text = joined(g, argv, i);
	ends &= !escaped || escapes(text);
	while ((line = strsep(&text, "\n")))
		say(g, line, text || ends);
	return 0;
}

static int cmd_eval(struct grub *g, const struct strs *argv)
{
	grub_eval(g, joined(g, argv, 1));
	return g->status;
}

/* Words of test(1) still to be read. */
struct test {
	struct grub *g;
	const struct strs *argv;
	size_t at, end;
};

static bool test_or(struct test *t, unsigned depth);

static bool test_takes(struct test *t, const char *word)
{
	bool is = t->at < t->end && str_eq(t->argv->items[t->at], word);

	t->at += is;
	return is;
}

static bool compare(const char *a, const char *op, const char *b)
{
	long long x = strtoll(a, NULL, 0), y = strtoll(b, NULL, 0);

	if (str_eq(op, "=") || str_eq(op, "=="))
		return str_eq(a, b);
	if (str_eq(op, "!="))
		return !str_eq(a, b);
	return str_eq(op, "-eq")   ? x == y
	       : str_eq(op, "-ne") ? x != y
	       : str_eq(op, "-lt") ? x < y
	       : str_eq(op, "-le") ? x <= y
	       : str_eq(op, "-gt") ? x > y
				   : x >= y;
}

static bool is_comparison(const char *op)
{
	static const char *const ops[] = {"=",   "==",  "!=",  "-eq", "-ne",
					  "-lt", "-le", "-gt", "-ge"};

	for (size_t i = 0; i < array_len(ops); i++)
		if (str_eq(op, ops[i]))
			return true;
	return false;
}

/* Whether FILE, "(hd0,gpt1)/x" or "/x" of the root, is surely not there. */
static bool is_absent(const struct grub *g, const char *file)
{
	const char *end = *file == '(' ? strchr(file, ')') : NULL;
	const char *device = end ? arena_strndup(g->run->arena, file + 1, (size_t)(end - file - 1))
				 : grub_get(&g->vars, "root");

	return g->run->absent && g->run->absent(g->run->absent_arg, device, end ? end + 1 : file);
}

static bool test_one(struct test *t, unsigned depth)
{
	const char *const *w = t->argv->items + t->at;
	size_t left = t->end - t->at;
	bool is;

	if (!left || depth > 32)
		return false;
	if (test_takes(t, "!"))
		return !test_one(t, depth + 1);
	if (left >= 3 && is_comparison(w[1])) {
		t->at += 3;
		return compare(w[0], w[1], w[2]);
	}
	if (test_takes(t, "(")) {
		is = test_or(t, depth + 1);
		return test_takes(t, ")") && is;
	}
	if (left < 2 || w[0][0] != '-' || !w[0][1] || w[0][2]) {
		t->at++;
		return *w[0];
	}
	t->at += 2;
	if (w[0][1] == 'z' || w[0][1] == 'n')
		return !*w[1] == (w[0][1] == 'z');
	if (!strchr("defs", w[0][1]))
		grub_unknown(t->g, w[0]);
	return !is_absent(t->g, w[1]) && is_there(t->g);
}

static bool test_and(struct test *t, unsigned depth)
{
	bool is = test_one(t, depth);

	while (test_takes(t, "-a"))
		is &= test_one(t, depth);
	return is;
}

static bool test_or(struct test *t, unsigned depth)
{
	bool is = test_and(t, depth);

	while (test_takes(t, "-o"))
		is |= test_and(t, depth);
	return is;
}

static int cmd_test(struct grub *g, const struct strs *argv)
{
	bool bracket = str_eq(argv->items[0], "[");
	struct test t = {g, argv, 1, argv->count};

	if (bracket && !str_eq(argv->items[argv->count - 1], "]"))
		grub_unknown(g, "[");
	t.end -= bracket && t.end > 1;
	return !test_or(&t, 0);
}

/* Where the names of variables begin, after options; takes --file, or what is read without it. */
static size_t block_names(struct grub *g, const struct strs *argv)
{
	size_t i = 1;

	g->run->block = arena_printf(g->run->arena, "%s/grubenv", grub_get(&g->vars, "prefix"));
	for (; i < argv->count && argv->items[i][0] == '-'; i++) {
		const char *file = str_skip(argv->items[i], "--file=");

		if (file)
			g->run->block = file;
		else if ((str_eq(argv->items[i], "--file") || str_eq(argv->items[i], "-f")) &&
			 i + 1 < argv->count)
			g->run->block = argv->items[++i];
	}
	return i;
}

static int cmd_load_env(struct grub *g, const struct strs *argv)
{
	size_t first = block_names(g, argv);
	const struct grub_vars *saved = &g->run->saved;

	if (g->run->no_block)
		return 1;
	for (size_t k = 0; first == argv->count && k < saved->count; k++)
		grub_set(&g->vars, saved->items[k].name, saved->items[k].value);
	for (size_t i = first; i < argv->count; i++)
		for (size_t k = 0; k < saved->count; k++)
			if (str_eq(saved->items[k].name, argv->items[i]))
				grub_set(&g->vars, argv->items[i], saved->items[k].value);
	return 0;
}

static int cmd_save_env(struct grub *g, const struct strs *argv)
{
	size_t first = block_names(g, argv);

	for (size_t i = first; !g->run->no_block && i < argv->count; i++)
		grub_set(&g->run->saved, argv->items[i], grub_get(&g->vars, argv->items[i]));
	return g->run->no_block;
}

/* Sets what --set, its argument "NUMBER:NAME" or "NAME", says to the part of TEXT. */
static void set_group(struct grub *g, const char *what, const char *text, const regmatch_t *groups)
{
	const char *colon = strchr(what, ':');
	long n = colon ? strtol(what, NULL, 10) : 1;
	const regmatch_t *m = n >= 0 && n < MAX_GROUPS ? &groups[n] : NULL;

	if (m && m->rm_so >= 0)
		grub_set(&g->vars, colon ? colon + 1 : what,
			 arena_strndup(g->run->arena, text + m->rm_so,
				       (size_t)(m->rm_eo - m->rm_so)));
}

/* Repeats and references back: what they take grows without a bound. */
static bool is_costly(const char *pattern)
{
	for (const char *p = pattern; *p; p++) {
		if (*p == '{' || (*p == '\\' && isdigit((unsigned char)p[1])))
			return true;
		p += *p == '\\' && p[1];
	}
	return false;
}

static int cmd_regexp(struct grub *g, const struct strs *argv)
{
	const char *pattern = argv->count > 2 ? argv->items[argv->count - 2] : "{";
	const char *text = argv->items[argv->count - 1];
	regmatch_t groups[MAX_GROUPS];
	regex_t re;
	int rc;

	grub_work(g, strlen(pattern) * strlen(text) / REGEXP_WORK);
	if (g->over || is_costly(pattern) || regcomp(&re, pattern, REG_EXTENDED) != 0) {
		grub_unknown(g, "regexp");
		return 1;
	}
	rc = regexec(&re, text, MAX_GROUPS, groups, 0);
	regfree(&re);
	for (size_t i = 1; rc == 0 && i + 2 < argv->count; i++) {
		const char *what = str_skip(argv->items[i], "--set=");

		if (!what && i + 3 < argv->count &&
		    (str_eq(argv->items[i], "--set") || str_eq(argv->items[i], "-s")))
			what = argv->items[++i];
		if (what)
			set_group(g, what, text, groups);
	}
	return rc != 0;
}

/* What a search finds is not known here: the variable names no partition. */
static int cmd_search(struct grub *g, const struct strs *argv)
{
	for (size_t i = 1; i < argv->count; i++) {
		const char *option = str_skip(argv->items[i], "-");
		const char *next = i + 1 < argv->count ? argv->items[i + 1] : "-";
		const char *name = str_skip(argv->items[i], "--set=");

		if (option && (str_eq(option, "-set") || (*option != '-' && str_ends(option, "s"))))
			name = *next == '-' ? "root" : next;
		if (name)
			grub_set(&g->vars, name, "found");
	}
	return !is_there(g);
}

/* "search.fs_label NAME VARIABLE HINT…" */
static int cmd_search_one(struct grub *g, const struct strs *argv)
{
	if (argv->count > 2)
		grub_set(&g->vars, argv->items[2], "found");
	return !is_there(g);
}

static int cmd_file(struct grub *g, const struct strs *argv)
{
	(void)argv;
	return !is_there(g);
}

/* Where a path of GRUB's is: "(hd0,gpt2)/boot/vmlinuz", or below $root. */
static const char *device_of(struct grub *g, const char *path)
{
	if (*path != '(')
		return grub_get(&g->vars, "root");
	return arena_strndup(g->run->arena, path + 1, strcspn(path + 1, ")"));
}

static int cmd_linux(struct grub *g, const struct strs *argv)
{
	if (argv->count < 2 || !is_there(g))
		return 1;
	g->run->kernel = joined(g, argv, 2);
	g->run->kernel_root = device_of(g, argv->items[1]);
	g->run->kernel_line = g->run->line;
	return 0;
}

void grub_boot(struct grub *g)
{
	if (g->run->kernel && is_there(g))
		grub_over(g, GRUB_STARTS);
}

static int cmd_boot(struct grub *g, const struct strs *argv)
{
	(void)argv;
	grub_boot(g);
	return 1;
}

static int cmd_reboot(struct grub *g, const struct strs *argv)
{
	(void)argv;
	grub_over(g, GRUB_RESETS);
	return 0;
}

static int cmd_leave(struct grub *g, const struct strs *argv)
{
	(void)argv;
	grub_over(g, GRUB_LEAVES);
	return 0;
}

static int cmd_break(struct grub *g, const struct strs *argv)
{
	g->breaks = argv->count > 1 ? strtol(argv->items[1], NULL, 10) : 1;
	g->continues = str_eq(argv->items[0], "continue");
	return 0;
}

static int cmd_return(struct grub *g, const struct strs *argv)
{
	g->returns = true;
	return argv->count > 1 ? (int)strtol(argv->items[1], NULL, 10) : 0;
}

/* What changes nothing that is looked at. */
static bool is_quiet(const char *name)
{
	static const char *const names[] = {"true",
					    "export",
					    "insmod",
					    "rmmod",
					    "sleep",
					    "clear",
					    "terminal",
					    "terminal_input",
					    "terminal_output",
					    "serial",
					    "videoinfo",
					    "loadfont",
					    "background_image",
					    "background_color",
					    "play",
					    "date",
					    "ls",
					    "cat",
					    "password",
					    "password_pbkdf2",
					    "keymap",
					    "help",
					    "acpi",
					    "smbios",
					    "cutmem",
					    "badram"};

	for (size_t i = 0; i < array_len(names); i++)
		if (str_eq(names[i], name))
			return true;
	return false;
}

bool grub_command(struct grub *g, struct strs *argv)
{
	static const struct {
		const char *name;
		int (*fn)(struct grub *g, const struct strs *argv);
	} commands[] = {
		{"set", cmd_set},
		{"unset", cmd_unset},
		{"[", cmd_test},
		{"test", cmd_test},
		{"false", cmd_false},
		{"echo", cmd_echo},
		{"eval", cmd_eval},
		{"load_env", cmd_load_env},
		{"save_env", cmd_save_env},
		{"regexp", cmd_regexp},
		{"search", cmd_search},
		{"search.file", cmd_search_one},
		{"search.fs_label", cmd_search_one},
		{"search.fs_uuid", cmd_search_one},
		{"probe", cmd_search},
		{"hashsum", cmd_file},
		{"sha256sum", cmd_file},
		{"sha512sum", cmd_file},
		{"md5sum", cmd_file},
		{"initrd", cmd_file},
		{"initrd16", cmd_file},
		{"initrdefi", cmd_file},
		{"devicetree", cmd_file},
		{"loopback", cmd_file},
		{"linux", cmd_linux},
		{"linux16", cmd_linux},
		{"linuxefi", cmd_linux},
		{"boot", cmd_boot},
		{"reboot", cmd_reboot},
		{"halt", cmd_leave},
		{"exit", cmd_leave},
		{"poweroff", cmd_leave},
		{"fwsetup", cmd_leave},
		{"break", cmd_break},
		{"continue", cmd_break},
		{"return", cmd_return},
	};
	const char *name = argv->items[0];

	for (size_t i = 0; i < array_len(commands); i++)
		if (str_eq(commands[i].name, name)) {
			g->status = commands[i].fn(g, argv);
			return true;
		}
	g->status = 0;
	return is_quiet(name);
}
