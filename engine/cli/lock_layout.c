/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/lock_layout.h"

#include "base/file.h"
#include "base/path.h"
#include "cli/builder.h"
#include "cli/json.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "media/ext4/ext4.h"

/* Where the lock of N is; *RET_NAMED: its recipe says so. Heap. */
static char *place_of(const struct node *n, bool *ret_named)
{
	const struct image_opts *o = n->recipe->opts;

	*ret_named = o->layout != NULL;
	return o->layout ? xstrdup(o->layout->text)
			 : xasprintf("recipes/%.*s.layout", (int)strcspn(n->name, "@"), n->name);
}

static int check_node(const struct node *n, struct err **err)
{
	const struct image_opts *o = n->recipe->opts;

	if (n->recipe->kind == &kind_image && o->filesystem == IMAGE_FS_EXT4 &&
	    o->writer == IMAGE_WRITER_DIRECT && o->size != SIZE_AUTO)
		return 0;
	return err_set(err, E_NO_IMAGE,
		       "node '%s' has no layout to lock: that is for an image that is one ext4 "
		       "('filesystem: ext4'), of a size that is said, by the direct writer",
		       n->name);
}

/* Written beside the recipes, below the project. */
static int write_lock(const struct session *s, const struct node *n, const char *rel,
		      struct err **err)
{
	const struct artifact *a = &n->record->outputs[0];
	char *image cleanup_free = cas_path(store_dir(s->store), a->type, &a->digest);
	char *path cleanup_free = path_join(s->dir, rel);
	struct str text cleanup_str = STR_INIT;

	if (ext4_lock_write(image, 0, &text, err) < 0)
		return -1;
	return file_write(path, text.buf, text.len, 0644, true, err);
}

static int lock(struct session *s, const struct cli *c, struct err **err)
{
	const struct node *n = session_node(s, c->args.items[0], err);
	char *rel cleanup_free = NULL;
	bool named;

	if (!n || check_node(n, err) < 0)
		return -1;
	if (!n->record || !n->record->output_count)
		return err_set(err, E_NO_IMAGE, "node '%s' has made no image", n->name);
	rel = place_of(n, &named);
	if (write_lock(s, n, rel, err) < 0)
		return -1;
	if (c->json)
		json_print(stdout,
			   json_pack("{s:i, s:b, s:s, s:o}", "v", 1, "ok", 1, "node", n->name,
				     "layout", json_text(rel)),
			   false);
	else
		printf("wrote %s%s%s%s\n", rel, named ? "" : ": name it in ",
		       named ? "" : n->recipe->file, named ? "" : " as its 'layout'");
	return 0;
}

int lock_layout(struct cli *c)
{
	struct session s cleanup_session = {.cli = c};
	struct err *err = NULL;
	int code;

	if (c->args.count != 1 || c->update || c->from || c->advisories) {
		err_set(&err, E_USAGE, "usage: orch lock --layout NODE");
		return cli_fail(&s, err);
	}
	code = builder_first(c, &s);
	if (code)
		return code;
	return lock(&s, c, &err) < 0 ? cli_fail(&s, err) : 0;
}
