/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * kind fit: a FIT image with its signatures, and U-Boot's device trees with the public key. The
 * image itself is made elsewhere, by steps that never see the private key.
 */
#include "base/path.h"
#include "kinds/fit/fit_opts.h"
#include "kinds/kinds.h"
#include "kinds/signing_tool.h"

static const struct option fit_options[] = {
	{"from", OPT_REF, offsetof(struct fit_opts, from), OPT_REQUIRED,
	 .accept = ACCEPT_PATH | ACCEPT_FILE,
	 .help = "The image as mkimage made it, with a node 'signature' in each configuration; the "
		 "output has its name.",
	 .example = "fit-unsigned:slot.itb"},
	{"key", OPT_SECRET, offsetof(struct fit_opts, key), OPT_REQUIRED,
	 .help = "Private key (PEM, RSA). Its bytes enter no key, tree, log or store.",
	 .example = "pki/private/boot.key"},
	{"cert", OPT_REF, offsetof(struct fit_opts, cert), OPT_REQUIRED | OPT_LATER,
	 .accept = ACCEPT_PATH,
	 .help = "Certificate with its public part (PEM). Its name without what follows the dot is "
		 "the image's 'key-name-hint'.",
	 .example = "pki/boot.crt"},
	{"device-trees", OPT_REF, offsetof(struct fit_opts, device_trees), OPT_LIST,
	 .accept = ACCEPT_PATH | ACCEPT_FILE | ACCEPT_INSIDE,
	 .help = "U-Boot's own device trees: outputs are copies that demand this key's signature "
		 "of every configuration.",
	 .example = "device-trees:bcm2711-rpi-400.dtb"},
	{"tools", OPT_REF, offsetof(struct fit_opts, tools), .accept = ACCEPT_TREE,
	 .help = "Tree whose mkimage signs, in the sandbox: a debian node without overlay, for its "
		 "mkimage reads the key. Without it this host's does.",
	 .example = "toolchain"},
};

const char *fit_output_name(const struct ref *ref)
{
	const char *colon = strrchr(ref->text, ':');

	return path_base(colon ? colon + 1 : ref->text);
}

/* mkimage names the files of a key by the hint. */
static bool is_hint(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n > 0 && (!name[n] || name[n] == '.');
}

/* Outputs have the names of what they are made of. */
static void names_differ(const struct fit_opts *o, struct err_list *errors)
{
	for (size_t i = 0; i < o->device_trees.count; i++) {
		const struct ref *tree = LIST_AT(o->device_trees, struct ref *, i),
				 *other = o->from;

		for (size_t k = 0; k <= i; k++) {
			if (str_eq(fit_output_name(tree), fit_output_name(other)))
				err_list_at(errors, E_CONFLICTING_KEYS, tree->pos,
					    "two outputs would be called '%s'",
					    fit_output_name(tree));
			other = LIST_AT(o->device_trees, struct ref *, k);
		}
	}
}

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct fit_opts *o = data;

	if (str_skip(o->key, "pkcs11:"))
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "key")->pos,
			    "keys in a token ('pkcs11:') cannot be used yet: name a PEM file");
	if (!is_hint(path_base(o->cert->text)))
		err_list_at(errors, E_INVALID_VALUE, o->cert->pos,
			    "'%s' gives no name for the key: letters, digits, '_' and '-', then a "
			    "dot",
			    path_base(o->cert->text));
	names_differ(o, errors);
}

static const struct schema fit_schema =
	SCHEMA(struct fit_opts, fit_options, .check = check_options);

static void fit_check(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct fit_opts *o = ctx->opts;

	signing_tool_check(ctx, o->tools, "mkimage", errors);
}

static void fit_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct fit_opts *o = ctx->opts;

	output_specs_push(ret, (struct output_spec){fit_output_name(o->from), OUTPUT_FILE});
	for (size_t i = 0; i < o->device_trees.count; i++) {
		const char *tree = fit_output_name(LIST_AT(o->device_trees, struct ref *, i));

		output_specs_push(ret, (struct output_spec){tree, OUTPUT_FILE});
	}
}

static void fit_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct fit_opts *o = ctx->opts;
	char *key cleanup_free = path_join(ctx->project_dir, o->key);
	char *cert cleanup_free = path_join(ctx->project_dir, o->cert->text);

	if (path_exists(key) && path_exists(cert))
		return;
	err_list_at(
		errors, E_KEYS_MISSING, yaml_get(ctx->map, "key")->pos,
		"there is no key '%s' with certificate '%s'; for development: openssl req -x509 "
		"-newkey rsa:2048 -nodes -batch -days 7300 -subj /CN=boot -keyout %s -out %s",
		o->key, o->cert->text, o->key, o->cert->text);
}

static void fit_tools(const void *opts, struct strs *ret)
{
	const struct fit_opts *o = opts;

	if (!o->tools) /* else the tree's digest names it */
		strs_push(ret, "mkimage");
}

const struct kind kind_fit = {
	.name = "fit",
	.summary = "a FIT image with its signatures, and device trees with the public key",
	.manual = "U-Boot takes nothing but what the key has signed when it was built with "
		  "CONFIG_FIT_SIGNATURE and its own device tree has the key, marked as required, "
		  "as the device trees that come out have. The node fails unless each "
		  "configuration of the image has a signature that covers all it starts.",
	.version = 1,
	.usual_s = 2,
	.schema = &fit_schema,
	.check = fit_check,
	.outputs = fit_outputs,
	.missing = fit_missing,
	.tools = fit_tools,
};
