/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/record_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/trace.h"
#include "base/vec.h"
#include "store/cas.h"
#include "store/inventory.h"

#define DIRECTORY "records"
#define FILE_MAX (256u * 1024 * 1024)

static char *file_of(const struct store *s, const struct digest *key)
{
	return cas_named_path(s->dir, DIRECTORY, key, "");
}

static void print(const struct state_record *row, struct str *to)
{
	char hex[DIGEST_HEX + 1];

	str_append(to, "orch-record 1\nnode ");
	str_quote(to, row->node);
	str_printf(to, "\nseconds %a\nbuilt %" PRId64 "\n", row->seconds, row->built_at);
	str_printf(to, "log %s\n", digest_hex(&row->log, hex));
	str_printf(to, "sum %s\n", digest_hex(&row->sum, hex));
	for (const char *p = row->outputs; *p;) {
		size_t len = strcspn(p, "\n");

		str_printf(to, "output %.*s\n", (int)len, p);
		p += len + (p[len] == '\n');
	}
	str_printf(to, "manifest\n%s", row->manifest);
}

void record_file_write(const struct store *s, const struct state_record *row)
{
	struct err *ignored cleanup_err = NULL;
	char *path cleanup_free = file_of(s, &row->key), *dir cleanup_free = path_dir(path);
	struct str text cleanup_str = STR_INIT;

	print(row, &text);
	if (path_mkdirs(dir, &ignored) < 0 ||
	    file_write(path, text.buf, text.len, 0644, false, &ignored) < 0)
		trace(TRACE_STORE, "record file: %s", ignored->text);
}

/* --- reading ------------------------------------------------------------------------------- */

/* What follows "NAME " in the line at *P, which is moved past it; NULL: it is another line. */
static char *take_line(char **p, const char *name)
{
	char *value = (char *)str_skip(*p, name), *end;

	if (!value || *value != ' ')
		return NULL;
	end = strchr(++value, '\n');
	if (!end)
		return NULL;
	*end = 0;
	*p = end + 1;
	return value;
}

static int take_digest(char **p, const char *name, struct digest *ret)
{
	const char *hex = take_line(p, name);

	return hex ? digest_parse(hex, ret) : 1;
}

static int take_node(char **p, struct arena *arena, const char **ret)
{
	struct str name cleanup_str = STR_INIT;
	const char *text = take_line(p, "node");

	if (!text || str_unquote(&text, &name) != 0 || *text)
		return 1;
	*ret = arena_strdup(arena, name.buf);
	return 0;
}

static int take_numbers(char **p, struct state_record *ret)
{
	const char *seconds = take_line(p, "seconds"),
		   *built = seconds ? take_line(p, "built") : NULL;
	char *end;

	if (!built)
		return 1;
	ret->seconds = strtod(seconds, &end);
	if (*end)
		return 1;
	ret->built_at = strtoll(built, &end, 10);
	return *end ? 1 : 0;
}

int record_file_parse(char *text, const struct digest *key, struct arena *arena,
		      struct state_record *ret)
{
	struct str outputs cleanup_str = STR_INIT;
	struct state_record row = {.key = *key};
	char *p = (char *)str_skip(text, "orch-record 1\n"), *line;
	struct digest sum;

	if (!p || take_node(&p, arena, &row.node) != 0 || take_numbers(&p, &row) != 0 ||
	    take_digest(&p, "log", &row.log) != 0 || take_digest(&p, "sum", &row.sum) != 0)
		return 1;
	while ((line = take_line(&p, "output")))
		str_printf(&outputs, "%s\n", line);
	row.manifest = str_skip(p, "manifest\n");
	if (!row.manifest)
		return 1;
	digest_data(row.manifest, strlen(row.manifest), &sum);
	if (!digest_eq(&sum, key))
		return 1;
	row.manifest = arena_strdup(arena, row.manifest);
	row.outputs = arena_strdup(arena, outputs.len ? outputs.buf : "");
	*ret = row;
	return 0;
}

int record_file_read(const struct store *s, const struct digest *key, struct arena *arena,
		     struct state_record *ret)
{
	struct err *ignored cleanup_err = NULL;
	char *path cleanup_free = file_of(s, key);
	struct str text cleanup_str = STR_INIT;
	struct record *rec;

	if (file_read(path, FILE_MAX, &text, &ignored) < 0)
		return 1;
	return record_file_parse(text.buf, key, arena, ret) || record_decode(ret, arena, &rec) ? 1
											       : 0;
}

/* --- dropping ------------------------------------------------------------------------------ */

int records_drop(struct store *s, const struct digest *keys, size_t count, bool forever,
		 struct err **err)
{
	for (size_t i = 0; i < count; i++) {
		char *path cleanup_free = file_of(s, &keys[i]);

		if (unlink(path) < 0) {
			if (errno == ENOENT)
				continue;
			return err_errno(err, E_STORE_INACCESSIBLE, errno, "cannot remove '%s'",
					 path);
		}
		if (forever && file_sync_parent(path, err) < 0)
			return -1;
	}
	return state_records_drop(s->state, keys, count, err);
}

/* --- all of them --------------------------------------------------------------------------- */

DEFINE_VEC(rows, struct state_record)

struct import {
	const struct store *s;
	struct arena *arena;
	struct rows rows;
	size_t next;
};

static int collect(void *arg, const char *name, const struct stat *st, struct err **err)
{
	struct import *in = arg;
	const char *base = path_base(name);
	char *hex cleanup_free = NULL;
	struct state_record row;
	struct digest key;

	if (base - name < 3)
		return 0;
	hex = xasprintf("%.2s%s", base - 3, base);
	if (digest_parse(hex, &key) == 0 && record_file_read(in->s, &key, in->arena, &row) == 0)
		rows_push(&in->rows, row);
	return 0;
}

static int older_first(const void *a, const void *b)
{
	const struct state_record *x = a, *y = b;

	if (x->built_at != y->built_at)
		return x->built_at < y->built_at ? -1 : 1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

static const struct state_record *next_row(void *arg)
{
	struct import *in = arg;

	return in->next < in->rows.count ? &in->rows.items[in->next++] : NULL;
}

int record_files_import(struct store *s, uint64_t *ret_added, struct err **err)
{
	struct arena *arena cleanup_arena = arena_new();
	struct import in = {.s = s, .arena = arena};
	int rc = inventory_files(s, DIRECTORY, collect, &in, err);

	*ret_added = 0;
	if (rc == 0 && in.rows.count) {
		qsort(in.rows.items, in.rows.count, sizeof(*in.rows.items), older_first);
		rc = state_records_add(s->state, next_row, &in, ret_added, err);
	}
	rows_clear(&in.rows);
	return rc;
}

static int export(void *arg, const struct state_record *row, struct err **err)
{
	struct store *s = arg;
	char *path cleanup_free = file_of(s, &row->key);

	if (!path_exists(path))
		record_file_write(s, row);
	return 0;
}

int record_files_begin(struct store *s, struct err **err)
{
	char *mark cleanup_free = path_join(s->dir, DIRECTORY "/.begun");

	if (path_exists(mark))
		return 0;
	if (path_mkparents(mark, err) < 0 || state_record_each(s->state, export, s, err) < 0)
		return -1;
	return file_write(mark, "", 0, 0644, false, err);
}
