/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/complete.h"

#include <ctype.h>

#include "base/pin.h"
#include "cli/options.h"

/* What the words before the last one come to. */
struct line {
	const struct command *command;  /* NULL: not written yet, or unknown */
	const struct option_row *wants; /* the option whose value the last word is, or NULL */
	bool ended;                     /* by "--" */
	bool unknown;                   /* there is a command, and nobody knows it */
	struct strs args;
};

void complete_add(struct completion *c, const char *word, const char *help)
{
	if (!str_skip(word, c->typed + c->skip))
		return;
	for (size_t i = 0; c->several && i < c->arg_count; i++)
		if (str_eq(c->args[i], word))
			return;
	str_append_len(&c->out, c->typed, c->skip);
	str_append(&c->out, word);
	if (help && *help)
		str_printf(&c->out, "\t%.*s", (int)strcspn(help, "\n"), help);
	str_append_char(&c->out, '\n');
}

static const struct option_row *row_named(const char *name, size_t len)
{
	for (size_t i = 0; i < O_COUNT; i++)
		if (strlen(option_rows[i].name) == len && !memcmp(option_rows[i].name, name, len))
			return &option_rows[i];
	return NULL;
}

static const struct option_row *row_lettered(char letter)
{
	for (size_t i = 0; i < O_COUNT; i++)
		if (option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

/* The project and the store that are meant, where an option says so. */
static void take_place(struct completion *c, const struct option_row *row, const char *value)
{
	if (row == &option_rows[O_DIR])
		c->dir = value;
	else if (row == &option_rows[O_STORE])
		c->store = value;
}

/* WORD is "-j", "-kj4", "--store", "--store=DIR". */
static void take_option(struct completion *c, struct line *l, const char *word)
{
	const struct option_row *row = NULL;
	size_t len;

	if (word[1] == '-') {
		len = strcspn(word + 2, "=");
		row = row_named(word + 2, len);
		if (row && word[2 + len])
			take_place(c, row, word + 2 + len + 1);
		else if (row && row->type != VALUE_FLAG)
			l->wants = row;
		return;
	}
	for (const char *p = word + 1; *p; p++) {
		row = row_lettered(*p);
		if (!row || row->type == VALUE_FLAG)
			continue;
		if (p[1])
			take_place(c, row, p + 1);
		else
			l->wants = row;
		return;
	}
}

static void take_word(struct completion *c, struct line *l, const char *word)
{
	if (l->wants) {
		take_place(c, l->wants, word);
		l->wants = NULL;
	} else if (!l->ended && str_eq(word, "--")) {
		l->ended = true;
	} else if (!l->ended && word[0] == '-' && word[1]) {
		take_option(c, l, word);
	} else if (!l->command && !l->unknown) {
		l->command = command_find(word);
		l->unknown = !l->command;
	} else {
		strs_push(&l->args, word);
	}
}

static void add_commands(struct completion *c)
{
	for (const struct command *cmd = commands; cmd->name; cmd++)
		complete_add(c, cmd->name, cmd->summary);
}

/* Those that take a value end in '='. */
static void add_options(struct completion *c, const struct command *command)
{
	struct option_set taken = OPTIONS_COMMON;

	if (command) {
		taken.first |= command->options;
		taken.others |= command->others;
	}
	for (size_t i = 0; i < O_COUNT; i++) {
		bool value =
			option_rows[i].type != VALUE_FLAG && option_rows[i].type != VALUE_MAYBE;
		char *word cleanup_free =
			xasprintf("--%s%s", option_rows[i].name, value ? "=" : "");

		if (option_set_has(&taken, i))
			complete_add(c, word, option_rows[i].help);
	}
}

static void add_value(struct completion *c, const struct option_row *row)
{
	for (const char *const *w = row->words; w && *w; w++)
		complete_add(c, *w, NULL);
	if (!row->words && row->arg)
		complete_noun(c, row->arg);
}

/* "du|gc|verify": words; "NODE[:PATH]": what its capitals stand for. */
static void add_part(struct completion *c, const char *part)
{
	char *name cleanup_free = NULL;

	if (islower((unsigned char)*part)) {
		for (size_t n; *part; part += n + !!part[n]) {
			n = strcspn(part, "|");
			free(name);
			name = xstrndup(part, n);
			complete_add(c, name, NULL);
		}
		return;
	}
	if (strchr(c->typed, ':') && strstr(part, "OUTPUT")) {
		complete_noun(c, "OUTPUT");
		return;
	}
	name = xstrndup(part, strspn(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
	complete_noun(c, name);
}

/* The argument that comes next: of "NODE [FILE...]", each time the last part when all are there. */
static void add_argument(struct completion *c, const struct command *command)
{
	char *args cleanup_free = xstrdup(command->args), *rest = args, *part, *last = NULL;

	for (size_t i = 0; (part = strsep(&rest, " ")); i++) {
		last = part;
		if (i == c->arg_count)
			break;
	}
	c->several = last && strstr(last, "...");
	if (!part && !c->several)
		return;
	for (char *p = last; p && *p; p++)
		if (*p == ']' || *p == '.')
			*p = '\0';
	if (last)
		add_part(c, last + strspn(last, "["));
}

static void answer(struct completion *c, const struct line *l)
{
	const char *typed = c->typed, *equals = strchr(typed, '=');
	const struct option_row *row;

	if (l->wants && !(l->wants->type == VALUE_MAYBE && *typed == '-')) {
		add_value(c, l->wants);
	} else if (!l->ended && str_skip(typed, "--") && equals) {
		row = row_named(typed + 2, (size_t)(equals - typed) - 2);
		c->skip = (size_t)(equals - typed) + 1;
		if (row)
			add_value(c, row);
	} else if (!l->ended && *typed == '-') {
		add_options(c, l->command);
	} else if (!l->command && !l->unknown) {
		add_commands(c);
	} else if (l->command) {
		add_argument(c, l->command);
	}
}

bool complete_asked(int argc, char **argv, int *ret_code)
{
	struct completion c = {.typed = "", .out = STR_INIT};
	struct line l = {0};

	if (argc < 3 || !str_eq(argv[1], "completion") || !str_eq(argv[2], "words"))
		return false;
	pin_take(); /* git is asked for names */
	for (int i = 3; i < argc - 1; i++)
		take_word(&c, &l, argv[i]);
	if (argc > 3)
		c.typed = argv[argc - 1];
	c.args = l.args.items;
	c.arg_count = l.args.count;
	answer(&c, &l);
	fwrite(c.out.buf, 1, c.out.len, stdout);
	str_release(&c.out);
	strs_clear(&l.args);
	*ret_code = 0;
	return true;
}
