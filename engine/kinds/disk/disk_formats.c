/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a disk is shipped as. Programs get a fixed number of threads, by which zstd and xz cut what
 * they read: the bytes are the same on every machine that has the same version.
 */
#include "kinds/disk/disk_formats.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/path.h"
#include "kinds/image/image.h"
#include "kinds/run/tool.h"
#include "media/disk/bmap.h"
#include "media/ext4/ext4.h"

/* ---- bmap ---- */

/* Where signatures of old file systems may be, in a partition that is handed out empty. */
#define SIGNATURES ((uint64_t)1 << 20)

struct unmapping {
	struct bmap *m;
	uint64_t start; /* of the file system, bytes of the disk */
};

static void unmap(void *arg, uint64_t at, uint64_t size)
{
	const struct unmapping *u = arg;

	bmap_unmap(u->m, u->start + at, size);
}

/* How many bytes of a partition its image has. */
static uint64_t image_bytes(struct action *a, const struct disk_part *p)
{
	struct stat st;

	return p->from && stat(action_input(a, p->from)->path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/*
 * All of the image, for what is zero there must be zero on the card, but for what an ext4 says is
 * free. Of an empty partition the places in which somebody would find what was there before.
 */
static void map_part(struct action *a, struct bmap *m, const char *image, const struct disk_part *p,
		     const struct layout_part *at)
{
	struct unmapping u = {m, at->start};
	struct err *why cleanup_err = NULL;
	uint64_t has = p->filesystem == IMAGE_FS_NONE ? image_bytes(a, p) : at->size;
	uint64_t edge = at->size < SIGNATURES ? at->size : SIGNATURES;

	if (!has) {
		bmap_map(m, at->start, edge);
		bmap_map(m, at->start + at->size - edge, edge);
		return;
	}
	bmap_map(m, at->start, has);
	if (ext4_each_free(image, at->start, unmap, &u, &why))
		action_log(a, "bmap: all of partition '%s'%s%s", p->name, why ? ": " : "",
			   why ? why->text : "");
}

static int make_bmap(struct action *a, const char *image, const struct layout *l, struct err **err)
{
	const struct disk_opts *o = a->opts;
	struct bmap m cleanup_bmap = {.size = l->size};
	uint64_t unit = l->align ? l->align : LAYOUT_ALIGN;

	for (size_t i = 0; i < l->parts.count; i++)
		map_part(a, &m, image, LIST_AT(o->partitions, struct disk_part *, i),
			 &l->parts.items[i]);
	for (size_t i = 0; i < l->parts.count; i++)
		if (layout_is_logical(l, i))
			bmap_map(&m, l->parts.items[i].start - unit, LAYOUT_SECTOR);
	for (size_t i = 0; i < l->areas.count; i++)
		bmap_map(&m, l->areas.items[i].at, l->areas.items[i].size);
	bmap_map(&m, 0, layout_head(l));
	bmap_map(&m, l->size - layout_tail(l), layout_tail(l));
	return bmap_write(&m, image,
			  action_output(a, arena_printf(a->arena, "%s%s", path_base(a->node),
							disk_endings[DISK_BMAP])),
			  err);
}

/* ---- what programs make ---- */

static void make_argv(enum disk_format format, const char *image, const char *output,
		      struct strv *argv)
{
	static const char *const words[DISK_FORMATS][9] = {
		[DISK_ZST] = {"-q", "-9", "-T2", "-k"},
		[DISK_XZ] = {"-q", "-6", "-T2", "-k"},
		[DISK_QCOW2] = {"convert", "-f", "raw", "-O", "qcow2", "-m", "1"},
	};

	strv_push(argv, disk_programs[format]);
	for (size_t i = 0; words[format][i]; i++)
		strv_push(argv, words[format][i]);
	strv_push(argv, image);
	if (format == DISK_QCOW2)
		strv_push(argv, output);
}

static int run_programs(struct action *a, const char *image, struct err **err)
{
	const struct disk_opts *o = a->opts;
	bool opened = false;
	struct tool tool;

	for (enum disk_format f = 0; f < DISK_FORMATS; f++) {
		const char *output =
			arena_printf(a->arena, "%s%s", path_base(a->node), disk_endings[f]);
		struct strv argv cleanup_strv = {0};

		if (!disk_programs[f] || !disk_has_format(o, f))
			continue;
		if (!opened && tool_open(a, o->tools, &tool, err) < 0)
			return -1;
		opened = true;
		action_progress(a, -1, "making '%s'", output);
		make_argv(f, path_base(image), output, &argv);
		if (tool_run(&tool, a->outdir, &argv, 0, 0, err) < 0)
			return err_wrap(err, "'%s'", output);
	}
	return 0;
}

int disk_make_formats(struct action *a, const char *image, const struct layout *l, struct err **err)
{
	if (disk_has_format(a->opts, DISK_BMAP) && make_bmap(a, image, l, err) < 0)
		return -1;
	if (run_programs(a, image, err) < 0)
		return -1;
	return disk_has_format(a->opts, DISK_RAW) ? 0 : path_remove(image, err);
}
