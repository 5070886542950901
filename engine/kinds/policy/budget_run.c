/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measuring a budget. */
#include <errno.h>
#include <sys/stat.h>

#include "kinds/image/look_bundle.h"
#include "kinds/image/subject.h"
#include "kinds/makers.h"
#include "kinds/policy/budget_opts.h"
#include "kinds/verdict.h"
#include "media/tree/sizes.h"

#define BUDGET_VERDICT_VERSION 1
#define HEAVIEST 5 /* of what is too large, so many are named */

struct measuring {
	struct action *a;
	const struct budget_opts *o;
	json_t *limits;
	size_t count, exceeded;
	const char *first; /* the first that is exceeded */
	struct map met;    /* names of parts, packages and directories that are there */
};

/* ---- limits ---- */

static const char *plain(struct measuring *m, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	str_escape(&s, text, strlen(text));
	return arena_strndup(m->a->arena, s.buf, s.len);
}

static void note(struct measuring *m, json_t *limit, bool good, const char *text)
{
	json_object_set_new(limit, "pass", json_boolean(good));
	json_object_set_new(limit, "text", json_string(text));
	json_array_append_new(m->limits, limit);
	m->count++;
	m->exceeded += !good;
	if (!good && !m->first)
		m->first = text;
	action_log(m->a, "%s %s", good ? "within:" : "EXCEEDED:", text);
}

static const char *word_of(const char *what)
{
	return str_eq(what, "package") || str_eq(what, "directory") ? " " : " of ";
}

/* WHAT "files", of WHERE "install:/root-a"; BLAME: what is largest there, or NULL. */
static void judge(struct measuring *m, const char *what, const char *where, uint64_t bytes,
		  uint64_t limit, const char *blame)
{
	bool good = bytes <= limit;
	char *has cleanup_free = str_bytes(bytes), *may cleanup_free = str_bytes(limit);
	char *rest cleanup_free = str_bytes(good ? limit - bytes : bytes - limit);
	const char *name = plain(m, where), *text;
	json_t *o = json_pack("{s:s, s:s, s:I, s:I}", "limit", what, "of", name, "bytes",
			      (json_int_t)bytes, "most", (json_int_t)limit);

	name = arena_printf(m->a->arena, "%s%s%s", what, word_of(what), name);
	text = good ? arena_printf(m->a->arena, "%s: %s of %s, %s left", name, has, may, rest)
		    : arena_printf(m->a->arena, "%s: %s of %s, %s too much%s%s", name, has, may,
				   rest, blame ? "; the largest: " : "", blame ? blame : "");
	note(m, o, good, text);
}

static void judge_missing(struct measuring *m, const char *what, const char *where,
			  const char *text)
{
	json_t *o = json_pack("{s:s, s:s}", "limit", what, "of", plain(m, where));

	note(m, o, false, plain(m, text));
}

static uint64_t limit_of(const struct pair *p)
{
	uint64_t size;

	return size_parse(p->value, &size) ? 0 : size; /* the schema has looked at it */
}

/* ---- file systems ---- */

/* "root:/", "install:/root-a/" */
static const char *place_of(struct measuring *m, const struct subject_part *p)
{
	return arena_printf(m->a->arena, "%s:/%s%s", action_input(m->a, m->o->of)->node, p->name,
			    *p->name ? "/" : "");
}

static const char *heaviest(struct measuring *m, const struct sizes *z)
{
	const struct map *by = sizes_have_packages(z) ? &z->packages : &z->directories;
	struct str s cleanup_str = STR_INIT;
	size_t count;
	struct size_group **list cleanup_free = sizes_sorted(z, by, &count);

	for (size_t i = 0; i < count && i < HEAVIEST; i++) {
		char *bytes cleanup_free = str_bytes(list[i]->bytes[SIZES_NOW]);

		str_printf(&s, "%s%s %s", i ? ", " : "", list[i]->name, bytes);
	}
	return count ? plain(m, s.buf) : NULL;
}

static void measure_packages(struct measuring *m, const char *place, const struct sizes *z)
{
	for (size_t i = 0; i < m->o->packages.count; i++) {
		const struct pair *p = LIST_AT(m->o->packages, struct pair *, i);
		const struct size_group *g = map_get(&z->packages, p->key);

		if (!g)
			continue;
		map_set(&m->met, p->key, m);
		judge(m, "package", arena_printf(m->a->arena, "%s in %s", p->key, place),
		      g->bytes[SIZES_NOW], limit_of(p), NULL);
	}
}

