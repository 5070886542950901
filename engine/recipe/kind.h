/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * What a kind is: one file under kinds/ ends in a const struct kind; kinds/kinds.c lists them. The
 * recipe, graph and run layers know kinds only through this descriptor, given to them by cli. What
 * makes the outputs is apart from it, because only a worker has that: struct maker (run/action.h).
 */
#include "recipe/schema.h"

/* "file", "tree", "image"; and back: 0, or 1 when WORD is none of them. */
const char *output_type_word(enum output_type type);
int output_type_parse(const char *word, enum output_type *ret);
/*
 * What a file of this name is when a kind takes it as it comes: a tree for a tar, compressed or not
 * (.tar, .tar.gz, .tgz, .tar.xz, .tar.zst), an image for a file system or a disk (.img, .raw, .wic,
 * .ext2 to .ext4, .vfat, .fat, .squashfs, .sqfs, .erofs), else a file.
 */
enum output_type output_type_of_name(const char *name);

struct output_spec {
	const char *name; /* file name below out/NODE/ */
	enum output_type type;
};
DEFINE_VEC(output_specs, struct output_spec)

/* What one attempt needs while it runs; the scheduler starts it when everything is free. */
struct demand {
	/*
	 * The worker must see who really owns the files of the host: libguestfs builds its
	 * appliance from them. It then gets no user namespace, in which everybody else is nobody.
	 */
	bool host_owners;
	unsigned cpus;      /* 0 counts as 1 */
	unsigned memory_mb; /* guest memory; 0 for plain processes */
	unsigned timeout_s; /* deadline; 0: the engine's default of 2 hours */
	unsigned disk_mb;   /* a guess of what it adds to the store, while there is no history */
};

/* What static checks may look at: the decoded options of this node and the project's values. */
struct kind_ctx {
	struct arena *arena;
	const char *node;        /* "tests/rollback" */
	const char *project_dir; /* absolute */
	const struct project *project;
	const void *opts;
	const struct yaml *map; /* for positions */
};

/* What a kind can say about the value of a fact. */
enum fact_result {
	FACT_KNOWN,   /* RET is its text */
	FACT_UNKNOWN, /* no fact has this name */
	FACT_MISSING, /* not known as the recipes are; RET says why, and what to write */
	FACT_REFUSED, /* something it needs is wrong, which is reported where it stands */
};
/* A line of a kind's manual about one of its facts. */
struct fact_help {
	const char *name; /* "PART.start": what is in capitals stands for a name in the recipe */
	const char *help; /* one sentence, with the unit */
};
struct facts; /* facts.h */
struct recipe;

/* Something that a node's lock pins: a line of its manifest. */
struct pin {
	const char *what; /* one word: "package" */
	const char *name; /* "tzdata" */
	const char *value; /* words with a space between; a version first: "2025b-1 all sha256:…" */
};
DEFINE_VEC(pins, struct pin)
/* Bytes of the text of a lock. */
struct lock_part {
	const char *text;
	size_t len;
};
/* For hooks that answer about options: yes, whatever they are. */
bool kind_always(const void *opts);
bool pins_eq(const struct pins *a, const struct pins *b);

