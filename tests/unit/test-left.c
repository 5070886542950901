/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a farm keeps of what it made (left.h): as it stands, and as others may send it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/file.h"
#include "base/path.h"
#include "remote/left.h"
#include "remote/parts.h"
#include "remote/reapi.h"
#include "tmp.h"

#define PLACE "grpc://build.example:8980"

static struct arena *arena;

/* --- messages of the REAPI, byte by byte --------------------------------------------------- */

static void put_number(struct str *s, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		str_append_char(s, (char)(n | 0x80));
	str_append_char(s, (char)n);
}

static void put_bytes(struct str *s, unsigned field, const char *data, size_t len)
{
	put_number(s, field << 3 | 2);
	put_number(s, len);
	str_append_len(s, data, len);
}

/* A FileNode (1) or DirectoryNode (2) of IN. */
static void put_node(struct str *in, unsigned field, const char *name, const struct result_blob *b)
{
	struct str node cleanup_str = STR_INIT, digest cleanup_str = STR_INIT;
	char hex[DIGEST_HEX + 1];

	digest_hex(&b->digest, hex);
	put_bytes(&digest, 1, hex, DIGEST_HEX);
	if (b->size) {
		put_number(&digest, 2 << 3);
		put_number(&digest, b->size);
	}
	put_bytes(&node, 1, name, strlen(name));
	put_bytes(&node, 2, digest.buf, digest.len);
	put_bytes(in, field, node.buf, node.len);
}

static struct result_blob blob(const char *text, uint64_t size)
{
	struct result_blob b = {.size = size};

	digest_data(text, strlen(text), &b.digest);
	return b;
}

/* DIRECTORY becomes a child of TREE; what it is called. */
static struct result_blob put_child(struct str *tree, const struct str *directory)
{
	struct result_blob b = {.size = directory->len};

	digest_data(directory->buf, directory->len, &b.digest);
	put_bytes(tree, 2, directory->buf, directory->len);
	return b;
}

/* --- what a worker made: a file, an image in parts, a tree in two volumes ------------------- */

struct made {
	struct artifact outputs[3];
	struct str tree;
};

enum fault { NONE, OTHER_FILE, NO_MAP, NO_CHILD, LARGE_PART, BAD_VOLUME, NO_OUTPUT };

static struct result_blob volume(struct made *m, const char *part, enum fault fault)
{
	struct str d cleanup_str = STR_INIT;
	struct result_blob p = blob(part, fault == LARGE_PART ? 1u << 30 : 70000);
	struct result_blob map = blob("a map", 200);
	char hex[DIGEST_HEX + 1];

	put_node(&d, 1, digest_hex(&p.digest, hex), &p);
	put_node(&d, 1, fault == NO_MAP ? "pam" : "map", &map);
	return put_child(&m->tree, &d);
}

static void make(struct made *m, enum fault fault)
{
	struct result_blob file = blob(fault == OTHER_FILE ? "x" : "text", 4), image, both[2], top;
	struct str root cleanup_str = STR_INIT, volumes cleanup_str = STR_INIT;
	struct result_blob record = blob("record", 6), nowhere = blob("nowhere", 9);

	m->tree = (struct str)STR_INIT;
	m->outputs[0] = (struct artifact){.name = "a", .type = OUTPUT_FILE, .size = 4};
	digest_data("text", 4, &m->outputs[0].digest);
	m->outputs[1] = (struct artifact){.name = "b.img", .type = OUTPUT_IMAGE, .size = 1 << 20};
	m->outputs[2] = (struct artifact){.name = "c", .type = OUTPUT_TREE, .size = 1 << 30};
	digest_data("c", 1, &m->outputs[2].digest);
	image = volume(m, "one", fault);
	both[0] = volume(m, "two", NONE);
	both[1] = volume(m, "three", NONE);
	put_node(&volumes, 2, "000", &both[0]);
	put_node(&volumes, 2, fault == BAD_VOLUME ? "../1" : "001", &both[1]);
	top = put_child(&m->tree, &volumes);
	put_node(&root, 1, "0", &file);
	put_node(&root, 1, "record", &record);
	if (fault != NO_OUTPUT)
		put_node(&root, 2, "1.parts", fault == NO_CHILD ? &nowhere : &image);
	put_node(&root, 2, "2.parts", &top);
	put_bytes(&m->tree, 1, root.buf, root.len);
}