static void measure_directories(struct measuring *m, const char *place, struct tree *t)
{
	for (size_t i = 0; i < m->o->directories.count; i++) {
		const struct pair *p = LIST_AT(m->o->directories, struct pair *, i);
		char *top cleanup_free = xstrdup(p->key + 1);
		const struct tree_entry *e = tree_lookup(t, top);
		struct sizes z = {.arena = m->a->arena};

		if (!e || !S_ISDIR(e->inode->mode))
			continue;
		map_set(&m->met, p->key, m);
		for (size_t n = strlen(top); n && top[n - 1] == '/'; n--)
			top[n - 1] = 0;
		sizes_count(&z, SIZES_NOW, t, top);
		judge(m, "directory", arena_printf(m->a->arena, "%s%s", place, top),
		      z.total.bytes[SIZES_NOW], limit_of(p), heaviest(m, &z));
		sizes_clear(&z);
	}
}

static void measure_tree(struct measuring *m, const struct subject_part *p, uint64_t *total)
{
	const char *place = place_of(m, p);
	struct sizes z = {.arena = m->a->arena};
	const struct pair *own = NULL;

	for (size_t i = 0; i < m->o->parts.count; i++) {
		const struct pair *pair = LIST_AT(m->o->parts, struct pair *, i);

		own = str_eq(pair->key, p->name) ? pair : own;
	}
	if (own)
		map_set(&m->met, own->key, m);
	sizes_count(&z, SIZES_NOW, p->look.tree, "");
	*total += z.total.bytes[SIZES_NOW];
	if (m->o->files)
		judge(m, "files", place, z.total.bytes[SIZES_NOW], m->o->files, heaviest(m, &z));
	if (own)
		judge(m, "files", place, z.total.bytes[SIZES_NOW], limit_of(own), heaviest(m, &z));
	measure_packages(m, place, &z);
	measure_directories(m, place, p->look.tree);
	sizes_clear(&z);
}

/* A limit for something that is not there would hold for ever. */
static void find_unmet(struct measuring *m, const struct list *pairs, const char *what,
		       const char *remedy)
{
	const char *node = action_input(m->a, m->o->of)->node;

	for (size_t i = 0; i < pairs->count; i++) {
		const char *key = LIST_AT(*pairs, struct pair *, i)->key;

		if (!map_get(&m->met, key))
			judge_missing(m, what, node,
				      arena_printf(m->a->arena, "%s %s of %s: there is none; %s",
						   what, key, node, remedy));
	}
}

static void find_all_unmet(struct measuring *m)
{
	find_unmet(m, &m->o->parts, "part", "it is a file system by its name in 'orch image ls'");
	find_unmet(m, &m->o->packages, "package", "take it out, or correct its name");
	find_unmet(m, &m->o->directories, "directory", "take it out, or correct its name");
}

static bool needs_trees(const struct budget_opts *o)
{
	return o->files || o->packages.count || o->directories.count;
}

/* What has files that orch cannot count beside others that it can is not small. */
static int check_read(struct measuring *m, const struct subject_part *p, struct err **err)
{
	if (!p->unread || !needs_trees(m->o))
		return 0;
	return err_set(err, E_UNPACK_FORMAT,
		       "files of %s cannot be counted: %s; limit its 'size', or 'parts' that orch "
		       "can look into",
		       place_of(m, p), p->unread);
}

static int measure_file_systems(struct measuring *m, struct subject *s, uint64_t *total,
				struct err **err)
{
	size_t trees = 0;

	for (size_t i = 0; i < s->parts.count; i++) {
		const struct subject_part *p = s->parts.items[i];

		if (check_read(m, p, err) < 0)
			return -1;
		if (!p->look.tree)
			continue;
		measure_tree(m, p, total);
		trees++;
	}
	find_all_unmet(m);
	if (trees || !needs_trees(m->o))
		return 0;
	return err_set(err, E_UNPACK_FORMAT,
		       "'%s' has no files that orch can look into: limit its 'size'",
		       m->o->of->text);
}

