/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>

#include "kinds/pki/identity.h"
#include "kinds/pki/x509.h"
#include "kinds/pki/x509_priv.h"

bool crl_is_asked_of(X509 *ca, time_t when)
{
	return X509_check_ca(ca) && x509_seconds(X509_get0_notAfter(ca)) > when;
}

bool crl_is_of(X509_CRL *list, X509 *ca)
{
	bool is = X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) == 0 &&
		  X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1;

	ERR_clear_error();
	return is;
}

/* ---- asking OpenSSL, and so rauc ---- */

struct question {
	X509 *ca;
	int error; /* X509_V_*: the first one of lists */
};

static bool is_of_lists(int error)
{
	static const int errors[] = {X509_V_ERR_UNABLE_TO_GET_CRL,
				     X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE,
				     X509_V_ERR_CRL_SIGNATURE_FAILURE,
				     X509_V_ERR_CRL_NOT_YET_VALID,
				     X509_V_ERR_CRL_HAS_EXPIRED,
				     X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD,
				     X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD,
				     X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER,
				     X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
				     X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,
				     X509_V_ERR_DIFFERENT_CRL_SCOPE,
				     X509_V_ERR_CRL_PATH_VALIDATION_ERROR,
				     X509_V_ERR_CERT_REVOKED};

	for (size_t i = 0; i < array_len(errors); i++) {
		if (errors[i] == error)
			return true;
	}
	return false;
}

/* Of what CA signed, and of CA itself if its own list speaks of it; all else is no matter here. */
static int take_error(int good, X509_STORE_CTX *ctx)
{
	struct question *q = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);

	if (!good && !q->error && is_of_lists(error) &&
	    (depth == 0 || (depth == 1 && x509_is_root(q->ca))))
		q->error = error;
	return 1;
}

/* A device of that time, which checks lists. */
static X509_STORE *device_store(STACK_OF(X509) * cas, STACK_OF(X509_CRL) * lists, time_t when)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; i < sk_X509_num(cas); i++)
		X509_STORE_add_cert(store, sk_X509_value(cas, i));
	for (int i = 0; i < sk_X509_CRL_num(lists); i++)
		X509_STORE_add_crl(store, sk_X509_CRL_value(lists, i));
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), when);
	return store;
}

/* What CA could have signed, but that nobody has: lists are asked for before the signature. */
static X509 *make_probe(X509 *ca)
{
	X509_NAME *name = X509_NAME_new();
	EVP_PKEY *key cleanup_pkey = EVP_EC_gen("P-256");
	const struct identity by = {key, ca};
	X509 *probe = key && name &&
				      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
								 (const unsigned char *)"probe", -1,
								 -1, 0)
			      ? certificate_make(key, name, &by, 1, ROLE_SIGNER)
			      : NULL;

	X509_NAME_free(name);
	return probe;
}

int crl_ask(STACK_OF(X509) * cas, STACK_OF(X509_CRL) * lists, X509 *ca, time_t when)
{
	X509_STORE *store cleanup_x509_store = device_store(cas, lists, when);
	X509_STORE_CTX *ctx cleanup_x509_ctx = X509_STORE_CTX_new();
	X509 *probe cleanup_x509 = make_probe(ca);
	struct question q = {.ca = ca};

	if (!probe || !X509_STORE_CTX_init(ctx, store, probe, NULL))
		return X509_V_ERR_OUT_OF_MEM;
	X509_STORE_CTX_set_app_data(ctx, &q);
	X509_STORE_CTX_set_verify_cb(ctx, take_error);
	(void)!X509_verify_cert(ctx);
	ERR_clear_error();
	return q.error;
}

int crl_ask_always(STACK_OF(X509) * cas, STACK_OF(X509_CRL) * lists, X509 *ca)
{
	time_t from = (time_t)x509_seconds(X509_get0_notBefore(ca));
	time_t to = (time_t)x509_seconds(X509_get0_notAfter(ca));
	int code = crl_ask(cas, lists, ca, to - 1);

	return code ? code : crl_ask(cas, lists, ca, from);
}

/* ---- looking ---- */

struct look {
	STACK_OF(X509) * chain; /* of the signer */
	STACK_OF(X509) * cas;   /* that need a list: of the keyring, and above the signer */
	STACK_OF(X509_CRL) * lists;
	time_t now;
	crl_verdict_fn *fn;
	void *arg;
};

static void look_clear(struct look *l)
{
	sk_X509_pop_free(l->chain, X509_free);
	sk_X509_pop_free(l->cas, X509_free);
	sk_X509_CRL_pop_free(l->lists, X509_CRL_free);
}

static void say(const struct look *l, enum crl_verdict verdict, const char *fmt, ...)
	printf_like(3, 4);
static void say(const struct look *l, enum crl_verdict verdict, const char *fmt, ...)
{
	char *text cleanup_free = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	l->fn(l->arg, verdict, text);
}

