/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind disk: a disk from other nodes' images. */
#include "base/path.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image.h"
#include "kinds/kinds.h"

const char *const disk_tables[] = {"gpt", "mbr", "hybrid", "none", NULL};
static const char *const formats[] = {"raw", "zst", "xz", "bmap", "qcow2", NULL};
const char *const disk_endings[DISK_FORMATS] = {".img", ".img.zst", ".img.xz", ".img.bmap",
						".qcow2"};
const char *const disk_programs[DISK_FORMATS] = {
	[DISK_ZST] = "zstd", [DISK_XZ] = "xz", [DISK_QCOW2] = "qemu-img"};
static const char *const regions[] = {"1x", "2x", NULL};
static const char *const filesystems[] = {"none", "ext4", "vfat", NULL};

static const struct option area_options[] = {
	{"name", OPT_STRING, offsetof(struct disk_area, name), OPT_REQUIRED | OPT_NAME,
	 .help = "Name for messages and checks.", .example = "uboot-env"},
	{"at", OPT_SIZE, offsetof(struct disk_area, at), OPT_REQUIRED,
	 .help = "First byte on the disk, a multiple of 512. At 0 it is the boot code of the "
		 "first sector, of which the table leaves 440 bytes.",
	 .example = "1M"},
	{"size", OPT_SIZE, offsetof(struct disk_area, size), OPT_POSITIVE,
	 .help = "Bytes; without it as many as what 'from' names.", .example = "32K"},
	{"from", OPT_REF, offsetof(struct disk_area, from),
	 .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "What is written there: a first stage for a boot ROM.",
	 .example = "u-boot:idbloader.img"},
};
static void check_area(void *data, const struct yaml *map, struct err_list *errors);
const struct schema disk_area_schema = SCHEMA(struct disk_area, area_options, .check = check_area);

static const struct option installed_options[] = {
	{"data-directory", OPT_STRING, offsetof(struct disk_installed, data_directory),
	 OPT_REQUIRED | OPT_ABSPATH,
	 .help = "The 'data-directory' of system.conf, seen from the root of this partition.",
	 .example = "/rauc"},
	{"statusfile", OPT_STRING, offsetof(struct disk_installed, statusfile), OPT_ABSPATH,
	 .help = "Its 'statusfile', likewise; without it central.raucs in the directory, as with "
		 "RAUC.",
	 .example = "/rauc/status"},
	{"version", OPT_STRING, offsetof(struct disk_installed, version),
	 .help = "The version of what is in the slots, which `rauc status` shows as that of a "
		 "bundle.",
	 .example = "\"${project.version}\""},
	{"slots", OPT_DICT, offsetof(struct disk_installed, slots), OPT_REQUIRED | OPT_NAME,
	 .help = "Slots of RAUC, and the partitions of this disk that they are.",
	 .example = "{rootfs.0: root-a, rootfs.1: root-b}"},
};
static const struct schema installed_schema = SCHEMA(struct disk_installed, installed_options);

