/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind run: files from commands that see their declared inputs and nothing else. */
#include "kinds/run/run_opts.h"

#include "kinds/kinds.h"
#include "kinds/run/build_cache.h"
#include "kinds/run/step.h"
#include "kinds/run/step_env.h"
#include "kinds/tree/content.h"

enum share { SHARE_AUTO, SHARE_YES, SHARE_NO };
static const char *const share_words[] = {
	[SHARE_AUTO] = "auto", [SHARE_YES] = "true", [SHARE_NO] = "false", NULL};
static const char *const root_words[] = {"host", NULL};

#define AT(field) offsetof(struct run_opts, field)
static const struct option run_options[] = {
	{"root", OPT_REF, AT(root), .accept = ACCEPT_TREE, .def = "host", .words = root_words,
	 .help = "Tree that is the root file system of the steps; 'host' takes this machine's "
		 "programs, and the files of /etc that those need, and is not hermetic.",
	 .example = "toolchain"},
	{"emulator", OPT_REF, AT(emulator), .accept = ACCEPT_TREE,
	 .help = "Tree with qemu-user for a root of a foreign architecture; without it this "
		 "machine's emulator is used.",
	 .example = "toolchain"},
	{"inputs", OPT_REF, AT(inputs), OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE |
		   ACCEPT_NODE | ACCEPT_TEMPLATE,
	 .help = "Files, directories and nodes that appear read-only in the working directory, "
		 "under their own names; a template appears filled.",
	 .example = "[custom_build/app, u-boot, \"base:/etc/os-release\"]"},
	{"run", OPT_STEP, AT(steps), OPT_LIST,
	 .help = "Steps, run in this order in the working directory: a text is a /bin/sh -e "
		 "script, a list is a program and its arguments.",
	 .example = "[sh custom_build/app/build.sh]"},
	{"env", OPT_DICT, AT(env), OPT_VALUE, .help = STEP_ENV_HELP, .example = STEP_ENV_EXAMPLE},
	{"outputs", OPT_STRING, AT(outputs), OPT_LIST | OPT_NAME,
	 .help = "Names of the files to take from the working directory; *.tar is a tree, *.img an "
		 "image.",
	 .example = "[app.deb]"},
	{"tools", OPT_STRING, AT(tools), OPT_LIST | OPT_NAME,
	 .help = "With root host: further programs by whose bytes it is decided whether to run "
		 "again.",
	 .example = "[gcc, make]"},
	{"cache", OPT_STRING, AT(cache), OPT_NAME | OPT_UNKEYED, .help = BUILD_CACHE_HELP,
	 .example = "ccache"},
	{"share", OPT_ENUM, AT(share), OPT_UNKEYED, .words = share_words, .def = "auto",
	 .help = "Whether the result may come from a shared cache and go there; auto: not with "
		 "root host, whose programs are of this machine."},
	{"nested", OPT_BOOL, AT(nested), .def = "false",
	 .help = "Steps may make mounts and namespaces of their own, as programs that build trees "
		 "do; 'orch check' names the node."},
	{"cpus", OPT_INT, AT(cpus), OPT_UNKEYED | OPT_POSITIVE, .def = "1",
	 .help = "CPUs that the steps keep busy, for the scheduler."},
	{"memory", OPT_SIZE, AT(memory), OPT_UNKEYED, .def = "0",
	 .help = "Memory that a step may hold, files in /tmp and /run included, and that the "
		 "scheduler keeps free for it; 0: three quarters of the machine's, and none is "
		 "kept free.",
	 .example = "2G"},
	{"scratch", OPT_SIZE, AT(scratch), OPT_UNKEYED, .def = "0",
	 .help = "Bytes that a step may write to the working directory, and to /tmp; 0: three "
		 "quarters of what is free on the disk.",
	 .example = "10G"},
	{"timeout", OPT_INT, AT(timeout), OPT_UNKEYED | OPT_POSITIVE, .def = "7200",
	 .help = "Seconds after which the node is stopped."},
	PLATFORM_OPTION(struct run_opts),
};

bool run_on_host(const struct run_opts *o)
{
	return o->root->type == REF_WORD;
}

