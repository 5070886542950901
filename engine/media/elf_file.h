/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a debugger needs to know of an ELF file (System V ABI, "Object Files"), of either class and
 * byte order.
 */
#include <stdbool.h>
#include <stddef.h>

#define ELF_ID_HEX 128 /* digits of a build-id at most; the usual SHA-1 has 40 */

struct elf_facts {
	char build_id[ELF_ID_HEX + 1]; /* hex, of the note NT_GNU_BUILD_ID; "" when there is none */
	bool has_debug;                /* it has debug information itself */
	bool is_object;                /* it is to be linked: a .o, a kernel module */
};

/* Whether DATA is a sound ELF file; what it has that is not sound is not there. */
bool elf_read(const void *data, size_t len, struct elf_facts *ret);
