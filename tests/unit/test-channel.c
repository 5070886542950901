/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Channels: one way to write them, what is read, and whose signature counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/path.h"
#include "kinds/bundle/channel.h"
#include "kinds/pki/cms.h"
#include "kinds/pki/pki.h"
#include "kinds/pki/x509_priv.h"
#include "tmp.h"

static const struct channel example = {
	.name = "stable",
	.compatible = "demo",
	.version = "1.2.0",
	.bundle = "bundles/1.2.0-00/bundle.raucb",
	.serial = 7,
	.size = 4096,
	.issued = 1795913594,
	.not_before = 1795913595,
	.expires = 1798505594,
	.percent = 5,
};

static void test_text(void **state)
{
	struct str text cleanup_str = STR_INIT, again cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;
	struct channel c;

	channel_write(&example, &text);
	assert_int_equal(channel_read("x", &text, &c, &err), 0);
	assert_string_equal(c.name, "stable");
	assert_int_equal(c.serial, 7);
	assert_int_equal(c.expires, example.expires);
	assert_int_equal(c.percent, 5);
	assert_false(c.halt);
	channel_write(&c, &again);
	assert_string_equal(text.buf, again.buf);
}

/* Devices read lines: what is the same JSON in another form is no channel. */
static void test_other_text(void **state)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct channel c;

	channel_write(&example, &text);
	for (size_t i = 0; i <= text.len; i++) {
		struct str other cleanup_str = STR_INIT;

		str_append_len(&other, text.buf, i);
		str_append(&other, " ");
		str_append_len(&other, text.buf + i, text.len - i);
		if (i && text.buf[i - 1] == '\n')
			assert_int_equal(channel_read("x", &other, &c, &err), -1);
		err_free(err);
		err = NULL;
	}
	text.len -= 2;
	assert_int_equal(channel_read("x", &text, &c, &err), -1);
	assert_ptr_equal(err->code, E_SIGNED_UNREADABLE);
	err_free(err);
}

static void test_names(void **state)
{
	assert_true(channel_is_name("stable"));
	assert_true(channel_is_name("eu-2"));
	assert_false(channel_is_name(""));
	assert_false(channel_is_name("-x"));
	assert_false(channel_is_name("../x"));
	assert_false(channel_is_name("Stable"));
	assert_false(channel_is_name("abcdefghijklmnopqrstuvwxyz1234567"));
}

static void test_versions(void **state)
{
	assert_true(channel_is_newer("1.10.0", "1.9.0"));
	assert_true(channel_is_newer("1.0.0", "1.0.0-rc1"));
	assert_true(channel_is_newer("1.0.1-dev", "1.0.0"));
	assert_false(channel_is_newer("1.0.0-rc1", "1.0.0"));
	assert_false(channel_is_newer("1.0.0", "1.0.0"));
	assert_false(channel_is_newer("1.0.0+b2", "1.0.0+b1"));
}

/* ---- signatures ---- */

static char *keys_of(const char *name)
{
	struct err *err cleanup_err = NULL;
	char *at = path_join(dir, name);

	assert_int_equal(path_mkdirs(at, &err), 0);
	assert_int_equal(pki_init(at, NULL, &err), 0);
	return at;
}

static void sign_by(const char *at, struct str *ret)
{
	char *cert cleanup_free = path_join(at, "pki/signer.pem");
	char *key cleanup_free = path_join(at, "pki/private/signer.key");
	struct err *err cleanup_err = NULL;

	assert_int_equal(cms_sign(cert, key, "text", 4, ret, &err), 0);
}

static int open_by(const char *at, const struct str *der, struct str *ret)
{
	char *keyring cleanup_free = path_join(at, "pki/keyring.pem");
	struct err *err cleanup_err = NULL;

	return cms_open("x", der->buf, der->len, keyring, ret, &err);
}

static void test_signature(void **state)
{
	char *one cleanup_free = keys_of("one"), *two cleanup_free = keys_of("two");
	struct str der cleanup_str = STR_INIT, text cleanup_str = STR_INIT;

	sign_by(one, &der);
	assert_int_equal(open_by(one, &der, &text), 0);
	assert_string_equal(text.buf, "text");
	assert_int_equal(open_by(two, &der, &text), -1);
	str_append_char(&der, 'x');
	assert_int_equal(open_by(one, &der, &text), -1);
	der.len -= 2;
	assert_int_equal(open_by(one, &der, &text), -1);
}

static void test_revoked(void **state)
{
	char *at cleanup_free = keys_of("revoked");
	char *cert cleanup_free = path_join(at, "pki/signer.pem");
	struct str der cleanup_str = STR_INIT, text cleanup_str = STR_INIT,
		       report cleanup_str = STR_INIT;
	struct err *err cleanup_err = NULL;

	sign_by(at, &der);
	assert_int_equal(pki_revoke(at, cert, NULL, &report, &err), 0);
	assert_int_equal(open_by(at, &der, &text), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),      cmocka_unit_test(test_other_text),
		cmocka_unit_test(test_names),     cmocka_unit_test(test_versions),
		cmocka_unit_test(test_signature), cmocka_unit_test(test_revoked),
	};

	return cmocka_run_group_tests(tests, dir_setup, dir_teardown);
}
