/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results as they travel: written, signed, read, and what strangers may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "remote/reapi.h"
#include "remote/transport.h"
#include "tmp.h"

#define KEY "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D1 "1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "2222222222222222222222222222222222222222222222222222222222222222"

static struct arena *arena;

static int setup(void **state)
{
	arena = arena_new();
	return dir_setup(state);
}

static int teardown(void **state)
{
	arena_free(arena);
	return dir_teardown(state);
}

static struct digest digest(const char *hex)
{
	struct digest d;

	assert_int_equal(digest_parse(hex, &d), 0);
	return d;
}

static void set_output(struct result_output *o, const char *name, enum output_type type,
		       enum result_form form)
{
	*o = (struct result_output){
		.artifact = {name, type, digest(D1), 5000000, 4000000},
		.form = form,
	};
	if (form == RESULT_BLOB)
		o->artifact.size = o->artifact.allocated = 5;
	if (form != RESULT_PARTS)
		return;
	o->directory = (struct result_blob){digest(D2), 700};
	o->trees = arena_alloc(arena, 3 * sizeof(*o->trees));
	o->tree_count = 1;
	for (size_t i = 0; i < 3; i++)
		o->trees[i] = (struct result_blob){digest(D1), 10 + i};
}

static void make(struct result *r)
{
	*r = (struct result){
		.key = digest(KEY),
		.node = "tests/a b",
		.seconds = 12.5,
		.built_at = 1764322450,
		.host = "ci.example",
		.version = "1",
		.machine = "x86_64",
		.libraries = "libarchive 3.6.2",
		.has_log = true,
		.log = {digest(D2), 17},
		.output_count = 4,
	};
	r->outputs = arena_alloc(arena, 4 * sizeof(*r->outputs));
	set_output(&r->outputs[0], "root.img", OUTPUT_IMAGE, RESULT_PARTS);
	set_output(&r->outputs[1], "big \"tree\".tar", OUTPUT_TREE, RESULT_PARTS);
	set_output(&r->outputs[2], "note", OUTPUT_FILE, RESULT_BLOB);
	set_output(&r->outputs[3], "boot.img", OUTPUT_IMAGE, RESULT_NONE);
	r->outputs[1].tree_count = 3;
}

static struct signer *signer(const char *name)
{
	char *path cleanup_free = path_join(dir, name);
	struct err *err cleanup_err = NULL;
	struct signer *s = NULL;

	if (!path_exists(path) && signer_make(path, &err) < 0)
		fail_msg("%s", err->text);
	if (signer_load(path, &s, &err) < 0)
		fail_msg("%s", err->text);
	return s;
}

static void trust_in(const struct signer *s, struct trust *ret)
{
	ret->keys = arena_alloc(arena, sizeof(*ret->keys));
	ret->count = 1;
	assert_int_equal(trust_parse(signer_word(s), ret->keys[0]), 0);
}

static int decode(const struct str *message, const struct trust *trust, struct result **ret,
		  char **why)
{
	const struct digest key = digest(KEY);

	*why = NULL;
	return result_decode(message->buf, message->len, &key, trust, arena, ret, why);
}

static void test_round_trip(void **state)
{
	struct str message cleanup_str = STR_INIT, again cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;
	struct result r, *got;

	make(&r);
	result_encode(&r, NULL, &message);
	assert_int_equal(decode(&message, NULL, &got, &why), 0);
	result_encode(got, NULL, &again);
	assert_true(message.len == again.len && !memcmp(message.buf, again.buf, again.len));
	assert_string_equal(got->outputs[1].artifact.name, "big \"tree\".tar");
	assert_int_equal(got->outputs[1].tree_count, 3);
	assert_int_equal(got->outputs[1].trees[2].size, 12);
	assert_false(got->is_signed);
	assert_true(result_same(&r, got));
	got->outputs[3].artifact.digest.b[0] ^= 1;
	assert_false(result_same(&r, got));
}

static void test_fits(void **state)
{
	struct artifact wanted[4];
	struct result r;

	make(&r);
	for (size_t i = 0; i < 4; i++)
		wanted[i] = r.outputs[i].artifact;
	assert_true(result_fits(&r, wanted, 4));
	assert_false(result_fits(&r, wanted, 3));
	wanted[0].type = OUTPUT_FILE;
	assert_false(result_fits(&r, wanted, 4));
	wanted[0] = wanted[1];
	assert_false(result_fits(&r, wanted, 4));
}

static void test_signed(void **state)
{
	struct signer *ours = signer("ours"), *theirs = signer("theirs");
	struct str message cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;
	struct trust us, them;
	struct result r, *got;

	trust_in(ours, &us);
	trust_in(theirs, &them);
	make(&r);
	result_encode(&r, ours, &message);
	assert_int_equal(decode(&message, &us, &got, &why), 0);
	assert_true(got->is_signed);
	assert_string_equal(got->signer, signer_word(ours));
	assert_int_equal(decode(&message, NULL, &got, &why), 0);
	assert_int_equal(decode(&message, &them, &got, &why), 1);
	assert_non_null(strstr(why, "does not name"));
	signer_free(ours);
	signer_free(theirs);
}

