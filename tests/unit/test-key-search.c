/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private keys in files that are compressed, and in archives, and these in one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "base/str.h"
#include "media/tree/key_search.h"

#define ROOM (1u << 20)

static EVP_PKEY *key;

static int setup(void **state)
{
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int teardown(void **state)
{
	EVP_PKEY_free(key);
	return 0;
}

static void take(BIO *bio, struct str *ret)
{
	char *text;
	long len = BIO_get_mem_data(bio, &text);

	str_append_len(ret, text, (size_t)len);
	BIO_free(bio);
}

/* The key in one of its forms. */
static void pem(struct str *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL));
	take(bio, ret);
}

static void pkcs8(struct str *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	take(bio, ret);
}

static void der(struct str *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL));
	take(bio, ret);
}

static void old_der(struct str *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());

	assert_true(i2d_PrivateKey_bio(bio, key));
	take(bio, ret);
}

static void base64(struct str *ret)
{
	struct str bytes cleanup_str = STR_INIT;
	char text[1024];

	der(&bytes);
	assert_true(bytes.len < 700);
	EVP_EncodeBlock((unsigned char *)text, (const unsigned char *)bytes.buf, (int)bytes.len);
	str_printf(ret, "KEY=%s\n", text);
}

static void openssh(struct str *ret)
{
	str_append_len(ret, "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1", 39);
}

typedef void form_fn(struct str *ret);
static form_fn *const forms[] = {pem, pkcs8, der, old_der, base64, openssh};

/* S, compressed by FILTER; as the only file of an archive of FORMAT, when that is not "raw". */
static void pack(struct str *s, const char *format, const char *filter, const char *name)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	char *room = xmalloc(ROOM);
	size_t used = 0;

	assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
	if (filter)
		assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, room, ROOM, &used), ARCHIVE_OK);
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0600);
	archive_entry_set_size(e, (la_int64_t)s->len);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, s->buf, s->len), (la_ssize_t)s->len);
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	str_clear(s);
	str_append_len(s, room, used);
	free(room);
}

static const char *const filters[] = {"gzip", "xz", "zstd", "bzip2", "lz4"};

/* What does not get smaller stands there as it was, and may be found in another form. */
static void found(const struct str *s)
{
	char *said cleanup_free = key_search("etc/x", s->buf, s->len);

	assert_non_null(said);
}

static void compressed(void **state)
{
	for (size_t f = 0; f < array_len(forms); f++)
		for (size_t c = 0; c < array_len(filters); c++) {
			struct str s cleanup_str = STR_INIT;

			forms[f](&s);
			pack(&s, "raw", filters[c], "x");
			found(&s);
		}
}

static void compressed_twice(void **state)
{
	for (size_t c = 0; c < array_len(filters); c++)
		for (size_t d = 0; d < array_len(filters); d++) {
			struct str s cleanup_str = STR_INIT;

			der(&s);
			pack(&s, "raw", filters[c], "x");
			pack(&s, "raw", filters[d], "x");
			found(&s);
		}
}

/* A compressed key in an archive that is compressed or not. */
static void in_archives(void **state)
{
	static const char *const formats[] = {"ustar", "pax", "gnutar", "zip", "arbsd", "argnu"};

	for (size_t f = 0; f < array_len(formats); f++)
		for (size_t c = 0; c < array_len(filters); c++) {
			struct str s cleanup_str = STR_INIT;

			pkcs8(&s);
			pack(&s, "raw", filters[c], "x");
			pack(&s, formats[f], NULL, "key");
			found(&s);
			pack(&s, "raw", filters[(c + 1) % array_len(filters)], "x");
			found(&s);
		}
}

/* deb(5): an ar, in it a tar that is compressed. */
static void in_packages(void **state)
{
	for (size_t f = 0; f < array_len(forms); f++)
		for (size_t c = 0; c < array_len(filters); c++) {
			struct str s cleanup_str = STR_INIT;

			forms[f](&s);
			pack(&s, "raw", "gzip", "key");
			pack(&s, "gnutar", filters[c], "./usr/share/key.gz");
			pack(&s, "arbsd", NULL, "data.tar.xz");
			found(&s);
		}
}

/* What is promised ends somewhere, and what holds no key is none. */
static void limits(void **state)
{
	struct str s cleanup_str = STR_INIT, t cleanup_str = STR_INIT;
	char *large cleanup_free = xcalloc(1, KEY_SEARCH_UNPACKED);
	char *said;

	str_append_len(&s, large, 4096);
	der(&s);
	for (int i = 0; i < KEY_SEARCH_DEPTH; i++) {
		str_append_len(&s, large, i ? 0 : 4096);
		pack(&s, i ? "ustar" : "raw", i ? NULL : "gzip", "x");
	}
	found(&s);
	pack(&s, "ustar", NULL, "x");
	assert_null(key_search("etc/x", s.buf, s.len));
	str_append_len(&t, large, KEY_SEARCH_UNPACKED);
	pem(&t);
	pack(&t, "raw", "gzip", "x");
	assert_null(key_search("etc/x", t.buf, t.len));
	str_clear(&t);
	str_append(&t, "nothing to see");
	pack(&t, "ustar", "xz", "x");
	assert_null(key_search("etc/x", t.buf, t.len));
	/* cut anywhere: none is read beyond its end */
	for (size_t i = 0; i <= t.len; i++) {
		char *cut cleanup_free = xmalloc(i + 1);

		memcpy(cut, t.buf, i);
		said = key_search("etc/x", cut, i);
		assert_null(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compressed),  cmocka_unit_test(compressed_twice),
		cmocka_unit_test(in_archives), cmocka_unit_test(in_packages),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