static const struct option part_options[] = {
	{"name", OPT_STRING, offsetof(struct disk_part, name), OPT_REQUIRED | OPT_NAME,
	 .help = "Name in the partition table; identities derive from it.", .example = "root-a"},
	{"type", OPT_STRING, offsetof(struct disk_part, type),
	 .help = PARTITION_TYPE_HELP " With 'table: mbr' " MBR_TYPE_HELP " Needed with a table.",
	 .example = "root-arm64"},
	{"mbr-type", OPT_STRING, offsetof(struct disk_part, mbr_type),
	 .help = "With 'table: hybrid': the partition is in the MBR, too, and this is its type "
		 "there: " MBR_TYPE_HELP,
	 .example = "fat32-lba"},
	{"active", OPT_BOOL, offsetof(struct disk_part, active),
	 .help = "The flag by which a BIOS or boot loader finds where to boot from; in a GPT the "
		 "attribute 'legacy BIOS bootable'."},
	{"from", OPT_REF, offsetof(struct disk_part, from),
	 .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .help = "The image that is copied into it.", .example = "root"},
	{"size", OPT_SIZE, offsetof(struct disk_part, size), OPT_POSITIVE,
	 .help = "Size, rounded up to 'align'; without it that of the image.", .example = "1500M"},
	{"at", OPT_SIZE, offsetof(struct disk_part, at), OPT_POSITIVE,
	 .help = "Start on the disk, a multiple of 512 bytes; without it after the one before, at "
		 "a multiple of 'align'.",
	 .example = "16M"},
	{"uuid", OPT_STRING, offsetof(struct disk_part, uuid),
	 .help = "Its UUID in a GPT, PARTUUID of Linux; without it one that derives from the names "
		 "of project, node and partition.",
	 .example = "5f1c8a6e-0d3b-4b57-9c1f-6a2d7e4b9c10"},
	{"region", OPT_ENUM, offsetof(struct disk_part, region), .def = "1x", .words = regions,
	 .help = "2x keeps as much free after the partition, for RAUC's boot-gpt-switch."},
	{"filesystem", OPT_ENUM, offsetof(struct disk_part, filesystem), .def = "none",
	 .words = filesystems, .help = "Makes an empty file system in it."},
	{"label", OPT_STRING, offsetof(struct disk_part, label),
	 .help = "Label of the empty file system."},
	{"installed", OPT_STRUCT, offsetof(struct disk_part, installed), .sub = &installed_schema,
	 .help = "What RAUC keeps there of slots that it has installed: an index of each, and the "
		 "status that names it. With it, the first adaptive update of a new card need not "
		 "read the slots as a whole. 32 bytes for each 4 KiB of a slot's image.",
	 .example = "{data-directory: /rauc, statusfile: /rauc/status, slots: {rootfs.0: root-a}}"},
	{"grow", OPT_BOOL, offsetof(struct disk_part, grow),
	 .help = "Marks it to be grown over the rest of the medium on first boot; last partition "
		 "only."},
};
static void check_part(void *data, const struct yaml *map, struct err_list *errors);
const struct schema disk_part_schema = SCHEMA(struct disk_part, part_options, .check = check_part);

static const struct option disk_options[] = {
	{"table", OPT_ENUM, offsetof(struct disk_opts, table), .def = "gpt", .words = disk_tables,
	 .help = "Partition table; hybrid is a GPT whose MBR shows up to three partitions to boot "
		 "ROMs that know no GPT."},
	{"gpt-entries", OPT_INT, offsetof(struct disk_opts, entries), OPT_POSITIVE,
	 .help = "How many partitions the GPT has room for, 128 without it; 56 leave byte 8192 "
		 "free for boot ROMs.",
	 .example = "56"},
	{"gpt-entries-offset", OPT_SIZE, offsetof(struct disk_opts, entries_at), OPT_POSITIVE,
	 .help = "Where the entries of the GPT begin, a multiple of 512 bytes; without it at 1024. "
		 "What lies before them is free for a blob.",
	 .example = "1M"},
	{"align", OPT_SIZE, offsetof(struct disk_opts, align), OPT_POSITIVE,
	 .help = "Sizes of partitions, and starts without 'at', are multiples of it; 1M without "
		 "it.",
	 .example = "512"},
	{"uuid", OPT_STRING, offsetof(struct disk_opts, uuid),
	 .help = "Identity of the disk: the UUID of a GPT, or the signature of an MBR, 8 hex "
		 "digits, of which Linux makes PARTUUIDs; without it one that derives from names.",
	 .example = "f3a29b01"},
	{"formats", OPT_ENUM, offsetof(struct disk_opts, formats), OPT_LIST, .words = formats,
	 .help = "What is made of the disk: NAME.img (raw), NAME.img.zst, NAME.img.xz, NAME.qcow2, "
		 "and NAME.img.bmap, by which bmaptool writes only what is in use; raw without it.",
	 .example = "[raw, zst, bmap]"},
	{"tools", OPT_REF, offsetof(struct disk_opts, tools), .accept = ACCEPT_TREE,
	 .help = "Tree whose zstd, xz and qemu-img make 'formats', in the sandbox. Without it this "
		 "host's do.",
	 .example = "tools"},
	{"size", OPT_SIZE, offsetof(struct disk_opts, size), OPT_POSITIVE,
	 .help = "Size of the disk; without it as large as its partitions need."},
	{"reserved", OPT_STRUCT, offsetof(struct disk_opts, reserved), OPT_LIST | OPT_PLACED,
	 .sub = &disk_area_schema,
	 .help = "Areas outside of all partitions, for blobs and for what a boot loader keeps; no "
		 "tool may take them for free space."},
	{"partitions", OPT_STRUCT, offsetof(struct disk_opts, partitions),
	 OPT_LIST | OPT_REQUIRED | OPT_PLACED, .sub = &disk_part_schema,
	 .help = "The partitions, in order."},
	BESIDE_OPTIONS(struct disk_opts),
};

