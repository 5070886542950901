/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/pin.h"
#include "base/trace.h"
#include "cli/as_owner.h"
#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/finding.h"
#include "cli/session.h"
#include "cli/ui.h"

#define ANY_ARGS 100000
#define SELECT (OPTION(O_SET) | OPTION(O_VARIANT))

int cmd_help(struct cli *c)
{
	const struct command *about = NULL;
	struct session s = {.cli = c};
	struct err *err = NULL;

	if (c->args.count && !(about = command_find(c->args.items[0]))) {
		err_set(&err, E_UNKNOWN_COMMAND, "no command '%s'; 'orch help' lists them",
			c->args.items[0]);
		return cli_fail(&s, err);
	}
	cli_help(about, stdout);
	return 0;
}

const struct command commands[] = {
	{"build", "[TARGET...]", "build what the targets need, skipping what is unchanged",
	 "Targets are node names; none: project.yaml's 'default'. Their outputs appear as "
	 "out/NODE/OUTPUT.",
	 SELECT | 1u << O_JOBS | 1u << O_KEEP_GOING | 1u << O_DRY_RUN | 1u << O_PROGRESS |
		 1u << O_RESULT_JSON | 1u << O_EVENTS | 1u << O_JSON | 1u << O_EXIT_CODE |
		 OPTION(O_REMOTE_READ) | OPTION(O_REMOTE_WRITE) | OPTION(O_REMOTE_REQUIRED) |
		 OPTION(O_FETCH) | OPTION(O_PUSH_WAIT) | OPTION(O_SUMMARY) | OPTION(O_JUNIT) |
		 OPTION(O_CODE_QUALITY),
	 0, ANY_ARGS},
	{"plan", "[TARGET...]", "show what would be built, what is cached, and why; build nothing",
	 NULL, SELECT | 1u << O_JSON | 1u << O_EXIT_CODE | OPTION(O_REMOTE), 0, ANY_ARGS},
	{"why", "NODE", "say why a node was or will be built: what changed, and what follows", NULL,
	 SELECT | 1u << O_JSON | OPTION(O_REMOTE), 1, 1},
	{"changed", "[TARGET...]",
	 "show which nodes are others than in a git revision; build nothing",
	 "Compares the directory as it is, with what is not committed, with the revision REV of "
	 "--since, which is needed: recipes, locks, files. 'perhaps' are nodes behind those that "
	 "changed. What git ignores is taken as the same. Nothing of the repository is run and "
	 "nothing fetched, no result is needed.",
	 SELECT | OPTION(O_JSON) | OPTION(O_EXIT_CODE) | OPTION(O_SINCE), 0, ANY_ARGS},
	{"log", "[NODE]", "show the log of a node; without a name, of the last one that failed",
	 "Of this project; outside of any, of every project that uses this store. Of a node that "
	 "is being built, what it has printed so far; with -f also what it goes on to print. The "
	 "exit code of -f says what became of the node: 0 built or cached, 1 failed or stopped.",
	 1u << O_JSON | 1u << O_RUN | 1u << O_ALL | 1u << O_FOLLOW, 0, 1},
	{"runs", "", "list this project's runs",
	 "A project is its directory, with the name in its project.yaml: two checkouts have two "
	 "histories,\n"
	 "and a directory that was moved keeps its own. The newest 200 runs of each are kept.\n"
	 "Outside of any project, the runs of all are listed.",
	 1u << O_JSON | 1u << O_ALL, 0, 0},
	{"diff", "BEFORE AFTER",
	 "show what changed: between runs, revisions, results, releases, bundles, images",
	 "Each is 'run:N' (or N, or ^0 for this project's last run), 'git:REV', a node (with "
	 "':[OUTPUT]/PATH', as 'orch image' has it), a file, which begins with '/' or './' or is "
	 "no node, or a directory. Two runs or revisions: results that differ, and what ships of "
	 "them. A node and a run or revision: what the node was then. Else what is in them: "
	 "packages, files, units, users, kernel, partitions, what grew, and what an update would "
	 "fetch and write. Nothing is built or mounted.",
	 OPTION(O_JSON) | OPTION(O_MARKDOWN) | OPTION(O_EXIT_CODE) | OPTION(O_ALL) | OPTION(O_SET),
	 2, 2},
	{"timings", "[RUN]", "show when the nodes of a run ran, and what it had to wait for",
	 "A run is its number, or ^0 for this project's last one, which is shown without RUN. What "
	 "the run had to wait for, one after the other, is its critical path: those nodes have a "
	 "'*' and their bars are of '#'. With --html a page is written instead.",
	 OPTION(O_JSON) | OPTION(O_ALL) | OPTION(O_HTML), 0, 1},
	{"graph", "[TARGET...]", "draw the graph, with status, times and sizes",
	 "As text for graphviz (dot) or mermaid, as JSON, or as a picture (svg), which needs no "
	 "other program. In the picture a mouse over a node shows why it would be built.",
	 SELECT | OPTION(O_JSON) | OPTION(O_FORMAT) | OPTION(O_FOCUS) | OPTION(O_DEPTH) |
		 OPTION(O_NO_STATUS),
	 0, ANY_ARGS},
	{"image", "ls|cat|cp NODE[:[OUTPUT]/PATH] [DEST]",
	 "look into what a node made: trees, file systems, disks, bundles",
	 "Of what the node made last, or as of a run; nothing is built, mounted or done as root. "
	 "A path leads into partitions ('install:/root-a/etc') and, with a '/' at its end, into "
	 "archives and images that are files themselves. A pattern such as '/usr/lib/**/*.so' "
	 "lists what matches. Instead of NODE a file: './card.img:/etc'. cp writes to DEST, which "
	 "must not exist, or into DEST if it is a directory; owners, devices and set-id bits stay "
	 "behind.",
	 OPTION(O_JSON) | OPTION(O_RUN) | OPTION(O_ALL), 2, 3},
	{"inspect", "CARD|IMAGE", "say what is on a card that came back from the field",
	 "A block device or a copy of one; nothing is written or mounted, and it may be damaged. "
	 "Tells the state of its partition table, of the boot loader's environment and of its file "
	 "systems, which release is in each slot and which files differ from it, and the "
	 "certificates that it trusts. Releases are those of --releases, else the images that this "
	 "project made; the device is that of the project, or device.json beside the releases. "
	 "Exit 3 with --exit-code when something is not as it was made.",
	 OPTION(O_JSON) | OPTION(O_RELEASES) | OPTION(O_EXIT_CODE) | OPTION(O_ALL), 1, 1},
	{"query", "contains|vulnerable|owner|rdeps WHAT [WHERE...]",
	 "ask what has a package or vulnerability, where a file is from, what needs a node",
	 "'query owner NODE PATH' tells which package, line of a recipe or step a path of a tree, "
	 "an image, a disk or a bundle comes from, and by way of which nodes; on a disk it is in "
	 "the partition that the path begins with, or that the device mounts there. 'query rdeps "
	 "NODE' tells what depends on a node. The others read documents:\n"
	 "'query contains' asks for a package (NAME or NAME=VERSION), or the source package that "
	 "others were built from; 'query vulnerable' for what a list of vulnerabilities is about, "
	 "a file that was fetched before: OSV, or the JSON of Debian's security tracker. WHERE are "
	 "files that 'orch sbom' or another program has written (SPDX, CycloneDX; JSON), and "
	 "directories, in which all *.spdx.json and *.cdx.json count; none: the current directory. "
	 "Of a project that the current directory is in, its statements about vulnerabilities "
	 "count, vex/*.json (OpenVEX or CycloneDX), and what its locks have today is told beside. "
	 "Of what cannot be read there is an error beside the answer about the rest. "
	 "Exit 3 with --exit-code when something is found or not settled.",
	 SELECT | OPTION(O_JSON) | OPTION(O_EXIT_CODE), 2, ANY_ARGS, ROOT_GOES_LATER},
	{"repro", "[TARGET...]", "build again in other surroundings, and compare bit by bit",
	 "The targets and all that they need are built, unless they are there, and then once "
	 "more: in a copy of the project in another place, with an empty store and no shared "
	 "cache, as another user, with another umask, language and time zone, on one "
	 "processor, one node at a time, later. With ORCH_SANDBOX=guest what is in the store "
	 "is compared with what guests make. Of what differs it tells partition, blocks, file, "
	 "package and the likely cause. Exit 3 when something differs.",
	 SELECT | OPTION(O_JSON), 0, ANY_ARGS},
	{"sbom", "NODE", "show what a result is made of: packages, files, sources",
	 "A software bill of materials, of the result that the recipes as they are have; nothing "
	 "is built. As a table, or as SPDX 2.3 or CycloneDX 1.6 with --format; with --output as "
	 "NAME.spdx.json and NAME.cdx.json in a directory, as 'orch build' writes them beside "
	 "bundles and disks. Packages are those in the file systems that ship, with the licences "
	 "that machine-readable copyright files declare; what steps made is there with what it was "
	 "made from.",
	 SELECT | OPTION(O_FORMAT) | OPTION(O_OUTPUT), 1, 1},
	{"verify", "ARTIFACT", "check a result against its provenance",
	 "Looks at the documents that 'orch build' has written beside it: the signature of "
	 "NAME.provenance.dsse.json by a key that is given, the file's digest and those of bills "
	 "of materials, and what a policy asks of builder, branch and commit. Of a release's "
	 "directory: all of it. Exit 0: all of it is good; 5: refused, with the reasons. It needs "
	 "no project.",
	 OPTION(O_JSON) | OPTION(O_KEY) | OPTION(O_POLICY), 1, 1, ROOT_STAYS},
	{"size", "NODE[:[OUTPUT]/PATH] [OTHER]",
	 "show what takes room in what a node made, and what grew",
	 "By package, where dpkg's lists are in the tree, and by directory. A file counts once, "
	 "however many names it has. OTHER is what it is compared with: a run ('^1', the one "
	 "before the last), or another node or file, named as the first.",
	 OPTION(O_JSON) | OPTION(O_RUN) | OPTION(O_ALL) | OPTION(O_EXIT_CODE), 1, 2},
	{"check", "", "find mistakes without building", NULL,
	 SELECT | 1u << O_JSON | 1u << O_RULES | 1u << O_AGAINST | OPTION(O_CODE_QUALITY), 0, 0},
	{"lock", "[NODE]", "resolve packages and write the lock, showing what changed",
	 "No pin moves that an archive or a pool still has. '--update' takes what is current, "
	 "'--update --from trixie-security' what that archive or suite has newer, and nothing else "
	 "but what it needs; a pin that is gone is then an error, and moves nothing. With "
	 "'--advisories' a table tells which vulnerabilities the new versions fix. What is pinned "
	 "goes into the pools of project.yaml and config.yaml, with its sources. '--layout' is "
	 "about the image of a node, which is built first: the file that its 'layout' names (else "
	 "recipes/NODE.layout) gets where everything is in it, once a release has gone out, and "
	 "later images leave there what stays.",
	 SELECT | 1u << O_JSON | 1u << O_UPDATE | OPTION(O_FROM) | OPTION(O_ADVISORIES) |
		 OPTION(O_LAYOUT),
	 0, 1},
	{"boot", "NODE", "boot an image on an emulated board",
	 "The image is copied first, and what is written to the copy is thrown away. Ctrl-A X "
	 "ends it. Without a terminal the serial line is printed, until the guest is off or 10 "
	 "minutes (times the board's time-scale) have passed.",
	 SELECT | 1u << O_JOBS | 1u << O_PROGRESS | 1u << O_BOARD | 1u << O_SLOT | 1u << O_TIMEOUT,
	 1, 1},
	{"shell", "NODE[:[OUTPUT]/PATH]",
	 "open a shell where a node's steps run, or in what it made",
	 "Of a node with steps, what it needs is built first. If its last attempt failed with the "
	 "inputs of now, the shell is in the directory that it left, else in a new one. Every step "
	 "is there as /run/orch/step-N. A node without steps (a debian tree, an image) is built "
	 "itself, and the shell is in a copy of that, which is thrown away; of a disk, in a "
	 "partition ('install:/root-a'). The exit code is that of the shell; without a terminal it "
	 "reads its commands from stdin.",
	 SELECT | 1u << O_JOBS | 1u << O_PROGRESS, 1, 1},
	{"flash", "NODE DEVICE", "write an image to a card, and read it back",
	 "DEVICE is a whole disk that nothing uses, or a file that stands for one. It asks before "
	 "it writes. On a larger card the backup of the partition table is moved to its end. With "
	 "--list it shows what could be written, and why not the rest; with NODE also what is too "
	 "small for it. With --provision several DEVICEs may follow, which are written at the same "
	 "time: each becomes the next unit of DIR/units.csv that is not done, and gets the files "
	 "of DIR/provision.yaml on its data partition, serial number and ssh host key, say. "
	 "DIR/units.jsonl keeps a line for each that was written.",
	 SELECT | OPTION(O_JSON) | OPTION(O_JOBS) | OPTION(O_PROGRESS) | OPTION(O_YES) |
		 OPTION(O_FIXED) | OPTION(O_LIST) | OPTION(O_PROVISION) | OPTION(O_UNIT),
	 0, 65, ROOT_GOES_LATER},
	{"publish", "NODE DIR", "lay packages or updates out where a web server shows them",
	 "NODE is of kind repository, and is built. DIR is the directory that consumers name as "
	 "the archive's place; other suites may be in it. Whoever reads it meanwhile sees the old "
	 "state or the new one. Packages of earlier states stay, for locks name them. Refused are "
	 "an expired state, one that is older than what DIR has, and a package that DIR has with "
	 "other bytes.\n\nWith --channel NODE is of kind bundle: it is laid out under a path that "
	 "never changes, and the channel's file, signed by the bundle's signer, tells devices that "
	 "update themselves who takes it and when (docs/channels.md). Its serial number rises each "
	 "time.",
	 SELECT | OPTION(O_JSON) | OPTION(O_JOBS) | OPTION(O_PROGRESS) | OPTION(O_CHANNEL) |
		 OPTION(O_PERCENT) | OPTION(O_HALT),
	 2, 2, .others = OPTION(O_NOT_BEFORE) | OPTION(O_EXPIRES) | OPTION(O_SERIAL)},
	{"pki", "init|crl|revoke|renew|sign-request|status [WHAT]",
	 "create keys for development, revoke and renew certificates",
	 "init: keys, certificates and the keyring below pki/; overwrites nothing. crl: adds to "
	 "the keyring a list of what is revoked for each CA that has none. revoke CERT: puts the "
	 "certificate in that file, or of that serial number, onto its CA's list. renew [NAME]: "
	 "another key and certificate for NAME.pem (else: signer). sign-request REQUEST: prints "
	 "the certificate for a key that is in a token. status: what ends when, what is revoked, "
	 "and what devices believe that have one of the --releases (else: releases/). Each signs "
	 "with the CA's key in pki/private/, or --key; what unlocks it is in ORCH_PIN, or asked "
	 "for. throwaway: a signer below pki/ that is valid at any time and that no device "
	 "believes, to pack a bundle whose key one has not.",
	 OPTION(O_CA) | OPTION(O_KEY) | OPTION(O_JSON) | OPTION(O_RELEASES), 1, 2},
	{"init", "[DIR]", "create a new project that builds",
	 "DIR is new or empty; none: the current directory. What is in it is yours: recipes, files "
	 "of the device, tests, a README, and files for CI.",
	 OPTION(O_TEMPLATE) | OPTION(O_LIST) | OPTION(O_NAME) | OPTION(O_COMPATIBLE), 0, 1,
	 ROOT_GOES_LATER, OPTION(O_ARCH)},
	{"demo", "[DIR]", "watch an update lose its power, and a broken one fall back",
	 "Makes the project of template ab-efi, with keys and locked packages, in DIR, where it "
	 "stays for the next time; none: beside the store. Builds it and starts its disk on an "
	 "emulated PC, on the terminal. Keys: u installs a good update, b one that does not come "
	 "up, x cuts the power, r reboots or switches on, s shows slots and boot environment, q "
	 "ends it. Without a terminal, or with --script, it plays by itself.",
	 OPTION(O_JOBS) | OPTION(O_PROGRESS) | OPTION(O_SCRIPT), 0, 1, ROOT_OUTSIDE},
	{"kinds", "[KIND [KEY]]", "show what recipes may say: the kinds, or the keys of one",
	 "KEY is one of its keys, or one below: 'orch kinds image contents.unpack'.", 1u << O_JSON,
	 0, 2, ROOT_STAYS},
	{"schema", "", "print the JSON Schema of recipes, for editors", NULL, 1u << O_JSON, 0, 0,
	 ROOT_STAYS},
	{"explain", "[CODE]", "say what a code of an error means, and what to do",
	 "An error ends with its code in brackets, as a finding of 'orch check' does with the name "
	 "of its rule. Without CODE: all, with class and exit code.",
	 1u << O_JSON, 0, 1, ROOT_STAYS},
	{"store", "du|gc|verify|repair", "show, prune and verify the artifact store",
	 "du: what takes how much room. gc: removes what nothing names, then, until the rest fits "
	 "the size, what was not used for the longest time. verify: hashes every blob; exit 6 "
	 "when one is damaged. repair: does the same until nothing is wrong any more; what was "
	 "damaged is built again.",
	 1u << O_JSON | 1u << O_SIZE | 1u << O_DRY_RUN, 1, 1},
	{"cache", "push|pull|prune|stats|key [TARGET...|FILE]",
	 "share results with other machines, by hand",
	 "push: stores what is built of the targets in the first cache of `remote:` in your "
	 "config.yaml. pull: brings what the caches have of them into the store. prune: removes "
	 "from a directory, until the rest fits the size, what was not used for the longest time. "
	 "stats: what is in the caches, and what this store had of them. key: makes a signing key "
	 "in FILE, unless it is there, and prints the word for `trust:`. Builds do the first two "
	 "themselves.",
	 SELECT | OPTION(O_JSON) | OPTION(O_SIZE) | OPTION(O_DRY_RUN) | OPTION(O_ONLY), 1,
	 ANY_ARGS},
	{"doctor", "", "check this machine and say how to fix what is missing", NULL, 1u << O_JSON,
	 0, 0},
	{"config", "", "print every setting, its value, and where it comes from",
	 "What is set by options, the environment, your config.yaml, and for archives of the "
	 "project by this machine's apt; the rest is as it is without them. Passwords are left "
	 "out.",
	 OPTION(O_JSON) | OPTION(O_JOBS) | OPTION(O_PROGRESS), 0, 0},
	{"convert", "genimage FILE", "write recipes that make what another tool's file describes",
	 "A recipe for each image of a configuration of genimage, into recipes/ of this directory; "
	 "what has no counterpart is listed with file and line. Images are made of what lies in "
	 "input/, file systems of root/, where genimage has them by default.",
	 0, 2, 2, ROOT_GOES_LATER},
	{"completion", "bash|zsh|fish",
	 "print what a shell reads to complete command lines of orch",
	 "bash: eval \"$(orch completion bash)\" in ~/.bashrc; zsh: the same in ~/.zshrc, after "
	 "compinit; fish: orch completion fish >~/.config/fish/completions/orch.fish. A package "
	 "of orch has done so for everybody.",
	 0, 1, 1, ROOT_STAYS},
	{"manual", "orch|orch-recipes|orch-config", "print a manual page",
	 "To read it: orch manual orch-recipes | man -l -", 0, 1, 1, ROOT_STAYS},
	{"help", "[COMMAND]", "show this list, or the options of a command", NULL, 0, 0, 1,
	 ROOT_STAYS},
	{NULL},
};

