/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind shipped: what a previous release shipped, as data: devices out there run it, and tests prove
 * the way from it to today's bundle. Its files are known by their digests, so where they lie is no
 * part of the key.
 */
#include "base/path.h"
#include "kinds/bundle/shipped_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/fetch/fetch.h"
#include "kinds/kinds.h"

static const struct option shipped_options[] = {
	{"at", OPT_STRING, offsetof(struct shipped_opts, at), OPT_REQUIRED | OPT_UNKEYED,
	 .help = "Where " SHIPPED_INSTALL " and " SHIPPED_BUNDLE " lie: a directory of the "
		 "project, or a URL (https, http or file).",
	 .example = "https://example.org/edge-device/1.0.0"},
	{"install", OPT_DIGEST, offsetof(struct shipped_opts, install), OPT_REQUIRED,
	 .help = "SHA-256 of its installation image, 64 hex digits."},
	{"bundle", OPT_DIGEST, offsetof(struct shipped_opts, bundle), OPT_REQUIRED,
	 .help = "SHA-256 of its update bundle, 64 hex digits."},
	{"device", OPT_DIGEST, offsetof(struct shipped_opts, device),
	 .help = "SHA-256 of its " DEVICE_OUTPUT ", where that lies beside them: what 'orch check "
		 "--against' compares with."},
};
static const struct schema shipped_schema = SCHEMA(struct shipped_opts, shipped_options);

bool shipped_is_url(const char *at)
{
	return str_skip(at, "https://") || str_skip(at, "http://") || str_skip(at, "file:///");
}

bool shipped_has_device(const struct shipped_opts *o)
{
	static const struct digest none;

	return !digest_eq(&o->device, &none);
}

static void shipped_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct shipped_opts *o = ctx->opts;

	output_specs_push(ret, (struct output_spec){SHIPPED_INSTALL, OUTPUT_IMAGE});
	output_specs_push(ret, (struct output_spec){SHIPPED_BUNDLE, OUTPUT_FILE});
	if (shipped_has_device(o))
		output_specs_push(ret, (struct output_spec){DEVICE_OUTPUT, OUTPUT_FILE});
}

static void shipped_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct shipped_opts *o = ctx->opts;
	const char *why;

	if (shipped_is_url(o->at))
		fetch_check_url("at", o->at, yaml_get(ctx->map, "at")->pos, errors);
	else if (!path_is_project(o->at, &why))
		err_list_at(errors, E_FILE_MISSING, yaml_get(ctx->map, "at")->pos,
			    "'%s' is neither a URL nor a directory of the project: it %s", o->at,
			    why);
}

const struct kind kind_shipped = {
	.name = "shipped",
	.summary = "a previous release, by digest: its installation image and its bundle",
	.version = 1,
	.usual_s = 5,
	.schema = &shipped_schema,
	.outputs = shipped_outputs,
	.check = shipped_check,
	.at_home = kind_always,
};
