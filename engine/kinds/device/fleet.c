/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/device/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/tmp.h"

#define LIST "units.csv"
#define DONE "units.jsonl"
#define TAKEN ".taken"
#define SERIAL "serial"
#define LIST_MAX (64u << 20)
#define BOM "\xef\xbb\xbf" /* spreadsheets begin their files with it */

/* ---- units.csv ---- */

struct reading {
	struct fleet *u;
	struct err_list *errors;
	struct strv columns;
	struct map serials; /* serial -> struct unit * */
	struct pos pos;     /* of the line */
};

/* The next cell of *REST, without spaces around it; NULL: there is none. */
static char *next_cell(char **rest)
{
	char *cell = strsep(rest, ",");
	size_t len;

	if (!cell)
		return NULL;
	cell += strspn(cell, " \t");
	len = strlen(cell);
	while (len && strchr(" \t\r", cell[len - 1]))
		cell[--len] = 0;
	return cell;
}

static bool is_column_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

/* It is a file's name, too. */
static bool is_serial(const char *text)
{
	const size_t len = strlen(text);

	return len && len <= 64 && *text != '.' &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
		       len;
}

static bool has_column(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->columns.count; i++)
		if (str_eq(r->columns.items[i], name))
			return true;
	return false;
}

static void read_columns(struct reading *r, char *line)
{
	for (char *cell = next_cell(&line); cell; cell = next_cell(&line)) {
		if (!is_column_name(cell))
			err_list_at(r->errors, E_INVALID_VALUE, r->pos,
				    "column %zu is called '%s': names have small letters, digits, "
				    "'-' and '_'",
				    r->columns.count + 1, cell);
		else if (has_column(r, cell))
			err_list_at(r->errors, E_INVALID_VALUE, r->pos,
				    "two columns are called '%s'", cell);
		strv_push(&r->columns, cell);
	}
	if (!has_column(r, SERIAL))
		err_list_at(r->errors, E_MISSING_KEY, r->pos,
			    "no column is called '" SERIAL "': the first line names the columns, "
			    "as in 'serial,token'");
}

static void add_unit(struct reading *r, struct unit *unit)
{
	unit->serial = map_get(&unit->values, SERIAL);
	fleet_units_push(&r->u->all, unit);
	if (!unit->serial)
		return;
	if (!is_serial(unit->serial))
		err_list_at(r->errors, E_INVALID_VALUE, r->pos,
			    "'%s' is not a serial number: letters, digits, '.', '_' and '-', 64 at "
			    "most",
			    unit->serial);
	else if (map_set(&r->serials, unit->serial, unit))
		err_list_at(r->errors, E_INVALID_VALUE, r->pos, "two units have the serial '%s'",
			    unit->serial);
}

static void read_unit(struct reading *r, char *line)
{
	struct unit *unit = arena_alloc(r->u->arena, sizeof(*unit));
	size_t count = 0;

	*unit = (struct unit){0};
	for (char *cell = next_cell(&line); cell; cell = next_cell(&line), count++) {
		if (count < r->columns.count && !*cell)
			err_list_at(r->errors, E_EMPTY_VALUE, r->pos,
				    "the value of column '%s' is empty", r->columns.items[count]);
		if (count < r->columns.count)
			map_set(&unit->values, arena_strdup(r->u->arena, r->columns.items[count]),
				arena_strdup(r->u->arena, cell));
	}
	if (count != r->columns.count)
		err_list_at(r->errors, E_INVALID_VALUE, r->pos,
			    "%zu values, and %zu columns: a value has no comma", count,
			    r->columns.count);
	add_unit(r, unit);
}

static void read_line(struct reading *r, char *line)
{
	if (line[strspn(line, " \t\r")] == 0 || *line == '#')
		return;
	if (strchr(line, '"'))
		err_list_at(r->errors, E_INVALID_VALUE, r->pos,
			    "quotes are not understood: write values as they are, without commas");
	else if (!r->columns.count)
		read_columns(r, line);
	else
		read_unit(r, line);
}

static int read_list(struct fleet *u, struct err_list *errors)
{
	const char *path = arena_printf(u->arena, "%s/" LIST, u->dir);
	struct reading r = {.u = u, .errors = errors, .pos = {.file = path, .line = 0, .col = 1}};
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	size_t before = errors->count;
	char *rest, *line;

	if (file_read(path, LIST_MAX, &text, &err) < 0) {
		err->code = E_FILE_UNREADABLE;
		err_list_add(errors, err);
		return -1;
	}
	rest = text.buf + (strncmp(text.buf, BOM, strlen(BOM)) ? 0 : strlen(BOM));
	while ((line = strsep(&rest, "\n"))) {
		r.pos.line++;
		read_line(&r, line);
	}
	map_clear(&r.serials);
	strv_clear(&r.columns);
	return errors->count > before ? -1 : 0;
}

