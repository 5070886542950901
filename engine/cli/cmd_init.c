/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch init: a new project, small, that builds on any machine and shows where things go. */
#include <ctype.h>
#include <dirent.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/as_owner.h"
#include "cli/session.h"
#include "machine/guest/steps.h"

#define NAME_MAX_LEN 64

static const struct {
	const char *path, *text; /* "@" in the text: the project's name */
} files[] = {
	{"recipes/project.yaml",
	 "# The project, and what its nodes share. Every other file here is one node.\n"
	 "# 'orch kinds' lists what nodes can be, 'orch kinds debian' what one may say.\n"
	 "schema: 1\n"
	 "name: @\n"
	 "version: \"1.0.0\"\n"
	 "default: [card]\n"
	 "slots: {root: 64M}\n"},
	{"recipes/root.yaml",
	 "# A file system from the files of this project. To fill it with Debian, make a node of\n"
	 "# kind debian and name it here: contents: [{unpack: base}, {copy: files, to: /}]\n"
	 "kind: image\n"
	 "filesystem: ext4\n"
	 "size: ${slots.root}\n"
	 "contents:\n"
	 "  - {copy: files, to: /}\n"},
	{"recipes/card.yaml",
	 "# A disk from the images of other nodes: out/card/card.img\n"
	 "kind: disk\n"
	 "partitions:\n"
	 "  - {name: root, type: linux-generic, from: root, size: \"${slots.root}\"}\n"
	 "  - {name: data, type: linux-generic, size: 32M, filesystem: ext4, grow: true}\n"},
	{"files/etc/hostname", "@\n"},
	{".gitignore", "/out/\n/pki/private/\n"},
};

/* What a project may be called, from the directory's name. */
static char *project_name(const char *dir)
{
	char *normal cleanup_free = path_normal(dir);
	char *name = xstrndup(path_base(normal), NAME_MAX_LEN);

	for (char *p = name; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("._+-", *p))
			*p = '-';
	}
	if (!isalnum((unsigned char)name[0])) {
		free(name);
		name = xstrdup("project");
	}
	return name;
}

static int refuse_filled(const char *dir, struct err **err)
{
	DIR *d = opendir(dir);
	bool filled = false;

	if (!d)
		return errno == ENOENT ? 0
				       : err_errno(err, E_FILE_UNREADABLE, errno,
						   "cannot use directory '%s'", dir);
	for (struct dirent *e; !filled && (e = readdir(d));)
		filled = !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..");
	closedir(d);
	if (filled)
		return err_set(err, E_DIRECTORY_NOT_EMPTY,
			       "'%s' is not empty; init creates a new directory", dir);
	return 0;
}

static int write_file(const char *dir, const char *rel, const char *text, const char *name,
		      struct err **err)
{
	char *path cleanup_free = path_join(dir, rel);
	struct str s cleanup_str = STR_INIT;

	for (; *text; text++) {
		if (*text == '@')
			str_append(&s, name);
		else
			str_append_char(&s, *text);
	}
	if (path_mkparents(path, err) < 0)
		return -1;
	return file_write(path, s.buf, s.len, 0644, false, err);
}

int cmd_init(struct cli *c)
{
	const struct session s = {.cli = c};
	const char *dir = c->args.items[0];
	/* for whoever reads it, who is not in DIR of -C */
	char *at cleanup_free = c->dir ? path_join(c->dir, dir) : xstrdup(dir);
	char *name cleanup_free = project_name(dir);
	struct str next cleanup_str = STR_INIT;
	struct err *err = NULL;

	if (act_as_owner_of(c, dir, &err) || refuse_filled(dir, &err))
		return cli_fail(&s, err);
	for (size_t i = 0; i < array_len(files); i++) {
		if (write_file(dir, files[i].path, files[i].text, name, &err))
			return cli_fail(&s, err);
		puts(files[i].path);
	}
	steps_quote_argv((const char *const[]){"orch", "-C", at, "build"}, 4, &next);
	printf("next: %s\n", next.buf);
	return 0;
}
