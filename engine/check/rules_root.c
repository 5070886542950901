/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Roots that others made, by Yocto, Buildroot or a script: what they must hold so that the device
 * starts, updates itself, and can be seen to do so by a scenario. Of a root that recipes put
 * together, other rules know more.
 */
#include "base/path.h"
#include "check/foreign.h"
#include "kinds/device/device_opts.h"
#include "kinds/disk/disk_opts.h"
#include "kinds/kinds.h"

#define CONFIG "/etc/rauc/system.conf"
#define CONFIG_MAX (256 * 1024)
#define KEYRING_DIR "/etc/rauc"

/* One of the paths must be there. */
static const struct need {
	const char *what, *paths[4], *without;
} needs[] = {
	{"init", {"/sbin/init", "/usr/sbin/init", "/init", NULL}, "it would not start"},
	{"rauc",
	 {"/usr/bin/rauc", "/bin/rauc", "/usr/sbin/rauc", NULL},
	 "it could install no update, and its slot would never be marked as good"},
	{"configuration of RAUC",
	 {CONFIG, "/usr/lib/rauc/system.conf", NULL},
	 "RAUC would know no slots"},
};

/* A root slot of the device. */
struct slot_root {
	struct check_view *v;
	const char *slot; /* its boot name */
	const struct ref *ref;
	const struct node *image; /* NULL, or not of kind image: taken as it is */
	struct tree *t;
};

static bool has(const struct slot_root *r, const char *path)
{
	return tree_resolve(r->t, path) ||
	       (r->image && (check_is_made(r->v, r->image, path) ||
			     check_writes(r->v, r->image, path) != CHECK_WRITES_NOTHING));
}

static void has_what_it_needs(const struct slot_root *r)
{
	for (size_t i = 0; i < array_len(needs); i++) {
		const struct need *n = &needs[i];
		bool found = false;

		for (size_t k = 0; k < array_len(n->paths) && n->paths[k]; k++)
			found = found || has(r, n->paths[k]);
		if (!found)
			check_say(r->v, CHECK_ROOT_COMPLETE, r->ref->pos,
				  "the root '%s' of slot %s has no %s (%s): %s; add it where the "
				  "root is made, or lay it over it in an image that unpacks it",
				  r->ref->text, r->slot, n->what, n->paths[0], n->without);
	}
}

static void keyring_is_there(const struct slot_root *r, const struct conf_entries *conf)
{
	const struct conf_entry *path = conf_find(conf, "keyring", "path");
	char *whole cleanup_free = NULL;

	if (!path)
		return;
	whole = *path->value == '/' ? xstrdup(path->value) : path_join(KEYRING_DIR, path->value);
	if (!has(r, whole))
		check_say(r->v, CHECK_ROOT_COMPLETE, r->ref->pos,
			  "the root '%s' of slot %s names a keyring that it does not have (%s:%u: "
			  "'%s'): every update would be refused",
			  r->ref->text, r->slot, path->pos.file, path->pos.line, whole);
}

static bool has_bootname(const struct conf_entries *conf, const char *name)
{
	for (size_t i = 0; i < conf->count; i++)
		if (str_eq(conf->items[i].key, "bootname") && str_eq(conf->items[i].value, name))
			return true;
	return false;
}

/* RAUC's configuration in the tree itself; one of the project is looked at by other rules. */
static void config_fits(const struct slot_root *r, const struct device_opts *o)
{
	struct tree_entry *e = tree_resolve(r->t, CONFIG);
	char *text cleanup_free = e ? tree_inode_text(e->inode, CONFIG_MAX) : NULL;
	const char *name = arena_printf(r->v->arena, "%s:%s", r->ref->text, CONFIG);
	struct conf_entries conf = {0};
	const struct conf_entry *compatible;

	if (!text || (r->image && check_is_made(r->v, r->image, CONFIG)))
		return;
	conf_parse_ini(r->v->arena, name, text, &conf);
	compatible = conf_find(&conf, "system", "compatible");
	if (!compatible || !str_eq(compatible->value, o->compatible))
		check_say(r->v, CHECK_ROOT_COMPLETE, r->ref->pos,
			  "the root '%s' of slot %s is for '%s' (%s), and the device is "
			  "compatible with '%s'",
			  r->ref->text, r->slot, compatible ? compatible->value : "nothing", name,
			  o->compatible);
	if (!has_bootname(&conf, r->slot))
		check_say(r->v, CHECK_ROOT_COMPLETE, r->ref->pos,
			  "the root '%s' of slot %s has no slot with bootname=%s (%s): RAUC would "
			  "not find the slot it runs from",
			  r->ref->text, r->slot, r->slot, name);
	keyring_is_there(r, &conf);
	conf_entries_clear(&conf);
}

/* Reads what REF is into R->t. 1: it is not built yet. */
static int read_root(struct slot_root *r, struct err **err)
{
	const struct node *unbuilt = NULL, *n = check_node_of(r->v, r->ref);
	char *file cleanup_free = NULL;

	if (n && n->recipe->kind == &kind_image) {
		r->image = n;
		if (check_read_trees(r->v, n, r->t, &unbuilt, err) < 0)
			return -1;
	} else {
		file = check_file_of(r->v, r->ref, &unbuilt);
		if (file && check_add_file(r->v, r->t, file, NULL, err) < 0)
			return -1;
	}
	if (!unbuilt)
		return 0;
	check_note(r->v, CHECK_ROOT_COMPLETE, r->ref->pos,
		   "not checked until node '%s' is built: what the root '%s' has", unbuilt->name,
		   r->ref->text);
	return 1;
}

static int check_root(struct check_view *v, const struct device_opts *o, const char *slot,
		      const struct ref *ref, struct err **err)
{
	struct tree *t cleanup_tree = tree_new(0, NULL);
	struct slot_root r = {.v = v, .slot = slot, .ref = ref, .t = t};
	int rc;

	if (!check_is_foreign(v, ref))
		return 0;
	rc = read_root(&r, err);
	if (rc)
		return rc < 0 ? -1 : 0;
	has_what_it_needs(&r);
	config_fits(&r, o);
	return 0;
}

static const struct ref *image_of(const struct disk_opts *disk, const char *partition)
{
	for (size_t i = 0; i < disk->partitions.count; i++) {
		const struct disk_part *p = LIST_AT(disk->partitions, struct disk_part *, i);

		if (str_eq(p->name, partition))
			return p->from;
	}
	return NULL;
}

int check_root_rules(struct check_view *v, struct err **err)
{
	const struct device_opts *o = v->device ? v->device->recipe->opts : NULL;

	for (size_t i = 0; v->disk && o && v->tree_has && i < o->slots.count; i++) {
		const struct device_slot *s = LIST_AT(o->slots, struct pair *, i)->data;

		for (size_t k = 0; k < s->boot.count; k++) {
			const struct pair *boot = LIST_AT(s->boot, struct pair *, k);
			const struct ref *ref = image_of(v->disk->recipe->opts, boot->value);

			if (ref && check_root(v, o, boot->key, ref, err) < 0)
				return -1;
		}
	}
	return 0;
}
