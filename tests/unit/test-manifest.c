/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store-fixture.h"

/* Gives a node a result as if it had been built; the digest is full of FILL. */
static void settle(struct node *n, unsigned char fill)
{
	struct record *r = arena_alloc(arena, sizeof(*r));

	r->node = n->name;
	r->output_count = n->outputs.count;
	r->outputs = arena_alloc(arena, (n->outputs.count + 1) * sizeof(*r->outputs));
	for (size_t i = 0; i < n->outputs.count; i++) {
		r->outputs[i] = (struct artifact){.name = n->outputs.items[i].name,
						  .type = n->outputs.items[i].type,
						  .size = 1000 + i};
		memset(r->outputs[i].digest.b, fill, DIGEST_LEN);
	}
	n->record = r;
}

static const char *make(struct graph *g, const char *name)
{
	struct err *err cleanup_err = NULL;
	struct node *n = graph_node(g, name);

	if (manifest_make(g, n, store, &tools, &err))
		fail_msg("%s", err->text);
	return n->manifest;
}

#define AA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Text WHOLE, of which KEYED is the part that is the key. */
static void expect_round_trip(const char *whole, const char *keyed)
{
	struct err *err cleanup_err = NULL;
	struct str all cleanup_str = STR_INIT, key cleanup_str = STR_INIT;
	struct manifest *m = manifest_parse(arena, whole, &err);

	assert_non_null(m);
	manifest_print(m, true, &all);
	assert_string_equal(all.buf, whole);
	manifest_print(m, false, &key);
	assert_string_equal(key.buf, keyed);
}

static void golden(void **state)
{
	struct graph *g;

	put("recipes/project.yaml", "schema: 1\nname: p\ntimes: 1735689600\n");
	put("recipes/base.yaml", "kind: demo\nmakes: [root.tar, disk.img]\n");
	put("recipes/n.yaml", "kind: demo\ntext: |\n  a \"b\"\nsize: 4K\nlook: nice\n"
			      "inputs: [src/, one, base:/usr/x, base]\nimage: base:disk.img\n");
	put("src/b/x.sh", "");
	put("src/a", "hello\n");
	put("src/b.txt", "");
	put("one", "");
	assert_int_equal(chmod(arena_printf(arena, "%s/src/b/x.sh", project_dir), 0700), 0);
	assert_int_equal(chmod(arena_printf(arena, "%s/src/a", project_dir), 0600), 0);
	assert_int_equal(symlink("/etc/x y", arena_printf(arena, "%s/src/link", project_dir)), 0);
	assert_int_equal(mkdir(arena_printf(arena, "%s/src/empty", project_dir), 0700), 0);
	g = good();
	settle(graph_node(g, "base"), 0xaa);
	assert_string_equal(
		make(g, "n"),
		"orch-manifest 2\n"
		"kind demo 2\n"
		"project \"p\"\n"
		"node \"n\"\n"
		"times 1735689600\n"
		"option text \"a \\\"b\\\"\\n\"\n"
		"option size \"4096\"\n"
		"option image \"base:disk.img\"\n"
		"option inputs.0 \"src/\"\n"
		"option inputs.1 \"one\"\n"
		"option inputs.2 \"base:/usr/x\"\n"
		"option inputs.3 \"base\"\n"
		"input \"base\" node\n"
		"output \"base\" \"root.tar\" tree sha256:" AA " 1000\n"
		"output \"base\" \"disk.img\" image chunks:" AA " 1001\n"
		"input \"base:/usr/x\" inside \"root.tar\" tree sha256:" AA " 1000\n"
		"input \"base:disk.img\" output \"disk.img\" image chunks:" AA " 1001\n"
		"input \"one\" file 0644 sha256:" EMPTY "\n"
		"input \"src/\" folder "
		"sha256:54762415291aef1e522ae420d4b6e4627363e25f1bd5f0deac64093565a45b58\n"
		"file \"src/\" \"a\" 0644 "
		"sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03\n"
		"file \"src/\" \"b\" folder\n"
		"file \"src/\" \"b.txt\" 0644 sha256:" EMPTY "\n"
		"file \"src/\" \"b/x.sh\" 0755 sha256:" EMPTY "\n"
		"file \"src/\" \"empty\" folder\n"
		"file \"src/\" \"link\" link \"/etc/x y\"\n");
	expect_round_trip(graph_node(g, "n")->manifest, graph_node(g, "n")->manifest);
}

