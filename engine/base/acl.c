/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/acl.h"

#include <endian.h>
#include <errno.h>

#define VERSION 2
#define HEADER 4 /* bytes */
#define ENTRY 8
#define MAX_ITEMS 8192 /* an attribute has at most 64 KiB */

enum tag { OWNER = 0x01, USER = 0x02, GROUP = 0x04, GROUPS = 0x08, MASK = 0x10, OTHERS = 0x20 };

/* The order of entries, and a mask where somebody is named. */
static bool is_valid(const struct acl *acl)
{
	enum { AT_OWNER, AT_USERS, AT_GROUPS, AT_OTHERS, AT_END } state = AT_OWNER;
	bool named = false;

	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_item *e = &acl->items[i];

		if (e->perm & ~7)
			return false;
		if (e->tag == OWNER && state == AT_OWNER)
			state = AT_USERS;
		else if (e->tag == USER && state == AT_USERS)
			named = true;
		else if (e->tag == GROUP && state == AT_USERS)
			state = AT_GROUPS;
		else if (e->tag == GROUPS && state == AT_GROUPS)
			named = true;
		else if (e->tag == MASK && state == AT_GROUPS)
			state = AT_OTHERS;
		else if (e->tag == OTHERS && (state == AT_OTHERS || (state == AT_GROUPS && !named)))
			state = AT_END;
		else
			return false;
	}
	return state == AT_END;
}

int acl_parse(const void *value, size_t len, struct acl *ret)
{
	const char *p = value;
	uint32_t version;

	acl_clear(ret);
	if (len < HEADER || len > HEADER + MAX_ITEMS * ENTRY)
		return EINVAL;
	memcpy(&version, p, sizeof(version));
	if (le32toh(version) != VERSION)
		return EOPNOTSUPP;
	if ((len - HEADER) % ENTRY)
		return EINVAL;
	for (size_t at = HEADER; at < len; at += ENTRY) {
		struct acl_item e;

		memcpy(&e, p + at, sizeof(e));
		e.tag = le16toh(e.tag);
		e.perm = le16toh(e.perm);
		e.id = e.tag == USER || e.tag == GROUPS ? le32toh(e.id) : UINT32_MAX;
		acl_push(ret, e);
	}
	return !ret->count || is_valid(ret) ? 0 : EINVAL;
}

void acl_format(const struct acl *acl, struct str *ret)
{
	uint32_t version = htole32(VERSION);

	str_append_len(ret, &version, sizeof(version));
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_item *e = &acl->items[i];
		struct acl_item out = {htole16(e->tag), htole16(e->perm), htole32(e->id)};

		str_append_len(ret, &out, sizeof(out));
	}
}

static struct acl_item *find(const struct acl *acl, uint16_t tag)
{
	for (size_t i = 0; i < acl->count; i++)
		if (acl->items[i].tag == tag)
			return &acl->items[i];
	return NULL;
}

bool acl_is_mode(const struct acl *acl)
{
	return !find(acl, USER) && !find(acl, GROUPS) && !find(acl, MASK);
}

/* The entry after the group's bits of the mode. */
static struct acl_item *group_class(const struct acl *acl)
{
	struct acl_item *mask = find(acl, MASK);

	return mask ? mask : find(acl, GROUP);
}

mode_t acl_to_mode(const struct acl *acl, mode_t mode)
{
	const struct acl_item *owner = find(acl, OWNER), *group = group_class(acl),
			      *others = find(acl, OTHERS);

	if (!owner || !group || !others)
		return mode;
	return (mode & ~(mode_t)0777) |
	       (mode_t)(owner->perm << 6 | group->perm << 3 | others->perm);
}

static void set_class(struct acl_item *e, mode_t bits)
{
	if (e)
		e->perm = bits & 7;
}

void acl_chmod(struct acl *acl, mode_t mode)
{
	set_class(find(acl, OWNER), mode >> 6);
	set_class(group_class(acl), mode >> 3);
	set_class(find(acl, OTHERS), mode);
}

void acl_create(struct acl *acl, mode_t *mode)
{
	*mode = acl_to_mode(acl, 0777) & *mode;
	acl_chmod(acl, *mode);
}

bool acl_grants(const struct acl *acl, uint32_t owner, uint32_t group, uint32_t uid,
		bool (*in_group)(const void *arg, uint32_t gid), const void *arg, unsigned want)
{
	const struct acl_item *mask = find(acl, MASK);
	unsigned limit = mask ? mask->perm : 7;
	bool member = false;

	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_item *e = &acl->items[i];
		uint32_t gid = e->tag == GROUP ? group : e->id;

		if (e->tag == OWNER && uid == owner)
			return (e->perm & want) == want;
		if (e->tag == USER && uid == e->id)
			return (e->perm & limit & want) == want;
		if ((e->tag == GROUP || e->tag == GROUPS) && in_group(arg, gid)) {
			member = true;
			if ((e->perm & limit & want) == want)
				return true;
		}
		if (e->tag == OTHERS && !member)
			return (e->perm & want) == want;
	}
	return false;
}
