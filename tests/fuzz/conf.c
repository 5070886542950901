/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A target's configuration files, which rules of `orch check` read. */
#include "check/conf.h"
#include "fuzz.h"

typedef int read_fn(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static read_fn *const readers[] = {conf_read_ini, conf_read_kconfig, conf_read_table};
	struct fuzz_file f cleanup_fuzz_file = fuzz_file(data, size);
	struct err *err cleanup_err = NULL;
	uint64_t number;

	for (size_t i = 0; i < array_len(readers) && !err; i++) {
		struct arena *arena cleanup_arena = arena_new();
		struct conf_entries entries = {0};

		if (readers[i](arena, "/proc/self/fd", strrchr(f.path, '/') + 1, NULL, &entries,
			       &err) < 0)
			assert(*err->text);
		for (size_t k = 0; k < entries.count; k++)
			conf_number(entries.items[k].value, &number);
		conf_find(&entries, "system", "compatible");
		conf_entries_clear(&entries);
	}
	return 0;
}