const struct command *command_find(const char *name)
{
	for (const struct command *cmd = commands; cmd->name; cmd++) {
		if (str_eq(cmd->name, name))
			return cmd;
	}
	return NULL;
}

/* mkfs and friends live in sbin, which an ordinary user's PATH leaves out. */
static void extend_path(void)
{
	const char *old = getenv("PATH");
	char *path cleanup_free =
		xasprintf("%s:/usr/sbin:/sbin", old && *old ? old : "/usr/bin:/bin");

	setenv("PATH", path, 1);
}

/* The first row that fits: those with an argument stand before the command's own. */
static const struct command_run *find_run(const struct program *p, const struct cli *c)
{
	for (const struct command_run *r = p->runs; r->name; r++) {
		const char *rest = str_skip(r->name, c->command->name);

		if (!rest || (*rest && *rest != ' '))
			continue;
		if (!*rest || (c->args.count && str_eq(c->args.items[0], rest + 1)))
			return r->run ? r : NULL;
	}
	return NULL;
}

/* GitHub's runner names it, and it is the runner's: an own id could not open it. */
static void open_step_summary(struct cli *c)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");

	if (path && *path && ui_ci() == CI_GITHUB && (c->command->options & OPTION(O_SUMMARY)))
		c->step_summary = open(path, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
}