/* What must not and what must change the key. */
static void keys(void **state)
{
	char *file cleanup_free = path_join(project_dir, "src/a");
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	struct digest before;
	struct node *n;
	struct graph *g;

	put("recipes/n.yaml", "kind: demo\ninputs: [src]\n");
	put("src/a", "x");
	g = good();
	make(g, "n");
	before = graph_node(g, "n")->key;
	assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
	assert_int_equal(chmod(file, 0400), 0);
	put("recipes/n.yaml", "# comment\nkind: demo\nlook: other\ninputs:\n  - \"src\"\n");
	g = good();
	n = graph_node(g, "n");
	make(g, "n");
	assert_true(digest_eq(&n->key, &before));
	assert_int_equal(chmod(file, 0500), 0);
	make(g, "n");
	assert_false(digest_eq(&n->key, &before));
	assert_int_equal(chmod(file, 0600), 0);
	put("src/a", "y");
	make(g, "n");
	assert_false(digest_eq(&n->key, &before));
	put("src/a", "x");
	make(g, "n");
	assert_true(digest_eq(&n->key, &before));
	put("src/.gitignore", "");
	make(g, "n");
	assert_false(digest_eq(&n->key, &before));
}

static void links(void **state)
{
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/n.yaml", "kind: demo\ninputs: [lf, ld]\n");
	put("real/a", "");
	assert_int_equal(symlink("real/a", arena_printf(arena, "%s/lf", project_dir)), 0);
	assert_int_equal(symlink("real", arena_printf(arena, "%s/ld", project_dir)), 0);
	g = good();
	assert_non_null(strstr(make(g, "n"), "input \"ld\" folder sha256:"));
	assert_non_null(strstr(make(g, "n"), "file \"ld\" \"a\" 0644 sha256:" EMPTY));
	assert_non_null(strstr(make(g, "n"), "input \"lf\" file 0644 sha256:" EMPTY));
	assert_int_equal(mkfifo(arena_printf(arena, "%s/real/fifo", project_dir), 0600), 0);
	assert_int_equal(manifest_make(g, graph_node(g, "n"), store, &tools, &err), -1);
	assert_string_equal(err->text,
			    "node 'n': 'real/fifo' is neither a file, a directory nor a link");
}

static void missing(void **state)
{
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/n.yaml", "kind: locked\n");
	g = good();
	assert_int_equal(manifest_make(g, graph_node(g, "n"), store, &tools, &err), -1);
	assert_string_equal(err->text, "'recipes/n.lock' is missing: run 'orch lock n'");
	assert_int_equal(err->code->cls, ERR_USER);
	assert_string_equal(err->file, "recipes/n.yaml");
	err_free(steal_ptr(err));
	put("recipes/n.lock", "bad");
	assert_int_equal(manifest_make(g, graph_node(g, "n"), store, &tools, &err), -1);
	assert_string_equal(err->text, "recipes/n.lock: bad");
	err_free(steal_ptr(err));
	put("recipes/n.lock", "b 1\na 2\n");
	assert_non_null(strstr(make(g, "n"), "pin package \"b\" \"1\"\npin package \"a\" \"2\"\n"));
	assert_string_equal(graph_node(g, "n")->lock_text, "b 1\na 2\n");
	assert_null(strstr(make(g, "n"), "\nlock "));
}

static void host_tools(void **state)
{
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/n.yaml", "kind: demo\ntools: [sort, ls]\n");
	put("recipes/m.yaml", "kind: demo\ntools: [no-such-program]\n");
	g = good();
	/* the list of names ends with NULL: the decoder leaves room for it */
	assert_non_null(strstr(make(g, "n"), "tool \"sort\" \"sort (GNU coreutils) "));
	assert_int_equal(tools.known.count, 2);
	assert_int_equal(manifest_make(g, graph_node(g, "m"), store, &tools, &err), -1);
	assert_int_equal(err->code->cls, ERR_ENV);
}

