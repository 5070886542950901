/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence/bill.h"

#include <stdlib.h>

#include "base/str.h"
#include "evidence/bill_priv.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/fetch/fetch.h"
#include "kinds/kinds.h"

static int add_part(struct bill_reading *r, const struct node *n, size_t *ret, struct err **err);

static enum bill_part_type type_of(const struct kind *k)
{
	if (k == &kind_bundle || k == &kind_disk)
		return BILL_DELIVERY;
	if (k == &kind_fetch)
		return BILL_FETCHED;
	return k == &kind_image || k == &kind_tree || k == &kind_debian ? BILL_SYSTEM : BILL_MADE;
}

/* Whether what a node of kind K makes can be a part of something: no verdict, no key, no board. */
static bool is_material(const struct kind *k)
{
	return k == &kind_image || k == &kind_tree || k == &kind_debian || k == &kind_disk ||
	       k == &kind_run || k == &kind_vm || k == &kind_fit || k == &kind_fetch ||
	       k == &kind_package;
}

/* ---- what locks pin ---- */

/* "VERSION ARCH sha256:HEX" of package NAME. */
static void note_deb(struct bill_reading *r, const char *name, const char *value)
{
	struct arena *arena = r->bill->arena;
	const char *hex = strstr(value, " sha256:");
	struct digest *d = arena_alloc(arena, sizeof(*d));

	if (hex && digest_parse(hex + strlen(" sha256:"), d) == 0)
		map_set(&r->debs, arena_printf(arena, "%s %.*s", name, (int)(hex - value), value),
			d);
}

