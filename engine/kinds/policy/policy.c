/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind policy: what must never ship, as a verdict. Each key is a rule, its value what is allowed;
 * policy_run.c applies them.
 */
#include "kinds/policy/policy_opts.h"

#include <stdio.h>
#include <time.h>

#include "kinds/kinds.h"
#include "kinds/verdict.h"
#include "recipe/recipe.h"

const char *const policy_words[POLICY_RULES + 1] = {
	[POLICY_ANY] = "any",
	[POLICY_SETUID] = "setuid",
	[POLICY_WORLD_WRITABLE] = "world-writable",
	[POLICY_PRIVATE_KEYS] = "private-keys",
	[POLICY_LICENCES] = "licences",
	[POLICY_CERTIFICATES] = "certificates",
	[POLICY_SYMBOLS] = "debug-symbols",
	[POLICY_IGNORE] = "ignore",
};
static const char *const ignorable[] = {
	"any",      "setuid",       "world-writable", "private-keys",
	"licences", "certificates", "debug-symbols",  NULL,
};

#define AT(field) offsetof(struct policy_licences, field)
static const char *const unknown_words[] = {"refuse", "allow", NULL};
static const struct option licence_options[] = {
	{"allow", OPT_STRING, AT(allow), OPT_REQUIRED | OPT_LIST,
	 .help = "SPDX identifiers, with * and ?; of an OR one is enough, of an AND all are "
		 "needed. What SPDX has no name for is LicenseRef-Debian-NAME-*.",
	 .example = "[MIT, BSD-*, Apache-2.0, GPL-2.0-*, LGPL-*]"},
	{"unknown", OPT_ENUM, AT(unknown), .def = "refuse", .words = unknown_words,
	 .help = "Packages whose copyright file is not machine-readable, and licences that SPDX "
		 "has no name for; the verdict lists what was allowed."},
};
#undef AT
static const struct schema licence_schema = SCHEMA(struct policy_licences, licence_options);

#define AT(field) offsetof(struct policy_certificates, field)
static const struct option certificate_options[] = {
	{"paths", OPT_STRING, AT(paths), OPT_REQUIRED | OPT_LIST | OPT_ABSPATH,
	 .help = "Files of certificates (PEM), as patterns like those of `remove`.",
	 .example = "[/etc/rauc/*.pem]"},
	{"until", OPT_STRING, AT(until), OPT_REQUIRED,
	 .help = "The month, or day, to the end of which each of them must be valid.",
	 .example = "${device#support-until}"},
};
#undef AT
static const struct schema certificate_schema =
	SCHEMA(struct policy_certificates, certificate_options);

#define AT(field) offsetof(struct policy_symbols, field)
static const struct option symbol_options[] = {
	{"in", OPT_REF, AT(in), OPT_REQUIRED | OPT_LIST,
	 .accept = ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE,
	 .help = "Where they are kept: trees, images, .debs; as files below "
		 "/usr/lib/debug/.build-id, or as ELF files with debug information anywhere.",
	 .example = "[debug, \"app:app-dbgsym.deb\"]"},
	{"paths", OPT_STRING, AT(paths), OPT_LIST | OPT_ABSPATH,
	 .help = "The programs and libraries that need them; without it all.",
	 .example = "[/usr/bin/*, /opt/**]"},
};
#undef AT
static const struct schema symbol_schema = SCHEMA(struct policy_symbols, symbol_options);

#define AT(field) offsetof(struct policy_ignored, field)
static const struct option ignored_options[] = {
	{"path", OPT_STRING, AT(path), OPT_REQUIRED | OPT_ABSPATH,
	 .help = "The file it is about, as a pattern.", .example = "/usr/bin/sudo"},
	{"rule", OPT_ENUM, AT(rule), .def = "any", .words = ignorable,
	 .help = "The rule it breaks; without it any."},
	{"node", OPT_STRING, AT(node), .help = "The node it is in; without it any.",
	 .example = "root"},
	{"why", OPT_STRING, AT(why), OPT_REQUIRED,
	 .help = "The reason, for those who read it later; the verdict repeats it."},
	{"until", OPT_STRING, AT(until),
	 .help = "The last day of it; after that the node is refused.", .example = "2027-06-30"},
};
#undef AT
static const struct schema ignored_schema = SCHEMA(struct policy_ignored, ignored_options);