/* A bit of each byte of the text is changed: nothing of it is believed. */
static void test_forged(void **state)
{
	struct signer *ours = signer("ours");
	struct str message cleanup_str = STR_INIT;
	struct reapi_result *m cleanup_reapi_result = NULL;
	struct trust us;
	struct result r, *got;
	char *text;
	size_t len;

	trust_in(ours, &us);
	make(&r);
	result_encode(&r, ours, &message);
	m = reapi_result_open(message.buf, message.len);
	len = reapi_result_len(m);
	text = memmem(message.buf, message.len, "orch-record", 11);
	for (size_t i = 0; i < len; i++) {
		char *why cleanup_free = NULL;

		text[i] ^= 1;
		if (decode(&message, &us, &got, &why) != 1)
			fail_msg("byte %zu", i);
		text[i] ^= 1;
	}
	signer_free(ours);
}

static void test_unsigned(void **state)
{
	struct signer *ours = signer("ours");
	struct str message cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;
	struct trust us;
	struct result r, *got;

	trust_in(ours, &us);
	make(&r);
	result_encode(&r, NULL, &message);
	assert_int_equal(decode(&message, &us, &got, &why), 1);
	assert_non_null(strstr(why, "is not signed"));
	signer_free(ours);
}

static void test_key_file(void **state)
{
	char *path cleanup_free = path_join(dir, "key");
	struct err *err cleanup_err = NULL, *twice cleanup_err = NULL, *open cleanup_err = NULL;
	struct signer *s = signer("key");
	struct stat st;

	assert_int_equal(strlen(signer_word(s)), SIGN_WORD_LEN);
	signer_free(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(signer_make(path, &twice), -1);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(signer_load(path, &s, &open), -1);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 60), 0);
	assert_int_equal(signer_load(path, &s, &err), -1);
	assert_ptr_equal(err->code, E_KEY_UNUSABLE);
}

/* --- hostile texts ------------------------------------------------------------------------- */

#define TOP "orch-record 1\nkey sha256:" KEY "\nnode \"n\"\n"
#define REST "seconds 1.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n"
#define OUT "output \"x\" file sha256:" D1 " 5 5 blob\n"
#define HEAD TOP REST

static int decode_text(const char *text, size_t len)
{
	struct str s = {.buf = (char *)text, .len = len};
	struct str message cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;
	struct result none = {0}, *got;
	int rc;

	reapi_result_pack(&none, &s, &message);
	rc = decode(&message, NULL, &got, &why);
	assert_true(rc == 0 ? !why : why != NULL);
	return rc;
}

static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"orch-record 1\n",
		"orch-record 2\nkey sha256:" KEY "\nnode \"n\"\n" REST OUT,
		"orch-record 1 1\nkey sha256:" KEY "\nnode \"n\"\n" REST OUT,
		HEAD,
		"orch-record 1\nkey sha256:" D1 "\nnode \"n\"\n" REST OUT,
		"orch-record 1\nnode \"n\"\n" REST OUT,
		"orch-record 1\nkey " KEY "\nnode \"n\"\n" REST OUT,
		"orch-record 1\nkey sha256:" KEY "0\nnode \"n\"\n" REST OUT,
		TOP TOP REST OUT,
		TOP "node \"n\"\n" REST OUT,
		TOP REST REST OUT,
		TOP "seconds 1\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds inf\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds -1.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds 1e9.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds 99999999999999999999.000\n"
		    "built 1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds 1.000\nbuilt -1\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds 1.000\nbuilt 99999999999999\nby \"h\" \"v\" \"m\" \"l\"\nlog -\n" OUT,
		TOP "seconds 1.000\nbuilt 1\nby \"h\" \"v\"\nlog -\n" OUT,
		TOP "seconds 1.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog\n" OUT,
		TOP "seconds 1.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog sha256:" D1 "\n" OUT,
		TOP "seconds 1.000\nbuilt 1\nby \"h\" \"v\" \"m\" \"l\"\nlog sha256:" D1
		    " 99999999\n" OUT,
		HEAD OUT OUT,
		HEAD "output \"x\" file chunks:" D1 " 5 5 blob\n",
		HEAD "output \"x\" image sha256:" D1 " 5 5 none\n",
		HEAD "output \"x\" image chunks:" D1 " 5 5 blob\n",
		HEAD "output \"x\" disk sha256:" D1 " 5 5 blob\n",
		HEAD "output \"x\" file sha256:" D1 " 5 6 blob\n",
		HEAD "output \"x\" file sha256:" D1 " 18446744073709551615 5 none\n",
		HEAD "output \"x\" file sha256:" D1 " 9999999999999999999999 5 none\n",
		HEAD "output \"x\" file sha256:" D1 " 500000 500000 blob\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 blob extra\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 all\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 parts\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 parts " D1 "\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 parts " D1 " 99999999\n",
		/* Names parts, and the message has none. */
		HEAD "output \"x\" file sha256:" D1 " 5 5 parts " D1 " 99\n",
		HEAD "output x\" file sha256:" D1 " 5 5 blob\n",
		HEAD "output \"x file sha256:" D1 " 5 5 blob\n",
		HEAD "output \"x\" file sha256:" D1 " 5 5 blob",
		HEAD OUT "more\n",
		HEAD OUT "\n",
		HEAD OUT "signature\n",
		HEAD OUT "signature ed25519:" D1 " " D1 "\n",
		HEAD OUT "signature ed25519:" D1 " " D1 D1 "\n",
		HEAD OUT "signature ed25519:" D1 " " D1 D1 "\n" OUT,
		HEAD "signature ed25519:" D1 " " D1 D1 "\n" OUT,
		HEAD OUT "signature rsa:" D1 " " D1 D1 "\n",
	};

	for (size_t i = 0; i < array_len(texts); i++)
		if (decode_text(texts[i], strlen(texts[i])) != 1)
			fail_msg("text %zu is taken", i);
	assert_int_equal(decode_text(HEAD "out\0put", strlen(HEAD) + 7), 1);
	assert_int_equal(decode_text(HEAD OUT, strlen(HEAD OUT)), 0);
}

