/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/pki/openpgp.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/x509.h"

static const char openpgp_sh[] =
#include "kinds/openpgp.sh.h"
	;

#define MAX_TEXT 65536
#define MAX_KEYS (1 << 20)
#define RSA_BITS 2048

static int copy_in(const char *from, const char *dir, const char *name, struct err **err)
{
	char *to cleanup_free = path_join(dir, name);

	return file_copy(from, to, 0644, err);
}

/* The first word of what the script left in DIR; "" when it said nothing. Arena. */
static const char *why(const struct tool *t, const char *dir)
{
	char *path cleanup_free = path_join(dir, "why");
	struct str text cleanup_str = STR_INIT;
	struct err *ignored cleanup_err = NULL;

	if (file_read_foreign(path, MAX_TEXT, &text, &ignored) < 0)
		return "";
	return arena_strndup(t->a->arena, text.buf, strcspn(text.buf, "\n"));
}

/* Runs the script in DIR. IN: its stdin, 0: nothing. */
static int run(const struct tool *t, const char *dir, const char *verb, const char *arg, int in,
	       struct err **err)
{
	struct strv argv cleanup_strv = {0};

	strv_push(&argv, "sh");
	strv_push(&argv, "-ec");
	strv_push(&argv, openpgp_sh);
	strv_push(&argv, "openpgp.sh");
	strv_push(&argv, verb);
	if (arg)
		strv_push(&argv, arg);
	return tool_run(t, dir, &argv, in, 0, err);
}

/* ---- keys, as gpg lists them: doc/DETAILS of GnuPG, "Format of colon listings" ---- */

enum {
	FIELD_VALIDITY = 1,
	FIELD_BITS,
	FIELD_ALGORITHM,
	FIELD_MADE = 5,
	FIELD_END,
	FIELD_TEXT = 9,
	FIELD_USES = 11
};
#define FIELDS 12

/* Cuts LINE up at its colons; fields that it has not are "". */
static void split(char *line, const char *ret[FIELDS])
{
	for (size_t i = 0; i < FIELDS; i++) {
		char *field = strsep(&line, ":");

		ret[i] = field ? field : "";
	}
}

static int64_t number(const char *text)
{
	uint64_t n;

	return str_u64(text, &n) == 0 ? (int64_t)n : 0;
}

/* Public-key algorithms (RFC 4880, 9.1; RFC 9580): RSA, ECDSA, EdDSA, Ed25519, Ed448. */
static bool is_strong(const char *algorithm, const char *bits)
{
	static const char *const curves[] = {"19", "22", "27", "28"};

	for (size_t i = 0; i < array_len(curves); i++)
		if (str_eq(curves[i], algorithm))
			return true;
	return str_eq(algorithm, "1") && number(bits) >= RSA_BITS;
}

static int check_strength(const char *keyring, const char *what, const char *const f[FIELDS],
			  struct err **err)
{
	if (is_strong(f[FIELD_ALGORITHM], f[FIELD_BITS]))
		return 0;
	return err_set(err, E_KEY_WEAK,
		       "a %s of '%s' is too weak, or of a kind that apt takes from nobody: use "
		       "ed25519, or RSA of %d bits or more",
		       what, keyring, RSA_BITS);
}

static bool is_over(const char *const f[FIELDS], time_t now)
{
	return number(f[FIELD_END]) && number(f[FIELD_END]) <= now;
}

/* Consumers take what a subkey signed as they take the key's; one that is over signs nothing. */
static int check_subkey(const char *keyring, const char *const f[FIELDS], time_t now,
			struct err **err)
{
	if (!strchr(f[FIELD_USES], 's') || str_eq(f[FIELD_VALIDITY], "r") || is_over(f, now))
		return 0;
	return check_strength(keyring, "signing subkey", f, err);
}

static int check_key(const char *keyring, const char *const f[FIELDS], time_t now, struct err **err)
{
	char date[16];

	if (str_eq(f[FIELD_VALIDITY], "r"))
		return err_set(err, E_KEY_UNUSABLE, "a key of '%s' is revoked", keyring);
	if (is_over(f, now))
		return err_set(err, E_KEY_EXPIRED,
			       "a key of '%s' expired on %s: apt refuses what it signs. 'gpg "
			       "--quick-set-expire' gives it another day; export it again then",
			       keyring, x509_date(number(f[FIELD_END]), date));
	return check_strength(keyring, "key", f, err);
}

