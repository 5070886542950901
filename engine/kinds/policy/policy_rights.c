/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what with files: set-ID bits, file capabilities, and what everybody may write. */
#include <endian.h>
#include <sys/stat.h>

#include "kinds/policy/policy_run.h"

#define CAPABILITY "security.capability"

/* By number: linux/capability.h. */
static const char *const capabilities[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

/* The names in VALUE: struct vfs_cap_data, permitted and inheritable of 32 bits each in turn. */
static void add_capabilities(struct str *s, const struct tree_xattr *x)
{
	uint32_t words[5] = {0};

	memcpy(words, x->value, x->len < sizeof(words) ? x->len : sizeof(words));
	str_append(s, "has capabilities");
	for (unsigned i = 0; i < 64; i++) {
		uint32_t bit = UINT32_C(1) << (i % 32);
		uint32_t has = le32toh(words[1 + i / 32 * 2]) | le32toh(words[2 + i / 32 * 2]);

		if (!(has & bit))
			continue;
		if (i < array_len(capabilities))
			str_printf(s, " cap_%s", capabilities[i]);
		else
			str_printf(s, " %u", i);
	}
}

static void look_for_set_id(struct policy_run *r, const struct policy_part *p, const char *path,
			    const struct tree_inode *n)
{
	const struct tree_xattr *x = tree_inode_find_xattr(n, CAPABILITY);
	struct str s cleanup_str = STR_INIT;

	if (!S_ISREG(n->mode) || (!(n->mode & (S_ISUID | S_ISGID)) && !x))
		return;
	if (n->mode & S_ISUID)
		str_printf(&s, "is set-user-ID of %u, ", n->uid);
	if (n->mode & S_ISGID)
		str_printf(&s, "is set-group-ID of %u, ", n->gid);
	if (x)
		add_capabilities(&s, x);
	else
		str_printf(&s, "mode %04o", n->mode & 07777u);
	policy_tell_unless(r, POLICY_SETUID, &policy_opts(r)->setuid, p, path,
			   "take it away with 'modes' or 'remove', or name it under 'setuid'", "%s",
			   s.buf);
}

static void look_for_writable(struct policy_run *r, const struct policy_part *p, const char *path,
			      const struct tree_inode *n)
{
	bool dir = S_ISDIR(n->mode);

	if ((!dir && !S_ISREG(n->mode)) || !(n->mode & S_IWOTH) || (dir && n->mode & S_ISVTX))
		return;
	policy_tell_unless(r, POLICY_WORLD_WRITABLE, &policy_opts(r)->world_writable, p, path,
			   "give it other 'modes', or name it under 'world-writable'",
			   "can be written by everybody%s, mode %04o",
			   dir ? " and has no sticky bit" : "", n->mode & 07777u);
}

void policy_look_rights(struct policy_run *r, const struct policy_part *part)
{
	const struct policy_opts *o = policy_opts(r);
	size_t count;
	struct tree_entry *const *entries = tree_entries(part->tree, &count);

	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = xasprintf("/%s", entries[i]->path);

		if (o->setuid.items)
			look_for_set_id(r, part, path, entries[i]->inode);
		if (o->world_writable.items)
			look_for_writable(r, part, path, entries[i]->inode);
	}
}
