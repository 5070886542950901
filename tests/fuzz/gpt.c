/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Partition tables of a card of 64 KiB: the data are its first sectors, a copy of them without the
 * first its last ones. With the highest bit of the first byte, checksums are what they should be.
 */
#include <endian.h>

#include "fuzz.h"
#include "media/crc32.h"
#include "media/disk/gpt.h"
#include "media/disk/gpt_copy.h"
#include "media/disk/table.h"

/* libfdisk allocates as much as a header says: what no card has must not count as a finding. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:max_allocation_size_mb=256";
}

#define CARD (64 * 1024)
#define SECTOR 512
#define ENTRIES (128 * 128)

static void repair(unsigned char *head, const unsigned char *entries)
{
	uint32_t crc = htole32(crc32_of(entries, ENTRIES));

	memcpy(head + 88, &crc, sizeof(crc));
	memset(head + 16, 0, sizeof(crc));
	crc = htole32(crc32_of(head, 92));
	memcpy(head + 16, &crc, sizeof(crc));
}

static void copies(int fd)
{
	static const uint64_t at[] = {1, CARD / SECTOR - 1};
	struct gpt_slots slots = {0};

	for (size_t i = 0; i < array_len(at); i++)
		if (gpt_copy_read(fd, at[i], &slots) == 0)
			gpt_slots_clear(&slots);
	if (gpt_copy_any(fd, CARD, &slots) == 0) {
		gpt_slot_named(&slots, "root-a");
		gpt_slots_clear(&slots);
	}
}

/* What a damaged card is told by. */
static void tell(int fd, uint64_t size)
{
	struct table t cleanup_table = {0};

	table_read(fd, size, &t);
	assert(t.primary.valid == !t.primary.why && t.backup.valid == !t.backup.why);
	assert(!t.equal || (t.primary.valid && t.backup.valid && t.gpt));
	for (size_t i = 0; i < t.parts.count; i++)
		assert(t.parts.items[i].start + t.parts.items[i].size > t.parts.items[i].start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *card cleanup_free = xcalloc(1, CARD);
	struct err *err cleanup_err = NULL, *fit cleanup_err = NULL;
	struct gpt_parts parts = {0};
	size_t len, card_len = CARD;

	if (!size)
		return 0;
	len = size - 1 < GPT_HEAD_SECTORS * SECTOR ? size - 1 : GPT_HEAD_SECTORS * SECTOR;
	memcpy(card, data + 1, len);
	if (data[0] & 0x80)
		repair(card + SECTOR, card + 2 * SECTOR);
	memcpy(card + CARD - SECTOR, card + SECTOR, SECTOR);
	memcpy(card + CARD - 33 * SECTOR, card + 2 * SECTOR, ENTRIES);
	if (data[0] & 1) /* a card that ends early */
		card_len = len;
	{
		struct fuzz_file f cleanup_fuzz_file = fuzz_file(card, card_len);

		copies(f.fd);
		tell(f.fd, card_len);
		if (gpt_read(f.path, &parts, &err) == 0)
			gpt_parts_clear(&parts);
		if (gpt_fit(f.fd, f.path, &fit) < 0)
			assert(*fit->text);
	}
	return 0;
}
