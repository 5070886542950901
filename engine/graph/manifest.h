/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * The manifest of a node: everything that its result depends on, and nothing else. Printed, it is a
 * short canonical text whose SHA-256 is the node's key. Lines of words (base/line.h), "" around
 * those that are quoted, in this order:
 *
 *	orch-manifest 2
 *	kind image 3
 *	project "edge-device"               where kind->named() says so, and
 *	node "root"
 *	identity "root"                     another name; where kind->identified()
 *	times 1704067200                    `times:` of the project
 *	lock-date 1795226446                where kind->dated() says so
 *	project-version "1.2.0"             where kind->versioned() says so
 *	option size "1572864000"            PATH VALUE, in the order of the kind's table
 *	option remove []                    an empty list; {}: an empty map
 *	pin package "tzdata" "2025b-1 all sha256:HEX"    what the node's lock pins (recipe/kind.h)
 *	input REF file 0644 sha256:HEX      a file of the project: 0755 or 0644
 *	input REF folder sha256:HEX         a directory of the project: digest of what follows
 *	file REF "etc/fstab" 0644 sha256:HEX
 *	file REF "etc/localtime" link "/usr/share/zoneinfo/UTC"
 *	file REF "var/empty" folder
 *	input REF output NAME TYPE DIGEST SIZE    one output of a node; bytes
 *	input REF inside NAME TYPE DIGEST SIZE    something in the tree that is this output
 *	input REF node                            a node with all its outputs
 *	output REF NAME TYPE DIGEST SIZE
 *	tool "rauc" "1.8"                   a host program and its version
 *
 * REF is the quoted reference as the recipe writes it. Content digests, never paths of this
 * machine: an unchanged result of an input keeps the key. Inputs are sorted by reference, what is
 * in a directory by path. Times, owners and the umask do not count; every entry of a directory
 * does, whether git knows it or not.
 *
 * What a worker is sent holds more lines, which are part of no key:
 *
 *	unkeyed-node "base"                 where kind->named() does not say so
 *	unkeyed-lock-date 1795226446        where kind->dated() does not say so
 *	unkeyed timeout "60"                as option, where the option stands
 *	line steps.0 12 "recipes/x.yaml"    where it is written
 *	lock "…"                            after the pins: the text of the lock
 *	at "/store/cas/ab/cdef"             where the input or output of the line before lies
 *	text "…"                            the file itself: a filled template, a fact
 *	from "base" "/usr/lib/x"            the node that an input comes from; the path inside
 */
#include "graph/graph.h"

struct manifest_entry {       /* of a directory */
	const char *path;     /* below it */
	mode_t mode;          /* S_IFREG | 0755 or 0644, S_IFLNK or S_IFDIR */
	struct digest digest; /* of a file */
	const char *target;   /* of a link */
};
DEFINE_VEC(manifest_entries, struct manifest_entry)

struct manifest_blob {
	const char *name; /* of the output */
	enum output_type type;
	struct digest digest;
	uint64_t size;  /* bytes */
	const char *at; /* absolute path; in a JOB */
};
DEFINE_VEC(manifest_blobs, struct manifest_blob)

enum manifest_input_type {
	MANIFEST_FILE,
	MANIFEST_FOLDER,
	MANIFEST_OUTPUT, /* blobs: one */
	MANIFEST_INSIDE, /* blobs: one */
	MANIFEST_NODE,   /* blobs: any number */
};

struct manifest_input {
	const char *ref;
	enum manifest_input_type type;
	mode_t mode;                     /* of MANIFEST_FILE, as in struct manifest_entry */
	struct digest digest;            /* of MANIFEST_FILE and MANIFEST_FOLDER */
	struct manifest_entries entries; /* of MANIFEST_FOLDER */
	struct manifest_blobs blobs;
	const char *at;   /* of MANIFEST_FILE and MANIFEST_FOLDER, absolute; in a JOB */
	const char *text; /* of a MANIFEST_FILE that is a filled template, in place of AT */
	const char *node, *inside; /* in a JOB; NULL: none */
};
DEFINE_VEC(manifest_inputs, struct manifest_input)

