/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/vec.h"

void strv_take(struct strv *v, char *s)
{
	if (v->count + 1 >= v->cap) {
		v->cap = v->cap ? v->cap * 2 : 16;
		v->items = xreallocarray(v->items, v->cap, sizeof(*v->items));
	}
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void strv_push(struct strv *v, const char *s)
{
	strv_take(v, xstrdup(s));
}

void strv_printf(struct strv *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(v, xvasprintf(fmt, ap));
	va_end(ap);
}

char **strv_argv(struct strv *v)
{
	if (!v->items) {
		v->cap = 16;
		v->items = xcalloc(v->cap, sizeof(*v->items));
	}
	return v->items;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->count > 1)
		qsort(v->items, v->count, sizeof(*v->items), compare);
}

void strv_clear(struct strv *v)
{
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){0};
}

/* Where NAME stands among "NAME=VALUE", or the count. */
static size_t find_name(const struct strv *v, const char *name)
{
	size_t len = strlen(name), i = 0;

	while (i < v->count && (strncmp(v->items[i], name, len) != 0 || v->items[i][len] != '='))
		i++;
	return i;
}

const char *strv_get(const struct strv *v, const char *name)
{
	size_t i = find_name(v, name);

	return i < v->count ? v->items[i] + strlen(name) + 1 : NULL;
}

void strv_set(struct strv *v, const char *name, const char *value)
{
	size_t i = find_name(v, name);
	int there = i < v->count;

	if (there)
		free(v->items[i]);
	if (value && *value && there) {
		v->items[i] = xasprintf("%s=%s", name, value);
	} else if (value && *value) {
		strv_printf(v, "%s=%s", name, value);
	} else if (there) {
		v->count--;
		memmove(&v->items[i], &v->items[i + 1], (v->count - i) * sizeof(*v->items));
	}
}
