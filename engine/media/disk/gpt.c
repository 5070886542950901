/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The only file that knows libfdisk. */
#include "media/disk/gpt.h"

#include <errno.h>
#include <fcntl.h>
#include <libfdisk/libfdisk.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/str.h"
#include "media/crc32.h"

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
	char *entries cleanup_free = xasprintf("%u", l->entries);
	char id[37];
	int rc;

	rc = fdisk_script_set_header(script, "label", "gpt");
	if (!rc)
		rc = fdisk_script_set_header(script, "label-id", uuid_format(disk, id));
	if (!rc)
		rc = fdisk_script_set_header(script, "first-lba", first);
	if (!rc && l->entries)
		rc = fdisk_script_set_header(script, "table-length", entries);
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
	if (!rc && (p->grow || p->active))
		rc = fdisk_gpt_set_partition_attrs(
			cxt, got, (p->grow ? GPT_GROW : 0) | (p->active ? GPT_LEGACY_BOOT : 0));
	fdisk_unref_partition(pa);
	fdisk_unref_parttype(type);
	if (rc) {
		fail(rc, path, "add a partition", err);
		return err_wrap(err, "partition '%s'", p->name);
	}
	return 0;
}

/* ---- entries elsewhere than libfdisk puts them ---- */

#define HEADER_BYTES 92
#define HEADER_CRC_AT 16
#define HEADER_ENTRIES_AT 72

