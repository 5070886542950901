/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Typed growing arrays. DEFINE_VEC(nodes, struct node *) declares struct nodes {items, count, cap}
 * with nodes_push(), nodes_at_end() (a zeroed new element) and nodes_clear(). A zeroed struct is an
 * empty vector. The elements themselves are not freed.
 */
#include <string.h>

#include "base/alloc.h"

#define DEFINE_VEC(name, type)                                                            \
	struct name {                                                                     \
		type *items;                                                              \
		size_t count, cap;                                                        \
	};                                                                                \
	__attribute__((unused)) static inline type *name##_at_end(struct name *v)         \
	{                                                                                 \
		if (!v->items || v->count == v->cap) {                                    \
			v->cap = v->cap ? v->cap * 2 : 8;                                 \
			v->items = xreallocarray(v->items, v->cap, sizeof(type));         \
		}                                                                         \
		memset(&v->items[v->count], 0, sizeof(type));                             \
		return &v->items[v->count++];                                             \
	}                                                                                 \
	__attribute__((unused)) static inline void name##_push(struct name *v, type item) \
	{                                                                                 \
		*name##_at_end(v) = item;                                                 \
	}                                                                                 \
	__attribute__((unused)) static inline void name##_clear(struct name *v)           \
	{                                                                                 \
		free(v->items);                                                           \
		*v = (struct name){0};                                                    \
	}

DEFINE_VEC(strs, const char *)
/* A list of heap strings, each owned; strv_clear frees them. strv_argv() ends it with NULL. */
struct strv {
	char **items;
	size_t count, cap;
};
void strv_push(struct strv *v, const char *s); /* copies */
void strv_take(struct strv *v, char *s);       /* takes ownership */
void strv_printf(struct strv *v, const char *fmt, ...) printf_like(2, 3);
char **strv_argv(struct strv *v); /* NULL-terminated, owned by V, valid until the next push */
void strv_sort(struct strv *v);   /* byte order */
/* Of texts "NAME=VALUE": the value of NAME, or NULL. */
const char *strv_get(const struct strv *v, const char *name);
/* Sets it where it stands, or at the end; VALUE NULL or "" removes it. */
void strv_set(struct strv *v, const char *name, const char *value);
void strv_clear(struct strv *v);
#define cleanup_strv __attribute__((cleanup(strv_clear)))
