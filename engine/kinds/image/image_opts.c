/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option tables of kind image and the rules over several keys. */
#include "kinds/image/image_opts.h"

#include "base/path.h"
#include "media/ext4/ext4.h"
#include "media/fat/fat.h"

const char *const image_fs_words[] = {"none",  "ext4",     "vfat",  "xfs",
				      "btrfs", "squashfs", "erofs", NULL};
static const char *const autos[] = {"auto", NULL};
static const char *const writers[] = {"direct", "guestfs", NULL};
static const char *const tables[] = {"none", "gpt", NULL};
static const char *const bootloaders[] = {"none", "systemd-boot", NULL};

static const struct option part_options[] = {
	{"name", OPT_STRING, offsetof(struct image_part_opts, name), OPT_REQUIRED | OPT_NAME,
	 .help = "Name in the partition table; identities derive from it.", .example = "root"},
	{"type", OPT_STRING, offsetof(struct image_part_opts, type), OPT_REQUIRED,
	 .help = PARTITION_TYPE_HELP, .example = "root-arm64"},
	{"size", OPT_SIZE, offsetof(struct image_part_opts, size), OPT_POSITIVE,
	 .help = "Size, rounded up to 1 MiB; the last partition may leave it out and takes the "
		 "rest."},
	{"at", OPT_SIZE, offsetof(struct image_part_opts, at), OPT_POSITIVE,
	 .help = "Start in the image, a multiple of 1 MiB; without it after the one before."},
	{"filesystem", OPT_ENUM, offsetof(struct image_part_opts, filesystem), .def = "none",
	 .words = image_fs_words, .help = "File system to make in it."},
	{"mount", OPT_STRING, offsetof(struct image_part_opts, mount), OPT_ABSPATH,
	 .help = "Which part of the content goes into it.", .example = "/boot/efi"},
	{"label", OPT_STRING, offsetof(struct image_part_opts, label),
	 .help = "Label of the file system."},
	{"grow", OPT_BOOL, offsetof(struct image_part_opts, grow),
	 .help = "Mark it to be grown on first boot."},
};
static void check_part(void *data, const struct yaml *map, struct err_list *errors);
static const struct schema part_schema =
	SCHEMA(struct image_part_opts, part_options, .check = check_part);

