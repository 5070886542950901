/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/crc32.h"

#define POLYNOMIAL 0xedb88320u

/* Four bits at a time: small, and fast enough for some kilobytes. */
uint32_t crc32_of(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t table[16], crc = 0xffffffffu;

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t r = i;

		for (int bit = 0; bit < 4; bit++)
			r = r & 1 ? r >> 1 ^ POLYNOMIAL : r >> 1;
		table[i] = r;
	}
	for (size_t i = 0; i < len; i++) {
		crc = table[(crc ^ p[i]) & 15] ^ crc >> 4;
		crc = table[(crc ^ (unsigned)p[i] >> 4) & 15] ^ crc >> 4;
	}
	return ~crc;
}
