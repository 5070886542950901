/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Private keys in a file: as base/private_key.h finds them, and in what the file holds when it is
 * decompressed (unpack.h) or are the files of a zip. Of these KEY_SEARCH_PACKED bytes are looked
 * into at most, and KEY_SEARCH_UNPACKED of what comes out: key files and small archives of them.
 * Archives in archives are not opened, nor is what is damaged. Left out by name, for there are
 * thousands: kernel modules, which are programs, and what is below usr/share/doc, info and man.
 */
#include <stddef.h>

#define KEY_SEARCH_PACKED (256u * 1024)
#define KEY_SEARCH_UNPACKED (1024u * 1024)

/* The form of the first key in DATA of file PATH, "PEM, compressed"; heap. NULL: there is none. */
char *key_search(const char *path, const void *data, size_t len);
