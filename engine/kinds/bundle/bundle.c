/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind bundle: the signed RAUC update bundle. Content is squashfs with a dm-verity tree (format
 * "verity"; "plain" was broken by CVE-2020-25860 and is refused), signed with CMS by rauc itself.
 */
#include "base/path.h"
#include "kinds/bundle/bundle_opts.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "kinds/signing_tool.h"
#include "recipe/recipe.h"

static const char *const formats[] = {"verity", "plain", NULL};
enum format { FORMAT_VERITY, FORMAT_PLAIN };

static const char *const compressions[] = {
	[BUNDLE_ZSTD] = "zstd",
	[BUNDLE_LZ4] = "lz4",
	[BUNDLE_GZIP] = "gzip",
	[BUNDLE_XZ] = "xz",
	NULL,
};

static const struct option hook_options[] = {
	{"file", OPT_REF, offsetof(struct bundle_hooks, file), OPT_REQUIRED,
	 .accept = ACCEPT_PATH | ACCEPT_FILE,
	 .help = "The program; its first argument says which hook it is."},
	{"install-check", OPT_BOOL, offsetof(struct bundle_hooks, install_check),
	 .help = "Whether it decides in place of `compatible` if the bundle may be installed."},
	{"slots", OPT_DICT, offsetof(struct bundle_hooks, slots), OPT_LIST,
	 .help = "Slot class of an image, and pre-install, post-install or both; or install, which "
		 "writes the image in place of rauc.",
	 .example = "{bootloader: [post-install]}"},
};
static const struct schema hook_schema = SCHEMA(struct bundle_hooks, hook_options);

static const struct option bundle_options[] = {
	{"compatible", OPT_STRING, offsetof(struct bundle_opts, compatible),
	 OPT_REQUIRED | OPT_VALUE,
	 .help = "What devices may install it: the 'compatible' of their system.conf."},
	{"version", OPT_STRING, offsetof(struct bundle_opts, version), OPT_REQUIRED | OPT_VALUE,
	 .help = "Version that `rauc status` and `min-bundle-version` see."},
	{"description", OPT_STRING, offsetof(struct bundle_opts, description), OPT_VALUE,
	 .help = "Free text in the manifest."},
	{"format", OPT_ENUM, offsetof(struct bundle_opts, format), .def = "verity",
	 .words = formats, .help = "Bundle format; only verity is allowed."},
	{"compression", OPT_ENUM, offsetof(struct bundle_opts, compression), .def = "zstd",
	 .words = compressions,
	 .help = "Compression of the squashfs; the target's kernel must know it."},
	{"images", OPT_REFDICT, offsetof(struct bundle_opts, images), OPT_REQUIRED,
	 .accept = ACCEPT_IMAGE | ACCEPT_PATH,
	 .help = "Slot class and the image for it; written to the device in this order.",
	 .example = "{rootfs: root, bootloader: boot}"},
	{"adaptive", OPT_STRING, offsetof(struct bundle_opts, adaptive), OPT_LIST,
	 .help = "Slot classes of whose images a device fetches only blocks that it has not yet, "
		 "or true: all but FAT. The bundle gets an index of 32 bytes for each 4 KiB "
		 "(rauc's method block-hash-index, from 1.8 on); the device's system.conf "
		 "needs a 'data-directory' for its own, or it takes the whole image.",
	 .example = "[rootfs]"},
	{"block-size", OPT_SIZE, offsetof(struct bundle_opts, block_size), OPT_POSITIVE,
	 .help = "What the squashfs compresses at once, a power of 2: an adaptive update fetches "
		 "whole ones. Without it mksquashfs's default, 128K.",
	 .example = "64K"},
	{"hooks", OPT_STRUCT, offsetof(struct bundle_opts, hooks), .sub = &hook_schema,
	 .help = "A program that the device's rauc runs at the points named.",
	 .example = "{file: hook, slots: {bootloader: [post-install]}}"},
	{"sign", OPT_REF, offsetof(struct bundle_opts, sign), OPT_REQUIRED, .accept = ACCEPT_SIGNER,
	 .help = "The pki node that signs it.", .example = "pki"},
	{"tools", OPT_REF, offsetof(struct bundle_opts, tools), .accept = ACCEPT_TREE,
	 .help = "Tree whose rauc and mksquashfs make the bundle, in the sandbox: a debian node "
		 "without overlay, for its rauc reads the signing key. Without it this host's do.",
	 .example = "tools"},
	{"tested-by", OPT_REF, offsetof(struct bundle_opts, tested_by), OPT_LIST,
	 .accept = ACCEPT_FILE,
	 .help = "Verdicts of tests, budgets and policies that must pass before the bundle is "
		 "made.",
	 .example = "tests/boot:verdict.json"},
	BESIDE_OPTIONS(struct bundle_opts),
};

bool bundle_is_plain_line(const char *text)
{
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\'')
			return false;
	}
	return *text && *text != ' ' && !str_ends(text, " ");
}

static bool has_image(const struct bundle_opts *o, const char *class)
{
	for (size_t i = 0; i < o->images.count; i++) {
		if (str_eq(LIST_AT(o->images, struct named_ref *, i)->key, class))
			return true;
	}
	return false;
}

