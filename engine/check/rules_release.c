/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a release is fit to ship. `orch check` warns; a build of the release refuses. */
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "check/view.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/bundle/release_opts.h"
#include "kinds/debian/debian.h"
#include "kinds/device/device_opts.h"
#include "kinds/image/image_opts.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/pki/x509.h"
#include "kinds/run/vm_opts.h"
#include "kinds/test/board_opts.h"
#include "recipe/facts.h"
#include "recipe/recipe.h"

#define PEM_MAX (1u << 20)

static const struct node *bundle_of(const struct check_view *v, const struct node *release)
{
	const struct release_opts *o = release->recipe->opts;

	return check_node_of(v, o->bundle);
}

static const struct node *card_of(const struct check_view *v, const struct node *release)
{
	const struct release_opts *o = release->recipe->opts;

	return check_node_of(v, o->card);
}

/* ---- keys ---- */

struct certificates {
	struct check_view *v;
	const struct node *release;
	const char *file;
	bool said;
};

static void is_for_development(void *arg, const char *subject, int64_t not_before,
			       int64_t not_after)
{
	struct certificates *c = arg;

	if (c->said || !strstr(subject, "CN = " PKI_DEVELOPMENT))
		return;
	c->said = true;
	check_say(
		c->v, CHECK_RELEASE_KEYS, recipe_pos(c->release->recipe, "bundle"),
		"'%s' has a certificate that 'orch pki init' made for development, '%s': devices "
		"would take updates from everybody who has the key. Sign with keys of the product "
		"(docs/keys.md)",
		c->file, subject);
}

static int look_at_certificates(struct check_view *v, const struct node *release, const char *file,
				struct err **err)
{
	struct certificates c = {v, release, file, false};
	char *path cleanup_free = path_join(v->g->project->dir, file);
	struct str text cleanup_str = STR_INIT;

	if (!path_exists(path))
		return 0;
	if (file_read(path, PEM_MAX, &text, err) < 0)
		return -1;
	if (x509_each(text.buf, text.len, is_for_development, &c) < 0)
		check_say(v, CHECK_RELEASE_KEYS, recipe_pos(release->recipe, "bundle"),
			  "'%s' has a certificate that orch cannot read: nobody knows whether "
			  "'orch pki init' made it for development. Write the file again",
			  file);
	return 0;
}

static int keys_are_the_products(struct check_view *v, const struct node *release, struct err **err)
{
	const struct bundle_opts *o = bundle_of(v, release)->recipe->opts;
	const struct node *pki = check_node_of(v, o->sign);
	const struct pki_opts *keys = pki->recipe->opts;
	const char *keyring = check_keyring(v);

	if (look_at_certificates(v, release, keys->cert->text, err) < 0 ||
	    look_at_certificates(v, release, keys->keyring->text, err) < 0)
		return -1;
	return keyring && !str_eq(keyring, keys->keyring->text)
		       ? look_at_certificates(v, release, keyring, err)
		       : 0;
}

/* ---- names ---- */

/* What this project and its templates call a device, and its documentation. */
static bool is_anybodys(const char *compatible)
{
	static const char *const names[] = {"raspberrypi", "edge-device", "gateway", "demo",
					    "device",      "my-device",   "example", "test"};

	for (size_t i = 0; i < array_len(names); i++)
		if (str_eq(compatible, names[i]))
			return true;
	return str_skip(compatible, "example-");
}

static void device_has_a_name(struct check_view *v, const struct node *release)
{
	const struct node *bundle = bundle_of(v, release);
	const struct bundle_opts *o = bundle->recipe->opts;

	if (!recipe_waits(bundle->recipe, &o->compatible) && is_anybodys(o->compatible))
		check_say(
			v, CHECK_RELEASE_COMPATIBLE, recipe_pos(bundle->recipe, "compatible"),
			"'%s' is what a template calls its device: give yours a name that no other "
			"product has, for devices cannot change it",
			o->compatible);
}

static const char *version_of(const struct node *release)
{
	const struct release_opts *o = release->recipe->opts;

	return o->version ? o->version : release->recipe->project->version;
}

static void version_is_its_own(struct check_view *v, const struct node *release)
{
	const struct node *bundle = bundle_of(v, release);
	const struct bundle_opts *o = bundle->recipe->opts;
	const char *version = version_of(release);

	if (version && str_ends(version, "-dev"))
		check_say(v, CHECK_RELEASE_VERSION, recipe_pos(release->recipe, "version"),
			  "version '%s' stands for many commits: set the tag of the release first",
			  version);
	else if (version && !recipe_waits(bundle->recipe, &o->version) &&
		 !str_eq(version, o->version))
		check_say(v, CHECK_RELEASE_VERSION, recipe_pos(bundle->recipe, "version"),
			  "the bundle of release '%s' calls itself '%s'", version, o->version);
}

