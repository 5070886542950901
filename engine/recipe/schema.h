/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Option tables. The table of a kind is the only description of its keys: it decodes and checks
 * recipes, writes the option lines of manifests, prints help, and makes the JSON Schema. A key that
 * is not in the table cannot be read, and a key in the table cannot be forgotten in the hash:
 * everything is keyed unless the row says OPT_UNKEYED.
 *
 *	struct disk_part { const char *name; uint64_t size; struct ref *from; };
 *	static const struct option part_options[] = {
 *		{"name", OPT_STRING, offsetof(struct disk_part, name), .flags = OPT_REQUIRED,
 *		 .help = "..."},
 *		{"size", OPT_SIZE, offsetof(struct disk_part, size), .help = "..."},
 *		{"from", OPT_REF, offsetof(struct disk_part, from), .accept = ACCEPT_IMAGE,
 *		 .help = "..."},
 *	};
 *	static const struct schema part_schema = SCHEMA(struct disk_part, part_options);
 *
 * Absent and empty: a number, bool, enum or digest that is not in the recipe is the row's default,
 * else zero (an enum: its first word); a list that is written but empty has items that are not
 * NULL. A value given as plain nothing or ~ is an error: leave the key out instead.
 *
 * A field of the kind's struct by type, single and as OPT_LIST:
 *	OPT_STRING  const char * (NULL: absent)          struct list of const char *
 *	OPT_BOOL    bool                                  -
 *	OPT_INT     int64_t                               struct list of int64_t
 *	OPT_SIZE    uint64_t, bytes; SIZE_AUTO for .words[0]  struct list of uint64_t
 *	OPT_ENUM    int, index into words                 struct list of int
 *	OPT_DIGEST  struct digest                         -
 *	OPT_REF     struct ref * (NULL: absent)           struct list of struct ref *
 *	OPT_SECRET  const char *, project path            -
 *	OPT_STEP    struct step * (NULL: absent)          struct list of struct step *
 *	OPT_STRUCT  struct X * (NULL: absent)             struct list of struct X *
 *	OPT_DICT    struct list of struct pair *          -      (key: text; with .sub: key: map,
 *	            or one of .words)
 *	            As OPT_LIST, key: text or list of texts.
 *	OPT_REFDICT struct list of struct named_ref *     -      (key: reference; order as written)
 *	OPT_FORM    struct formed * (NULL: absent)        struct list of struct formed *
 *	OPT_GONE    -                                     -
 */
#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "recipe/value.h"
#include "recipe/yaml.h"

enum option_type {
	OPT_STRING,
	OPT_BOOL,
	OPT_INT,
	OPT_SIZE,
	OPT_ENUM,
	OPT_DIGEST,
	OPT_REF,
	/* A file whose bytes enter no key, tree, log or store; only its holder may read it. */
	OPT_SECRET,
	OPT_STEP, /* a string: /bin/sh -e script; a list: argv */
	OPT_STRUCT,
	OPT_DICT,
	OPT_REFDICT,
	OPT_FORM, /* a map of one of several forms; one of its keys says which */
	OPT_GONE, /* a key of earlier releases: an error, with .help for what to write */
};

#define SIZE_AUTO UINT64_MAX /* the word of an OPT_SIZE that has one */
/* Of anything that is counted; as seconds, more than a hundred days. */
#define OPT_INT_MAX 10000000

enum option_flags {
	OPT_REQUIRED = 1 << 0,
	OPT_LIST = 1 << 1,     /* a YAML list; a single value is accepted as a list of one */
	OPT_UNKEYED = 1 << 2,  /* does not change the result: left out of the manifest's key part */
	OPT_NAME = 1 << 3,     /* string, key of a dict: [A-Za-z0-9._+-]{1,64}, not "." or ".." */
	OPT_POSITIVE = 1 << 4, /* int: 1 to OPT_INT_MAX; size: at least 1 */
	/*
	 * string, value of a dict: absolute path inside the image or guest, normal form, no "..";
	 * may end in '/'
	 */
	OPT_ABSPATH = 1 << 5,
	/* struct: begins with a struct pos, its place in the recipe; workers know the line, too */
	OPT_PLACED = 1 << 6,
	/*
	 * reference to a path that is missed only when its node is wanted: what missing() of the
	 * kind is for
	 */
	OPT_LATER = 1 << 7,
	/* string, value of a dict of texts: may wait for values (value.h) */
	OPT_VALUE = 1 << 8,
};

