/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Errors. One idiom for the whole engine:
 *
 *	int noun_verb(..., struct foo **ret_foo, struct err **err);
 *
 * returns 0, or -1 with *err set; 1 stands for the expected "no" (miss, end, not found) and sets
 * no error. Outputs are untouched on failure. Context is added on the way up with err_wrap(), so
 * that one line tells the story: "node 'rootfs': fetch: cannot connect to 'mirror': timed out".
 * Texts are lower case, name things in single quotes, and say the remedy. Names that others chose
 * spoil none: a newline becomes \n, and of more than 8 KiB the middle is left out.
 * Every function below that returns int returns -1, so that "return err_set(...)" reads well.
 *
 * Each error has a code, a row of codes.def: a name that is said after the text in brackets, a
 * class, and a paragraph that `orch explain NAME` prints. The class decides retry, keep-going and
 * the exit code; nobody parses the text. A code answers "what do I do about it": sites that share
 * the answer share the code, and a new one is a row there. Rules of `orch check` have codes of
 * their own (check/check.h), among the same names.
 */
#include "base/alloc.h"

enum err_class {
	ERR_USER,      /* recipe or command line is wrong                       exit 2 */
	ERR_BUILD,     /* the action of a node failed                           exit 1 */
	ERR_NET,       /* fetch or network; may be tried again                  exit 4 */
	ERR_INTEGRITY, /* digest or signature refused; never tried again        exit 5 */
	ERR_STORE,     /* the store is damaged                                  exit 6 */
	ERR_ENV,       /* this machine lacks something; text names the remedy   exit 7 */
	ERR_RESOURCE,  /* disk or memory exhausted                              exit 8 */
	ERR_LOCKED,    /* lock held by another process, with --no-wait          exit 9 */
	ERR_TIMEOUT,   /* deadline passed                                       exit 10 */
	ERR_CANCEL,    /* stopped by a signal                                   exit 130/143 */
	ERR_INTERNAL,  /* a bug in orch                                         exit 70 */
};
#define ERR_CLASS_COUNT (ERR_INTERNAL + 1)

struct err_code {
	const char *name; /* "not-locked": a-z and '-' */
	enum err_class cls;
	const char *text; /* sentences; lines that begin with four spaces are an example */
};
/* E_NOT_LOCKED and so on: arrays of one, so that the name alone is a pointer. */
#define CODE(id, name, cls, text) extern const struct err_code id[1];
#include "base/codes.def"
#undef CODE
/* All of them, in the order of codes.def, ended by NULL. */
extern const struct err_code *const err_codes[];
/* NULL: there is none of that name. */
const struct err_code *err_code_find(const char *name);

/* A place in a file the user edits. line and col count from 1; 0 means unknown. */
struct pos {
	const char *file; /* relative to the project; lives as long as the arena it came from */
	unsigned line, col;
};

struct err {
	const struct err_code *code; /* set again where it proves to be about something else */
	int errnum;                  /* errno behind it, or 0 */
	char *text;
	char *file; /* owned copy of pos.file, or NULL */
	unsigned line, col;
	struct err *next; /* owned: what is wrong beside this, err_all(); or NULL */
};

/* Sets *err (must be NULL before) and returns -1. */
int err_set(struct err **err, const struct err_code *code, const char *fmt, ...) printf_like(3, 4);
/*
 * As err_set, and appends ": <strerror(errnum)>". ENOSPC and EDQUOT become E_DISK_FULL, ENOMEM
 * E_NO_MEMORY; EIO in place of a mistake of the user is E_IO_ERROR: what a disk cannot read is
 * nobody's mistake.
 */
int err_errno(struct err **err, const struct err_code *code, int errnum, const char *fmt, ...)
	printf_like(4, 5);
/* A mistake at a place in a file. */
int err_at(struct err **err, const struct err_code *code, struct pos pos, const char *fmt, ...)
	printf_like(4, 5);
/* Puts "<text>: " before *err's text and returns -1. */
int err_wrap(struct err **err, const char *fmt, ...) printf_like(2, 3);
/* Says where *err comes from, unless it knows; returns -1. */
int err_place(struct err **err, struct pos pos);
/* The analyser sees one file at a time, and not what these return. */
#if defined(__clang_analyzer__) && !defined(ERR_C)
#define err_set(...) ((void)err_set(__VA_ARGS__), -1)
#define err_errno(...) ((void)err_errno(__VA_ARGS__), -1)
#define err_at(...) ((void)err_at(__VA_ARGS__), -1)
#define err_wrap(...) ((void)err_wrap(__VA_ARGS__), -1)
#define err_place(...) ((void)err_place(__VA_ARGS__), -1)
#endif
/* "file:line:col: text [code]" or "text [code]"; caller frees. */
char *err_string(const struct err *err);
int err_exit_code(enum err_class cls);
/* "user", "build", ...: the word used in JSON. */
const char *err_class_name(enum err_class cls);
void err_free(struct err *err);
static inline void err_freep(struct err **err)
{
	err_free(*err);
}
#define cleanup_err __attribute__((cleanup(err_freep)))

/*
 * A list of errors: recipe checks report everything that is wrong, not only the first. Adding takes
 * ownership of the error, and of all that err_all() made one. Sorted by file, line, column when
 * printed, each once.
 */
struct err_list {
	struct err **items;
	size_t count, cap;
};
void err_list_add(struct err_list *list, struct err *err);
void err_list_at(struct err_list *list, const struct err_code *code, struct pos pos,
		 const char *fmt, ...) printf_like(4, 5);
void err_list_sort(struct err_list *list);
/* All of LIST, which has some, in their order as one error; LIST is empty then. Returns -1. */
int err_all(struct err **err, struct err_list *list);
void err_list_clear(struct err_list *list);
#define cleanup_err_list __attribute__((cleanup(err_list_clear)))