static void check_area(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct disk_area *a = data;

	if (!a->size && !a->from)
		err_list_at(errors, E_DISK_LAYOUT, map->pos,
			    "reserved area '%s' needs a 'size', or 'from'", a->name);
}

static void check_part(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct disk_part *p = data;

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
	if (p->installed && p->filesystem != IMAGE_FS_EXT4)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "installed"),
			    "what RAUC has installed is kept in a file system of its own: it needs "
			    "'filesystem: ext4'");
}

const struct disk_part *disk_part_named(const struct disk_opts *o, const char *name)
{
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		if (str_eq(p->name, name))
			return p;
	}
	return NULL;
}

const char *disk_statusfile(struct arena *a, const struct disk_installed *i)
{
	const char *end = str_ends(i->data_directory, "/") ? "" : "/";

	return i->statusfile ? i->statusfile
			     : arena_printf(a, "%s%scentral.raucs", i->data_directory, end);
}

static void check_installed(const struct disk_opts *o, const struct disk_installed *in,
			    const struct yaml *map, struct err_list *errors)
{
	if (in->version && !bundle_is_plain_line(in->version))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "version"),
			    "version must be one line of text without '");
	for (size_t i = 0; i < in->slots.count; i++) {
		const struct pair *slot = LIST_AT(in->slots, struct pair *, i);
		const struct disk_part *p = disk_part_named(o, slot->value);

		if (!p)
			err_list_at(errors, E_UNKNOWN_PARTITION, slot->pos,
				    "slot '%s': the disk has no partition '%s'", slot->key,
				    slot->value);
		else if (!p->from)
			err_list_at(errors, E_CONFLICTING_KEYS, slot->pos,
				    "slot '%s': partition '%s' has no image ('from') that could be "
				    "installed",
				    slot->key, slot->value);
	}
}

struct layout_part disk_layout_part(const struct disk_part *p, uint64_t size)
{
	return (struct layout_part){.name = p->name,
				    .type = p->type,
				    .mbr_type = p->mbr_type,
				    .active = p->active,
				    .at = p->at,
				    .size = size,
				    .regions = (unsigned)p->region + 1,
				    .grow = p->grow};
}

void disk_layout(const struct disk_opts *o, const uint64_t *sizes, const uint64_t *areas,
		 struct layout *ret)
{
	ret->size = o->size;
	ret->table = (enum layout_table)o->table;
	ret->entries = (unsigned)o->entries;
	ret->entries_at = o->entries_at;
	ret->align = o->align;
	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *r = LIST_AT(o->reserved, struct disk_area *, i);

		layout_areas_push(&ret->areas, (struct layout_area){r->name, r->at, areas[i]});
	}
	for (size_t i = 0; i < o->partitions.count; i++)
		layout_parts_push(
			&ret->parts,
			disk_layout_part(LIST_AT(o->partitions, struct disk_part *, i), sizes[i]));
}

/* The map of entry INDEX of the list under KEY, of which one may stand alone. */
static const struct yaml *entry_of(const struct yaml *map, const char *key, size_t index)
{
	const struct yaml *y = yaml_get(map, key);

	return y->type == YAML_LIST ? y->items[index] : y;
}

