/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bundles and the devices that should take them; certificates and their last day. */
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "check/project_files.h"
#include "kinds/x509.h"

#define DAY (24 * 3600)
#define LEAST_DAYS 30
#define WARN_DAYS 90

static const char *text_of(const struct node *n, const char *key)
{
	const struct yaml *value = yaml_get(n->recipe->map, key);

	return value && value->type == YAML_SCALAR ? value->text : NULL;
}

static bool has_slot_class(const struct check_view *v, const char *class)
{
	char *prefix cleanup_free = xasprintf("slot.%s.", class);

	for (size_t i = 0; i < v->system.count; i++) {
		if (str_skip(v->system.items[i].section, prefix))
			return true;
	}
	return false;
}

static void bundle_suits_devices(struct check_view *v, const struct node *bundle)
{
	const struct conf_entry *device = conf_find(&v->system, "system", "compatible");
	const struct yaml *images = yaml_get(bundle->recipe->map, "images");
	const char *compatible = text_of(bundle, "compatible");

	if (!device)
		return;
	if (compatible && !str_eq(compatible, device->value))
		check_say(v, CHECK_BUNDLE_COMPATIBLE, check_pos(bundle, "compatible"),
			  "devices have compatible=%s (%s:%u) and would refuse a bundle for '%s'",
			  device->value, device->pos.file, device->pos.line, compatible);
	for (size_t i = 0; images && images->type == YAML_MAP && i < images->count; i++) {
		if (!has_slot_class(v, images->keys[i]->text))
			check_say(v, CHECK_BUNDLE_CLASSES, images->keys[i]->pos,
				  "devices have no slot of class '%s' (%s)", images->keys[i]->text,
				  device->pos.file);
	}
}

/* An update that is cut between its images must leave a boot loader that starts the old root. */
static void boot_loader_comes_last(struct check_view *v, const struct node *bundle)
{
	const struct yaml *images = yaml_get(bundle->recipe->map, "images");

	for (size_t i = 0; images && images->type == YAML_MAP && i + 1 < images->count; i++) {
		const char *class = images->keys[i]->text;
		char *section cleanup_free = xasprintf("slot.%s.0", class);
		const struct conf_entry *type = conf_find(&v->system, section, "type");

		if (type && str_eq(type->value, "boot-gpt-switch"))
			check_say(v, CHECK_BUNDLE_ORDER, images->keys[i]->pos,
				  "images are written in this order, and '%s' (%s:%u) would be "
				  "switched before '%s' is written: name it last",
				  class, type->pos.file, type->pos.line, images->keys[i + 1]->text);
	}
}

/* The `contents:` entry that brings a file to TARGET: its 'copy', or NULL. */
static const struct yaml *copied_to(const struct check_view *v, const char *target)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];
		const struct yaml *contents = yaml_get(n->recipe->map, "contents");

		for (size_t k = 0; !check_is_test(n) && contents && contents->type == YAML_LIST &&
				   k < contents->count;
		     k++) {
			const struct yaml *m = contents->items[k];
			const struct yaml *to = m->type == YAML_MAP ? yaml_get(m, "to") : NULL;

			if (to && to->type == YAML_SCALAR && str_eq(to->text, target))
				return yaml_get(m, "copy");
		}
	}
	return NULL;
}

/* Devices must verify with a keyring that knows the signer of the bundle. */
static void devices_know_the_signer(struct check_view *v, const struct node *bundle)
{
	const struct conf_entry *path = conf_find(&v->system, "keyring", "path");
	const struct yaml *copy = path ? copied_to(v, path->value) : NULL;
	const struct check_file *file = path && !copy ? check_target_file(v, path->value) : NULL;
	const char *sign = text_of(bundle, "sign"), *from = copy ? copy->text : NULL, *cert;
	const struct node *signer = sign ? graph_node(v->g, sign) : NULL;
	char *node cleanup_free = from ? xstrndup(from, strcspn(from, ":")) : NULL;
	const struct node *pki = node ? graph_node(v->g, node) : NULL;
	struct err *bad cleanup_err = NULL;
	char *c cleanup_free = NULL, *k cleanup_free = NULL;
	struct x509_facts facts;

	if (!signer || !(cert = text_of(signer, "cert")) || pki == signer || (!copy && !file))
		return;
	if (pki)
		from = text_of(pki, "keyring");
	else if (file)
		from = file->path;
	if (!from)
		return;
	c = path_join(v->g->project->dir, cert);
	k = path_join(v->g->project->dir, from);
	if (!path_exists(c) || !path_exists(k))
		return; /* as note_missing() says */
	if (x509_check_signer(c, k, NULL, (time_t)v->now, &facts, &bad) < 0)
		check_say(v, CHECK_KEYRING_OF_SIGNER, copy ? copy->pos : (struct pos){from, 1, 1},
			  "devices would refuse bundle '%s', which '%s' signs (%s): %s",
			  bundle->name, sign, signer->recipe->file, bad->text);
}

/* A signer that nobody needs here: the files of one that is wanted were asked for before. */
static void note_missing(struct check_view *v, const struct node *pki)
{
	struct err_list found cleanup_err_list = {0};

	node_missing(v->g, pki, &found);
	for (size_t i = 0; i < found.count; i++) {
		const struct err *e = found.items[i];

		check_note(v, CHECK_SIGNER, (struct pos){pki->recipe->file, e->line, e->col}, "%s",
			   e->text);
	}
}

static void signer_is_good(struct check_view *v, const struct node *pki)
{
	const char *dir = v->g->project->dir, *key = text_of(pki, "key");
	const char *cert = text_of(pki, "cert"), *keyring = text_of(pki, "keyring");
	char *c cleanup_free = NULL, *k cleanup_free = NULL, *p cleanup_free = NULL;
	struct err *bad cleanup_err = NULL;
	struct x509_facts facts;
	char date[16];

	if (!cert || !keyring || !key)
		return;
	c = path_join(dir, cert);
	k = path_join(dir, keyring);
	p = path_join(dir, key);
	if (!path_exists(c) || !path_exists(k))
		return;
	/* A machine that only builds has no private key; the rest can be checked all the same. */
	if (x509_check_signer(c, k, path_exists(p) ? p : NULL, (time_t)v->now, &facts, &bad) < 0)
		check_say(v, CHECK_SIGNER, check_pos(pki, "cert"), "%s", bad->text);
	else if (facts.not_after - v->now < (int64_t)WARN_DAYS * DAY)
		check_say(v,
			  facts.not_after - v->now < (int64_t)LEAST_DAYS * DAY
				  ? CHECK_SIGNER_EXPIRES
				  : CHECK_SIGNER_AGES,
			  check_pos(pki, "cert"),
			  "the chain of '%s' ends on %s; bundles signed then are refused: issue a "
			  "new certificate",
			  facts.subject, x509_date(facts.not_after, date));
}

static void check_bundle(struct check_view *v, const struct node *bundle)
{
	bundle_suits_devices(v, bundle);
	boot_loader_comes_last(v, bundle);
	devices_know_the_signer(v, bundle);
}

int check_sign_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (str_eq(n->recipe->kind->name, "pki"))
			note_missing(v, n);
		if (check_is_test(n))
			continue;
		if (str_eq(n->recipe->kind->name, "bundle"))
			check_bundle(v, n);
		else if (str_eq(n->recipe->kind->name, "pki"))
			signer_is_good(v, n);
	}
	return 0;
}
