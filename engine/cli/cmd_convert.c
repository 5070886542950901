/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch convert: recipes from the configuration of another tool, written into the project here. */
#include "base/file.h"
#include "base/path.h"
#include "cli/as_owner.h"
#include "cli/genimage_recipes.h"
#include "cli/paint.h"
#include "cli/session.h"

#define CONF_MAX (1 << 20)
#define PROJECT "recipes/project.yaml"

static int refuse_existing(const struct genimage *g, struct err **err)
{
	for (size_t i = 0; i < g->names.count; i++) {
		char *path cleanup_free = xasprintf("recipes/%s.yaml", g->names.items[i]);

		if (path_exists(path))
			return err_set(err, E_FILE_EXISTS,
				       "'%s' is there already: move it away, or go to another "
				       "directory",
				       path);
	}
	return 0;
}

static int write_text(const char *path, const char *text, struct err **err)
{
	if (file_write(path, text, strlen(text), 0644, false, err) < 0)
		return -1;
	print_escaped(stdout, path, strlen(path));
	putchar('\n');
	return 0;
}

static int write_recipes(const struct genimage *g, struct err **err)
{
	if (path_mkdirs("recipes", err) < 0)
		return -1;
	if (!path_exists(PROJECT) &&
	    write_text(PROJECT, "schema: 1\nname: converted\nversion: \"1\"\n", err) < 0)
		return -1;
	for (size_t i = 0; i < g->names.count; i++) {
		char *path cleanup_free = xasprintf("recipes/%s.yaml", g->names.items[i]);

		if (write_text(path, g->recipes.items[i], err) < 0)
			return -1;
	}
	return 0;
}

static void print_notes(const struct genimage *g)
{
	for (size_t i = 0; i < g->notes.count; i++) {
		print_escaped(stderr, g->notes.items[i], strlen(g->notes.items[i]));
		fputc('\n', stderr);
	}
}

static int convert(struct genimage *g, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	if (access(g->file, R_OK) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot read '%s'", g->file);
	if (file_read(g->file, CONF_MAX, &text, err) < 0 ||
	    genimage_parse(g->file, text.buf ? text.buf : "", &g->conf, err) < 0)
		return -1;
	genimage_convert(g);
	if (!g->names.count)
		return err_set(err, E_INVALID_VALUE, "'%s' has no image that orch could make",
			       g->file);
	return refuse_existing(g, err) < 0 ? -1 : write_recipes(g, err);
}

int cmd_convert(struct cli *c)
{
	const struct session s = {.cli = c};
	struct genimage g cleanup_genimage = {.file = c->args.items[1]};
	struct err *err = NULL;

	if (!str_eq(c->args.items[0], "genimage")) {
		err_set(&err, E_USAGE, "there is a conversion from genimage, not from '%s'",
			c->args.items[0]);
		return cli_fail(&s, err);
	}
	if (act_as_owner(c, &err) || convert(&g, &err) < 0) {
		print_notes(&g);
		return cli_fail(&s, err);
	}
	print_notes(&g);
	return 0;
}
