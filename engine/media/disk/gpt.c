/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only file that knows libfdisk. */
#include "media/disk/gpt.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>

#include "base/digest.h"
#include "base/str.h"

#define SECTOR 512

static void context_freep(struct fdisk_context **cxt)
{
	if (!*cxt)
		return;
	fdisk_set_script(*cxt, NULL);   /* context and script hold each other */
	if (fdisk_get_devfd(*cxt) >= 0) /* else it aborts */
		fdisk_deassign_device(*cxt, 1);
	fdisk_unref_context(*cxt);
}
#define cleanup_context __attribute__((cleanup(context_freep)))

static int fail(int rc, const char *path, const char *action, struct err **err)
{
	return err_errno(err, E_OUTPUT_UNWRITABLE, rc < 0 ? -rc : rc, "'%s': cannot %s", path,
			 action);
}

/*
 * Guessed sizes and questions are of no use here: sectors are 512 bytes, every answer is given.
 * FD is what PATH names, or -1.
 */
static int assign(struct fdisk_context *cxt, int fd, const char *path, int readonly,
		  struct err **err)
{
	int rc;

	fdisk_disable_dialogs(cxt, 1);
	rc = fdisk_save_user_sector_size(cxt, SECTOR, SECTOR);
	if (!rc)
		rc = fd >= 0 ? fdisk_assign_device_by_fd(cxt, fd, path, readonly)
			     : fdisk_assign_device(cxt, path, readonly);
	return rc ? fail(rc, path, "open it as a disk", err) : 0;
}

static int create_label(struct fdisk_context *cxt, const char *path, const struct layout *l,
			const unsigned char disk[16], struct err **err)
{
	struct fdisk_script *script = fdisk_new_script(cxt);
	char *first cleanup_free = xasprintf("%llu", (unsigned long long)(l->first / SECTOR));
	char id[37];
	int rc;

	rc = fdisk_script_set_header(script, "label", "gpt");
	if (!rc)
		rc = fdisk_script_set_header(script, "label-id", uuid_format(disk, id));
	if (!rc)
		rc = fdisk_script_set_header(script, "first-lba", first);
	if (!rc)
		rc = fdisk_apply_script_headers(cxt, script);
	fdisk_unref_script(script);
	return rc ? fail(rc, path, "make a partition table", err) : 0;
}

static int add_part(struct fdisk_context *cxt, const char *path, const struct layout_part *p,
		    size_t number, const unsigned char uuid[16], struct err **err)
{
	struct fdisk_partition *pa = fdisk_new_partition();
	char guid[37], id[37];
	struct fdisk_parttype *type = fdisk_label_parse_parttype(fdisk_get_label(cxt, NULL),
								 layout_type_guid(p->type, guid));
	int rc = type ? 0 : -EINVAL;
	size_t got = number;

	if (!rc)
		rc = fdisk_partition_set_type(pa, type);
	fdisk_partition_set_partno(pa, number);
	fdisk_partition_set_start(pa, p->start / SECTOR);
	fdisk_partition_set_size(pa, p->size / SECTOR);
	fdisk_partition_size_explicit(pa, 1);
	if (!rc)
		rc = fdisk_partition_set_name(pa, p->name);
	if (!rc)
		rc = fdisk_partition_set_uuid(pa, uuid_format(uuid, id));
	if (!rc)
		rc = fdisk_add_partition(cxt, pa, &got);
	if (!rc && p->grow)
		rc = fdisk_gpt_set_partition_attrs(cxt, got, GPT_GROW);
	fdisk_unref_partition(pa);
	fdisk_unref_parttype(type);
	if (rc) {
		fail(rc, path, "add a partition", err);
		return err_wrap(err, "partition '%s'", p->name);
	}
	return 0;
}

int gpt_write(const char *path, const struct layout *l, const unsigned char disk[16],
	      const unsigned char (*parts)[16], struct err **err)
{
	struct fdisk_context *cxt cleanup_context = fdisk_new_context();
	int rc;

	if (!cxt)
		return err_set(err, E_NO_MEMORY, "no memory for libfdisk");
	if (assign(cxt, -1, path, 0, err) < 0 || create_label(cxt, path, l, disk, err) < 0)
		return -1;
	for (size_t i = 0; i < l->parts.count; i++)
		if (add_part(cxt, path, &l->parts.items[i], i, parts[i], err) < 0)
			return -1;
	rc = fdisk_write_disklabel(cxt);
	return rc ? fail(rc, path, "write the partition table", err) : 0;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static int read_part(struct fdisk_context *cxt, struct fdisk_partition *pa, struct gpt_part *ret)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);

	copy_text(ret->name, sizeof(ret->name), fdisk_partition_get_name(pa));
	copy_text(ret->type, sizeof(ret->type), type ? fdisk_parttype_get_string(type) : NULL);
	copy_text(ret->uuid, sizeof(ret->uuid), fdisk_partition_get_uuid(pa));
	ret->start = fdisk_partition_get_start(pa) * SECTOR;
	ret->size = fdisk_partition_get_size(pa) * SECTOR;
	return fdisk_gpt_get_partition_attrs(cxt, fdisk_partition_get_partno(pa), &ret->attrs);
}

int gpt_read(const char *path, struct gpt_parts *ret, struct err **err)
{
	struct fdisk_context *cxt cleanup_context = fdisk_new_context();
	struct fdisk_table *table = NULL;
	struct gpt_parts parts = {0};
	int rc;

	if (!cxt)
		return err_set(err, E_NO_MEMORY, "no memory for libfdisk");
	if (assign(cxt, -1, path, 1, err) < 0)
		return -1;
	if (!fdisk_is_label(cxt, GPT))
		return err_set(err, E_NO_PARTITION_TABLE, "'%s' has no GUID partition table", path);
	rc = fdisk_get_partitions(cxt, &table);
	for (size_t i = 0; !rc && i < fdisk_table_get_nents(table); i++)
		rc = read_part(cxt, fdisk_table_get_partition(table, i), gpt_parts_at_end(&parts));
	fdisk_unref_table(table);
	if (rc) {
		gpt_parts_clear(&parts);
		return fail(rc, path, "read the partition table", err);
	}
	*ret = parts;
	return 0;
}

int gpt_fit(int fd, const char *name, struct err **err)
{
	struct fdisk_context *cxt cleanup_context = fdisk_new_context();
	int rc;

	if (!cxt)
		return err_set(err, E_NO_MEMORY, "no memory for libfdisk");
	if (assign(cxt, fd, name, 0, err) < 0)
		return -1;
	if (!fdisk_is_label(cxt, GPT))
		return err_set(err, E_NO_PARTITION_TABLE, "'%s' has no GUID partition table", name);
	rc = fdisk_write_disklabel(cxt); /* corrects the places of both copies */
	return rc ? err_errno(err, E_WRITE_FAILED, -rc, "cannot fit the partition table of '%s'",
			      name)
		  : 0;
}