static int note_debs(struct bill_reading *r, const struct node *n, bool *seen, struct err **err)
{
	const struct manifest *m;

	if (seen[n->index] || !n->record)
		return 0;
	seen[n->index] = true;
	if (n->recipe->kind == &kind_debian) {
		m = manifest_parse(r->bill->arena, n->record->manifest, err);
		if (!m)
			return -1;
		for (size_t i = 0; i < m->pins.count; i++) {
			if (str_eq(m->pins.items[i].what, "package"))
				note_deb(r, m->pins.items[i].name, m->pins.items[i].value);
		}
	}
	for (size_t i = 0; i < n->in.count; i++) {
		if (n->in.items[i].from && note_debs(r, n->in.items[i].from, seen, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- links ---- */

static int link_to(struct bill_reading *r, size_t part, const struct node *to,
		   enum bill_link_type type, struct err **err)
{
	struct bill_links *links;
	size_t index;

	if (add_part(r, to, &index, err) < 0)
		return -1;
	links = &r->bill->parts.items[part].links;
	for (size_t i = 0; i < links->count; i++) {
		if (links->items[i].part == index && links->items[i].type == type)
			return 0;
	}
	bill_links_push(links, (struct bill_link){type, index});
	return 0;
}

/* "VERSION FILE sha256:HEX" of each file of a source package, which its lock pins. */
static int push_archive_sources(struct bill_reading *r, const struct node *tools, size_t part,
				struct err **err)
{
	struct arena *arena = r->bill->arena;
	const struct manifest *m;

	if (tools->recipe->kind != &kind_debian || !tools->record)
		return 0;
	m = manifest_parse(arena, tools->record->manifest, err);
	if (!m)
		return -1;
	for (size_t i = 0; i < m->pins.count; i++) {
		const struct pin *pin = &m->pins.items[i];
		const char *file = strchr(pin->value, ' '), *hex = strstr(pin->value, " sha256:");
		struct bill_source s = {.package = pin->name};

		if (!str_eq(pin->what, "source") || !file || !hex || hex <= file ||
		    digest_parse(hex + strlen(" sha256:"), &s.digest))
			continue;
		s.version = arena_strndup(arena, pin->value, (size_t)(file - pin->value));
		s.name = arena_strndup(arena, file + 1, (size_t)(hex - file - 1));
		bill_sources_push(&r->bill->parts.items[part].sources, s);
	}
	return 0;
}

/*
 * A tree whose programs were used: named, and not looked into. Source packages that it has were
 * there to be built.
 */
static int link_tools(struct bill_reading *r, size_t part, const struct node *tools,
		      struct err **err)
{
	struct bill *b = r->bill;
	size_t index = 0;

	while (index < b->parts.count &&
	       (b->parts.items[index].type != BILL_TOOLS || b->parts.items[index].node != tools))
		index++;
	if (index == b->parts.count) {
		struct bill_part *p = bill_parts_at_end(&b->parts);

		p->type = BILL_TOOLS;
		p->node = tools;
		if (push_archive_sources(r, tools, index, err) < 0)
			return -1;
	}
	bill_links_push(&b->parts.items[part].links, (struct bill_link){BILL_WITH, index});
	return 0;
}

/* ---- each type of part ---- */

/* A bundle also names what has tested it, and tools. */
static bool is_delivered(const struct node *n, const struct edge *e)
{
	const struct bundle_opts *o = n->recipe->opts;

	if (n->recipe->kind != &kind_bundle)
		return true;
	for (size_t i = 0; i < o->images.count; i++) {
		if (str_eq(LIST_AT(o->images, struct named_ref *, i)->ref->text, e->ref_text))
			return true;
	}
	return false;
}

static int read_delivery(struct bill_reading *r, size_t part, const struct node *n,
			 struct err **err)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		if (e->from && is_material(e->from->recipe->kind) && is_delivered(n, e) &&
		    link_to(r, part, e->from, BILL_HOLDS, err) < 0)
			return -1;
	}
	return 0;
}

/* What was taken out of tree E->from: the packages that it is of. */
static int read_inside(struct bill_reading *r, size_t part, const struct edge *e, struct err **err)
{
	const struct record *rec = e->from->record;
	struct bill_packages found = {0};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rec->output_count; i++) {
		if (str_eq(rec->outputs[i].name, e->output))
			rc = bill_read_owners(r, e->from, &rec->outputs[i], e->inside, &found, err);
	}
	for (size_t i = 0; i < found.count; i++)
		bill_packages_push(&r->bill->parts.items[part].packages, found.items[i]);
	bill_packages_clear(&found);
	return rc;
}

/* What steps made and downloads that went into tree or image N, or into those it is made of. */
static int gather(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct kind *k = e->from ? e->from->recipe->kind : NULL;
		int rc = 0;

		if (!k || e->value || !is_material(k))
			continue;
		if (type_of(k) != BILL_SYSTEM)
			rc = link_to(r, part, e->from, BILL_HOLDS, err);
		else if (e->type == REF_INSIDE)
			rc = read_inside(r, part, e, err);
		else
			rc = gather(r, part, e->from, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A file system that orch cannot look into is what went into it. */
static int hold_inputs(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		if (e->from && e->type != REF_INSIDE && is_material(e->from->recipe->kind) &&
		    type_of(e->from->recipe->kind) == BILL_SYSTEM &&
		    link_to(r, part, e->from, BILL_HOLDS, err) < 0)
			return -1;
	}
	return 0;
}

static int read_system(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	struct bill_part p = r->bill->parts.items[part];
	int rc = bill_read_system(r, &p, err);

	r->bill->parts.items[part] = p;
	if (rc < 0 || (rc == 1 && hold_inputs(r, part, n, err) < 0))
		return -1;
	return gather(r, part, n, err);
}

/* A reference to a template names its path, too. */
static const char *path_of(struct bill_reading *r, const char *ref)
{
	const char *path = str_skip(ref, "{template: ");

	return path ? arena_strndup(r->bill->arena, path, strcspn(path, "}")) : ref;
}

static int push_sources(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	const struct manifest *m = manifest_parse(r->bill->arena, n->record->manifest, err);

	if (!m)
		return -1;
	for (size_t i = 0; i < m->inputs.count; i++) {
		const struct manifest_input *in = &m->inputs.items[i];

		if (in->type == MANIFEST_FILE || in->type == MANIFEST_FOLDER)
			bill_sources_push(
				&r->bill->parts.items[part].sources,
				(struct bill_source){.name = path_of(r, in->ref),
						     .digest = in->digest,
						     .directory = in->type == MANIFEST_FOLDER});
	}
	return 0;
}

/* N was made in tree TOOLS, or with it; some of what it made may be files of that. */
static int read_tools(struct bill_reading *r, size_t part, const struct node *n,
		      const struct node *tools, struct err **err)
{
	struct bill_packages found = {0};
	int rc = link_tools(r, part, tools, err);

	if (rc == 0 && tools->record)
		rc = bill_read_copied(r, tools, n->record, &found, err);
	for (size_t i = 0; i < found.count; i++)
		bill_packages_push(&r->bill->parts.items[part].packages, found.items[i]);
	bill_packages_clear(&found);
	return rc;
}

static int read_made(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	if (push_sources(r, part, n, err) < 0)
		return -1;
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct kind *k = e->from ? e->from->recipe->kind : NULL;
		int rc = 0;

		if (!k || e->value || e->signer || !is_material(k))
			continue;
		if (type_of(k) == BILL_MADE || type_of(k) == BILL_FETCHED)
			rc = link_to(r, part, e->from, BILL_FROM, err);
		else if (e->type == REF_INSIDE)
			rc = read_inside(r, part, e, err);
		else
			rc = read_tools(r, part, n, e->from, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static void read_fetched(struct bill_reading *r, size_t part, const struct node *n)
{
	const struct fetch_opts *o = n->recipe->opts;

	bill_sources_push(&r->bill->parts.items[part].sources,
			  (struct bill_source){.name = o->url, .digest = o->sha256, .url = true});
}

/* ---- all of them ---- */

static int read_part(struct bill_reading *r, size_t part, const struct node *n, struct err **err)
{
	switch (r->bill->parts.items[part].type) {
	case BILL_DELIVERY:
		return read_delivery(r, part, n, err);
	case BILL_SYSTEM:
		return read_system(r, part, n, err);
	case BILL_MADE:
		return read_made(r, part, n, err);
	case BILL_FETCHED:
		read_fetched(r, part, n);
		break;
	case BILL_TOOLS:
		break;
	}
	return 0;
}

/* The part that N is, which is read when it is met first. */
static int add_part(struct bill_reading *r, const struct node *n, size_t *ret, struct err **err)
{
	struct bill_parts *parts = &r->bill->parts;

	for (*ret = 0; *ret < parts->count; ++*ret) {
		if (parts->items[*ret].node == n && parts->items[*ret].type != BILL_TOOLS)
			return 0;
	}
	if (!n->record || !n->record->output_count)
		return err_set(err, E_NO_RESULT,
			       "the store has nothing that node '%s' made; 'orch build %s' makes "
			       "it",
			       n->name, n->name);
	bill_parts_push(parts, (struct bill_part){.type = type_of(n->recipe->kind), .node = n});
	return read_part(r, *ret, n, err);
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct licence *)a)->id, ((const struct licence *)b)->id);
}

static void sort_licences(struct licences *l)
{
	size_t kept = 0;

	if (l->count)
		qsort(l->items, l->count, sizeof(*l->items), by_id);
	for (size_t i = 0; i < l->count; i++) {
		if (!kept || !str_eq(l->items[i].id, l->items[kept - 1].id))
			l->items[kept++] = l->items[i];
	}
	l->count = kept;
}

static int by_name(const void *a, const void *b)
{
	const struct bill_package *x = a, *y = b;
	int rc = strcmp(x->name, y->name);

	if (rc == 0)
		rc = strcmp(x->arch, y->arch);
	return rc ? rc : strcmp(x->version, y->version);
}

/* Several files of one package may have been taken out of a tree. */
static void sort_packages(struct bill_packages *p)
{
	size_t kept = 0;

	if (p->count)
		qsort(p->items, p->count, sizeof(*p->items), by_name);
	for (size_t i = 0; i < p->count; i++) {
		if (!kept || by_name(&p->items[i], &p->items[kept - 1]))
			p->items[kept++] = p->items[i];
	}
	p->count = kept;
}

int bill_make(struct bill *b, const struct graph *g, const struct node *n, const char *store_dir,
	      const char *scratch, struct arena *arena, struct err **err)
{
	struct bill_reading r = {.bill = b, .store_dir = store_dir, .scratch = scratch};
	bool *seen = arena_alloc(arena, g->nodes.count + 1);
	size_t index;
	int rc;

	b->arena = arena;
	b->project = n->recipe->project;
	rc = note_debs(&r, n, seen, err);
	if (rc == 0)
		rc = add_part(&r, n, &index, err);
	map_clear(&r.debs);
	for (size_t i = 0; i < b->parts.count; i++)
		sort_packages(&b->parts.items[i].packages);
	sort_licences(&b->licences);
	return rc;
}

void bill_clear(struct bill *b)
{
	for (size_t i = 0; i < b->parts.count; i++) {
		struct bill_part *p = &b->parts.items[i];

		bill_packages_clear(&p->packages);
		bill_files_clear(&p->files);
		bill_sources_clear(&p->sources);
		bill_links_clear(&p->links);
	}
	bill_parts_clear(&b->parts);
	licences_clear(&b->licences);
	*b = (struct bill){0};
}
