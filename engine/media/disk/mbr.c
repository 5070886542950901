/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/disk/mbr.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"

#define SIGNATURE_AT LAYOUT_BOOT_CODE
#define ENTRIES_AT 446
#define ENTRY 16
#define EXTENDED 0x0f /* with addresses in sectors */
#define PROTECTIVE 0xee
#define HEADS 255
#define TRACK 63

struct mbr {
	const char *path;
	int fd;
	const struct layout *l;
	uint64_t unit; /* before each logical partition, for its record */
};

static void put_u32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

uint32_t mbr_signature(const unsigned char disk[16])
{
	uint32_t n = (uint32_t)disk[0] << 24 | (uint32_t)disk[1] << 16 | (uint32_t)disk[2] << 8 |
		     disk[3];

	return n ? n : 1;
}

void mbr_identity(uint32_t signature, unsigned char disk[16])
{
	for (int i = 0; i < 4; i++)
		disk[i] = (unsigned char)(signature >> (24 - 8 * i));
}

/* Cylinder, head and sector, of which only the oldest BIOSes take notice. */
static void put_chs(unsigned char *p, uint64_t sector)
{
	uint64_t cylinder = sector / (HEADS * TRACK);

	if (cylinder > 1023) {
		memcpy(p, "\xfe\xff\xff", 3);
		return;
	}
	p[0] = (unsigned char)(sector / TRACK % HEADS);
	p[1] = (unsigned char)((sector % TRACK + 1) | (cylinder >> 2 & 0xc0));
	p[2] = (unsigned char)cylinder;
}

/* An entry about [START, START + SIZE), bytes of the disk, told from BASE on. */
static void put_entry(unsigned char *e, unsigned char type, bool active, uint64_t start,
		      uint64_t size, uint64_t base)
{
	e[0] = active ? 0x80 : 0;
	put_chs(e + 1, start / LAYOUT_SECTOR);
	e[4] = type;
	put_chs(e + 5, (start + size) / LAYOUT_SECTOR - 1);
	put_u32(e + 8, (uint32_t)((start - base) / LAYOUT_SECTOR));
	put_u32(e + 12, (uint32_t)(size / LAYOUT_SECTOR));
}

static unsigned char type_of(const struct layout *l, const struct layout_part *p)
{
	unsigned char type = 0;

	/* it is a known one: layout_place() has asked */
	if (layout_mbr_type(l->table == LAYOUT_HYBRID ? p->mbr_type : p->type, &type))
		return 0;
	return type;
}

/* The record before logical partition INDEX: it, and where the record of the next one is. */
static int write_record(const struct mbr *m, size_t index, uint64_t extended, struct err **err)
{
	const struct layout_part *p = &m->l->parts.items[index];
	uint64_t at = p->start - m->unit;
	unsigned char sector[LAYOUT_SECTOR] = {0};

	put_entry(sector + ENTRIES_AT, type_of(m->l, p), p->active, p->start, p->size, at);
	if (index + 1 < m->l->parts.count) {
		const struct layout_part *next = &m->l->parts.items[index + 1];
		uint64_t start = next->start - m->unit;

		put_entry(sector + ENTRIES_AT + ENTRY, EXTENDED, false, start,
			  next->start + next->size - start, extended);
	}
	sector[510] = 0x55;
	sector[511] = 0xaa;
	return fd_pwrite_all(m->fd, m->path, sector, sizeof(sector), at, err);
}

static int write_logical(const struct mbr *m, unsigned char *entry, struct err **err)
{
	const struct layout *l = m->l;
	const struct layout_part *last = &l->parts.items[l->parts.count - 1];
	uint64_t extended = l->parts.items[3].start - m->unit;

	put_entry(entry, EXTENDED, false, extended, last->start + last->size - extended, 0);
	for (size_t i = 3; i < l->parts.count; i++)
		if (write_record(m, i, extended, err) < 0)
			return -1;
	return 0;
}

/* What protects the GPT: from its header to the end of its entries. */
static void protect(const struct layout *l, unsigned char *entry)
{
	put_entry(entry, PROTECTIVE, false, LAYOUT_SECTOR, layout_head(l) - LAYOUT_SECTOR, 0);
}

static int write_table(const struct mbr *m, const unsigned char disk[16], struct err **err)
{
	const struct layout *l = m->l;
	unsigned char tail[LAYOUT_SECTOR - SIGNATURE_AT] = {0};
	unsigned char *entry = tail + ENTRIES_AT - SIGNATURE_AT;

	put_u32(tail, mbr_signature(disk));
	for (size_t i = 0; i < l->parts.count; i++) {
		const struct layout_part *p = &l->parts.items[i];

		if (layout_is_logical(l, i) || (l->table == LAYOUT_HYBRID && !p->mbr_type))
			continue;
		put_entry(entry, type_of(l, p), p->active, p->start, p->size, 0);
		entry += ENTRY;
	}
	if (l->table == LAYOUT_HYBRID)
		protect(l, entry);
	else if (l->parts.count > 4 && write_logical(m, entry, err) < 0)
		return -1;
	tail[sizeof(tail) - 2] = 0x55;
	tail[sizeof(tail) - 1] = 0xaa;
	return fd_pwrite_all(m->fd, m->path, tail, sizeof(tail), SIGNATURE_AT, err);
}

int mbr_write(const char *path, const struct layout *l, const unsigned char disk[16],
	      struct err **err)
{
	int fd cleanup_fd = open(path, O_WRONLY | O_CLOEXEC);
	const struct mbr m = {path, fd, l, l->align ? l->align : LAYOUT_ALIGN};

	if (fd < 0)
		return err_errno(err, E_OUTPUT_UNWRITABLE, errno, "cannot open '%s'", path);
	return write_table(&m, disk, err);
}
