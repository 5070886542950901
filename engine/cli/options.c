/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/options.h"

#include <getopt.h>
#include <limits.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/finding.h"

static const char *const when_words[] = {"auto", "always", "never", NULL};
static const char *const progress_words[] = {"auto", "tty", "plain", "json", "quiet", NULL};
static const char *const only_words[] = {"all", "targets", NULL};
static const char *const format_words[] = {"auto", "dot",  "svg",       "mermaid",
					   "json", "spdx", "cyclonedx", NULL};

static const char *const fetch_words[] = {"targets", "all", "none", NULL}; /* enum fetch_what */

#define AT(field) offsetof(struct cli, field)
const struct option_row option_rows[] = {
	[O_DIR] = {'C', "directory", "DIR", VALUE_TEXT, AT(dir), NULL, "change to DIR first"},
	[O_STORE] = {0, "store", "DIR", VALUE_TEXT, AT(store), NULL,
		     "the artifact store (else $ORCH_STORE, else the user's cache directory)"},
	[O_OFFLINE] = {0, "offline", NULL, VALUE_FLAG, AT(offline), NULL, "do not use the network"},
	[O_COLOR] = {0, "color", "WHEN", VALUE_WORD, AT(color), when_words,
		     "auto, always or never"},
	[O_NO_WAIT] = {0, "no-wait", NULL, VALUE_FLAG, AT(no_wait), NULL,
		       "exit 9 when another orch holds a lock, instead of waiting"},
	[O_HELP] = {'h', "help", NULL, VALUE_FLAG, AT(help), NULL, "this help"},
	[O_VERSION] = {0, "version", NULL, VALUE_FLAG, AT(version), NULL, "print the version"},
	[O_JSON] = {0, "json", NULL, VALUE_FLAG, AT(json), NULL, "print one JSON object"},
	[O_JOBS] = {'j', "jobs", "N", VALUE_NUMBER, AT(jobs), NULL,
		    "run at most N nodes at once (else: the number of CPUs)"},
	[O_KEEP_GOING] = {'k', "keep-going", NULL, VALUE_FLAG, AT(keep_going), NULL,
			  "after a failure, still build what does not need it"},
	[O_DRY_RUN] = {'n', "dry-run", NULL, VALUE_FLAG, AT(dry_run), NULL,
		       "show what would be done, and do nothing"},
	[O_SET] = {0, "set", "NAME=VALUE", VALUE_LIST, AT(sets), NULL,
		   "override a variable of project.yaml; may be repeated"},
	[O_VARIANT] = {0, "variant", "AXIS=VALUE", VALUE_LIST, AT(variants), NULL,
		       "only variants of project.yaml with that value; may be repeated"},
	[O_PROGRESS] = {0, "progress", "HOW", VALUE_WORD, AT(progress), progress_words,
			"auto, tty, plain, json or quiet, on stderr; auto: tty on a terminal"},
	[O_RESULT_JSON] = {0, "result-json", "FILE", VALUE_TEXT, AT(result_json), NULL,
			   "write a per-node result (JSON) to FILE"},
	[O_EVENTS] = {0, "events", "FILE", VALUE_TEXT, AT(events), NULL,
		      "write events to FILE, one JSON object a line"},
	[O_EXIT_CODE] = {0, "exit-code", NULL, VALUE_FLAG, AT(exit_code), NULL,
			 "exit 3 when something would run or differs"},
	[O_RUN] = {'r', "run", "RUN", VALUE_TEXT, AT(run), NULL,
		   "of that run: its number, or ^0 for the last, ^1 for the one before"},
	[O_FORMAT] = {0, "format", "FORMAT", VALUE_WORD, AT(format), format_words,
		      "graph: dot, svg, mermaid or json; sbom: spdx or cyclonedx"},
	[O_UPDATE] = {0, "update", "PACKAGE", VALUE_MAYBE, AT(update), NULL,
		      "take the archive's current versions (of PACKAGE, or of everything)"},
	[O_FROM] = {0, "from", "ARCHIVE", VALUE_TEXT, AT(from), NULL,
		    "with --update: move only what this archive of project.yaml, or this suite, "
		    "has newer"},
	[O_ADVISORIES] = {0, "advisories", "FILE", VALUE_TEXT, AT(advisories), NULL,
			  "name what the moves fix, by a list of vulnerabilities: OSV, or the JSON "
			  "of Debian's security tracker"},
	[O_RULES] = {0, "rules", NULL, VALUE_FLAG, AT(rules), NULL,
		     "list what is checked, and check nothing"},
	[O_AGAINST] = {0, "against", "RELEASE", VALUE_TEXT, AT(against), NULL,
		       "compare with what was shipped, too: a node of kind shipped, a directory, "
		       "a device.json or a card image"},
	[O_BOARD] = {0, "board", "BOARD", VALUE_TEXT, AT(board), NULL,
		     "on this board (else: the project's fastest)"},
	[O_SLOT] = {0, "slot", "NAME", VALUE_TEXT, AT(slot), NULL,
		    "let the boot loader take this slot first: its boot name"},
	[O_TIMEOUT] = {0, "timeout", "SECONDS", VALUE_NUMBER, AT(timeout), NULL,
		       "end it after so long, with exit code 10"},
	[O_SIZE] =
		{0, "size", "SIZE", VALUE_TEXT, AT(size), NULL,
		 "what is left at most, as in 20G (else store-size of config.yaml; of a cache what "
		 "its URL says)"},
	[O_YES] = {0, "yes", NULL, VALUE_FLAG, AT(yes), NULL, "do not ask"},
	[O_FIXED] = {0, "fixed", NULL, VALUE_FLAG, AT(fixed), NULL,
		     "also a disk that is not removable, or larger than cards are"},
	[O_ALL] = {0, "all", NULL, VALUE_FLAG, AT(all), NULL,
		   "of every project that uses this store"},
	[O_FOLLOW] = {'f', "follow", NULL, VALUE_FLAG, AT(follow), NULL,
		      "print what the node prints while another orch builds it, until it ends"},
	[O_LIST] = {0, "list", NULL, VALUE_FLAG, AT(list), NULL,
		    "list what there is, and do no more"},
	[O_TEMPLATE] = {0, "template", "TEMPLATE", VALUE_TEXT, AT(template), NULL,
			"what to begin with (else: minimal); --list shows all"},
	[O_NAME] = {0, "name", "NAME", VALUE_TEXT, AT(name), NULL,
		    "the project's name (else asked on a terminal, else that of DIR)"},
	[O_COMPATIBLE] = {0, "compatible", "NAME", VALUE_TEXT, AT(compatible), NULL,
			  "the device, as updates name it (else asked, else the project's name)"},
	[O_HTML] = {0, "html", "FILE", VALUE_TEXT, AT(html), NULL,
		    "write a page to FILE, which needs no network and no other file"},
	[O_FOCUS] = {0, "focus", "NODE", VALUE_TEXT, AT(focus), NULL,
		     "only what NODE needs, and what needs it"},
	[O_DEPTH] = {0, "depth", "N", VALUE_NUMBER, AT(depth), NULL,
		     "with --focus: only so many steps away"},
	[O_NO_STATUS] = {0, "no-status", NULL, VALUE_FLAG, AT(no_status), NULL,
			 "the graph alone, coloured by kind: no status, times or sizes"},
	[O_SCRIPT] = {0, "script", NULL, VALUE_FLAG, AT(script), NULL,
		      "play by itself, and exit 1 unless all of it was seen"},
	[O_SUMMARY] = {0, "summary", "FILE", VALUE_TEXT, AT(summary), NULL,
		       "write a summary of the run (Markdown) to FILE"},
	[O_JUNIT] = {0, "junit", "FILE", VALUE_TEXT, AT(junit), NULL,
		     "write what came of scenarios and other nodes (JUnit's XML) to FILE"},
	[O_CODE_QUALITY] = {0, "code-quality", "FILE", VALUE_TEXT, AT(code_quality), NULL,
			    "write what is wrong to FILE, as GitLab's code quality report"},
	[O_REMOTE_READ] = {0, "remote-read", NULL, VALUE_FLAG, AT(remote_read), NULL,
			   "ask the shared cache, and write nothing there"},
	[O_REMOTE_WRITE] = {0, "remote-write", NULL, VALUE_FLAG, AT(remote_write), NULL,
			    "ask the shared cache, and store there what is built"},
	[O_REMOTE_REQUIRED] = {0, "remote-required", NULL, VALUE_FLAG, AT(remote_required), NULL,
			       "fail when the shared cache cannot be reached, instead of going on "
			       "without it"},
	[O_FETCH] =
		{0, "fetch", "WHAT", VALUE_WORD, AT(fetch), fetch_words,
		 "what to bring here of what the shared cache or a farm has: the outputs of the "
		 "targets (else), of all nodes, or none; what runs here gets its inputs anyway"},
	[O_PUSH_WAIT] = {0, "push-wait", "TIME", VALUE_TEXT, AT(push_wait), NULL,
			 "wait so long at the end for what is still being written to the shared "
			 "cache, as in 30s (else 10m)"},
	[O_REMOTE] = {0, "remote", NULL, VALUE_FLAG, AT(remote), NULL,
		      "ask the shared cache, too, and say what would be fetched"},
	[O_OUTPUT] = {'o', "output", "DIR", VALUE_TEXT, AT(output), NULL,
		      "write documents into DIR, which is there"},
	[O_RELEASES] = {0, "releases", "DIR", VALUE_TEXT, AT(releases), NULL,
			"what was shipped: images, bundles, and directories of them"},
	[O_MARKDOWN] = {0, "markdown", NULL, VALUE_FLAG, AT(markdown), NULL,
			"print Markdown, as for a pull request"},
	[O_KEY] =
		{0, "key", "FILE", VALUE_LIST, AT(keys), NULL,
		 "verify: a public key or certificate (PEM) of who may sign; may be repeated; pki: "
		 "the CA's private key, a PEM file or the address of one in a token (pkcs11:...)"},
	[O_LAYOUT] = {0, "layout", NULL, VALUE_FLAG, AT(layout), NULL,
		      "write where everything is in NODE's image, instead of what packages are "
		      "pinned"},
	[O_PROVISION] = {0, "provision", "DIR", VALUE_TEXT, AT(provision), NULL,
			 "give each card what is its unit's own, as DIR has it"},
	[O_UNIT] = {0, "unit", "SERIAL", VALUE_TEXT, AT(unit), NULL,
		    "with --provision: this unit (else the first that is not done)"},
	[O_CA] = {0, "ca", "CERT", VALUE_TEXT, AT(ca), NULL,
		  "the CA: a file with its certificate, or its serial number"},
	[O_POLICY] = {0, "policy", "FILE", VALUE_TEXT, AT(policy), NULL,
		      "what is asked of it: keys, builders, branches, clean (docs/evidence.md)"},
	[O_SINCE] = {0, "since", "REV", VALUE_TEXT, AT(since), NULL,
		     "a git revision: a branch, tag or commit; REV... is where HEAD left it"},
	[O_CHANNEL] = {0, "channel", "NAME", VALUE_TEXT, AT(channel), NULL,
		       "offer a bundle to the devices that follow this channel"},
	[O_PERCENT] = {0, "percent", "N", VALUE_TEXT, AT(percent), NULL,
		       "with --channel: to so many of a hundred devices (else: to all)"},
	[O_HALT] = {0, "halt", NULL, VALUE_FLAG, AT(halt), NULL,
		    "with --channel: to nobody, until it is published again; builds no bundle"},
	[O_NOT_BEFORE] = {0, "not-before", "TIME", VALUE_TEXT, AT(not_before), NULL,
			  "with --channel: not before this day, as 2026-01-31 or "
			  "2026-01-31T12:00:00Z, or not for so long, as 12h, 3d or 2w"},
	[O_EXPIRES] = {0, "expires", "TIME", VALUE_TEXT, AT(expires), NULL,
		       "with --channel: until then, as --not-before has it (else: 30d)"},
	[O_SERIAL] = {0, "serial", "N", VALUE_TEXT, AT(serial), NULL,
		      "with --channel: its number (else: the next); of a channel that begins, or "
		      "of one whose file was lost"},
	[O_ARCH] = {0, "arch", "ARCH", VALUE_TEXT, AT(arch), NULL,
		    "the device's architecture, as Debian names it (else: this machine's)"},
	[O_ONLY] = {0, "only", "WHAT", VALUE_WORD, AT(only), only_words,
		    "all, or targets: the outputs of nothing but the targets"},
};
#undef AT