static void recheck(void **state)
{
	struct err *err cleanup_err = NULL;
	char *what = NULL;
	struct graph *g;
	struct node *n;

	put("recipes/n.yaml", "kind: demo\ninputs: [src, one]\n");
	put("src/a", "");
	put("one", "");
	g = good();
	n = graph_node(g, "n");
	make(g, "n");
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 0);
	put("src/a", "changed");
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 1);
	assert_string_equal(what, "src/a");
	free(what);
	put("src/a", "");
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 0);
	assert_int_equal(unlink(arena_printf(arena, "%s/one", project_dir)), 0);
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 1);
	assert_string_equal(what, "one");
	free(what);
}

/* A lock that says the same in other words is no change. */
static void recheck_lock(void **state)
{
	struct err *err cleanup_err = NULL;
	char *what = NULL;
	struct graph *g;
	struct node *n;

	put("recipes/n.yaml", "kind: locked\n");
	put("recipes/n.lock", "a 1\n");
	g = good();
	n = graph_node(g, "n");
	make(g, "n");
	put("recipes/n.lock", "a 1\n\n# more");
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 0);
	put("recipes/n.lock", "a 2\n");
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 1);
	assert_string_equal(what, "recipes/n.lock");
	free(what);
	assert_int_equal(unlink(arena_printf(arena, "%s/recipes/n.lock", project_dir)), 0);
	assert_int_equal(manifest_recheck(g, n, store, &what, &err), 1);
	free(what);
}

#define HEAD "orch-manifest 2\nkind image 1\nproject \"p\"\nnode \"n\"\ntimes 1\n"

static void expect_whole_diff(const char *old, const char *new, const char *expected)
{
	struct str s cleanup_str = STR_INIT;
	struct changes c = {0};

	manifest_diff(arena, old, new, &c);
	for (size_t i = 0; i < c.count; i++) {
		change_text(&c.items[i], &s);
		str_append_char(&s, '\n');
	}
	changes_clear(&c);
	assert_string_equal(s.buf, expected);
}

/* OLD and NEW are what follows after the head. */
static void expect_diff(const char *old, const char *new, const char *expected)
{
	expect_whole_diff(arena_printf(arena, HEAD "%s", old), arena_printf(arena, HEAD "%s", new),
			  expected);
}

