/* SPDX-License-Identifier: GPL-3.0-or-later */
#define ERR_C
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Bytes of a text, and what is kept of a longer one. */
#define TEXT_MAX 8192
#define TEXT_HEAD 4096
#define TEXT_TAIL 2048

static const struct {
	const char *name;
	int exit_code;
} classes[ERR_CLASS_COUNT] = {
	[ERR_USER] = {"user", 2},
	[ERR_BUILD] = {"build", 1},
	[ERR_NET] = {"net", 4},
	[ERR_INTEGRITY] = {"integrity", 5},
	[ERR_STORE] = {"store", 6},
	[ERR_ENV] = {"env", 7},
	[ERR_RESOURCE] = {"resource", EXIT_OUT_OF_MEMORY},
	[ERR_LOCKED] = {"locked", 9},
	[ERR_TIMEOUT] = {"timeout", 10},
	[ERR_CANCEL] = {"cancel", 130},
	[ERR_INTERNAL] = {"internal", 70},
};

/* The start of the character that TEXT[AT] is a byte of, in UTF-8. */
static size_t character_at(const char *text, size_t at)
{
	while (at && ((unsigned char)text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

/* TEXT, which it takes, with its middle left out when it is too long to be read. */
static char *shortened(char *text)
{
	size_t len = strlen(text), head, tail;
	char *out;

	if (len <= TEXT_MAX)
		return text;
	head = character_at(text, TEXT_HEAD);
	tail = character_at(text, len - TEXT_TAIL);
	out = xasprintf("%.*s[... %zu bytes ...]%s", (int)head, text, tail - head, text + tail);
	free(text);
	return out;
}

/* TEXT, which it takes, as one line that is not too long: others choose names that are neither. */
static char *one_line(char *text)
{
	struct str s = STR_INIT;

	text = shortened(text);
	if (!strchr(text, '\n'))
		return text;
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			str_append(&s, "\\n");
		else
			str_append_char(&s, *p);
	}
	free(text);
	return str_steal(&s);
}

static int take(struct err **err, const struct err_code *code, int errnum, char *text)
{
	struct err *e;

	if (!err) {
		free(text);
		return -1;
	}
	e = xcalloc(1, sizeof(*e));
	e->code = code;
	e->errnum = errnum;
	e->text = one_line(text);
	err_free(*err);
	*err = e;
	return -1;
}

int err_set(struct err **err, const struct err_code *code, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	return take(err, code, 0, text);
}

/* What ERRNUM means, whatever was to be done; else CODE. */
static const struct err_code *code_of(const struct err_code *code, int errnum)
{
	if (errnum == ENOSPC || errnum == EDQUOT)
		return E_DISK_FULL;
	if (errnum == ENOMEM)
		return E_NO_MEMORY;
	if (errnum == EIO && code->cls == ERR_USER)
		return E_IO_ERROR; /* no mistake of whoever wrote the recipe */
	return code;
}

int err_errno(struct err **err, const struct err_code *code, int errnum, const char *fmt, ...)
{
	char *head cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	head = xvasprintf(fmt, ap);
	va_end(ap);
	return take(err, code_of(code, errnum), errnum,
		    xasprintf("%s: %s", head, strerror(errnum)));
}

static struct err *positioned(const struct err_code *code, struct pos pos, char *text)
{
	struct err *e = NULL;

	take(&e, code, 0, text);
	e->file = pos.file ? xstrdup(pos.file) : NULL;
	e->line = pos.line;
	e->col = pos.col;
	return e;
}

int err_at(struct err **err, const struct err_code *code, struct pos pos, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	err_free(*err);
	va_start(ap, fmt);
	*err = positioned(code, pos, xvasprintf(fmt, ap));
	va_end(ap);
	return -1;
}

int err_place(struct err **err, struct pos pos)
{
	if (!err || !*err || (*err)->file || !pos.file)
		return -1;
	(*err)->file = xstrdup(pos.file);
	(*err)->line = pos.line;
	(*err)->col = pos.col;
	return -1;
}

int err_wrap(struct err **err, const char *fmt, ...)
{
	char *head cleanup_free = NULL, *text;
	va_list ap;

	if (!err || !*err)
		return -1;
	va_start(ap, fmt);
	head = xvasprintf(fmt, ap);
	va_end(ap);
	text = xasprintf("%s: %s", head, (*err)->text);
	free((*err)->text);
	(*err)->text = one_line(text);
	return -1;
}

char *err_string(const struct err *err)
{
	char *place cleanup_free = NULL;

	if (err->file && err->line)
		place = xasprintf("%s:%u:%u: ", err->file, err->line, err->col);
	else if (err->file)
		place = xasprintf("%s: ", err->file);
	return xasprintf("%s%s [%s]", place ? place : "", err->text, err->code->name);
}

int err_exit_code(enum err_class cls)
{
	return classes[cls].exit_code;
}

const char *err_class_name(enum err_class cls)
{
	return classes[cls].name;
}

void err_free(struct err *err)
{
	while (err) {
		struct err *next = err->next;

		free(err->text);
		free(err->file);
		free(err);
		err = next;
	}
}

static void add_one(struct err_list *list, struct err *err)
{
	if (list->count == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 8;
		list->items = xreallocarray(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->count++] = err;
}

void err_list_add(struct err_list *list, struct err *err)
{
	while (err) {
		struct err *next = steal_ptr(err->next);

		add_one(list, err);
		err = next;
	}
}

void err_list_at(struct err_list *list, const struct err_code *code, struct pos pos,
		 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_list_add(list, positioned(code, pos, xvasprintf(fmt, ap)));
	va_end(ap);
}

static int compare(const void *a, const void *b)
{
	const struct err *x = *(struct err *const *)a, *y = *(struct err *const *)b;
	int c = strcmp(x->file ? x->file : "", y->file ? y->file : "");

	if (c)
		return c;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->col != y->col)
		return x->col < y->col ? -1 : 1;
	return strcmp(x->text, y->text);
}

void err_list_sort(struct err_list *list)
{
	size_t kept = 0;

	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; i++) {
		if (kept && compare(&list->items[kept - 1], &list->items[i]) == 0)
			err_free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

int err_all(struct err **err, struct err_list *list)
{
	err_list_sort(list);
	for (size_t i = 0; i + 1 < list->count; i++)
		list->items[i]->next = list->items[i + 1];
	*err = list->items[0];
	list->count = 0;
	return -1;
}

void err_list_clear(struct err_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		err_free(list->items[i]);
	free(list->items);
	*list = (struct err_list){0};
}
