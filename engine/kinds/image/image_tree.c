/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The content of an image as one tree: contents laid over each other, then units, removals, modes.
 */
#include "kinds/image/image_opts.h"
#include "media/tree/key_search.h"

/* ---- private keys ---- */

static bool allowed(const char *path, const struct list *allow)
{
	for (size_t i = 0; i < allow->count; i++)
		if (tree_glob(LIST_AT(*allow, const char *, i), path))
			return true;
	return false;
}

int image_refuse_keys(struct tree *t, const struct list *allow, struct err **err)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		char *what cleanup_free = key_search_entry(entries[i]);

		if (what && !allowed(entries[i]->path, allow))
			return err_set(
				err, E_PRIVATE_KEY_EXPOSED,
				"'/%s' holds a private key (%s), which every copy of the image "
				"would share: name it under 'remove', or under "
				"'allow-private-keys' if that is meant",
				entries[i]->path, what);
	}
	return 0;
}

static const char *mount_of_type(const struct image_opts *o, const char *type)
{
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		if (p->mount && str_eq(p->type, type))
			return p->mount;
	}
	return NULL;
}

static int install_boot(struct action *a, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct image_boot b = {
		.esp = mount_of_type(o, "esp"), .token = a->project, .cmdline = o->cmdline};
	unsigned char id[16];
	char text[37];

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		if (!p->mount || !str_eq(p->mount, "/"))
			continue;
		image_partition_id(a, p->name, id);
		b.root_partuuid = uuid_format(id, text);
	}
	return image_install_boot(t, &b, err);
}

/* systemd(1), /usr/lib/clock-epoch: its time counts. */
static int add_clock_epoch(struct action *a, struct tree *t, struct err **err)
{
	static const char path[] = "/usr/lib/clock-epoch";
	struct tree_entry *e;

	if (!a->lock_date)
		return err_set(
			err, E_CLOCK_EPOCH,
			"'clock-epoch' is the date of a lock, and nothing in this image comes "
			"from a node that has one");
	if (tree_add_file(t, path, 0644, "", 0, err) < 0)
		return -1;
	e = tree_lookup(t, path);
	e->inode->mtime = (int64_t)a->lock_date;
	return 0;
}

/* What comes after the units. */
static int finish(struct action *a, struct tree *t, struct err **err)
{
	const struct image_opts *o = a->opts;

	if (o->bootloader == IMAGE_BOOT_SYSTEMD && install_boot(a, t, err) < 0)
		return -1;
	if (o->clock_epoch && add_clock_epoch(a, t, err) < 0)
		return -1;
	if (content_remove(a, &o->remove, t, err) < 0 || content_modes(&o->modes, t, err) < 0)
		return -1;
	return image_refuse_keys(t, &o->allow_private_keys, err);
}

int image_assemble(struct action *a, struct tree **ret, struct err **err)
{
	const struct image_opts *o = a->opts;
	struct tree *t cleanup_tree = tree_new(a->epoch, a->workdir);

	if (content_lay(a, &o->contents, t, err) < 0)
		return -1;
	if (o->units && units_apply(t, o->units, err) < 0)
		return err_wrap(err, "%s: units", action_place(a, o->units->pos));
	if (finish(a, t, err) < 0)
		return err_wrap(err, "%s", action_place(a, (struct pos){0}));
	*ret = steal_ptr(t);
	return 0;
}
