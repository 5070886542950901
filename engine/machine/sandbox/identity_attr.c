/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended attributes: xattr(7), fs/xattr.c; access lists: acl(5), fs/posix_acl.c. */
#include <endian.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/acl.h"
#include "machine/sandbox/identity_priv.h"

#define CAPABILITY "security.capability"

/* A call about attribute NAME of a file. */
struct attr_call {
	char name[XATTR_NAME_MAX + 1];
	struct stat st;
	struct target target;
	struct owner *file; /* its record, or NULL */
};

static bool is_acl(const char *name)
{
	return str_eq(name, ACL_ACCESS) || str_eq(name, ACL_DEFAULT);
}

/* 0 or an errno in *ret_error; -1: gone. */
static int read_call(struct tracee *t, struct attr_call *ret, int *ret_error)
{
	*ret_error = tracee_string(t, t->args[1], sizeof(ret->name), ret->name);
	if (*ret_error == ENAMETOOLONG || (*ret_error == 0 && !ret->name[0]))
		*ret_error = ERANGE;
	if (*ret_error || str_eq(ret->name, CAPABILITY))
		return 0;
	ret->target = tracee_target(t);
	if (tracee_stat(t, &ret->target, &ret->st, ret_error) < 0)
		return -1;
	if (*ret_error == 0)
		ret->file = owners_get(t->self->owners, ret->st.st_dev, ret->st.st_ino);
	return 0;
}

/* Whether the process may change, or read, the attribute: 0 or an errno. */
static int check_name(const struct tracee *t, const struct attr_call *a, bool change)
{
	const struct creds *c = t->creds;
	bool holds = S_ISREG(a->st.st_mode) || S_ISDIR(a->st.st_mode);
	int denied = change ? EPERM : ENODATA;
	uint32_t uid, gid;

	if (a->file && a->file->type)
		holds = false;
	identity_owner(t->self, &a->st, &uid, &gid);
	if (str_skip(a->name, "user.")) {
		if (!holds)
			return denied;
		if (change && S_ISDIR(a->st.st_mode) && (a->st.st_mode & S_ISVTX) &&
		    uid != c->uid[FILES] && !creds_can(c, CAP_FOWNER))
			return EPERM;
		return identity_may(t->self, c, &a->st, change ? 2 : 4) ? 0 : EACCES;
	}
	if (str_skip(a->name, "trusted."))
		return creds_can(c, CAP_SYS_ADMIN) ? 0 : denied;
	if (str_skip(a->name, "security."))
		return !change || creds_can(c, CAP_SYS_ADMIN) ? 0 : EPERM;
	if (!is_acl(a->name) || S_ISLNK(a->st.st_mode))
		return EOPNOTSUPP;
	return !change || uid == c->uid[FILES] || creds_can(c, CAP_FOWNER) ? 0 : EPERM;
}

/* --- set --- */

/* Puts an access list onto a file: what it says of the mode, and the rest into the table. */
static int set_acl(struct tracee *t, struct attr_call *a, const struct str *value, int *ret_error)
{
	struct owners *all = t->self->owners;
	bool access = str_eq(a->name, ACL_ACCESS);
	struct acl acl cleanup_acl = {0};
	mode_t mode;

	*ret_error = acl_parse(value->buf, value->len, &acl);
	if (*ret_error == 0 && !access && acl.count && !S_ISDIR(a->st.st_mode))
		*ret_error = EACCES;
	if (*ret_error)
		return 0;
	if (access && acl.count) {
		mode = acl_to_mode(&acl, a->st.st_mode) & 07777;
		if (!creds_can(t->creds, CAP_FSETID) &&
		    !creds_in_group(t->creds, a->file ? a->file->gid : 0)) {
			mode &= ~(mode_t)S_ISGID;
			if (a->file)
				a->file->set_id &= ~(mode_t)S_ISGID;
		}
		if (tracee_chmod(t, &a->target, mode, ret_error) < 0)
			return -1;
	}
	if (*ret_error)
		return 0;
	if (!acl.count || (access && acl_is_mode(&acl))) {
		if (a->file)
			owner_attr_remove(a->file, a->name);
		return 0;
	}
	a->file = owners_add(all, a->st.st_dev, a->st.st_ino);
	owners_attr_put(all, a->file, a->name, value->buf, value->len);
	return 0;
}

static int read_value(struct tracee *t, uint64_t at, size_t size, struct str *ret)
{
	if (size > XATTR_SIZE_MAX)
		return E2BIG;
	if (size && tracee_read(t, at, str_reserve(ret, size), size) < 0)
		return EFAULT;
	ret->len += size;
	return 0;
}

/*
 * Capabilities for who is root in a user namespace of somebody else: no kernel lets us put them
 * on a file.
 */
static bool are_of_other_root(struct tracee *t)
{
	struct vfs_ns_cap_data value;

	return t->args[3] == sizeof(value) &&
	       tracee_read(t, t->args[2], &value, sizeof(value)) == 0 &&
	       (le32toh(value.magic_etc) & VFS_CAP_REVISION_MASK) == VFS_CAP_REVISION_3 &&
	       value.rootid;
}

static enum next set_capability(struct tracee *t)
{
	if (!creds_can(t->creds, CAP_SETFCAP))
		return tracee_return(t, -EPERM);
	if (are_of_other_root(t))
		return tracee_fail(t, "sets capabilities for another root than user 0");
	return RUN;
}

