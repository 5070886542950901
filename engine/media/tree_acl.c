/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree_acl.h"

#include <endian.h>

#include "media/archive_lazy.h"
#include "media/tree_priv.h"

/*
 * The kernel's format (include/uapi/linux/posix_acl_xattr.h): a version,
 * then entries, little-endian.
 */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};
DEFINE_VEC(acl_entries, struct acl_entry)
#define ACL_VERSION 2
#define ACL_NO_ID 0xffffffffu
#define MAX_ACL 1024

static uint16_t tag_of(int archive_tag)
{
	switch (archive_tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return 0x20;
	default:
		return 0;
	}
}

static bool has_number(uint16_t tag)
{
	return tag == 0x02 || tag == 0x08;
}

void tree_acl_normal(void *value, size_t len)
{
	for (size_t at = sizeof(uint32_t); at + sizeof(struct acl_entry) <= len;
	     at += sizeof(struct acl_entry)) {
		struct acl_entry e;

		memcpy(&e, (char *)value + at, sizeof(e));
		if (!has_number(le16toh(e.tag)))
			e.id = ACL_NO_ID;
		memcpy((char *)value + at, &e, sizeof(e));
	}
}

static int by_tag(const void *a, const void *b)
{
	const struct acl_entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void acl_store(struct tree *t, struct tree_inode *inode, const char *name,
		      struct acl_entries *acl)
{
	struct str value cleanup_str = STR_INIT;
	uint32_t version = htole32(ACL_VERSION);

	qsort(acl->items, acl->count, sizeof(acl->items[0]), by_tag);
	str_append_len(&value, &version, sizeof(version));
	for (size_t i = 0; i < acl->count; i++) {
		struct acl_entry e = {htole16(acl->items[i].tag), htole16(acl->items[i].perm),
				      htole32(acl->items[i].id)};

		str_append_len(&value, &e, sizeof(e));
	}
	tree_inode_xattr(t, inode, name, value.buf, value.len);
}

static int acl_gather(struct archive_entry *ae, int type, const char *path, struct acl_entries *ret,
		      struct err **err)
{
	int got_type, perm, tag, id;
	const char *name;

	archive_entry_acl_reset(ae, type);
	while (archive_entry_acl_next(ae, type, &got_type, &perm, &tag, &id, &name) == 0) {
		bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

		if (!tag_of(tag) || (named && id < 0) || ret->count >= MAX_ACL)
			return err_set(err, ERR_BUILD,
				       "'%s' has an access list with an entry that has no number",
				       path);
		acl_entries_push(ret, (struct acl_entry){tag_of(tag), (uint16_t)(perm & 7),
							 named ? (uint32_t)id : ACL_NO_ID});
	}
	return 0;
}

static int acl_one(struct tree *t, struct archive_entry *ae, struct tree_inode *inode, int type,
		   const char *name, const char *path, struct err **err)
{
	struct acl_entries acl __attribute__((cleanup(acl_entries_clear))) = {0};

	if (!(archive_entry_acl_types(ae) & type))
		return 0;
	if (acl_gather(ae, type, path, &acl, err) < 0)
		return -1;
	if (acl.count)
		acl_store(t, inode, name, &acl);
	return 0;
}

int tree_acl_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		  const char *path, struct err **err)
{
	if (acl_one(t, ae, inode, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", path,
		    err) < 0)
		return -1;
	return acl_one(t, ae, inode, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default",
		       path, err);
}

static char letter_of(uint16_t tag)
{
	switch (tag) {
	case 0x01:
	case 0x02:
		return 'u';
	case 0x04:
	case 0x08:
		return 'g';
	case 0x10:
		return 'm';
	case 0x20:
		return 'o';
	default:
		return 0;
	}
}

int tree_acl_text(const void *value, size_t len, const char *path, struct str *ret,
		  struct err **err)
{
	const char *p = value;
	uint32_t version = 0;

	if (len >= sizeof(version))
		memcpy(&version, p, sizeof(version));
	if (le32toh(version) != ACL_VERSION || (len - sizeof(version)) % sizeof(struct acl_entry))
		return err_set(err, ERR_BUILD, "'%s' has an ACL of an unknown form", path);
	for (size_t at = sizeof(version); at < len; at += sizeof(struct acl_entry)) {
		struct acl_entry e;
		uint16_t tag, perm;

		memcpy(&e, p + at, sizeof(e));
		tag = le16toh(e.tag);
		perm = le16toh(e.perm);
		if (!letter_of(tag))
			return err_set(err, ERR_BUILD, "'%s' has an ACL of an unknown form", path);
		str_printf(ret, "%s%c:", at > sizeof(version) ? "," : "", letter_of(tag));
		if (has_number(tag))
			str_printf(ret, "%u", le32toh(e.id));
		str_printf(ret, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			   perm & 1 ? 'x' : '-');
	}
	return 0;
}