static void diffs(void **state)
{
	expect_whole_diff(HEAD, HEAD, "");
	expect_diff("line steps.0 12 \"a\"\nunkeyed timeout \"60\"\n",
		    "line steps.0 13 \"a\"\nline steps.1 14 \"b\"\n", "");
	expect_diff("option size \"4294967296\"\noption label \"a b\"\n",
		    "option size \"6442450944\"\noption label \"a c\"\noption x "
		    "\"\\x1b\"\n",
		    "option size 4G -> 6G\noption label a b -> a c\noption x "
		    "now has \\x1b\n");
	expect_diff("option packages.0 \"a\"\noption packages.1 \"c\"\noption packages.2 \"d\"\n",
		    "option packages.0 \"a\"\noption packages.1 \"b\"\noption packages.2 \"c\"\n",
		    "option packages now has b\noption packages no longer has d\n");
	expect_diff("option p.0 \"a\"\noption p.1 \"b\"\n", "option p.0 \"b\"\noption p.1 \"a\"\n",
		    "option p one order -> another order\n");
	expect_diff("option p.0 \"a\"\noption p.1 \"a\"\n", "option p.0 \"a\"\n",
		    "option p no longer has a\n");
	expect_diff("option outputs.root\\x2etar \"/\"\noption outputs.\\x30 \"/a\"\n",
		    "option outputs.root\\x2etar \"/x\"\n",
		    "option outputs.root.tar / -> /x\noption outputs.0 no longer has /a\n");
	expect_diff("input \"rootfs/\" folder sha256:" AA
		    "\nfile \"rootfs/\" \"etc/a\" 0644 sha256:" AA "\n"
		    "file \"rootfs/\" \"b\" 0644 sha256:" AA
		    "\nfile \"rootfs/\" \"c\" 0644 sha256:" AA "\n",
		    "input \"rootfs/\" folder sha256:" EMPTY
		    "\nfile \"rootfs/\" \"etc/a\" 0644 sha256:" EMPTY "\n"
		    "file \"rootfs/\" \"b\" 0755 sha256:" AA
		    "\nfile \"rootfs/\" \"d\" link \"x\"\n",
		    "file rootfs/etc/a sha256:aaaaaaaaaaaa -> sha256:e3b0c44298fc\nfile rootfs/b "
		    "0644 -> 0755\n"
		    "file rootfs/d is new\nfile rootfs/c is gone\n");
	expect_diff("input \"base\" node\noutput \"base\" \"x\" tree sha256:" AA " 10\n",
		    "input \"base\" node\noutput \"base\" \"x\" tree sha256:" EMPTY " 10\n"
		    "input \"u:v\" output \"v\" file sha256:" AA " 1\ntool \"rauc\" \"1.8\"\n",
		    "input base:x sha256:aaaaaaaaaaaa -> sha256:e3b0c44298fc\ninput u:v is "
		    "new\ntool rauc is new\n");
	expect_diff("input \"x\" folder sha256:" AA "\nfile \"x\" \"a\" folder\n",
		    "input \"x\" file 0644 sha256:" AA "\n",
		    "input x folder -> file 0644 sha256:aaaaaaaaaaaa\nfile x/a is gone\n");
	expect_diff("pin package \"a\" \"1 all sha256:" AA "\"\n"
		    "pin package \"b\" \"1 all sha256:" AA "\"\n"
		    "pin package \"c\" \"1 all sha256:" AA "\"\n"
		    "pin source \"s\" \"1 s_1.dsc sha256:" AA "\"\n"
		    "pin source \"s\" \"1 s_1.tar sha256:" AA "\"\n",
		    "pin package \"b\" \"2 all sha256:" EMPTY "\"\n"
		    "pin package \"c\" \"1 all sha256:" EMPTY "\"\n"
		    "pin package \"d\" \"1 all sha256:" AA "\"\n"
		    "pin source \"s\" \"2 s_2.dsc sha256:" AA "\"\n"
		    "pin source \"s\" \"2 s_2.tar sha256:" AA "\"\n",
		    "package b 1 -> 2\npackage c sha256:aaaaaaaaaaaa -> sha256:e3b0c44298fc\n"
		    "package d is new\nsource s 1 -> 2\npackage a is gone\n");
	expect_diff("pin arch \"amd64\" \"\"\n", "pin arch \"arm64\" \"\"\n",
		    "arch amd64 -> arm64\n");
	expect_whole_diff(HEAD,
			  "orch-manifest 2\nkind image 2\nproject \"q\"\nnode \"n\"\ntimes 2\n",
			  "kind image 1 -> 2\nproject p -> q\ntimes 1 -> 2\n");
	expect_whole_diff("garbage \"\n", HEAD, "manifest of another orch -> of this\n");
}

static const char rich_key[] =
	HEAD "option empty []\noption map {}\noption text \"[]\"\noption steps.0.name \"\\x01\"\n"
	     "pin package \"a\" \"1 2\"\n"
	     "input \"a/\" folder sha256:" AA "\n"
	     "file \"a/\" \"f\" 0644 sha256:" EMPTY "\n"
	     "file \"a/\" \"l\" link \"\"\n"
	     "file \"a/\" \"x y\" folder\n"
	     "input \"base\" node\n"
	     "output \"base\" \"root.tar\" tree sha256:" AA " 1000\n"
	     "output \"base\" \"disk.img\" image chunks:" AA " 1001\n"
	     "input \"base:/x\" inside \"root.tar\" tree sha256:" AA " 1000\n"
	     "input \"none\" node\n"
	     "input \"one\" file 0755 sha256:" EMPTY "\n"
	     "tool \"rauc\" \"1 \\\"8\\\"\"\n";