static void put_number(unsigned char *p, uint64_t v, int size)
{
	for (int i = 0; i < size; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

/* Moves the entries of the primary table to L's place; the backup has them where it had. */
static int move_entries(const char *path, const struct layout *l, struct err **err)
{
	int fd cleanup_fd = open(path, O_RDWR | O_CLOEXEC);
	size_t len = (size_t)(layout_head(l) - l->entries_at);
	unsigned char header[SECTOR], *entries cleanup_free = xcalloc(1, len);
	unsigned char *zeros cleanup_free = xcalloc(1, len);

	if (fd < 0 || pread(fd, header, sizeof(header), SECTOR) != SECTOR ||
	    pread(fd, entries, len, LAYOUT_ENTRIES_AT) != (ssize_t)len)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "'%s': cannot move its table",
				 path);
	put_number(header + HEADER_ENTRIES_AT, l->entries_at / SECTOR, 8);
	put_number(header + HEADER_CRC_AT, 0, 4);
	put_number(header + HEADER_CRC_AT, crc32_of(header, HEADER_BYTES), 4);
	return fd_pwrite_all(fd, path, zeros, len, LAYOUT_ENTRIES_AT, err) < 0 ||
			       fd_pwrite_all(fd, path, entries, len, l->entries_at, err) < 0 ||
			       fd_pwrite_all(fd, path, header, sizeof(header), SECTOR, err) < 0
		       ? -1
		       : 0;
}

static int write_label(const char *path, const struct layout *l, const unsigned char disk[16],
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

int gpt_write(const char *path, const struct layout *l, const unsigned char disk[16],
	      const unsigned char (*parts)[16], struct err **err)
{
	if (write_label(path, l, disk, parts, err) < 0)
		return -1;
	return l->entries_at > LAYOUT_ENTRIES_AT ? move_entries(path, l, err) : 0;
}

/* ---- reading ---- */

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

/* What Linux makes of an entry of an MBR: the disk's signature and the number. */
static int read_mbr_part(struct fdisk_context *cxt, struct fdisk_parttype *type,
			 struct gpt_part *ret)
{
	char *id = NULL;
	int rc = fdisk_get_disklabel_id(cxt, &id);

	if (rc == 0)
		snprintf(ret->uuid, sizeof(ret->uuid), "%.8s-%02x", id + strlen("0x"), ret->number);
	snprintf(ret->type, sizeof(ret->type), "0x%02x", type ? fdisk_parttype_get_code(type) : 0);
	free(id);
	return rc;
}

static int read_part(struct fdisk_context *cxt, struct fdisk_partition *pa, struct gpt_part *ret)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(pa);

	copy_text(ret->name, sizeof(ret->name), fdisk_partition_get_name(pa));
	copy_text(ret->type, sizeof(ret->type), type ? fdisk_parttype_get_string(type) : NULL);
	copy_text(ret->uuid, sizeof(ret->uuid), fdisk_partition_get_uuid(pa));
	ret->start = fdisk_partition_get_start(pa) * SECTOR;
	ret->size = fdisk_partition_get_size(pa) * SECTOR;
	ret->number = (unsigned)fdisk_partition_get_partno(pa) + 1;
	if (fdisk_is_label(cxt, DOS))
		return read_mbr_part(cxt, type, ret);
	return fdisk_gpt_get_partition_attrs(cxt, fdisk_partition_get_partno(pa), &ret->attrs);
}

/* Whether an MBR is there only to protect a GPT, which libfdisk could not read then. */
static bool protects_gpt(struct fdisk_context *cxt, const struct gpt_parts *parts)
{
	bool protects = false;

	for (size_t i = 0; i < parts->count && fdisk_is_label(cxt, DOS); i++)
		protects = protects || str_eq(parts->items[i].type, "0xee");
	return protects;
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
	if (!fdisk_is_label(cxt, GPT) && !fdisk_is_label(cxt, DOS))
		return err_set(err, E_NO_PARTITION_TABLE, "'%s' has no partition table", path);
	rc = fdisk_get_partitions(cxt, &table);
	for (size_t i = 0; !rc && i < fdisk_table_get_nents(table); i++) {
		struct fdisk_partition *pa = fdisk_table_get_partition(table, i);

		if (!fdisk_partition_is_container(pa))
			rc = read_part(cxt, pa, gpt_parts_at_end(&parts));
	}
	fdisk_unref_table(table);
	if (!rc && protects_gpt(cxt, &parts)) {
		gpt_parts_clear(&parts);
		return err_set(err, E_NO_PARTITION_TABLE,
			       "'%s' is damaged or was cut: neither table of its GPT can be read",
			       path);
	}
	/* The first sector of a FAT passes for an MBR of nothing. */
	if (!rc && !parts.count && !fdisk_is_label(cxt, GPT))
		return err_set(err, E_NO_PARTITION_TABLE, "'%s' has no partition table", path);
	if (rc) {
		gpt_parts_clear(&parts);
		return fail(rc, path, "read the partition table", err);
	}
	*ret = parts;
	return 0;
}

/* Has libfdisk, which sees a protective MBR, correct the places of both copies. */
static int fit_label(int fd, const char *name, struct err **err)
{
	struct fdisk_context *cxt cleanup_context = fdisk_new_context();
	int rc;

	if (!cxt)
		return err_set(err, E_NO_MEMORY, "no memory for libfdisk");
	if (assign(cxt, fd, name, 0, err) < 0)
		return -1;
	if (!fdisk_is_label(cxt, GPT))
		return 0;
	rc = fdisk_write_disklabel(cxt);
	return rc ? err_errno(err, E_WRITE_FAILED, -rc, "cannot fit the partition table of '%s'",
			      name)
		  : 0;
}

#define MBR_AT 446
#define MBR_BYTES 64

/* The entries of the MBR in SECTOR protect a GPT, and one of them is something else. */
static bool is_hybrid(const unsigned char *sector)
{
	bool protects = false, other = false;

	for (const unsigned char *e = sector + MBR_AT; e < sector + MBR_AT + MBR_BYTES; e += 16) {
		protects = protects || e[4] == 0xee;
		other = other || (e[4] && e[4] != 0xee);
	}
	return protects && other;
}

int gpt_fit(int fd, const char *name, struct err **err)
{
	/* from sector 1 to the end: what libfdisk takes for a GPT that it may write */
	static const unsigned char protective[MBR_BYTES] = {0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff,
							    1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff};
	unsigned char sector[SECTOR] = {0};
	struct err *worse cleanup_err = NULL;

	if (pread(fd, sector, sizeof(sector), 0) != SECTOR || !is_hybrid(sector))
		return fit_label(fd, name, err);
	if (fd_pwrite_all(fd, name, protective, MBR_BYTES, MBR_AT, err) < 0)
		return -1;
	if (fit_label(fd, name, err) == 0)
		return fd_pwrite_all(fd, name, sector + MBR_AT, MBR_BYTES, MBR_AT, err);
	if (fd_pwrite_all(fd, name, sector + MBR_AT, MBR_BYTES, MBR_AT, &worse) < 0)
		err_wrap(err, "%s", worse->text);
	return -1;
}
