/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/release_pool.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/debian.h"
#include "kinds/debian/lock_sections.h"
#include "kinds/kinds.h"
#include "kinds/pool_fill.h"
#include "kinds/user_config.h"
#include "media/deb/deb.h"
#include "store/store.h"

#define LOCK_MAX (64u << 20)
#define DSC_MAX (1u << 20)
#define POOL "pool"

struct pooling {
	struct session *s;
	struct pools pools;
	struct pool_fill f;
	struct map sources; /* "NAME VERSION" that was looked for */
	size_t lacking;     /* of SOURCES, those that no pool has */
};

/* ---- one file ---- */

/* 0: the pool has it; 1: it is nowhere. */
static int take(struct pooling *p, const struct digest *d, const char *also, struct err **err)
{
	const char *part = pool_fill_part(&p->f, d), *damaged;
	bool there;
	int rc = 1;

	if (path_exists(arena_printf(p->s->arena, "%s/%s", p->f.dir, pool_path(p->s->arena, d))))
		return 0;
	if (also)
		rc = pool_copy(also, d, 0, part, &there, err);
	if (rc == 1)
		rc = pools_copy(p->s->arena, &p->pools, d, 0, part, &damaged, err);
	return rc == 0 ? pool_fill_keep(&p->f, d, err) : rc;
}

static int take_download(struct pooling *p, const struct digest *d, struct err **err)
{
	char hex[DIGEST_HEX + 1];
	char *cached cleanup_free =
		path_join(store_subdir(p->s->store, "downloads"), digest_hex(d, hex));

	return take(p, d, cached, err);
}

/* ---- what a node pins ---- */

static int take_pin(struct pooling *p, const struct node *n, const char *line, const char *hex,
		    struct err **err)
{
	char text[DIGEST_HEX + 1];
	struct digest d;
	int rc;

	snprintf(text, sizeof(text), "%s", hex);
	if (digest_parse(text, &d) != 0)
		return 0;
	rc = take_download(p, &d, err);
	if (rc != 1)
		return rc;
	return err_set(err, E_RELEASE_INCOMPLETE,
		       "node '%s' pins %.*s, which no pool has and no build here has downloaded: "
		       "name a 'pool' in project.yaml, and run 'orch lock %s'",
		       n->name, (int)strcspn(line, "\n"), line, n->name);
}

