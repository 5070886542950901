/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/pki.h"

#include <time.h>

#include "base/file.h"
#include "base/path.h"
#include "base/pin.h"
#include "kinds/makers.h"
#include "kinds/pki/crl.h"
#include "kinds/pki/openpgp.h"
#include "kinds/pki/pki_opts.h"

#define CERT_MAX (1u << 20)

void pki_warn(struct action *a, const struct x509_facts *facts, const char *key, time_t now)
{
	char date[16];

	if (facts->not_after - now < PKI_WARN_DAYS * 24 * 3600)
		action_warning(a,
			       "the certificate of '%s', or one above it, expires on %s: devices "
			       "refuse what it signed from then on",
			       facts->subject, x509_date(facts->not_after, date));
	if (facts->key_is_open)
		action_warning(a, "others than its owner can read the private key '%s': chmod 600",
			       key);
}

/*
 * What devices trust and who signed it: what others put there would be shipped. It is in the node's
 * key, so that a change is seen and this is told once for each.
 */
static void warn_of_writers(struct action *a, const char *path)
{
	char *dir cleanup_free = path_dir(path);
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mode & 0002)
		action_warning(a, "everybody can write '%s': chmod o-w", path);
	if (stat(dir, &st) == 0 && st.st_mode & 0002 && !(st.st_mode & S_ISVTX))
		action_warning(a, "everybody can write the directory '%s' of '%s': chmod o-w", dir,
			       path_base(path));
}

static void take_end(void *arg, const char *subject, int64_t not_before, int64_t not_after)
{
	int64_t *end = arg;

	*end = not_after < *end ? not_after : *end;
}

/*
 * Now, or when the chain in CERT was last valid. Who has no key signs nothing: what shipped is
 * given out, though its certificates may be over, and is looked at as it was.
 */
static int last_valid(const char *cert, time_t now, time_t *ret, struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	int64_t end = INT64_MAX;

	if (file_read(cert, CERT_MAX, &text, err) < 0)
		return -1;
	(void)!x509_each(text.buf, text.len, take_end, &end); /* x509_check_signer() tells damage */
	*ret = end < now ? (time_t)end - 1 : now;
	return 0;
}

/* The keyring, then the lists: one file, as rauc wants it. */
static int write_keyring(struct action *a, const struct strv *trust, struct err **err)
{
	struct str text cleanup_str = STR_INIT;

	for (size_t i = 0; i < trust->count; i++) {
		if (file_read(trust->items[i], CERT_MAX, &text, err) < 0)
			return -1;
		if (text.len && text.buf[text.len - 1] != '\n')
			str_append_char(&text, '\n');
	}
	return file_write(action_output(a, "keyring.pem"), text.buf, text.len, 0644, false, err);
}

static int copy_all(struct action *a, const char *cert, const struct strv *trust, struct err **err)
{
	const char *keyring = action_output(a, "keyring.pem");

	if (trust->count > 1 ? write_keyring(a, trust, err) < 0
			     : file_copy(trust->items[0], keyring, 0644, err) < 0)
		return -1;
	return file_copy(cert, action_output(a, "signer.pem"), 0644, err);
}

/* ---- type openpgp ---- */

static int give_keyring(struct action *a, struct err **err)
{
	const struct pki_opts *o = a->opts;
	const char *keyring = action_input(a, o->keyring)->path;
	time_t now = time(NULL);
	struct openpgp_facts facts;
	struct tool gpg;
	char date[16];

	if (tool_open(a, o->tools, &gpg, err) < 0 ||
	    openpgp_look(&gpg, keyring, action_output(a, PKI_KEYRING_GPG), now, &facts, err) < 0)
		return -1;
	action_log(a, "keys of '%s': %s", facts.about, facts.keys);
	if (facts.not_after && facts.not_after - now < PKI_WARN_DAYS * 24 * 3600)
		action_warning(a,
			       "the key of '%s' expires on %s: consumers refuse its repositories "
			       "from then on",
			       facts.about, x509_date(facts.not_after, date));
	warn_of_writers(a, keyring);
	return 0;
}

/* ---- type x509 ---- */

static void tell_list(void *arg, enum crl_verdict verdict, const char *text)
{
	if (verdict == CRL_LATE)
		action_warning(arg, "%s", text);
	else if (verdict == CRL_UNKNOWN)
		action_log(arg, "%s", text);
}

/* What devices are to trust, and that what is revoked there fits. */
static int take_trust(struct action *a, const char *cert, time_t now, struct strv *ret,
		      struct err **err)
{
	const struct pki_opts *o = a->opts;

	strv_push(ret, action_input(a, o->keyring)->path);
	for (size_t i = 0; i < o->crl.count; i++)
		strv_push(ret, action_input(a, LIST_AT(o->crl, struct ref *, i))->path);
	for (size_t i = 0; i < ret->count; i++)
		warn_of_writers(a, ret->items[i]);
	if (crl_check(cert, ret, now, err) < 0)
		return -1;
	return crl_look(cert, ret, now, tell_list, a, err) < 0 ? -1 : 0;
}

static int check_signer(struct action *a, struct err **err)
{
	const struct pki_opts *o = a->opts;
	const char *cert = action_input(a, o->cert)->path,
		   *keyring = action_input(a, o->keyring)->path;
	const char *key = action_secret(a, a->node, "key");
	time_t now = time(NULL);
	struct strv trust cleanup_strv = {0};
	struct x509_facts facts;
	char from[16], to[16];

	if (pin_is_for(key)) {
		action_log(a, "the private key is in a token: who signs tries it");
		key = NULL;
	} else if (!path_exists(key)) {
		action_log(a, "there is no private key here: who signs compares it");
		key = NULL;
		if (last_valid(cert, now, &now, err) < 0)
			return -1;
	}
	if (x509_check_signer(cert, keyring, key, now, &facts, err) < 0)
		return -1;
	action_log(a, "signer '%s', valid from %s to %s", facts.subject,
		   x509_date(facts.not_before, from), x509_date(facts.not_after, to));
	if (key)
		pki_warn(a, &facts, key, now);
	warn_of_writers(a, cert);
	if (take_trust(a, cert, now, &trust, err) < 0)
		return -1;
	return copy_all(a, cert, &trust, err);
}

static int pki_run(struct action *a, struct err **err)
{
	const struct pki_opts *o = a->opts;

	return o->type == PKI_OPENPGP ? give_keyring(a, err) : check_signer(a, err);
}

const struct maker maker_pki = {
	.kind = &kind_pki,
	.run = pki_run,
};