/* What an OPT_REF may name; several bits mean any of them. A node name wins over a path. */
enum ref_accept {
	ACCEPT_PATH = 1 << 0,   /* a file or directory of the project */
	ACCEPT_FILE = 1 << 1,   /* one output of a node: any file */
	ACCEPT_TREE = 1 << 2,   /* one output of a node: a tree (tar) */
	ACCEPT_IMAGE = 1 << 3,  /* one output of a node: a disk or file-system image */
	ACCEPT_INSIDE = 1 << 4, /* "node:/path": a file or directory inside a tree a node made */
	ACCEPT_NODE = 1 << 5,   /* a node with all its outputs */
	ACCEPT_SIGNER = 1 << 6, /* a pki node: its outputs, and the right to use its secret */
	/*
	 * {template: PATH}: a file of the project, filled (template.h). Where a row takes nothing
	 * else, PATH alone.
	 */
	ACCEPT_TEMPLATE = 1 << 7,
};

enum ref_type {
	REF_UNRESOLVED,
	REF_PATH,   /* .text is a project path */
	REF_NODE,   /* .node, all outputs */
	REF_OUTPUT, /* .node and .output */
	REF_INSIDE, /* .node, .output (the tree) and .inside (absolute path) */
	REF_WORD,   /* .text is one of the row's words; no edge, schema_each_ref() leaves it out */
};

/* A reference as written; the graph resolves it in the orchestrator. Workers look it up by text. */
struct ref {
	const char *text;     /* of a template "{template: PATH}" */
	const char *template; /* PATH, or NULL */
	struct pos pos;
	unsigned accept; /* enum ref_accept */
	bool later;      /* OPT_LATER */
	bool keep_git;   /* a kind's check sets it: .git is content, see path_is_git() */
	enum ref_type type;
	const char *node, *output, *inside;
};

struct step {
	struct pos pos;
	const char *script; /* NULL when argv is set */
	struct strs argv;
};

struct pair {
	const char *key, *value; /* value: NULL for a map, and when the row is an OPT_LIST */
	struct pos pos;          /* of the value */
	void *data; /* .sub: the decoded struct; OPT_LIST: struct list of texts; else NULL */
};

/* An entry of an OPT_REFDICT: option path "images.rootfs", REF->accept from the row's .accept. */
struct named_ref {
	const char *key;
	struct ref *ref;
};

/*
 * Forms that a map under an OPT_FORM row may have. Its key that is the name of a form says which;
 * a form may have the names of others among its own keys, and then is the one that is meant.
 */
struct form {
	const char *name;            /* a row of the schema */
	const struct schema *schema; /* all keys of such a map */
};
struct forms {
	const char *noun, *part;       /* for messages: "a NOUN has exactly one PART" */
	const struct form *const *all; /* ended by NULL */
};
struct formed {
	struct pos pos; /* of the map; workers know the line, too */
	const struct form *form;
	void *data; /* of the form's schema */
};

/* COUNT pointers or values, see the table above. LIST_AT(list, type, i) reads one. */
struct list {
	void *items;
	size_t count;
};
#define LIST_AT(l, type, i) (((type *)(l).items)[i])

struct schema;
struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	unsigned flags;
	unsigned accept; /* OPT_REF, OPT_REFDICT */
	const char *def; /* default as it would stand in YAML (scalars only), or NULL */
	/*
	 * OPT_ENUM: allowed words; OPT_SIZE: "auto"; OPT_REF: words, no references; OPT_DICT with
	 * .sub: words that stand for a map; ended by NULL.
	 */
	const char *const *words;
	const struct schema *sub;  /* OPT_STRUCT, OPT_DICT */
	const struct forms *forms; /* OPT_FORM */
	const char *help;          /* one sentence; required */
	const char *example;       /* as it would stand in YAML, or NULL */
};

struct schema {
	const struct option *options;
	size_t count;
	size_t size; /* of the decoded struct */
	/*
	 * Rules over several keys, run after decoding without errors; may be
	 * NULL. DATA may be changed.
	 */
	void (*check)(void *data, const struct yaml *map, struct err_list *errors);
};
#define SCHEMA(type, table, ...)                                                                 \
	{                                                                                        \
		.options = (table), .count = array_len(table), .size = sizeof(type), __VA_ARGS__ \
	}

