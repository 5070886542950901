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

static void note(void *arg, enum crl_verdict verdict, const char *text)
{
	if (verdict != CRL_UNKNOWN) /* of the rollover CA's intermediate */
		str_printf(arg, "%d %s\n", (int)verdict, text);
}

/* What is said at time NOW of P, whose signer is the first, and of the file LISTS (or NULL). */
static void look(const struct project *p, const char *lists, time_t now, struct str *ret)
{
	struct err *err cleanup_err = NULL;
	struct strv trust cleanup_strv = {0};

	str_clear(ret);
	strv_push(&trust, p->keyring);
	if (lists)
		strv_push(&trust, lists);
	assert_true(crl_look(p->signer, &trust, now, note, ret, &err) > 0);
}

static void says(const struct project *p, time_t now, const char *word)
{
	struct str said cleanup_str = STR_INIT;

	look(p, NULL, now, &said);
	if (!strstr(said.buf ? said.buf : "", word))
		fail_msg("'%s' is not in '%s'", word, said.buf);
}

static void says_nothing(const struct project *p, time_t now)
{
	struct str said cleanup_str = STR_INIT;

	look(p, NULL, now, &said);
	assert_string_equal(said.len ? said.buf : "", "");
}

/* A CA of NAME for DAYS, whose certificate is in P's keyring from now on. */
static void add_ca(const struct project *p, struct identity *ca, const char *name, int days)
{
	struct err *err cleanup_err = NULL;

	assert_int_equal(identity_make(ca, name, NULL, days, ROLE_ROOT, &err), 0);
	append(p->keyring, ca->cert, NULL);
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

/* Keeps what CA may do to NAMES, and signs it again with its own KEY. */
static void restrict_usage(X509 *ca, EVP_PKEY *key, const char *names)
{
	int at = X509_get_ext_by_NID(ca, NID_key_usage, -1);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, names);

	X509_EXTENSION_free(X509_delete_ext(ca, at));
	assert_true(e && X509_add_ext(ca, e, -1));
	X509_EXTENSION_free(e);
	assert_true(X509_sign(ca, key, EVP_sha256()));
}

static void who_may_sign_no_list_has_none(void **state)
{
	struct project p cleanup_project = project_of("usage");
	struct err *err cleanup_err = NULL;
	struct identity ca cleanup_identity = {0};
	X509_CRL *list cleanup_crl = NULL;

	assert_int_equal(identity_make(&ca, "no lists", NULL, 100, ROLE_ROOT, &err), 0);
	restrict_usage(ca.cert, ca.key, "critical,keyCertSign");
	list = crl_make(ca.cert, ca.key, NULL, NULL, 0);
	append(p.keyring, ca.cert, list);
	says(&p, time(NULL), "CA 'CN = no lists' lacks the usage cRLSign");
}

/* LIST, changed by the caller, is signed with KEY. */
static void sign_again(X509_CRL *list, EVP_PKEY *key)
{
	assert_true(X509_CRL_sign(list, key, EVP_sha256()));
}

static void devices_may_take_a_forged_list_first(void **state)
{
	struct project p cleanup_project = project_of("forged");
	struct err *err cleanup_err = NULL;
	struct str report cleanup_str = STR_INIT;
	X509 *ca = sk_X509_value(p.certs, 0);
	EVP_PKEY *other cleanup_pkey = EVP_EC_gen("P-256");
	X509_CRL *list cleanup_crl = crl_make(ca, other, NULL, NULL, 0);
	ASN1_TIME *now = ASN1_TIME_adj(NULL, time(NULL), 0, 60);

	assert_true(X509_CRL_set1_lastUpdate(list, now));
	ASN1_TIME_free(now);
	sign_again(list, other);
	append(p.keyring, NULL, list);
	says(&p, time(NULL) + DAY, "root CA' has revoked there is one that it has not signed");
	assert_int_equal(pki_add_lists(p.dir, NULL, NULL, &report, &err), 0);
	says_nothing(&p, time(NULL) + DAY);
}

/* One of a vendor's that is of CAs alone says nothing of signers. */
static void a_list_of_something_else_is_none(void **state)
{
	struct project p cleanup_project = project_of("scope");
	ISSUING_DIST_POINT *only = ISSUING_DIST_POINT_new();
	struct identity ca cleanup_identity = {0};
	X509_CRL *list cleanup_crl = NULL;

	add_ca(&p, &ca, "vendor", 100);
	list = crl_make(ca.cert, ca.key, NULL, NULL, 0);
	only->onlyCA = 0xff;
	assert_true(X509_CRL_add1_ext_i2d(list, NID_issuing_distribution_point, only, 1, 0));
	ISSUING_DIST_POINT_free(only);
	sign_again(list, ca.key);
	append(p.keyring, NULL, list);
	says(&p, time(NULL), "do not take the list of what CA 'CN = vendor' has revoked");
}

static void a_list_that_ends_is_told(void **state)
{
	struct project p cleanup_project = project_of("ends");
	struct identity ca cleanup_identity = {0};
	X509_CRL *list cleanup_crl = NULL;
	ASN1_TIME *soon = ASN1_TIME_adj(NULL, time(NULL), 10, 0);

	add_ca(&p, &ca, "short", 100);
	list = crl_make(ca.cert, ca.key, NULL, NULL, 0);
	assert_true(X509_CRL_set1_nextUpdate(list, soon));
	ASN1_TIME_free(soon);
	sign_again(list, ca.key);
	append(p.keyring, NULL, list);
	says(&p, time(NULL), "before the CA: devices");
	says(&p, time(NULL) + 20 * DAY, "ended on");
	says_nothing(&p, time(NULL) + 101 * DAY);
}

/* Nothing below it is taken whatever a list says. */
static void a_ca_that_is_over_needs_no_list(void **state)
{
	struct project p cleanup_project = project_of("over");
	struct err *err cleanup_err = NULL;
	struct str report cleanup_str = STR_INIT;
	struct identity ca cleanup_identity = {0}, gone cleanup_identity = {0};
	X509_CRL *list cleanup_crl = NULL;

	add_ca(&p, &ca, "ended", 10);
	says(&p, time(NULL), "there is no list of what CA 'CN = ended' has revoked");
	says_nothing(&p, time(NULL) + 11 * DAY);
	assert_int_equal(pki_add_lists(p.dir, NULL, NULL, &report, &err), -1);
	assert_non_null(strstr(err->text, "'CN = ended'"));
	err_free(steal_ptr(err));

	list = crl_make(ca.cert, ca.key, NULL, NULL, 0);
	append(p.keyring, NULL, list);
	add_ca(&p, &gone, "gone", -1);
	says_nothing(&p, time(NULL));
	assert_int_equal(pki_add_lists(p.dir, NULL, NULL, &report, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_alone_bring_no_ca),
		cmocka_unit_test(who_may_sign_no_list_has_none),
		cmocka_unit_test(devices_may_take_a_forged_list_first),
		cmocka_unit_test(a_list_of_something_else_is_none),
		cmocka_unit_test(a_list_that_ends_is_told),
		cmocka_unit_test(a_ca_that_is_over_needs_no_list),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