/* More outputs, or a longer text, than there may be. */
static void test_caps(void **state)
{
	struct str text cleanup_str = STR_INIT, many cleanup_str = STR_INIT;

	str_append(&text, HEAD OUT);
	str_append(&many, HEAD);
	for (size_t i = 0; i <= RESULT_OUTPUTS_MAX; i++)
		str_printf(&many, "output \"%zu\" file sha256:" D1 " 5 5 none\n", i);
	assert_int_equal(decode_text(many.buf, many.len), 1);
	str_append(&text, "output \"");
	for (size_t i = 0; i < RESULT_TEXT_MAX; i++)
		str_append_char(&text, 'x');
	str_append(&text, "\" file sha256:" D1 " 5 5 none\n");
	assert_int_equal(decode_text(text.buf, text.len), 1);
}

static int decode_bytes(const void *data, size_t len)
{
	struct str message cleanup_str = STR_INIT;
	char *why cleanup_free = NULL;
	struct result *got;

	str_append_len(&message, data, len);
	return decode(&message, NULL, &got, &why);
}

/* What is no message, or one of a failed action. */
static void test_messages(void **state)
{
	unsigned char failed[] = {0x20, 0x01};
	struct str large cleanup_str = STR_INIT, message cleanup_str = STR_INIT;
	struct result r;

	assert_int_equal(decode_bytes("", 0), 1);
	assert_int_equal(decode_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11), 1);
	assert_int_equal(decode_bytes("\x2a\xff\xff\xff\xff\x0f", 6), 1);
	make(&r);
	result_encode(&r, NULL, &message);
	assert_int_equal(decode_bytes(message.buf, message.len), 0);
	for (size_t i = 0; i < message.len; i += 7)
		assert_int_equal(decode_bytes(message.buf, i), 1);
	str_append_len(&message, failed, sizeof(failed));
	assert_int_equal(decode_bytes(message.buf, message.len), 1);
	for (size_t i = 0; i <= REMOTE_RESULT_MAX; i++)
		str_append_char(&large, 0);
	assert_int_equal(decode_bytes(large.buf, large.len), 1);
}

static void test_tree(void **state)
{
	struct part parts[] = {{0, 10, digest(D2)}, {10, 20, digest(D1)}, {40, 10, digest(D2)}};
	struct str directory cleanup_str = STR_INIT, tree cleanup_str = STR_INIT;
	struct result_blob map = {digest(KEY), 5}, got, *files;
	size_t count;

	reapi_directory_pack(&map, parts, 3, &directory);
	reapi_tree_pack(&directory, &tree);
	assert_int_equal(reapi_tree_map(tree.buf, tree.len, &got), 0);
	assert_true(digest_eq(&got.digest, &map.digest) && got.size == 5);
	assert_int_equal(reapi_tree_files(tree.buf, tree.len, arena, &files, &count), 0);
	assert_int_equal(count, 3);
	assert_true(digest_eq(&files[0].digest, &parts[1].digest));
	assert_int_equal(reapi_tree_map("\xff", 1, &got), 1);
	assert_int_equal(reapi_tree_map("", 0, &got), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_round_trip), TEST(test_fits),     TEST(test_signed),  TEST(test_forged),
		TEST(test_unsigned),   TEST(test_key_file), TEST(test_hostile), TEST(test_caps),
		TEST(test_messages),   TEST(test_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
