/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/input_root.h"

#include <stdio.h>

#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "graph/manifest.h"

struct making {
	struct arena *arena;
	struct root_entries *entries;
	const struct job_spec *spec;
	struct map artifacts;   /* source -> place */
	unsigned count;         /* of places in/N */
	struct artifacts *hash; /* inputs that nobody here has seen */
};

static const char *new_place(struct making *m)
{
	return arena_printf(m->arena, "in/%u", m->count++);
}

/* What the executor keeps of B, or NULL: its bytes are here. *RET_LOST: nobody knows any more. */
static const struct left_output *find_left(struct making *m, const struct manifest_blob *b,
					   bool *ret_lost)
{
	const struct job_lefts *all = &m->spec->farm.left;
	const struct left_output *found = NULL;
	struct left left;

	for (size_t i = 0; i < all->count; i++) {
		const struct artifact *a = &all->items[i].artifact;

		if (a->type != b->type || !digest_eq(&a->digest, &b->digest))
			continue;
		if (left_load(m->spec->store, &all->items[i].key, m->arena, &left) == 0)
			found = left_find(&left, a);
		*ret_lost = !found;
		break;
	}
	return found;
}

static int add_blob(struct making *m, const struct manifest_blob *b, const char *place,
		    struct err **err)
{
	struct root_entry e = {.type = ROOT_ARTIFACT,
			       .path = place,
			       .source = b->at,
			       .digest = b->digest,
			       .text = b->name,
			       .output = b->type};
	bool lost = false;

	e.left = find_left(m, b, &lost);
	if (lost)
		return err_set(err, E_REMOTE_REFUSED, "where '%s' is kept is not known any more",
			       b->name);
	if (e.left && e.left->result.form == RESULT_PARTS)
		artifacts_push(m->hash, e.left->result.artifact);
	root_entries_push(m->entries, e);
	return 0;
}

/* One file of the store has one place, however often it is named. */
static int take_blob(struct making *m, struct manifest_blob *b, struct err **err)
{
	const char *place = map_get(&m->artifacts, b->at);

	if (!place) {
		place = new_place(m);
		map_set(&m->artifacts, b->at, (void *)place);
		if (add_blob(m, b, place, err) < 0)
			return -1;
	}
	b->at = place;
	return 0;
}

static void take_folder(struct making *m, const char *place, const struct manifest_input *in)
{
	root_entries_push(m->entries, (struct root_entry){.type = ROOT_FOLDER, .path = place});
	for (size_t i = 0; i < in->entries.count; i++) {
		const struct manifest_entry *e = &in->entries.items[i];
		struct root_entry to = {
			.type = S_ISLNK(e->mode)   ? ROOT_LINK
				: S_ISDIR(e->mode) ? ROOT_FOLDER
						   : ROOT_FILE,
			.path = arena_printf(m->arena, "%s/%s", place, e->path),
			.source = arena_printf(m->arena, "%s/%s", in->at, e->path),
			.digest = e->digest,
			.text = e->target,
			.executable = S_ISREG(e->mode) && (e->mode & 0100),
		};

		root_entries_push(m->entries, to);
	}
}

static int take_input(struct making *m, struct manifest_input *in, struct err **err)
{
	const char *place;

	for (size_t i = 0; i < in->blobs.count; i++)
		if (take_blob(m, &in->blobs.items[i], err) < 0)
			return -1;
	if (in->blobs.count || !in->at)
		return 0;
	place = new_place(m);
	if (in->type == MANIFEST_FOLDER)
		take_folder(m, place, in);
	else
		root_entries_push(m->entries, (struct root_entry){.type = ROOT_FILE,
								  .path = place,
								  .source = in->at,
								  .digest = in->digest,
								  .executable = in->mode & 0100});
	in->at = place;
	return 0;
}

/* The downloads that PIN names and that are here. */
static void take_downloads(struct making *m, const char *cache_dir, const struct pin *pin)
{
	const char *p = pin->value;

	while ((p = strstr(p, "sha256:"))) {
		char hex[DIGEST_HEX + 1];
		struct root_entry e = {.type = ROOT_FILE};

		p += strlen("sha256:");
		snprintf(hex, sizeof(hex), "%s", p);
		e.source = arena_printf(m->arena, "%s/%s", cache_dir, hex);
		if (digest_parse(hex, &e.digest) != 0 || map_get(&m->artifacts, e.source) ||
		    !path_exists(e.source))
			continue;
		e.path = arena_printf(m->arena, ROOT_DOWNLOADS "/%s", hex);
		map_set(&m->artifacts, e.source, (void *)e.path);
		root_entries_push(m->entries, e);
	}
}