/* The lines of a manifest that graph/manifest.h calls pins. */
static int take_pins(struct pooling *p, const struct node *n, struct err **err)
{
	static const char pin[] = "\npin ", sha256[] = "sha256:";

	for (const char *line = n->record->manifest; (line = strstr(line, pin));) {
		const char *end, *hex;

		line += strlen(pin);
		end = line + strcspn(line, "\n");
		for (hex = line; (hex = strstr(hex, sha256)) && hex < end;) {
			hex += strlen(sha256);
			if (take_pin(p, n, line, hex, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int take_fetched(struct pooling *p, const struct node *n, struct err **err)
{
	const struct artifact *a = &n->record->outputs[0];
	char *blob cleanup_free = cas_path(store_dir(p->s->store), a->type, &a->digest);
	int rc = take(p, &a->digest, blob, err);

	if (rc == 1)
		return err_set(
			err, E_RELEASE_INCOMPLETE,
			"what node '%s' fetched is in no pool, and not in the store: '--fetch "
			"all' brings it",
			n->name);
	return rc < 0 ? -1 : pool_fill_name(&p->f, "fetched", a->name, &a->digest, err);
}

/* ---- names and sources ---- */

/* A line of Checksums-Sha256 (Debian Policy 5.6.24): "HEX SIZE FILE". */
static int take_source_file(struct pooling *p, const char *source, const char *line,
			    struct err **err)
{
	char hex[DIGEST_HEX + 1], file[256];
	unsigned long long size;
	struct digest d;
	int rc;

	if (sscanf(line, " %64s %llu %255s", hex, &size, file) != 3 || digest_parse(hex, &d) != 0)
		return 1;
	rc = take(p, &d, NULL, err);
	return rc ? rc : pool_fill_name(&p->f, source, file, &d, err);
}

/* 0; 1: a file that the .dsc at PATH names is in no pool; the others are taken all the same. */
static int take_source_files(struct pooling *p, const char *source, const char *path,
			     struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char *sums cleanup_free = NULL;
	struct digest d;
	bool lacks;
	int rc;

	if (file_read(path, DSC_MAX, &text, err) < 0 || digest_file(path, &d, err) < 0)
		return -1;
	rc = take(p, &d, path, err);
	if (rc == 0)
		rc = pool_fill_name(&p->f, source, path_base(path), &d, err);
	sums = deb_field(text.buf, "Checksums-Sha256");
	lacks = !sums || rc == 1;
	for (const char *line = sums; rc >= 0 && line && *line;) {
		line += strspn(line, "\n ");
		if (*line)
			rc = take_source_file(p, source, line, err);
		lacks |= rc == 1;
		line += strcspn(line, "\n");
	}
	return rc < 0 ? -1 : lacks;
}

static int take_source(struct pooling *p, const struct lock_entry *e, struct err **err)
{
	const char *key = arena_printf(p->s->arena, "%s %s", e->source, e->source_version);
	const char *dsc = debian_dsc_name(p->s->arena, e->source, e->source_version);
	int rc = 1;

	if (map_set(&p->sources, key, (void *)key))
		return 0;
	for (size_t i = 0; i < p->pools.dir_count && rc == 1; i++) {
		struct pool_fill other = {
			.arena = p->s->arena, .dir = p->pools.dirs[i], .lock = -1};
		const char *path = pool_fill_named(&other, e->source, dsc);

		if (path)
			rc = take_source_files(p, e->source, path, err);
	}
	p->lacking += rc == 1;
	return rc < 0 ? -1 : 0;
}

static int take_entries(struct pooling *p, const struct debian_lock *lock, struct err **err)
{
	for (size_t i = 0; i < lock->entries.count; i++) {
		const struct lock_entry *e = &lock->entries.items[i];
		const char *place = arena_printf(p->s->arena, "%s/%s", p->f.dir,
						 pool_path(p->s->arena, &e->sha256));

		if (path_exists(place) && /* else another variant's */
		    pool_fill_name(&p->f, e->source ? e->source : e->name, e->path, &e->sha256,
				   err) < 0)
			return -1;
		if (path_exists(place) && e->source && take_source(p, e, err) < 0)
			return -1;
	}
	return 0;
}

static int take_lock(struct pooling *p, const struct node *n, struct err **err)
{
	char *path cleanup_free = path_join(p->s->dir, n->lock);
	struct lock_sections sections = {0};
	struct str text cleanup_str = STR_INIT;
	int rc = file_read(path, LOCK_MAX, &text, err);

	if (rc == 0)
		lock_sections_split(text.buf, text.len, &sections);
	for (size_t i = 0; rc == 0 && i < sections.count; i++) {
		struct debian_lock lock cleanup_lock = {0};

		rc = debian_lock_parse(p->s->arena, path, sections.items[i].text,
				       sections.items[i].len, &lock, err);
		if (rc == 0)
			rc = take_entries(p, &lock, err);
	}
	lock_sections_clear(&sections);
	return rc;
}

/* ---- all of them ---- */

static int take_node(struct pooling *p, const struct node *n, bool *seen, struct err **err)
{
	if (seen[n->index] || !n->record)
		return 0;
	seen[n->index] = true;
	if (n->recipe->kind == &kind_fetch && take_fetched(p, n, err) < 0)
		return -1;
	if (n->lock && (take_pins(p, n, err) < 0 || take_lock(p, n, err) < 0))
		return -1;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct node *from = n->in.items[i].from;

		if (from && take_node(p, from, seen, err) < 0)
			return -1;
	}
	return 0;
}

/* Nobody fills it any more. */
static int drop_parts(const struct pooling *p, struct err **err)
{
	char *path cleanup_free = path_join(p->f.dir, POOL_PARTS);

	return path_remove(path, err);
}

int release_pool_write(struct session *s, const struct node *release, const char *dir,
		       size_t *ret_sources, struct err **err)
{
	bool *seen cleanup_free = xcalloc(s->graph->nodes.count + 1, sizeof(*seen));
	struct pooling p = {.s = s, .f = POOL_FILL_INIT};
	struct user_config config;
	int rc;

	if (user_config_read(s->arena, &config, err) < 0)
		return -1;
	pools_find(s->arena, &config, project_pool_dir(s->arena, s->project), NULL, &p.pools);
	rc = pool_fill_open(s->arena, dir, POOL, &p.f, err);
	if (rc == 0)
		rc = take_node(&p, release, seen, err);
	if (rc == 0)
		rc = drop_parts(&p, err);
	pool_fill_close(&p.f);
	map_clear(&p.sources);
	*ret_sources = p.lacking;
	return rc;
}
