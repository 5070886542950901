/* SPDX-License-Identifier: GPL-3.0-or-later */
/* orch pki renew and sign-request: another certificate for who signs. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/identity.h"
#include "kinds/pki/pin.h"
#include "kinds/pki/pki_dir.h"
#include "kinds/pki/token.h"

#define KEY_MAX (1024 * 1024) /* bytes */
#define DEPTH_MAX 16          /* CAs of a chain */

/* No signer outlives its CA. */
static int days_below(const X509 *ca)
{
	int days = 0, seconds = 0;

	ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(ca));
	return days < PKI_SIGNER_DAYS ? days : PKI_SIGNER_DAYS;
}

static int ca_is_good(const struct pki_dir *d, X509 *ca, struct err **err)
{
	char name[256], date[16];
	X509 *x = ca;

	for (int i = 0; x && i < DEPTH_MAX; i++) {
		int64_t since = pki_dir_revoked(d, x);

		if (since)
			return err_set(err, E_CERTIFICATE_REVOKED,
				       "CA '%s' is revoked since %s: what it issues is refused",
				       x509_subject(x, name, sizeof(name)), x509_date(since, date));
		x = x509_is_root(x) ? NULL : x509_issuer_of(d->certs, x);
	}
	x509_subject(ca, name, sizeof(name));
	if (days_below(ca) < 1)
		return err_set(err, E_CERTIFICATE_EXPIRED, "CA '%s' is over (%s)", name,
			       x509_date(x509_seconds(X509_get0_notAfter(ca)), date));
	return 0;
}

/* The key of before, under a name that says which certificate it is of. */
static int keep_key(const char *private, const char *name, const X509 *leaf, struct err **err)
{
	char *serial cleanup_free = x509_serial(leaf);
	char *from cleanup_free = xasprintf("%s/%s.key", private, name);
	char *to cleanup_free = xasprintf("%s/%s-%.8s.key", private, name, serial);
	struct str bytes cleanup_pin = STR_INIT;

	if (!path_exists(from))
		return err_set(
			err, E_KEY_UNREADABLE,
			"there is no private key '%s' to renew: where it is in a token, make "
			"a request there for `orch pki sign-request`",
			from);
	if (path_exists(to))
		return 0;
	/* No link: who copies another key over FROM would write into both. */
	return file_read(from, KEY_MAX, &bytes, err) < 0
		       ? -1
		       : file_write(to, bytes.buf, bytes.len, 0600, true, err);
}

/* CERT, and from CA on those above it in CHAIN or CERTS, but for what devices trust. */
static int append_chain(STACK_OF(X509) * chain, STACK_OF(X509) * certs, X509 *cert, X509 *ca,
			struct str *ret)
{
	if (x509_append_pem(cert, ret) < 0)
		return -1;
	for (int i = 0; ca && !x509_is_root(ca) && i < DEPTH_MAX; i++) {
		X509 *above = x509_issuer_of(chain, ca);

		if (x509_append_pem(ca, ret) < 0)
			return -1;
		ca = above ? above : x509_issuer_of(certs, ca);
	}
	return 0;
}

static int renew(struct pki_dir *d, const char *name, STACK_OF(X509) * chain, X509 *ca,
		 const char *key_at, struct err **err)
{
	X509 *leaf = sk_X509_value(chain, 0);
	char *private cleanup_free = path_join(d->path, "private");
	char *key_file cleanup_free = xasprintf("private/%s.key", name);
	char *cert_file cleanup_free = xasprintf("%s/%s.pem", d->path, name);
	struct str certs cleanup_str = STR_INIT;
	struct identity by = {.cert = ca};
	EVP_PKEY *ca_key cleanup_pkey = pki_dir_key(d, ca, key_at, err);
	EVP_PKEY *key cleanup_pkey = ca_key ? EVP_EC_gen("P-256") : NULL;
	X509 *cert cleanup_x509 = NULL;

	by.key = ca_key;
	if (!ca_key)
		return -1;
	if (key)
		cert = certificate_make(key, X509_get_subject_name(leaf), &by, days_below(ca),
					ROLE_SIGNER);
	if (!cert || append_chain(chain, d->certs, cert, ca, &certs) < 0)
		return err_set(err, E_INTERNAL, "OpenSSL cannot create a certificate");
	if (keep_key(private, name, leaf, err) < 0 || pki_dir_keep(d, leaf, err) < 0 ||
	    identity_write_key(d->path, key_file, key, err) < 0)
		return -1;
	return pki_file_write(cert_file, &certs, 0644, err);
}

int pki_renew(const char *project_dir, const char *name, const char *key, struct str *report,
	      struct err **err)
{
	struct pki_dir d cleanup_pki_dir = {0};
	char *file cleanup_free = xasprintf("pki/%s.pem", name);
	char *path cleanup_free = path_join(project_dir, file);
	STACK_OF(X509) *chain cleanup_stack = NULL;
	int alone cleanup_fd = -1;
	X509 *leaf, *ca;

