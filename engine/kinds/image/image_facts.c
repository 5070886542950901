/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts of kind image. */
#include "kinds/image/image_ids.h"
#include "kinds/image/image_opts.h"
#include "recipe/facts.h"

const struct fact_help image_fact_help[] = {
	{"size", "Of the image, bytes."},
	{"uuid", "Of the file system that the whole image is, as blkid shows it."},
	{"filesystem", "Of the whole image: ext4, vfat, xfs, btrfs, squashfs, erofs; none with a "
		       "partition table."},
	{NULL, NULL},
};

static const char *filesystem(struct facts *f, const struct recipe *r)
{
	if (!yaml_get(r->map, "filesystem"))
		return image_fs_words[IMAGE_FS_NONE];
	return facts_scalar(f, r->map, "filesystem");
}

static enum fact_result size(struct facts *f, const struct recipe *r, struct str *ret)
{
	const char *text = facts_scalar(f, r->map, "size");
	uint64_t n;

	if (text && str_eq(text, "auto")) {
		str_printf(ret, "the size of '%s' is known when it is built: give it a size",
			   r->name);
		return FACT_MISSING;
	}
	if (facts_size(f, r->map, "size", &n))
		return FACT_REFUSED;
	str_printf(ret, "%llu", (unsigned long long)n);
	return FACT_KNOWN;
}

/* That of FAT is its volume id, as blkid writes it. */
static enum fact_result uuid(struct facts *f, const struct recipe *r, struct str *ret)
{
	const char *type = filesystem(f, r);
	unsigned char id[16];
	char text[37];

	if (!type)
		return FACT_REFUSED;
	if (str_eq(type, image_fs_words[IMAGE_FS_NONE]) ||
	    str_eq(type, image_fs_words[IMAGE_FS_SQUASHFS])) /* it has none */
		return FACT_UNKNOWN;
	image_filesystem_uuid(facts_project(f)->name, r->identity, "", id);
	if (str_eq(type, image_fs_words[IMAGE_FS_VFAT]))
		str_printf(ret, "%02X%02X-%02X%02X", id[0], id[1], id[2], id[3]);
	else
		str_append(ret, uuid_format(id, text));
	return FACT_KNOWN;
}

enum fact_result image_fact(struct facts *f, const struct recipe *r, const char *name,
			    struct str *ret)
{
	const char *type;

	if (str_eq(name, "size"))
		return size(f, r, ret);
	if (str_eq(name, "uuid"))
		return uuid(f, r, ret);
	if (!str_eq(name, "filesystem"))
		return FACT_UNKNOWN;
	type = filesystem(f, r);
	if (type)
		str_append(ret, type);
	return type ? FACT_KNOWN : FACT_REFUSED;
}

void image_fact_names(struct facts *f, const struct recipe *r, struct strs *ret)
{
	const char *type = filesystem(f, r);

	strs_push(ret, "size");
	strs_push(ret, "filesystem");
	if (type && !str_eq(type, image_fs_words[IMAGE_FS_NONE]))
		strs_push(ret, "uuid");
}
