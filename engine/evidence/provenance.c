/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/provenance.h"

#include <stdlib.h>

#include "base/path.h"
#include "evidence/sbom.h"
#include "kinds/fetch/fetch.h"
#include "kinds/kinds.h"

struct statement {
	const struct provenance *p;
	struct arena *arena;
	json_t *dependencies;
	json_t *tools; /* programs of the host: name -> version */
	struct map seen;
};

/* ---- resource descriptors ---- */

static json_t *digest_set(const char *algorithm, const char *value)
{
	return json_pack("{s:s}", algorithm, value);
}

static json_t *sha256_set(const struct digest *d)
{
	char hex[DIGEST_HEX + 1];

	return digest_set("sha256", digest_hex(d, hex));
}

/* Takes DIGEST; NULL when the same is there already. Of one name there may be several. */
static json_t *add_dependency(struct statement *x, const char *name, json_t *digest)
{
	char *set cleanup_free = json_dumps(digest, JSON_COMPACT);
	char *what cleanup_free = xasprintf("%s\n%s", name, set ? set : "");
	json_t *o;

	if (map_get(&x->seen, what)) {
		json_decref(digest);
		return NULL;
	}
	map_set(&x->seen, arena_strdup(x->arena, what), x);
	o = json_pack("{s:o, s:o}", "name", sbom_text(name), "digest", digest);
	json_array_append_new(x->dependencies, o);
	return o;
}

static json_t *artifact_set(const struct artifact *a)
{
	char hex[DIGEST_HEX + 1];

	return digest_set(a->type == OUTPUT_IMAGE ? "orchChunks" : "sha256",
			  digest_hex(&a->digest, hex));
}

static json_t *files_array(const struct provenance_files *files)
{
	json_t *list = json_array();

	for (size_t i = 0; i < files->count; i++)
		json_array_append_new(list, json_pack("{s:o, s:o}", "name",
						      sbom_text(files->items[i].name), "digest",
						      sha256_set(&files->items[i].sha256)));
	return list;
}

/* ---- what it was made of ---- */

static void add_commit(struct statement *x)
{
	const struct provenance_commit *c = &x->p->commit;
	json_t *o, *notes;

	if (!c->commit)
		return;
	o = add_dependency(x, "project", digest_set("gitCommit", c->commit));
	notes = json_pack("{s:b}", "dirty", c->dirty);
	sbom_set(notes, "branch", c->branch);
	json_object_set_new(o, "annotations", notes);
}

static void add_file(struct statement *x, const struct manifest_input *in)
{
	char hex[DIGEST_HEX + 1];

	if (in->type == MANIFEST_FILE)
		add_dependency(x, in->ref, sha256_set(&in->digest));
	else if (in->type == MANIFEST_FOLDER)
		add_dependency(x, in->ref, digest_set("orchFolder", digest_hex(&in->digest, hex)));
}

static void add_fetched(struct statement *x, const struct node *n)
{
	const struct fetch_opts *f = n->recipe->opts;
	json_t *o = add_dependency(x, f->url, sha256_set(&f->sha256));

	if (o)
		sbom_set(o, "uri", f->url);
}

static void add_outputs(struct statement *x, const struct node *n)
{
	for (size_t i = 0; i < n->record->output_count; i++) {
		const struct artifact *a = &n->record->outputs[i];
		char *name cleanup_free = xasprintf("%s:%s", n->name, a->name);
		json_t *o = add_dependency(x, name, artifact_set(a));

		if (o)
			json_object_set_new(o, "annotations",
					    json_pack("{s:s, s:b}", "kind", n->recipe->kind->name,
						      "fetched", a->shared));
	}
}

static int add_manifest(struct statement *x, const struct node *n, struct err **err)
{
	const struct manifest *m = manifest_parse(x->arena, n->record->manifest, err);
	struct digest lock;

	if (!m)
		return -1;
	for (size_t i = 0; i < m->inputs.count; i++)
		add_file(x, &m->inputs.items[i]);
	for (size_t i = 0; i < m->tools.count; i++)
		json_object_set_new(x->tools, m->tools.items[i].name,
				    sbom_text(m->tools.items[i].version));
	if (n->lock && n->lock_text) {
		digest_data(n->lock_text, strlen(n->lock_text), &lock);
		add_dependency(x, n->lock, sha256_set(&lock));
	}
	if (n->recipe->kind == &kind_fetch)
		add_fetched(x, n);
	return 0;
}

