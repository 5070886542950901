/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/identity.h"
#include "kinds/pki/pki_dir.h"
#include "kinds/pki/x509.h"

/* A CA, the intermediate that it signs, and the signer of bundles below that. */
struct branch {
	struct identity ca, intermediate, signer;
};

static void branch_clear(struct branch *b)
{
	identity_clear(&b->ca);
	identity_clear(&b->intermediate);
	identity_clear(&b->signer);
}
#define cleanup_branch __attribute__((cleanup(branch_clear)))

/* The subjects of what is below a CA, and the files below pki/. */
struct branch_names {
	const char *intermediate, *signer;
	const char *intermediate_key, *signer_key, *certs;
};
static const struct branch_names root_names = {PKI_DEVELOPMENT "signing CA",
					       PKI_DEVELOPMENT "signer", "private/intermediate.key",
					       "private/signer.key", "signer.pem"};
static const struct branch_names rollover_names = {
	PKI_DEVELOPMENT "rollover signing CA", PKI_DEVELOPMENT "rollover signer",
	"private/rollover-intermediate.key", "private/rollover-signer.key", "rollover-signer.pem"};

static int make_below(struct branch *b, const struct branch_names *n, struct err **err)
{
	if (identity_make(&b->intermediate, n->intermediate, &b->ca, PKI_INTERMEDIATE_DAYS,
			  ROLE_INTERMEDIATE, err) < 0)
		return -1;
	return identity_make(&b->signer, n->signer, &b->intermediate, PKI_SIGNER_DAYS, ROLE_SIGNER,
			     err);
}

static int write_below(const char *pki, const struct branch *b, const struct branch_names *n,
		       struct err **err)
{
	if (identity_write_key(pki, n->intermediate_key, b->intermediate.key, err) < 0 ||
	    identity_write_key(pki, n->signer_key, b->signer.key, err) < 0)
		return -1;
	return identity_write_certs(pki, n->certs, b->signer.cert, b->intermediate.cert, err);
}

static bool is_there(const char *pki, const char *name)
{
	char *path cleanup_free = path_join(pki, name);

	return path_exists(path);
}

static int refuse_existing(const char *pki, struct err **err)
{
	static const char *const names[] = {"signer.pem",
					    "keyring.pem",
					    "rollover-signer.pem",
					    "private/root.key",
					    "private/rollover.key",
					    "private/signer.key",
					    "private/intermediate.key",
					    "private/rollover-signer.key",
					    "private/rollover-intermediate.key"};

	for (size_t i = 0; i < array_len(names); i++) {
		if (is_there(pki, names[i]))
			return err_set(
				err, E_KEYS_EXIST,
				"'%s/%s' is already there; keys are never overwritten. Move pki/ "
				"away first if you really want new ones: devices trust the old "
				"ones",
				pki, names[i]);
	}
	return 0;
}

static int make_all(struct branch *root, struct branch *rollover, struct err **err)
{
	if (identity_make(&root->ca, PKI_DEVELOPMENT "root CA", NULL, PKI_ROOT_DAYS, ROLE_ROOT,
			  err) < 0 ||
	    identity_make(&rollover->ca, PKI_DEVELOPMENT "rollover CA", NULL, PKI_ROOT_DAYS,
			  ROLE_ROOT, err) < 0 ||
	    make_below(root, &root_names, err) < 0)
		return -1;
	return make_below(rollover, &rollover_names, err);
}

static int write_all(const char *pki, const struct branch *root, const struct branch *rollover,
		     struct err **err)
{
	if (identity_write_key(pki, "private/root.key", root->ca.key, err) < 0 ||
	    identity_write_key(pki, "private/rollover.key", rollover->ca.key, err) < 0 ||
	    identity_write_certs(pki, "keyring.pem", root->ca.cert, rollover->ca.cert, err) < 0 ||
	    write_below(pki, root, &root_names, err) < 0)
		return -1;
	return write_below(pki, rollover, &rollover_names, err);
}

static void report_all(struct str *to)
{
	str_printf(to,
		   "pki/keyring.pem          root CA and rollover CA for %d days, and what each CA "
		   "has revoked: nothing\n",
		   PKI_ROOT_DAYS);
	str_printf(to, "pki/signer.pem           leaf for %d days, its intermediate for %d days\n",
		   PKI_SIGNER_DAYS, PKI_INTERMEDIATE_DAYS);
	str_printf(to, "pki/rollover-signer.pem  the same under the rollover CA\n");
	str_printf(to, "pki/private/             the keys of all these (EC P-256)\n");
	str_printf(to, "These are development keys: product keys belong in an HSM or token.\n");
}

/* Whether there is nothing of a signer under the rollover CA, beside the keys of an older time. */
static bool lacks_rollover_signer(const char *pki)
{
	return is_there(pki, "keyring.pem") && !is_there(pki, rollover_names.certs) &&
	       !is_there(pki, rollover_names.signer_key) &&
	       !is_there(pki, rollover_names.intermediate_key);
}

