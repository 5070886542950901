/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind disk: a GPT disk from other nodes' images. */
#include "base/path.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/kinds.h"

static const char *const tables[] = {"gpt", NULL};
static const char *const regions[] = {"1x", "2x", NULL};
static const char *const filesystems[] = {"none", "ext4", "vfat", NULL};

static const struct option area_options[] = {
	{"name", OPT_STRING, offsetof(struct disk_area, name), OPT_REQUIRED | OPT_NAME,
	 .help = "Name for messages and checks.", .example = "uboot-env"},
	{"at", OPT_SIZE, offsetof(struct disk_area, at), OPT_REQUIRED | OPT_POSITIVE,
	 .help = "First byte on the disk.", .example = "1M"},
	{"size", OPT_SIZE, offsetof(struct disk_area, size), OPT_REQUIRED | OPT_POSITIVE,
	 .help = "Bytes.", .example = "32K"},
};
const struct schema disk_area_schema = SCHEMA(struct disk_area, area_options);

static const struct option part_options[] = {
	{"name", OPT_STRING, offsetof(struct disk_part, name), OPT_REQUIRED | OPT_NAME,
	 .help = "Name in the partition table; identities derive from it.", .example = "root-a"},
	{"type", OPT_STRING, offsetof(struct disk_part, type), OPT_REQUIRED,
	 .help = PARTITION_TYPE_HELP, .example = "root-arm64"},
	{"from", OPT_REF, offsetof(struct disk_part, from), .accept = ACCEPT_IMAGE | ACCEPT_FILE,
	 .help = "The image that is copied into it.", .example = "root"},
	{"size", OPT_SIZE, offsetof(struct disk_part, size), OPT_POSITIVE,
	 .help = "Size, rounded up to 1 MiB; without it that of the image.", .example = "1500M"},
	{"at", OPT_SIZE, offsetof(struct disk_part, at), OPT_POSITIVE,
	 .help = "Start on the disk, a multiple of 1 MiB; without it after the one before."},
	{"region", OPT_ENUM, offsetof(struct disk_part, region), .def = "1x", .words = regions,
	 .help = "2x keeps as much free after the partition, for RAUC's boot-gpt-switch."},
	{"filesystem", OPT_ENUM, offsetof(struct disk_part, filesystem), .def = "none",
	 .words = filesystems, .help = "Makes an empty file system in it."},
	{"label", OPT_STRING, offsetof(struct disk_part, label),
	 .help = "Label of the empty file system."},
	{"grow", OPT_BOOL, offsetof(struct disk_part, grow),
	 .help = "Marks it to be grown over the rest of the medium on first boot; last partition "
		 "only."},
};
static void check_part(void *data, const struct yaml *map, struct err_list *errors);
const struct schema disk_part_schema = SCHEMA(struct disk_part, part_options, .check = check_part);

static const struct option disk_options[] = {
	{"table", OPT_ENUM, offsetof(struct disk_opts, table), .def = "gpt", .words = tables,
	 .help = "Partition table."},
	{"size", OPT_SIZE, offsetof(struct disk_opts, size), OPT_POSITIVE,
	 .help = "Size of the disk; without it as large as its partitions need."},
	{"reserved", OPT_STRUCT, offsetof(struct disk_opts, reserved), OPT_LIST | OPT_PLACED,
	 .sub = &disk_area_schema,
	 .help = "Areas before the partitions that no tool may take for free space."},
	{"partitions", OPT_STRUCT, offsetof(struct disk_opts, partitions),
	 OPT_LIST | OPT_REQUIRED | OPT_PLACED, .sub = &disk_part_schema,
	 .help = "The partitions, in order."},
};

static void check_part(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct disk_part *p = data;
	char *name cleanup_free = xasprintf("partition '%s'", p->name);
	char guid[37];

	if (!layout_type_guid(p->type, guid))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "type"),
			    "'%s' is neither a known partition type nor a GUID", p->type);
	if (p->from && p->filesystem != IMAGE_FS_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "filesystem"),
			    "'filesystem' makes an empty one: leave it out "
			    "where 'from' names an image");
	if (!p->from && !p->size)
		err_list_at(errors, E_DISK_LAYOUT, map->pos,
			    "partition '%s' needs a 'size' or an image ('from')", p->name);
	if (p->label && p->filesystem == IMAGE_FS_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "label"),
			    "'label' is for an empty 'filesystem'");
	image_fs_check(p->filesystem, p->label, layout_round(p->size), name, map, errors);
}

struct layout_part disk_layout_part(const struct disk_part *p, uint64_t size)
{
	return (struct layout_part){.name = p->name,
				    .type = p->type,
				    .at = p->at,
				    .size = size,
				    .regions = (unsigned)p->region + 1,
				    .grow = p->grow};
}

void disk_layout(const struct disk_opts *o, const uint64_t *sizes, struct layout *ret)
{
	ret->size = o->size;
	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *r = LIST_AT(o->reserved, struct disk_area *, i);

		layout_areas_push(&ret->areas, (struct layout_area){r->name, r->at, r->size});
	}
	for (size_t i = 0; i < o->partitions.count; i++)
		layout_parts_push(
			&ret->parts,
			disk_layout_part(LIST_AT(o->partitions, struct disk_part *, i), sizes[i]));
}

/* Before anything is built the size of an image is not known: it counts as small. */
static void check_disk(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct disk_opts *o = data;
	uint64_t *sizes cleanup_free = xcalloc(o->partitions.count + 1, sizeof(*sizes));
	struct layout l cleanup_layout = {0};
	struct err *err cleanup_err = NULL;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		sizes[i] = p->size ? p->size : LAYOUT_ALIGN;
		if (p->grow && i + 1 < o->partitions.count)
			err_list_at(errors, E_DISK_LAYOUT, yaml_key_pos(map, "partitions"),
				    "partition '%s' cannot grow: another one lies after it",
				    p->name);
	}
	disk_layout(o, sizes, &l);
	if (layout_place(&l, &err) < 0)
		err_list_at(errors, err->code, yaml_key_pos(map, "partitions"), "%s", err->text);
}

static const struct schema disk_schema =
	SCHEMA(struct disk_opts, disk_options, .check = check_disk);

static void disk_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const char *name = arena_printf(ctx->arena, "%s.img", path_base(ctx->node));

	output_specs_push(ret, (struct output_spec){name, OUTPUT_IMAGE});
}

const struct kind kind_disk = {
	.name = "disk",
	.summary = "a GPT disk from other nodes' images",
	.manual =
		"Partitions lie in the order of the recipe, on whole mebibytes. 'reserved' "
		"names areas in the gap before them (the boot loader's environment); the "
		"first partition then starts at the next multiple of 4 MiB, and the table's "
		"first usable block is its start, so that no tool takes the gap for free space.\n\n"
		"'size' is a promise: an image that is larger is refused, a smaller one leaves "
		"a hole. 'region: 2x' keeps as much free after a partition, which RAUC's "
		"boot-gpt-switch needs. Identities depend on project, node and partition name, so "
		"two cards of one image have equal ones: never mount by them.",
	.version = 1,
	.usual_s = 3,
	.named = kind_always,
	.identified = kind_always,
	.schema = &disk_schema,
	.outputs = disk_outputs,
	.fact_help = disk_fact_help,
	.fact = disk_fact,
	.fact_names = disk_fact_names,
};
