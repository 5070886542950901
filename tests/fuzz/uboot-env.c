/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * U-Boot's environment: two copies, each half of the data; with the highest bit of the first byte
 * both have the checksum that they should.
 */
#include "fuzz.h"
#include "media/crc32.h"
#include "media/disk/uboot_env.h"

static void repair(uint8_t *copy, size_t size)
{
	uint32_t crc = crc32_of(copy + UBOOT_ENV_HEAD, size - UBOOT_ENV_HEAD);

	for (int i = 0; i < 4; i++)
		copy[i] = (uint8_t)(crc >> 8 * i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t half = size / 2;
	uint8_t *copies cleanup_free = NULL;

	if (half <= UBOOT_ENV_HEAD)
		return 0;
	copies = xmemdup(data + size % 2, 2 * half);
	if (data[0] & 0x80) {
		repair(copies, half);
		repair(copies + half, half);
	}
	{
		struct fuzz_file f cleanup_fuzz_file = fuzz_file(copies, 2 * half);
		struct uboot_env e cleanup_uboot_env = {.newer = -1};
		const uint64_t at[2] = {0, half};
		struct err *err cleanup_err = NULL;

		if (uboot_env_read(f.fd, "x", at, half, &e, &err) < 0)
			return 0;
		strv_get(&e.vars, "BOOT_ORDER");
		strv_set(&e.vars, "BOOT_A_LEFT", "3");
		if (uboot_env_write(f.fd, "x", at, half, &e, &err) == 0)
			assert(str_eq(strv_get(&e.vars, "BOOT_A_LEFT"), "3"));
	}
	return 0;
}
