/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch pki revoke: a certificate onto its CA's list. */
#include "base/file.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki_dir.h"

static int refuse_root(X509 *cert, struct err **err)
{
	char name[256];

	return err_set(
		err, E_CERTIFICATE_USAGE,
		"'%s' is a CA that devices trust, and no list revokes it: take it out of the "
		"keyring by an update that the other CA's signer signs (docs/keys.md, \"A CA "
		"is stolen\")",
		x509_subject(cert, name, sizeof(name)));
}

static void report_revoked(struct str *report, X509 *cert, X509 *ca)
{
	char name[256], by[256];
	char *serial cleanup_free = x509_serial(cert);

	str_printf(report, "pki/" PKI_KEYRING ": '%s' (%s) is on the list of '%s'\n",
		   x509_subject(cert, name, sizeof(name)), serial,
		   x509_subject(ca, by, sizeof(by)));
	str_append(report,
		   "A device refuses all that was ever signed with it or below it, once it runs an "
		   "update with this keyring.\n");
}

static int add_to_list(struct pki_dir *d, X509 *cert, X509 *ca, const char *key_at,
		       struct err **err)
{
	EVP_PKEY *key cleanup_pkey = pki_dir_key(d, ca, key_at, err);
	X509_CRL *list;
	char name[256];

	if (!key)
		return -1;
	list = crl_make(ca, key, d->lists, cert, time(NULL));
	if (!list || pki_dir_set_list(d, ca, list) < 0)
		return err_set(err, E_KEY_UNUSABLE,
			       "OpenSSL cannot sign a list with the key of CA '%s'",
			       x509_subject(ca, name, sizeof(name)));
	return pki_dir_keep(d, cert, err) < 0 ? -1 : pki_dir_save_lists(d, err);
}

int pki_revoke(const char *project_dir, const char *which, const char *key, struct str *report,
	       struct err **err)
{
	struct pki_dir d cleanup_pki_dir = {0};
	char name[256], date[16];
	X509 *cert, *ca;
	int alone cleanup_fd = -1;
	int64_t since;

	if (pki_dir_lock(project_dir, &alone, err) < 0 || pki_dir_open(&d, project_dir, err) < 0)
		return -1;
	cert = pki_dir_find(&d, which, false, err);
	if (!cert)
		return -1;
	if (x509_is_root(cert))
		return refuse_root(cert, err);
	ca = x509_issuer_of(d.certs, cert);
	x509_subject(cert, name, sizeof(name));
	if (!ca)
		return err_set(err, E_CA_UNKNOWN,
			       "the CA that issued '%s' is not below '%s': put its certificate "
			       "there",
			       name, d.path);
	since = pki_dir_revoked(&d, cert);
	if (since) {
		str_printf(report, "'%s' is revoked since %s\n", name, x509_date(since, date));
		return 0;
	}
	if (add_to_list(&d, cert, ca, key, err) < 0)
		return -1;
	report_revoked(report, cert, ca);
	return 0;
}
