/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind pki: the public parts of a signer, after checking them. The private key enters nothing. */
#include "base/path.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "recipe/recipe.h"

static const struct option pki_options[] = {
	{"key", OPT_SECRET, offsetof(struct pki_opts, key), OPT_REQUIRED,
	 .help = "Private key of the signer (PEM). Its bytes enter no key, tree, log or store.",
	 .example = "pki/private/signer.key"},
	{"cert", OPT_REF, offsetof(struct pki_opts, cert), OPT_REQUIRED | OPT_LATER,
	 .accept = ACCEPT_PATH, .help = "Certificate of the signer, then its intermediates (PEM).",
	 .example = "pki/signer.pem"},
	{"keyring", OPT_REF, offsetof(struct pki_opts, keyring), OPT_REQUIRED | OPT_LATER,
	 .accept = ACCEPT_PATH, .help = "Root CAs that devices trust (PEM).",
	 .example = "pki/keyring.pem"},
};

static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct pki_opts *o = data;

	if (str_skip(o->key, "pkcs11:"))
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "key")->pos,
			    "keys in a token ('pkcs11:') cannot be used yet: name a PEM file");
}

static const struct schema pki_schema =
	SCHEMA(struct pki_opts, pki_options, .check = check_options);

static void pki_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	output_specs_push(ret, (struct output_spec){"keyring.pem", OUTPUT_FILE});
	output_specs_push(ret, (struct output_spec){"signer.pem", OUTPUT_FILE});
}

/* Whoever starts a project has no keys yet: say the command, not just that a file is missing. */
static void miss_file(const char *project_dir, struct pos pos, const char *what, const char *path,
		      struct err_list *errors)
{
	char *abs cleanup_free = path_join(project_dir, path);

	if (!path_exists(abs))
		err_list_at(errors, E_KEYS_MISSING, pos,
			    "there is no %s '%s'; `orch pki init` makes development keys", what,
			    path);
}

void pki_miss_key(const struct recipe *pki, struct err_list *errors)
{
	const struct pki_opts *o = pki->opts;

	miss_file(pki->project->dir, yaml_get(pki->map, "key")->pos, "private key", o->key, errors);
}

/* The public parts. The private key is missed by who signs with it. */
static void pki_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct pki_opts *o = ctx->opts;

	miss_file(ctx->project_dir, o->cert->pos, "certificate", o->cert->text, errors);
	miss_file(ctx->project_dir, o->keyring->pos, "keyring", o->keyring->text, errors);
}

const struct kind kind_pki = {
	.name = "pki",
	.summary = "the public parts of a signer, after checking them",
	.version = 2,
	.usual_s = 0.2,
	.schema = &pki_schema,
	.outputs = pki_outputs,
	.missing = pki_missing,
	.made_by = "orch pki init",
	.at_home = kind_always,
};