static void check_words(const struct disk_opts *o, const struct disk_part *p,
			const struct yaml *map, struct err_list *errors)
{
	bool gpt = layout_has_gpt((enum layout_table)o->table);
	char *hint cleanup_free = gpt && p->type ? layout_type_hint(p->type) : NULL;
	unsigned char byte;
	char guid[37];

	if (!p->type && o->table != LAYOUT_NONE)
		err_list_at(errors, E_MISSING_KEY, map->pos,
			    "key 'type' is missing: the type of partition '%s' in the table",
			    p->name);
	else if (gpt && !layout_type_guid(p->type, guid))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "type"),
			    "'%s' is neither a known partition type nor a GUID%s", p->type, hint);
	else if (o->table == LAYOUT_MBR && layout_mbr_type(p->type, &byte))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "type"),
			    "'%s' is neither a known type of an MBR (linux, swap, fat32-lba, esp, "
			    "…) nor a number like 0x83",
			    p->type);
	if (p->mbr_type && o->table != LAYOUT_HYBRID)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "mbr-type"),
			    "'mbr-type' is for 'table: hybrid'%s",
			    o->table == LAYOUT_MBR ? ": here 'type' is that of the MBR" : "");
	else if (p->mbr_type && layout_mbr_type(p->mbr_type, &byte))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "mbr-type"),
			    "'%s' is neither a known type of an MBR nor a number like 0x83",
			    p->mbr_type);
	if (p->active && o->table == LAYOUT_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "active"),
			    "'active' is a flag of the partition table, and there is none");
}

static void check_table_keys(const struct disk_opts *o, const struct yaml *map,
			     struct err_list *errors)
{
	static const char *const keys[] = {"gpt-entries", "gpt-entries-offset"};

	for (size_t i = 0; i < array_len(keys); i++)
		if (!layout_has_gpt((enum layout_table)o->table) && yaml_get(map, keys[i]))
			err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, keys[i]),
				    "'%s' is about a GPT, and this disk has none", keys[i]);
}

struct pos disk_bad_place(const struct disk_opts *o, const struct layout *l)
{
	size_t area = l->bad_area ? (size_t)(l->bad_area - l->areas.items) : 0;
	size_t part = l->bad_part ? (size_t)(l->bad_part - l->parts.items) : 0;

	if (l->bad_area)
		return LIST_AT(o->reserved, struct disk_area *, area)->pos;
	return LIST_AT(o->partitions, struct disk_part *, part)->pos;
}

/* Before anything is built the size of an image is not known: it counts as small. */
static void check_layout(const struct disk_opts *o, const struct yaml *map, struct err_list *errors)
{
	uint64_t *sizes cleanup_free = xcalloc(o->partitions.count + 1, sizeof(*sizes));
	uint64_t *areas cleanup_free = xcalloc(o->reserved.count + 1, sizeof(*areas));
	struct layout l cleanup_layout = {0};
	struct err *err cleanup_err = NULL;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		sizes[i] = p->size ? p->size : 1;
	}
	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *a = LIST_AT(o->reserved, struct disk_area *, i);

		areas[i] = a->size ? a->size : 1;
	}
	disk_layout(o, sizes, areas, &l);
	if (layout_place(&l, &err) < 0)
		err_list_at(errors, err->code,
			    l.bad_area || l.bad_part ? disk_bad_place(o, &l)
						     : yaml_key_pos(map, "partitions"),
			    "%s", err->text);
}

bool disk_has_format(const struct disk_opts *o, enum disk_format format)
{
	for (size_t i = 0; i < o->formats.count; i++)
		if (LIST_AT(o->formats, int, i) == (int)format)
			return true;
	return !o->formats.count && format == DISK_RAW;
}

static bool needs_program(const struct disk_opts *o)
{
	for (enum disk_format f = 0; f < DISK_FORMATS; f++)
		if (disk_programs[f] && disk_has_format(o, f))
			return true;
	return false;
}

