/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind repository: a signed package repository, made of packages. */
#include <stdlib.h>

#include "kinds/deb_inputs.h"
#include "kinds/debian/debian.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/repository/repository_opts.h"
#include "kinds/signing_tool.h"
#include "recipe/recipe.h"

#define AT(field) offsetof(struct repository_opts, field)
static const struct option repository_options[] = {
	{"packages", OPT_REF, AT(packages), OPT_LIST | OPT_REQUIRED, .accept = DEB_INPUTS_ACCEPT,
	 .help = "Debian packages that it offers: files or directories of the project, outputs of "
		 "nodes. Of one package several versions may be there.",
	 .example = "[edge-app, \"u-boot:uboot.deb\", debs/]"},
	{"suite", OPT_STRING, AT(suite), OPT_NAME | OPT_REQUIRED,
	 .help = "Name of the suite, under which consumers ask for it.", .example = "stable"},
	{"component", OPT_STRING, AT(component), OPT_NAME, .def = "main",
	 .help = "Name of its component."},
	{"architectures", OPT_STRING, AT(architectures), OPT_LIST | OPT_NAME,
	 .help = "Architectures of consumers; default: those of the packages.",
	 .example = "[amd64, arm64]"},
	{"origin", OPT_STRING, AT(origin), OPT_NAME,
	 .help = "Whose it is, for apt's preferences; default: the project's name.",
	 .example = "acme"},
	{"valid-for", OPT_STRING, AT(valid_for), OPT_REQUIRED,
	 .help = "How long after its date consumers believe it, in days (d), weeks (w) or hours "
		 "(h): nobody can show them an old state for longer.",
	 .example = "180d"},
	{"date", OPT_STRING, AT(date),
	 .help = "When this state was made, 2026-01-31 or 2026-01-31T12:00:00Z; default: the "
		 "newest date of the locks behind the packages. A later one makes it valid for "
		 "longer.",
	 .example = "2026-01-31"},
	{"sign", OPT_REF, AT(sign), OPT_REQUIRED, .accept = ACCEPT_SIGNER,
	 .help = "Who signs it: a node of kind pki with 'type: openpgp'.", .example = "repo-key"},
	{"tools", OPT_REF, AT(tools), .accept = ACCEPT_TREE,
	 .help = "Tree whose gpg signs and whose xz compresses, in the sandbox: a debian node "
		 "without overlay (packages gpg, gpg-agent, xz-utils), for its gpg reads the key. "
		 "Without it this host's do.",
	 .example = "tools"},
};
#undef AT

/* Longer than any device lives. */
#define SPAN_MAX (100 * 365 * 24 * 3600ull)

int repository_span(const char *text, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'h', 3600}, {'d', 24 * 3600}, {'w', 7 * 24 * 3600}};
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || !n || n > SPAN_MAX || !end[0] || end[1])
		return 1;
	for (size_t i = 0; i < array_len(units); i++)
		if (*end == units[i].unit) {
			*ret = n * units[i].seconds;
			return *ret > SPAN_MAX;
		}
	return 1;
}

int repository_date(const struct repository_opts *o, uint64_t lock_date, uint64_t *ret)
{
	*ret = lock_date;
	return o->date ? times_parse(o->date, ret) : !lock_date;
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct repository_opts *o = data;
	uint64_t n;

	if (repository_span(o->valid_for, &n) != 0)
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "valid-for")->pos,
			    "'%s' is not a span of time: a number with d (days), w (weeks) or h "
			    "(hours), as in 180d",
			    o->valid_for);
	if (o->date && times_parse(o->date, &n) != 0)
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "date")->pos,
			    "'%s' is not a date as in 2026-01-31 or 2026-01-31T12:00:00Z", o->date);
	if (!o->packages.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "packages"),
			    "a repository needs at least one package");
	for (size_t i = 0; i < o->architectures.count; i++)
		if (str_eq(LIST_AT(o->architectures, const char *, i), "all"))
			err_list_at(errors, E_INVALID_VALUE,
				    debian_item_pos(map, "architectures", i),
				    "'all' is for packages: name the architectures of consumers");
}

static const struct schema repository_schema =
	SCHEMA(struct repository_opts, repository_options, .check = check_options);

/* The recipe that `sign` names, or NULL; a reference may name an output, too. */
static const struct recipe *signer_of(const struct kind_ctx *ctx)
{
	const char *sign = ((const struct repository_opts *)ctx->opts)->sign->text;

	return map_get(&ctx->project->recipes, arena_strndup(ctx->arena, sign, strcspn(sign, ":")));
}

static void repository_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct repository_opts *o = ctx->opts;
	const struct recipe *signer = signer_of(ctx);

	signing_tool_check(ctx, o->tools, "gpg", errors);
	if (signer && signer->opts && !pki_is_openpgp(signer))
		err_list_at(errors, E_WRONG_KIND, o->sign->pos,
			    "apt verifies OpenPGP, and '%s' is not a node of kind pki with 'type: "
			    "openpgp'",
			    o->sign->text);
}

static void repository_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct recipe *signer = signer_of(ctx);

	if (signer && signer->kind == &kind_pki)
		pki_miss_key(signer, errors);
}

static void repository_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){REPOSITORY_OUTPUT, OUTPUT_TREE});
}

static void repository_tools(const void *opts, struct strs *ret)
{
	if (((const struct repository_opts *)opts)->tools) /* the tree's digest names them */
		return;
	strs_push(ret, "gpg");
	strs_push(ret, "xz");
}

static bool repository_dated(const void *opts)
{
	return !((const struct repository_opts *)opts)->date;
}

static bool repository_named(const void *opts)
{
	return !((const struct repository_opts *)opts)->origin;
}

const struct kind kind_repository = {
	.name = "repository",
	.summary = "a signed package repository, for any web server",
	.manual = "A tree as Debian's archives are: pool/ with the packages, and dists/SUITE/ with "
		  "InRelease, Release, Release.gpg and, for each architecture, Packages, "
		  "Packages.xz and both by their digest. 'orch publish NODE DIR' lays it out in a "
		  "directory that a web server shows, so that nobody ever sees half of it.\n"
		  "\n"
		  "Equal packages, date and key give equal bytes. The 'keyring' of the pki node is "
		  "what consumers trust: another project names it under 'archives' of its "
		  "project.yaml, and takes the packages as any others, in a lock.\n"
		  "\n"
		  "A state is believed from its date on for 'valid-for'. When it is about to end, "
		  "give it another 'date' and publish it again; 'orch check' tells it before.",
	.version = 1,
	.usual_s = 3,
	.schema = &repository_schema,
	.outputs = repository_outputs,
	.check = repository_check,
	.missing = repository_missing,
	.tools = repository_tools,
	.dated = repository_dated,
	.named = repository_named,
};
