/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files a recipe is made of, and what its identities derive from. */
#include "recipe/extend.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"

const char *const recipe_keys[] = {"kind", "extends", "add", "drop", "identity", "per", NULL};

/* Never decoded: what these keys say is taken out before the kind's table is. */
struct common {
	const char *kind, *extends, *identity;
	struct list add, drop, per;
};

static const struct option common_options[] = {
	{"kind", OPT_STRING, offsetof(struct common, kind), .flags = OPT_REQUIRED,
	 .help = "What the node is; 'orch kinds' lists them. With 'extends', that of what is "
		 "extended, and may be left out.",
	 .example = "image"},
	{"extends", OPT_STRING, offsetof(struct common, extends),
	 .help = "A node, or a YAML file of the project, whose keys are taken, with those of this "
		 "recipe over them: maps merge, everything else is replaced. Over a list, a map "
		 "changes the things in it that it names: 'partitions: {root-a: {from: other}}'.",
	 .example = "root"},
	{"add", OPT_DICT, offsetof(struct common, add), .flags = OPT_LIST,
	 .help = "What is put at the end of lists of what is extended.",
	 .example = "{packages: [gdb, strace]}"},
	{"drop", OPT_DICT, offsetof(struct common, drop), .flags = OPT_LIST,
	 .help = "What is taken out of lists of what is extended: texts, things by their name, or "
		 "entries as they stand there. A list in place of the map names keys to take out.",
	 .example = "{packages: [nano], partitions: [data]}"},
	{"identity", OPT_STRING, offsetof(struct common, identity),
	 .help = "The name that UUIDs, hash seeds and volume ids derive from; default: the node "
		 "that is extended, else the node itself.",
	 .example = "root-of-the-lab"},
	{"per", OPT_STRING, offsetof(struct common, per), .flags = OPT_LIST,
	 .help = "The axes of 'variants' that the node may come to depend on; an error when it "
		 "does on another.",
	 .example = "[board]"},
};
const struct schema recipe_schema = SCHEMA(struct common, common_options);

/* ---- which file is next ---- */

struct reading {
	struct recipe_files *files;
	const struct map *vars;
	struct layers *layers;
};

static struct layer *last(const struct reading *r)
{
	return &r->layers->items[r->layers->count - 1];
}

static int by_name(const void *name, const void *file)
{
	return strcmp(name, ((const struct recipe_file *)file)->name);
}

static const struct recipe_file *node_named(const struct recipe_files *f, const char *name)
{
	return f->found.count ? bsearch(name, f->found.items, f->found.count,
					sizeof(*f->found.items), by_name)
			      : NULL;
}

static bool is_there(const struct recipe_files *f, const char *path)
{
	struct err *err cleanup_err = NULL;
	int fd cleanup_fd = path_open_beneath(f->dirfd, path, O_PATH, &err);

	return fd >= 0;
}

static void unknown(const struct recipe_files *f, struct pos pos, const char *text)
{
	const char **names cleanup_free = xcalloc(f->found.count + 1, sizeof(*names));
	const char *near;

	for (size_t i = 0; i < f->found.count; i++)
		names[i] = f->found.items[i].name;
	near = str_nearest(text, names, f->found.count);
	if (near)
		err_list_at(f->errors, E_UNKNOWN_NODE, pos, "unknown node '%s': did you mean '%s'?",
			    text, near);
	else
		err_list_at(f->errors, E_UNKNOWN_NODE, pos,
			    "unknown node '%s': 'extends' names a node, or a file that ends in "
			    ".yaml",
			    text);
}

/* TEXT ends in .yaml, and is no node. 0 when it is a file that can be extended. */
static int check_path(const struct recipe_files *f, struct pos pos, const char *text)
{
	const char *below = str_skip(text, "recipes/"), *why;
	char *name cleanup_free = xstrdup(below ? below : text);

	name[strlen(name) - strlen(".yaml")] = 0;
	if (!path_is_project(text, &why))
		err_list_at(f->errors, E_INVALID_PATH, pos,
			    "path '%s' %s: paths are relative to the project's root", text, why);
	else if (below || (!is_there(f, text) && node_named(f, name)))
		err_list_at(f->errors, E_INVALID_PATH, pos,
			    "a node is extended by its name: write '%s'", name);
	else if (!is_there(f, text))
		err_list_at(f->errors, E_FILE_MISSING, pos, "no file '%s' in the project", text);
	else
		return 0;
	return 1;
}

