/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kind pki: the public parts of a signer, after checking them. The private key enters nothing. */
#include "base/path.h"
#include "base/pin.h"
#include "kinds/kinds.h"
#include "kinds/pki/pki_opts.h"
#include "recipe/recipe.h"

static const char *const types[] = {[PKI_X509] = "x509", [PKI_OPENPGP] = "openpgp", NULL};

static const struct option pki_options[] = {
	{"type", OPT_ENUM, offsetof(struct pki_opts, type), .words = types, .def = "x509",
	 .help = "x509: bundles and what devices verify; openpgp: package repositories."},
	{"key", OPT_SECRET, offsetof(struct pki_opts, key), OPT_REQUIRED,
	 .help = "Private key of the signer: a file (PEM; openpgp: as gpg exports it), or of "
		 "x509 the address of one in a token (`pkcs11:token=edge;object=signer`). Its "
		 "bytes enter no key, tree, log or store.",
	 .example = "pki/private/signer.key"},
	{"cert", OPT_REF, offsetof(struct pki_opts, cert), OPT_LATER, .accept = ACCEPT_PATH,
	 .help = "Of x509, which needs it: certificate of the signer, then its intermediates "
		 "(PEM).",
	 .example = "pki/signer.pem"},
	{"keyring", OPT_REF, offsetof(struct pki_opts, keyring), OPT_REQUIRED | OPT_LATER,
	 .accept = ACCEPT_PATH,
	 .help = "Root CAs that devices trust (PEM); openpgp: the public keys that consumers of "
		 "the repository trust.",
	 .example = "pki/keyring.pem"},
	{"tools", OPT_REF, offsetof(struct pki_opts, tools), .accept = ACCEPT_TREE,
	 .help = "Of openpgp: tree whose gpg looks at the keyring. Without it this host's does.",
	 .example = "tools"},
	{"crl", OPT_REF, offsetof(struct pki_opts, crl), OPT_LIST | OPT_LATER,
	 .accept = ACCEPT_PATH,
	 .help = "Further lists of what CAs have revoked (PEM), for devices with `check-crl=true`; "
		 "they travel in the keyring, as those do that it has itself. No certificates: "
		 "devices would trust them.",
	 .example = "pki/vendor-crl.pem"},
};

bool pki_is_openpgp(const struct recipe *r)
{
	return r->kind == &kind_pki && ((const struct pki_opts *)r->opts)->type == PKI_OPENPGP;
}

static const struct schema pki_schema;
static void check_options(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct pki_opts *o = data;

	if (pin_is_for(o->key) && o->type == PKI_OPENPGP)
		err_list_at(errors, E_INVALID_VALUE, yaml_get(map, "key")->pos,
			    "OpenPGP keys in a token ('pkcs11:') cannot be used: name a file");
	else if (pin_is_for(o->key) &&
		 (strstr(o->key, "pin-value=") || strstr(o->key, "pin-source=") ||
		  strstr(o->key, "module-path=")))
		err_list_at(
			errors, E_INVALID_VALUE, yaml_get(map, "key")->pos,
			"a recipe says which key, and not how to get at it: 'pin-file' and "
			"'pkcs11-module' are keys of config.yaml, ORCH_PIN is of the environment");
	if (o->type == PKI_X509 && !o->cert)
		err_list_at(errors, E_MISSING_KEY, map->pos, "key 'cert' is missing: %s",
			    schema_option(&pki_schema, "cert")->help);
	if (o->type == PKI_OPENPGP && o->cert)
		err_list_at(errors, E_CONFLICTING_KEYS, o->cert->pos,
			    "OpenPGP has no certificates: 'keyring' alone is what consumers trust");
	if (o->type == PKI_OPENPGP && o->crl.count)
		err_list_at(
			errors, E_CONFLICTING_KEYS, LIST_AT(o->crl, struct ref *, 0)->pos,
			"OpenPGP has no lists of what is revoked: consumers trust 'keyring' alone");
	if (o->type == PKI_X509 && o->tools)
		err_list_at(errors, E_CONFLICTING_KEYS, o->tools->pos,
			    "'tools' has gpg, which type x509 does not need");
}

static const struct schema pki_schema =
	SCHEMA(struct pki_opts, pki_options, .check = check_options);

static void pki_outputs(const struct kind_ctx *ctx, struct output_specs *ret)
{
	const struct pki_opts *o = ctx->opts;

	if (o->type == PKI_OPENPGP) {
		output_specs_push(ret, (struct output_spec){PKI_KEYRING_GPG, OUTPUT_FILE});
		return;
	}
	output_specs_push(ret, (struct output_spec){"keyring.pem", OUTPUT_FILE});
	output_specs_push(ret, (struct output_spec){"signer.pem", OUTPUT_FILE});
}

/* Whoever starts a project has no keys yet: say the command, not just that a file is missing. */
static void miss_file(const char *project_dir, const struct pki_opts *o, struct pos pos,
		      const char *what, const char *path, struct err_list *errors)
{
	char *abs cleanup_free = path_join(project_dir, path);

	if (path_exists(abs))
		return;
	if (o->type == PKI_X509)
		err_list_at(errors, E_KEYS_MISSING, pos,
			    "there is no %s '%s'; `orch pki init` makes development keys", what,
			    path);
	else
		err_list_at(
			errors, E_KEYS_MISSING, pos,
			"there is no %s '%s': 'gpg --quick-gen-key \"NAME <ADDRESS>\" ed25519 "
			"sign 3y' makes one, which 'gpg --export-secret-keys NAME >%s' and 'gpg "
			"--export NAME >%s' write",
			what, path, o->key, o->keyring->text);
}

void pki_miss_key(const struct recipe *pki, struct err_list *errors)
{
	const struct pki_opts *o = pki->opts;

	if (!pin_is_for(o->key))
		miss_file(pki->project->dir, o, yaml_get(pki->map, "key")->pos, "private key",
			  o->key, errors);
}

static void miss_list(const struct kind_ctx *ctx, const struct ref *list, struct err_list *errors)
{
	char *abs cleanup_free = path_join(ctx->project_dir, list->text);

	if (!path_exists(abs))
		err_list_at(errors, E_KEYS_MISSING, list->pos,
			    "there is no list of what is revoked '%s': get it from its CA (those "
			    "that `orch pki crl` makes are in the keyring)",
			    list->text);
}

/* The public parts. The private key is missed by who signs with it. */
static void pki_missing(const struct kind_ctx *ctx, struct err_list *errors)
{
	const struct pki_opts *o = ctx->opts;

	if (o->cert)
		miss_file(ctx->project_dir, o, o->cert->pos, "certificate", o->cert->text, errors);
	miss_file(ctx->project_dir, o, o->keyring->pos, "keyring", o->keyring->text, errors);
	for (size_t i = 0; i < o->crl.count; i++)
		miss_list(ctx, LIST_AT(o->crl, struct ref *, i), errors);
}

static void pki_tools(const void *opts, struct strs *ret)
{
	const struct pki_opts *o = opts;

	if (o->type == PKI_OPENPGP && !o->tools)
		strs_push(ret, "gpg");
}

const struct kind kind_pki = {
	.name = "pki",
	.summary = "the public parts of a signer, after checking them",
	.version = 3,
	.usual_s = 0.2,
	.schema = &pki_schema,
	.outputs = pki_outputs,
	.missing = pki_missing,
	.made_by = "orch pki init",
	.tools = pki_tools,
	.at_home = kind_always,
};