static void take_times(const char *const f[FIELDS], bool primary, struct openpgp_facts *ret)
{
	int64_t made = number(f[FIELD_MADE]), end = number(f[FIELD_END]);

	if (made > ret->since)
		ret->since = made;
	if (primary && end && (!ret->not_after || end < ret->not_after))
		ret->not_after = end;
}

static void take_fingerprint(const char *text, struct openpgp_facts *ret)
{
	size_t len = strlen(ret->keys);

	snprintf(ret->keys + len, sizeof(ret->keys) - len, "%s%s", len ? ", " : "", text);
}

static int read_keys(const char *keyring, char *text, time_t now, struct openpgp_facts *ret,
		     struct err **err)
{
	bool primary = false;

	*ret = (struct openpgp_facts){0};
	for (char *line; (line = strsep(&text, "\n"));) {
		const char *f[FIELDS];

		split(line, f);
		if (str_eq(f[0], "pub") && check_key(keyring, f, now, err) < 0)
			return -1;
		if (str_eq(f[0], "sub") && check_subkey(keyring, f, now, err) < 0)
			return -1;
		if (str_eq(f[0], "pub") || str_eq(f[0], "sub")) {
			primary = str_eq(f[0], "pub");
			take_times(f, primary, ret);
		} else if (str_eq(f[0], "fpr") && primary) {
			take_fingerprint(f[FIELD_TEXT], ret);
		} else if (str_eq(f[0], "uid") && !*ret->about) {
			snprintf(ret->about, sizeof(ret->about), "%s", f[FIELD_TEXT]);
		}
	}
	return *ret->keys
		       ? 0
		       : err_set(err, E_CERTIFICATE_UNREADABLE, "'%s' has no OpenPGP key", keyring);
}

static int explain_list(const struct tool *t, const char *dir, const char *keyring,
			struct err **err)
{
	const char *word = why(t, dir);

	if (!*word)
		return -1;
	err_free(steal_ptr(*err));
	if (str_eq(word, "private"))
		return err_set(
			err, E_KEY_IN_CERTIFICATE,
			"'%s' holds a private key, and is what consumers get: 'gpg --export' "
			"writes the public part",
			keyring);
	return err_set(err, E_CERTIFICATE_UNREADABLE,
		       "gpg cannot read '%s' as OpenPGP keys: 'gpg --export KEY' makes such a file",
		       keyring);
}

int openpgp_look(const struct tool *t, const char *keyring, const char *out, time_t now,
		 struct openpgp_facts *ret, struct err **err)
{
	const char *dir = arena_printf(t->a->arena, "%s/keyring", t->a->workdir);
	char *keys cleanup_free = path_join(dir, "keys");
	char *exported cleanup_free = path_join(dir, "keyring.gpg");
	struct str text cleanup_str = STR_INIT;

	if (path_mkdirs(dir, err) < 0 || copy_in(keyring, dir, "keyring", err) < 0)
		return -1;
	if (run(t, dir, "list", NULL, 0, err) < 0)
		return explain_list(t, dir, keyring, err);
	if (file_read_foreign(keys, MAX_KEYS, &text, err) < 0 ||
	    read_keys(keyring, text.buf, now, ret, err) < 0)
		return -1;
	str_clear(&text);
	if (file_read_foreign(exported, MAX_KEYS, &text, err) < 0)
		return -1;
	return file_write(out, text.buf, text.len, 0644, false, err);
}

/* ---- signing ---- */

static int explain_sign(const struct tool *t, const char *dir, const char *key, struct err **err)
{
	const char *word = why(t, dir);

	if (!*word)
		return -1;
	err_free(steal_ptr(*err));
	if (str_eq(word, "foreign"))
		return err_set(err, E_CERTIFICATE_UNTRUSTED,
			       "what the private key '%s' signs cannot be verified with the "
			       "'keyring' of its node: they are of different keys",
			       key);
	return err_set(err, E_KEY_UNUSABLE,
		       "gpg cannot sign with '%s': it must be a private OpenPGP key without a "
		       "passphrase ('gpg --export-secret-keys KEY'); the node's log has what gpg "
		       "says",
		       key);
}

int openpgp_sign(const struct tool *t, const char *dir, const char *key, const char *keyring,
		 int64_t when, struct err **err)
{
	char *seconds cleanup_free = xasprintf("%lld", (long long)when);
	int in cleanup_fd = open(key, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return err_errno(err, E_KEY_UNREADABLE, errno, "cannot read the private key '%s'",
				 key);
	if (copy_in(keyring, dir, "keyring.gpg", err) < 0)
		return -1;
	if (run(t, dir, "sign", seconds, in, err) < 0)
		return explain_sign(t, dir, key, err);
	return 0;
}
