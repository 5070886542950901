/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * A file whose digest is known beforehand, from the download cache or a URL: kinds fetch, release.
 */
#include "base/digest.h"
#include "run/action.h"

/* The options of kind fetch. */
struct fetch_opts {
	const char *url;
	struct list mirrors; /* of const char * */
	struct digest sha256;
	uint64_t size;
	uint64_t max_size;
	const char *filename;
};
/* The output's name; NULL when the URL ends in none. */
const char *fetch_name(struct arena *arena, const struct fetch_opts *o);

struct fetch_wish {
	const char *url;
	const struct list *mirrors; /* of const char *, tried in order after URL; or NULL */
	struct digest sha256;
	uint64_t size, max_size; /* bytes; 0: not known, the default */
};

/* Makes the new file DEST. Anything but the file that was wished for is ERR_INTEGRITY. */
int fetch_file(struct action *a, const struct fetch_wish *w, const char *dest,
	       struct err **err) warn_unused;
/*
 * A URL of a recipe has no user or password in it, and begins with a scheme that can be fetched;
 * else an error with its place, which does not repeat the URL. KEY is what the recipe calls it.
 */
void fetch_check_url(const char *key, const char *url, struct pos pos, struct err_list *errors);
