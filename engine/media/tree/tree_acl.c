/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/tree/tree_acl.h"

#include <archive_entry.h>
#include <endian.h>

#include "media/tree/tree_priv.h"

/*
 * The kernel's format (include/uapi/linux/posix_acl_xattr.h): a version,
 * then entries, little-endian.
 */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};
#define ACL_VERSION 2
#define ACL_NO_ID 0xffffffffu
#define MAX_ACL 1024
#define MAX_ID_FILE (16 << 20)
#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

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
	const struct acl_named *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void acl_store(struct tree *t, struct acl_list *l)
{
	struct str value cleanup_str = STR_INIT;
	uint32_t version = htole32(ACL_VERSION);

	qsort(l->items.items, l->items.count, sizeof(l->items.items[0]), by_tag);
	str_append_len(&value, &version, sizeof(version));
	for (size_t i = 0; i < l->items.count; i++) {
		const struct acl_named *n = &l->items.items[i];
		struct acl_entry e = {htole16(n->tag), htole16(n->perm), htole32(n->id)};

		str_append_len(&value, &e, sizeof(e));
	}
	tree_inode_xattr(t, l->inode, l->attribute, value.buf, value.len);
}

static int acl_gather(struct tree *t, struct archive_entry *ae, int type, struct acl_list *ret,
		      bool *ret_named, struct err **err)
{
	int got_type, perm, tag, id;
	const char *name;

	*ret_named = false;
	archive_entry_acl_reset(ae, type);
	while (archive_entry_acl_next(ae, type, &got_type, &perm, &tag, &id, &name) == 0) {
		struct acl_named n = {.tag = tag_of(tag), .perm = (uint16_t)(perm & 7)};

		if (!n.tag || ret->items.count >= MAX_ACL)
			return err_set(err, E_UNPACK_REFUSED, "'%s' has an ACL of an unknown form",
				       ret->path);
		n.id = has_number(n.tag) && id >= 0 ? (uint32_t)id : ACL_NO_ID;
		if (has_number(n.tag) && id < 0) {
			if (!name || !*name)
				return err_set(err, E_UNPACK_REFUSED,
					       "'%s' has an ACL entry with neither name nor number",
					       ret->path);
			n.name = tree_strdup(t, name);
			*ret_named = true;
		}
		acl_named_list_push(&ret->items, n);
	}
	return 0;
}

static int acl_one(struct tree *t, struct archive_entry *ae, struct acl_list *l, int type,
		   struct acl_lists *later, struct err **err)
{
	bool named;
	int rc;

	if (!(archive_entry_acl_types(ae) & type))
		return 0;
	rc = acl_gather(t, ae, type, l, &named, err);
	if (rc == 0 && named) {
		l->path = tree_strdup(t, l->path);
		acl_lists_push(later, *l);
		return 0;
	}
	if (rc == 0 && l->items.count)
		acl_store(t, l);
	acl_named_list_clear(&l->items);
	return rc;
}

int tree_acl_read(struct tree *t, struct archive_entry *ae, struct tree_inode *inode,
		  const char *path, struct acl_lists *later, struct err **err)
{
	struct acl_list access = {.inode = inode, .attribute = ACL_ACCESS, .path = path},
			defaults = {.inode = inode, .attribute = ACL_DEFAULT, .path = path};

	if (acl_one(t, ae, &access, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, later, err) < 0)
		return -1;
	return acl_one(t, ae, &defaults, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, later, err);
}

/* The number of NAME in passwd(5) or group(5) TEXT: the third field. 1: it has none. */
static int id_of(const char *text, const char *name, uint32_t *ret)
{
	size_t len = strlen(name);
	const char *end;

	for (const char *l = text; l && *l; l = end ? end + 1 : NULL) {
		const char *number = l;
		char *behind;
		unsigned long id;

		end = strchr(l, '\n');
		if (strncmp(l, name, len) != 0 || l[len] != ':')
			continue;
		for (int i = 0; i < 2 && number; i++) {
			number = strchr(number, ':');
			number = number && (!end || number < end) ? number + 1 : NULL;
		}
		id = number ? strtoul(number, &behind, 10) : 0;
		if (!number || behind == number || *behind != ':' || id >= ACL_NO_ID)
			return 1;
		*ret = (uint32_t)id;
		return 0;
	}
	return 1;
}

static char *text_below(struct tree *t, const char *to, const char *file)
{
	char *path cleanup_free = xasprintf("%s/etc/%s", to, file);
	struct tree_entry *e = tree_resolve(t, path);

	return e ? tree_inode_text(e->inode, MAX_ID_FILE) : NULL;
}

int tree_acl_settle(struct tree *t, const char *to, struct acl_lists *later, struct err **err)
{
	char *users cleanup_free = later->count ? text_below(t, to, "passwd") : NULL;
	char *groups cleanup_free = later->count ? text_below(t, to, "group") : NULL;

	for (size_t i = 0; i < later->count; i++) {
		struct acl_list *l = &later->items[i];

		for (size_t k = 0; k < l->items.count; k++) {
			struct acl_named *n = &l->items.items[k];
			bool user = n->tag == tag_of(ARCHIVE_ENTRY_ACL_USER);

			if (n->name && id_of(user ? users : groups, n->name, &n->id))
				return err_set(err, E_UNPACK_REFUSED,
					       "'%s' has an ACL for %s '%s', which the tree's own "
					       "/etc/%s does not have: make the archive with tar's "
					       "--numeric-owner",
					       l->path, user ? "user" : "group", n->name,
					       user ? "passwd" : "group");
		}
		acl_store(t, l);
	}
	return 0;
}

void acl_lists_free(struct acl_lists *l)
{
	for (size_t i = 0; i < l->count; i++)
		acl_named_list_clear(&l->items[i].items);
	acl_lists_clear(l);
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
		return err_set(err, E_UNPACK_REFUSED, "'%s' has an ACL of an unknown form", path);
	for (size_t at = sizeof(version); at < len; at += sizeof(struct acl_entry)) {
		struct acl_entry e;
		uint16_t tag, perm;

		memcpy(&e, p + at, sizeof(e));
		tag = le16toh(e.tag);
		perm = le16toh(e.perm);
		if (!letter_of(tag))
			return err_set(err, E_UNPACK_REFUSED, "'%s' has an ACL of an unknown form",
				       path);
		str_printf(ret, "%s%c:", at > sizeof(version) ? "," : "", letter_of(tag));
		if (has_number(tag))
			str_printf(ret, "%u", le32toh(e.id));
		str_printf(ret, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
			   perm & 1 ? 'x' : '-');
	}
	return 0;
}