/* Where the command has ended, whatever came of it. */
static int write_findings(const struct cli *c, int code)
{
	const struct session s = {.cli = c};
	struct err *err = NULL;
	int other = c->code_quality && findings_write(c, &err) < 0 ? cli_fail(&s, err) : 0;

	return code ? code : other;
}

static int run(struct cli *c, int argc, char **argv, const struct program *program)
{
	const struct session s = {.cli = c};
	/* Parsing moves options to the front, where another parser would read them otherwise. */
	char **moved cleanup_free = xmemdup(argv, ((size_t)argc + 1) * sizeof(*argv));
	const struct command_run *command;
	struct err *err = NULL;
	int code;

	if (complete_asked(argc, argv, &code))
		return code;
	if (cli_parse(c, argc, moved, &err))
		return cli_fail(&s, err);
	if (c->version) {
		printf("orch %s\n", orch_version);
		return 0;
	}
	if (c->help) {
		cli_help(c->command, stdout);
		return 0;
	}
	command = find_run(program, c);
	if (!command) {
		program->hand_over(argv, &err);
		return cli_fail(&s, err);
	}
	pin_take();
	if (c->dir && chdir(c->dir) < 0) {
		err_errno(&err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'", c->dir);
		return cli_fail(&s, err);
	}
	open_step_summary(c);
	if (c->command->root <= ROOT_OUTSIDE && act_as_owner(c, &err))
		return cli_fail(&s, err);
	return write_findings(c, command->run(c));
}

/* Output that could not be written is a failure even if everything else went well. */
static int flush_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	perror("orch: cannot write the output");
	return code ? code : err_exit_code(ERR_RESOURCE);
}

int cli_main(int argc, char **argv, const struct program *program)
{
	struct findings findings = {0};
	struct cli c = {.findings = &findings, .step_summary = -1};
	int code;

	/* What is made here decides what is built: others never write to it, whatever the umask. */
	umask(umask(0) | S_IWOTH);
	trace_init();
	json_set_alloc_funcs(xmalloc, free);
	extend_path();
	code = run(&c, argc, argv, program);
	cli_release(&c);
	return flush_output(code);
}
