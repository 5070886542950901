/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for guest.c in a build without libguestfs: nothing can be opened, so nothing is called.
 */
#include "machine/guest/guest.h"

static int absent(struct err **err)
{
	return err_set(err, ERR_ENV,
		       "this orch was built without libguestfs (-Dguestfs=enabled): use "
		       "`writer: direct`");
}

bool guest_supported(void)
{
	return false;
}

int guest_new(const struct guest_opts *opts, struct guest **ret, struct err **err)
{
	return absent(err);
}

void guest_free(struct guest *g)
{
}

int guest_add_disk(struct guest *g, const char *path, const char *label, bool readonly,
		   struct err **err)
{
	return absent(err);
}

int guest_launch(struct guest *g, struct err **err)
{
	return absent(err);
}

int guest_finish(struct guest *g, struct err **err)
{
	return absent(err);
}

int guest_mkfs(struct guest *g, const char *device, const struct guest_fs *fs, struct err **err)
{
	return absent(err);
}

int guest_mount(struct guest *g, const char *device, const char *path, const char *options,
		struct err **err)
{
	return absent(err);
}

int guest_unmount(struct guest *g, const char *path, struct err **err)
{
	return absent(err);
}

int guest_tar_in(struct guest *g, const char *tar, const char *path, bool xattrs, struct err **err)
{
	return absent(err);
}

int guest_set_acl(struct guest *g, const char *path, const char *type, const char *text,
		  struct err **err)
{
	return absent(err);
}

int guest_trim(struct guest *g, const char *path, struct err **err)
{
	return absent(err);
}

int guest_shell(struct guest *g, const char *script, char **ret_stdout, struct err **err)
{
	return absent(err);
}
