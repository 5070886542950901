/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of what is revoked (crl.h) for CAs that have none. */
#include <openssl/x509v3.h>

#include "base/file.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki_dir.h"

static int add_list(struct pki_dir *d, X509 *ca, EVP_PKEY *key, struct str *report,
		    struct err **err)
{
	X509_CRL *list = crl_make(ca, key, d->lists, NULL, 0);
	char name[256], date[16];

	x509_subject(ca, name, sizeof(name));
	if (!list || pki_dir_set_list(d, ca, list) < 0)
		return err_set(err, E_KEY_UNUSABLE,
			       "OpenSSL cannot sign a list with the key of CA '%s'", name);
	if (report)
		str_printf(report, "pki/" PKI_KEYRING ": a list of CA '%s', until %s\n", name,
			   x509_date(x509_seconds(X509_get0_notAfter(ca)), date));
	return 0;
}

/*
 * A CA that could sign and has no list that devices take, several, or one that is not of all its
 * time. No CA that is over, and none that devices do not trust, or of which the CA above has gone.
 */
static bool lacks_list(const struct pki_dir *d, X509 *x)
{
	time_t now = time(NULL);
	int count, code;

	if (!crl_is_asked_of(x, now) || !pki_dir_leads_up(d, x))
		return false;
	(void)!pki_dir_list(d, x, &count);
	code = crl_ask(d->certs, d->lists, x, now);
	if (count == 1 && code == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN)
		return false; /* nor does another help */
	return count != 1 || code || crl_ask_always(d->certs, d->lists, x);
}

/* The key of CA: below pki/, else what KEY (NULL: not told) names. */
static EVP_PKEY *key_of(const struct pki_dir *d, X509 *ca, const char *key, struct err **err)
{
	EVP_PKEY *ours = pki_dir_key(d, ca, NULL, err);

	if (ours || !key)
		return ours;
	err_free(steal_ptr(*err));
	return pki_dir_key(d, ca, key, err);
}

/* Makes those whose keys are here. The first CA whose key is not becomes the error, at the end. */
static int add_all(struct pki_dir *d, const char *where, struct str *report, struct err **err)
{
	struct err *first cleanup_err = NULL;

	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		struct err *why cleanup_err = NULL;
		X509 *ca = sk_X509_value(d->certs, i);
		EVP_PKEY *key cleanup_pkey = lacks_list(d, ca) ? key_of(d, ca, where, &why) : NULL;

		if (key && add_list(d, ca, key, report, err) < 0)
			return -1;
		if (why && !first)
			first = steal_ptr(why);
	}
	if (pki_dir_save_lists(d, err) < 0)
		return -1;
	if (first)
		*err = steal_ptr(first);
	return *err ? err_wrap(err,
			       "`orch pki crl --ca FILE --key KEY` makes its list where the key is")
		    : 0;
}

int pki_add_lists(const char *project_dir, const char *ca, const char *key, struct str *report,
		  struct err **err)
{
	struct pki_dir d cleanup_pki_dir = {0};
	EVP_PKEY *opened cleanup_pkey = NULL;
	int alone cleanup_fd = -1;
	X509 *x;

	if (pki_dir_lock(project_dir, &alone, err) < 0 || pki_dir_open(&d, project_dir, err) < 0)
		return -1;
	if (!ca)
		return add_all(&d, key, report, err);
	x = pki_dir_find(&d, ca, true, err);
	if (!x)
		return -1;
	if (!X509_check_ca(x))
		return err_set(err, E_CERTIFICATE_USAGE, "'%s' is not a CA: it has no list", ca);
	if (!pki_dir_leads_up(&d, x))
		return err_set(err, E_CA_UNKNOWN,
			       "neither CA '%s' is in '%s/" PKI_KEYRING "' nor the one that "
			       "issued it below 'pki/': put that certificate there",
			       ca, d.path);
	if (!lacks_list(&d, x))
		return 0;
	opened = pki_dir_key(&d, x, key, err);
	if (!opened || add_list(&d, x, opened, report, err) < 0)
		return -1;
	return pki_dir_save_lists(&d, err);
}