/* The first list of CA; *RET_OTHERS: how many differ from it; *RET_FORGED: one is not its own. */
static X509_CRL *list_of(const struct look *l, X509 *ca, int *ret_others, bool *ret_forged)
{
	X509_CRL *first = NULL;

	*ret_others = 0;
	*ret_forged = false;
	for (int i = 0; i < sk_X509_CRL_num(l->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(l->lists, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) != 0)
			continue;
		if (!crl_is_of(list, ca))
			*ret_forged = true;
		else if (!first)
			first = list;
		else
			*ret_others += X509_CRL_match(first, list) != 0;
	}
	return first;
}

/* LIST, CA's own, is not taken: CODE, of OpenSSL. */
static void say_unfit(const struct look *l, X509_CRL *list, int code, const char *name)
{
	char date[16];

	if (code == X509_V_ERR_CRL_NOT_YET_VALID)
		say(l, CRL_BAD,
		    "the list of what CA '%s' has revoked begins on %s, and devices refuse what is "
		    "signed before (check the clock)",
		    name, x509_date(x509_seconds(X509_CRL_get0_lastUpdate(list)), date));
	else if (code == X509_V_ERR_CRL_HAS_EXPIRED)
		say(l, CRL_BAD,
		    "the list of what CA '%s' has revoked ended on %s, and devices refuse what is "
		    "signed since: `orch pki crl` makes one that lasts as long as its CA",
		    name, x509_date(x509_seconds(X509_CRL_get0_nextUpdate(list)), date));
	else if (code == X509_V_ERR_KEYUSAGE_NO_CRL_SIGN)
		say(l, CRL_BAD,
		    "CA '%s' lacks the usage cRLSign, so that devices take no list of it and "
		    "refuse all below it: issue its certificate again with keyCertSign and cRLSign",
		    name);
	else if (code == X509_V_ERR_CRL_SIGNATURE_FAILURE)
		say(l, CRL_BAD,
		    "beside the list of what CA '%s' has revoked there is one that it has not "
		    "signed, and devices look at that: `orch pki crl` takes it out",
		    name);
	else
		say(l, CRL_BAD,
		    "devices do not take the list of what CA '%s' has revoked, and refuse all "
		    "below it (%s): `orch pki crl` makes another",
		    name, X509_verify_cert_error_string(code));
}

static void say_missing(const struct look *l, bool forged, const char *name)
{
	if (forged)
		say(l, CRL_BAD,
		    "the list of what CA '%s' has revoked is not signed by it (another CA of that "
		    "name, or a forged list), and devices do not take it: `orch pki crl` makes one",
		    name);
	else
		say(l, CRL_BAD,
		    "there is no list of what CA '%s' has revoked, and devices that check lists "
		    "refuse all below it: `orch pki crl` makes an empty one",
		    name);
}

/* LIST, which is taken now, at other times of its CA. */
static void look_at_ends(const struct look *l, X509 *ca, X509_CRL *list, const char *name)
{
	int code = crl_ask_always(l->cas, l->lists, ca);
	char date[16], birth[16];

	if (code == X509_V_ERR_CRL_HAS_EXPIRED)
		say(l, CRL_LATE,
		    "the list of what CA '%s' has revoked ends on %s, before the CA: devices "
		    "refuse what is signed since, and so the update that has another list: `orch "
		    "pki crl` makes one that lasts as long as its CA",
		    name, x509_date(x509_seconds(X509_CRL_get0_nextUpdate(list)), date));
	else if (code == X509_V_ERR_CRL_NOT_YET_VALID)
		say(l, CRL_LATE,
		    "the list of what CA '%s' has revoked begins on %s, and the CA on %s: devices "
		    "refuse what was signed between",
		    name, x509_date(x509_seconds(X509_CRL_get0_lastUpdate(list)), date),
		    x509_date(x509_seconds(X509_get0_notBefore(ca)), birth));
	else if (code)
		say_unfit(l, list, code, name);
}

static void look_at_ca(const struct look *l, X509 *ca)
{
	char name[256];
	bool forged;
	int others, code;
	X509_CRL *list;

	if (!crl_is_asked_of(ca, l->now))
		return;
	list = list_of(l, ca, &others, &forged);
	code = crl_ask(l->cas, l->lists, ca, l->now);
	x509_subject(ca, name, sizeof(name));
	if (others)
		say(l, CRL_BAD,
		    "there are %d lists of what CA '%s' has revoked, and devices look at one of "
		    "them: `orch pki crl` makes one of all",
		    others + 1, name);
	else if (!list)
		say_missing(l, forged, name);
	else if (code)
		say_unfit(l, list, code, name);
	else
		look_at_ends(l, ca, list, name);
}

