/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signed statements: the example of the DSSE specification, keys, and every byte changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/tmp.h"
#include "evidence/dsse.h"

#define TYPE "http://example.com/HelloWorld"
/* protocol.md, "Test Vectors": the public key, and the signature, as DER. */
#define KEY                                                                  \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMr\n" \
	"CrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA==\n"     \
	"-----END PUBLIC KEY-----\n"
#define KEY_ID "f793580060562d6ff075d814ea698c282fcc779b0cde64d79ffc6301df00d14b"
#define SIG                                                                                    \
	"MEQCIANyarEBrVbCdjtsaqyOSHJ14qeRk6CdxfhZ2fjvPEo7AiBR6rDAajabZKciJTfUiHqJPcIAriEGAHTV" \
	"eCUjW2JIZA=="
#define ENVELOPE(payload, sig)                                                   \
	"{\n  \"payload\": \"" payload "\",\n  \"payloadType\": \"" TYPE "\",\n" \
	"  \"signatures\": [\n    {\n      \"keyid\": \"" KEY_ID "\",\n"         \
	"      \"sig\": \"" sig "\"\n    }\n  ]\n}\n"

static char *dir;

static int set_up(void **state)
{
	struct err *err = NULL;

	return tmp_dir("/tmp", "test-dsse", &dir, &err);
}

static int tear_down(void **state)
{
	struct err *err = NULL;
	int rc = path_remove(dir, &err);

	free(dir);
	return rc;
}

static char *in_dir(const char *name)
{
	return path_join(dir, name);
}

/* Runs shell lines in the directory. */
static void shell(const char *lines)
{
	char *const argv[] = {"sh", "-ec", (char *)lines, NULL};
	struct err *err = NULL;

	assert_int_equal(proc_run(argv, &(struct proc_opts){.cwd = dir}, &err), 0);
}

static void trust(struct dsse_keys *keys, const char *name)
{
	char *path cleanup_free = in_dir(name);
	struct dsse_key *key = NULL;
	struct err *err = NULL;

	assert_int_equal(dsse_key_public(path, &key, &err), 0);
	dsse_keys_push(keys, key);
}

static struct dsse_key *private_key(const char *name)
{
	char *path cleanup_free = in_dir(name);
	struct dsse_key *key = NULL;
	struct err *err = NULL;

	assert_int_equal(dsse_key_private(path, &key, &err), 0);
	return key;
}

/* Whether TEXT opens; its payload goes to RET. */
static bool opens(const char *text, size_t len, const struct dsse_keys *keys, struct str *ret)
{
	const struct str envelope = {.buf = (char *)text, .len = len};
	const struct dsse_key *by;
	struct err *err cleanup_err = NULL;

	return dsse_open(&envelope, TYPE, keys, ret, &by, &err) == 0;
}

static void test_vector(void **state)
{
	static const char envelope[] = ENVELOPE("aGVsbG8gd29ybGQ=", SIG);
	static const char other[] = ENVELOPE("aGVsbG8gd29ybGU=", SIG);
	struct str pae cleanup_str = STR_INIT, body cleanup_str = STR_INIT;
	struct dsse_keys keys cleanup_dsse_keys = {0};
	char *path cleanup_free = in_dir("vector.pub");
	struct err *err = NULL;

	dsse_pae(TYPE, "hello world", 11, &pae);
	assert_string_equal(pae.buf, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	assert_int_equal(file_write(path, KEY, strlen(KEY), 0644, false, &err), 0);
	trust(&keys, "vector.pub");
	assert_string_equal(dsse_key_id(keys.items[0]), KEY_ID);
	assert_true(opens(envelope, strlen(envelope), &keys, &body));
	assert_string_equal(body.buf, "hello world");
	assert_false(opens(other, strlen(other), &keys, &body));
}

static void sign(const char *key_name, struct str *ret)
{
	const struct str body = {.buf = (char *)"{\"a\": 1}\n", .len = 9};
	struct dsse_key *key = private_key(key_name);
	struct err *err = NULL;

	assert_int_equal(dsse_sign(key, TYPE, &body, ret, &err), 0);
	dsse_key_free(key);
}

/* One signed by KEY opens with PUB, not with OTHER; with no byte changed, cut off or added. */
static void check_key(const char *key, const char *pub, const char *other)
{
	struct str text cleanup_str = STR_INIT, body cleanup_str = STR_INIT;
	struct dsse_keys keys cleanup_dsse_keys = {0}, others cleanup_dsse_keys = {0};

	trust(&keys, pub);
	trust(&others, other);
	sign(key, &text);
	assert_true(opens(text.buf, text.len, &keys, &body));
	assert_int_equal(body.len, 9);
	assert_false(opens(text.buf, text.len, &others, &body));
	for (size_t i = 0; i < text.len; i++) {
		char was = text.buf[i];

		for (unsigned bit = 0; bit < 8; bit++) {
			text.buf[i] = (char)(was ^ (1 << bit));
			assert_false(opens(text.buf, text.len, &keys, &body));
		}
		text.buf[i] = was == '\n' ? ' ' : was == ' ' ? '\n' : (char)(was + 1);
		assert_false(opens(text.buf, text.len, &keys, &body));
		text.buf[i] = was;
	}
	assert_false(opens(text.buf, text.len - 1, &keys, &body));
	str_append_char(&text, '\n');
	assert_false(opens(text.buf, text.len, &keys, &body));
}

static void test_keys(void **state)
{
	shell("openssl genpkey -algorithm ed25519 -out ed.key; "
	      "openssl pkey -in ed.key -pubout -out ed.pub; "
	      "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key; "
	      "openssl req -x509 -new -key ec.key -subj /CN=x -days 1 -out ec.pem 2>/dev/null; "
	      "chmod 600 *.key");
	check_key("ed.key", "ed.pub", "ec.pem");
	check_key("ec.key", "ec.pem", "ed.pub");
}

static void test_refused_keys(void **state)
{
	char *x25519 cleanup_free = in_dir("x.key"), *open cleanup_free = in_dir("open.key");
	struct err *err = NULL;
	struct dsse_key *key = NULL;

	shell("openssl genpkey -algorithm x25519 -out x.key; chmod 600 x.key; "
	      "openssl genpkey -algorithm ed25519 -out open.key; chmod 666 open.key");
	assert_int_equal(dsse_key_private(x25519, &key, &err), -1);
	assert_ptr_equal(err->code, E_KEY_UNUSABLE);
	err_free(err);
	err = NULL;
	assert_int_equal(dsse_key_private(open, &key, &err), -1);
	assert_ptr_equal(err->code, E_PRIVATE_KEY_WRITABLE);
	err_free(err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_refused_keys),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