/* What one attribute takes of a block of ext4: an entry without its prefix, and the value. */
static size_t attr_room(const char *name, size_t len)
{
	const char *rest = is_acl(name) ? "" : strchr(name, '.') + 1;

	return 16 + ((strlen(rest) + 3) & ~(size_t)3) + ((len + 3) & ~(size_t)3);
}

/* Whether a file can hold an attribute of LEN bytes, too: as many as fit a block of ext4. */
static bool has_room(const struct attr_call *a, size_t len)
{
	size_t all = 32 + 4 + attr_room(a->name, len);

	for (size_t i = 0; a->file && i < a->file->attr_count; i++) {
		const struct owner_attr *other = &a->file->attrs[i];

		if (!str_eq(other->name, a->name))
			all += attr_room(other->name, other->len);
	}
	return all <= 4096;
}

enum next attr_set_enter(struct tracee *t)
{
	struct str value cleanup_str = STR_INIT;
	struct attr_call a = {0};
	int flags = (int)t->args[4], e;
	bool has;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return tracee_return(t, -EINVAL);
	if (read_call(t, &a, &e) < 0)
		return GONE;
	if (e == 0 && str_eq(a.name, CAPABILITY))
		return set_capability(t);
	if (e == 0)
		e = read_value(t, t->args[2], t->args[3], &value);
	if (e == 0)
		e = check_name(t, &a, true);
	if (e)
		return tracee_return(t, -e);
	has = owner_attr(a.file, a.name);
	if (has && (flags & XATTR_CREATE))
		return tracee_return(t, -EEXIST);
	if (!has && (flags & XATTR_REPLACE))
		return tracee_return(t, -ENODATA);
	if (!has_room(&a, value.len))
		return tracee_return(t, -ENOSPC);
	if (is_acl(a.name))
		return set_acl(t, &a, &value, &e) < 0 ? GONE : tracee_return(t, -e);
	owners_attr_put(t->self->owners, owners_add(t->self->owners, a.st.st_dev, a.st.st_ino),
			a.name, value.buf, value.len);
	return tracee_return(t, 0);
}

enum next attr_remove_enter(struct tracee *t)
{
	struct attr_call a = {0};
	int e;

	if (read_call(t, &a, &e) < 0)
		return GONE;
	if (e == 0 && str_eq(a.name, CAPABILITY))
		return creds_can(t->creds, CAP_SETFCAP) ? RUN : tracee_return(t, -EPERM);
	if (e == 0)
		e = check_name(t, &a, true);
	/* That there is no access list is no mistake of who removes it. */
	if (e == 0 && !owner_attr(a.file, a.name) && !is_acl(a.name))
		e = ENODATA;
	if (e == 0 && a.file)
		owner_attr_remove(a.file, a.name);
	return tracee_return(t, -e);
}

/* --- get, list --- */

enum next attr_get_enter(struct tracee *t)
{
	struct str value cleanup_str = STR_INIT;
	const struct owner_attr *attr;
	struct attr_call a = {0};
	size_t size = t->args[3];
	int e;

	if (read_call(t, &a, &e) < 0)
		return GONE;
	if (e == 0 && str_eq(a.name, CAPABILITY))
		return RUN;
	if (e == 0)
		e = check_name(t, &a, false);
	attr = e ? NULL : owner_attr(a.file, a.name);
	if (e == 0 && !attr)
		e = ENODATA;
	if (e)
		return tracee_return(t, -e);
	owners_attr_now(attr, a.st.st_mode, &value);
	if (size && size < value.len)
		return tracee_return(t, -ERANGE);
	if (size && value.len && tracee_write(t, t->args[2], value.buf, value.len) < 0)
		return tracee_return(t, -EFAULT);
	return tracee_return(t, (long)value.len);
}

static void append_name(struct str *names, const char *name)
{
	str_append_len(names, name, strlen(name) + 1);
}

/* Of the names that the kernel has put at AT, the one that it holds for us. */
static int natural_names(struct tracee *t, uint64_t at, size_t len, struct str *ret)
{
	char *text cleanup_free = xmalloc(len + 1);

	if (len && tracee_read(t, at, text, len) < 0)
		return -1;
	text[len] = '\0';
	for (size_t i = 0; i < len; i += strlen(text + i) + 1)
		if (str_eq(text + i, CAPABILITY))
			append_name(ret, CAPABILITY);
	return 0;
}

enum next attr_list_exit(struct tracee *t)
{
	uint64_t at = t->args[1];
	size_t size = t->args[2];
	struct target target = tracee_target(t);
	struct str names cleanup_str = STR_INIT;
	const struct owner *file;
	struct stat st;
	int e;

	if (t->result < 0 && t->result != -EOPNOTSUPP)
		return RUN;
	if (tracee_stat(t, &target, &st, &e) < 0)
		return GONE;
	if (e || (size && t->result > 0 && natural_names(t, at, (size_t)t->result, &names) < 0))
		return tracee_return(t, -EFAULT);
	file = owners_get(t->self->owners, st.st_dev, st.st_ino);
	for (size_t i = 0; file && i < file->attr_count; i++)
		if (!str_skip(file->attrs[i].name, "trusted.") ||
		    creds_can(t->creds, CAP_SYS_ADMIN))
			append_name(&names, file->attrs[i].name);
	if (!size) /* it is at most so much */
		return tracee_return(t, (long)names.len + (t->result > 0 ? t->result : 0));
	if (names.len > size)
		return tracee_return(t, -ERANGE);
	if (names.len && tracee_write(t, at, names.buf, names.len) < 0)
		return tracee_return(t, -EFAULT);
	return tracee_return(t, (long)names.len);
}