static void take_runtime(struct making *m, const struct runtime *r)
{
	for (size_t i = 0; i < r->files.count; i++) {
		const struct runtime_file *f = &r->files.items[i];
		struct root_entry e = {.type = ROOT_FILE,
				       .path = arena_printf(m->arena, ROOT_RUNTIME "/%s", f->name),
				       .source = arena_printf(m->arena, "%s/%s", r->dir, f->name),
				       .digest = f->digest,
				       .executable = true};

		root_entries_push(m->entries, e);
	}
}

/* The job as it is told there. */
static void write_job(struct making *m, const struct job_spec *spec,
		      const struct manifest *manifest)
{
	struct str text cleanup_str = STR_INIT, job cleanup_str = STR_INIT;
	struct job_spec there = {
		.store = ROOT_SCRATCH "/store",
		.project_dir = ROOT_SCRATCH "/project",
		.outdir = ROOT_SCRATCH "/out",
		.workdir = ROOT_SCRATCH "/work",
		.cache_dir = ROOT_DOWNLOADS,
		.cpus = spec->cpus,
		.offline = spec->offline,
		.outputs = spec->outputs,
		.hash = *m->hash,
	};
	struct root_entry e = {.type = ROOT_TEXT, .path = ROOT_JOB};

	manifest_print(manifest, true, &text);
	there.manifest = text.buf;
	job_spec_write(&there, &job);
	e.text = arena_strndup(m->arena, job.buf, job.len);
	root_entries_push(m->entries, e);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct root_entry *)a)->path, ((const struct root_entry *)b)->path);
}

int input_root_make(struct arena *arena, const struct job_spec *spec, const struct runtime *runtime,
		    struct input_root *ret, struct err **err)
{
	struct input_root r = {0};
	struct artifacts hash = {0};
	struct making m = {.arena = arena, .entries = &r.entries, .spec = spec, .hash = &hash};
	struct manifest *manifest;
	int rc = 0;

	if (spec->secrets.count)
		return err_set(err, E_INTERNAL,
			       "'%s' is for this machine alone: the node is told a secret",
			       spec->secrets.items[0].path);
	manifest = manifest_parse(arena, spec->manifest, err);
	if (!manifest)
		return -1;
	for (size_t i = 0; rc == 0 && i < manifest->inputs.count; i++)
		rc = take_input(&m, &manifest->inputs.items[i], err);
	for (size_t i = 0; i < manifest->pins.count; i++)
		take_downloads(&m, spec->cache_dir, &manifest->pins.items[i]);
	map_clear(&m.artifacts);
	write_job(&m, spec, manifest);
	artifacts_clear(&hash);
	if (runtime) {
		take_runtime(&m, runtime);
		runtime_command(runtime, ROOT_RUNTIME, &r.command);
	}
	strv_push(&r.command, "worker");
	strv_push(&r.command, "--job");
	strv_push(&r.command, ROOT_JOB);
	qsort(r.entries.items, r.entries.count, sizeof(*r.entries.items), by_path);
	if (rc < 0)
		input_root_clear(&r);
	else
		*ret = r;
	return rc;
}

void input_root_clear(struct input_root *r)
{
	root_entries_clear(&r->entries);
	strv_clear(&r->command);
}

static int write_entry(const struct root_entry *e, const char *path, struct err **err)
{
	if (path_mkparents(path, err) < 0)
		return -1;
	switch (e->type) {
	case ROOT_TEXT:
		return file_write(path, e->text, strlen(e->text), 0644, false, err);
	case ROOT_LINK:
		if (symlink(e->text, path) < 0)
			return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", path);
		return 0;
	case ROOT_FOLDER:
		return path_mkdirs(path, err);
	case ROOT_FILE:
	case ROOT_ARTIFACT:
		break;
	}
	return file_copy(e->source, path, e->executable ? 0755 : 0644, err);
}

int input_root_write(const struct input_root *r, const char *dir, struct err **err)
{
	for (size_t i = 0; i < r->entries.count; i++) {
		char *path cleanup_free = path_join(dir, r->entries.items[i].path);

		if (write_entry(&r->entries.items[i], path, err) < 0)
			return -1;
	}
	return 0;
}
