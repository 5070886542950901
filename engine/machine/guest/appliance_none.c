/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for guest.c in a build without libguestfs: nothing can be opened, so nothing is called.
 */
#include "machine/guest/appliance.h"

static int absent(struct err **err)
{
	return err_set(err, E_GUESTFS_UNAVAILABLE,
		       "this orch was built without libguestfs (-Dguestfs=enabled): use "
		       "`writer: direct`");
}

bool appliance_supported(void)
{
	return false;
}

int appliance_new(const struct appliance_opts *opts, struct appliance **ret, struct err **err)
{
	return absent(err);
}

void appliance_free(struct appliance *g)
{
}

int appliance_add_disk(struct appliance *g, const char *path, const char *label, bool readonly,
		       struct err **err)
{
	return absent(err);
}

int appliance_launch(struct appliance *g, struct err **err)
{
	return absent(err);
}

int appliance_finish(struct appliance *g, struct err **err)
{
	return absent(err);
}

int appliance_mkfs(struct appliance *g, const char *device, const struct appliance_fs *fs,
		   struct err **err)
{
	return absent(err);
}

int appliance_mount(struct appliance *g, const char *device, const char *path, const char *options,
		    struct err **err)
{
	return absent(err);
}

int appliance_unmount(struct appliance *g, const char *path, struct err **err)
{
	return absent(err);
}

int appliance_tar_in(struct appliance *g, const char *tar, const char *path, bool xattrs,
		     struct err **err)
{
	return absent(err);
}

int appliance_set_acl(struct appliance *g, const char *path, const char *type, const char *text,
		      struct err **err)
{
	return absent(err);
}

int appliance_trim(struct appliance *g, const char *path, struct err **err)
{
	return absent(err);
}

int appliance_shell(struct appliance *g, const char *script, char **ret_stdout, struct err **err)
{
	return absent(err);
}