#define AT(field) offsetof(struct policy_opts, field)
static const struct option policy_options[] = {
	{"of", OPT_REF, AT(of), OPT_REQUIRED | OPT_LIST,
	 .accept = ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE,
	 .help = "What is looked at: trees, images, disks, bundles; of other files their keys and "
		 "certificates alone.",
	 .example = "[root, boot]"},
	{"setuid", OPT_STRING, AT(setuid), OPT_LIST | OPT_ABSPATH,
	 .help = "Files that may have a set-user-ID or set-group-ID bit or file capabilities, as "
		 "patterns like those of `remove`; no others may. [] allows none.",
	 .example = "[/usr/bin/sudo, /usr/bin/ping]"},
	{"world-writable", OPT_STRING, AT(world_writable), OPT_LIST | OPT_ABSPATH,
	 .help = "Files that everybody may write, and directories without a sticky bit.",
	 .example = "[]"},
	{"private-keys", OPT_STRING, AT(private_keys), OPT_LIST | OPT_ABSPATH,
	 .help = "Files that may hold private keys; programs are not looked into.",
	 .example = "[]"},
	{"licences", OPT_STRUCT, AT(licences), .sub = &licence_schema,
	 .help = "What the machine-readable copyright files of packages may name.",
	 .example = "{allow: [MIT, GPL-2.0-*], unknown: refuse}"},
	{"certificates", OPT_STRUCT, AT(certificates), .sub = &certificate_schema,
	 .help = "How long certificates must be valid.",
	 .example = "{paths: [/etc/rauc/*.pem], until: \"${device#support-until}\"}"},
	{"debug-symbols", OPT_STRUCT, AT(symbols), .sub = &symbol_schema,
	 .help = "That what ships can be debugged: for each ELF file the debug information of its "
		 "build-id.",
	 .example = "{in: [debug], paths: [/usr/bin/*]}"},
	{"ignore", OPT_STRUCT, AT(ignore), OPT_LIST | OPT_PLACED, .sub = &ignored_schema,
	 .help = "What breaks a rule, and somebody answers for; an entry that ignores nothing is "
		 "an error.",
	 .example = "[{path: /usr/bin/su, why: \"for technicians\", until: 2027-06-30}]"},
};
#undef AT

int policy_until(const char *until, uint64_t *ret)
{
	struct tm tm = {.tm_mday = 1};
	char more;

	if (sscanf(until, "%4d-%2d%c", &tm.tm_year, &tm.tm_mon, &more) == 2 &&
	    strlen(until) == strlen("2032-12") && tm.tm_mon >= 1 && tm.tm_mon <= 12) {
		tm.tm_year -= 1900; /* and the number of a month counts from 0: it is the next */
		*ret = (uint64_t)timegm(&tm);
		return 0;
	}
	return until_parse(until, ret);
}

static bool has_rule(const struct policy_opts *o)
{
	return o->setuid.items || o->world_writable.items || o->private_keys.items || o->licences ||
	       o->certificates || o->symbols;
}

static void check(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct policy_opts *o = data;
	uint64_t end;

	if (!o->of.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "of"),
			    "'of' names nothing to look at");
	if (!has_rule(o))
		err_list_at(errors, E_MISSING_KEY, map->pos,
			    "a policy needs a rule: 'setuid', 'world-writable', 'private-keys', "
			    "'licences', 'certificates' or 'debug-symbols'");
	if (o->certificates && policy_until(o->certificates->until, &end))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "certificates"),
			    "'until' is a month like 2032-12, or a day, found '%s'",
			    o->certificates->until);
	for (size_t i = 0; i < o->ignore.count; i++) {
		const struct policy_ignored *g = LIST_AT(o->ignore, struct policy_ignored *, i);

		if (until_parse(g->until, &end))
			err_list_at(errors, E_INVALID_VALUE, g->pos,
				    "'until' is a day like 2027-06-30, found '%s'", g->until);
	}
}

static const struct schema policy_schema =
	SCHEMA(struct policy_opts, policy_options, .check = check);

/* Of each build, be the verdict cached or not. */
static void policy_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct policy_opts *o = ctx->opts;
	uint64_t end, now = (uint64_t)time(NULL);

	for (size_t i = 0; i < o->ignore.count; i++) {
		const struct policy_ignored *g = LIST_AT(o->ignore, struct policy_ignored *, i);

		if (until_parse(g->until, &end) == 0 && now >= end)
			err_list_at(errors, E_IGNORED_RULE, g->pos,
				    "'%s' was to be ignored until %s: mend it, or give it a later "
				    "day",
				    g->path, g->until);
	}
}

static void policy_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){VERDICT_OUTPUT, OUTPUT_FILE});
}

const struct kind kind_policy = {
	.name = "policy",
	.summary = "a verdict: no setuid, key, licence or certificate but those allowed",
	.manual =
		"Looks into all that `of` names. Each rule is a key, its value says what is "
		"allowed, and a rule that is not written is not asked for. The node fails with all "
		"that breaks a rule: where it is, why, and what to do. A bundle that names it in "
		"`tested-by` is made only when it holds.\n\n"
		"The output, verdict.json, has what was allowed and ignored, too. What only a "
		"running system tells is for a scenario: the verbs `listening` and `boot-time` of "
		"kind `test`.",
	.version = 3,
	.usual_s = 5,
	.named = kind_always,
	.at_home = kind_always,
	.schema = &policy_schema,
	.missing = policy_missing,
	.outputs = policy_outputs,
};
