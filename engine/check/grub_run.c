/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <ctype.h>

#include "base/str.h"
#include "check/grub_priv.h"

#define MAX_WORK (512 * 1024)
#define COMMAND_WORK 16 /* what a command takes besides its words */
#define MAX_DEPTH 64

static void run_list(struct grub *g, bool live);

void grub_over(struct grub *g, enum grub_end end)
{
	if (g->over)
		return;
	g->over = true;
	g->run->end = end;
}

void grub_unknown(struct grub *g, const char *word)
{
	if (!g->over)
		g->run->word = word;
	grub_over(g, GRUB_UNKNOWN);
}

void grub_work(struct grub *g, size_t n)
{
	g->run->work += n;
	if (g->run->work > MAX_WORK)
		grub_unknown(g, "a loop without an end");
}

static const char *word(const struct grub *g)
{
	return g->at < g->tokens->count ? g->tokens->items[g->at].text : "";
}

static bool is(const struct grub *g, const char *text)
{
	return str_eq(word(g), text);
}

static void expect(struct grub *g, const char *text)
{
	if (is(g, text))
		g->at++;
	else if (!g->over)
		grub_unknown(g, *word(g) ? word(g) : text);
}

static bool is_live(const struct grub *g)
{
	return !g->over && !g->breaks && !g->returns;
}

/* Whether the word at the place of a command ends a list of commands. */
static bool ends_list(const struct grub *g)
{
	static const char *const words[] = {"then", "elif", "else", "fi", "do", "done", "}"};

	for (size_t i = 0; i < array_len(words); i++)
		if (is(g, words[i]))
			return true;
	return !*word(g);
}

static void run_if(struct grub *g, bool live)
{
	bool done = !live, taken;

	do {
		g->at++;
		run_list(g, !done);
		taken = !done && is_live(g) && g->status == 0;
		expect(g, "then");
		run_list(g, taken);
		done |= taken;
	} while (!g->over && is(g, "elif"));
	if (is(g, "else")) {
		g->at++;
		run_list(g, !done);
	}
	expect(g, "fi");
}

/* Whether a loop goes on after one turn of it. */
static bool goes_on(struct grub *g)
{
	grub_work(g, COMMAND_WORK);
	if (!g->breaks)
		return is_live(g);
	g->breaks--;
	if (g->breaks || !g->continues)
		return false;
	g->continues = false;
	return is_live(g);
}

static void run_while(struct grub *g, bool live)
{
	bool until = is(g, "until"), again = live;
	size_t start = ++g->at;

	do {
		g->at = start;
		run_list(g, again);
		again = again && is_live(g) && (g->status == 0) != until;
		expect(g, "do");
		run_list(g, again);
		expect(g, "done");
		again = again && goes_on(g);
	} while (again);
}

/* What the words up to the end of the command stand for; they are passed over. */
static void take_words(struct grub *g, bool live, const char *end, struct strs *ret)
{
	for (; *word(g) && !is(g, ";") && !(end && is(g, end)); g->at++, grub_work(g, 1))
		if (live && !g->over)
			grub_expand(g, word(g), ret);
}

static void run_for(struct grub *g, bool live)
{
	const char *name = (g->at++, word(g));
	struct strs values = {0};
	size_t body, i = 0;

	g->at++;
	expect(g, "in");
	take_words(g, live, NULL, &values);
	while (is(g, ";"))
		g->at++;
	expect(g, "do");
	body = g->at;
	do {
		bool turn = live && is_live(g) && i < values.count;

		g->at = body;
		if (turn)
			grub_set(&g->vars, name, values.items[i]);
		run_list(g, turn);
		if (turn && !goes_on(g))
			i = values.count;
	} while (!g->over && ++i < values.count);
	expect(g, "done");
	strs_clear(&values);
}

/* "function NAME { … }", "menuentry TITLE … { … }": kept for later. */
static void keep_block(struct grub *g, bool live, struct grub_blocks *to)
{
	struct strs header = {0};
	struct grub_block b = {.name = "", .id = "", .in = g->tokens};

	g->at++;
	take_words(g, true, "{", &header);
	expect(g, "{");
	if (header.count)
		b.name = header.items[0];
	for (size_t i = 1; i + 1 < header.count; i++)
		if (str_eq(header.items[i], "--id"))
			b.id = header.items[i + 1];
	b.at = g->at;
	if (live)
		grub_blocks_push(to, b);
	run_list(g, false);
	expect(g, "}");
	strs_clear(&header);
}

