/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of the files below pki/ that are there when commands change them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/pki/pki.h"
#include "tmp.h"

#define FILE_MAX (1 << 20)

/* The path of pki/NAME of the test's project; caller frees. */
static char *in_pki(const char *name)
{
	return xasprintf("%s/pki/%s", dir, name);
}

static void read_file(const char *path, struct str *ret)
{
	struct err *err cleanup_err = NULL;

	assert_int_equal(file_read(path, FILE_MAX, ret, &err), 0);
}

/* Moves pki/NAME to DIR/elsewhere-NAME, with a link in its place; returns where, caller frees. */
static char *move_elsewhere(const char *name)
{
	char *path cleanup_free = in_pki(name);
	char *to = xasprintf("%s/elsewhere-%s", dir, path_base(name));

	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink(to, path), 0);
	return to;
}

/* That pki/NAME is a link still, and that FILE, at its end, is no longer as BEFORE, but of MODE. */
static void was_written(const char *name, const char *file, const struct str *before, mode_t mode)
{
	char *path cleanup_free = in_pki(name);
	struct str after cleanup_str = STR_INIT;
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(file, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | mode);
	read_file(file, &after);
	assert_string_not_equal(after.buf, before->buf);
}

static void links_stay(void **state)
{
	static const char *const names[] = {"keyring.pem", "signer.pem", "private/signer.key"};
	struct err *err cleanup_err = NULL;
	struct str report cleanup_str = STR_INIT;
	char *certs cleanup_free = in_pki("signer.pem");

	assert_int_equal(pki_init(dir, NULL, &err), 0);
	for (size_t i = 0; i < array_len(names); i++) {
		char *file cleanup_free = move_elsewhere(names[i]);
		struct str before cleanup_str = STR_INIT;

		read_file(file, &before);
		assert_int_equal(i ? pki_renew(dir, "signer", NULL, &report, &err)
				   : pki_revoke(dir, certs, NULL, &report, &err),
				 0);
		was_written(names[i], file, &before, i == 2 ? 0600 : 0644);
	}
}

/* The keyring is asked for the certificate of a key, and is damaged. */
static void a_damaged_keyring_is_told(void **state)
{
	static const char *const since[] = {"rollover-signer.pem", "private/rollover-signer.key",
					    "private/rollover-intermediate.key"};
	static const char half[] = "-----BEGIN CERTIFICATE-----\nAAAA\n";
	struct err *err cleanup_err = NULL;
	char *ring cleanup_free = in_pki("keyring.pem");

	assert_int_equal(pki_init(dir, NULL, &err), 0);
	for (size_t i = 0; i < array_len(since); i++) {
		char *path cleanup_free = in_pki(since[i]);

		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(file_write(ring, half, strlen(half), 0644, false, &err), 0);
	assert_int_equal(pki_init(dir, NULL, &err), -1);
	assert_non_null(strstr(err->text, "keyring.pem' has a damaged PEM block"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(links_stay),
		DIR_TEST(a_damaged_keyring_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
