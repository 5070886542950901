/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/project.h"

#include <time.h>

#include "base/path.h"
#include "recipe/git_version.h"

#define DAY (24 * 3600)

struct check_opts {
	struct list ignore; /* of struct ignored_rule * */
};

struct project_opts {
	struct check_opts *check;
	int64_t schema;
	const char *name, *version, *supplier, *times, *pool;
	struct list defaults, archives, vars, slots, variants;
};

static const char *const valid_until_words[] = {"check", "ignore", NULL};
static const struct option archive_options[] = {
	{"suites", OPT_STRING, offsetof(struct archive, suites), .flags = OPT_REQUIRED | OPT_LIST,
	 .help = "The suites to take packages from.", .example = "[trixie, trixie-updates]"},
	{"components", OPT_STRING, offsetof(struct archive, components), .flags = OPT_LIST,
	 .def = "main",
	 .help = "The components of each suite; a flat one, whose name ends in '/', has none.",
	 .example = "[main, non-free-firmware]"},
	{"keyring", OPT_REF, offsetof(struct archive, keyring), .accept = ACCEPT_PATH,
	 .help = "The keys that may sign the archive; default: the host's Debian archive keyring.",
	 .example = "keys/vendor.gpg"},
	{"valid-until", OPT_ENUM, offsetof(struct archive, valid_until), .words = valid_until_words,
	 .help = "ignore: lock it even when its signed state has expired, as that of a snapshot "
		 "has; the lock says so.",
	 .example = "ignore"},
};
static const struct schema archive_schema = SCHEMA(struct archive, archive_options);

static const struct option ignored_options[] = {
	{"rule", OPT_STRING, offsetof(struct ignored_rule, rule), .flags = OPT_REQUIRED,
	 .help = "The name of the rule, as in `orch check --rules`.", .example = "mark-good"},
	{"node", OPT_STRING, offsetof(struct ignored_rule, node),
	 .help = "Ignore it where its recipe, or a file that it takes, is at fault; without it "
		 "everywhere.",
	 .example = "root"},
	{"why", OPT_STRING, offsetof(struct ignored_rule, why), .flags = OPT_REQUIRED,
	 .help = "The reason, for those who read it later; `orch check` repeats it."},
	{"until", OPT_STRING, offsetof(struct ignored_rule, until),
	 .help = "The last day of it; after that the rule speaks again.", .example = "2027-06-30"},
};
static const struct schema ignored_schema = SCHEMA(struct ignored_rule, ignored_options);

static const struct option check_options[] = {
	{"ignore", OPT_STRUCT, offsetof(struct check_opts, ignore), .flags = OPT_LIST | OPT_PLACED,
	 .sub = &ignored_schema, .help = "Findings that somebody answers for."},
};
static const struct schema check_schema = SCHEMA(struct check_opts, check_options);

static void check_version(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct project_opts *o = data;

	if (o->schema != 1)
		err_list_at(errors, E_SCHEMA_VERSION, yaml_get(map, "schema")->pos,
			    "schema %lld is not known to this orch (it knows 1): use a newer orch",
			    (long long)o->schema);
}