static int add_node(struct statement *x, const struct node *n, bool *seen, struct err **err)
{
	if (seen[n->index] || !n->record)
		return 0;
	seen[n->index] = true;
	if (add_manifest(x, n, err) < 0)
		return -1;
	if (n != x->p->node)
		add_outputs(x, n);
	for (size_t i = 0; i < n->in.count; i++) {
		if (n->in.items[i].from && add_node(x, n->in.items[i].from, seen, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the parts of the predicate ---- */

/* By their names, and what else they say. */
static int by_text(const void *a, const void *b)
{
	json_t *const *x = a, *const *y = b;
	int order = strcmp(json_string_value(json_object_get(*x, "name")),
			   json_string_value(json_object_get(*y, "name")));
	char *one cleanup_free = order ? NULL : json_dumps(*x, JSON_COMPACT | JSON_SORT_KEYS);
	char *two cleanup_free = order ? NULL : json_dumps(*y, JSON_COMPACT | JSON_SORT_KEYS);

	return one && two ? strcmp(one, two) : order;
}

static json_t *sorted(json_t *list)
{
	size_t count = json_array_size(list);
	json_t **items = xcalloc(count + 1, sizeof(json_t *)), *ret = json_array();

	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(list, i);
	qsort(items, count, sizeof(json_t *), by_text);
	for (size_t i = 0; i < count; i++)
		json_array_append(ret, items[i]);
	free(items);
	json_decref(list);
	return ret;
}

/* What was asked for: the node, its recipe, and what the command line changed. */
static json_t *external_parameters(const struct statement *x, struct err **err)
{
	const struct node *n = x->p->node;
	const struct project *project = n->recipe->project;
	char *path cleanup_free = path_join(project->dir, n->recipe->file);
	struct digest recipe;
	json_t *o, *sets = json_array();

	for (size_t i = 0; x->p->sets && i < x->p->sets->count; i++)
		json_array_append_new(sets, sbom_text(x->p->sets->items[i]));
	if (digest_file(path, &recipe, err) < 0) {
		json_decref(sets);
		return NULL;
	}
	o = json_pack("{s:o, s:s, s:s, s:{s:o, s:o}, s:o}", "project", sbom_text(project->name),
		      "node", n->name, "kind", n->recipe->kind->name, "recipe", "name",
		      sbom_text(n->recipe->file), "digest", sha256_set(&recipe), "set", sets);
	sbom_set(o, "version", project->version);
	return o;
}

static json_t *internal_parameters(const struct statement *x)
{
	const struct node *n = x->p->node;
	char hex[DIGEST_HEX + 1], times[32];

	return json_pack("{s:s, s:s, s:O}", "key", digest_hex(&n->record->key, hex), "times",
			 sbom_time(n->recipe->project->times, times), "tools", x->tools);
}

static json_t *build_definition(struct statement *x, struct err **err)
{
	json_t *external = external_parameters(x, err);

	if (!external)
		return NULL;
	return json_pack("{s:s, s:o, s:o, s:o}", "buildType", PROVENANCE_BUILD_TYPE,
			 "externalParameters", external, "internalParameters",
			 internal_parameters(x), "resolvedDependencies",
			 sorted(json_incref(x->dependencies)));
}

static json_t *builder(const struct provenance *p)
{
	json_t *o = json_pack("{s:o}", "id", sbom_text(p->builder));

	if (p->orch_version)
		json_object_set_new(o, "version", json_pack("{s:s}", "orch", p->orch_version));
	return o;
}

static json_t *metadata(const struct provenance *p)
{
	const struct record *rec = p->node->record;
	char from[32], to[32];
	json_t *o = json_pack("{s:s, s:s}", "startedOn",
			      sbom_time((uint64_t)rec->built_at - (uint64_t)rec->seconds, from),
			      "finishedOn", sbom_time((uint64_t)rec->built_at, to));

	if (p->run)
		json_object_set_new(o, "invocationId", json_sprintf("run %lld", (long long)p->run));
	return o;
}

json_t *provenance_make(const struct provenance *p, const struct graph *g, struct arena *arena,
			struct err **err)
{
	struct statement x = {.p = p, .arena = arena};
	bool *seen = xcalloc(g->nodes.count + 1, sizeof(*seen));
	json_t *definition = NULL, *ret = NULL;

	x.dependencies = json_array();
	x.tools = json_object();
	add_commit(&x);
	if (add_node(&x, p->node, seen, err) == 0)
		definition = build_definition(&x, err);
	if (definition)
		ret = json_pack("{s:s, s:o, s:s, s:{s:o, s:{s:o, s:o, s:o}}}", "_type",
				PROVENANCE_STATEMENT, "subject", files_array(&p->subjects),
				"predicateType", PROVENANCE_PREDICATE, "predicate",
				"buildDefinition", definition, "runDetails", "builder", builder(p),
				"metadata", metadata(p), "byproducts", files_array(&p->byproducts));
	json_decref(x.dependencies);
	json_decref(x.tools);
	map_clear(&x.seen);
	free(seen);
	return ret;
}