struct kind {
	const char *name;    /* "image" */
	const char *summary; /* one line for `orch kinds` */
	const char *manual;  /* a few paragraphs for `orch kinds NAME`; may be NULL */
	unsigned version;    /* bumped when equal inputs give other bytes */
	/*
	 * Roughly the seconds that a node of it takes, on the machine of base/pace.h and where
	 * guests are emulated: the guess while nothing was measured, not a measure itself.
	 */
	double usual_s;
	/* `orch shell` opens a shell where its steps run: its maker has shell() (run/action.h). */
	bool has_shell;
	bool shell_in_guest; /* on the console of a guest, which takes our terminal itself */
	const struct schema *schema;
	/*
	 * A key whose list makes a node NAME@VALUE of each value, with ${KEY} for the value in all
	 * of the file, and of NAME a node of the kind with `ties`. Its option is OPT_UNKEYED: a
	 * new value leaves the nodes of the others as they are. NULL: none.
	 */
	const char *each;
	/*
	 * Of the one kind whose nodes are there only to tie others together: the key whose list
	 * names them. NULL: all other kinds.
	 */
	const char *ties;
	/* The names of the outputs, known without building. The first is the node's main output. */
	void (*outputs)(const struct kind_ctx *ctx, struct output_specs *ret);
	/*
	 * Facts: text about a node that is known without building (facts.h). FACT_HELP lists them
	 * for people and ends with a NULL name; FACT computes the one called NAME, of a recipe
	 * whose options are not decoded yet; FACT_NAMES adds the names that R has, for "did you
	 * mean". All three or none.
	 */
	const struct fact_help *fact_help;
	enum fact_result (*fact)(struct facts *f, const struct recipe *r, const char *name,
				 struct str *ret);
	void (*fact_names)(struct facts *f, const struct recipe *r, struct strs *ret);
	/*
	 * The fact of the node itself that its maker gets as a file, action_fact(), unless
	 * wants_fact() says that these options need none (NULL: they do); or NULL.
	 */
	const char *input_fact;
	bool (*wants_fact)(const void *opts);
	/*
	 * Whether a result may come from another machine and go there: all that shapes it is in the
	 * key. NULL: yes.
	 */
	bool (*shared)(const void *opts);
	/* May be NULL. */
	struct demand (*demand)(const void *opts);
	/*
	 * Guest memory (MiB) that a node takes, beside what it demands itself, if it names this
	 * one: a board's. May be NULL.
	 */
	unsigned (*lent_memory_mb)(const void *opts);
	/* Checks beyond the schema; the project has the recipes of all nodes. May be NULL. */
	void (*check)(const struct kind_ctx *ctx, struct err_list *errors);
	/*
	 * What stands in the way of this node alone: files that are no part of the project, such
	 * as keys, and not there; what another node that it names by no edge cannot give. An error
	 * for each, with the remedy. Asked only of nodes that are wanted; may be NULL.
	 */
	void (*missing)(const struct kind_ctx *ctx, struct err_list *errors);
	/* The command that makes the files its options of OPT_LATER name; NULL: there is none. */
	const char *made_by;
	/*
	 * The project file that pins what the node takes from elsewhere, made by `orch lock`, and
	 * what its TEXT pins: all of it that shapes the result, in an order of its own. The key
	 * holds the pins, the worker is given the text. Strings live in the arenas. May be NULL,
	 * both.
	 */
	const char *(*lock)(const struct kind_ctx *ctx);
	/* The part of such a file that is the node's in its variant: 0, 1 none is. NULL: all. */
	int (*lock_part)(const struct kind_ctx *ctx, const char *text, struct lock_part *ret);
	int (*pins)(struct arena *arena, const char *file, const char *text, struct pins *ret,
		    struct err **err);
	/*
	 * Appends the names of host programs whose version belongs to the key; may be NULL. Given
	 * the options, because a writer or a root may need none; names live as long as they. With
	 * tools_named it is recipes that name them: they are known by their bytes, and nobody asks
	 * them.
	 */
	void (*tools)(const void *opts, struct strs *ret);
	bool tools_named;
	/*
	 * The date of this node's lock (seconds since 1970), or 0. May be NULL. The newest that a
	 * node reaches is struct action's lock_date; it is in the key where dated() says so (NULL:
	 * nowhere), and must shape no other result.
	 */
	uint64_t (*lock_date)(const struct kind_ctx *ctx);
	bool (*dated)(const void *opts);
	/* Whether the version of the project is in the key and told to the maker. NULL: no. */
	bool (*versioned)(const void *opts);
	/*
	 * Whether the names of project and node shape the result: identities, names of outputs, a
	 * report. Elsewhere they are in no key, so that equal nodes of several projects are built
	 * once. kind_always(), or NULL: no.
	 */
	bool (*named)(const void *opts);
	/*
	 * Whether UUIDs and the like derive from the recipe's identity, which then is in the key,
	 * where it is not the node's name; only where named(). NULL: no.
	 */
	bool (*identified)(const void *opts);
	/*
	 * Whether it uses this machine or its network in a way that no key tells, so that it is
	 * made on no other (run/farm.h). kind_always(), or NULL: no.
	 */
	bool (*at_home)(const void *opts);
	/* Whether that is so of a node that names this one: a board of this machine's user. */
	bool (*keeps_home)(const void *opts);
	size_t platform_at; /* where its options have the list of PLATFORM_OPTION; 0: nowhere */
};

/* The row of kinds whose nodes may want machines of a farm that others need not be. */
#define PLATFORM_HELP                                                                        \
	"What a machine of the user's farm must be to make this node, in the farm's words, " \
	"beside those of the configuration; where nodes are made here it says nothing."
#define PLATFORM_OPTION(type)                                                \
	{                                                                    \
		"platform", OPT_DICT, offsetof(type, platform), OPT_UNKEYED, \
			.help = PLATFORM_HELP, .example = "{kvm: \"yes\"}"   \
	}
