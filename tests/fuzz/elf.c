/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs and debug information, as policies read them. */
#include "media/elf_file.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_facts facts;

	if (elf_read(data, size, &facts))
		assert(strlen(facts.build_id) <= ELF_ID_HEX && strlen(facts.build_id) % 2 == 0);
	return 0;
}
