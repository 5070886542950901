/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/decode.h"

#include "base/file.h"
#include "graph/manifest.h"

struct decoder {
	struct arena *arena;
	const struct maker *const *makers;
	const struct manifest *m;
	struct action *a;
};

static int find_maker(struct decoder *d, struct err **err)
{
	for (const struct maker *const *m = d->makers; *m; m++) {
		const struct kind *kind = (*m)->kind;

		if (str_eq(kind->name, d->m->kind) && kind->version == d->m->version) {
			d->a->kind = kind;
			d->a->maker = *m;
			return 0;
		}
	}
	return err_set(err, E_INTERNAL, "this worker has no kind '%s' of version %u", d->m->kind,
		       d->m->version);
}

static int bad_place(const struct manifest_input *in, struct err **err)
{
	return err_set(err, E_INTERNAL, "the job does not say where input '%s' lies", in->ref);
}

static int decode_node(struct decoder *d, const struct manifest_input *from,
		       struct action_input *in, struct err **err)
{
	in->type = INPUT_NODE;
	in->file_count = from->blobs.count;
	in->files = arena_alloc(d->arena, (in->file_count + 1) * sizeof(*in->files));
	for (size_t i = 0; i < in->file_count; i++) {
		const struct manifest_blob *b = &from->blobs.items[i];

		if (!b->at)
			return bad_place(from, err);
		in->files[i] = (struct input_file){b->name, b->at, b->type, b->digest, b->size};
	}
	return from->node ? 0 : bad_place(from, err);
}

static int decode_output(const struct manifest_input *from, struct action_input *in,
			 struct err **err)
{
	const struct manifest_blob *b = from->blobs.items;

	in->type = from->inside ? INPUT_INSIDE : INPUT_FILE;
	in->inside = from->inside;
	in->output = b->name;
	in->output_type = b->type;
	in->digest = b->digest;
	in->path = b->at;
	if (!in->path || !in->node || !in->inside != (from->type != MANIFEST_INSIDE))
		return bad_place(from, err);
	return 0;
}

/* A filled template, or a fact, becomes a file of the work directory. */
static int write_template(struct decoder *d, const struct manifest_input *from,
			  struct action_input *in, struct err **err)
{
	size_t number = (size_t)(from - d->m->inputs.items);

	in->path = arena_printf(d->arena, "%s/template-%zu", d->a->workdir, number);
	return file_write(in->path, from->text, strlen(from->text), from->mode & 0777, false, err);
}

static int decode_input(struct decoder *d, const struct manifest_input *from,
			struct action_input *in, struct err **err)
{
	in->ref = from->ref;
	in->node = from->node;
	if (from->type == MANIFEST_NODE)
		return decode_node(d, from, in, err);
	if (from->blobs.count)
		return decode_output(from, in, err);
	in->type = from->type == MANIFEST_FOLDER ? INPUT_FOLDER : INPUT_FILE;
	in->digest = from->digest;
	in->path = from->at;
	if (from->text)
		return write_template(d, from, in, err);
	return in->path ? 0 : bad_place(from, err);
}

/* The lock is what the kind works from; it must pin what the key says. */
static int decode_lock(struct decoder *d, struct err **err)
{
	struct pins pins = {0};
	int rc = 0;

	d->a->lock = d->m->lock;
	if (d->m->lock && d->a->kind->pins)
		rc = d->a->kind->pins(d->arena, "lock", d->m->lock, &pins, err);
	if (rc == 0 && !pins_eq(&pins, &d->m->pins))
		rc = err_set(err, E_INTERNAL, "the job's lock pins other things than its key");
	pins_clear(&pins);
	return rc;
}

static int decode_options(struct decoder *d, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};
	struct yaml *map = schema_unflatten(d->arena, &d->m->options, err);

	if (!map)
		return -1;
	d->a->opts = schema_decode(d->a->kind->schema, d->arena, map, NULL, &errors);
	if (!d->a->opts)
		return err_set(err, E_INTERNAL, "the options of the job do not decode: %s",
			       errors.count ? errors.items[0]->text : "?");
	return 0;
}

static int by_ref(const void *a, const void *b)
{
	return strcmp(((const struct action_input *)a)->ref, ((const struct action_input *)b)->ref);
}

static int decode_inputs(struct decoder *d, struct err **err)
{
	size_t n = d->m->inputs.count;
	struct action_input *in = arena_alloc(d->arena, (n + 1) * sizeof(*in));

	for (size_t i = 0; i < n; i++)
		if (decode_input(d, &d->m->inputs.items[i], &in[i], err))
			return -1;
	qsort(in, n, sizeof(*in), by_ref); /* action_input() searches */
	d->a->inputs = in;
	d->a->input_count = n;
	return 0;
}

static void take_secrets(struct decoder *d, const struct job_secrets *s)
{
	struct action_secret *to = arena_alloc(d->arena, (s->count + 1) * sizeof(*to));

	for (size_t i = 0; i < s->count; i++)
		to[i] = (struct action_secret){s->items[i].node, s->items[i].option,
					       s->items[i].path};
	d->a->secrets = to;
	d->a->secret_count = s->count;
}

int action_decode(struct arena *arena, const struct job_spec *spec,
		  const struct maker *const *makers, struct action *ret, struct err **err)
{
	struct action a = {
		.arena = arena,
		.project_dir = spec->project_dir,
		.outdir = spec->outdir,
		.workdir = spec->workdir,
		.cache_dir = spec->cache_dir,
		.pool_dir = spec->pool_dir,
		.roots_dir = arena_printf(arena, "%s/roots", spec->store),
		.caches_dir = arena_printf(arena, "%s/caches", spec->store),
		.began_ns = spec->began_ns,
		.offline = spec->offline,
		.cpus = spec->cpus,
	};
	struct decoder d = {.arena = arena, .makers = makers, .a = &a};

	d.m = manifest_parse(arena, spec->manifest, err);
	if (!d.m || find_maker(&d, err) || decode_options(&d, err) || decode_lock(&d, err) ||
	    decode_inputs(&d, err))
		return -1;
	a.project = d.m->project; /* NULL where it may not shape the result */
	a.node = d.m->node;
	a.identity = d.m->identity ? d.m->identity : d.m->node;
	a.version = d.m->project_version;
	a.epoch = d.m->times;
	a.lock_date = d.m->lock_date;
	take_secrets(&d, &spec->secrets);
	*ret = a;
	return 0;
}
