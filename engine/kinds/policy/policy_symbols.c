/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Debug information of what ships, by build-id, as gdb and systemd-coredump look for it: a file
 * /usr/lib/debug/.build-id/ab/cdef….debug, or any ELF file that has it.
 */
#include <sys/stat.h>

#include "base/map.h"
#include "kinds/image/subject.h"
#include "kinds/policy/policy_run.h"
#include "media/elf_file.h"

#define FILE_MAX (1u << 30) /* of a file in pieces that are put together */

struct policy_debug {
	struct policy_run *r;
	struct map ids; /* that are kept */
};

/* Whether it is an ELF file, read into RET. */
static bool read_inode(const struct tree_inode *n, struct elf_facts *ret)
{
	char *text cleanup_free = NULL;
	char magic[4] = {0};

	if (!S_ISREG(n->mode) || n->size < sizeof(magic))
		return false;
	tree_inode_read(n, 0, magic, sizeof(magic));
	if (memcmp(magic, "\177ELF", sizeof(magic)) != 0)
		return false;
	if (n->segment_count == 1 && !n->segments[0].offset)
		return elf_read(n->segments[0].data, n->segments[0].len, ret);
	text = tree_inode_text(n, FILE_MAX);
	return text && elf_read(text, n->size, ret);
}

/* ---- what is kept ---- */

static void keep(struct policy_debug *d, const char *id)
{
	map_set(&d->ids, arena_strdup(policy_arena(d->r), id), d);
}

static void keep_tree(struct policy_debug *d, struct tree *t)
{
	size_t count;
	struct tree_entry *const *entries = tree_entries(t, &count);

	for (size_t i = 0; i < count; i++) {
		struct elf_facts facts;

		if (read_inode(entries[i]->inode, &facts) && *facts.build_id && facts.has_debug)
			keep(d, facts.build_id);
	}
}

static int keep_of(struct policy_debug *d, size_t i, const struct ref *ref, struct err **err)
{
	struct action *a = policy_action(d->r);
	struct subject s cleanup_subject = {
		.scratch = arena_printf(a->arena, "%s/debug.%zu", a->workdir, i)};

	action_progress(a, -1, "looking for debug information in %s", ref->text);
	if (subject_open(&s, action_input(a, ref)->path, "", err) < 0)
		return -1;
	for (size_t k = 0; k < s.parts.count; k++) {
		if (s.parts.items[k]->look.tree)
			keep_tree(d, s.parts.items[k]->look.tree);
	}
	return 0;
}

int policy_debug_open(struct policy_run *r, struct policy_debug **ret, struct err **err)
{
	struct policy_debug *d = xcalloc(1, sizeof(*d));
	const struct list *in = &policy_opts(r)->symbols->in;

	d->r = r;
	*ret = d;
	for (size_t i = 0; i < in->count; i++) {
		if (keep_of(d, i, LIST_AT(*in, struct ref *, i), err) < 0)
			return -1;
	}
	return 0;
}

void policy_debug_close(struct policy_debug *d)
{
	if (d)
		map_clear(&d->ids);
	free(d);
}

/* ---- what ships ---- */

static void look_at_elf(struct policy_run *r, const struct policy_debug *d,
			const struct policy_part *p, const char *path, const struct elf_facts *f)
{
	if (f->has_debug || (*f->build_id && map_get(&d->ids, f->build_id)))
		return;
	if (!*f->build_id)
		policy_tell(r, POLICY_SYMBOLS, p, path,
			    "link it with --build-id, or leave it out of 'paths'",
			    "has no build-id to know its debug information by");
	else
		policy_tell(r, POLICY_SYMBOLS, p, path,
			    "add its -dbgsym package to 'in', or build it with -g and keep that",
			    "has build-id %s, of which no debug information is kept", f->build_id);
}

/* The program or library that E is or, where a pattern may name the link, leads to. */
static bool read_entry(const struct policy_part *p, const struct tree_entry *e, bool links,
		       struct elf_facts *ret)
{
	if (links && S_ISLNK(e->inode->mode))
		e = tree_resolve(p->tree, e->path);
	return e && read_inode(e->inode, ret) && !ret->is_object;
}

/* A pattern that meets scripts alone meets nothing. */
void policy_look_symbols(struct policy_run *r, const struct policy_debug *d,
			 const struct policy_part *part)
{
	const struct list *paths = &policy_opts(r)->symbols->paths;
	size_t count;
	struct tree_entry *const *entries = tree_entries(part->tree, &count);

	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = xasprintf("/%s", entries[i]->path);
		struct elf_facts facts;

		if (read_entry(part, entries[i], paths->count, &facts) &&
		    (!paths->count || policy_matches(r, POLICY_SYMBOLS, paths, path)))
			look_at_elf(r, d, part, path, &facts);
	}
}
