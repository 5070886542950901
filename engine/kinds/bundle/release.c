/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind release: what leaves the house under a version. The node itself makes the text that says
 * what a release is; `orch build` then lays out its directory (cli/release_dir.h). What is not fit
 * to ship the rules of check/rules_release.c refuse.
 */
#include "base/path.h"
#include "kinds/bundle/release_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/kinds.h"
#include "recipe/facts.h"
#include "recipe/recipe.h"

#define AT(field) offsetof(struct release_opts, field)
#define SHIPPED_HELP "what was released before is of kind 'shipped'"

static const struct option release_options[] = {
	{"version", OPT_STRING, AT(version), OPT_NAME,
	 .help = "Its name in `in`; the project's version without it.", .example = "1.2.0"},
	{"bundle", OPT_REF, AT(bundle), OPT_REQUIRED, .accept = ACCEPT_FILE,
	 .help = "The update: a node of kind `bundle`.", .example = "bundle"},
	{"card", OPT_REF, AT(card), OPT_REQUIRED, .accept = ACCEPT_IMAGE,
	 .help = "What is written to a new device: a node of kind `disk`.", .example = "install"},
	{"device", OPT_STRING, AT(device),
	 .help = "The node of kind `device` whose promises it keeps; one in a project needs no "
		 "naming.",
	 .example = "device"},
	{"notes", OPT_REF, AT(notes), .accept = ACCEPT_PATH | ACCEPT_FILE,
	 .help = "What has changed, for people: a file.", .example = "NEWS.md"},
	{"in", OPT_STRING, AT(in), OPT_UNKEYED, .def = "releases",
	 .help = "Directory of the project in which the release gets one of its own, called after "
		 "its version.",
	 .example = "releases"},
	{"tested-by", OPT_REF, AT(tested_by), OPT_LIST, .accept = ACCEPT_FILE,
	 .help = "Verdicts without which there is no release, beside those that the bundle asks "
		 "for.",
	 .example = "tests/upgrade:verdict.json"},
	{"at", OPT_GONE, 0, .help = SHIPPED_HELP},
	{"install", OPT_GONE, 0, .help = SHIPPED_HELP},
};
static const struct schema release_schema = SCHEMA(struct release_opts, release_options);

#define RELEASE_FACT "device"
static const struct fact_help fact_help[] = {
	{RELEASE_FACT, "What is promised to devices that get it: their " DEVICE_OUTPUT "."},
	{NULL, NULL},
};

static enum fact_result fact(struct facts *f, const struct recipe *r, const char *name,
			     struct str *ret)
{
	return str_eq(name, RELEASE_FACT) ? device_of_recipe(f, r, ret) : FACT_UNKNOWN;
}

static void fact_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	strs_push(ret, RELEASE_FACT);
}

static void release_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){RELEASE_OUTPUT, OUTPUT_FILE});
	output_specs_push(ret, (struct output_spec){DEVICE_OUTPUT, OUTPUT_FILE});
}

static void check_part(const struct kind_ctx *ctx, const struct ref *ref, const struct kind *wanted,
		       struct err_list *errors)
{
	const char *name = arena_strndup(ctx->arena, ref->text, strcspn(ref->text, ":"));
	const struct recipe *r = map_get(&ctx->project->recipes, name);

	if (str_skip(name, "tests/"))
		err_list_at(errors, E_WRONG_KIND, ref->pos,
			    "'%s' is of tests, which may be wrong on purpose: a release ships none",
			    ref->text);
	else if (r && r->kind != wanted)
		err_list_at(errors, E_WRONG_KIND, ref->pos, "'%s' is not a node of kind %s",
			    ref->text, wanted->name);
}

static void check_device(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct release_opts *o = ctx->opts;
	struct str why cleanup_str = STR_INIT;
	struct pos pos = o->device ? yaml_key_pos(ctx->map, "device") : ctx->map->pos;

	if (device_is_missing(ctx, o->device, &why))
		err_list_at(errors, E_DEVICE_UNKNOWN, pos,
			    "a release says what devices it is for, and %s", why.buf);
}

/* A directory's name, and one that no directory has while it is laid out. */
static void check_version(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct release_opts *o = ctx->opts;
	const char *version = o->version ? o->version : ctx->project->version;

	if (!version)
		err_list_at(errors, E_MISSING_KEY, ctx->map->pos,
			    "a release has a version: give it here, or 'version' in project.yaml");
	else if (!name_valid(version) || *version == '.')
		err_list_at(errors, E_INVALID_VALUE,
			    o->version ? yaml_key_pos(ctx->map, "version") : ctx->map->pos,
			    "a release is a directory that is called after its version, and '%s' "
			    "cannot be one: letters, digits and ._+-, and no '.' first",
			    version);
}

/* Where a release would become part of the next one, or of what is no file of the project. */
static bool is_anothers(const char *in)
{
	static const char *const dirs[] = {"recipes", ".git", "out"};

	for (size_t i = 0; i < array_len(dirs); i++) {
		const char *rest = str_skip(in, dirs[i]);

		if (rest && (!*rest || *rest == '/'))
			return true;
	}
	return false;
}

static void release_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct release_opts *o = ctx->opts;
	const char *why;

	check_part(ctx, o->bundle, &kind_bundle, errors);
	check_part(ctx, o->card, &kind_disk, errors);
	check_device(ctx, errors);
	check_version(ctx, errors);
	if (!path_is_project(o->in, &why))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(ctx->map, "in"),
			    "'%s' is not a directory of the project: it %s", o->in, why);
	else if (is_anothers(o->in))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(ctx->map, "in"),
			    "'%s' has other uses: name a directory for releases alone", o->in);
}

static bool release_versioned(const void *opts)
{
	return !((const struct release_opts *)opts)->version;
}

const struct kind kind_release = {
	.name = "release",
	.summary = "what leaves the house under a version, in a directory of its own",
	.manual =
		"'orch build' lays out IN/VERSION/, which never changes again: bundle.raucb, "
		"install.img and its other formats, their bills of materials and provenance, "
		"release.json, device.json, the keyring, the notes, the verdicts, and the project "
		"as it was committed. SHA256SUMS has all of it.\n"
		"\n"
		"There is no release with keys that 'orch pki init' made, of what no test has "
		"started, of changes that no commit has, of what programs of the building machine "
		"shaped (name a tree in 'tools'), or of a version that IN has with other bytes.",
	.version = 1,
	.usual_s = 10,
	.schema = &release_schema,
	.outputs = release_outputs,
	.fact_help = fact_help,
	.fact = fact,
	.fact_names = fact_names,
	.input_fact = RELEASE_FACT,
	.check = release_check,
	.versioned = release_versioned,
	.named = kind_always,
};