struct manifest_tool {
	const char *name, *version;
};
DEFINE_VEC(manifest_tools, struct manifest_tool)

struct manifest {
	const char *kind;
	unsigned version;     /* of the kind */
	const char *project;  /* NAMED only */
	const char *node;     /* NAMED, or in a JOB */
	const char *identity; /* that UUIDs derive from; NULL: NODE, or none do */
	bool named;
	uint64_t times;     /* seconds */
	uint64_t lock_date; /* seconds; 0: none; DATED, or in a JOB */
	bool dated;
	const char *project_version; /* NULL: no part of the result */
	struct option_values options;
	struct pins pins;
	const char *lock; /* in a JOB; NULL: none */
	struct manifest_inputs inputs;
	struct manifest_tools tools;
};

/* An empty one that lives in ARENA, as must all its strings. */
struct manifest *manifest_new(struct arena *arena);
/* Appends the text: what the key is made of, or WHOLE as a worker is sent it. */
void manifest_print(const struct manifest *m, bool whole, struct str *ret);
/*
 * Reads either text. ERR_INTERNAL for whatever manifest_print() would not have written so, but for
 * the order of inputs and options. NULL then; strings live in ARENA.
 */
struct manifest *manifest_parse(struct arena *arena, const char *text, struct err **err);
/* Whether the TEXT of a manifest is that of a node of KIND, without reading the rest. */
bool manifest_is_of_kind(const char *text, const char *kind);
/* The digest of a directory's entries. */
void manifest_entries_digest(const struct manifest_entries *entries, struct digest *ret);

/* The versions of host programs, asked once per run: map of program name -> version text. */
struct tool_versions {
	struct map known;
	struct arena *arena;
};

/*
 * Makes the manifest of a node whose inputs are all settled (their records are known) and sets
 * n->manifest and n->key. Reads project files through the store's stat cache. ERR_USER when a
 * declared input is gone, ERR_ENV when a tool is missing.
 */
int manifest_make(struct graph *g, struct node *n, struct store *s, struct tool_versions *tools,
		  struct err **err) warn_unused;
/*
 * The outline of a node: the text of a manifest as far as it is known when nothing was built. Nodes
 * and outputs that it takes are named, values are not filled in, tools have no version, and a lock
 * or file that is missing is left out: two revisions of a project can be compared anywhere. In
 * g->arena. Errors as of manifest_make(), but for what is left out.
 */
int manifest_outline(struct graph *g, const struct node *n, const char **ret,
		     struct err **err) warn_unused;
/*
 * Whether the project files and the pins of the node are still what its manifest says (they were
 * read while it ran). 0 yes; 1 no, *ret_what names the first that changed (caller frees); -1.
 */
int manifest_recheck(struct graph *g, const struct node *n, struct store *s, char **ret_what,
		     struct err **err) warn_unused;

/* One difference between two manifests, as a sentence for people and as fields for JSON. */
struct change {
	/*
	 * "option", "input", "file", "tool", "kind", "times", "lock-date", "project-version",
	 * "node", "identity", "project", "manifest"; or what is pinned: "package", "source", ...
	 */
	const char *what;
	const char *name;   /* "size", "rootfs/etc/fstab", "rauc" */
	const char *before; /* or NULL: new */
	const char *after;  /* or NULL: gone */
};
DEFINE_VEC(changes, struct change)
/*
 * Differences from text OLD to NEW, files rather than the directories that hold them, elements
 * rather than indexes of a list; a single one when another orch wrote one of them. Strings live in
 * ARENA; the caller clears RET.
 */
void manifest_diff(struct arena *arena, const char *old, const char *new, struct changes *ret);
/* "option size 4G -> 6G", "file rootfs/etc/fstab is new": one line, safe for a terminal. */
void change_text(const struct change *c, struct str *ret);