	if (!name_valid(name) || pki_dir_lock(project_dir, &alone, err) < 0 ||
	    pki_dir_open(&d, project_dir, err) < 0 || x509_load(path, &chain, err) < 0)
		return *err ? -1 : err_set(err, E_INVALID_VALUE, "'%s' is not a name", name);
	leaf = sk_X509_value(chain, 0);
	if (X509_check_ca(leaf) || x509_is_root(leaf))
		return err_set(err, E_CERTIFICATE_USAGE,
			       "'%s' does not begin with the certificate of a signer of bundles, "
			       "which a CA issues",
			       path);
	ca = x509_issuer_of(d.certs, leaf);
	if (!ca)
		return err_set(err, E_CA_UNKNOWN, "the CA that issued '%s' is not below '%s'", path,
			       d.path);
	if (ca_is_good(&d, ca, err) < 0 || renew(&d, name, chain, ca, key, err) < 0)
		return -1;
	str_printf(report, "%-22s another key, a leaf for %d days\n", file, days_below(ca));
	str_append(report, "pki/issued/            the certificate of before\n"
			   "pki/private/           and its key, under another name\n");
	return 0;
}

/* ---- a request that a token's key has signed ---- */

static X509_REQ *read_request(const char *path, struct err **err)
{
	BIO *bio cleanup_bio = BIO_new_file(path, "r");
	X509_REQ *req = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = req ? X509_REQ_get0_pubkey(req) : NULL;
	bool good = key && X509_REQ_verify(req, key) == 1;

	ERR_clear_error();
	if (good && EVP_PKEY_get_security_bits(key) >= X509_MIN_STRENGTH)
		return req;
	if (!req)
		err_set(err, E_CERTIFICATE_UNREADABLE,
			"'%s' is not a certificate request (PKCS #10, PEM)", path);
	else if (!good)
		err_set(err, E_CERTIFICATE_UNREADABLE,
			"request '%s' is not signed by the key that it is for", path);
	else
		err_set(err, E_KEY_WEAK,
			"request '%s' is for a weak key of %d bits; use EC P-256, or RSA of 2048 "
			"bits or more",
			path, EVP_PKEY_get_bits(key));
	X509_REQ_free(req);
	return NULL;
}

/* Who stole a key has it still, whatever certificate it gets. */
static int key_is_good(const struct pki_dir *d, EVP_PKEY *key, const char *request,
		       struct err **err)
{
	char name[256];

	for (int i = 0; i < sk_X509_num(d->certs); i++) {
		X509 *x = sk_X509_value(d->certs, i);

		if (EVP_PKEY_eq(key, X509_get0_pubkey(x)) == 1 && pki_dir_revoked(d, x))
			return err_set(err, E_CERTIFICATE_REVOKED,
				       "request '%s' is for the key of '%s', which is revoked: "
				       "make another key",
				       request, x509_subject(x, name, sizeof(name)));
	}
	return 0;
}

static void request_freep(X509_REQ **req)
{
	X509_REQ_free(*req);
}

static int sign_request(const struct pki_dir *d, const char *request, const char *ca_file,
			const char *key_at, struct str *ret, struct err **err)
{
	STACK_OF(X509) *chain cleanup_stack = NULL;
	X509_REQ *req __attribute__((cleanup(request_freep))) = read_request(request, err);
	struct identity by = {0};
	EVP_PKEY *key cleanup_pkey = NULL;
	X509 *cert cleanup_x509 = NULL;

	if (!req || x509_load(ca_file, &chain, err) < 0)
		return -1;
	by.cert = x509_first_ca(chain);
	if (!by.cert)
		return err_set(err, E_CERTIFICATE_USAGE, "'%s' has no certificate of a CA",
			       ca_file);
	if (ca_is_good(d, by.cert, err) < 0 ||
	    key_is_good(d, X509_REQ_get0_pubkey(req), request, err) < 0)
		return -1;
	key = pki_dir_key(d, by.cert, key_at, err);
	by.key = key;
	if (!key)
		return -1;
	cert = certificate_make(X509_REQ_get0_pubkey(req), X509_REQ_get_subject_name(req), &by,
				days_below(by.cert), ROLE_SIGNER);
	if (!cert || append_chain(chain, d->certs, cert, by.cert, ret) < 0)
		return err_set(err, E_INTERNAL, "OpenSSL cannot create a certificate");
	return 0;
}

int pki_sign_request(const char *project_dir, const char *request, const char *ca_file,
		     const char *key_at, struct str *ret, struct err **err)
{
	struct pki_dir d cleanup_pki_dir = {0};

	if (project_dir && pki_dir_open(&d, project_dir, err) < 0) {
		if (!key_at || (*err)->code != E_KEYS_MISSING)
			return -1;
		err_free(steal_ptr(*err)); /* a project of something else */
	}
	return sign_request(&d, request, ca_file, key_at, ret, err);
}
