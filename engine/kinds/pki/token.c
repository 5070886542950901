/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/token.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/private_key.h"
#include "kinds/pki/x509_priv.h"

/* An empty passphrase: a locked key is refused rather than asked for on a terminal. */
static EVP_PKEY *open_file(const char *path, struct err **err)
{
	BIO *bio cleanup_bio = NULL;
	EVP_PKEY *key;
	mode_t mode;

	if (private_key_check_place(AT_FDCWD, path, &mode, err) < 0)
		return NULL;
	bio = BIO_new_file(path, "r");
	key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
	ERR_clear_error();
	if (!bio)
		err_set(err, E_KEY_UNREADABLE, "cannot read the private key '%s'", path);
	else if (!key)
		err_set(err, E_KEY_UNUSABLE, "'%s' is not a private key (PEM, without passphrase)",
			path);
	return key;
}

EVP_PKEY *key_open(const char *where, struct err **err)
{
	return open_file(where, err);
}