/* ---- units.jsonl ---- */

static void mark(struct fleet *u, const char *serial)
{
	for (size_t i = 0; serial && i < u->all.count; i++)
		if (str_eq(u->all.items[i]->serial, serial))
			u->all.items[i]->done = true;
}

/* A line that is cut or means something else is of no unit. */
static int read_done(struct fleet *u, struct err **err)
{
	char *path cleanup_free = path_join(u->dir, DONE);
	struct str text cleanup_str = STR_INIT;
	char *rest, *line;

	if (!path_exists(path))
		return 0;
	if (file_read(path, LIST_MAX, &text, err) < 0)
		return -1;
	rest = text.buf;
	while ((line = strsep(&rest, "\n"))) {
		json_t *object = json_loads(line, 0, NULL);

		mark(u, json_string_value(json_object_get(object, SERIAL)));
		json_decref(object);
	}
	return 0;
}

int fleet_read(struct arena *arena, const char *dir, struct fleet *ret, struct err_list *errors)
{
	struct err *err = NULL;

	*ret = (struct fleet){.dir = arena_strdup(arena, dir), .arena = arena};
	if (read_list(ret, errors) < 0)
		return -1;
	if (read_done(ret, &err) < 0) {
		err_list_add(errors, err);
		return -1;
	}
	return 0;
}

size_t fleet_left(const struct fleet *u)
{
	size_t left = 0;

	for (size_t i = 0; i < u->all.count; i++)
		left += !u->all.items[i]->done;
	return left;
}

void fleet_clear(struct fleet *u)
{
	for (size_t i = 0; i < u->all.count; i++)
		map_clear(&u->all.items[i]->values);
	fleet_units_clear(&u->all);
}

/* ---- who has which ---- */

/* Whoever had it before may have written it since the list was read. */
static int take(struct fleet *u, struct unit *unit, struct taken *ret, struct err **err)
{
	char *dir cleanup_free = path_join(u->dir, TAKEN);
	char *path cleanup_free = path_join(dir, unit->serial);
	int fd cleanup_fd = -1;

	if (path_mkdirs(dir, err) < 0 || lock_file(path, LOCK_EXCLUSIVE, false, &fd, err) < 0 ||
	    read_done(u, err) < 0)
		return -1;
	*ret = (struct taken){unit, steal_fd(&fd)};
	return 0;
}

static int take_named(struct fleet *u, const char *serial, struct taken *ret, struct err **err)
{
	for (size_t i = 0; i < u->all.count; i++) {
		if (!str_eq(u->all.items[i]->serial, serial))
			continue;
		if (take(u, u->all.items[i], ret, err) < 0)
			return err_wrap(err, "unit '%s' is being written elsewhere", serial);
		return 0;
	}
	return err_set(err, E_INVALID_VALUE, "'%s/" LIST "' has no unit '%s'", u->dir, serial);
}

int fleet_take(struct fleet *u, const char *serial, struct taken *ret, struct err **err)
{
	*ret = (struct taken){.fd = -1};
	if (serial)
		return take_named(u, serial, ret, err);
	for (size_t i = 0; i < u->all.count; i++) {
		struct unit *unit = u->all.items[i];
		struct err *busy cleanup_err = NULL;

		if (unit->done)
			continue;
		if (take(u, unit, ret, &busy) == 0 && !unit->done)
			return 0;
		fleet_release(ret);
		if (busy && busy->code->cls != ERR_LOCKED) {
			*err = steal_ptr(busy);
			return -1;
		}
	}
	return err_set(err, E_UNITS_DONE,
		       "no unit is left: each of the %zu of '%s/" LIST "' is done, or is being "
		       "written",
		       u->all.count, u->dir);
}

void fleet_release(struct taken *t)
{
	fd_closep(&t->fd);
	t->unit = NULL;
}

/* ---- that it is written ---- */

/* After a line that a power cut left without its end. */
static bool is_cut(int fd)
{
	struct stat st;
	char last = '\n';

	return fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
	       last != '\n';
}

int fleet_done(struct fleet *u, struct unit *unit, const json_t *object, struct err **err)
{
	char *path cleanup_free = path_join(u->dir, DONE);
	char *text cleanup_free = json_dumps(object, JSON_COMPACT);
	struct str line cleanup_str = STR_INIT;
	int fd cleanup_fd = -1;

	if (lock_file(path, LOCK_EXCLUSIVE, true, &fd, err) < 0)
		return -1;
	str_printf(&line, "%s%s\n", is_cut(fd) ? "\n" : "", text);
	if (lseek(fd, 0, SEEK_END) < 0 || write(fd, line.buf, line.len) != (ssize_t)line.len)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot write '%s'", path);
	unit->done = true;
	return fd_sync(fd, path, err) < 0 ? -1 : file_sync_parent(path, err);
}