static void look_at_link(const struct look *l, X509 *x)
{
	X509 *ca = x509_issuer_of(l->cas, x);
	char name[256], by[256], date[16];

	for (int i = 0; ca && i < sk_X509_CRL_num(l->lists); i++) {
		X509_CRL *list = sk_X509_CRL_value(l->lists, i);
		X509_REVOKED *entry = NULL;

		if (!crl_is_of(list, ca) || X509_CRL_get0_by_cert(list, &entry, x) != 1)
			continue;
		say(l, CRL_REVOKED, "certificate '%s' was revoked by '%s' on %s: issue another",
		    x509_subject(x, name, sizeof(name)), x509_subject(ca, by, sizeof(by)),
		    x509_date(x509_seconds(X509_REVOKED_get0_revocationDate(entry)), date));
		return;
	}
}

/* The signer and what is above it, also what only the keyring has. */
static void look_at_chain(const struct look *l)
{
	X509 *x = sk_X509_value(l->chain, 0);

	for (int i = 0; x && !x509_is_root(x) && i <= sk_X509_num(l->cas); i++) {
		look_at_link(l, x);
		x = x509_issuer_of(l->cas, x);
	}
}

static void look_at_list(const struct look *l, X509_CRL *list)
{
	BIO *bio cleanup_bio = BIO_new(BIO_s_mem());
	char name[256];
	int n;

	for (int i = 0; i < sk_X509_num(l->cas); i++) {
		if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(l->cas, i)),
				  X509_CRL_get_issuer(list)) == 0)
			return;
	}
	X509_NAME_print_ex(bio, X509_CRL_get_issuer(list), 0,
			   XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_read(bio, name, sizeof(name) - 1);
	name[n > 0 ? n : 0] = 0;
	say(l, CRL_UNKNOWN, "there is a list of CA '%s', whose certificate is not here", name);
}

/* The lists of a file for lists alone: devices would trust what else is in it. */
static int add_lists(struct look *l, const char *path, struct err **err)
{
	STACK_OF(X509) *others cleanup_stack = sk_X509_new_null();
	int before = sk_X509_CRL_num(l->lists);
	char name[256];

	if (x509_add_file(path, others, l->lists, err) < 0)
		return -1;
	if (sk_X509_num(others))
		return err_set(
			err, E_LIST_UNFIT,
			"'%s' has a certificate ('%s') beside its lists, which devices would "
			"trust: take it out, or put it into the keyring if they are to",
			path, x509_subject(sk_X509_value(others, 0), name, sizeof(name)));
	if (sk_X509_CRL_num(l->lists) == before)
		return err_set(err, E_CERTIFICATE_UNREADABLE,
			       "'%s' has no list of what is revoked (PEM): one of DER is "
			       "converted by 'openssl crl -inform DER'",
			       path);
	return 0;
}

/* The chain, and the CAs of keyring and chain without repetition. */
static int gather(struct look *l, const char *cert, const struct strv *trust, struct err **err)
{
	l->cas = sk_X509_new_null();
	l->lists = sk_X509_CRL_new_null();
	if (x509_load(cert, &l->chain, err) < 0)
		return -1;
	for (size_t i = 0; i < trust->count; i++) {
		const char *path = trust->items[i];

		if (i ? add_lists(l, path, err) < 0
		      : x509_add_file(path, l->cas, l->lists, err) < 0)
			return -1;
	}
	for (int i = 1; i < sk_X509_num(l->chain); i++) {
		X509 *x = sk_X509_value(l->chain, i);

		if (!x509_has(l->cas, x) && X509_up_ref(x))
			sk_X509_push(l->cas, x);
	}
	return 0;
}

int crl_look(const char *cert, const struct strv *trust, time_t now, crl_verdict_fn *fn, void *arg,
	     struct err **err)
{
	struct look l __attribute__((cleanup(look_clear))) = {.now = now, .fn = fn, .arg = arg};
	int count;

	if (gather(&l, cert, trust, err) < 0)
		return -1;
	count = sk_X509_CRL_num(l.lists);
	for (int i = 0; count && i < sk_X509_num(l.cas); i++)
		look_at_ca(&l, sk_X509_value(l.cas, i));
	look_at_chain(&l);
	for (int i = 0; i < count; i++)
		look_at_list(&l, sk_X509_CRL_value(l.lists, i));
	return count;
}

static void take_first(void *arg, enum crl_verdict verdict, const char *text)
{
	struct err **first = arg;

	if (*first || verdict > CRL_BAD)
		return;
	(void)err_set(first, verdict == CRL_REVOKED ? E_CERTIFICATE_REVOKED : E_LIST_UNFIT, "%s",
		      text);
}

int crl_check(const char *cert, const struct strv *trust, time_t now, struct err **err)
{
	struct err *first = NULL;
	int rc = crl_look(cert, trust, now, take_first, &first, err);

	if (rc < 0)
		err_free(first);
	else
		*err = first;
	return *err ? -1 : 0;
}
