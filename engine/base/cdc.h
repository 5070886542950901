/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Content-defined parts: where bytes are cut depends on the bytes around the cut alone, so that
 * what is inserted changes the parts it touches and no others. FastCDC 2020 with normalisation 2
 * and the table of the REAPI text. Where the cuts are is no part of any identity.
 */
#include <stddef.h>
#include <stdint.h>

#define CDC_MIN (64u * 1024)
#define CDC_AVG (256u * 1024)
#define CDC_MAX (1024u * 1024)

/*
 * Bytes of the first part of the LEN bytes at P: all of them when they end before a cut. Unless
 * the data end there, LEN must be CDC_MAX at least.
 */
size_t cdc_cut(const unsigned char *p, size_t len);
