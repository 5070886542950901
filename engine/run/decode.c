/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/decode.h"

#include "base/words.h"
#include "recipe/recipe.h"

DEFINE_VEC(inputs, struct action_input)
DEFINE_VEC(input_files, struct input_file)

struct decoder {
	struct arena *arena;
	const struct job_spec *spec;
	const struct kind *const *kinds;
	struct action *a;
	size_t place; /* next of spec->places: they come in the order of the manifest */
	struct inputs inputs;
	struct input_files files; /* of the last input, while its output lines come */
};

static int bad(const struct words *w, const char *why, struct err **err)
{
	return err_set(err, ERR_INTERNAL, "manifest line '%s %s': %s", w->items[0],
		       w->count > 1 ? w->items[1] : "", why);
}

static int digest_word(const char *word, struct digest *ret)
{
	const char *hex = str_skip(word, "sha256:");

	if (!hex)
		hex = str_skip(word, "chunks:");
	return hex ? digest_parse(hex, ret) : 1;
}

static int find_kind(struct decoder *d, const struct words *w, struct err **err)
{
	uint64_t version;

	if (w->count != 3 || str_u64(w->items[2], &version) != 0)
		return bad(w, "malformed", err);
	for (const struct kind *const *k = d->kinds; *k; k++) {
		if (str_eq((*k)->name, w->items[1]) && (*k)->version == version) {
			d->a->kind = *k;
			return 0;
		}
	}
	return bad(w, "no such kind in this worker", err);
}

/* The next place, which must belong to REF. */
static const struct job_place *next_place(struct decoder *d, const char *ref)
{
	const struct job_places *p = &d->spec->places;

	if (d->place >= p->count || !str_eq(p->items[d->place].ref, ref))
		return NULL;
	return &p->items[d->place++];
}

/* The output lines of a node input are over: hand its files to it. */
static void close_files(struct decoder *d)
{
	struct action_input *last;

	if (!d->files.count)
		return;
	last = &d->inputs.items[d->inputs.count - 1];
	last->file_count = d->files.count;
	last->files = arena_alloc(d->arena, d->files.count * sizeof(*last->files));
	memcpy(last->files, d->files.items, d->files.count * sizeof(*last->files));
	input_files_clear(&d->files);
}

/* input REF folder DIGEST | file MODE DIGEST | output NAME TYPE DIGEST SIZE | inside ... | node */
static int add_input(struct decoder *d, const struct words *w, struct err **err)
{
	struct action_input in = {.ref = w->items[1]};
	const struct job_place *p;
	const char *digest;

	if (w->count < 3)
		return bad(w, "malformed", err);
	if (words_is(w, "input", 3) && str_eq(w->items[2], "node")) {
		in.type = INPUT_NODE;
		/* of a node without outputs nothing lies anywhere: its name is what was written */
		p = d->place < d->spec->places.count ? &d->spec->places.items[d->place] : NULL;
		in.node = p && str_eq(p->ref, in.ref) ? p->node : in.ref;
		inputs_push(&d->inputs, in);
		return 0;
	}
	p = next_place(d, in.ref);
	if (!p)
		return bad(w, "the job does not say where it lies", err);
	in.path = p->path;
	if (words_is(w, "input", 4) && str_eq(w->items[2], "folder")) {
		in.type = INPUT_FOLDER;
		digest = w->items[3];
	} else if (words_is(w, "input", 5) && str_eq(w->items[2], "file")) {
		in.type = INPUT_FILE;
		digest = w->items[4];
	} else if (w->count >= 7 && *p->node &&
		   output_type_parse(w->items[w->count - 3], &in.output_type) == 0) {
		in.type = *p->inside ? INPUT_INSIDE : INPUT_FILE;
		in.node = p->node;
		in.output = w->items[3];
		in.inside = *p->inside ? p->inside : NULL;
		digest = w->items[w->count - 2];
	} else {
		return bad(w, "malformed", err);
	}
	if (digest_word(digest, &in.digest) != 0)
		return bad(w, "malformed digest", err);
	inputs_push(&d->inputs, in);
	return 0;
}