static const char rich_whole[] =
	HEAD "option empty []\noption map {}\noption text \"[]\"\noption steps.0.name \"\\x01\"\n"
	     "line steps.0 12 \"recipes/x y.yaml\"\nunkeyed timeout \"60\"\n"
	     "pin package \"a\" \"1 2\"\nlock \"l\\n\"\n"
	     "input \"a/\" folder sha256:" AA "\nat \"/p/a/\"\n"
	     "file \"a/\" \"f\" 0644 sha256:" EMPTY "\n"
	     "file \"a/\" \"l\" link \"\"\n"
	     "file \"a/\" \"x y\" folder\n"
	     "input \"base\" node\n"
	     "output \"base\" \"root.tar\" tree sha256:" AA " 1000\nat \"/s/1\"\n"
	     "output \"base\" \"disk.img\" image chunks:" AA " 1001\nat \"/s/2\"\n"
	     "from \"base\"\n"
	     "input \"base:/x\" inside \"root.tar\" tree sha256:" AA " 1000\nat \"/s/1\"\n"
	     "from \"base\" \"/x\"\n"
	     "input \"none\" node\nfrom \"none\"\n"
	     "input \"one\" file 0755 sha256:" EMPTY "\nat \"/p/one\"\n"
	     "tool \"rauc\" \"1 \\\"8\\\"\"\n";

#define UNNAMED "orch-manifest 2\nkind image 1\n"

/* The names are in the key only of who says so. */
static void names(void **state)
{
	struct digest key;
	struct graph *g;

	expect_round_trip(UNNAMED "unkeyed-node \"n\"\ntimes 1\n", UNNAMED "times 1\n");
	put("recipes/project.yaml", "schema: 1\nname: p\n");
	put("recipes/a.yaml", "kind: locked\n");
	put("recipes/a.lock", "x 1\n");
	put("recipes/n.yaml", "kind: demo\n");
	g = good();
	make(g, "a");
	assert_non_null(strstr(make(g, "n"), "project \"p\"\nnode \"n\"\n"));
	key = graph_node(g, "a")->key;
	put("recipes/project.yaml", "schema: 1\nname: q\n");
	put("recipes/b.yaml", "kind: locked\n");
	put("recipes/b.lock", "x 1\n");
	g = good();
	make(g, "b");
	assert_true(digest_eq(&key, &graph_node(g, "b")->key));
}

/* The date of the locks is in the key only of who says so. */
static void lock_dates(void **state)
{
	expect_round_trip(HEAD "lock-date 7\n", HEAD "lock-date 7\n");
	expect_round_trip(HEAD "unkeyed-lock-date 7\n", HEAD);
	expect_diff("lock-date 7\n", "lock-date 8\n", "lock-date 7 -> 8\n");
	expect_diff("unkeyed-lock-date 7\n", "unkeyed-lock-date 8\n", "");
	expect_round_trip(HEAD "project-version \"1 b\"\n", HEAD "project-version \"1 b\"\n");
	expect_diff("project-version \"1\"\n", "project-version \"2\"\n",
		    "project-version 1 -> 2\n");
}

static void round_trips(void **state)
{
	expect_round_trip(HEAD, HEAD);
	expect_round_trip(rich_key, rich_key);
	expect_round_trip(rich_whole, rich_key);
}