/* That of CERTS which is for KEY, and the caller's to free; NULL: none. */
static X509 *find_cert(STACK_OF(X509) * certs, const EVP_PKEY *key)
{
	for (int i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (EVP_PKEY_eq(key, X509_get0_pubkey(x)) == 1)
			return X509_up_ref(x) ? x : NULL;
	}
	return NULL;
}

static int read_rollover_ca(const char *pki, struct identity *ret, struct err **err)
{
	char *path cleanup_free = path_join(pki, "private/rollover.key");
	char *keyring cleanup_free = path_join(pki, "keyring.pem");
	STACK_OF(X509) *certs cleanup_stack = NULL;

	ret->key = x509_read_key(path);
	if (!ret->key)
		return err_set(err, E_KEY_UNUSABLE,
			       "'%s' is not a private key (PEM, without passphrase)", path);
	if (x509_load(keyring, &certs, err) < 0)
		return -1;
	ret->cert = find_cert(certs, ret->key);
	if (!ret->cert)
		return err_set(err, E_KEY_UNUSABLE,
			       "private key '%s' does not belong to a certificate of '%s'", path,
			       keyring);
	return 0;
}

static int add_rollover_signer(const char *pki, struct str *report, struct err **err)
{
	struct branch rollover cleanup_branch = {0};

	if (!is_there(pki, "private/rollover.key"))
		return err_set(
			err, E_KEYS_EXIST,
			"'%s/keyring.pem' is already there; keys are never overwritten. To "
			"add '%s', bring the rollover CA's key to '%s/private/rollover.key'; "
			"only a proof that devices take its bundles needs it",
			pki, rollover_names.certs, pki);
	if (read_rollover_ca(pki, &rollover.ca, err) < 0 ||
	    make_below(&rollover, &rollover_names, err) < 0 ||
	    write_below(pki, &rollover, &rollover_names, err) < 0)
		return -1;
	if (report)
		str_printf(report,
			   "pki/rollover-signer.pem  leaf for %d days, its intermediate for %d "
			   "days, under the rollover CA\n"
			   "pki/keyring.pem          a list of what that intermediate revokes\n"
			   "Everything else in pki/ is as it was.\n",
			   PKI_SIGNER_DAYS, PKI_INTERMEDIATE_DAYS);
	return 0;
}

int pki_init(const char *project_dir, struct str *report, struct err **err)
{
	struct branch root cleanup_branch = {0}, rollover cleanup_branch = {0};
	char *pki cleanup_free = path_join(project_dir, "pki");
	char *private cleanup_free = path_join(pki, "private");
	int alone cleanup_fd = -1;

	if (path_mkdirs_within(project_dir, "pki/private", err) < 0 ||
	    pki_dir_lock(project_dir, &alone, err) < 0)
		return -1;
	if (lacks_rollover_signer(pki)) {
		if (add_rollover_signer(pki, report, err) < 0)
			return -1;
		close(steal_fd(&alone));
		return pki_add_lists(project_dir, NULL, NULL, NULL, err);
	}
	if (refuse_existing(pki, err) < 0)
		return -1;
	if (chmod(private, 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot protect '%s'", private);
	if (make_all(&root, &rollover, err) < 0 || write_all(pki, &root, &rollover, err) < 0)
		return -1;
	close(steal_fd(&alone)); /* which who adds lists takes again */
	if (pki_add_lists(project_dir, NULL, NULL, NULL, err) < 0)
		return -1;
	if (report)
		report_all(report);
	return 0;
}

/* ---- for once ---- */

static int write_throwaway(const char *pki, const struct identity *ca,
			   const struct identity *signer, struct err **err)
{
	if (identity_write_key(pki, "private/signer.key", signer->key, err) < 0 ||
	    identity_write_certs(pki, PKI_KEYRING, ca->cert, NULL, err) < 0)
		return -1;
	return identity_write_certs(pki, "signer.pem", signer->cert, NULL, err);
}

int pki_throwaway(const char *project_dir, struct str *report, struct err **err)
{
	struct identity ca cleanup_identity = {0}, signer cleanup_identity = {0};
	char *pki cleanup_free = path_join(project_dir, "pki");
	char *private cleanup_free = path_join(pki, "private");
	int alone cleanup_fd = -1;

	if (path_mkdirs_within(project_dir, "pki/private", err) < 0 ||
	    pki_dir_lock(project_dir, &alone, err) < 0 || refuse_existing(pki, err) < 0)
		return -1;
	if (chmod(private, 0700) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot protect '%s'", private);
	if (identity_make(&ca, PKI_DEVELOPMENT "throwaway CA", NULL, VALID_ALWAYS, ROLE_ROOT, err) <
		    0 ||
	    identity_make(&signer, PKI_DEVELOPMENT "throwaway signer", &ca, VALID_ALWAYS,
			  ROLE_SIGNER, err) < 0 ||
	    write_throwaway(pki, &ca, &signer, err) < 0)
		return -1;
	if (report)
		str_append(report, "pki/  a signer for once, whom no device believes\n");
	return 0;
}
