/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of what is revoked: what OpenSSL, and so a device, says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/identity.h"
#include "kinds/pki/pki.h"
#include "kinds/pki/x509_priv.h"
#include "tmp.h"

#define DAY (24 * 3600)
#define FILE_MAX (1 << 20)

/* A project with keys of its own, as `orch pki init` makes them; and its files. */
struct project {
	char *dir, *signer, *keyring;
	STACK_OF(X509) * certs; /* of the keyring */
	STACK_OF(X509_CRL) * lists;
};

static void project_clear(struct project *p)
{
	free(p->dir);
	free(p->signer);
	free(p->keyring);
	sk_X509_pop_free(p->certs, X509_free);
	sk_X509_CRL_pop_free(p->lists, X509_CRL_free);
}
#define cleanup_project __attribute__((cleanup(project_clear)))

static struct project project_of(const char *name)
{
	struct err *err cleanup_err = NULL;
	struct project p = {.dir = path_join(dir, name),
			    .certs = sk_X509_new_null(),
			    .lists = sk_X509_CRL_new_null()};

	p.signer = path_join(p.dir, "pki/signer.pem");
	p.keyring = path_join(p.dir, "pki/keyring.pem");
	assert_int_equal(path_mkdirs(p.dir, &err), 0);
	assert_int_equal(pki_init(p.dir, NULL, &err), 0);
	assert_int_equal(x509_add_file(p.keyring, p.certs, p.lists, &err), 0);
	return p;
}

/* Appends CERT and LIST, each of which may be NULL, to the file PATH, which need not be there. */
static void append(const char *path, X509 *cert, X509_CRL *list)
{
	BIO *bio cleanup_bio = BIO_new_file(path, "a");

	assert_non_null(bio);
	assert_true(!cert || PEM_write_bio_X509(bio, cert));
	assert_true(!list || PEM_write_bio_X509_CRL(bio, list));
}

static void lists_alone_bring_no_ca(void **state)
{
	struct project p cleanup_project = project_of("trust");
	char *lists cleanup_free = path_join(p.dir, "vendor.pem");
	struct err *err cleanup_err = NULL;
	struct identity thief cleanup_identity = {0};
	struct strv trust cleanup_strv = {0};
	struct str said cleanup_str = STR_INIT;

	assert_int_equal(identity_make(&thief, "thief", NULL, 100, ROLE_ROOT, &err), 0);
	append(lists, NULL, sk_X509_CRL_value(p.lists, 0));
	strv_push(&trust, p.keyring);
	strv_push(&trust, lists);
	assert_int_equal(crl_check(p.signer, &trust, time(NULL), &err), 0);
	append(lists, thief.cert, NULL);
	assert_int_equal(crl_check(p.signer, &trust, time(NULL), &err), -1);
	assert_ptr_equal(err->code, E_LIST_UNFIT);
	assert_non_null(strstr(err->text, "vendor.pem' has a certificate ('CN = thief')"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_alone_bring_no_ca),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
