/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind release: what a former release shipped, as data: devices out there run it, and tests prove
 * the way from it to today's bundle. Its files are known by their digests, so where they lie is no
 * part of the key.
 */
#include "base/file.h"
#include "base/path.h"
#include "kinds/fetch.h"
#include "kinds/kinds.h"

struct release_opts {
	const char *at;
	struct digest install, bundle;
};

/* Names of the outputs, and of the files in the folder. */
#define INSTALL "install.img"
#define BUNDLE "bundle.raucb"

static const struct option release_options[] = {
	{"at", OPT_STRING, offsetof(struct release_opts, at), OPT_REQUIRED | OPT_UNKEYED,
	 .help = "Where " INSTALL " and " BUNDLE " lie: a folder of the project, or a URL (https, "
		 "http or file).",
	 .example = "https://example.org/edge-device/1.0.0"},
	{"install", OPT_DIGEST, offsetof(struct release_opts, install), OPT_REQUIRED,
	 .help = "SHA-256 of its installation image, 64 hex digits."},
	{"bundle", OPT_DIGEST, offsetof(struct release_opts, bundle), OPT_REQUIRED,
	 .help = "SHA-256 of its update bundle, 64 hex digits."},
};
static const struct schema release_schema = SCHEMA(struct release_opts, release_options);

static bool is_url(const char *at)
{
	return str_skip(at, "https://") || str_skip(at, "http://") || str_skip(at, "file:///");
}

static void release_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){INSTALL, OUTPUT_IMAGE});
	output_specs_push(ret, (struct output_spec){BUNDLE, OUTPUT_FILE});
}

static void release_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct release_opts *o = ctx->opts;
	const char *why;

	if (is_url(o->at))
		fetch_check_url("at", o->at, yaml_get(ctx->map, "at")->pos, errors);
	else if (!path_is_project(o->at, &why))
		err_list_at(errors, yaml_get(ctx->map, "at")->pos,
			    "'%s' is neither a URL nor a folder of the project: it %s", o->at, why);
}

static int copy_file(struct action *a, const char *folder, const char *name,
		     const struct digest *want, struct err **err)
{
	char *path cleanup_free = path_join(folder, name);
	const char *dest = action_output(a, name);
	struct digest got;

	if (file_copy(path, dest, 0644, err) < 0 || digest_file(dest, &got, err) < 0)
		return -1;
	if (!digest_eq(&got, want))
		return err_set(err, ERR_INTEGRITY,
			       "'%s' is not what was released: its SHA-256 differs", path);
	return 0;
}

static int take_file(struct action *a, const char *name, const struct digest *want,
		     struct err **err)
{
	const struct release_opts *o = a->opts;
	struct fetch_wish wish = {.sha256 = *want, .max_size = (uint64_t)64 << 30};
	char *folder cleanup_free = path_join(a->project_dir, o->at);

	action_progress(a, -1, "taking %s", name);
	if (!is_url(o->at))
		return copy_file(a, folder, name, want, err);
	wish.url = arena_printf(a->arena, "%s/%s", o->at, name);
	return fetch_file(a, &wish, action_output(a, name), err);
}

static int release_run(struct action *a, struct err **err)
{
	const struct release_opts *o = a->opts;

	if (take_file(a, INSTALL, &o->install, err) < 0)
		return -1;
	return take_file(a, BUNDLE, &o->bundle, err);
}

const struct kind kind_release = {
	.name = "release",
	.summary = "a former release, by digest: its installation image and its bundle",
	.version = 1,
	.schema = &release_schema,
	.outputs = release_outputs,
	.check = release_check,
	.run = release_run,
};
