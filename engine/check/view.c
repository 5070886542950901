/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check/view.h"

#include "base/path.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/tree/content.h"
#include "recipe/facts.h"

bool check_below_tests(const struct node *n)
{
	return str_skip(n->name, "tests/");
}

bool check_is_test(const struct check_view *v, const struct node *n)
{
	return check_below_tests(n) && !check_ships(v, n);
}

bool check_ships(const struct check_view *v, const struct node *n)
{
	return v->ships[n->index] > 0;
}

uint64_t check_image_size(const struct node *n)
{
	const struct image_opts *o = n->recipe->kind == &kind_image ? n->recipe->opts : NULL;

	return o && o->size != SIZE_AUTO ? o->size : 0;
}

const struct list *check_list(const struct node *n, const char *key, enum option_type type)
{
	static const struct list none;
	const struct list *list = schema_field(n->recipe->kind->schema, n->recipe->opts, key, type);

	return list ? list : &none;
}

const struct node *check_node_of(const struct check_view *v, const struct ref *ref)
{
	return ref->node ? graph_node(v->g, ref->node) : NULL;
}

const char *check_fact(const struct check_view *v, const struct node *n, const char *name)
{
	struct str text cleanup_str = STR_INIT;

	if (facts_of(v->g->project->facts, n->name, name, &text) != FACT_KNOWN)
		return NULL;
	return arena_strdup(v->arena, text.buf);
}

/* A number of bytes of partition NAME that the disk tells. */
static uint64_t part_number(const struct check_view *v, const char *name, const char *what)
{
	const char *text = check_fact(v, v->disk, arena_printf(v->arena, "%s.%s", name, what));
	uint64_t n;

	return text && str_u64(text, &n) == 0 ? n : CHECK_UNKNOWN;
}

static void read_disk(struct check_view *v)
{
	const struct disk_opts *o = v->disk->recipe->opts;

	for (size_t i = 0; i < o->reserved.count; i++) {
		const struct disk_area *a = LIST_AT(o->reserved, struct disk_area *, i);

		check_reserveds_push(&v->reserved,
				     (struct check_reserved){a->name, a->at, a->size, a->pos});
	}
	for (size_t i = 0; i < o->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(o->partitions, struct disk_part *, i);

		check_partitions_push(
			&v->partitions,
			(struct check_partition){
				.name = p->name,
				.from = p->from ? check_node_of(v, p->from) : NULL,
				.start = part_number(v, p->name, "start"),
				.size = part_number(v, p->name, "size"),
				.twice = p->region > 0,
				.grows = p->grow,
				.state = !p->from && (p->filesystem != IMAGE_FS_NONE || p->grow),
				.pos = p->pos});
	}
}

/*
 * Whether devices get of INPUT what they get of a node of kind USER: steps, in a guest, too, make
 * something new of what other steps have made; the tree or the image that they run in stays.
 */
static bool passes_on(const struct kind *user, const struct kind *input)
{
	if (user == &kind_run || user == &kind_vm || user == &kind_fit)
		return input == &kind_run || input == &kind_vm || input == &kind_fit;
	return user == &kind_disk || user == &kind_bundle || user == &kind_image ||
	       user == &kind_tree || user == &kind_debian;
}

static void mark(struct check_view *v, const struct node *n, unsigned depth);

/* Whether E is a verdict that bundle N asks for: nothing of it is in N. */
static bool is_verdict(const struct node *n, const struct edge *e)
{
	return n->recipe->kind == &kind_bundle && bundle_is_tested_by(n->recipe->opts, e->ref_text);
}

/* Of what N is made of, that which a node of kind USER passes on. */
static void mark_inputs(struct check_view *v, const struct node *n, const struct kind *user,
			unsigned depth)
{
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		const struct node *from = e->from;

		if (from && !is_verdict(n, e) && passes_on(user, from->recipe->kind))
			mark(v, from, depth);
	}
}

/* N ships, DEPTH steps away from the disk or bundle. */
static void mark(struct check_view *v, const struct node *n, unsigned depth)
{
	const struct list *disks = check_list(n, "disks", OPT_REF);

	if (v->ships[n->index] && v->ships[n->index] <= depth)
		return;
	v->ships[n->index] = depth;
	mark_inputs(v, n, n->recipe->kind, depth + 1);
	for (size_t i = 0; i < disks->count; i++) {
		const struct node *disk = check_node_of(v, LIST_AT(*disks, struct ref *, i));

		if (disk)
			mark_inputs(v, disk, n->recipe->kind, depth + 2);
	}
}

