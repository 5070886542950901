/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Memory. Three lifetimes and no others:
 *  - arena: recipe, graph and plan; everything in it is freed at once;
 *  - scope: a local variable with a cleanup_* attribute; steal_ptr() hands it over;
 *  - struct: foo_free(struct foo *), which accepts NULL.
 * Running out of memory ends the process at once, with one message and EXIT_OUT_OF_MEMORY: nothing
 * could be undone without memory, and the store is valid whenever a process ends.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define warn_unused __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define array_len(a) (sizeof(a) / sizeof((a)[0]))

/* The exit code of ERR_RESOURCE. */
#define EXIT_OUT_OF_MEMORY 8
/* For libraries that say so; SIZE: what was wanted, 0: not known. */
_Noreturn void out_of_memory(size_t size);

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
/* Like xrealloc for COUNT elements of SIZE bytes; more than there can be is out of memory. */
void *xreallocarray(void *old, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) printf_like(1, 2);
char *xvasprintf(const char *fmt, va_list ap) printf_like(1, 0);
void *xmemdup(const void *src, size_t len);

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}
/* char *s cleanup_free = ...; frees any heap pointer at the end of the scope. */
#define cleanup_free __attribute__((cleanup(free_ptr)))
/* Returns the pointer and sets the variable to NULL: the scope no longer owns it. */
#define steal_ptr(p)                         \
	({                                   \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                  \
		stolen_;                     \
	})

/* An arena: memory that is freed in one call. Its strings are const char * for everybody else. */
struct arena;
struct arena *arena_new(void);
void arena_free(struct arena *a);
/* Zeroed memory, aligned for any type. Lives until arena_free. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) printf_like(2, 3);
/* Calls FN(ARG) when the arena is freed, newest first: for what cannot live in it. */
void arena_defer(struct arena *a, void (*fn)(void *arg), void *arg);
static inline void arena_freep(struct arena **a)
{
	arena_free(*a);
}
#define cleanup_arena __attribute__((cleanup(arena_freep)))
