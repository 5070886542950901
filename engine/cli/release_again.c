/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a release holds so that it can be built again when its archive, this machine and this orch
 * are gone: orch with its libraries, what locks pin, and a script that builds the card, the images
 * of the bundle and its payload from nothing else, and compares them. The signature is not among
 * them: the key is with nobody but its owner.
 */
#include <stdlib.h>

#include "base/file.h"
#include "base/path.h"
#include "cli/carried.h"
#include "cli/checkout.h"
#include "cli/release_dir_priv.h"
#include "cli/release_pool.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/bundle/payload.h"
#include "recipe/git_version.h"

#define SUMS "rebuild.sums"
#define PAYLOAD "out/payload.squashfs" /* of the bundle that is packed again, without signature */

/* What comes out of the script. */
struct again {
	struct nodes nodes;     /* whose outputs are compared */
	char *bundle, *variant; /* recipe of the bundle; "@VALUES" of its node, or "" */
	const char *file;       /* the bundle's output */
	struct payload payload;
};

static void again_clear(struct again *a)
{
	nodes_clear(&a->nodes);
	free(a->bundle);
	free(a->variant);
}
#define cleanup_again __attribute__((cleanup(again_clear)))

/* ---- what is to come out ---- */

/* Nodes whose outputs are compared: the card and each image of the bundle, once. */
static void find_nodes(const struct laying *l, const struct node *bundle, struct nodes *ret)
{
	const struct bundle_opts *b = bundle->recipe->opts;

	nodes_push(ret, release_node_of(l->release, l->o->card));
	for (size_t i = 0; i < b->images.count; i++) {
		struct node *n =
			release_node_of(bundle, LIST_AT(b->images, struct named_ref *, i)->ref);
		bool known = false;

		for (size_t k = 0; k < ret->count; k++)
			known |= ret->items[k] == n;
		if (!known)
			nodes_push(ret, n);
	}
}

static int find_payload(const struct laying *l, const struct node *bundle, struct again *ret,
			struct err **err)
{
	const struct artifact *a = &bundle->record->outputs[0];
	char *path cleanup_free = cas_path(store_dir(l->s->store), a->type, &a->digest);
	size_t len = strcspn(bundle->name, "@");

	ret->bundle = xstrndup(bundle->name, len);
	ret->variant = xstrdup(bundle->name + len);
	ret->file = a->name;
	return release_is_here(l, bundle, a, err) < 0 ? -1 : payload_read(path, &ret->payload, err);
}

static int add_sum(const struct laying *l, const struct node *n, const struct artifact *a,
		   struct str *ret, struct err **err)
{
	char *rel cleanup_free = checkout_path(n->name, a->name), *path cleanup_free = NULL;
	struct digest d = a->digest;
	char hex[DIGEST_HEX + 1];

	if (release_is_here(l, n, a, err) < 0)
		return -1;
	path = cas_path(store_dir(l->s->store), a->type, &a->digest);
	if (a->type == OUTPUT_IMAGE && digest_file(path, &d, err) < 0)
		return -1;
	str_printf(ret, "%s  %s\n", digest_hex(&d, hex), rel);
	return 0;
}

static int place_sums(const struct laying *l, const struct again *a, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, SUMS);
	struct str text cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < a->nodes.count; i++) {
		const struct record *r = a->nodes.items[i]->record;

		for (size_t k = 0; r && k < r->output_count; k++)
			if (add_sum(l, a->nodes.items[i], &r->outputs[k], &text, err) < 0)
				return -1;
	}
	str_printf(&text, "%s  " PAYLOAD "\n", digest_hex(&a->payload.digest, hex));
	return file_write(to, text.buf, text.len, RELEASE_FILE_MODE, false, err);
}

/* ---- the script ---- */

static void quote(struct str *to, const char *word)
{
	str_append(to, " '");
	for (const char *p = word; *p; p++) {
		if (*p == '\'')
			str_append(to, "'\\''");
		else
			str_append_char(to, *p);
	}
	str_append_char(to, '\'');
}