static void mark_what_ships(struct check_view *v)
{
	bool any = false;

	v->ships = arena_alloc(v->arena, (v->g->nodes.count + 1) * sizeof(*v->ships));
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (check_below_tests(n) || (n != v->disk && n->recipe->kind != &kind_bundle))
			continue;
		any = true;
		mark(v, n, 1);
	}
	for (size_t i = 0; !any && i < v->g->nodes.count; i++)
		v->ships[i] = !check_below_tests(v->g->nodes.items[i]);
}

/* The first disk with reserved areas, else the first. */
static bool better_disk(const struct check_view *v, const struct node *n)
{
	const struct disk_opts *o = n->recipe->opts, *have = v->disk ? v->disk->recipe->opts : NULL;

	return !have || (!have->reserved.count && o->reserved.count);
}

/* The disk that a device is about goes before all others. */
static void choose_disk(struct check_view *v)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (check_below_tests(n) || v->device)
			continue;
		if (n->recipe->kind == &kind_device) {
			v->device = n;
			v->disk = graph_node(v->g, ((struct device_opts *)n->recipe->opts)->disk);
		} else if (n->recipe->kind == &kind_disk && better_disk(v, n)) {
			v->disk = n;
		}
	}
}

const struct check_file *check_target_file(const struct check_view *v, const char *target)
{
	const struct check_file *best = NULL;

	for (size_t i = v->files.count; i-- > 0;) {
		const struct check_file *f = &v->files.items[i];

		if (!check_ships(v, f->image) || !str_eq(f->target, target))
			continue;
		if (!best || v->ships[f->image->index] < v->ships[best->image->index])
			best = f;
	}
	return best;
}

bool check_brings(const struct content *c, const char *target)
{
	const struct ref *r = c->copy;
	const char *name = r && r->inside ? path_base(r->inside) : r ? r->output : NULL;
	const char *rest = c->to ? str_skip(target, c->to) : NULL;

	if (!rest || !*rest)
		return rest;
	return name && str_ends(c->to, "/") && str_eq(rest, name);
}

bool check_target_has(const struct check_view *v, const char *target)
{
	if (check_target_file(v, target))
		return true;
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct list *contents = check_list(n, "contents", OPT_STRUCT);

		for (size_t j = 0; check_ships(v, n) && j < contents->count; j++) {
			if (check_brings(LIST_AT(*contents, struct content *, j), target))
				return true;
		}
	}
	return false;
}

typedef int conf_fn(struct arena *a, const char *dir, const char *rel, const char *filled,
		    struct conf_entries *ret, struct err **err);

static int read_config(struct check_view *v, const char *target, conf_fn *fn,
		       struct conf_entries *ret, struct err **err)
{
	const struct check_file *f = check_target_file(v, target);

	return f ? fn(v->arena, v->g->project->dir, f->path, f->filled, ret, err) : 0;
}

const struct check_partition *check_slot_partition(const struct check_view *v,
						   const struct conf_entry *e)
{
	const struct conf_entry *device = conf_find(&v->system, e->section, "device");

	for (size_t i = 0; str_eq(e->key, "bootname") && device && i < v->partitions.count; i++)
		if (str_eq(v->partitions.items[i].name, path_base(device->value)))
			return &v->partitions.items[i];
	return NULL;
}

int check_view_make(struct check_view *v, struct err **err)
{
	if (!v->used)
		v->used = arena_alloc(v->arena, v->g->project->ignored.count + 1);
	choose_disk(v);
	mark_what_ships(v);
	if (v->disk)
		read_disk(v);
	if (check_files_gather(v, err) < 0)
		return -1;
	check_arguments_gather(v);
	if (read_config(v, "/etc/rauc/system.conf", conf_read_ini, &v->system, err) < 0 ||
	    read_config(v, "/etc/fw_env.config", conf_read_table, &v->fw_env, err) < 0)
		return -1;
	if (read_config(v, "/etc/fstab", conf_read_table, &v->fstab, err) < 0)
		return -1;
	return check_grub_gather(v, err) < 0 ? -1 : check_boot_files_gather(v, err);
}

void check_view_clear(struct check_view *v)
{
	for (size_t i = 0; i < v->texts.count; i++)
		conf_entries_clear(&v->texts.items[i].lines);
	for (size_t i = 0; i < v->grubs.count; i++)
		conf_entries_clear(&v->grubs.items[i].lines);
	check_grubs_clear(&v->grubs);
	check_partitions_clear(&v->partitions);
	check_reserveds_clear(&v->reserved);
	check_files_clear(&v->files);
	check_links_clear(&v->links);
	check_texts_clear(&v->texts);
	check_texts_clear(&v->programs);
	conf_entries_clear(&v->system);
	conf_entries_clear(&v->fw_env);
	conf_entries_clear(&v->fstab);
	conf_entries_clear(&v->kconfig);
	conf_entries_clear(&v->told);
}