/* ---- what it is made of ---- */

/*
 * Calls FN for what ships by way of N, whatever it is called; not what only lets a bundle be made.
 */
typedef void part_fn(struct check_view *v, const struct node *n);
static void each_part(struct check_view *v, const struct node *n, bool *seen, part_fn *fn)
{
	const struct kind *k = n->recipe->kind;

	if (seen[n->index])
		return;
	seen[n->index] = true;
	fn(v, n);
	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];
		bool verdict =
			k == &kind_bundle && bundle_is_tested_by(n->recipe->opts, e->ref_text);

		if (e->from && !verdict)
			each_part(v, e->from, seen, fn);
	}
}

static bool pins_dpkg_source(const struct debian_lock *lock)
{
	for (size_t i = 0; i < lock->entries.count; i++)
		if (lock->entries.items[i].type == LOCK_PACKAGE &&
		    str_eq(lock->entries.items[i].name, "dpkg-dev"))
			return true;
	return false;
}

/* Whether N has sources that this machine's dpkg-source unpacks, as the tree itself has none. */
static bool unpacks_by_host(const struct check_view *v, const struct node *n)
{
	const struct debian_opts *o = n->recipe->opts;
	const struct project *p = n->recipe->project;
	struct debian_lock own cleanup_lock = {0}, bases cleanup_lock = {0};
	struct err *none cleanup_err = NULL, *unlocked cleanup_err = NULL;

	if (n->recipe->kind != &kind_debian || !o->sources.count ||
	    debian_lock_read(v->arena, p, n->name, &own, &unlocked) != 0)
		return false;
	return !pins_dpkg_source(&own) &&
	       !(debian_read_bases(v->arena, p, o, &bases, &none) == 0 && pins_dpkg_source(&bases));
}

static void sources_need_no_host(struct check_view *v, const struct node *n)
{
	if (unpacks_by_host(v, n))
		check_say(
			v, CHECK_RELEASE_TOOLS, recipe_pos(n->recipe, "sources"),
			"node '%s' has its sources unpacked by the dpkg-source of the machine that "
			"builds: add 'dpkg-dev' to its packages",
			n->name);
}

/* What of the machine that builds takes part in N beside programs, and its remedy; else NULL. */
static const char *part_of_host(const struct check_view *v, const struct node *n,
				const char **ret_remedy)
{
	const struct kind *k = n->recipe->kind;

	if (k == &kind_image) {
		const struct image_opts *o = n->recipe->opts;

		*ret_remedy = "leave 'writer' out: orch writes ext4 and FAT itself";
		return o->writer == IMAGE_WRITER_GUESTFS ? "the kernel of libguestfs' appliance"
							 : NULL;
	}
	if (k == &kind_vm) {
		const struct vm_opts *o = n->recipe->opts;
		const struct node *board = o->board ? check_node_of(v, o->board) : NULL;
		const struct board_opts *b = board ? board->recipe->opts : NULL;

		*ret_remedy = "name a board in 'board' that has 'firmware' and 'variables'";
		return o->boot == VM_BOOT_EFI && !(b && b->variables) ? "the EFI firmware" : NULL;
	}
	return NULL;
}

static void needs_no_host(struct check_view *v, const struct node *n)
{
	const struct kind *k = n->recipe->kind;
	struct strs programs = {0};
	struct str list cleanup_str = STR_INIT;
	const char *remedy = NULL, *part = part_of_host(v, n, &remedy);

	sources_need_no_host(v, n);
	if (part)
		check_say(v, CHECK_RELEASE_TOOLS, (struct pos){n->recipe->file, 1, 1},
			  "node '%s' takes %s from the machine that builds, which no other has for "
			  "ten years: %s",
			  n->name, part, remedy);
	if (k->tools)
		k->tools(n->recipe->opts, &programs);
	for (size_t i = 0; i < programs.count; i++)
		str_printf(&list, "%s%s", i ? ", " : "", programs.items[i]);
	if (programs.count)
		check_say(v, CHECK_RELEASE_TOOLS, (struct pos){n->recipe->file, 1, 1},
			  "node '%s' is made by programs of the machine that builds (%s), which no "
			  "other has for ten years: %s",
			  n->name, list.buf,
			  k == &kind_run     ? "name a tree in 'root'"
			  : k == &kind_vm    ? "name a board with an 'emulator' in 'board'"
			  : k == &kind_board ? "name a tree with QEMU in 'emulator'"
					     : "name a tree that has them in 'tools'");
	strs_clear(&programs);
}