/*
 * Decodes MAP into a new struct in ARENA. Every error (unknown key with a suggestion, duplicate,
 * wrong type, missing key, bad size) is added to ERRORS with its position; returns NULL if there
 * was any. IGNORE names keys that were handled by the caller ("kind"), ended by NULL; may be NULL.
 */
void *schema_decode(const struct schema *schema, struct arena *arena, const struct yaml *map,
		    const char *const *ignore, struct err_list *errors);
/*
 * The same of a file that stands by itself, of 1 MiB at most; *RET_MAP (may be NULL) is what it
 * says. NULL with all its mistakes, whose places name PATH.
 */
void *schema_read(const struct schema *schema, struct arena *arena, const char *path,
		  const struct yaml **ret_map, struct err_list *errors) warn_unused;
/* A text of a decoded struct that waits for values. */
struct option_text {
	struct option_text *next;
	const char **field; /* holds TEXT->text until somebody puts in what it is filled to */
	const struct value_text *text;
};
/* The same; RET becomes the list of those texts. Without it, names of values count as text. */
void *schema_decode_waiting(const struct schema *schema, struct arena *arena,
			    const struct yaml *map, const char *const *ignore,
			    struct option_text **ret, struct err_list *errors);
/*
 * One value of a decoded struct, as manifests hold it. PATH is like contents.0.unpack or
 * outputs.root\x2etar: in keys of dicts, a byte that is none of A-Z a-z 0-9 _ + - / is written as
 * \xNN, and so is the first digit of a number.
 */
enum option_value_type {
	VALUE_TEXT, /* in normal form: sizes in bytes, enums as words */
	VALUE_LIST, /* an empty list */
	VALUE_MAP,  /* an empty map */
	VALUE_LINE, /* file and line where the step, form or placed struct at PATH is */
};
struct option_value {
	const char *path;
	enum option_value_type type;
	const char *text; /* of VALUE_TEXT */
	const char *file; /* of VALUE_LINE: project path */
	unsigned line;    /* of VALUE_LINE */
	bool unkeyed;     /* of an OPT_UNKEYED row, or VALUE_LINE: part of no key */
};
DEFINE_VEC(option_values, struct option_value)
/*
 * Appends what is set or has a default to RET, in the order of the table, so that equal options
 * give equal values. Strings live in ARENA.
 */
void schema_flatten(const struct schema *schema, const void *data, struct arena *arena,
		    struct option_values *ret);
/*
 * Rebuilds the YAML tree from such values (the worker's side); schema_decode() reads it. Positions
 * are numbers of values, file "manifest"; where there is a VALUE_LINE its file and line, col 0.
 */
struct yaml *schema_unflatten(struct arena *arena, const struct option_values *values,
			      struct err **err);
/* Calls FN for each reference of DATA with the path of its option; stops at the first non-zero. */
typedef int ref_fn(void *arg, const char *option_path, struct ref *ref);
int schema_each_ref(const struct schema *schema, void *data, ref_fn *fn, void *arg);
/* Calls FN for each secret path of DATA. */
typedef int secret_fn(void *arg, const char *option_path, const char *project_path);
int schema_each_secret(const struct schema *schema, const void *data, secret_fn *fn, void *arg);
/*
 * The row NAME at the top of SCHEMA, or NULL.
 */
const struct option *schema_option(const struct schema *schema, const char *name);
/*
 * The field of DATA for the row NAME of type TYPE at the top of SCHEMA; NULL when there is no such
 * row. For rules about options that several kinds have in common.
 */
const void *schema_field(const struct schema *schema, const void *data, const char *name,
			 enum option_type type);
/* Bytes that one value of the row takes in the struct, or one element of its list. */
size_t option_width(const struct option *o);
/* Whether TEXT is [A-Za-z0-9._+-]{1,64} and not "." or "..". */
bool name_valid(const char *text);
/* "512M", "2G", "1048576": K M G T are powers of 1024. 0, or 1 when TEXT is no size. */
int size_parse(const char *text, uint64_t *ret);