static void hostile(void **state)
{
	static const char *const bad[] = {
		"",
		"orch-manifest 1\n",
		"orch-manifest 2\n",
		"orch-manifest 2\nkind image 01\nproject \"p\"\nnode \"n\"\ntimes 1\n",
		"orch-manifest 2\nproject \"p\"\nkind image 1\nnode \"n\"\ntimes 1\n",
		HEAD "tool \"a\" \"b\"",
		HEAD "tool \"a\" b\n",
		HEAD "tool \"a\" \"b\" \"c\"\n",
		HEAD "tool \"a\" \"\\x41\"\n",
		HEAD "what \"a\"\n",
		HEAD "times 1\n",
		HEAD "option a b\n",
		HEAD "option \"a\" \"b\"\n",
		HEAD "tool \"a\" \"b\"\noption a \"b\"\n",
		HEAD "file \"a\" \"b\" folder\n",
		HEAD "at \"/x\"\n",
		UNNAMED,
		UNNAMED "node \"n\"\ntimes 1\n",
		UNNAMED "project \"p\"\ntimes 1\n",
		HEAD "pin \"package\" \"a\" \"1\"\n",
		HEAD "pin package \"a\"\n",
		HEAD "lock \"\"\npin package \"a\" \"1\"\n",
		HEAD "from \"x\"\n",
		HEAD "output \"b\" \"o\" tree sha256:" AA " 1\n",
		HEAD "input \"b\" node\noutput \"c\" \"o\" tree sha256:" AA " 1\n",
		HEAD "input \"b\" node\noutput \"b\" \"o\" tree chunks:" AA " 1\n",
		HEAD "input \"b\" node\noutput \"b\" \"o\" image sha256:" AA " 1\n",
		HEAD "input \"b\" node\noutput \"b\" \"o\" tree sha256:" AA " -1\n",
		HEAD "input \"b\" output \"o\" tree sha256:" AA "\n",
		HEAD "input \"b\" file 0600 sha256:" AA "\n",
		HEAD "input \"b\" folder sha256:00\n",
		HEAD "input \"b\" folder sha256:" AA "\nfile \"c\" \"x\" folder\n",
		HEAD "input \"b\" folder sha256:" AA "\nfile \"b\" \"x\" link\n",
		HEAD "input \"b\" folder sha256:" AA "\nfile \"b\" \"x\" 0644 sha256:0\n",
		HEAD "input \"b\" file 0644 sha256:" AA "\nat \"/a\"\nat \"/b\"\n",
	};

	for (size_t i = 0; i < array_len(bad); i++) {
		struct err *err cleanup_err = NULL;

		if (manifest_parse(arena, bad[i], &err))
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(err->code->cls, ERR_INTERNAL);
	}
}

/* A changed text is refused or is another manifest, never the same one again. */
static void mutated(void **state)
{
	static const char odd[] = "\n \"\\x0a[\xff";
	char text[sizeof(rich_whole)];

	for (size_t i = 0; i < sizeof(rich_whole) - 1; i++) {
		for (size_t c = 0; c < sizeof(odd); c++) {
			struct arena *own cleanup_arena = arena_new();
			struct err *err cleanup_err = NULL;
			struct str again cleanup_str = STR_INIT;
			struct manifest *m;

			memcpy(text, rich_whole, sizeof(text));
			text[i] = odd[c];
			m = manifest_parse(own, text, &err);
			assert_true((m == NULL) == (err != NULL));
			if (m)
				manifest_print(m, true, &again);
			if (m)
				assert_string_equal(again.buf, text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(golden, open_all, close_all),
		cmocka_unit_test_setup_teardown(keys, open_all, close_all),
		cmocka_unit_test_setup_teardown(links, open_all, close_all),
		cmocka_unit_test_setup_teardown(missing, open_all, close_all),
		cmocka_unit_test_setup_teardown(host_tools, open_all, close_all),
		cmocka_unit_test_setup_teardown(recheck, open_all, close_all),
		cmocka_unit_test_setup_teardown(recheck_lock, open_all, close_all),
		cmocka_unit_test_setup_teardown(diffs, open_all, close_all),
		cmocka_unit_test_setup_teardown(round_trips, open_all, close_all),
		cmocka_unit_test_setup_teardown(lock_dates, open_all, close_all),
		cmocka_unit_test_setup_teardown(names, open_all, close_all),
		cmocka_unit_test_setup_teardown(hostile, open_all, close_all),
		cmocka_unit_test_setup_teardown(mutated, open_all, close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