static void can_be_made_again(struct check_view *v, const struct node *release)
{
	bool *seen cleanup_free = xcalloc(v->g->nodes.count + 1, sizeof(*seen));

	each_part(v, bundle_of(v, release), seen, needs_no_host);
	each_part(v, card_of(v, release), seen, needs_no_host);
}

/* ---- evidence ---- */

/* Whether N is one of RELEASED, or made of one. */
static bool is_made_of(const struct node *n, const bool *released, bool *seen)
{
	if (released[n->index])
		return true;
	if (seen[n->index])
		return false;
	seen[n->index] = true;
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].from && is_made_of(n->in.items[i].from, released, seen))
			return true;
	return false;
}

/* Whether N is a test of what is RELEASED, or made of the verdict of one. */
static bool tells_of_a_test(const struct check_view *v, const struct node *n, const bool *released,
			    bool *seen)
{
	bool *below cleanup_free = xcalloc(v->g->nodes.count + 1, sizeof(*below));

	if (seen[n->index])
		return false;
	seen[n->index] = true;
	if (n->recipe->kind == &kind_test && is_made_of(n, released, below))
		return true;
	for (size_t i = 0; i < n->in.count; i++)
		if (n->in.items[i].from && tells_of_a_test(v, n->in.items[i].from, released, seen))
			return true;
	return false;
}

static bool has_verdict(const struct check_view *v, const bool *released,
			const struct list *tested_by)
{
	bool *seen cleanup_free = xcalloc(v->g->nodes.count + 1, sizeof(*seen));

	for (size_t i = 0; i < tested_by->count; i++) {
		const struct node *n = check_node_of(v, LIST_AT(*tested_by, struct ref *, i));

		if (n && tells_of_a_test(v, n, released, seen))
			return true;
	}
	return false;
}

/* The card, the bundle, and each image in it. */
static bool *what_is_released(const struct check_view *v, const struct node *release)
{
	const struct node *bundle = bundle_of(v, release);
	const struct bundle_opts *b = bundle->recipe->opts;
	bool *ret = xcalloc(v->g->nodes.count + 1, sizeof(*ret));

	ret[bundle->index] = ret[card_of(v, release)->index] = true;
	for (size_t i = 0; i < b->images.count; i++) {
		const struct ref *ref = LIST_AT(b->images, struct named_ref *, i)->ref;
		const struct node *n = check_node_of(v, ref);

		if (n)
			ret[n->index] = true;
	}
	return ret;
}

static void was_tried(struct check_view *v, const struct node *release)
{
	const struct release_opts *o = release->recipe->opts;
	const struct bundle_opts *b = bundle_of(v, release)->recipe->opts;
	bool *released cleanup_free = what_is_released(v, release);

	if (!has_verdict(v, released, &o->tested_by) && !has_verdict(v, released, &b->tested_by))
		check_say(v, CHECK_RELEASE_TESTED, recipe_pos(release->recipe, "tested-by"),
			  "no scenario has started what would be released: name its verdict in "
			  "'tested-by', here or in the bundle");
}

static void tells_what_is_in_it(struct check_view *v, const struct node *n)
{
	const struct beside_opts *o = beside_opts(n->recipe->kind, n->recipe->opts);

	if (!beside_has_format(o, BESIDE_SPDX) && !beside_has_format(o, BESIDE_CYCLONEDX))
		check_say(v, CHECK_RELEASE_DOCUMENTS, recipe_pos(n->recipe, "sbom"),
			  "a release says what is in it: take 'sbom: []' out of node '%s'",
			  n->name);
	if (o->provenance == PROVENANCE_NONE)
		check_say(
			v, CHECK_RELEASE_DOCUMENTS, recipe_pos(n->recipe, "provenance"),
			"a release says where it comes from: take 'provenance: false' out of node "
			"'%s'",
			n->name);
}

/* A build is about the releases that it makes, `orch check` about all. */
static bool is_meant(const struct check_view *v, const struct node *n)
{
	return n->recipe->kind == &kind_release && (n->wanted || v->tree_has);
}

int check_release_rules(struct check_view *v, struct err **err)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (!is_meant(v, n))
			continue;
		device_has_a_name(v, n);
		version_is_its_own(v, n);
		can_be_made_again(v, n);
		was_tried(v, n);
		tells_what_is_in_it(v, bundle_of(v, n));
		tells_what_is_in_it(v, card_of(v, n));
		if (keys_are_the_products(v, n, err) < 0)
			return -1;
	}
	return 0;
}
