/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Reading the configuration files of a target, line by line with positions. REL is the file, below
 * the project DIR; FILLED its text when it is a filled template, else NULL. Everything is in the
 * arena of the graph; a file that is not there gives no entries.
 */
#include "recipe/recipe.h"

struct conf_entry {
	/* "slot.rootfs.0"; "" before the first and in files without sections */
	const char *section;
	const char *key, *value;
	struct pos pos;
};
DEFINE_VEC(conf_entries, struct conf_entry)

/* GLib key files: RAUC's system.conf. */
int conf_read_ini(struct arena *a, const char *dir, const char *rel, const char *filled,
		  struct conf_entries *ret, struct err **err) warn_unused;
/* The same of TEXT, which is from elsewhere and called NAME. */
void conf_parse_ini(struct arena *a, const char *name, const char *text, struct conf_entries *ret);
/*
 * Kconfig fragments: CONFIG_X=value, quotes taken off; "# CONFIG_X is not set" has the value "n".
 */
int conf_read_kconfig(struct arena *a, const char *dir, const char *rel, const char *filled,
		      struct conf_entries *ret, struct err **err) warn_unused;
/*
 * Tables of space-separated fields with # comments: fstab, fw_env.config. The key is the first
 * field, the value the rest of the line.
 */
int conf_read_table(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err) warn_unused;
/*
 * Lines as they stand, the empty ones, too: the value is all of a line but a carriage return at its
 * end, the key is "".
 */
int conf_read_lines(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err) warn_unused;
/* The last value of KEY in SECTION, or NULL. */
const struct conf_entry *conf_find(const struct conf_entries *e, const char *section,
				   const char *key);
/*
 * The first value of KEY in SECTION from *I on that counts: an empty one takes back all before it
 * (systemd.syntax(7)). *I is then behind it. NULL: no further one.
 */
const struct conf_entry *conf_next(const struct conf_entries *e, const char *section,
				   const char *key, size_t *i);
/* Whether the value is known only when an output is: names of facts are replaced already. */
bool conf_waits(const struct conf_entry *e);
/* Whether E, which may be NULL, is a yes in a GLib key file. */
bool conf_is_true(const struct conf_entry *e);
/* "0x100000", "1048576", "4M". 0, or 1 when it is not a number. */
int conf_number(const char *text, uint64_t *ret);
