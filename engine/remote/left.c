/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What orch itself has to know; it links nothing that reads the Tree. */
#include "remote/left.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/line.h"

#define FIRST "orch-left 1\n"
/* Of a place alone; a URL is not longer. */
#define HEAD_MAX 4096

int left_place(const char *store_dir, const struct digest *key, struct arena *arena,
	       const char **ret)
{
	char *path cleanup_free = store_left_path(store_dir, key);
	int fd cleanup_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char head[HEAD_MAX + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, head, HEAD_MAX);
	const char *p, *end = head + (n > 0 ? n : 0);
	struct line w;

	head[n > 0 ? n : 0] = 0;
	p = str_skip(head, FIRST);
	if (!p || line_read(arena, &p, end, &w) != 0 || !line_is(&w, "place", 2))
		return 1;
	*ret = w.items[1];
	return 0;
}

const struct left_output *left_find(const struct left *l, const struct artifact *a)
{
	for (size_t i = 0; i < l->output_count; i++) {
		const struct artifact *o = &l->outputs[i].result.artifact;

		if (str_eq(o->name, a->name) && o->type == a->type && o->size == a->size &&
		    digest_eq(&o->digest, &a->digest))
			return &l->outputs[i];
	}
	return NULL;
}
