/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch(1), out of the tables that the command line is parsed by. */
#include "base/roff.h"
#include "cli/environment.h"
#include "cli/manual.h"
#include "cli/options.h"

static void option_term(const struct option_row *row, struct str *ret)
{
	struct str term cleanup_str = STR_INIT;

	if (row->letter)
		str_printf(&term, "`-%c`, ", row->letter);
	str_printf(&term, "`--%s`", row->name);
	if (row->arg)
		str_printf(&term, row->type == VALUE_MAYBE ? " [%s]" : " %s", row->arg);
	roff_plain_term(ret, term.buf);
	if (row->words) /* its text begins with one */
		roff_text(ret, row->help);
	else
		roff_sentence(ret, row->help);
}

static void options(struct option_set set, struct str *ret)
{
	for (size_t i = 0; i < O_COUNT; i++)
		if (option_set_has(&set, i))
			option_term(&option_rows[i], ret);
}

static void command(const struct command *c, struct str *ret)
{
	char *title cleanup_free = xasprintf("orch %s %s", c->name, c->args);

	if (!*c->args)
		title[strlen(title) - 1] = '\0';
	roff_subheading(ret, title);
	roff_sentence(ret, c->summary);
	if (c->help) {
		roff_paragraph(ret);
		roff_text(ret, c->help);
	}
	options(command_options(c), ret);
}

static void environment(struct str *ret)
{
	roff_heading(ret, "ENVIRONMENT");
	for (const struct environment_row *e = environment_rows; e->name; e++) {
		roff_term(ret, e->name);
		roff_text(ret, e->help);
	}
}

static void exit_codes(struct str *ret)
{
	roff_heading(ret, "EXIT STATUS");
	for (const struct exit_row *e = exit_rows; e->text; e++) {
		char *code cleanup_free = xasprintf("%d", e->code);

		roff_term(ret, code);
		roff_text(ret, e->text);
	}
	roff_paragraph(ret);
	roff_text(ret,
		  "Of several failures the first decides. An error ends with its code in brackets: "
		  "`orch explain CODE` says what it means and what to do.");
}

static void files(struct str *ret)
{
	roff_heading(ret, "FILES");
	roff_term(ret, "recipes/project.yaml");
	roff_text(ret,
		  "The project: what all nodes share. Its directory is the one of the project.");
	roff_term(ret, "recipes/NODE.yaml");
	roff_text(ret, "A node: see orch-recipes(5).");
	roff_term(ret, "recipes/NODE.lock");
	roff_text(ret, "What a node takes from elsewhere, pinned by `orch lock`.");
	roff_term(ret, "out/NODE/OUTPUT");
	roff_text(ret, "Copies of the outputs of the nodes that were asked for.");
	roff_term(ret, "~/.config/orch/config.yaml");
	roff_text(ret, "Your configuration: see orch-config(5).");
	roff_term(ret, "~/.cache/orch");
	roff_text(ret, "The store.");
}

void manual_orch(struct str *ret)
{
	roff_heading(ret, "SYNOPSIS");
	roff_text(ret, "`orch` [`-C` DIR] [`--store` DIR] COMMAND ...");
	roff_heading(ret, "DESCRIPTION");
	roff_text(
		ret,
		"orch builds operating-system images that update themselves, from recipes: one "
		"YAML file per node of a graph, from locked Debian packages to signed update "
		"bundles and disk images. Every node is cached by what went into it.\n\n"
		"Results go to stdout, progress and errors to stderr. orch does nothing as root.");
	roff_heading(ret, "COMMANDS");
	for (const struct command *c = commands; c->name; c++)
		command(c, ret);
	roff_heading(ret, "GLOBAL OPTIONS");
	options(OPTIONS_COMMON, ret);
	exit_codes(ret);
	environment(ret);
	files(ret);
}
