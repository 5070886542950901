/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bundles and the devices that should take them. */
#include "base/path.h"
#include "check/view.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/pki/x509.h"
#include "kinds/tree/content.h"

static bool has_slot_class(const struct check_view *v, const char *class)
{
	char *prefix cleanup_free = xasprintf("slot.%s.", class);

	for (size_t i = 0; i < v->system.count; i++) {
		if (str_skip(v->system.items[i].section, prefix))
			return true;
	}
	return false;
}

/* The partition of the disk that holds a slot of CLASS, as system.conf says; or NULL. */
static const struct check_partition *slot_of_class(const struct check_view *v, const char *class)
{
	char *section cleanup_free = xasprintf("slot.%s.0", class);
	const struct conf_entry *device = conf_find(&v->system, section, "device");
	const struct conf_entry *type = conf_find(&v->system, section, "type");
	bool region = type && str_skip(type->value, "boot-");

	for (size_t i = 0; device && i < v->partitions.count; i++)
		if (region ? v->partitions.items[i].twice
			   : str_eq(v->partitions.items[i].name, path_base(device->value)))
			return &v->partitions.items[i];
	return NULL;
}

static const struct image_opts *image_opts_of(const struct node *n)
{
	return n && n->recipe->kind == &kind_image ? n->recipe->opts : NULL;
}

/* An update brings to a slot what a new card has there, as far as their recipes say. */
static void image_suits_slot(struct check_view *v, const struct named_ref *image)
{
	const struct check_partition *p = slot_of_class(v, image->key);
	const struct node *brought = check_node_of(v, image->ref);
	const struct image_opts *new = image_opts_of(brought);
	const struct image_opts *card = p ? image_opts_of(p->from) : NULL;

	if (!new || !card)
		return;
	if (new->filesystem != card->filesystem)
		check_say(v, CHECK_BUNDLE_CLASSES, image->ref->pos,
			  "a slot of class '%s' has another file system on a new card ('%s', "
			  "%s:%u) than image '%s' of this bundle",
			  image->key, p->from->name, p->pos.file, p->pos.line, brought->name);
	else if (p->size != CHECK_UNKNOWN && new->size > p->size)
		check_say(v, CHECK_BUNDLE_CLASSES, image->ref->pos,
			  "image '%s' is larger than a slot of class '%s' (%s:%u)", brought->name,
			  image->key, p->pos.file, p->pos.line);
}

static void bundle_suits_devices(struct check_view *v, const struct node *bundle)
{
	const struct conf_entry *device = conf_find(&v->system, "system", "compatible");
	const struct bundle_opts *o = bundle->recipe->opts;

	if (!device)
		return;
	if (recipe_waits(bundle->recipe, &o->compatible) || conf_waits(device))
		check_note(v, CHECK_BUNDLE_COMPATIBLE, recipe_pos(bundle->recipe, "compatible"),
			   "not checked: 'compatible' of it or of %s holds the value of an output",
			   device->pos.file);
	else if (!str_eq(o->compatible, device->value))
		check_say(v, CHECK_BUNDLE_COMPATIBLE, recipe_pos(bundle->recipe, "compatible"),
			  "devices have compatible=%s (%s:%u) and would refuse a bundle for '%s'",
			  device->value, device->pos.file, device->pos.line, o->compatible);
	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);

		if (!has_slot_class(v, image->key))
			check_say(v, CHECK_BUNDLE_CLASSES, image->ref->pos,
				  "devices have no slot of class '%s' (%s)", image->key,
				  device->pos.file);
		else
			image_suits_slot(v, image);
	}
}

/* An update that is cut between its images must leave a boot loader that starts the old root. */
static void boot_loader_comes_last(struct check_view *v, const struct node *bundle)
{
	const struct bundle_opts *o = bundle->recipe->opts;

	for (size_t i = 0; i + 1 < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);
		const struct named_ref *next = LIST_AT(o->images, struct named_ref *, i + 1);
		char *section cleanup_free = xasprintf("slot.%s.0", image->key);
		const struct conf_entry *type = conf_find(&v->system, section, "type");

		if (type && str_eq(type->value, "boot-gpt-switch"))
			check_say(v, CHECK_BUNDLE_ORDER, image->ref->pos,
				  "images are written in this order, and '%s' (%s:%u) would be "
				  "switched before '%s' is written: name it last",
				  image->key, type->pos.file, type->pos.line, next->key);
	}
}

/* What the `contents:` entry copies that brings a file to TARGET, or NULL. */
static const struct ref *copied_to(const struct check_view *v, const char *target)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct list *contents = check_list(n, "contents", OPT_STRUCT);

		for (size_t k = 0; check_ships(v, n) && k < contents->count; k++) {
			const struct content *c = LIST_AT(*contents, struct content *, k);

			if (check_brings(c, target))
				return c->copy;
		}
	}
	return NULL;
}

/*
 * Where the keyring of devices is in the project, and the node of kind pki that has it, or NULL.
 * NULL: devices get none that can be seen.
 */
static const char *keyring(const struct check_view *v, const struct node **ret_pki,
			   struct pos *ret_pos)
{
	const struct conf_entry *path = conf_find(&v->system, "keyring", "path");
	const struct ref *copy = path ? copied_to(v, path->value) : NULL;
	const struct check_file *file = path && !copy ? check_target_file(v, path->value) : NULL;
	const struct node *node = copy ? check_node_of(v, copy) : NULL;

