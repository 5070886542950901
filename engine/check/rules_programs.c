/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The project's own programs on the device, and its boot script: they are there where others name
 * them, may be executed, are whole as far as a shell can tell without running them, and use no
 * variable that nothing sets.
 */
#include <ctype.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "check/view.h"

#define MAX_TEXT_BYTES (256 * 1024)
#define MAX_SAID 4096
#define SHELL_S 10

static const char *text_of(const struct check_view *v, const struct check_file *f)
{
	return f->filled ? f->filled : check_text_of(v, f->path, MAX_TEXT_BYTES);
}

/* The place of P in TEXT, which is the file PATH. */
static struct pos pos_of(const char *path, const char *text, const char *p)
{
	struct pos pos = {path, 1, 1};

	for (const char *c = text; c < p; c++) {
		pos.line += *c == '\n';
		pos.col = *c == '\n' ? 1 : pos.col + 1;
	}
	return pos;
}

/* -- they are there -- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._+@-", c));
}

static size_t name_length(const char *p)
{
	size_t n = 0;

	while (is_name(p[n]))
		n++;
	return n;
}

/* Whether DIR, "/usr/lib/edge-device", is one that packages and systemd have no part in. */
static bool is_private(const char *dir)
{
	static const char *const above[] = {"/usr/lib/", "/usr/libexec/", "/usr/local/lib/",
					    "/opt/"};
	static const char *const others[] = {"/usr/lib/systemd", "/usr/lib/udev"};
	bool below = false;

	for (size_t i = 0; i < array_len(above); i++)
		below = below || str_skip(dir, above[i]);
	for (size_t i = 0; i < array_len(others); i++)
		below = below && !str_skip(dir, others[i]);
	return below;
}

/* Adds the directories of programs of the project. */
static void own_directories(const struct check_view *v, struct strs *ret)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		char *dir cleanup_free = path_dir(f->target);
		const char *text =
			check_ships(v, f->image) && is_private(dir) ? text_of(v, f) : NULL;

		if (text && str_skip(text, "#!"))
			strs_push(ret, arena_strdup(v->arena, dir));
	}
}

static bool is_own(const struct check_view *v, const char *dir)
{
	struct strs all = {0};
	bool found = false;

	own_directories(v, &all);
	for (size_t i = 0; i < all.count; i++)
		found = found || str_eq(all.items[i], dir);
	strs_clear(&all);
	return found;
}

/* The directory of the project that DIR, which is none, is likely to mean; or NULL. */
static const char *meant(const struct check_view *v, const char *dir)
{
	struct strs all = {0};
	const char *near = NULL;

	own_directories(v, &all);
	if (is_private(dir))
		near = str_nearest(dir, all.items, all.count);
	strs_clear(&all);
	return near;
}

