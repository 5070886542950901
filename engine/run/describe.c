/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a worker has to be told about a node: where its inputs and secrets lie, and which inputs it
 * has to hash.
 */
#include <assert.h>
#include <unistd.h>

#include "base/pin.h"
#include "graph/manifest.h"
#include "run/job.h"

struct describe {
	struct arena *arena;
	const struct job_env *env;
	const struct node *node;
};

/* Where the input that E makes lies. */
static void add_places(const struct describe *d, const struct edge *e, struct manifest_input *in)
{
	if (e->filled) {
		in->text = e->filled;
		return;
	}
	if (!e->from) {
		in->at = arena_printf(d->arena, "%s/%s", d->env->graph->project->dir, e->path);
		return;
	}
	in->node = e->from->recipe->name;
	in->inside = e->inside;
	for (size_t i = 0; i < in->blobs.count; i++) {
		struct manifest_blob *b = &in->blobs.items[i];
		char *path cleanup_free = cas_path(store_dir(d->env->store), b->type, &b->digest);

		b->at = arena_strdup(d->arena, path);
	}
}

/* The manifest, with what a worker has to know beside it. */
static const char *whole_manifest(const struct describe *d)
{
	const struct recipe *r = d->node->recipe;
	struct err *impossible = NULL;
	struct manifest *m = manifest_parse(d->arena, d->node->manifest, &impossible);
	struct str text cleanup_str = STR_INIT;

	assert(m); /* it was printed by this orch */
	m->options.count = 0;
	schema_flatten(r->kind->schema, r->opts, d->arena, &m->options);
	m->node = d->node->recipe->name;
	m->lock = d->node->lock_text;
	m->lock_date = d->node->lock_date;
	for (size_t i = 0; i < m->inputs.count; i++)
		add_places(d, &d->node->in.items[i], &m->inputs.items[i]);
	manifest_print(m, true, &text);
	return arena_strndup(d->arena, text.buf, text.len);
}

/*
 * The blobs among the inputs that this run does not know to be good. A node that is told a secret
 * signs: what it signs rests on no earlier run.
 */
static void add_hash(const struct describe *d, bool strict, struct artifacts *hash)
{
	struct map seen cleanup_map = {0};

	for (size_t i = 0; i < d->node->in.count; i++) {
		const struct edge *e = &d->node->in.items[i];
		const struct record *r = e->from ? e->from->record : NULL;

		for (size_t o = 0; r && o < r->output_count; o++) {
			struct artifact a = r->outputs[o];
			char *name cleanup_free = artifact_digest_string(&a);

			if (e->value || (e->output && !str_eq(e->output, a.name)) ||
			    map_get(&seen, name) || store_blob_known(d->env->store, &a, strict))
				continue;
			a.name = arena_printf(d->arena, "%s:%s", e->from->name, a.name);
			map_set(&seen, arena_strdup(d->arena, name), hash);
			artifacts_push(hash, a);
		}
	}
}

/* A cannot be hashed here. */
static void drop_hash(struct artifacts *hash, const struct artifact *a)
{
	size_t n = 0;

	for (size_t i = 0; i < hash->count; i++)
		if (hash->items[i].type != a->type ||
		    !digest_eq(&hash->items[i].digest, &a->digest))
			hash->items[n++] = hash->items[i];
	hash->count = n;
}

void job_describe_left(const struct job_env *env, const struct node *n, struct job_spec *spec)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct record *r = e->from && !e->value ? e->from->record : NULL;

		for (size_t o = 0; r && o < r->output_count; o++) {
			const struct artifact *a = &r->outputs[o];

			if ((e->output && !str_eq(e->output, a->name)) || !a->shared ||
			    store_blob_is_here(env->store, a))
				continue;
			job_lefts_push(&spec->farm.left, (struct job_left){r->key, *a});
			drop_hash(&spec->hash, a);
		}
	}
}

struct secret_arg {
	const struct describe *d;
	struct job_secrets *secrets;
	const char *node;
};

static int add_secret(void *arg, const char *option_path, const char *project_path)
{
	struct secret_arg *s = arg;
	const char *root = s->d->env->graph->project->dir;

	const char *option = arena_strdup(s->d->arena, option_path), *at = project_path;
	bool token = pin_is_for(project_path);

	if (!token)
		at = arena_printf(s->d->arena, "%s/%s", root, project_path);
	job_secrets_push(s->secrets, (struct job_secret){s->node, option, at});
	if (token && pin_place())
		job_secrets_push(s->secrets, (struct job_secret){s->node, "pin", pin_place()});
	return 0;
}

/* Only the node's own secrets and those of nodes it names as signer; nobody else learns a path. */
static void add_secrets(const struct describe *d, struct job_secrets *secrets)
{
	const struct node *n = d->node;
	struct secret_arg arg = {d, secrets, n->recipe->name};

	schema_each_secret(n->recipe->kind->schema, n->recipe->opts, add_secret, &arg);
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (!from || !n->in.items[i].signer)
			continue;
		arg.node = from->recipe->name;
		schema_each_secret(from->recipe->kind->schema, from->recipe->opts, add_secret,
				   &arg);
	}
}

void job_describe(struct arena *arena, const struct job_env *env, const struct node *n,
		  const char *dir, unsigned cpus, struct job_spec *ret)
{
	const struct describe d = {arena, env, n};
	struct store *s = env->store;

	*ret = (struct job_spec){
		.store = store_dir(s),
		.project_dir = env->graph->project->dir,
		.outdir = arena_printf(arena, "%s/out", dir),
		.workdir = arena_printf(arena, "%s/work", dir),
		.cache_dir = store_subdir(s, "downloads"),
		.pool_dir = project_pool_dir(arena, env->graph->project),
		.cpus = cpus,
		.offline = env->opts->offline,
		.owner = getpid(),
		.began_ns = env->began_ns,
		.outputs = n->outputs,
		.manifest = whole_manifest(&d),
	};
	add_secrets(&d, &ret->secrets);
	add_hash(&d, ret->secrets.count > 0, &ret->hash);
}

/* A node's name as one file name: "tests/rollback" -> "tests%rollback" ('%' is in no node name). */
char *job_flat_name(const char *node)
{
	char *s = xstrdup(node);

	for (char *p = s; *p; p++) {
		if (*p == '/')
			*p = '%';
	}
	return s;
}