	*ret_pki = node && node->recipe->kind == &kind_pki ? node : NULL;
	*ret_pos = copy ? copy->pos : (struct pos){file ? file->path : NULL, 1, 1};
	if (*ret_pki)
		return ((const struct pki_opts *)node->recipe->opts)->keyring->text;
	if (copy)
		return copy->type == REF_PATH ? copy->text : NULL;
	return file ? file->path : NULL;
}

const char *check_keyring(const struct check_view *v)
{
	const struct node *pki;
	struct pos pos;

	return keyring(v, &pki, &pos);
}

/* Devices must verify with a keyring that knows the signer of the bundle. */
static void devices_know_the_signer(struct check_view *v, const struct node *bundle)
{
	const struct bundle_opts *o = bundle->recipe->opts;
	const struct node *signer = graph_node(v->g, o->sign->node), *pki;
	const struct pki_opts *of_signer = signer->recipe->opts;
	struct pos pos;
	const char *from = keyring(v, &pki, &pos);
	struct err *bad cleanup_err = NULL;
	char *c cleanup_free = NULL, *k cleanup_free = NULL;
	struct x509_facts facts;

	if (!from || pki == signer)
		return;
	c = path_join(v->g->project->dir, of_signer->cert->text);
	k = path_join(v->g->project->dir, from);
	if (!path_exists(c) || !path_exists(k))
		return; /* as note_missing() says */
	if (x509_check_signer(c, k, NULL, (time_t)v->now, &facts, &bad) < 0)
		check_say(v, CHECK_KEYRING_OF_SIGNER, pos,
			  "devices would refuse bundle '%s', which '%s' signs (%s): %s",
			  bundle->name, signer->name, signer->recipe->file, bad->text);
}

struct lists_look {
	struct check_view *v;
	struct pos pos; /* of the keyring, or the node that has it */
	struct pos signer;
	bool asked; /* devices look at lists */
};

static void say_list(void *arg, enum crl_verdict verdict, const char *text)
{
	struct lists_look *l = arg;

	if (verdict == CRL_REVOKED)
		check_say(l->v, CHECK_SIGNER, l->signer, "%s", text);
	else if (l->asked && verdict != CRL_UNKNOWN)
		check_say(l->v, CHECK_REVOCATION_LISTS, l->pos, "%s", text);
}

/* The files that become the keyring of devices: FROM, and the lists that PKI (or NULL) adds. */
static bool trusted_files(const struct check_view *v, const char *from, const struct node *pki,
			  struct strv *ret)
{
	const struct pki_opts *o = pki ? pki->recipe->opts : NULL;

	strv_take(ret, path_join(v->g->project->dir, from));
	for (size_t i = 0; o && i < o->crl.count; i++)
		strv_take(ret,
			  path_join(v->g->project->dir, LIST_AT(o->crl, struct ref *, i)->text));
	for (size_t i = 0; i < ret->count; i++) {
		if (!path_exists(ret->items[i]))
			return false;
	}
	return true;
}

/* Nobody signs with what is revoked; devices that check lists must find those of all CAs. */
static void lists_are_whole(struct check_view *v, const struct node *bundle)
{
	const struct conf_entry *asked = conf_find(&v->system, "keyring", "check-crl");
	const struct bundle_opts *o = bundle->recipe->opts;
	const struct recipe *signer = graph_node(v->g, o->sign->node)->recipe;
	const struct pki_opts *keys = signer->opts;
	struct err *bad cleanup_err = NULL;
	struct strv files cleanup_strv = {0};
	struct lists_look look = {v, .signer = recipe_pos(signer, "cert"),
				  .asked = conf_is_true(asked)};
	const struct node *pki;
	const char *from = keyring(v, &pki, &look.pos);
	char *cert cleanup_free = path_join(v->g->project->dir, keys->cert->text);
	int count;

	if (!from || !path_exists(cert) || !trusted_files(v, from, pki, &files))
		return;
	count = crl_look(cert, &files, (time_t)v->now, say_list, &look, &bad);
	if (count < 0)
		check_say(v, CHECK_REVOCATION_LISTS, look.pos, "%s", bad->text);
	else if (count == 0 && look.asked)
		check_say(v, CHECK_REVOCATION_LISTS, asked->pos,
			  "devices check lists of what is revoked, there is none in '%s', and they "
			  "would refuse every bundle: `orch pki crl` adds empty ones",
			  from);
}

/* Whether one of the verdicts is more than a look at files: of a scenario, or of a step. */
static bool was_started(const struct check_view *v, const struct list *tested_by)
{
	for (size_t i = 0; i < tested_by->count; i++) {
		const struct node *n = check_node_of(v, LIST_AT(*tested_by, struct ref *, i));

		if (n && n->recipe->kind != &kind_budget && n->recipe->kind != &kind_policy)
			return true;
	}
	return false;
}

/* What is signed should have been seen to start. */
static void bundle_was_tried(struct check_view *v, const struct node *bundle)
{
	const struct bundle_opts *o = bundle->recipe->opts;

	if (!was_started(v, &o->tested_by))
		check_say(v, CHECK_UNTESTED_BUNDLE, recipe_pos(bundle->recipe, "tested-by"),
			  "bundle '%s' is signed though nothing has started what is in it: name "
			  "the verdict of a test in 'tested-by'",
			  bundle->name);
}

static void check_bundle(struct check_view *v, const struct node *bundle)
{
	bundle_was_tried(v, bundle);
	bundle_suits_devices(v, bundle);
	boot_loader_comes_last(v, bundle);
	devices_know_the_signer(v, bundle);
	lists_are_whole(v, bundle);
}

int check_bundle_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (n->recipe->kind == &kind_bundle && !check_is_test(v, n))
			check_bundle(v, n);
	}
	return 0;
}