static const struct option image_options[] = {
	{"writer", OPT_ENUM, offsetof(struct image_opts, writer), .def = "direct", .words = writers,
	 .help = "direct is fast and needs nothing; guestfs boots libguestfs and knows every file "
		 "system."},
	{"tools", OPT_REF, offsetof(struct image_opts, tools), .accept = ACCEPT_TREE,
	 .help = "Tree whose programs make the file systems, in the sandbox: sqfstar and "
		 "mkfs.erofs (from 1.7 on), and for 'writer: guestfs' mkfs.ext4, mkfs.xfs and "
		 "mkfs.btrfs. Without it this host's do. vfat needs none.",
	 .example = "tools"},
	{"size", OPT_SIZE, offsetof(struct image_opts, size), OPT_REQUIRED | OPT_POSITIVE,
	 .words = autos, .help = "Size of the whole image; 'auto': what the content needs.",
	 .example = "2G"},
	{"headroom", OPT_STRING, offsetof(struct image_opts, headroom),
	 .help = "With 'size: auto': how much larger than its content a file system is that is "
		 "written to.",
	 .example = "10%"},
	{"compression", OPT_STRING, offsetof(struct image_opts, compression),
	 .help = "Of squashfs: zstd (without it), xz, gzip, lzo, lz4 or none; of erofs: lz4hc "
		 "(without it), lz4, lzma, deflate, zstd or none.",
	 .example = "xz"},
	{"compression-level", OPT_INT, offsetof(struct image_opts, compression_level), OPT_POSITIVE,
	 .help = "How hard it tries, in the program's own numbers.", .example = "19"},
	{"block-size", OPT_SIZE, offsetof(struct image_opts, block_size), OPT_POSITIVE,
	 .help = "What squashfs and erofs compress at once, a power of 2; without it the program's "
		 "default.",
	 .example = "1M"},
	{"verity", OPT_BOOL, offsetof(struct image_opts, verity),
	 .help = "Appends dm-verity's hash tree; the outputs NAME.roothash and NAME.verity are the "
		 "root hash and a device-mapper table."},
	{"filesystem", OPT_ENUM, offsetof(struct image_opts, filesystem), .def = "none",
	 .words = image_fs_words, .help = "Makes the whole image this file system."},
	{"layout", OPT_REF, offsetof(struct image_opts, layout), .accept = ACCEPT_PATH,
	 .help = "Layout lock of an ext4: where everything was in a released image, so that what "
		 "stays is not moved. 'orch lock --layout NODE' writes it; one of another size, or "
		 "damaged, is a note in the log.",
	 .example = "recipes/root.layout"},
	{"table", OPT_ENUM, offsetof(struct image_opts, table), .def = "none", .words = tables,
	 .help = "Partition table."},
	{"partitions", OPT_STRUCT, offsetof(struct image_opts, partitions), OPT_LIST,
	 .sub = &part_schema, .help = "The partitions, in order."},
	{"label", OPT_STRING, offsetof(struct image_opts, label),
	 .help = "Label of the file system of the whole image."},
	{"reserved-percent", OPT_INT, offsetof(struct image_opts, reserved_percent), .def = "1",
	 .help = "Share of ext4's blocks that is kept for root."},
	{"contents", OPT_STRUCT, offsetof(struct image_opts, contents), OPT_LIST | OPT_PLACED,
	 .sub = &content_schema,
	 .help = "What goes into it, in order; later entries lie over earlier ones.",
	 .example = "[{unpack: base}, {copy: rootfs/, to: /}]"},
	{"units", OPT_STRUCT, offsetof(struct image_opts, units), OPT_PLACED, .sub = &units_schema,
	 .help = "systemd units to enable, disable or mask.", .example = "{enable: [app.service]}"},
	{"bootloader", OPT_ENUM, offsetof(struct image_opts, bootloader), .def = "none",
	 .words = bootloaders, .help = "Boot loader to install from the content into the ESP."},
	{"cmdline", OPT_STRING, offsetof(struct image_opts, cmdline), OPT_VALUE,
	 .help = "Kernel arguments for the boot loader; root= is added when it is missing."},
	{"remove", OPT_STRING, offsetof(struct image_opts, remove), OPT_LIST,
	 .help = "Patterns of what is removed from the content; ** stands for any directories.",
	 .example = "[/usr/share/doc/**]"},
	{"modes", OPT_DICT, offsetof(struct image_opts, modes),
	 .help = "Pattern and octal mode, owner, or both; something must match.",
	 .example = "{/etc/shadow: \"0640 0:42\"}"},
	{"clock-epoch", OPT_BOOL, offsetof(struct image_opts, clock_epoch),
	 .help = "Write /usr/lib/clock-epoch with the newest date of the locks behind this image "
		 "as its time: systemd never lets the clock be earlier. This image alone is made "
		 "again when that date moves."},
	{"allow-private-keys", OPT_STRING, offsetof(struct image_opts, allow_private_keys),
	 OPT_LIST, .help = "Patterns of files that may hold a private key."},
	PLATFORM_OPTION(struct image_opts),
};

const char *image_fs_program(int type)
{
	static const char *const programs[] = {[IMAGE_FS_EXT4] = "mkfs.ext4",
					       [IMAGE_FS_XFS] = "mkfs.xfs",
					       [IMAGE_FS_BTRFS] = "mkfs.btrfs",
					       [IMAGE_FS_SQUASHFS] = "sqfstar",
					       [IMAGE_FS_EROFS] = "mkfs.erofs"};

	return (size_t)type < array_len(programs) ? programs[type] : NULL;
}

void image_programs(const struct image_opts *o, struct strs *ret)
{
	bool used[array_len(image_fs_words)] = {false};

	used[o->filesystem] = true;
	for (size_t i = 0; i < o->partitions.count; i++)
		used[LIST_AT(o->partitions, struct image_part_opts *, i)->filesystem] = true;
	for (size_t i = 0; i < array_len(used); i++)
		if (used[i] && image_fs_program((int)i) &&
		    (o->writer == IMAGE_WRITER_GUESTFS || image_is_packed((int)i)))
			strs_push(ret, image_fs_program((int)i));
}

void image_fs_check(int type, const char *label, uint64_t size, const char *name,
		    const struct yaml *map, struct err_list *errors)
{
	struct err *bad_label cleanup_err = NULL, *bad_size cleanup_err = NULL;
	int rc = 0;

	if (type == IMAGE_FS_EXT4)
		rc = ext4_check_label(label, name, &bad_label) |
		     (size ? ext4_check_size(size, name, &bad_size) : 0);
	else if (type == IMAGE_FS_VFAT)
		rc = fat_check_label(label, name, &bad_label) |
		     (size ? fat_check_size(size, name, &bad_size) : 0);
	if (rc == 0)
		return;
	if (bad_label)
		err_list_at(errors, bad_label->code, yaml_key_pos(map, "label"), "%s",
			    bad_label->text);
	if (bad_size)
		err_list_at(errors, bad_size->code, yaml_key_pos(map, "size"), "%s",
			    bad_size->text);
}

