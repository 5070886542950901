/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/* CRC-32 of IEEE 802.3, as U-Boot's environment and GUID partition tables use it. */
#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const void *data, size_t len);