static void save(const struct made *m, const struct digest *key)
{
	struct err *err = NULL;

	if (left_save(dir, key, PLACE, m->outputs, 3, &m->tree, &err) < 0)
		fail_msg("%s", err->text);
}

static void test_round(void **state)
{
	struct digest key;
	struct made m;
	struct left l;
	const char *place;

	make(&m, NONE);
	digest_data("key", 3, &key);
	assert_int_equal(left_place(dir, &key, arena, &place), 1);
	assert_int_equal(left_load(dir, &key, arena, &l), 1);
	save(&m, &key);
	assert_int_equal(left_place(dir, &key, arena, &place), 0);
	assert_string_equal(place, PLACE);
	assert_int_equal(left_load(dir, &key, arena, &l), 0);
	assert_string_equal(l.place, PLACE);
	assert_int_equal(l.output_count, 3);
	assert_int_equal(l.outputs[0].result.form, RESULT_BLOB);
	assert_int_equal(l.outputs[1].result.tree_count, 1);
	assert_int_equal(l.outputs[1].result.bytes, 70200);
	assert_int_equal(l.outputs[1].volumes[0].file_count, 2);
	assert_int_equal(l.outputs[2].result.tree_count, 2);
	assert_int_equal(l.outputs[2].result.maps[1].size, 200);
	assert_ptr_equal(left_find(&l, &m.outputs[2]), &l.outputs[2]);
	m.outputs[2].size++;
	assert_null(left_find(&l, &m.outputs[2]));
	str_release(&m.tree);
}

/* The Directories are those of the Tree, byte for byte: their digests are what the farm knows. */
static void test_volumes(void **state)
{
	struct digest key;
	struct made m;
	struct left l;
	const struct left_volume *v;

	make(&m, NONE);
	digest_data("volumes", 7, &key);
	save(&m, &key);
	assert_int_equal(left_load(dir, &key, arena, &l), 0);
	v = &l.outputs[1].volumes[0];
	assert_non_null(memmem(m.tree.buf, m.tree.len, v->packed, v->len));
	str_release(&m.tree);
}

static void refuses(enum fault fault, const char *why)
{
	struct digest key;
	struct err *err = NULL;
	struct made m;
	const char *place;

	make(&m, fault);
	digest_data(why, strlen(why), &key);
	assert_int_equal(left_save(dir, &key, PLACE, m.outputs, 3, &m.tree, &err), -1);
	assert_ptr_equal(err->code, E_REMOTE_DAMAGED);
	if (!strstr(err->text, why))
		fail_msg("'%s' is not said, but '%s'", why, err->text);
	assert_int_equal(left_place(dir, &key, arena, &place), 1);
	err_free(err);
	str_release(&m.tree);
}

static void test_wrong(void **state)
{
	refuses(OTHER_FILE, "other bytes as output 'a'");
	refuses(NO_MAP, "a map is missing");
	refuses(NO_CHILD, "output 'b.img' is missing");
	refuses(NO_OUTPUT, "output 'b.img' is missing in it");
	refuses(LARGE_PART, "a file is too large");
	refuses(BAD_VOLUME, "a directory is missing");
}

/* Whatever is cut off or changed is refused, or read as something that is safe to use. */
static void test_hostile(void **state)
{
	struct digest key;
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;
	struct made m;
	struct left l;
	char *path cleanup_free = NULL;

	make(&m, NONE);
	digest_data("hostile", 7, &key);
	save(&m, &key);
	path = store_left_path(dir, &key);
	if (file_read(path, 1 << 20, &text, &err) < 0)
		fail_msg("%s", err->text);
	for (size_t i = 0; i < text.len; i++) {
		char *cut cleanup_free = xmemdup(text.buf, i + 1);

		cut[i] = 0;
		assert_int_equal(left_parse(cut, i, arena, &l, &err), -1);
		err_free(err);
		err = NULL;
		text.buf[i] ^= 0x55;
		if (left_parse(text.buf, text.len, arena, &l, &err) < 0)
			err_free(err);
		err = NULL;
		text.buf[i] ^= 0x55;
	}
	str_release(&m.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_hostile),
	};
	int rc;

	arena = arena_new();
	rc = cmocka_run_group_tests(tests, dir_setup, dir_teardown);
	arena_free(arena);
	return rc;
}
