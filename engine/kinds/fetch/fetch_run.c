/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/fetch/fetch.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/http.h"
#include "base/path.h"
#include "base/url.h"
#include "kinds/fetch/login.h"
#include "kinds/makers.h"
#include "kinds/package_pool.h"
#include "kinds/shared_downloads.h"
#include "kinds/user_config.h"

static void on_progress(void *arg, uint64_t done, uint64_t total)
{
	action_downloaded(arg, done, total, "fetching");
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

/* The environment says which proxy to take and whom to trust, the user's files who we are. */
static struct http_source source_of(struct action *a, const char *url)
{
	struct http_access *access = arena_alloc(a->arena, sizeof(*access));

	*access = (struct http_access){
		.ca_file = environment_ca(), .ask = login_ask, .ask_arg = a->arena};
	login_netrc(a->arena, url, &access->user, &access->password);
	return (struct http_source){url, access};
}

static int fetch_sources(struct action *a, const struct fetch_wish *w,
			 const struct user_config *config, const struct pools *pools,
			 const char *dest, struct err **err)
{
	struct http_opts http = {.progress = on_progress, .passed_over = on_passed_over, .arg = a};
	size_t written = 1 + (w->mirrors ? w->mirrors->count : 0);
	size_t count = written + pools->url_count;
	struct http_source *sources = arena_alloc(a->arena, count * sizeof(*sources));
	struct http_item item = {.sources = sources,
				 .source_count = count,
				 .dest = dest,
				 .size = w->size,
				 .max_size = w->max_size,
				 .sha256 = &w->sha256,
				 .name = arena_printf(a->arena, "'%s'", path_base(dest))};
	char *shown cleanup_free = url_shown(w->url);

	sources[0] = source_of(a, w->url);
	for (size_t i = 1; i < written; i++)
		sources[i] = source_of(a, LIST_AT(*w->mirrors, const char *, i - 1));
	for (size_t i = 0; i < pools->url_count; i++)
		sources[written + i] = source_of(a, arena_printf(a->arena, "%s/%s", pools->urls[i],
								 pool_path(a->arena, &w->sha256)));
	action_log(a, "fetching %s", shown);
	user_config_limit(config, &http);
	return http_fetch(&item, 1, &http, err);
}

/* Whether the download cache has the file, whole. */
static bool in_cache(const char *cached, const struct digest *want)
{
	struct err *err cleanup_err = NULL;
	struct digest d;

	return digest_file(cached, &d, &err) == 0 && digest_eq(&d, want);
}

/* 0; 1: no pool's directory has it. */
static int copy_pooled(struct action *a, const struct fetch_wish *w, const struct pools *pools,
		       const char *dest, struct err **err)
{
	const char *damaged;
	int rc = pools_copy(a->arena, pools, &w->sha256, w->size, dest, &damaged, err);

	if (rc == 1 && damaged)
		action_warning(a,
			       "'%s' of the pool has other bytes than the recipe says, and is "
			       "not used",
			       damaged);
	return rc;
}

int fetch_file(struct action *a, const struct fetch_wish *w, const char *dest, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *cached cleanup_free = path_join(a->cache_dir, digest_hex(&w->sha256, hex));
	struct user_config config;
	struct pools pools;
	int rc;

	if (in_cache(cached, &w->sha256))
		return file_copy(cached, dest, 0644, err);
	if (user_config_read(a->arena, &config, err) < 0)
		return -1;
	pools_find(a->arena, &config, a->pool_dir, NULL, &pools);
	rc = copy_pooled(a, w, &pools, dest, err);
	if (rc <= 0)
		return rc;
	shared_downloads_get(a, &w->sha256, 1);
	if (in_cache(cached, &w->sha256))
		return file_copy(cached, dest, 0644, err);
	if (a->offline)
		return err_set(err, E_NOT_CACHED, "'%s' is not cached, and --offline is set",
			       path_base(dest));
	return fetch_sources(a, w, &config, &pools, dest, err);
}

static int fetch_run(struct action *a, struct err **err)
{
	const struct fetch_opts *o = a->opts;
	struct fetch_wish wish = {.url = o->url,
				  .mirrors = &o->mirrors,
				  .sha256 = o->sha256,
				  .size = o->size,
				  .max_size = o->max_size};

	return fetch_file(a, &wish, action_output(a, fetch_name(a->arena, o)), err);
}

const struct maker maker_fetch = {
	.kind = &kind_fetch,
	.run = fetch_run,
};