static const char script_head[] =
	"#!/bin/sh\n"
	"# Builds this release again in DIRECTORY, which is made, from what lies here alone, and\n"
	"# compares:  ./rebuild DIRECTORY\n"
	"# It needs no network, and of this machine a kernel on which users may make namespaces.\n"
	"# Of the bundle all is compared but its signature: that takes the key.\n"
	"set -eu\n"
	"here=$(CDPATH='' cd -- \"$(dirname -- \"$0\")\" && pwd)\n";
static const char script_preparation[] =
#include "cli/rebuild.sh.h"
	;

/* The words of $name stand for "tests/rebuild/BUNDLE". */
static void add_payload(const struct again *a, struct str *to)
{
	str_printf(to, "head -c %llu \"out/$name%s/%s\" >" PAYLOAD " || :\n",
		   (unsigned long long)a->payload.size, a->variant, a->file);
}

static int place_script(const struct laying *l, const struct again *a, struct err **err)
{
	char *to cleanup_free = path_join(l->dir, "rebuild");
	const struct strv *sets = &l->s->cli->sets;
	struct str text cleanup_str = STR_INIT;

	str_printf(&text, "%sbundle=%s\n%s", script_head, a->bundle, script_preparation);
	str_append(&text, "\"$here/orch/orch\" build --keep-going --offline");
	for (size_t i = 0; i < sets->count; i++) {
		char *set cleanup_free = xasprintf("--set=%s", sets->items[i]);

		quote(&text, set);
	}
	for (size_t i = 0; i < a->nodes.count; i++)
		quote(&text, a->nodes.items[i]->name);
	str_printf(&text, " \"$name%s\"", a->variant);
	/* Documents beside results may want programs that the machine lacks: bytes decide. */
	str_append(&text,
		   " ||\n\techo \"orch has ended with $?: what it has made is compared\" >&2");
	str_append(&text, "\n");
	add_payload(a, &text);
	str_append(&text, "sha256sum -c \"$here/" SUMS "\"\n");
	return file_write(to, text.buf, text.len, 0555, false, err);
}

/* A version that git told is in no file of the commit. */
static int place_version(const struct laying *l, struct err **err)
{
	char *to cleanup_free = xasprintf("%s/project/" TARBALL_VERSION, l->dir);
	char *text cleanup_free = xasprintf("%s\n", l->s->project->version);

	if (!l->s->project->version_by_git || path_exists(to))
		return 0;
	return file_write(to, text, strlen(text), RELEASE_FILE_MODE, false, err);
}

/* Sources that no pool has keep no release from being made: it is told that they lack. */
static int place_pool(const struct laying *l, struct err **err)
{
	char *text cleanup_free = NULL;
	size_t lacking;

	if (release_pool_write(l->s, l->release, l->dir, &lacking, err) < 0)
		return -1;
	if (!lacking)
		return 0;
	text = l->s->project->pool
		       ? xasprintf("the release is without %zu source packages, which no pool has: "
				   "'orch lock' keeps those that the archive still has",
				   lacking)
		       : xasprintf("the release is without %zu source packages, which no pool has: "
				   "name a 'pool' in project.yaml, and 'orch lock' keeps them",
				   lacking);
	l->tell(l->arg, l->release, text);
	return 0;
}

int release_place_again(const struct laying *l, struct err **err)
{
	const struct node *bundle = release_node_of(l->release, l->o->bundle);
	char *orch cleanup_free = path_join(l->dir, "orch");
	struct again a cleanup_again = {0};

	find_nodes(l, bundle, &a.nodes);
	if (find_payload(l, bundle, &a, err) < 0 || place_version(l, err) < 0 ||
	    place_sums(l, &a, err) < 0 || place_script(l, &a, err) < 0 ||
	    carried_write(orch, err) < 0)
		return -1;
	return place_pool(l, err);
}