/* Runs the tokens from AT on, to the end of the list, and comes back; where that was. */
static size_t run_tokens(struct grub *g, const struct grub_tokens *tokens, size_t at)
{
	const struct grub_tokens *back = g->tokens;
	size_t back_at = g->at, end;

	g->tokens = tokens;
	g->at = at;
	run_list(g, true);
	end = g->at;
	g->tokens = back;
	g->at = back_at;
	return end;
}

static void run_block(struct grub *g, const struct grub_block *b)
{
	(void)run_tokens(g, b->in, b->at);
	g->returns = false;
}

static bool run_function(struct grub *g, const struct strs *argv)
{
	for (size_t i = g->functions.count; i-- > 0;) {
		struct grub_block b = g->functions.items[i];

		if (!str_eq(b.name, argv->items[0]))
			continue;
		for (size_t k = 1; k < argv->count; k++)
			grub_set(&g->vars, arena_printf(g->run->arena, "%zu", k), argv->items[k]);
		run_block(g, &b);
		return true;
	}
	return false;
}

/* "name=value", which is no command. */
static bool assigns(struct grub *g, const char *text)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	if (!n || text[n] != '=')
		return false;
	grub_set(&g->vars, arena_strndup(g->run->arena, text, n), text + n + 1);
	g->status = 0;
	return true;
}

static void run_simple(struct grub *g, bool live)
{
	struct strs argv = {0};
	bool inverted = is(g, "!");

	g->at += inverted;
	if (live)
		g->run->line = g->tokens->items[g->at].line;
	take_words(g, live, NULL, &argv);
	if (live && argv.count && !grub_command(g, &argv) && !run_function(g, &argv) &&
	    !assigns(g, argv.items[0]))
		grub_unknown(g, argv.items[0]);
	if (live && inverted)
		g->status = !g->status;
	if (live)
		grub_set(&g->vars, "?", g->status ? "1" : "0");
	strs_clear(&argv);
}

static void run_command(struct grub *g, bool live)
{
	grub_work(g, COMMAND_WORK + g->vars.count / 4);
	if (g->over)
		return;
	if (is(g, "if"))
		run_if(g, live);
	else if (is(g, "while") || is(g, "until"))
		run_while(g, live);
	else if (is(g, "for"))
		run_for(g, live);
	else if (is(g, "function"))
		keep_block(g, live, &g->functions);
	else if (is(g, "menuentry") || is(g, "submenu"))
		keep_block(g, live, &g->entries);
	else if (is(g, "{")) {
		g->at++;
		run_list(g, live);
		expect(g, "}");
	} else
		run_simple(g, live);
}

static void run_list(struct grub *g, bool live)
{
	if (++g->depth > MAX_DEPTH)
		grub_unknown(g, word(g));
	while (!g->over && !ends_list(g)) {
		if (is(g, ";"))
			g->at++;
		else
			run_command(g, live && is_live(g));
	}
	g->depth--;
}

/* What is in one of BLOCKS lies in TOKENS. */
static bool any_in(const struct grub_blocks *blocks, const struct grub_tokens *tokens)
{
	for (size_t i = 0; i < blocks->count; i++)
		if (blocks->items[i].in == tokens)
			return true;
	return false;
}

void grub_eval(struct grub *g, const char *text)
{
	struct grub_tokens own = {0};

	if (!grub_tokens_of(g->run->arena, text, g->run->line, &own) ||
	    run_tokens(g, &own, 0) < own.count || any_in(&g->functions, &own) ||
	    any_in(&g->entries, &own))
		grub_unknown(g, text);
	grub_tokens_clear(&own);
}

/* The entry that NAME, a number, title or id, means; or NULL. */
static const struct grub_block *entry_of(const struct grub *g, const char *name)
{
	char *end;
	unsigned long n = strtoul(*name ? name : "0", &end, 10);

	for (size_t i = 0; i < g->entries.count; i++)
		if ((!*end && n == i) || str_eq(g->entries.items[i].name, name) ||
		    (*name && str_eq(g->entries.items[i].id, name)))
			return &g->entries.items[i];
	return NULL;
}

