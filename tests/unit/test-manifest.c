/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph-fixture.h"

static struct store *store;
static struct tool_versions tools;

static int open_all(void **state)
{
	struct err *err cleanup_err = NULL;
	char *path cleanup_free = NULL;

	if (setup(state))
		return -1;
	path = path_join(dir, "store");
	tools = (struct tool_versions){.arena = arena};
	return store_open(path, true, &store, &err);
}

static int close_all(void **state)
{
	store_close(store);
	store = NULL;
	map_clear(&tools.known);
	return teardown(state);
}

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

static void golden(void **state)
{
	struct graph *g;

	put("recipes/project.yaml", "schema: 1\nname: p\nepoch: 1735689600\n");
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
		"orch-manifest 1\n"
		"kind demo 2\n"
		"project \"p\"\n"
		"node \"n\"\n"
		"epoch 1735689600\n"
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
			    "node 'n': 'real/fifo' is neither a file, a folder nor a link");
}

static void missing(void **state)
{
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/n.yaml", "kind: locked\n");
	g = good();
	assert_int_equal(manifest_make(g, graph_node(g, "n"), store, &tools, &err), -1);
	assert_string_equal(err->text, "'recipes/n.lock' is missing: run 'orch lock n'");
	assert_int_equal(err->cls, ERR_USER);
	assert_string_equal(err->file, "recipes/n.yaml");
	put("recipes/n.lock", "");
	assert_non_null(
		strstr(make(g, "n"), "input \"recipes/n.lock\" file 0644 sha256:" EMPTY "\n"));
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
	assert_int_equal(err->cls, ERR_ENV);
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

static void expect_diff(const char *old, const char *new, const char *expected)
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

static void diffs(void **state)
{
	expect_diff("kind a 1\nepoch 1\n", "kind a 1\nepoch 1\n", "");
	expect_diff("kind image 1\noption size \"4294967296\"\noption label \"a b\"\n",
		    "kind image 2\noption size \"6442450944\"\noption label \"a c\"\noption x "
		    "\"\\x1b\"\n",
		    "kind image 1 -> 2\noption size 4G -> 6G\noption label a b -> a c\noption x "
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
	expect_diff("epoch 1\nproject \"a\"\n", "epoch 2\nproject \"b\"\n",
		    "epoch 1 -> 2\nproject a -> b\n");
	expect_diff("garbage \"\n", "\n\n", "");
}

static void plans(void **state)
{
	static const struct artifact none;
	struct plan_nodes plan = {0};
	struct err *err cleanup_err = NULL;
	struct graph *g;
	struct record r = {0};

	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 4G\n");
	put("recipes/b.yaml", "kind: demo\nmakes: []\ninputs: a\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.items[0].verdict, PLAN_BUILD);
	assert_string_equal(plan.items[0].reason, "never built");
	assert_int_equal(plan.items[1].verdict, PLAN_MAYBE);
	assert_string_equal(plan.items[1].reason, "after a");
	assert_true(plan.items[0].estimate < 0);
	r = (struct record){.key = graph_node(g, "a")->key,
			    .node = "a",
			    .manifest = graph_node(g, "a")->manifest,
			    .outputs = (struct artifact *)&none,
			    .seconds = 3};
	assert_int_equal(store_record_put(store, &r, &err), 0);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_int_equal(plan.items[0].verdict, PLAN_CACHED);
	assert_int_equal(plan.items[1].verdict, PLAN_BUILD);
	put("recipes/a.yaml", "kind: demo\nmakes: []\nsize: 6G\ntext: x\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, &err), 0);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_make(g, store, &tools, &plan, &err), 0);
	assert_string_equal(plan.items[0].reason, "option text now has x (and 1 more)");
	assert_int_equal(plan.items[0].changes.count, 2);
	changes_clear(&plan.items[0].changes);
	plan_nodes_clear(&plan);
	assert_int_equal(plan_estimate(g, store, &err), 0);
	assert_true(graph_node(g, "a")->critical >= graph_node(g, "b")->critical);
	assert_true(graph_node(g, "b")->estimate > 0);
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
		cmocka_unit_test_setup_teardown(diffs, open_all, close_all),
		cmocka_unit_test_setup_teardown(plans, open_all, close_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