static void check_part(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct image_part_opts *p = data;
	char *name cleanup_free = xasprintf("partition '%s'", p->name);
	char guid[37];

	if (!layout_type_guid(p->type, guid)) {
		char *hint cleanup_free = layout_type_hint(p->type);

		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "type"),
			    "'%s' is neither a known partition type nor a GUID%s", p->type, hint);
	}
	if (p->mount && p->filesystem == IMAGE_FS_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "mount"),
			    "a mount point needs a 'filesystem'");
	image_fs_check(p->filesystem, p->label, layout_round(p->size, 0), name, map, errors);
	if (p->mount && strpbrk(p->mount, "*?[\\"))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "mount"),
			    "a mount point has no '*', '?', '[' or '\\'");
}

void image_layout(const struct image_opts *o, struct layout *ret)
{
	ret->size = o->size;
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		layout_parts_push(&ret->parts, (struct layout_part){.name = p->name,
								    .type = p->type,
								    .at = p->at,
								    .size = p->size,
								    .grow = p->grow});
	}
}

static void check_partitions(const struct image_opts *o, const struct yaml *map,
			     struct err_list *errors)
{
	struct layout l cleanup_layout = {0};
	struct err *err cleanup_err = NULL;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const char *mount = LIST_AT(o->partitions, struct image_part_opts *, i)->mount;

		for (size_t k = 0; mount && k < i; k++) {
			const char *other =
				LIST_AT(o->partitions, struct image_part_opts *, k)->mount;

			if (other && str_eq(mount, other))
				err_list_at(errors, E_DUPLICATE_NAME,
					    yaml_key_pos(map, "partitions"),
					    "two partitions are mounted at '%s'", mount);
		}
	}
	image_layout(o, &l);
	if (layout_place(&l, &err) < 0)
		err_list_at(errors, err->code, yaml_key_pos(map, "partitions"), "%s", err->text);
}

static bool needs_kernel(int type)
{
	return type == IMAGE_FS_XFS || type == IMAGE_FS_BTRFS;
}

/* Whether WORD is one of the words of LIST, which have a space between. */
static bool is_one_of(const char *word, const char *list)
{
	size_t len = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += len)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return len && !strchr(word, ' ');
	return false;
}

/* What shapes a packed file system, which may be that of a partition. */
static void check_packing(const struct image_opts *o, bool packed, const struct yaml *map,
			  struct err_list *errors)
{
	static const char *const keys[] = {"compression", "compression-level", "block-size"};
	const char *words = o->filesystem == IMAGE_FS_EROFS ? "lz4 lz4hc lzma deflate zstd none"
							    : "gzip xz lzo lz4 zstd none";

	for (size_t i = 0; i < array_len(keys); i++)
		if (!packed && yaml_get(map, keys[i]))
			err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, keys[i]),
				    "'%s' is for squashfs and erofs", keys[i]);
	if (packed && o->compression && o->filesystem != IMAGE_FS_NONE &&
	    !is_one_of(o->compression, words))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "compression"),
			    "'compression' of %s cannot be '%s' (one of: %s)",
			    image_fs_words[o->filesystem], o->compression, words);
	if (o->block_size & (o->block_size - 1) || (o->block_size && o->block_size < 4096) ||
	    o->block_size > 1 << 20)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "block-size"),
			    "'block-size' is a power of 2 from 4K to 1M");
}

unsigned image_headroom(const struct image_opts *o)
{
	return o->headroom ? (unsigned)strtoul(o->headroom, NULL, 10) : 0;
}

static void check_auto(const struct image_opts *o, const struct yaml *map, struct err_list *errors)
{
	size_t digits = o->headroom ? strspn(o->headroom, "0123456789") : 0;

	if (o->size == SIZE_AUTO &&
	    (o->filesystem == IMAGE_FS_NONE || o->writer == IMAGE_WRITER_GUESTFS))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "size"),
			    "'size: auto' is for one file system that orch writes itself: give a "
			    "size");
	if (o->headroom && (!digits || digits > 3 || !str_eq(o->headroom + digits, "%")))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "headroom"),
			    "'headroom' is a percentage like 10%%, not '%s'", o->headroom);
	if (o->headroom && (o->size != SIZE_AUTO || image_is_packed(o->filesystem)))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "headroom"),
			    o->size != SIZE_AUTO ? "'headroom' is for 'size: auto'"
						 : "a packed file system is never written to: "
						   "leave 'headroom' out");
}

static void check_layout(const struct image_opts *o, const struct yaml *map,
			 struct err_list *errors)
{
	if (o->layout && (o->filesystem != IMAGE_FS_EXT4 || o->writer == IMAGE_WRITER_GUESTFS ||
			  o->size == SIZE_AUTO))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "layout"),
			    "'layout' is for an image that is one ext4 ('filesystem: ext4'), of a "
			    "size that is said, by the direct writer");
}

