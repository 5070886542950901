/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/json.h"
#include "cli/ui.h"

/* A pipe, a device or what a link leads to is written into; only a file may be replaced. */
static bool is_replaced(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 || S_ISREG(st.st_mode);
}

int result_check(const char *path, struct err **err)
{
	char *dir cleanup_free = path_dir(path);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return err_set(err, E_REPORT_UNWRITABLE,
			       "cannot write the result: '%s' is a directory", path);
	if (is_replaced(path) ? access(dir, W_OK | X_OK) < 0 : access(path, W_OK) < 0)
		return err_errno(err, E_REPORT_UNWRITABLE, errno, "cannot write the result '%s'",
				 path);
	return 0;
}

static mode_t file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

int result_write_text(const char *path, const struct str *text, struct err **err)
{
	int fd cleanup_fd = -1;

	if (is_replaced(path))
		return file_write(path, text->buf, text->len, file_mode(), false, err);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", path);
	return fd_write_all(fd, path, text->buf, text->len, err);
}

int result_write(const char *path, json_t *object, struct err **err)
{
	char *text cleanup_free =
		json_dumps(object, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_PLAIN_REALS);
	struct str s cleanup_str = STR_INIT;

	json_decref(object);
	str_printf(&s, "%s\n", text);
	return result_write_text(path, &s, err);
}

static json_t *node_object(const struct node *n, const struct outcome *o)
{
	json_t *j = json_object();
	bool done = o->status && (str_eq(o->status, "built") || str_eq(o->status, "cached"));

	json_object_set_new(j, "name", json_text(n->name));
	json_object_set_new(j, "kind", json_string(n->recipe->kind->name));
	json_object_set_new(j, "status", json_string(o->status ? o->status : "skipped"));
	json_object_set_new(j, "key", n->manifest ? json_digest(&n->key) : json_null());
	json_object_set_new(j, "seconds", json_real(o->seconds));
	json_object_set_new(j, "outputs", json_outputs(n->name, done ? n->record : NULL));
	if (o->shared)
		json_object_set_new(j, "shared", json_true());
	if (o->fetched)
		json_object_set_new(j, "fetched_bytes", json_integer((json_int_t)o->fetched));
	if (o->error)
		json_object_set_new(j, "error", json_text(o->error));
	if (o->code)
		json_object_set_new(j, "code", json_string(o->code));
	return j;
}

json_t *result_object(const struct graph *g, const struct tally *tally, double wall_s, bool ok)
{
	json_t *o = json_object(), *nodes = json_array();

	for (size_t i = 0; i < g->nodes.count; i++) {
		if (g->nodes.items[i]->wanted)
			json_array_append_new(nodes,
					      node_object(g->nodes.items[i], &tally->nodes[i]));
	}
	json_object_set_new(o, "v", json_integer(1));
	json_object_set_new(o, "ok", json_boolean(ok));
	json_object_set_new(o, "wall_s", json_real(wall_s));
	json_object_set_new(o, "nodes", nodes);
	return o;
}

json_t *result_refused(const char *text)
{
	return json_pack("{s:i, s:b, s:f, s:[], s:o}", "v", 1, "ok", 0, "wall_s", 0.0, "nodes",
			 "error", json_text(text));
}
