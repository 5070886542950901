/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind budget: what a result may weigh, and what an update may cost. budget_run.c measures; the
 * verdict says how much is left, so that a limit is seen coming.
 */
#include "kinds/policy/budget_opts.h"

#include "kinds/kinds.h"
#include "kinds/verdict.h"

#define AT(field) offsetof(struct budget_opts, field)
static const struct option budget_options[] = {
	{"of", OPT_REF, AT(of), .accept = ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE,
	 .help = "What must not grow: a tree, an image, a disk, a bundle, any output.",
	 .example = "root"},
	{"size", OPT_SIZE, AT(size), OPT_POSITIVE,
	 .help = "Bytes it may have as a file; of a tree, its files in all.", .example = "600M"},
	{"files", OPT_SIZE, AT(files), OPT_POSITIVE,
	 .help = "Bytes that its files may have in all, as `orch size` sums them up: in a disk or "
		 "bundle, those of each of its file systems.",
	 .example = "450M"},
	{"parts", OPT_DICT, AT(parts),
	 .help = "The same for one partition of a disk, or one image of a bundle, by its name in "
		 "`orch image ls`.",
	 .example = "{root-a: 450M, boot: 40M}"},
	{"packages", OPT_DICT, AT(packages),
	 .help = "Bytes of the files of a package, in each of its file systems.",
	 .example = "{linux-image-arm64: 120M}"},
	{"directories", OPT_DICT, AT(directories),
	 .help = "Bytes of the files below a directory, in each of its file systems.",
	 .example = "{/usr/share: 60M}"},
	{"from", OPT_REF, AT(from), .accept = ACCEPT_NODE | ACCEPT_FILE | ACCEPT_IMAGE,
	 .help = "What devices have: a previous release, or a bundle or image.",
	 .example = "shipped/1.0.0"},
	{"to", OPT_REF, AT(to), .accept = ACCEPT_FILE | ACCEPT_IMAGE,
	 .help = "What they are updated to: a bundle, or an image.", .example = "bundle"},
	{"fetch", OPT_SIZE, AT(fetch), OPT_POSITIVE,
	 .help = "Bytes that an adaptive update may fetch, before they are compressed: blocks of "
		 "4 KiB that the device has nowhere, and the index.",
	 .example = "8M"},
	{"write", OPT_SIZE, AT(write), OPT_POSITIVE,
	 .help = "Bytes that it may write: blocks that differ where they are.", .example = "32M"},
};
#undef AT

static void check_sizes(const struct list *pairs, struct err_list *errors)
{
	uint64_t size;

	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *p = LIST_AT(*pairs, struct pair *, i);

		if (size_parse(p->value, &size) || !size)
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "'%s' is not a size like 64M, of 1 byte or more", p->value);
	}
}

static void check_paths(const struct list *directories, struct err_list *errors)
{
	for (size_t i = 0; i < directories->count; i++) {
		const struct pair *p = LIST_AT(*directories, struct pair *, i);

		if (*p->key != '/')
			err_list_at(errors, E_INVALID_PATH, p->pos, "'%s' is not an absolute path",
				    p->key);
	}
}

static bool has_sizes(const struct budget_opts *o)
{
	return o->size || o->files || o->parts.count || o->packages.count || o->directories.count;
}

static void check_pair(bool one, bool other, const char *key, const char *missing,
		       const struct yaml *map, struct err_list *errors)
{
	if (one && !other)
		err_list_at(errors, E_MISSING_KEY, yaml_key_pos(map, key), "'%s' needs %s", key,
			    missing);
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct budget_opts *o = data;
	bool update = o->from || o->to;

	check_sizes(&o->parts, errors);
	check_sizes(&o->packages, errors);
	check_sizes(&o->directories, errors);
	check_paths(&o->directories, errors);
	if (!o->of && !update)
		err_list_at(errors, E_MISSING_KEY, map->pos,
			    "a budget is of something: 'of' for sizes, 'from' and 'to' for an "
			    "update");
	check_pair(o->of, has_sizes(o), "of",
		   "a limit: 'size', 'files', 'parts', 'packages' or 'directories'", map, errors);
	if (!o->of && has_sizes(o))
		err_list_at(errors, E_MISSING_KEY, map->pos, "limits of sizes need 'of'");
	check_pair(o->from, o->to, "from", "'to'", map, errors);
	check_pair(o->to, o->from, "to", "'from'", map, errors);
	check_pair(o->from, o->fetch || o->write, "from", "a limit: 'fetch' or 'write'", map,
		   errors);
	check_pair(o->fetch, update, "fetch", "'from' and 'to'", map, errors);
	check_pair(o->write, update, "write", "'from' and 'to'", map, errors);
}

static const struct schema budget_schema =
	SCHEMA(struct budget_opts, budget_options, .check = check);

static void budget_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){VERDICT_OUTPUT, OUTPUT_FILE});
}

const struct kind kind_budget = {
	.name = "budget",
	.summary = "a verdict: what a result may weigh, what an update may fetch and write",
	.manual =
		"Measures what `of` names, or the way from `from` to `to`, against each limit that "
		"is given, and fails with all that are exceeded and what is largest there. A "
		"bundle that names it in `tested-by` is made only within the budget.\n\n"
		"The output, verdict.json, has each limit with what was measured and what is left.",
	.version = 2,
	.usual_s = 3,
	.named = kind_always,
	.at_home = kind_always,
	.schema = &budget_schema,
	.outputs = budget_outputs,
};