/* Its blocks have 4096 bytes, and nothing is written to it. */
static void check_verity(const struct image_opts *o, const struct yaml *map,
			 struct err_list *errors)
{
	bool can = o->filesystem == IMAGE_FS_EXT4 || image_is_packed(o->filesystem);

	if (!o->verity)
		return;
	if (o->table == IMAGE_TABLE_GPT)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "verity"),
			    "'verity' is about one file system: make each an image of its own, and "
			    "a 'disk' of them");
	else if (!can || o->writer == IMAGE_WRITER_GUESTFS)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "verity"),
			    "%s cannot be mounted from dm-verity, which has blocks of 4096 bytes "
			    "and is never written: take squashfs, erofs or ext4 by the direct "
			    "writer",
			    image_fs_words[o->filesystem]);
	else if (o->size != SIZE_AUTO && verity_data_size(o->size) == 0)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "size"),
			    "there is no room for a hash tree: raise the size");
}

static void check_filesystems(const struct image_opts *o, const struct yaml *map,
			      struct err_list *errors)
{
	bool foreign = needs_kernel(o->filesystem), packed = image_is_packed(o->filesystem);

	for (size_t i = 0; i < o->partitions.count; i++) {
		int type = LIST_AT(o->partitions, struct image_part_opts *, i)->filesystem;

		foreign = foreign || needs_kernel(type);
		packed = packed || image_is_packed(type);
	}
	if (packed && o->writer == IMAGE_WRITER_GUESTFS)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "writer"),
			    "squashfs and erofs are packed by programs, not by libguestfs: leave "
			    "'writer' out");
	check_packing(o, packed, map, errors);
	if (foreign && o->writer == IMAGE_WRITER_DIRECT)
		err_list_at(errors, E_WRITER_GUESTFS, map->pos,
			    "the direct writer makes ext4 and vfat: say 'writer: guestfs' for "
			    "other file systems");
}

/* Only libguestfs has file systems made by programs. */
static void check_tools(const struct image_opts *o, const struct yaml *map, struct err_list *errors)
{
	struct strs programs = {0};

	image_programs(o, &programs);
	if (o->tools && o->writer == IMAGE_WRITER_DIRECT && !programs.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "tools"),
			    "the direct writer makes file systems itself and runs no tools: leave "
			    "'tools' out, or say 'writer: guestfs'");
	else if (o->tools && !programs.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "tools"),
			    "no file system of this image is made by a program: leave 'tools' out");
	strs_clear(&programs);
}

static void check_bootloader(const struct image_opts *o, const struct yaml *map,
			     struct err_list *errors)
{
	bool esp = false;

	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct image_part_opts *p =
			LIST_AT(o->partitions, struct image_part_opts *, i);

		esp = esp || (str_eq(p->type, "esp") && p->mount && p->filesystem == IMAGE_FS_VFAT);
	}
	if (o->bootloader == IMAGE_BOOT_SYSTEMD && !esp)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "bootloader"),
			    "systemd-boot needs a partition with 'type: esp', 'filesystem: vfat' "
			    "and a 'mount'");
	if (o->cmdline && o->bootloader == IMAGE_BOOT_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "cmdline"),
			    "'cmdline' is for a 'bootloader'");
}

static void check_image(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct image_opts *o = data;

	if ((o->table == IMAGE_TABLE_GPT) == (o->filesystem != IMAGE_FS_NONE))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "an image has either a 'filesystem' or 'table: gpt' with "
			    "'partitions'");
	else if (o->table == IMAGE_TABLE_GPT)
		check_partitions(o, map, errors);
	else if (o->partitions.count)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "partitions"),
			    "'partitions' needs 'table: gpt'");
	if (o->label && o->table == IMAGE_TABLE_GPT)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "label"),
			    "give each partition its own 'label'");
	image_fs_check(o->filesystem, o->label, o->size == SIZE_AUTO ? 0 : o->size, "the image",
		       map, errors);
	check_auto(o, map, errors);
	check_layout(o, map, errors);
	check_verity(o, map, errors);
	if (o->reserved_percent < 0 || o->reserved_percent > 50)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "reserved-percent"),
			    "'reserved-percent' is 0 to 50");
	check_filesystems(o, map, errors);
	check_tools(o, map, errors);
	check_bootloader(o, map, errors);
	content_check_globs(&o->remove, yaml_key_pos(map, "remove"), errors);
	content_check_globs(&o->allow_private_keys, yaml_key_pos(map, "allow-private-keys"),
			    errors);
	content_check_modes(&o->modes, errors);
}

const struct schema image_schema = SCHEMA(struct image_opts, image_options, .check = check_image);
