/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind fetch: one file from a URL whose SHA-256 is known beforehand. */
#include "kinds/fetch/fetch.h"

#include "base/path.h"
#include "base/url.h"
#include "kinds/kinds.h"

static const struct option fetch_options[] = {
	{"url", OPT_STRING, offsetof(struct fetch_opts, url), OPT_REQUIRED,
	 .help = "Where the file is: https, http or file.",
	 .example = "https://example.org/firmware-1.2.tar.xz"},
	{"mirrors", OPT_STRING, offsetof(struct fetch_opts, mirrors), OPT_LIST | OPT_UNKEYED,
	 .help = "Further URLs of the same file, tried in order when the first cannot be reached "
		 "or has other bytes."},
	{"sha256", OPT_DIGEST, offsetof(struct fetch_opts, sha256), OPT_REQUIRED,
	 .help = "SHA-256 of the file, 64 hex digits. Anything else is refused and not kept."},
	{"size", OPT_SIZE, offsetof(struct fetch_opts, size), OPT_POSITIVE | OPT_UNKEYED,
	 .help = "Exact size; a longer answer is cut off early."},
	{"max-size", OPT_SIZE, offsetof(struct fetch_opts, max_size), OPT_POSITIVE | OPT_UNKEYED,
	 .def = "4G", .help = "Refuse more than this when size is not given."},
	{"filename", OPT_STRING, offsetof(struct fetch_opts, filename), OPT_NAME,
	 .help = "Name of the output; the last part of the URL when not given."},
};
static const struct schema fetch_schema = SCHEMA(struct fetch_opts, fetch_options);

const char *fetch_name(struct arena *arena, const struct fetch_opts *o)
{
	const char *base;
	size_t n;

	if (o->filename)
		return o->filename;
	base = path_base(o->url);
	n = strcspn(base, "?#");
	return n ? arena_strndup(arena, base, n) : NULL;
}

static void fetch_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const char *name = fetch_name(ctx->arena, ctx->opts);

	if (!name)
		name = "file";
	output_specs_push(ret, (struct output_spec){name, output_type_of_name(name)});
}

static struct pos pos_of(const struct kind_ctx *ctx, const char *key)
{
	const struct yaml *value = yaml_get(ctx->map, key);

	return value ? value->pos : ctx->map->pos;
}

void fetch_check_url(const char *key, const char *url, struct pos pos, struct err_list *errors)
{
	if (!str_skip(url, "https://") && !str_skip(url, "http://") && !str_skip(url, "file:///"))
		err_list_at(errors, E_INVALID_URL, pos,
			    "%s must begin with https://, http:// or file:///", key);
	else if (url_has_user(url))
		err_list_at(errors, E_URL_LOGIN, pos,
			    "%s has a user or password in it: take it out, for recipes are read by "
			    "everybody, and write 'machine HOST login USER password PASSWORD' into "
			    "~/.netrc",
			    key);
	else if (strcspn(url, " \t\n") != strlen(url))
		err_list_at(errors, E_INVALID_URL, pos, "%s has a space in it: write %%20", key);
}

/* Each of the further URLs has a place of its own, unless it is the only one. */
static void check_mirrors(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct fetch_opts *o = ctx->opts;
	const struct yaml *list = yaml_get(ctx->map, "mirrors");

	for (size_t i = 0; i < o->mirrors.count; i++)
		fetch_check_url("a mirror's url", LIST_AT(o->mirrors, const char *, i),
				list->type == YAML_LIST ? list->items[i]->pos : list->pos, errors);
}

static void fetch_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct fetch_opts *o = ctx->opts;
	const char *name = fetch_name(ctx->arena, o);

	fetch_check_url("url", o->url, pos_of(ctx, "url"), errors);
	check_mirrors(ctx, errors);
	if (!name ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") !=
		    strlen(name))
		err_list_at(errors, E_INVALID_URL, pos_of(ctx, "url"),
			    "the url ends in no plain file name; say one with 'filename:'");
}

const struct kind kind_fetch = {
	.name = "fetch",
	.summary = "a file from a URL with a required sha256",
	.version = 1,
	.usual_s = 5,
	.schema = &fetch_schema,
	.outputs = fetch_outputs,
	.check = fetch_check,
	.at_home = kind_always,
};
