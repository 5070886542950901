/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind fetch: one file from a URL whose SHA-256 is known beforehand. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/url.h"
#include "kinds/fetch.h"
#include "kinds/kinds.h"
#include "run/action.h"

struct fetch_opts {
	const char *url;
	struct list mirrors; /* of const char * */
	struct digest sha256;
	uint64_t size;
	uint64_t max_size;
	const char *filename;
};

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

/* The output's name; NULL when the URL ends in none. */
static const char *output_name(struct arena *arena, const struct fetch_opts *o)
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
	const char *name = output_name(ctx->arena, ctx->opts);

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
		err_list_at(errors, pos, "%s must begin with https://, http:// or file:///", key);
	else if (url_has_user(url))
		err_list_at(errors, pos,
			    "%s has a user or password in it: take it out, for recipes are read by "
			    "everybody, and write 'machine HOST login USER password PASSWORD' into "
			    "~/.netrc",
			    key);
	else if (strcspn(url, " \t\n") != strlen(url))
		err_list_at(errors, pos, "%s has a space in it: write %%20", key);
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
	const char *name = output_name(ctx->arena, o);

	fetch_check_url("url", o->url, pos_of(ctx, "url"), errors);
	check_mirrors(ctx, errors);
	if (!name ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") !=
		    strlen(name))
		err_list_at(errors, pos_of(ctx, "url"),
			    "the url ends in no plain file name; say one with 'filename:'");
}

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct action *a = arg;

	if (total)
		action_progress(a, (int)(done * 100 / total), "fetching");
}

static void on_passed_over(void *arg, const char *name, const char *why)
{
	action_log(arg, "%s: %s; trying the next URL", name, why);
}

/* As curl(1) has it: a file of authorities that the environment names. */
static const char *environment_ca(void)
{
	static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

	for (size_t i = 0; i < array_len(names); i++) {
		const char *file = getenv(names[i]);

		if (file && *file)
			return file;
	}
	return NULL;
}

/* The environment says which proxy to take and whom to trust, ~/.netrc who we are. */
static int fetch_sources(struct action *a, const struct fetch_wish *w, const char *dest,
			 struct err **err)
{
	const struct http_access access = {.netrc = true, .ca_file = environment_ca()};
	struct http_opts http = {.progress = on_progress, .passed_over = on_passed_over, .arg = a};
	size_t count = 1 + (w->mirrors ? w->mirrors->count : 0);
	struct http_source *sources = arena_alloc(a->arena, count * sizeof(*sources));
	struct http_item item = {.sources = sources,
				 .source_count = count,
				 .dest = dest,
				 .size = w->size,
				 .max_size = w->max_size,
				 .sha256 = &w->sha256,
				 .name = arena_printf(a->arena, "'%s'", path_base(dest))};
	char *shown cleanup_free = url_shown(w->url);

	sources[0] = (struct http_source){w->url, &access};
	for (size_t i = 1; i < count; i++)
		sources[i] =
			(struct http_source){LIST_AT(*w->mirrors, const char *, i - 1), &access};
	action_log(a, "fetching %s", shown);
	return http_fetch(&item, 1, &http, err);
}

/* Whether the download cache has the file, whole. */
static bool in_cache(const char *cached, const struct digest *want)
{
	struct err *err cleanup_err = NULL;
	struct digest d;

	return digest_file(cached, &d, &err) == 0 && digest_eq(&d, want);
}

int fetch_file(struct action *a, const struct fetch_wish *w, const char *dest, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *cached cleanup_free = path_join(a->cache_dir, digest_hex(&w->sha256, hex));

	if (in_cache(cached, &w->sha256))
		return file_copy(cached, dest, 0644, err);
	if (a->offline)
		return err_set(err, ERR_NET,
			       "'%s' is not in the store and --offline forbids to fetch it",
			       path_base(dest));
	return fetch_sources(a, w, dest, err);
}

static int fetch_run(struct action *a, struct err **err)
{
	const struct fetch_opts *o = a->opts;
	struct fetch_wish wish = {.url = o->url,
				  .mirrors = &o->mirrors,
				  .sha256 = o->sha256,
				  .size = o->size,
				  .max_size = o->max_size};

	return fetch_file(a, &wish, action_output(a, output_name(a->arena, o)), err);
}

const struct kind kind_fetch = {
	.name = "fetch",
	.summary = "a file from a URL with a required sha256",
	.version = 1,
	.schema = &fetch_schema,
	.outputs = fetch_outputs,
	.check = fetch_check,
	.run = fetch_run,
};
