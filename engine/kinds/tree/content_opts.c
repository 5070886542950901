/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of `contents:`, and what a recipe alone tells of it, of `remove:` and of `modes:`. */
#include "base/path.h"
#include "kinds/tree/content.h"

#define CONTENT_UNSQUASHFS "unsquashfs"

int content_attr_parse(const char *text, struct content_attr *ret)
{
	const char *colon = strchr(text, ':'), *blank = strchr(text, ' ');
	char *mode cleanup_free =
		colon && !blank ? xstrdup("") : xstrndup(text, strcspn(text, " "));
	const char *owner = colon ? (blank ? blank + 1 : text) : "";
	char *uid cleanup_free = xstrndup(owner, strcspn(owner, ":"));
	uint64_t u = 0, g = 0;

	*ret = (struct content_attr){-1, -1, -1};
	if (*mode) {
		size_t n = strlen(mode);

		if (strspn(mode, "01234567") != n || n < 3 || n > 5)
			return 1;
		ret->mode = strtol(mode, NULL, 8);
		if (ret->mode > 07777)
			return 1;
	}
	if (!colon)
		return !*mode || blank;
	if (str_u64(uid, &u) || str_u64(colon + 1, &g) || u > UINT32_MAX || g > UINT32_MAX)
		return 1;
	ret->uid = (int64_t)u;
	ret->gid = (int64_t)g;
	return 0;
}

static const struct option content_options[] = {
	{"unpack", OPT_REF, offsetof(struct content, unpack),
	 .accept = ACCEPT_PATH | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "A tree that a node made, a tar or a directory in it; or an image with ext4, FAT "
		 "or squashfs, of a disk one partition: 'vendor:/root'.",
	 .example = "base"},
	{"copy", OPT_REF, offsetof(struct content, copy),
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_TREE | ACCEPT_IMAGE | ACCEPT_INSIDE,
	 .help = "A file or directory of the project, an output of a node, or a place inside a "
		 "tree.",
	 .example = "rootfs/"},
	{"template", OPT_REF, offsetof(struct content, template), .accept = ACCEPT_TEMPLATE,
	 .help = "A file of the project, in which {{node#fact}}, {{project.version}} and "
		 "{{vars.name}} are replaced.",
	 .example = "rootfs/etc/rauc/system.conf"},
	{"to", OPT_STRING, offsetof(struct content, to), OPT_ABSPATH,
	 .help = "Where it goes; with a '/' at the end a file goes into that directory."},
	{"mode", OPT_STRING, offsetof(struct content, mode),
	 .help = "Permissions of a copied file, octal.", .example = "\"0640\""},
	{"owner", OPT_STRING, offsetof(struct content, owner),
	 .help = "Owner and group by number of what is copied.", .example = "\"0:42\""},
	{"keep-git", OPT_BOOL, offsetof(struct content, keep_git), .def = "false",
	 .help = "Copy `.git` and what is in it, too, which differs between clones of one commit."},
};
static void check_content(void *data, const struct yaml *map, struct err_list *errors);
const struct schema content_schema =
	SCHEMA(struct content, content_options, .check = check_content);

/* Whether a path of the project has .git in it; an output of a node has not. */
static bool is_in_git(const char *path)
{
	for (const char *p = path; *p && !strchr(path, ':'); p += *p == '/') {
		size_t len = strcspn(p, "/");
		char *part cleanup_free = xstrndup(p, len);

		if (path_is_git(part))
			return true;
		p += len;
	}
	return false;
}

static void check_content(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct content *c = data;
	struct content_attr attr;

	if (!!c->unpack + !!c->copy + !!c->template != 1)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "an entry of contents has either 'unpack', 'copy' or 'template'");
	if ((c->copy || c->template) && !c->to)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos, "'%s' needs 'to'",
			    c->copy ? "copy" : "template");
	if (c->keep_git && !c->copy)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "keep-git"),
			    "'keep-git' goes with 'copy'");
	if (c->copy && !c->keep_git && is_in_git(c->copy->text))
		err_list_at(errors, E_GIT_DIRECTORY, c->copy->pos,
			    "'%s' is git's own, and differs between clones of one commit: add "
			    "'keep-git: true' if that is meant",
			    c->copy->text);
	if (c->copy)
		c->copy->keep_git = c->keep_git;
	if (c->mode && c->unpack)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "mode"),
			    "'mode' goes with 'copy': use 'modes' for a tree");
	if (c->mode && (content_attr_parse(c->mode, &attr) || attr.mode < 0 || attr.uid >= 0))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "mode"),
			    "'%s' is not a mode: write it like \"0644\"", c->mode);
	if (c->owner && (content_attr_parse(c->owner, &attr) || attr.mode >= 0 || attr.uid < 0))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "owner"),
			    "'%s' is not an owner: write it like \"0:42\"", c->owner);
}

void content_check_globs(const struct list *globs, struct pos pos, struct err_list *errors)
{
	for (size_t i = 0; i < globs->count; i++) {
		const char *glob = LIST_AT(*globs, const char *, i);

		if (glob[0] != '/' || !glob[1])
			err_list_at(errors, E_INVALID_VALUE, pos,
				    "'%s' must be an absolute pattern below '/'", glob);
	}
}

void content_check_modes(const struct list *modes, struct err_list *errors)
{
	struct content_attr attr;

	for (size_t i = 0; i < modes->count; i++) {
		const struct pair *p = LIST_AT(*modes, struct pair *, i);

		if (p->key[0] != '/')
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "'%s' must be an absolute pattern", p->key);
		if (content_attr_parse(p->value, &attr))
			err_list_at(errors, E_INVALID_VALUE, p->pos,
				    "'%s' is not a mode: write \"0640\", \"0:42\" or \"0640 0:42\"",
				    p->value);
	}
}

bool content_is_squashfs(const char *name)
{
	return str_ends(name, ".squashfs") || str_ends(name, ".sqfs");
}

void content_tool_of(const struct ref *ref, struct strs *ret)
{
	if (!content_is_squashfs(ref->output ? ref->output : ref->text))
		return;
	for (size_t i = 0; i < ret->count; i++)
		if (str_eq(ret->items[i], CONTENT_UNSQUASHFS))
			return;
	strs_push(ret, CONTENT_UNSQUASHFS);
}

void content_tools(const struct list *contents, struct strs *ret)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct content *c = LIST_AT(*contents, struct content *, i);
		const struct ref *ref = c->unpack ? c->unpack : c->copy;

		if (ref && (c->unpack || ref->inside))
			content_tool_of(ref, ret);
	}
}