static void *field(struct cli *c, const struct option_row *row)
{
	return (char *)c + row->offset;
}

static int take_number(struct cli *c, const struct option_row *row, const char *text,
		       struct err **err)
{
	uint64_t n;

	if (str_u64(text, &n) || n < 1 || n > 4096)
		return err_set(err, E_USAGE, "--%s wants a number from 1 to 4096, not '%s'",
			       row->name, text);
	*(unsigned *)field(c, row) = (unsigned)n;
	return 0;
}

static int take_word(struct cli *c, const struct option_row *row, const char *text,
		     struct err **err)
{
	struct str words cleanup_str = STR_INIT;

	for (int i = 0; row->words[i]; i++) {
		if (str_eq(row->words[i], text)) {
			*(int *)field(c, row) = i;
			return 0;
		}
	}
	for (int i = 0; row->words[i]; i++)
		str_printf(&words, "%s%s",
			   !i                  ? ""
			   : row->words[i + 1] ? ", "
					       : " or ",
			   row->words[i]);
	return err_set(err, E_USAGE, "--%s wants %s, not '%s'", row->name, words.buf, text);
}

/* The word behind --update is its package unless it is an option. */
static void take_maybe(struct cli *c, const struct option_row *row, const char *text, char **argv,
		       int argc)
{
	*(bool *)field(c, row) = true;
	if (!text && optind < argc && argv[optind][0] != '-')
		text = argv[optind++];
	if (text) {
		free(c->update_name);
		c->update_name = xstrdup(text);
	}
}

