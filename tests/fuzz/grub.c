/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GRUB's scripts, which `orch check` runs. */
#include "check/grub.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct arena *arena cleanup_arena = arena_new();
	struct grub_run run = {.arena = arena, .root = "hd0,gpt1", .fails = size % 4};
	struct conf_entries lines = {0};
	struct err *err cleanup_err = NULL;

	if (conf_read_table(arena, "/proc/self/fd", strrchr(f.path, '/') + 1, NULL, &lines, &err) ==
	    0) {
		grub_is_script(arena, &lines);
		grub_run(&lines, &run);
		assert(run.end != GRUB_UNKNOWN || run.word);
	}
	grub_vars_clear(&run.saved);
	conf_entries_clear(&lines);
	return 0;
}