static void check_formats(const struct disk_opts *o, const struct yaml *map,
			  struct err_list *errors)
{
	for (size_t i = 0; i < o->formats.count; i++)
		for (size_t k = 0; k < i; k++)
			if (LIST_AT(o->formats, int, i) == LIST_AT(o->formats, int, k))
				err_list_at(errors, E_DUPLICATE_NAME, yaml_key_pos(map, "formats"),
					    "'%s' is named twice",
					    formats[LIST_AT(o->formats, int, i)]);
	if (disk_has_format(o, DISK_BMAP) && !disk_has_format(o, DISK_RAW) &&
	    !disk_has_format(o, DISK_ZST) && !disk_has_format(o, DISK_XZ))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "formats"),
			    "a bmap says what of an image to write, and there is none: add 'raw', "
			    "'zst' or 'xz'");
	if (o->tools && !needs_program(o))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "tools"),
			    "no format of this disk is made by a program: leave 'tools' out");
}

static void check_disk(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct disk_opts *o = data;
	size_t before = errors->count;

	check_table_keys(o, map, errors);
	check_formats(o, map, errors);
	disk_check_ids(o, map, errors);
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);
		const struct yaml *at = entry_of(map, "partitions", i);
		char *name cleanup_free = xasprintf("partition '%s'", p->name);

		check_words(o, p, at, errors);
		image_fs_check(p->filesystem, p->label, layout_round(p->size, o->align), name, at,
			       errors);
		if (p->installed)
			check_installed(o, p->installed, yaml_get(at, "installed"), errors);
	}
	if (errors->count == before)
		check_layout(o, map, errors);
	for (size_t i = 0; i + 1 < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		if (p->grow)
			err_list_at(errors, E_DISK_LAYOUT, p->pos,
				    "partition '%s' cannot grow: another one lies after it",
				    p->name);
	}
}

static const struct schema disk_schema =
	SCHEMA(struct disk_opts, disk_options, .check = check_disk);

static void disk_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	for (enum disk_format f = 0; f < DISK_FORMATS; f++) {
		const char *name =
			arena_printf(ctx->arena, "%s%s", path_base(ctx->node), disk_endings[f]);

		if (disk_has_format(ctx->opts, f))
			output_specs_push(
				ret, (struct output_spec){name, f ? OUTPUT_FILE : OUTPUT_IMAGE});
	}
}

static void disk_tools(const void *opts, struct strs *ret)
{
	const struct disk_opts *o = opts;

	for (enum disk_format f = 0; f < DISK_FORMATS; f++)
		if (!o->tools && disk_programs[f] && disk_has_format(o, f))
			strs_push(ret, disk_programs[f]);
}

const struct kind kind_disk = {
	.name = "disk",
	.summary = "a disk from other nodes' images",
	.manual =
		"Partitions lie in the order of the recipe, on whole mebibytes unless 'at' or "
		"'align' says otherwise. 'reserved' names areas outside of them: what a boot "
		"loader keeps, or a blob that 'from' writes where a boot ROM looks for it. The "
		"first partition then starts at the next multiple of 4 MiB after them, if it has "
		"no 'at', and the first usable block of a GPT is its start, so that no tool takes "
		"the gap for free space. An area over a table or a partition is an error: "
		"'gpt-entries' makes the table shorter, 'gpt-entries-offset' moves most of it "
		"away.\n\n"
		"An MBR has four entries: with more partitions, those from the fourth on are "
		"logical, numbered from 5. Its partitions have no names on the disk: there, names "
		"are for the recipe, facts and messages.\n\n"
		"'size' is a promise: an image that is larger is refused, a smaller one leaves "
		"a hole. 'region: 2x' keeps as much free after a partition, which RAUC's "
		"boot-gpt-switch needs. Identities depend on project, node and partition name, so "
		"two cards of one image have equal ones: never mount by them.",
	.version = 2,
	.usual_s = 3,
	.named = kind_always,
	.identified = kind_always,
	.schema = &disk_schema,
	.outputs = disk_outputs,
	.tools = disk_tools,
	.fact_help = disk_fact_help,
	.fact = disk_fact,
	.fact_names = disk_fact_names,
};
