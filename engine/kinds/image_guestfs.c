/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The libguestfs writer: the kernel's own file systems, in an appliance. Slow without KVM and not
 * bit-reproducible, but it knows file systems that the direct writer does not. The partition table is
 * written by the host, as for the direct writer.
 */
#include "base/path.h"
#include "kinds/image.h"
#include "machine/guest.h"

static void on_log(void *arg, const char *line)
{
	action_log(arg, "%s", line);
}

static void on_progress(void *arg, int percent)
{
	action_progress(arg, percent, "writing");
}

/* Makes the file system on DEVICE and fills it. */
static int write_fs(struct action *a, struct guest *g, const struct image_fs *fs, const char *device,
		    struct err **err)
{
	bool vfat = fs->type == IMAGE_FS_VFAT;
	char uuid[37], *tar cleanup_free = xasprintf("%s/%s.tar", a->workdir, path_base(device));
	struct guest_fs make = {.type = image_fs_words[fs->type],
				.label = fs->label,
				.uuid = uuid_format(fs->uuid, uuid)};

	if (fs->type == IMAGE_FS_EXT4) /* U-Boot reads neither */
		make.features = "^metadata_csum_seed,^orphan_file";
	action_progress(a, -1, "writing %s", fs->name);
	if (tree_write_tar(fs->tree, tar, err) < 0 || guest_mkfs(g, device, &make, err) < 0 ||
	    guest_mount(g, device, "/", "", err) < 0 || guest_tar_in(g, tar, "/", !vfat, err) < 0)
		return -1;
	if (guest_trim(g, "/", err) < 0 || guest_unmount(g, "/", err) < 0)
		return -1;
	return path_remove(tar, err);
}

int image_write_guestfs(struct action *a, const struct image_plan *p, struct err **err)
{
	char *tmp cleanup_free = path_join(a->workdir, "guest");
	struct guest_opts opts = {.name = a->node,
				  .cache_dir = a->cache_dir,
				  .tmp_dir = tmp,
				  .log = on_log,
				  .progress = on_progress,
				  .arg = a};
	struct guest *g cleanup_guest = NULL;

	if (path_mkdirs(tmp, err) < 0 || image_create(p, err) < 0)
		return -1;
	action_progress(a, -1, "starting the appliance");
	if (guest_new(&opts, &g, err) < 0 || guest_add_disk(g, p->path, false, err) < 0 ||
	    guest_launch(g, err) < 0)
		return -1;
	for (size_t i = 0; i < p->fs.count; i++) {
		const struct image_fs *fs = &p->fs.items[i];
		char *device cleanup_free =
			p->table ? xasprintf("/dev/sda%zu", fs->part + 1) : xstrdup("/dev/sda");

		if (write_fs(a, g, fs, device, err) < 0)
			return err_wrap(err, "%s", fs->name);
	}
	return guest_finish(g, err);
}