static int take_value(struct cli *c, const struct option_row *row, const char *text,
		      struct err **err)
{
	switch (row->type) {
	case VALUE_FLAG:
	case VALUE_MAYBE:
		*(bool *)field(c, row) = true;
		return 0;
	case VALUE_TEXT:
		if (!*text)
			return err_set(err, E_USAGE, "option '--%s' wants a value, not ''",
				       row->name);
		free(*(char **)field(c, row));
		*(char **)field(c, row) = xstrdup(text);
		return 0;
	case VALUE_LIST:
		strv_push(field(c, row), text);
		return 0;
	case VALUE_NUMBER:
		return take_number(c, row, text, err);
	case VALUE_WORD:
		return take_word(c, row, text, err);
	}
	return 0;
}

static size_t row_of(int value)
{
	if (value > UCHAR_MAX)
		return (size_t)(value - UCHAR_MAX - 1);
	for (size_t i = 0; i < O_COUNT; i++) {
		if (option_rows[i].letter == value)
			return i;
	}
	return O_COUNT;
}

/* getopt refused ARG, or the letter optopt of it. */
static int bad_option(const char *arg, struct err **err)
{
	const char *names[O_COUNT], *near;
	char *word cleanup_free = NULL;

	if (optopt > UCHAR_MAX)
		return err_set(err, E_USAGE, "option '--%s' takes no value",
			       option_rows[row_of(optopt)].name);
	if (optopt)
		return err_set(err, E_UNKNOWN_OPTION, "no option '-%c'; see 'orch help'", optopt);
	for (size_t i = 0; i < O_COUNT; i++)
		names[i] = option_rows[i].name;
	word = xstrndup(arg + 2, strcspn(arg + 2, "="));
	near = str_nearest(word, names, O_COUNT);
	if (near)
		return err_set(err, E_UNKNOWN_OPTION, "no option '--%s'; did you mean '--%s'?",
			       word, near);
	return err_set(err, E_UNKNOWN_OPTION, "no option '--%s'; see 'orch help'", word);
}

