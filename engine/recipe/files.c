/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "recipe/schema.h"

/* An error about a file as a whole. */
static void file_error(struct recipe_files *f, const struct err_code *code, const char *file,
		       const char *what)
{
	err_list_at(f->errors, code, (struct pos){file, 1, 1}, "%s", what);
}

static void wrap_error(struct recipe_files *f, const char *file, struct err *e)
{
	err_list_at(f->errors, e->code, (struct pos){file, 1, 1}, "%s", e->text);
	err_free(e);
}

static void take_recipe(struct recipe_files *f, const char *directory, const char *entry)
{
	size_t len = strlen(entry) - strlen(".yaml");
	char *stem = arena_strndup(f->arena, entry, len), *at = strchr(stem, '@');
	const char *below = directory + strlen("recipes");
	struct recipe_file *found;

	if (!*below && str_eq(entry, "project.yaml"))
		return;
	found = recipe_file_list_at_end(&f->found);
	found->file = arena_printf(f->arena, "%s/%s", directory, entry);
	found->only = at ? arena_strdup(f->arena, at) : NULL;
	if (at)
		*at = 0;
	found->name = *below ? arena_printf(f->arena, "%s/%s", below + 1, stem) : stem;
	if (!name_valid(stem))
		file_error(f, E_INVALID_NAME, found->file,
			   "the name of a recipe file has 1 to 64 of the characters A-Z a-z 0-9 . "
			   "_ + -, before the @VALUE of a variant");
}

/* What an entry without type in its directory is: 'd', 'f', 'l' for a link to a directory, or 0. */
static char type_of(int fd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type == DT_REG)
		return 'f';
	if (de->d_type == DT_DIR)
		return 'd';
	if (fstatat(fd, de->d_name, &st, 0) < 0)
		return 'f'; /* opening it will say why */
	if (S_ISDIR(st.st_mode))
		return de->d_type == DT_LNK ? 'l' : 'd';
	return S_ISREG(st.st_mode) ? 'f' : 0;
}

static void take_entry(struct recipe_files *f, int fd, const char *directory,
		       const struct dirent *de)
{
	const char *name = de->d_name;
	bool yaml = str_ends(name, ".yaml");
	char type;

	if (*name == '.' || !*name)
		return;
	if (!yaml && !str_ends(name, ".yml") && de->d_type == DT_REG)
		return;
	type = type_of(fd, de);
	if (type == 'f' && yaml)
		take_recipe(f, directory, name);
	else if (type == 'f' && str_ends(name, ".yml"))
		file_error(f, E_INVALID_NAME, arena_printf(f->arena, "%s/%s", directory, name),
			   "recipes end in .yaml: rename the file");
	else if (type == 'l')
		file_error(f, E_BAD_LINK, arena_printf(f->arena, "%s/%s", directory, name),
			   "a link to a directory cannot hold recipes");
	else if (type == 'd' && !name_valid(name))
		file_error(
			f, E_INVALID_NAME, arena_printf(f->arena, "%s/%s", directory, name),
			"the name of a recipe directory has 1 to 64 of the characters A-Z a-z 0-9 "
			". _ + -");
	else if (type == 'd')
		strs_push(&f->directories, arena_printf(f->arena, "%s/%s", directory, name));
}

static void scan_directory(struct recipe_files *f, const char *directory)
{
	struct err *err = NULL;
	int fd = path_open_beneath(f->dirfd, directory, O_RDONLY | O_DIRECTORY, &err);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	if (!dir) {
		if (!err)
			err_errno(&err, E_FILE_UNREADABLE, errno, "cannot read directory '%s'",
				  directory);
		if (fd >= 0)
			close(fd);
		wrap_error(f, directory, err);
		return;
	}
	while ((de = readdir(dir)))
		take_entry(f, fd, directory, de);
	closedir(dir);
}

static int compare(const void *a, const void *b)
{
	const struct recipe_file *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : strcmp(x->only ? x->only : "", y->only ? y->only : "");
}

void recipe_files_find(struct recipe_files *f)
{
	strs_push(&f->directories, "recipes");
	for (size_t i = 0; i < f->directories.count; i++)
		scan_directory(f, f->directories.items[i]);
	if (f->found.count)
		qsort(f->found.items, f->found.count, sizeof(*f->found.items), compare);
}

/* How many values "@pc@dev" names, all of V's; -1: another's, or after an error. */
static int values_of(struct recipe_files *f, const struct recipe_file *file,
		     const struct variants *variants, const struct variant *v)
{
	char *text cleanup_free = xstrdup(file->only ? file->only + 1 : ""), *rest = text, *value;
	int count = 0;

	while (*text && count >= 0 && (value = strsep(&rest, "@"))) {
		int axis = variants_axis_of(variants, value);

		if (axis < 0)
			file_error(f, E_UNKNOWN_VARIANT, file->file,
				   "no axis of 'variants' in project.yaml has the value that the "
				   "file's name has after '@'");
		count = axis >= 0 && str_eq(v->values[axis], value) ? count + 1 : -1;
	}
	return count;
}

void recipe_files_choose(struct recipe_files *f, const struct variants *variants,
			 const struct variant *variant)
{
	size_t kept = 0;
	int most = -1;

	for (size_t i = 0; i < f->found.count; i++) {
		struct recipe_file *file = &f->found.items[i];
		struct recipe_file *last = kept ? &f->found.items[kept - 1] : NULL;
		int count = values_of(f, file, variants, variant);
		bool same = last && str_eq(last->name, file->name);

		if (count < 0 || (same && count <= most))
			continue;
		most = count;
		if (same) {
			struct recipe_file *under = arena_alloc(f->arena, sizeof(*under));

			*under = *last;
			file->under = under;
		}
		*(same ? last : &f->found.items[kept++]) = *file;
	}
	f->found.count = kept;
}

struct yaml *recipe_files_parse(struct recipe_files *f, const char *file)
{
	struct err *err = NULL;
	int fd cleanup_fd = path_open_beneath(f->dirfd, file, O_RDONLY | O_NONBLOCK, &err);
	struct stat st;

	str_clear(&f->text);
	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		file_error(f, E_NOT_A_FILE, file, "is not a file");
		return NULL;
	}
	if (fd < 0 || fd_read_all(fd, file, YAML_MAX_BYTES, &f->text, &err) < 0) {
		wrap_error(f, file, err);
		return NULL;
	}
	return yaml_parse(f->arena, file, f->text.buf, f->text.len, f->errors);
}

void recipe_files_clear(struct recipe_files *f)
{
	recipe_file_list_clear(&f->found);
	strs_clear(&f->directories);
	str_release(&f->text);
}
