/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/pki_status.h"

#include <dirent.h>
#include <openssl/x509v3.h>

#include "base/path.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/pki_dir.h"
#include "kinds/pki/x509.h"

static void add_certificate(struct pki_certificates *to, const struct pki_dir *d, X509 *x,
			    const X509 *signer)
{
	struct pki_certificate *c = pki_certificates_at_end(to);
	char name[256];
	X509_CRL *list;

	c->subject = xstrdup(x509_subject(x, name, sizeof(name)));
	c->serial = x509_serial(x);
	c->from = x509_seconds(X509_get0_notBefore(x));
	c->to = x509_seconds(X509_get0_notAfter(x));
	c->ca = X509_check_ca(x);
	c->trusted = x509_is_root(x) && pki_dir_leads_up(d, x);
	c->revoked = x509_is_root(x) ? 0 : pki_dir_revoked(d, x);
	c->signs = signer && X509_cmp(x, signer) == 0;
	list = c->ca ? pki_dir_list(d, x, NULL) : NULL;
	c->listed = list;
	c->entries = list ? sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)) : 0;
	if (c->entries < 0)
		c->entries = 0;
}

static void ask_keyring(const char *signer, const char *keyring, time_t now,
			struct pki_shipped *ret)
{
	struct err *why cleanup_err = NULL;
	struct strv trust cleanup_strv = {0};
	struct x509_facts facts;

	strv_push(&trust, keyring);
	if (x509_check_signer(signer, keyring, NULL, now, &facts, &why) == 0)
		(void)!crl_check(signer, &trust, now, &why);
	ret->why = why ? xstrdup(why->text) : NULL;
}

/* How many of the certificates that D knows as revoked KEYRING does not; and its lists. */
static int count_unknown(const struct pki_dir *d, const char *keyring, int *ret_lists,
			 struct err **err)
{
	struct pki_dir theirs cleanup_pki_dir = {.certs = sk_X509_new_null(),
						 .lists = sk_X509_CRL_new_null()};
	int n = 0;

	if (x509_add_file(keyring, theirs.certs, theirs.lists, err) < 0)
		return -1;
	*ret_lists = sk_X509_CRL_num(theirs.lists);
	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		X509 *x = sk_X509_value(d->certs, i);

		/* The CA of a leaf is often no part of a keyring. */
		if (X509_up_ref(x))
			sk_X509_push(theirs.certs, x);
	}
	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		X509 *x = sk_X509_value(d->certs, i);

		n += !x509_is_root(x) && pki_dir_revoked(d, x) && !pki_dir_revoked(&theirs, x);
	}
	return n;
}

static int add_shipped(struct pki_status *s, const struct pki_dir *d, const char *dir,
		       const char *name, time_t now, struct err **err)
{
	char *keyring cleanup_free = xasprintf("%s/%s/" PKI_KEYRING, dir, name);
	char *signer cleanup_free = path_join(d->path, "signer.pem");
	struct pki_shipped *to;
	int unknown, lists;

	if (!path_exists(keyring))
		return 0;
	unknown = count_unknown(d, keyring, &lists, err);
	if (unknown < 0)
		return -1;
	to = pki_shippeds_at_end(&s->shipped);
	to->name = xstrdup(name);
	to->unknown = unknown;
	to->lists = lists;
	ask_keyring(signer, keyring, now, to);
	return 0;
}

static int add_releases(struct pki_status *s, const struct pki_dir *d, const char *dir, time_t now,
			struct err **err)
{
	struct strv names cleanup_strv = {0};
	DIR *open = opendir(dir);
	struct dirent *e;

	while (open && (e = readdir(open))) {
		if (*e->d_name != '.')
			strv_push(&names, e->d_name);
	}
	if (open)
		closedir(open);
	strv_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		if (add_shipped(s, d, dir, names.items[i], now, err) < 0)
			return -1;
	}
	return 0;
}

int pki_status_read(const char *project_dir, const char *releases, time_t now,
		    struct pki_status *ret, struct err **err)
{
	struct pki_dir d cleanup_pki_dir = {0};
	STACK_OF(X509) *chain cleanup_stack = NULL;
	char *signer cleanup_free = path_join(project_dir, "pki/signer.pem");

	if (pki_dir_open(&d, project_dir, err) < 0)
		return -1;
	if (path_exists(signer) && x509_load(signer, &chain, err) < 0)
		return -1;
	for (int i = 0; i < sk_X509_num(d.certs); i++)
		add_certificate(&ret->certificates, &d, sk_X509_value(d.certs, i),
				chain ? sk_X509_value(chain, 0) : NULL);
	return chain ? add_releases(ret, &d, releases, now, err) : 0;
}

void pki_status_clear(struct pki_status *s)
{
	for (size_t i = 0; i < s->certificates.count; i++) {
		free(s->certificates.items[i].subject);
		free(s->certificates.items[i].serial);
	}
	for (size_t i = 0; i < s->shipped.count; i++) {
		free(s->shipped.items[i].name);
		free(s->shipped.items[i].why);
	}
	pki_certificates_clear(&s->certificates);
	pki_shippeds_clear(&s->shipped);
}
