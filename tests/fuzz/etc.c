/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a tree that are read and written again: os-release, passwd, group, shadow, gshadow. */
#include "fuzz_tree.h"
#include "kinds/tree/tree_opts.h"
#include "media/tree/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const files[] = {"/etc/os-release", "/etc/passwd", "/etc/group",
					    "/etc/shadow", "/etc/gshadow"};
	static const struct account new = {"new", "/home/new", "/bin/sh", 1000, 1000};
	struct tree *t cleanup_tree = tree_new(FUZZ_EPOCH, NULL);
	struct err *err cleanup_err = NULL, *stamp cleanup_err = NULL;
	char *name cleanup_free = NULL;
	struct account found;
	uint32_t gid;

	for (size_t i = 0; i < array_len(files); i++)
		assert(tree_add_file(t, files[i], 0644, data, size, &err) == 0);
	if (tree_stamp(t, files[0], "id", "1 \"2\"", &stamp) < 0)
		assert(*stamp->text);
	accounts_find_group(t, "adm", &gid);
	name = accounts_group_name(t, 0);
	accounts_find_user(t, "root", &found);
	if (accounts_add_group(t, "new", 1000, &err) == 0 &&
	    accounts_add_user(t, &new, &err) == 0 && accounts_join(t, "new", "adm", &err) == 0)
		assert(accounts_find_user(t, "new", &found) == 0 && found.uid == 1000);
	fuzz_look(t);
	return 0;
}