/* Whether the command takes what was given. */
static int check_options(const struct command *cmd, const struct option_set *seen, struct err **err)
{
	const struct option_set own = command_options(cmd), common = OPTIONS_COMMON;

	for (size_t i = 0; i < O_COUNT; i++) {
		if (option_set_has(seen, i) && !option_set_has(&own, i) &&
		    !option_set_has(&common, i))
			return err_set(err, E_UNKNOWN_OPTION,
				       "'orch %s' has no option '--%s'; see 'orch help %s'",
				       cmd->name, option_rows[i].name, cmd->name);
	}
	return 0;
}

/* What people type who come from other tools, or NULL. */
static const char *other_word(const char *name)
{
	static const char *const words[][2] = {
		{"clean", "store gc"},      {"update", "lock --update"}, {"test", "build tests"},
		{"ls", "image ls"},         {"cat", "image cat"},        {"status", "plan"},
		{"verify", "store verify"}, {"gc", "store gc"},          {"keygen", "pki init"},
	};

	for (size_t i = 0; i < array_len(words); i++)
		if (str_eq(words[i][0], name))
			return words[i][1];
	return NULL;
}

static int find_command(struct cli *c, const char *name, struct err **err)
{
	struct strs names = {0};
	const char *near = other_word(name);

	c->command = command_find(name);
	if (c->command)
		return 0;
	for (const struct command *cmd = commands; cmd->name; cmd++)
		strs_push(&names, cmd->name);
	if (!near)
		near = str_nearest(name, names.items, names.count);
	strs_clear(&names);
	if (near)
		return err_set(err, E_UNKNOWN_COMMAND, "no command '%s'; did you mean 'orch %s'?",
			       name, near);
	return err_set(err, E_UNKNOWN_COMMAND, "no command '%s'; 'orch help' lists them", name);
}

