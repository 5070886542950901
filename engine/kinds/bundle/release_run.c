/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking over what was released: copied or fetched, and compared with its digest. */
#include "base/file.h"
#include "base/path.h"
#include "kinds/bundle/release_opts.h"
#include "kinds/fetch/fetch.h"
#include "kinds/makers.h"

static int copy_file(struct action *a, const char *directory, const char *name,
		     const struct digest *want, struct err **err)
{
	char *path cleanup_free = path_join(directory, name);
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
	char *directory cleanup_free = path_join(a->project_dir, o->at);

	action_progress(a, -1, "taking %s", name);
	if (!release_is_url(o->at))
		return copy_file(a, directory, name, want, err);
	wish.url = arena_printf(a->arena, "%s/%s", o->at, name);
	return fetch_file(a, &wish, action_output(a, name), err);
}

static int release_run(struct action *a, struct err **err)
{
	const struct release_opts *o = a->opts;

	if (take_file(a, RELEASE_INSTALL, &o->install, err) < 0)
		return -1;
	return take_file(a, RELEASE_BUNDLE, &o->bundle, err);
}

const struct maker maker_release = {
	.kind = &kind_release,
	.run = release_run,
};
