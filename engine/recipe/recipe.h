/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
/*
 * Recipes: project.yaml and one file per node, loaded, expanded and decoded. Nothing here looks at
 * another node; that is the graph's work.
 *
 *	struct project *p = project_load(arena, "/abs/dir", kinds, &overrides, &errors);
 */
#include "base/map.h"
#include "recipe/kind.h"
#include "recipe/variants.h"

struct archive { /* archives.NAME of project.yaml; what it contains, never where it is */
	const char *alias;
	struct list suites, components; /* of const char * */
	struct ref *keyring; /* project path, or NULL: the host's Debian archive keyring */
	int valid_until;     /* enum valid_until */
};

/* check.ignore of project.yaml: a finding of `orch check` that somebody answers for. */
struct ignored_rule {
	struct pos pos;         /* OPT_PLACED */
	const char *rule, *why; /* the rule's name */
	const char *node;       /* the finding is about its recipe or its files; NULL: any */
	const char *until;      /* the last day, as written; NULL: for ever */
	uint64_t end;           /* the first second after that day; UINT64_MAX: none */
};

/*
 * Seconds since 1970, from digits, "2026-01-31" or "2026-01-31T12:00:00Z". 0, or 1 when TEXT is
 * none of them, or after 2106.
 */
int times_parse(const char *text, uint64_t *ret);
/*
 * The first second after the day UNTIL, "2027-06-30"; of NULL UINT64_MAX. 0, or 1 when it is not a
 * day.
 */
int until_parse(const char *until, uint64_t *ret);

/* What becomes of a signed state of an archive after the day that it was good until. */
enum valid_until { VALID_UNTIL_CHECK, VALID_UNTIL_IGNORE };

struct project {
	const char *dir; /* absolute path of the project's root */
	const char *name, *version;
	const char *supplier; /* "Name <address>", who answers for what it makes; or NULL */
	bool version_by_git;  /* it follows HEAD and its tags, not project.yaml (git_version.h) */
	uint64_t times;       /* seconds since 1970; of its files and of what steps make */
	struct list defaults; /* of const char *: default targets */
	struct list archives; /* of struct archive * */
	struct list ignored;  /* of struct ignored_rule * */
	const char *pool;     /* a project path: the directory that keeps what locks pin; or NULL */
	struct pos pool_pos;  /* where it says so */
	struct map vars;    /* names that ${...} knows (vars, slots.*, project.*) -> const char * */
	struct list slots;  /* of struct pair *: slots.NAME, sizes that size_parse() reads */
	struct yaml *map;   /* for positions */
	struct map recipes; /* node name -> struct recipe *, sorted by name; the sound ones */
	struct map unsound; /* names of nodes whose recipes have errors -> not NULL */
	struct map parsed;  /* name -> struct recipe *, of all whose kind is known */
	struct facts *facts; /* of all that are parsed (facts.h) */
	struct variants variants;
	const struct variant *variant; /* in which it was loaded; NULL: it has none */
};

/* A recipe, or a file that is none, whose keys another recipe takes (extend.h). */
struct extended {
	const char *node; /* NULL: a file that is no recipe */
	const char *file; /* project path */
};

struct recipe {
	const struct project *project; /* in one of its variants */
	const char *name;              /* "base", "tests/rollback" */
	const char *file;              /* "recipes/base.yaml" */
	const char *identity;   /* the name that UUIDs, hash seeds and volume ids derive from */
	struct list extended;   /* of struct extended *: the nearest first */
	const struct yaml *per; /* names of axes: a text or a list of texts; NULL: any */
	const struct kind *kind;
	struct yaml *map;            /* with what it extends, after expansion */
	void *opts;                  /* the kind's struct; NULL when it had errors */
	struct option_text *waiting; /* texts in it that wait for values */
};

/* The directory that project.yaml names as `pool:`, absolute, or NULL; arena. */
const char *project_pool_dir(struct arena *arena, const struct project *p);
/* Whether the text in FIELD of its options waits for values. */
bool recipe_waits(const struct recipe *r, const char *const *field);
/* The place of KEY in the recipe, or of the recipe. */
struct pos recipe_pos(const struct recipe *r, const char *key);
/*
 * The place of WORD (may be NULL) among the keys or items of KEY's value, or else of that value.
 * False: the recipe has no KEY.
 */
bool recipe_place(const struct recipe *r, const char *key, const char *word, struct pos *ret);
/* Finds the directory that holds recipes/project.yaml, from START upwards. */
int project_find(const char *start, char **ret_dir, struct err **err) warn_unused;
/*
 * Loads everything. KINDS is ended by NULL. SETS are "name=value" overrides of vars. All errors of
 * all files go to ERRORS. Returns NULL when project.yaml has errors; with errors of recipes the
 * project is there without them, so that graph_build() can look for mistakes in the others.
 */
struct project *project_load(struct arena *arena, const char *dir, const struct kind *const *kinds,
			     const struct strv *sets, struct err_list *errors);
/* Another variant of FIRST, that of number N; project_load() takes the first, if there is any. */
struct project *project_load_variant(struct arena *arena, const struct project *first,
				     const struct kind *const *kinds, const struct strv *sets,
				     size_t n, struct err_list *errors);
/* The option table of project.yaml, for `orch schema` and `orch kinds`. */
extern const struct schema project_schema;
/*
 * Prints an error for people: "FILE:LINE:COL: text", the line and a caret. DIR is the project's
 * root (to read the line from); text is appended to RET.
 */
void recipe_explain(const char *dir, const struct err *e, struct str *ret);