static int measure_sizes(struct measuring *m, struct err **err)
{
	const struct action_input *in = action_input(m->a, m->o->of);
	struct subject s cleanup_subject = {
		.scratch = arena_printf(m->a->arena, "%s/of", m->a->workdir)};
	uint64_t total = 0;
	struct stat st;

	if (stat(in->path, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", m->o->of->text);
	if (subject_open(&s, in->path, "", err) < 0 || measure_file_systems(m, &s, &total, err) < 0)
		return -1;
	if (m->o->size)
		judge(m, "size", in->node,
		      in->output_type == OUTPUT_TREE ? total : (uint64_t)st.st_size, m->o->size,
		      NULL);
	return 0;
}

/* ---- an update ---- */

/* Of a node with several outputs the one that is like TO: a bundle, or none. */
static const char *file_of(const struct action_input *in, bool bundle)
{
	if (in->type != INPUT_NODE)
		return in->path;
	for (size_t i = 0; i < in->file_count; i++) {
		if (look_is_bundle(in->files[i].path) == bundle)
			return in->files[i].path;
	}
	return NULL;
}

struct cost {
	uint64_t fetch, write; /* bytes */
};

/* BEFORE NULL: devices have nothing of it. */
static int add_image(const struct subject_part *before, const struct subject_part *after,
		     struct cost *cost, struct err **err)
{
	struct block_place b = subject_place(after), a = b;
	struct blocks found cleanup_blocks = {0};

	a.size = 0;
	if (before)
		a = subject_place(before);
	if (blocks_compare(&a, &b, &found, err) < 0)
		return -1;
	cost->fetch += blocks_fetched(&found);
	cost->write += blocks_written(&found);
	return 0;
}

static int add_images(struct measuring *m, const struct subject *before,
		      const struct subject *after, struct cost *cost, struct err **err)
{
	bool found = false;

	for (size_t i = 0; i < after->parts.count; i++) {
		const struct subject_part *p = after->parts.items[i];
		const struct subject_part *old = subject_partner(after, p, before);

		found = found || p->image;
		if (p->image && add_image(old && old->image ? old : NULL, p, cost, err) < 0)
			return -1;
	}
	if (found)
		return 0;
	return err_set(err, E_WRONG_INPUT,
		       "'%s' has no image that devices write: name a bundle or an image under 'to'",
		       m->o->to->text);
}

static int measure_update(struct measuring *m, struct err **err)
{
	const struct action_input *from = action_input(m->a, m->o->from);
	const struct action_input *to = action_input(m->a, m->o->to);
	const char *old = file_of(from, look_is_bundle(to->path));
	struct subject before cleanup_subject = {
		.scratch = arena_printf(m->a->arena, "%s/from", m->a->workdir)};
	struct subject after cleanup_subject = {
		.scratch = arena_printf(m->a->arena, "%s/to", m->a->workdir)};
	const char *where =
		arena_printf(m->a->arena, "an update from %s to %s", from->node, to->node);
	struct cost cost = {0};

	if (!old)
		return err_set(err, E_WRONG_INPUT,
			       "'%s' has nothing like '%s', which is %s bundle: name an output, "
			       "NODE:OUTPUT",
			       m->o->from->text, m->o->to->text,
			       look_is_bundle(to->path) ? "a" : "not a");
	if (subject_open(&before, old, "", err) < 0 ||
	    subject_open(&after, to->path, "", err) < 0 ||
	    add_images(m, &before, &after, &cost, err) < 0)
		return -1;
	if (m->o->fetch)
		judge(m, "fetch", where, cost.fetch, m->o->fetch, NULL);
	if (m->o->write)
		judge(m, "write", where, cost.write, m->o->write, NULL);
	return 0;
}

/* ---- the verdict ---- */

static int conclude(struct measuring *m, struct err **err)
{
	json_t *root = json_pack("{s:i, s:s, s:b, s:O}", "v", BUDGET_VERDICT_VERSION, "budget",
				 m->a->node, "pass", !m->exceeded, "limits", m->limits);

	if (verdict_write(m->a, root, err) < 0)
		return -1;
	if (!m->exceeded)
		return 0;
	return err_set(
		err, E_BUDGET_EXCEEDED,
		"%zu of %zu limits %s exceeded: %s%s; make it smaller, or raise the limit in "
		"the recipe",
		m->exceeded, m->count, m->exceeded == 1 ? "is" : "are", m->first,
		m->exceeded == 1 ? "" : " (the others are listed above)");
}

static int budget_run(struct action *a, struct err **err)
{
	struct measuring m = {.a = a, .o = a->opts, .limits = json_array()};
	int rc = 0;

	if (m.o->of)
		rc = measure_sizes(&m, err);
	if (rc == 0 && m.o->from)
		rc = measure_update(&m, err);
	if (rc == 0)
		rc = conclude(&m, err);
	json_decref(m.limits);
	map_clear(&m.met);
	return rc;
}

const struct maker maker_budget = {
	.kind = &kind_budget,
	.run = budget_run,
};
