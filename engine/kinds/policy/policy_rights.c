/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may do what with files: set-ID bits, file capabilities, and what everybody may write. */
#include <sys/stat.h>

#include "kinds/policy/policy_run.h"
#include "media/tree/capability.h"

static void look_for_set_id(struct policy_run *r, const struct policy_part *p, const char *path,
			    const struct tree_inode *n)
{
	const struct tree_xattr *x = tree_inode_find_xattr(n, CAPABILITY_XATTR);
	struct str s cleanup_str = STR_INIT;

	if (!S_ISREG(n->mode) || (!(n->mode & (S_ISUID | S_ISGID)) && !x))
		return;
	if (n->mode & S_ISUID)
		str_printf(&s, "is set-user-ID of %u, ", n->uid);
	if (n->mode & S_ISGID)
		str_printf(&s, "is set-group-ID of %u, ", n->gid);
	if (x) {
		str_append(&s, "has capabilities");
		capability_names(&s, x->value, x->len);
	} else {
		str_printf(&s, "mode %04o", n->mode & 07777u);
	}
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