/* What TEXT stands for: 0 and a node, or a file that is none; 1 after an error. */
static int next_file(struct reading *r, struct pos pos, const char *text, struct recipe_file *ret)
{
	const struct recipe_file *node = node_named(r->files, text);
	bool path = str_ends(text, ".yaml");

	if (node && node->under && str_eq(node->file, last(r)->file))
		node = node->under; /* root@pc.yaml extends root */
	if (node && path && is_there(r->files, text)) {
		err_list_at(r->files->errors, E_AMBIGUOUS_REFERENCE, pos,
			    "'%s' is a node and a file of the project: rename one", text);
		return 1;
	}
	if (!node && !path)
		unknown(r->files, pos, text);
	if (!node && (!path || check_path(r->files, pos, text)))
		return 1;
	*ret = node ? *node : (struct recipe_file){NULL, text};
	return 0;
}

/* ---- the chain ---- */

static const char *title(const struct layer *l)
{
	return l->node ? l->node : l->file;
}

/* Layer FIRST is extended by the last one: told alike from wherever the circle is entered. */
static void report_circle(struct reading *r, size_t first)
{
	size_t count = r->layers->count - first, start = 0;
	const struct layer *circle = &r->layers->items[first];
	struct str s cleanup_str = STR_INIT;

	for (size_t i = 1; i < count; i++)
		if (strcmp(circle[i].file, circle[start].file) < 0)
			start = i;
	for (size_t i = 0; i < count; i++)
		str_printf(&s, "%s -> ", title(&circle[(start + i) % count]));
	err_list_at(r->files->errors, E_REFERENCE_CYCLE, circle[start].extends,
		    "the recipes extend each other: %s%s", s.buf, title(&circle[start]));
}

static int parse_layer(struct reading *r, const struct recipe_file *file)
{
	struct layer *l;

	for (size_t i = 0; i < r->layers->count; i++) {
		if (!str_eq(r->layers->items[i].file, file->file))
			continue;
		report_circle(r, i);
		return 1;
	}
	l = layers_at_end(r->layers);
	l->file = file->file;
	l->node = file->name;
	l->map = recipe_files_parse(r->files, file->file);
	l->source = (struct source){r->files->text.buf, r->files->text.len};
	if (l->map && l->map->type != YAML_MAP)
		err_list_at(r->files->errors, E_WRONG_TYPE, (struct pos){file->file, 1, 1},
			    "a recipe is a map of keys and values ('kind: image')");
	return !l->map || l->map->type != YAML_MAP;
}

/* The text of Y, the value of 'extends', or NULL after an error. */
static const char *extended(struct reading *r, struct yaml *y)
{
	const struct scope scope = {.vars = r->vars, .source = last(r)->source};

	expand_tree(r->files->arena, &scope, y, r->files->errors);
	if (y->refused)
		return NULL;
	if (y->type == YAML_SCALAR && !y->waits && !y->values && *y->text)
		return y->text;
	err_list_at(r->files->errors, E_WRONG_TYPE, y->pos,
		    "'extends' names one node, or one YAML file of the project");
	return NULL;
}

int layers_read(struct recipe_files *files, const struct map *vars, const struct recipe_file *of,
		struct layers *ret)
{
	struct reading r = {files, vars, ret};
	struct recipe_file next = *of;
	struct yaml *y;

	for (;;) {
		struct layer *l;
		const char *text;

		if (parse_layer(&r, &next))
			return 1;
		l = last(&r);
		y = yaml_take(l->map, "extends");
		if (!y)
			return 0;
		l->extends = y->pos;
		text = extended(&r, y);
		if (!text || next_file(&r, y->pos, text, &next))
			return 1;
		l->source.text = arena_strndup(files->arena, l->source.text, l->source.len);
	}
}

struct yaml *layers_get(const struct layers *layers, const char *key)
{
	struct yaml *y = NULL;

	for (size_t i = 0; i < layers->count && !y; i++)
		y = yaml_get(layers->items[i].map, key);
	return y;
}

/* ---- identity ---- */

/* Written like a node's name, of which there need be none. */
static bool identity_valid(const char *text)
{
	char *part cleanup_free = xstrdup(text), *rest = part, *name;
	bool valid = true;

	while ((name = strsep(&rest, "/")))
		valid = valid && name_valid(name);
	return valid;
}

const char *layers_identity(const struct layers *layers, const char *node, struct err_list *errors)
{
	const struct yaml *y = layers_get(layers, "identity");

	if (y && !y->refused &&
	    (y->type != YAML_SCALAR || y->waits || y->values || !identity_valid(y->text)))
		err_list_at(errors, E_INVALID_NAME, y->pos,
			    "'identity' is a name like that of a node: letters, digits, . _ + - "
			    "and /");
	if (y)
		return y->text;
	for (size_t i = layers->count; i-- > 1;)
		if (layers->items[i].node)
			return layers->items[i].node;
	return node;
}