#define AT(field) offsetof(struct project_opts, field)
static const struct option project_options[] = {
	{"schema", OPT_INT, AT(schema), .flags = OPT_REQUIRED | OPT_POSITIVE,
	 .help = "The version of the recipe language: 1.", .example = "1"},
	{"name", OPT_STRING, AT(name), .flags = OPT_REQUIRED | OPT_NAME,
	 .help = "The project's name; identities of file systems and partitions derive from it.",
	 .example = "edge-device"},
	{"version", OPT_STRING, AT(version), .def = "0",
	 .help = "The version of what the project makes, for ${project.version}. git: by its tags; "
		 "X.Y.Z when HEAD is vX.Y.Z and nothing is changed, else X.Y.(Z+1)-dev after the "
		 "highest one before it. A copy without its repository has it in .tarball-version.",
	 .example = "\"1.0.0\""},
	{"supplier", OPT_STRING, AT(supplier),
	 .help = "Who answers for what the project makes, as its bills of materials name them.",
	 .example = "Acme GmbH <security@acme.example>"},
	{"times", OPT_STRING, AT(times), .def = "2024-01-01",
	 .help = "The time of the project's files and of everything that a step makes, for ever: "
		 "seconds since 1970 or a date (UTC). What is in packages keeps its own.",
	 .example = "2026-01-01"},
	{"default", OPT_STRING, AT(defaults), .flags = OPT_LIST,
	 .help = "The nodes to build when none is named.", .example = "[bundle, install]"},
	{"archives", OPT_DICT, AT(archives), .flags = OPT_NAME, .sub = &archive_schema,
	 .help = "Package archives by alias: what they are; where they are is the user's "
		 "configuration.",
	 .example = "{debian: {suites: [trixie]}}"},
	{"pool", OPT_STRING, AT(pool),
	 .help = "A directory of the project in which `orch lock` keeps what it pins, packages and "
		 "their sources, by digest; builds look there for what archives have dropped.",
	 .example = "pool"},
	{"check", OPT_STRUCT, AT(check), .sub = &check_schema,
	 .help = "What `orch check` does not refuse here.",
	 .example = "{ignore: [{rule: mark-good, why: \"RAUC's own unit does it\"}]}"},
	{"vars", OPT_DICT, AT(vars),
	 .help = "Values for ${name} in all recipes; --set name=value overrides them.",
	 .example = "{arch: arm64}"},
	{"slots", OPT_DICT, AT(slots), .flags = OPT_NAME,
	 .help = "The sizes of the device's slots, for ${slots.name}: a promise to shipped "
		 "devices.",
	 .example = "{boot: 64M, root: 1500M}"},
	/* Taken out before the rest is decoded (variants.h). */
	{"variants", OPT_DICT, AT(variants),
	 .help = "Axes of named sets of variables: the nodes are there once for each set of values "
		 "that they come to depend on. 'exclude' lists what is not wanted.",
	 .example = "{board: {pc: {arch: amd64}, rpi400: {arch: arm64}}}"},
};
const struct schema project_schema =
	SCHEMA(struct project_opts, project_options, .check = check_version);

int times_parse(const char *text, uint64_t *ret)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"};

	if (str_u64(text, ret) == 0)
		return *ret > UINT32_MAX;
	for (size_t i = 0; i < array_len(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		time_t t = end && !*end ? timegm(&tm) : -1;

		if (t >= 0 && t <= UINT32_MAX) {
			*ret = (uint64_t)t;
			return 0;
		}
	}
	return 1;
}

int until_parse(const char *until, uint64_t *ret)
{
	*ret = UINT64_MAX;
	if (!until)
		return 0;
	if (times_parse(until, ret) || *ret % DAY)
		return 1;
	*ret += DAY;
	return 0;
}

/* Expands the value under KEY, if there. */
static void expand_key(struct arena *arena, struct project *p, const char *key,
		       struct source source, struct err_list *errors)
{
	struct yaml *y = p->map->type == YAML_MAP ? yaml_get(p->map, key) : NULL;
	struct scope scope = {.vars = &p->vars, .source = source, .no_nodes = true};

	if (y)
		expand_tree(arena, &scope, y, errors);
}

/*
 * Names become known step by step: vars, name and version (which may use each other), then slots
 * (which may use all of these), then everything else.
 */
static void expand_project(struct arena *arena, struct project *p, struct source source,
			   const struct strv *sets, struct err_list *errors)
{
	const struct yaml *slots = yaml_get(p->map, "slots");

	expand_vars(arena, p->map, &p->variants, p->variant, sets, source, &p->vars, errors);
	expand_key(arena, p, "slots", source, errors);
	for (size_t i = 0; slots && slots->type == YAML_MAP && i < slots->count; i++)
		if (slots->items[i]->type == YAML_SCALAR)
			map_set(&p->vars, arena_printf(arena, "slots.%s", slots->keys[i]->text),
				(void *)slots->items[i]->text);
	expand_key(arena, p, "times", source, errors);
	expand_key(arena, p, "default", source, errors);
	expand_key(arena, p, "archives", source, errors);
	expand_key(arena, p, "pool", source, errors);
	expand_key(arena, p, "check", source, errors);
}

/* What "git" stands for, as if it had been written; in further variants it is the one of FIRST. */
static void find_version(struct arena *arena, struct project *p, const struct project *first,
			 struct err_list *errors)
{
	struct yaml *y = p->map->type == YAML_MAP ? yaml_get(p->map, "version") : NULL;
	char *version cleanup_free = NULL;
	struct err *err = NULL;