bool run_shared(const void *opts)
{
	const struct run_opts *o = opts;

	return o->share == SHARE_YES || (o->share == SHARE_AUTO && !run_on_host(o));
}

/* All that run_run.c sets is set everywhere. */
static const char *const no_own_env[] = {NULL};

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct run_opts *o = data;
	const struct yaml *outputs = yaml_get(map, "outputs"), *tools = yaml_get(map, "tools");

	for (size_t i = 0; i < o->outputs.count; i++) {
		for (size_t j = 0; j < i; j++) {
			const char *name = LIST_AT(o->outputs, const char *, i);

			if (str_eq(name, LIST_AT(o->outputs, const char *, j)))
				err_list_at(errors, E_DUPLICATE_NAME, outputs->pos,
					    "output '%s' is named twice", name);
		}
	}
	if (o->env.count && !o->steps.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "env"),
			    "'env' is for the steps of 'run'");
	step_env_check(&o->env, no_own_env, errors);
	if (tools && !run_on_host(o))
		err_list_at(errors, E_CONFLICTING_KEYS, tools->pos,
			    "tools are for root 'host': a tree has its own, and its "
			    "digest names them");
}

static const struct schema run_schema =
	SCHEMA(struct run_opts, run_options, .check = check_options);

static void run_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct run_opts *o = ctx->opts;

	for (size_t i = 0; i < o->outputs.count; i++) {
		const char *name = LIST_AT(o->outputs, const char *, i);

		output_specs_push(ret, (struct output_spec){name, output_type_of_name(name)});
	}
}

static struct demand run_demand(const void *opts)
{
	const struct run_opts *o = opts;

	return (struct demand){.cpus = (unsigned)o->cpus,
			       .memory_mb = (unsigned)(o->memory >> 20),
			       .timeout_s = (unsigned)o->timeout};
}

static bool at_home(const void *opts)
{
	return run_on_host(opts);
}

static void add_tool(struct strs *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (str_eq(v->items[i], name))
			return;
	}
	strs_push(v, name);
}

/*
 * What looks into images for inputs; on the host also the programs that the steps name, as far as
 * the recipe tells.
 */
static void run_tools(const void *opts, struct strs *ret)
{
	const struct run_opts *o = opts;

	for (size_t i = 0; i < o->inputs.count; i++) {
		const struct ref *ref = LIST_AT(o->inputs, struct ref *, i);

		if (ref->inside)
			content_tool_of(ref, ret);
	}
	if (!run_on_host(o))
		return;
	for (size_t i = 0; i < o->steps.count; i++) {
		const struct step *s = LIST_AT(o->steps, struct step *, i);

		if (s->script)
			add_tool(ret, "sh");
		else if (!strchr(s->argv.items[0], '/'))
			add_tool(ret, s->argv.items[0]);
	}
	for (size_t i = 0; i < o->tools.count; i++)
		add_tool(ret, LIST_AT(o->tools, const char *, i));
}

const struct kind kind_run = {
	.name = "run",
	.summary = "files, from commands that see only their declared inputs",
	.manual = "Each step runs in a sandbox of its own: user, mount, process and network "
		  "namespaces, no network, a fixed environment (PATH, LC_ALL, TZ, HOME, "
		  "SOURCE_DATE_EPOCH and 'env'; umask 022), a fresh /tmp. Mounts and namespaces of "
		  "their own they may make with 'nested' alone. What the steps share is the "
		  "working directory. Inputs appear in it, read-only: a project path under its "
		  "path, a node under its name (a file when it has one output, else a "
		  "directory), node:output under the output's name, node:/path under the last "
		  "part of the path. Outputs are regular files that the steps leave in it. "
		  "Without steps nothing is started. Where this user cannot create namespaces "
		  "the steps run in a QEMU guest, to the same bytes; `root: host` then does not "
		  "work.",
	.version = 2,
	.usual_s = 20,
	.has_shell = true,
	.shared = run_shared,
	.schema = &run_schema,
	.outputs = run_outputs,
	.demand = run_demand,
	.tools = run_tools,
	.tools_named = true,
	.at_home = at_home,
	.platform_at = offsetof(struct run_opts, platform),
};