/* rauc runs nothing else for an image that has the hook 'install'. */
static void check_slot_hooks(const struct pair *slot, struct err_list *errors)
{
	const struct list *hooks = slot->data;

	for (size_t i = 0; i < hooks->count; i++) {
		const char *hook = LIST_AT(*hooks, const char *, i);

		if (!str_eq(hook, "pre-install") && !str_eq(hook, "post-install") &&
		    !str_eq(hook, "install"))
			err_list_at(errors, E_INVALID_VALUE, slot->pos,
				    "'%s' is not a hook of a slot: pre-install, post-install or "
				    "install",
				    hook);
		else if (str_eq(hook, "install") && hooks->count > 1)
			err_list_at(errors, E_CONFLICTING_KEYS, slot->pos,
				    "with the hook 'install', rauc runs no other for slot class "
				    "'%s'",
				    slot->key);
	}
}

static void check_hooks(const struct bundle_opts *o, const struct yaml *map,
			struct err_list *errors)
{
	const struct list *slots = &o->hooks->slots;

	if (!slots->count && !o->hooks->install_check)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "hooks"),
			    "hooks need 'install-check' or 'slots': the program is never run");
	for (size_t i = 0; i < slots->count; i++) {
		const struct pair *slot = LIST_AT(*slots, struct pair *, i);

		if (!has_image(o, slot->key))
			err_list_at(errors, E_CONFLICTING_KEYS, slot->pos,
				    "there is no image for slot class '%s', so no hook either",
				    slot->key);
		check_slot_hooks(slot, errors);
	}
}

static void check_adaptive(const struct bundle_opts *o, const struct yaml *map,
			   struct err_list *errors)
{
	struct pos pos = yaml_key_pos(map, "adaptive");

	for (size_t i = 0; i < o->adaptive.count; i++) {
		const char *class = LIST_AT(o->adaptive, const char *, i);

		if (str_eq(class, BUNDLE_ADAPTIVE_ALL) && o->adaptive.count == 1)
			continue;
		if (!has_image(o, class))
			err_list_at(errors, E_CONFLICTING_KEYS, pos,
				    "there is no image for slot class '%s', so it cannot be "
				    "adaptive",
				    class);
	}
	if (o->block_size & (o->block_size - 1) || (o->block_size && o->block_size < 4096) ||
	    o->block_size > 1 << 20)
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "block-size"),
			    "'block-size' is a power of 2 from 4K to 1M");
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct bundle_opts *o = data;

	if (o->format == FORMAT_PLAIN)
		err_list_at(errors, E_BUNDLE_PLAIN, yaml_key_pos(map, "format"),
			    "format 'plain' can be changed after its signature was checked "
			    "(CVE-2020-25860); use 'verity'");
	if (!bundle_is_plain_line(o->compatible))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "compatible"),
			    "compatible must be one line of text without '");
	if (!bundle_is_plain_line(o->version))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "version"),
			    "version must be one line of text without '");
	if (o->description && !bundle_is_plain_line(o->description))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "description"),
			    "description must be one line of text without '");
	if (!o->images.count)
		err_list_at(errors, E_EMPTY_VALUE, yaml_key_pos(map, "images"),
			    "a bundle needs at least one image");
	for (size_t i = 0; i < o->images.count; i++) {
		const struct named_ref *image = LIST_AT(o->images, struct named_ref *, i);

		if (strspn(image->key,
			   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
		    strlen(image->key))
			err_list_at(errors, E_INVALID_VALUE, image->ref->pos,
				    "slot class '%s' may have letters, digits, '_' and '-' only",
				    image->key);
	}
	check_adaptive(o, map, errors);
	if (o->hooks)
		check_hooks(o, map, errors);
}

static const struct schema bundle_schema =
	SCHEMA(struct bundle_opts, bundle_options, .check = check_options);

bool bundle_is_tested_by(const struct bundle_opts *o, const char *ref)
{
	for (size_t i = 0; i < o->tested_by.count; i++)
		if (str_eq(LIST_AT(o->tested_by, struct ref *, i)->text, ref))
			return true;
	return false;
}

/* The recipe that `sign` names, or NULL; a reference may name an output, too. */
static const struct recipe *signer_of(const struct kind_ctx *ctx)
{
	const struct ref *sign = ((const struct bundle_opts *)ctx->opts)->sign;

	return map_get(&ctx->project->recipes,
		       arena_strndup(ctx->arena, sign->text, strcspn(sign->text, ":")));
}

/* The rauc that signs also gives all the answers about the bundle. */
static void bundle_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct bundle_opts *o = ctx->opts;
	const struct recipe *pki = signer_of(ctx);

	if (pki && pki->opts && pki_is_openpgp(pki))
		err_list_at(errors, E_WRONG_KIND, o->sign->pos,
			    "'%s' signs package repositories ('type: openpgp'), and devices verify "
			    "a bundle by certificates: name a pki node without 'type'",
			    o->sign->text);
	signing_tool_check(ctx, o->tools, "rauc", errors);
}

static void bundle_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct recipe *pki = signer_of(ctx);

	if (pki && pki->kind == &kind_pki)
		pki_miss_key(pki, errors);
}

static void bundle_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const char *name = arena_printf(ctx->arena, "%s.raucb", path_base(ctx->node));

	output_specs_push(ret, (struct output_spec){name, OUTPUT_FILE});
}

static void bundle_tools(const void *opts, struct strs *ret)
{
	const struct bundle_opts *o = opts;

	if (o->tools) /* the tree's digest names them */
		return;
	strs_push(ret, "rauc");
	strs_push(ret, "mksquashfs");
}

const struct kind kind_bundle = {
	.name = "bundle",
	.summary = "the signed RAUC update bundle (format verity)",
	.version = 2,
	.usual_s = 10,
	.named = kind_always,
	.schema = &bundle_schema,
	.check = bundle_check,
	.missing = bundle_missing,
	.outputs = bundle_outputs,
	.tools = bundle_tools,
};
