/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind image: a disk or file-system image from trees, nodes and files. */
#include "base/path.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "machine/guest/appliance.h"

static void image_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const char *name = arena_printf(ctx->arena, "%s.img", path_base(ctx->node));

	output_specs_push(ret, (struct output_spec){name, OUTPUT_IMAGE});
	if (!((const struct image_opts *)ctx->opts)->verity)
		return;
	name = arena_printf(ctx->arena, "%s.roothash", path_base(ctx->node));
	output_specs_push(ret, (struct output_spec){name, OUTPUT_FILE});
	name = arena_printf(ctx->arena, "%s.verity", path_base(ctx->node));
	output_specs_push(ret, (struct output_spec){name, OUTPUT_FILE});
}

/* Images are sparse and rarely more than half full; a very large one is large to have room. */
#define DISK_GUESS_MAX_MB 2048
#define DISK_GUESS_AUTO_MB 256

static struct demand image_demand(const void *opts)
{
	const struct image_opts *o = opts;
	uint64_t half_mb = o->size == SIZE_AUTO ? DISK_GUESS_AUTO_MB : o->size >> 21;
	struct demand d = {.cpus = 1,
			   .disk_mb = half_mb < DISK_GUESS_MAX_MB ? (unsigned)half_mb
								  : DISK_GUESS_MAX_MB};

	if (o->writer == IMAGE_WRITER_GUESTFS) {
		d.memory_mb = APPLIANCE_MEMORY_MB;
		d.host_owners = true;
	}
	return d;
}

/*
 * The appliance is made of this machine's programs, and the bytes of its file systems depend on
 * those that make them. (Its kernel is the machine's as well, and in no key: nobody knows which one
 * it will be.) A tree's are named by its digest.
 */
static void image_tools(const void *opts, struct strs *ret)
{
	const struct image_opts *o = opts;

	if (!o->tools)
		image_programs(o, ret);
	content_tools(&o->contents, ret);
}

static bool image_dated(const void *opts)
{
	const struct image_opts *o = opts;

	return o->clock_epoch;
}

const struct kind kind_image = {
	.name = "image",
	.summary = "a disk or file-system image from trees, nodes and files",
	.manual =
		"Everything under 'contents' is laid into one tree, in order: 'unpack' takes a "
		"tree that a node made, 'copy' a file or directory of the project, an output of a "
		"node or a place inside a tree ('base:/usr/lib/x'). Directories are copied by "
		"their content; a file goes to 'to', or into it when it ends in '/'. Files of the "
		"project become root:root, 0755 if executable else 0644. Then come 'units', "
		"'bootloader', 'remove', 'modes', in this order.\n\n"
		"With 'filesystem' the image is one file system; with 'table: gpt' it has "
		"partitions, and each gets what lies below its 'mount'. Identities depend on "
		"project, node and partition name, and what is made gets the project's 'times': "
		"the direct writer gives equal bytes for equal content. 'writer: guestfs' makes "
		"the same files with libguestfs, and file systems that the direct writer does not "
		"know: the mkfs of this machine, or of the tree 'tools', makes each, and the "
		"appliance's kernel fills it. squashfs and erofs are packed by a program of this "
		"machine, or of 'tools'.\n\n"
		"'verity: true' makes NAME.img of the file system, dm-verity's superblock and its "
		"hash tree, as veritysetup does; NAME.roothash, which others take as "
		"${NAME:NAME.roothash}; and NAME.verity, a device-mapper table in which DEVICE "
		"stands for the device that has the image. Salt and UUID depend on project and "
		"node.\n\n"
		"Owners, attributes and access lists are kept where the file system has them; FAT "
		"has none. A time that it does not have (ext4: 1901 to 2446, FAT: 1980 to 2107) "
		"becomes the nearest.\n\n"
		"A private key in the content is refused unless 'allow-private-keys' names it.",
	.version = 7,
	.usual_s = 8,
	.named = kind_always,
	.identified = kind_always,
	.schema = &image_schema,
	.outputs = image_outputs,
	.fact_help = image_fact_help,
	.fact = image_fact,
	.fact_names = image_fact_names,
	.dated = image_dated,
	.tools = image_tools,
	.demand = image_demand,
	.platform_at = offsetof(struct image_opts, platform),
};
