/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Private keys in a file: as base/private_key.h finds them, and in what the file holds: compressed
 * (unpack.h), as files of a tar, a zip or an ar, and these in one another, KEY_SEARCH_DEPTH layers
 * deep, which is a compressed file in a .deb. Files of KEY_SEARCH_PACKED bytes at most are looked
 * into, and KEY_SEARCH_UNPACKED bytes of all that comes out: key files and small archives of them.
 * What is damaged is not opened. Left out by name, for there are thousands: kernel modules, which
 * are programs, and what is below usr/share/doc, info and man.
 */
#include <stddef.h>

#include "media/tree/tree.h"

#define KEY_SEARCH_PACKED (256u * 1024)
#define KEY_SEARCH_UNPACKED (1024u * 1024)
#define KEY_SEARCH_DEPTH 4

/* The form of the first key in DATA of file PATH, "PEM, compressed"; heap. NULL: there is none. */
char *key_search(const char *path, const void *data, size_t len);
/*
 * Whether DATA is a program (ELF, and PE, as which arm64's kernels are made): they carry the keys
 * of their own self-tests, as Debian's linux-image, libgnutls and openssl do.
 */
bool key_search_is_program(const void *data, size_t len);
/* The same of a file of a tree that is no program; what is no file has none. */
char *key_search_entry(const struct tree_entry *e);
