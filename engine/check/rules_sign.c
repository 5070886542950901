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

int check_sign_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (check_is_test(n))
			continue;
		if (str_eq(n->recipe->kind->name, "bundle"))
			bundle_suits_devices(v, n);
		else if (str_eq(n->recipe->kind->name, "pki"))
			signer_is_good(v, n);
	}
	return 0;
}
