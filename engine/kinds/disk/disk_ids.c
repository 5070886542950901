/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identities of a disk and its partitions: as the recipe gives them, else derived from names. */
#include "base/digest.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image_ids.h"
#include "media/disk/mbr.h"

#define SIGNATURE_DIGITS 8

/* "f3a29b01", as Linux writes the signature of an MBR. 0, or 1 for anything else, and for 0. */
static int parse_signature(const char *text, uint32_t *ret)
{
	if (strlen(text) != SIGNATURE_DIGITS ||
	    strspn(text, "0123456789abcdefABCDEF") != SIGNATURE_DIGITS)
		return 1;
	*ret = (uint32_t)strtoul(text, NULL, 16);
	return !*ret;
}

void disk_identity(enum layout_table table, const char *uuid, const char *project,
		   const char *identity, unsigned char ret[16])
{
	uint32_t signature;

	uuid_derive(ret, project, identity, "disk", NULL);
	if (!uuid)
		return;
	if (table == LAYOUT_MBR && parse_signature(uuid, &signature) == 0)
		mbr_identity(signature, ret);
	else if (table != LAYOUT_MBR)
		(void)!uuid_parse(uuid, ret);
}

void disk_part_identity(const char *name, const char *uuid, const char *project,
			const char *identity, unsigned char ret[16])
{
	image_partition_uuid(project, identity, name, ret);
	if (uuid)
		(void)!uuid_parse(uuid, ret);
}

static void check_uuid(const char *text, const struct yaml *map, struct err_list *errors)
{
	static const unsigned char none[16];
	unsigned char id[16];

	if (uuid_parse(text, id) || !memcmp(id, none, sizeof(id)))
		err_list_at(
			errors, E_INVALID_VALUE, yaml_key_pos(map, "uuid"),
			"'%s' is not a UUID: write one like 5f1c8a6e-0d3b-4b57-9c1f-6a2d7e4b9c10, "
			"as uuidgen makes them",
			text);
}

static void check_disk_id(const struct disk_opts *o, const struct yaml *map,
			  struct err_list *errors)
{
	uint32_t signature;

	if (o->table == LAYOUT_NONE)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "uuid"),
			    "'uuid' is in the partition table, and there is none");
	else if (o->table != LAYOUT_MBR)
		check_uuid(o->uuid, map, errors);
	else if (parse_signature(o->uuid, &signature))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "uuid"),
			    "'%s' is not the signature of an MBR: 8 hex digits, not all 0, like "
			    "f3a29b01",
			    o->uuid);
}

static void check_part_id(const struct disk_opts *o, size_t index, const struct yaml *map,
			  struct err_list *errors)
{
	const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, index);

	if (!layout_has_gpt((enum layout_table)o->table)) {
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "uuid"),
			    "a partition has a UUID in a GPT alone%s",
			    o->table == LAYOUT_MBR ? ": in an MBR its PARTUUID is the disk's "
						     "'uuid' and its number"
						   : "");
		return;
	}
	check_uuid(p->uuid, map, errors);
	for (size_t i = 0; i < index; i++) {
		const struct disk_part *other = LIST_AT(o->partitions, struct disk_part *, i);

		if (other->uuid && !strcasecmp(other->uuid, p->uuid))
			err_list_at(errors, E_DUPLICATE_NAME, yaml_key_pos(map, "uuid"),
				    "partition '%s' has this UUID, too: each needs its own",
				    other->name);
	}
}

void disk_check_ids(const struct disk_opts *o, const struct yaml *map, struct err_list *errors)
{
	const struct yaml *list = yaml_get(map, "partitions");

	if (o->uuid)
		check_disk_id(o, map, errors);
	for (size_t i = 0; i < o->partitions.count; i++)
		if (LIST_AT(o->partitions, struct disk_part *, i)->uuid)
			check_part_id(o, i, list->type == YAML_LIST ? list->items[i] : list,
				      errors);
}