	if (!y || y->type != YAML_SCALAR || !str_eq(y->text, "git"))
		return;
	p->version_by_git = true;
	y->quoted = true;
	if (first) {
		y->text = first->version;
		return;
	}
	if (git_version(p->dir, &version, &err) < 0) {
		(void)err_place(&err, y->pos);
		err_list_add(errors, err);
	}
	y->text = version ? arena_strdup(arena, version) : "0";
}

static void check_slots(const struct list *slots, struct err_list *errors)
{
	for (size_t i = 0; i < slots->count; i++) {
		const struct pair *slot = LIST_AT(*slots, struct pair *, i);
		uint64_t size;

		if (size_parse(slot->value, &size) || !size)
			err_list_at(errors, E_INVALID_VALUE, slot->pos,
				    "slot '%s' needs a size like 512M or 2G, found '%s'", slot->key,
				    slot->value);
	}
}

static const char *pool_of(const struct project_opts *o, const struct yaml *map,
			   struct err_list *errors)
{
	const char *why;

	if (o->pool && !path_is_project(o->pool, &why))
		err_list_at(errors, E_INVALID_PATH, yaml_get(map, "pool")->pos,
			    "'%s' %s: 'pool' is a directory of the project; others are named by "
			    "'pools:' in config.yaml (docs/config.md)",
			    o->pool, why);
	return o->pool;
}

static struct list archives_of(struct arena *arena, const struct list *pairs)
{
	struct archive **items = arena_alloc(arena, (pairs->count + 1) * sizeof(*items));

	for (size_t i = 0; i < pairs->count; i++) {
		const struct pair *pair = LIST_AT(*pairs, struct pair *, i);

		items[i] = pair->data;
		items[i]->alias = pair->key;
	}
	return (struct list){items, pairs->count};
}

/* The rules are checked by who knows them. */
static struct list ignored_of(const struct check_opts *o, struct err_list *errors)
{
	static const struct list none;

	for (size_t i = 0; o && i < o->ignore.count; i++) {
		struct ignored_rule *r = LIST_AT(o->ignore, struct ignored_rule *, i);

		if (until_parse(r->until, &r->end))
			err_list_at(errors, E_INVALID_VALUE, r->pos,
				    "'until' is a day like 2027-06-30, found '%s'", r->until);
	}
	return o ? o->ignore : none;
}

const char *project_pool_dir(struct arena *arena, const struct project *p)
{
	return p->pool ? arena_printf(arena, "%s/%s", p->dir, p->pool) : NULL;
}

static const char *const replaced[] = {"epoch", NULL};

static void refuse_epoch(const struct yaml *map, struct err_list *errors)
{
	const struct yaml *y = map->type == YAML_MAP ? yaml_get(map, "epoch") : NULL;

	if (y)
		err_list_at(errors, E_REMOVED_KEY, y->pos,
			    "'epoch' is 'times' now: the time of files that come from no package");
}

void project_decode(struct arena *arena, struct project *p, struct yaml *map, struct source source,
		    size_t variant, const struct project *first, const struct strv *sets,
		    struct err_list *errors)
{
	struct project_opts *o;

	p->map = map;
	if (map->type == YAML_MAP)
		variants_take(arena, map, &p->variants, errors);
	if (variant < p->variants.all.count)
		p->variant = LIST_AT(p->variants.all, struct variant *, variant);
	find_version(arena, p, first, errors);
	if (map->type == YAML_MAP)
		expand_project(arena, p, source, sets, errors);
	refuse_epoch(map, errors);
	o = schema_decode(&project_schema, arena, map, replaced, errors);
	if (!o)
		return;
	p->name = o->name;
	p->version = o->version;
	p->supplier = o->supplier;
	map_set(&p->vars, "project.version", (void *)o->version);
	if (times_parse(o->times, &p->times))
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "times")->pos,
			    "'times' is seconds since 1970 or a date like 2026-01-31, found '%s'",
			    o->times);
	p->defaults = o->defaults;
	p->slots = o->slots;
	check_slots(&o->slots, errors);
	p->archives = archives_of(arena, &o->archives);
	p->pool = pool_of(o, map, errors);
	if (p->pool)
		p->pool_pos = yaml_key_pos(map, "pool");
	p->ignored = ignored_of(o->check, errors);
}
