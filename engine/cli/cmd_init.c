/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch init: a new project from a template (skeleton.h), and what to know before devices ship. */
#include <ctype.h>
#include <dirent.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/as_owner.h"
#include "cli/program.h"
#include "cli/session.h"
#include "cli/skeleton.h"
#include "machine/guest/steps.h"

#define NAME_MAX_LEN 32
#define README "README.md"
#define DECISIONS "## Decisions you cannot take back\n"

static int list_templates(void)
{
	for (const struct skeleton *t = skeletons; t->name; t++)
		printf("%-10s %s\n", t->name, t->summary);
	return 0;
}

/*
 * Names of programs, units, directories and packages are made of it, so it is what all of these may
 * be; RAUC takes anything of one line as compatible, and people type it.
 */
static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return !text[len] && len >= 1 && len <= NAME_MAX_LEN && text[0] != '-';
}

/* What a project may be called, from its directory's name. */
static char *name_of_directory(const char *dir)
{
	char *real cleanup_free = realpath(dir, NULL);
	char *normal cleanup_free = path_normal(real ? real : dir);
	char *name = xstrndup(path_base(normal), NAME_MAX_LEN);

	for (char *p = name; *p; p++)
		*p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
	if (!is_name(name)) {
		free(name);
		name = xstrdup("project");
	}
	return name;
}

/* The one given, else what a person at the terminal says, else DEF. Caller frees. */
static char *ask(const char *what, const char *given, const char *def)
{
	char answer[256] = "";

	if (given)
		return xstrdup(given);
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		printf("%s [%s]: ", what, def);
		fflush(stdout);
		if (!fgets(answer, sizeof(answer), stdin))
			putchar('\n');
		answer[strcspn(answer, "\n")] = 0;
	}
	return xstrdup(*answer ? answer : def);
}

static int check_name(const char *what, const char *name, struct err **err)
{
	if (is_name(name))
		return 0;
	return err_set(err, E_USAGE,
		       "'%s' cannot be the %s: it has 1 to %d characters a-z, 0-9 and '-', and "
		       "begins with none of the last",
		       name, what, NAME_MAX_LEN);
}

/* A clone of an empty repository counts as empty. */
static int refuse_filled(const char *dir, struct err **err)
{
	DIR *d = opendir(dir);
	bool filled = false;

	if (!d)
		return errno == ENOENT ? 0
				       : err_errno(err, E_FILE_UNREADABLE, errno,
						   "cannot use directory '%s'", dir);
	for (struct dirent *e; !filled && (e = readdir(d));)
		filled = !str_eq(e->d_name, ".") && !str_eq(e->d_name, "..") &&
			 !str_eq(e->d_name, ".git");
	closedir(d);
	if (filled)
		return err_set(err, E_DIRECTORY_NOT_EMPTY,
			       "'%s' is not empty; init creates a new directory", dir);
	return 0;
}

/* The section of the new README, so that who begins has read it once. */
static int print_decisions(const char *dir, struct err **err)
{
	char *path cleanup_free = path_join(dir, README);
	struct str text cleanup_str = STR_INIT;
	const char *from, *end;

	if (file_read(path, 1 << 20, &text, err) < 0)
		return -1;
	from = strstr(text.buf, DECISIONS);
	if (!from)
		return 0;
	end = strstr(from + strlen(DECISIONS), "\n## ");
	putchar('\n');
	for (const char *p = from + strlen("## "); *p && p != end; p++) {
		if (*p != '`' && *p != '*')
			putchar(*p);
	}
	putchar('\n');
	return 0;
}

static void print_next(const struct skeleton *t, const char *dir)
{
	for (const char *const *command = t->next; *command; command++) {
		struct str line cleanup_str = STR_INIT;

		steps_quote_argv((const char *const[]){"orch", "-C", dir}, str_eq(dir, ".") ? 1 : 3,
				 &line);
		printf("next: %s %s\n", line.buf, *command);
	}
}

/* DIR for whoever reads it, who is not in that of -C. Caller frees. */
static char *seen_from_outside(const struct cli *c, const char *dir)
{
	if (!c->dir)
		return xstrdup(dir);
	return str_eq(dir, ".") ? xstrdup(c->dir) : path_join(c->dir, dir);
}

static int make(const struct cli *c, const struct skeleton *t, const char *dir, struct err **err)
{
	char *def cleanup_free = name_of_directory(dir), *compatible cleanup_free = NULL;
	char *name cleanup_free = ask("name of the project", c->name, def);
	char *at cleanup_free = seen_from_outside(c, dir);
	char *schema cleanup_free = program_schema();
	struct skeleton_words words = {name, name, schema};
	const char *arch;
	unsigned count;

	if (check_name("name of a project", name, err) < 0)
		return -1;
	if (t->device) {
		compatible = ask("compatible: the device, as updates name it", c->compatible, name);
		if (check_name("name of a device", compatible, err) < 0)
			return -1;
		words.compatible = compatible;
	}
	if (skeleton_arch(t, c->arch, &arch, err) < 0 || path_mkdirs(dir, err) < 0 ||
	    skeleton_write(t, arch, &words, dir, &count, err) < 0)
		return -1;
	printf("project '%s' in '%s': %u files of template '%s'; " README " says what they are\n",
	       name, at, count, t->name);
	if (print_decisions(dir, err) < 0)
		return -1;
	print_next(t, at);
	return 0;
}

int cmd_init(struct cli *c)
{
	const struct session s = {.cli = c};
	const char *dir = c->args.count ? c->args.items[0] : ".";
	const struct skeleton *t = &skeletons[0];
	struct err *err = NULL;

	if (c->list)
		return list_templates();
	if (c->template)
		t = skeleton_find(c->template, &err);
	if (!t || act_as_owner_of(c, dir, &err) || refuse_filled(dir, &err) ||
	    make(c, t, dir, &err))
		return cli_fail(&s, err);
	return 0;
}
