/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/crl.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>

#include "kinds/pki/x509.h"
#include "kinds/pki/x509_priv.h"

bool crl_is_of(X509_CRL *list, X509 *ca)
{
	bool is = X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(list)) == 0 &&
		  X509_CRL_verify(list, X509_get0_pubkey(ca)) == 1;

	ERR_clear_error();
	return is;
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

static void look_at_dates(const struct look *l, X509 *ca, X509_CRL *list, const char *name)
{
	int64_t born = x509_seconds(X509_get0_notBefore(ca));
	int64_t from = x509_seconds(X509_CRL_get0_lastUpdate(list));
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
	char date[16], birth[16];

	if (from > l->now)
		say(l, CRL_BAD,
		    "the list of what CA '%s' has revoked begins on %s, and devices refuse what is "
		    "signed before (check the clock)",
		    name, x509_date(from, date));
	else if (next && x509_seconds(next) < l->now)
		say(l, CRL_BAD,
		    "the list of what CA '%s' has revoked ended on %s, and devices refuse what is "
		    "signed since: `orch pki crl` makes one that lasts as long as its CA",
		    name, x509_date(x509_seconds(next), date));
	else if (next && x509_seconds(next) < x509_seconds(X509_get0_notAfter(ca)))
		say(l, CRL_LATE,
		    "the list of what CA '%s' has revoked ends on %s, before the CA: devices "
		    "refuse what is signed since, and so the update that has another list: `orch "
		    "pki crl` makes one that lasts as long as its CA",
		    name, x509_date(x509_seconds(next), date));
	else if (from > born)
		say(l, CRL_LATE,
		    "the list of what CA '%s' has revoked begins on %s, and the CA on %s: devices "
		    "refuse what was signed between",
		    name, x509_date(from, date), x509_date(born, birth));
}

static void look_at_ca(const struct look *l, X509 *ca)
{
	char name[256];
	bool forged;
	int others;
	X509_CRL *list = list_of(l, ca, &others, &forged);

	x509_subject(ca, name, sizeof(name));
	if (others)
		say(l, CRL_BAD,
		    "there are %d lists of what CA '%s' has revoked, and devices look at one of "
		    "them: `orch pki crl` makes one of all",
		    others + 1, name);
	else if (list)
		look_at_dates(l, ca, list, name);
	else if (forged)
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