/* GRUB starts what an entry has loaded, and goes back to the menu when it cannot. */
static void run_entry(struct grub *g, const char *name)
{
	const struct grub_block *e = entry_of(g, name);

	if (e) {
		struct grub_block b = *e;

		run_block(g, &b);
	}
	if (!g->over)
		grub_boot(g);
}

static void run_menu(struct grub *g)
{
	const char *timeout = grub_get(&g->vars, "timeout");
	struct strs fallback = {0};

	if (!g->entries.count || !isdigit((unsigned char)*timeout))
		return;
	if (!*grub_get(&g->vars, "superusers"))
		g->run->keys = (unsigned)strtoul(timeout, NULL, 10);
	run_entry(g, grub_get(&g->vars, "default"));
	grub_expand(g, "$fallback", &fallback);
	for (size_t i = 0; !g->over && i < fallback.count; i++)
		run_entry(g, fallback.items[i]);
	strs_clear(&fallback);
}

/* Adds line I, with those that carry it on, to TEXT; the index of the next. */
static size_t add_line(const struct conf_entries *lines, size_t i, struct str *text)
{
	while (i < lines->count) {
		const char *line = lines->items[i++].value;
		bool more = grub_is_carried_on(line);

		str_append_len(text, line, strlen(line) - more);
		if (!more)
			break;
	}
	return i;
}

static bool tokens_of(struct arena *a, const struct conf_entries *lines, struct grub_tokens *ret)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0, next; i < lines->count; i = next) {
		str_clear(&text);
		next = add_line(lines, i, &text);
		if (!grub_tokens_of(a, text.buf ? text.buf : "", (unsigned)i, ret))
			return false;
	}
	return true;
}

void grub_run(const struct conf_entries *lines, struct grub_run *run)
{
	struct grub_tokens tokens = {0};
	struct grub g = {.run = run, .tokens = &tokens};

	run->end = GRUB_WAITS;
	run->said = NULL;
	run->work = 0;
	for (size_t i = 0; i < lines->count; i++)
		grub_work(&g, strlen(lines->items[i].value));
	grub_set(&g.vars, "root", run->root);
	grub_set(&g.vars, "prefix", arena_printf(run->arena, "(%s)/EFI/BOOT", run->root));
	grub_set(&g.vars, "cmdpath", grub_get(&g.vars, "prefix"));
	grub_set(&g.vars, "grub_platform", "efi");
	if (!tokens_of(run->arena, lines, &tokens))
		grub_unknown(&g, "a quote that does not end");
	run_list(&g, true);
	if (!g.over && g.at < tokens.count)
		grub_unknown(&g, word(&g));
	if (!g.over)
		run_menu(&g);
	grub_tokens_clear(&tokens);
	grub_vars_clear(&g.vars);
	grub_blocks_clear(&g.functions);
	grub_blocks_clear(&g.entries);
}

/* Whether the token at I is at the place of a command. */
static bool is_command(const struct grub_tokens *t, size_t i)
{
	static const char *const befores[] = {";",  "then", "else",  "elif",  "do",
					      "if", "{",    "while", "until", "!"};

	for (size_t k = 0; i && k < array_len(befores); k++)
		if (str_eq(t->items[i - 1].text, befores[k]))
			return true;
	return !i;
}

bool grub_is_script(struct arena *a, const struct conf_entries *lines)
{
	struct grub_tokens t = {0};
	bool kernel = false, other = false;

	tokens_of(a, lines, &t);
	for (size_t i = 0; i + 1 < t.count; i++) {
		const char *text = t.items[i].text;

		if (!is_command(&t, i))
			continue;
		kernel |= (str_eq(text, "linux") || str_eq(text, "linux16") ||
			   str_eq(text, "linuxefi")) &&
			  strchr("/($\"'", *t.items[i + 1].text);
		other |= str_eq(text, "set") || str_eq(text, "menuentry") ||
			 str_eq(text, "load_env") || str_eq(text, "boot");
	}
	grub_tokens_clear(&t);
	return kernel && other;
}

void grub_commands(struct arena *a, const struct conf_entries *lines, struct conf_entries *ret)
{
	struct grub_tokens t = {0};

	tokens_of(a, lines, &t);
	for (size_t i = 0; i < t.count; i++)
		if (is_command(&t, i))
			conf_entries_push(ret,
					  (struct conf_entry){"", t.items[i].text, "",
							      lines->items[t.items[i].line].pos});
	grub_tokens_clear(&t);
}