static int check_args(const struct cli *c, struct err **err)
{
	const struct command *cmd = c->command;

	if (c->args.count && !cmd->max_args)
		return err_set(err, E_USAGE,
			       "'orch %s' takes no arguments, found '%s'; see 'orch help %s'",
			       cmd->name, c->args.items[0], cmd->name);
	if (c->args.count < cmd->min_args || c->args.count > cmd->max_args)
		return err_set(err, E_USAGE, "usage: orch %s %s", cmd->name, cmd->args);
	for (size_t i = 0; i < c->args.count; i++) {
		if (!*c->args.items[i])
			return err_set(err, E_USAGE, "an argument is empty: orch %s %s", cmd->name,
				       cmd->args);
	}
	return 0;
}

/* getopt's own tables, made from ours. */
static void make_tables(struct option *longs, struct str *shorts)
{
	str_append(shorts, ":");
	for (size_t i = 0; i < O_COUNT; i++) {
		int has_arg = option_rows[i].type == VALUE_FLAG    ? no_argument
			      : option_rows[i].type == VALUE_MAYBE ? optional_argument
								   : required_argument;

		longs[i] =
			(struct option){option_rows[i].name, has_arg, NULL, UCHAR_MAX + 1 + (int)i};
		if (option_rows[i].letter)
			str_printf(shorts, "%c%s", option_rows[i].letter, has_arg ? ":" : "");
	}
}

static int parse_options(struct cli *c, int argc, char **argv, struct option_set *ret_seen,
			 struct err **err)
{
	struct option longs[O_COUNT + 1] = {0};
	struct str shorts cleanup_str = STR_INIT;
	int value;

	make_tables(longs, &shorts);
	opterr = 0;
	optind = 0;
	while ((value = getopt_long(argc, argv, shorts.buf, longs, NULL)) != -1) {
		size_t i = row_of(value);

		if (value == ':')
			return err_set(err, E_USAGE, "option '%s' wants a value", argv[optind - 1]);
		if (value == '?')
			return bad_option(argv[optind - 1], err);
		option_set_add(ret_seen, i);
		if (option_rows[i].type == VALUE_MAYBE)
			take_maybe(c, &option_rows[i], optarg, argv, argc);
		else if (take_value(c, &option_rows[i], optarg, err))
			return -1;
	}
	return 0;
}

int cli_parse(struct cli *c, int argc, char **argv, struct err **err)
{
	struct option_set seen = {0};

	if (parse_options(c, argc, argv, &seen, err))
		return -1;
	if (c->version || optind == argc) {
		c->help |= !c->version;
		return 0;
	}
	if (find_command(c, argv[optind], err))
		return -1;
	for (int i = optind + 1; i < argc; i++)
		strv_push(&c->args, argv[i]);
	if (c->help)
		return 0;
	if (check_options(c->command, &seen, err))
		return -1;
	return check_args(c, err);
}

/* Every value that an option can leave. */
static void release_values(struct cli *c)
{
	for (size_t i = 0; i < O_COUNT; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->type == VALUE_TEXT)
			free(steal_ptr(*(char **)field(c, row)));
		else if (row->type == VALUE_LIST)
			strv_clear(field(c, row));
	}
	free(c->update_name);
}

void cli_release(struct cli *c)
{
	strv_clear(&c->args);
	release_values(c);
	free(c->home);
	if (c->findings)
		findings_release(c->findings);
	if (c->step_summary >= 0)
		close(c->step_summary);
}
