/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/identity.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/pki_dir.h"

void identity_clear(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
}

struct extension {
	int nid;
	const char *value;
};

/* RFC 5280 4.2.1: CAs may only sign certificates and lists; pathlen 0: no CA below. */
static const struct extension root_ext[] = {
	{NID_basic_constraints, "critical,CA:TRUE"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{0},
};
static const struct extension intermediate_ext[] = {
	{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
	{NID_key_usage, "critical,keyCertSign,cRLSign"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid"},
	{0},
};
static const struct extension signer_ext[] = {
	{NID_basic_constraints, "critical,CA:FALSE"},
	{NID_key_usage, "critical,digitalSignature"},
	{NID_ext_key_usage, "critical,codeSigning,emailProtection"},
	{NID_subject_key_identifier, "hash"},
	{NID_authority_key_identifier, "keyid"},
	{0},
};

static const struct extension *const extensions[] = {
	[ROLE_ROOT] = root_ext,
	[ROLE_INTERMEDIATE] = intermediate_ext,
	[ROLE_SIGNER] = signer_ext,
};

static int openssl_failed(struct err **err, const char *what)
{
	return err_set(err, E_INTERNAL, "OpenSSL cannot create %s", what);
}

static int add_extensions(X509 *cert, X509 *issuer, const struct extension *ext)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	for (; ext->nid; ext++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, ext->nid, ext->value);
		int ok = e && X509_add_ext(cert, e, -1);

		X509_EXTENSION_free(e);
		if (!ok)
			return -1;
	}
	return 0;
}

static int set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -1;
	bytes[0] &= 0x7f; /* positive, RFC 5280 4.1.2.2 */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok ? 0 : -1;
}

static bool set_validity(X509 *cert, int days)
{
	ASN1_TIME *from = X509_getm_notBefore(cert), *until = X509_getm_notAfter(cert);

	if (days == VALID_ALWAYS)
		return ASN1_TIME_set_string_X509(from, "19700101000000Z") &&
		       ASN1_TIME_set_string_X509(until, "99991231235959Z");
	return X509_gmtime_adj(from, 0) && X509_gmtime_adj(until, (long)days * 24 * 3600);
}

static int fill(X509 *cert, EVP_PKEY *key, const X509_NAME *subject, const struct identity *issuer,
		int days, enum role role)
{
	X509 *by = issuer->cert ? issuer->cert : cert;

	if (!X509_set_version(cert, X509_VERSION_3) || set_serial(cert) < 0 ||
	    !set_validity(cert, days) || !X509_set_pubkey(cert, key) ||
	    !X509_set_subject_name(cert, subject) ||
	    !X509_set_issuer_name(cert, X509_get_subject_name(by)) ||
	    add_extensions(cert, by, extensions[role]) < 0)
		return -1;
	return X509_sign(cert, issuer->key, EVP_sha256()) ? 0 : -1;
}

X509 *certificate_make(EVP_PKEY *key, const X509_NAME *subject, const struct identity *issuer,
		       int days, enum role role)
{
	X509 *cert cleanup_x509 = X509_new();

	if (!cert || fill(cert, key, subject, issuer, days, role) < 0)
		return NULL;
	return steal_ptr(cert);
}

int identity_make(struct identity *id, const char *name, const struct identity *issuer, int days,
		  enum role role, struct err **err)
{
	X509_NAME *subject = X509_NAME_new();

	id->key = EVP_EC_gen("P-256");
	if (id->key && subject &&
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
				       -1, -1, 0))
		id->cert = certificate_make(id->key, subject,
					    issuer ? issuer : &(struct identity){id->key, NULL},
					    days, role);
	X509_NAME_free(subject);
	return id->cert ? 0 : openssl_failed(err, name);
}

static int write_bio(const char *path, BIO *bio, mode_t mode, struct err **err)
{
	struct str data = STR_INIT; /* the BIO's bytes */

	data.len = (size_t)BIO_get_mem_data(bio, &data.buf);
	return pki_file_write(path, &data, mode, err);
}

int identity_write_key(const char *dir, const char *name, EVP_PKEY *key, struct err **err)
{
	char *path cleanup_free = path_join(dir, name);
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc;

	if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		rc = openssl_failed(err, name);
	else
		rc = write_bio(path, bio, 0600, err);
	BIO_free(bio);
	return rc;
}

int identity_write_certs(const char *dir, const char *name, X509 *first, X509 *second,
			 struct err **err)
{
	char *path cleanup_free = path_join(dir, name);
	BIO *bio = BIO_new(BIO_s_mem());
	int rc;

	if (!bio || !PEM_write_bio_X509(bio, first) || (second && !PEM_write_bio_X509(bio, second)))
		rc = openssl_failed(err, name);
	else
		rc = write_bio(path, bio, 0644, err);
	BIO_free(bio);
	return rc;
}
