/* SPDX-License-Identifier: GPL-3.0-or-later */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines: rauc reaches tokens by them, too */
#include "kinds/pki/token.h"

#include <fcntl.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/pin.h"
#include "base/private_key.h"
#include "kinds/pki/pin.h"
#include "kinds/pki/x509_priv.h"

/* A locked file asks for what unlocks it; PIN, given by the caller, is what was said. */
struct ask {
	const char *where;
	struct str pin;
	struct err *err;
};

static int tell_pin(char *buf, int size, int writing, void *arg)
{
	struct ask *a = arg;

	if (pin_get(a->where, pin_place(), &a->pin, &a->err) < 0 || a->pin.len > (size_t)size)
		return -1;
	memcpy(buf, a->pin.buf, a->pin.len);
	return (int)a->pin.len;
}

static EVP_PKEY *read_file(const char *path, struct err **err)
{
	struct ask ask = {.where = path, .pin = STR_INIT};
	BIO *bio cleanup_bio = BIO_new_file(path, "r");
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, tell_pin, &ask) : NULL;

	ERR_clear_error();
	pin_forget(&ask.pin);
	if (ask.err)
		*err = ask.err;
	else if (!bio)
		err_set(err, E_KEY_UNREADABLE, "cannot read the private key '%s'", path);
	else if (!key)
		err_set(err, E_KEY_UNUSABLE,
			"'%s' is not a private key (PEM), or its passphrase is another", path);
	return key;
}

static EVP_PKEY *open_file(const char *path, struct err **err)
{
	mode_t mode;

	return private_key_check_place(AT_FDCWD, path, &mode, err) < 0 ? NULL
								       : read_file(path, err);
}

static int token_failed(const char *what, const char *where, struct err **err)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	(void)err_set(err, E_TOKEN, "%s '%s' (%s)", what, where,
		      reason ? reason : "no reason given");
	ERR_clear_error();
	return -1;
}

/* OpenSSL's engine for tokens, with MODULE (empty: p11-kit's) and PIN. NULL with ERR. */
static ENGINE *open_engine(const struct token_address *t, const char *pin, struct err **err)
{
	ENGINE *e;

	OPENSSL_init_crypto(OPENSSL_INIT_ENGINE_DYNAMIC | OPENSSL_INIT_ENGINE_OPENSSL, NULL);
	e = ENGINE_by_id("pkcs11");
	if (e && (!*t->module || ENGINE_ctrl_cmd_string(e, "MODULE_PATH", t->module, 0)) &&
	    ENGINE_ctrl_cmd_string(e, "PIN", pin, 0) && ENGINE_init(e))
		return e;
	(void)token_failed(e ? "cannot use the module for"
			     : "OpenSSL's engine 'pkcs11' is missing (package "
			       "libengine-pkcs11-openssl) for",
			   t->uri, err);
	ENGINE_free(e);
	return NULL;
}

static EVP_PKEY *open_token(const char *where, struct err **err)
{
	struct token_address t cleanup_token = {0};
	struct str pin cleanup_pin = STR_INIT;
	ENGINE *e;
	EVP_PKEY *key;

	if (token_parse(where, &t, err) < 0 || pin_get(where, pin_place(), &pin, err) < 0)
		return NULL;
	e = open_engine(&t, pin.buf, err);
	if (!e)
		return NULL;
	key = ENGINE_load_private_key(e, t.uri, NULL, NULL);
	if (!key)
		(void)token_failed("there is no private key, or the PIN is another:", t.uri, err);
	ENGINE_finish(e); /* the key has a reference of its own */
	ENGINE_free(e);
	return key;
}

EVP_PKEY *key_open(const char *where, struct err **err)
{
	return pin_is_for(where) ? open_token(where, err) : open_file(where, err);
}
