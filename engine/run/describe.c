/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a worker has to be told about a node: where its inputs and secrets lie. */
#include <unistd.h>

#include "run/job.h"

struct describe {
	struct arena *arena;
	const struct job_env *env;
	const struct node *node;
};

static void add_place(const struct describe *d, struct job_places *places, const struct edge *e,
		      const struct artifact *a)
{
	char *path cleanup_free = cas_path(store_dir(d->env->store), a->type, &a->digest);

	job_places_push(places, (struct job_place){e->ref_text, e->from->name, a->name,
						   e->inside ? e->inside : "",
						   arena_strdup(d->arena, path)});
}

/* Where the inputs lie, in the order of the manifest: by edge, by output. */
static void add_places(const struct describe *d, struct job_places *places)
{
	const char *root = d->env->graph->project->dir;

	for (size_t i = 0; i < d->node->in.count; i++) {
		const struct edge *e = &d->node->in.items[i];
		const struct record *r = e->from ? e->from->record : NULL;

		if (!r) {
			job_places_push(places, (struct job_place){e->ref_text, "", "", "",
								   arena_printf(d->arena, "%s/%s",
										root, e->path)});
			continue;
		}
		for (size_t o = 0; o < r->output_count; o++) {
			if (!e->output || str_eq(e->output, r->outputs[o].name))
				add_place(d, places, e, &r->outputs[o]);
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

	job_secrets_push(
		s->secrets,
		(struct job_secret){s->node, arena_strdup(s->d->arena, option_path),
				    arena_printf(s->d->arena, "%s/%s", root, project_path)});
	return 0;
}

/* Only the node's own secrets and those of nodes it names as signer; nobody else learns a path. */
static void add_secrets(const struct describe *d, struct job_secrets *secrets)
{
	const struct node *n = d->node;
	struct secret_arg arg = {d, secrets, n->name};

	schema_each_secret(n->recipe->kind->schema, n->recipe->opts, add_secret, &arg);
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (!from || !n->in.items[i].signer)
			continue;
		arg.node = from->name;
		schema_each_secret(from->recipe->kind->schema, from->recipe->opts, add_secret,
				   &arg);
	}
}

/* The option lines that schema_write() leaves out of the manifest. */
static const char *unkeyed_lines(const struct describe *d)
{
	struct str all cleanup_str = STR_INIT, some cleanup_str = STR_INIT;

	schema_write(d->node->recipe->kind->schema, d->node->recipe->opts, true, &all);
	for (const char *p = all.buf; *p;) {
		size_t n = strcspn(p, "\n") + 1;

		if (str_skip(p, "unkeyed ") || str_skip(p, "line "))
			str_append_len(&some, p, n);
		p += n;
	}
	return arena_strdup(d->arena, some.buf);
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
		.cpus = cpus,
		.offline = env->opts->offline,
		.owner = getpid(),
		.outputs = n->outputs,
		.unkeyed = unkeyed_lines(&d),
		.manifest = n->manifest,
	};
	add_places(&d, &ret->places);
	add_secrets(&d, &ret->secrets);
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