/* PATH is named at P in the text of F. */
static void is_there(struct check_view *v, const struct check_file *f, const char *text,
		     const char *p, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	bool own = is_own(v, dir);
	const char *near = own ? NULL : meant(v, dir);

	if ((!own && !near) || check_target_has(v, path))
		return;
	check_say(v, CHECK_MISSING_PROGRAM, pos_of(f->path, text, p),
		  "there is no '%s' in any image, and '%s' names it%s%s%s", path, f->target,
		  near ? ": did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Absolute paths in TEXT; those of comments count, too, but a comment names what is there. */
static void paths_are_there(struct check_view *v, const struct check_file *f, const char *text)
{
	for (const char *p = text; (p = strchr(p, '/')); p++) {
		char *path cleanup_free = NULL;
		size_t len = 0, n;

		if (p > text && (is_name(p[-1]) || strchr("/})$*?", p[-1])))
			continue;
		while (p[len] == '/' && (n = name_length(p + len + 1)) > 0)
			len += n + 1;
		if (!len || p[len] == '/' || strchr("*?[$%\\", p[len] ? p[len] : ' '))
			continue;
		path = xstrndup(p, len);
		if (path[len - 1] == '.')
			path[len - 1] = 0;
		is_there(v, f, text, p, path);
		p += len - 1;
	}
}

/* Programs beside this one, as scripts name them. */
static void neighbours_are_there(struct check_view *v, const struct check_file *f, const char *text)
{
	static const char *const ways[] = {"$here/", "$(dirname \"$0\")/"};
	char *dir cleanup_free = path_dir(f->target);

	for (size_t i = 0; i < array_len(ways); i++) {
		for (const char *p = text; (p = strstr(p, ways[i])); p++) {
			const char *name = p + strlen(ways[i]);
			size_t len = name_length(name);
			char *path cleanup_free = xasprintf("%s/%.*s", dir, (int)len, name);

			if (len)
				is_there(v, f, text, p, path);
		}
	}
}

static void is_executable(struct check_view *v, const struct check_file *f)
{
	char *abs cleanup_free = path_join(v->g->project->dir, f->path);
	char *dir cleanup_free = path_dir(f->target);
	struct stat st;

	if (lstat(abs, &st) == 0 && S_ISREG(st.st_mode) && !(st.st_mode & 0111) && is_own(v, dir))
		check_say(v, CHECK_MISSING_PROGRAM, (struct pos){f->path, 1, 1},
			  "'%s' is a program that nobody may execute: chmod +x", f->target);
}

/* -- they are whole -- */

/* TEXT on a descriptor that reads from its beginning, or -1. */
static int as_input(const char *text)
{
	int fd = memfd_create("script", MFD_CLOEXEC);
	size_t len = strlen(text);

	if (fd >= 0 && (write(fd, text, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What a shell that only reads (-n) says of the script TEXT; nothing is run. */
static void is_whole(struct check_view *v, const char *path, const char *text)
{
	int in cleanup_fd = as_input(text), said cleanup_fd = as_input("");
	char *argv[] = {"/bin/sh", "-n", "-s", NULL};
	struct proc_opts opts = {.in = in, .out = said, .errfd = said, .timeout_s = SHELL_S};
	char buf[MAX_SAID + 1] = "";
	struct err *err cleanup_err = NULL;
	struct pos pos = {path, 1, 1};
	const char *why, *number;

	if (in < 0 || said < 0 || proc_run(argv, &opts, &err) == 0 || err->code->cls != ERR_BUILD ||
	    pread(said, buf, MAX_SAID, 0) <= 0)
		return;
	buf[strcspn(buf, "\n")] = 0;
	why = strstr(buf, "Syntax error");
	number = strpbrk(buf, "0123456789");
	if (number)
		pos.line = (unsigned)strtoul(number, NULL, 10);
	check_say(v, CHECK_SCRIPT_SYNTAX, pos, "no shell can read it: %s", why ? why : buf);
}

/* -- their variables -- */

static bool is_variable(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether a line of TEXT sets NAME: "NAME=", "for NAME in", "read … NAME", "getopts … NAME". */
static bool sets(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; (p = strstr(p, name)); p++) {
		const char *line = p;

		if ((p > text && is_variable(p[-1])) || is_variable(p[len]))
			continue;
		if (p[len] == '=' && (p == text || p[-1] != '$'))
			return true;
		while (line > text && line[-1] != '\n')
			line--;
		if (p > text && isspace((unsigned char)p[-1]) &&
		    (memmem(line, (size_t)(p - line), "read ", 5) ||
		     memmem(line, (size_t)(p - line), "for ", 4) ||
		     memmem(line, (size_t)(p - line), "getopts ", 8)))
			return true;
	}
	return false;
}

/* Whether TEXT takes in another script, whose variables are not known. */
static bool sources(const char *text)
{
	for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		p += strspn(p, " \t");
		if (str_skip(p, ". ") || str_skip(p, "source "))
			return true;
	}
	return false;
}

/* A variable in small letters is the script's own; others come from whoever starts it. */
static void variables_are_set(struct check_view *v, const char *path, const char *text)
{
	for (const char *p = text; (p = strchr(p, '$')); p++) {
		const char *at = p[1] == '{' ? p + 2 : p + 1;
		size_t len = 0;
		char *name cleanup_free = NULL;

		while (is_variable(at[len]))
			len++;
		name = xstrndup(at, len);
		if (!len || !islower((unsigned char)*name) ||
		    strpbrk(name, "ABCDEFGHIJKLMNOPQRST"
				  "UVWXYZ") ||
		    (p > text && p[-1] == '\\') || sets(text, name))
			continue;
		check_say(v, CHECK_SCRIPT_VARIABLES, pos_of(path, text, p),
			  "nothing in this script sets '%s'", name);
		return; /* one is enough */
	}
}

static void script_holds(struct check_view *v, const char *path, const char *text)
{
	is_whole(v, path, text);
	if (!sources(text))
		variables_are_set(v, path, text);
}

/* "#!/bin/sh\r" names a program that nobody has. */
static void first_line_ends(struct check_view *v, const char *path, const char *text)
{
	size_t len = strcspn(text, "\n");

	if (len && text[len - 1] == '\r')
		check_say(v, CHECK_SCRIPT_SYNTAX, (struct pos){path, 1, (unsigned)len},
			  "the first line ends in a carriage return, so that nothing can start "
			  "this program: save it with the ends of lines of Unix");
}

static bool is_shell(const char *text)
{
	return str_skip(text, "#!/bin/sh\n") || str_skip(text, "#!/bin/sh ");
}

int check_program_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->files.count; i++) {
		const struct check_file *f = &v->files.items[i];
		const char *text = check_ships(v, f->image) ? text_of(v, f) : NULL;

		if (!text)
			continue;
		paths_are_there(v, f, text);
		if (!str_skip(text, "#!"))
			continue;
		first_line_ends(v, f->path, text);
		neighbours_are_there(v, f, text);
		is_executable(v, f);
		if (is_shell(text))
			script_holds(v, f->path, text);
	}
	for (size_t i = 0; i < v->programs.count; i++)
		if (is_shell(v->programs.items[i].text))
			script_holds(v, v->programs.items[i].path, v->programs.items[i].text);
	for (size_t i = 0; i < v->texts.count; i++)
		if (v->texts.items[i].starts_kernel) /* U-Boot's shell has the same syntax */
			is_whole(v, v->texts.items[i].path, v->texts.items[i].text);
	return 0;
}
