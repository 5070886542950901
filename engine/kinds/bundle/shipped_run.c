/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking over what was released: copied or fetched, and compared with its digest. */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/bundle/shipped_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/fetch/fetch.h"
#include "kinds/makers.h"

/* A file of the project: a link that leads out of it may be a stranger's. */
static int open_file(struct action *a, const char *path, int *ret, struct err **err)
{
	int top cleanup_fd = open(a->project_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd cleanup_fd = -1;
	struct stat st;

	if (top < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", a->project_dir);
	fd = path_open_beneath(top, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, E_NOT_A_FILE, "'%s' is not a file", path);
	*ret = steal_fd(&fd);
	return 0;
}

static int copy_file(struct action *a, const char *name, const struct digest *want,
		     struct err **err)
{
	char *path cleanup_free = path_join(((const struct shipped_opts *)a->opts)->at, name);
	const char *dest = action_output(a, name);
	int fd cleanup_fd = -1;
	struct digest got;

	if (open_file(a, path, &fd, err) < 0 || file_copy_from(fd, path, dest, 0644, err) < 0 ||
	    digest_file(dest, &got, err) < 0)
		return -1;
	if (!digest_eq(&got, want))
		return err_set(err, E_FETCH_REFUSED,
			       "'%s' is not what was released: its SHA-256 differs", path);
	return 0;
}

static int take_file(struct action *a, const char *name, const struct digest *want,
		     struct err **err)
{
	const struct shipped_opts *o = a->opts;
	struct fetch_wish wish = {.sha256 = *want, .max_size = (uint64_t)64 << 30};

	action_progress(a, -1, "taking %s", name);
	if (!shipped_is_url(o->at))
		return copy_file(a, name, want, err);
	wish.url = arena_printf(a->arena, "%s/%s", o->at, name);
	return fetch_file(a, &wish, action_output(a, name), err);
}

static int shipped_run(struct action *a, struct err **err)
{
	const struct shipped_opts *o = a->opts;

	if (take_file(a, SHIPPED_INSTALL, &o->install, err) < 0)
		return -1;
	if (take_file(a, SHIPPED_BUNDLE, &o->bundle, err) < 0)
		return -1;
	return shipped_has_device(o) ? take_file(a, DEVICE_OUTPUT, &o->device, err) : 0;
}

const struct maker maker_shipped = {
	.kind = &kind_shipped,
	.run = shipped_run,
};