/* output REF NAME TYPE DIGEST SIZE: one file of the node input before it */
static int add_file(struct decoder *d, const struct words *w, struct err **err)
{
	struct input_file f = {0};
	const struct job_place *p;

	if (w->count != 6 || !d->inputs.count ||
	    !str_eq(d->inputs.items[d->inputs.count - 1].ref, w->items[1]))
		return bad(w, "malformed", err);
	p = next_place(d, w->items[1]);
	if (!p || !str_eq(p->output, w->items[2]))
		return bad(w, "the job does not say where it lies", err);
	f.name = w->items[2];
	f.path = p->path;
	if (output_type_parse(w->items[3], &f.type) != 0 ||
	    digest_word(w->items[4], &f.digest) != 0 || str_u64(w->items[5], &f.size) != 0)
		return bad(w, "malformed", err);
	input_files_push(&d->files, f);
	return 0;
}

static int line(struct decoder *d, const struct words *w, struct err **err)
{
	const char *name = w->items[0];

	if (!str_eq(name, "output"))
		close_files(d);
	if (str_eq(name, "kind"))
		return find_kind(d, w, err);
	if (str_eq(name, "input"))
		return add_input(d, w, err);
	if (str_eq(name, "output"))
		return add_file(d, w, err);
	if (w->count != 2)
		return 0;
	if (str_eq(name, "project"))
		d->a->project = w->items[1];
	else if (str_eq(name, "node"))
		d->a->node = w->items[1];
	else if (str_eq(name, "epoch") && str_u64(w->items[1], &d->a->epoch) != 0)
		return bad(w, "malformed", err);
	return 0;
}

static int lines(struct decoder *d, struct err **err)
{
	const char *p = d->spec->manifest, *end = p + strlen(p);
	struct words w;
	int rc;

	while ((rc = words_line(d->arena, &p, end, &w)) == 0) {
		if (line(d, &w, err) < 0)
			return -1;
	}
	close_files(d);
	if (rc < 0 || !d->a->kind || !d->a->project || !d->a->node)
		return err_set(err, ERR_INTERNAL, "the manifest of the job is malformed");
	if (d->place != d->spec->places.count)
		return err_set(err, ERR_INTERNAL, "the job names places of no input");
	return 0;
}

static int decode_options(struct decoder *d, struct err **err)
{
	struct err_list errors cleanup_err_list = {0};
	struct str all cleanup_str = STR_INIT;
	struct yaml *map;

	str_append(&all, d->spec->manifest);
	str_append(&all, d->spec->unkeyed);
	map = schema_read_lines(d->arena, all.buf, err);
	if (!map)
		return -1;
	d->a->opts = schema_decode(d->a->kind->schema, d->arena, map, NULL, &errors);
	if (!d->a->opts)
		return err_set(err, ERR_INTERNAL, "the options of the job do not decode: %s",
			       errors.count ? errors.items[0]->text : "?");
	return 0;
}

static int by_ref(const void *a, const void *b)
{
	return strcmp(((const struct action_input *)a)->ref, ((const struct action_input *)b)->ref);
}

static void take_inputs(struct decoder *d)
{
	size_t n = d->inputs.count;
	struct action_input *in = arena_alloc(d->arena, (n ? n : 1) * sizeof(*in));

	if (n) {
		memcpy(in, d->inputs.items, n * sizeof(*in));
		qsort(in, n, sizeof(*in), by_ref); /* action_input() searches */
	}
	d->a->inputs = in;
	d->a->input_count = n;
}

static void take_secrets(struct decoder *d)
{
	const struct job_secrets *s = &d->spec->secrets;
	struct action_secret *to = arena_alloc(d->arena, (s->count + 1) * sizeof(*to));

	for (size_t i = 0; i < s->count; i++)
		to[i] = (struct action_secret){s->items[i].node, s->items[i].option,
					       s->items[i].path};
	d->a->secrets = to;
	d->a->secret_count = s->count;
}

int action_decode(struct arena *arena, const struct job_spec *spec, const struct kind *const *kinds,
		  struct action *ret, struct err **err)
{
	struct action a = {
		.arena = arena,
		.project_dir = spec->project_dir,
		.outdir = spec->outdir,
		.workdir = spec->workdir,
		.cache_dir = spec->cache_dir,
		.roots_dir = arena_printf(arena, "%s/roots", spec->store),
		.offline = spec->offline,
		.cpus = spec->cpus,
	};
	struct decoder d = {.arena = arena, .spec = spec, .kinds = kinds, .a = &a};
	int rc = lines(&d, err);

	if (rc == 0)
		rc = decode_options(&d, err);
	if (rc == 0) {
		take_inputs(&d);
		take_secrets(&d);
		*ret = a;
	}
	inputs_clear(&d.inputs);
	input_files_clear(&d.files);
	return rc;
}
