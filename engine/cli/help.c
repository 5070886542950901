/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `orch help` prints: commands by what they are for, and the options of one. */
#include "cli/options.h"
#include "cli/terminal.h"

#define LEFT 30       /* columns of an option and its argument */
#define NARROW 60     /* below, what it does is on lines of its own */
#define NARROWEST 20u /* below, the terminal wraps */
#define USUAL 80u     /* where it is no terminal */
#define WIDEST 100u

static const struct {
	const char *what;
	const char *commands[8];
} groups[] = {
	{"begin", {"init", "pki", "lock", "demo", "doctor", "convert"}},
	{"build", {"build", "plan", "check", "boot", "shell", "flash", "publish"}},
	{"see what a run did", {"why", "log", "runs", "diff", "changed", "timings", "graph"}},
	{"look into results", {"image", "size", "inspect", "sbom", "query", "verify", "repro"}},
	{"keep and share results", {"store", "cache"}},
	{"reference", {"kinds", "explain", "schema", "config", "manual", "completion", "help"}},
};

static const struct {
	const char *command, *lines;
} examples[] = {
	{"build", "orch build\n"
		  "orch build root --set board=rpi5\n"
		  "orch build -k --junit results.xml"},
	{"plan", "orch plan\norch plan bundle --exit-code"},
	{"why", "orch why root"},
	{"changed", "orch changed --since main"},
	{"log", "orch log\norch log -f root\norch log root -r ^1"},
	{"diff", "orch diff ^1 ^0\n"
		 "orch diff git:v1.0.0 bundle --markdown\n"
		 "orch diff old.raucb new.raucb --json"},
	{"timings", "orch timings\norch timings ^1 --html timings.html"},
	{"graph",
	 "orch graph --format svg >graph.svg\norch graph --format svg --focus root >root.svg"},
	{"image", "orch image ls root:/etc\n"
		  "orch image cat install:/root-a/etc/fstab\n"
		  "orch image cp 'root:/usr/lib/**/*.so' ."},
	{"inspect", "orch inspect card.img --releases releases"},
	{"size", "orch size root\norch size root ^1"},
	{"sbom", "orch sbom bundle\norch sbom bundle --format spdx >bundle.spdx.json"},
	{"query", "orch query contains openssl releases\n"
		  "orch query vulnerable osv.json releases --json\n"
		  "orch query owner install /usr/bin/apt\n"
		  "orch query rdeps base"},
	{"check", "orch check\norch check --against releases/1.0.0"},
	{"lock", "orch lock\norch lock base --update"},
	{"boot", "orch boot install\norch boot install --slot B"},
	{"shell", "orch shell u-boot\norch shell install:/root-a"},
	{"flash", "orch flash --list install\nsudo orch flash install /dev/sdX"},
	{"publish", "orch publish packages /srv/www/debian"},
	{"init", "orch init --list\norch init --template ab-efi gateway"},
	{"demo", "orch demo\norch demo --script"},
	{"kinds", "orch kinds image\norch kinds image contents.unpack"},
	{"explain", "orch explain unknown-key"},
	{"store", "orch store du\norch store gc --size 20G"},
	{"completion", "eval \"$(orch completion bash)\""},
};

struct page {
	FILE *to;
	size_t width;
};

static size_t page_width(FILE *to)
{
	unsigned columns = isatty(fileno(to)) ? terminal_size().columns : USUAL;

	return columns < NARROWEST ? NARROWEST : columns < WIDEST ? columns : WIDEST;
}

static void print_text(const struct page *p, const char *text, size_t indent)
{
	struct str s cleanup_str = STR_INIT;

	str_fill(&s, text, indent, p->width);
	fputs(s.buf, p->to);
}

/* LEFT, and TEXT beside it from column INDENT on. */
static void print_beside(const struct page *p, const char *left, const char *text, size_t indent)
{
	struct str s cleanup_str = STR_INIT;
	size_t len = strlen(left);

	if (len >= indent || p->width < NARROW) {
		fprintf(p->to, "%s\n", left);
		print_text(p, text, p->width < NARROW ? 8 : indent);
		return;
	}
	str_fill(&s, text, indent, p->width);
	memcpy(s.buf, left, len);
	fputs(s.buf, p->to);
}

static void print_options(const struct page *p, const char *title, struct option_set set)
{
	if (set.first || set.others)
		fprintf(p->to, "\n%s:\n", title);
	for (size_t i = 0; i < O_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		bool may = row->type == VALUE_MAYBE;
		char *left cleanup_free = NULL;

		if (!option_set_has(&set, i))
			continue;
		left = xasprintf("  %s%c%s--%s%s%s%s", row->letter ? "-" : " ",
				 row->letter ? row->letter : ' ', row->letter ? ", " : "  ",
				 row->name,
				 !row->arg ? ""
				 : may     ? " ["
					   : " ",
				 row->arg ? row->arg : "", may ? "]" : "");
		print_beside(p, left, row->help, LEFT);
	}
}

static bool is_grouped(const char *name)
{
	for (size_t g = 0; g < array_len(groups); g++)
		for (size_t i = 0; i < array_len(groups[g].commands); i++)
			if (groups[g].commands[i] && str_eq(groups[g].commands[i], name))
				return true;
	return false;
}

static void print_command(const struct page *p, const struct command *c)
{
	char *left cleanup_free = xasprintf("  %s", c->name);

	print_beside(p, left, c->summary, 13);
}

static void print_commands(const struct page *p)
{
	for (size_t g = 0; g < array_len(groups); g++) {
		fprintf(p->to, "\n%s:\n", groups[g].what);
		for (const char *const *name = groups[g].commands; *name; name++)
			print_command(p, command_find(*name));
	}
	for (const struct command *c = commands; c->name; c++) {
		if (!is_grouped(c->name))
			print_command(p, c);
	}
}

static void print_examples(const struct page *p, const char *command)
{
	for (size_t i = 0; i < array_len(examples); i++) {
		const char *line = examples[i].lines;

		if (!str_eq(examples[i].command, command))
			continue;
		fputs("\nexamples:\n", p->to);
		for (; *line; line += strcspn(line, "\n"), line += *line != 0)
			fprintf(p->to, "  %.*s\n", (int)strcspn(line, "\n"), line);
	}
}

void cli_help(const struct command *command, FILE *to)
{
	const struct page p = {to, page_width(to)};

	if (!command) {
		fputs("usage: orch [-C DIR] [--store DIR] COMMAND ...\n", to);
		print_commands(&p);
		print_options(&p, "global options", OPTIONS_COMMON);
		fputc('\n', to);
		print_text(&p,
			   "'orch help COMMAND' says more; 'orch kinds' describes what recipes may "
			   "say.",
			   0);
		return;
	}
	fprintf(to, "usage: orch %s%s%s [options]\n\n", command->name, *command->args ? " " : "",
		command->args);
	print_text(&p, command->summary, 0);
	print_examples(&p, command->name);
	if (command->help)
		fputc('\n', to);
	print_text(&p, command->help ? command->help : "", 0);
	print_options(&p, "options", command_options(command));
	print_options(&p, "global options", OPTIONS_COMMON);
}
