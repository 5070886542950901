/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph-fixture.h"

static void refuse(const char *messages)
{
	struct str s cleanup_str = STR_INIT;

	assert_null(load());
	for (size_t i = 0; i < errors.count; i++) {
		char *line cleanup_free = err_string(errors.items[i]);

		str_printf(&s, "%s%s", i ? "\n" : "", line);
	}
	assert_string_equal(s.buf, messages);
}

/* "text: type node output inside path" of each edge. */
static void expect_edges(const struct graph *g, const char *node, const char *expected)
{
	struct str s cleanup_str = STR_INIT;
	const struct node *n = graph_node(g, node);

	for (size_t i = 0; i < n->in.count; i++) {
		const struct edge *e = &n->in.items[i];

		str_printf(&s, "%s=%d,%s,%s,%s,%s%s\n", e->ref_text, e->type,
			   e->from ? e->from->name : "", e->output ? e->output : "",
			   e->inside ? e->inside : "", e->path ? e->path : "",
			   e->signer ? ",signer" : "");
	}
	assert_string_equal(s.buf, expected);
}

static void references(void **state)
{
	struct graph *g;
	const struct demo *d;

	put("recipes/base.yaml", "kind: demo\nmakes: root.tar\n");
	put("recipes/many.yaml", "kind: demo\nmakes: [a, b.tar, c.img]\n");
	put("recipes/pki.yaml", "kind: demo\nkey: pki/private/k\n");
	put("recipes/ns/x.yaml", "kind: demo\n");
	put("recipes/use.yaml",
	    "kind: demo\ntree: many\nimage: many:c.img\npath: base\nsign: pki\n"
	    "inputs: [src/, src/a, base:/usr/lib/x, many, 'many:b.tar', ns/x, 'odd:name', base]\n");
	put("src/a", "");
	put("base/a", "");
	put("odd:name", "");
	refuse("recipes/use.yaml:6:40: 'many' means another thing than in recipes/use.yaml:2: "
	       "name the output ('many:...') [ambiguous-reference]\n"
	       "recipes/use.yaml:6:78: 'base' is a node and a file or directory of the project: "
	       "rename one, or write 'base/' for the directory [ambiguous-reference]");
	put("recipes/use.yaml",
	    "kind: demo\ntree: many\nimage: many:c.img\npath: base\nsign: pki\n"
	    "inputs: [src/, src/a, base:/usr/lib/x, many:b.tar, ns/x, 'odd:name', base/, src/a]\n");
	g = good();
	expect_edges(g, "use",
		     "base=1,,,,base\n"
		     "base/=1,,,,base\n"
		     "base:/usr/lib/x=4,base,root.tar,/usr/lib/x,\n"
		     "many=3,many,b.tar,,\n"
		     "many:b.tar=3,many,b.tar,,\n"
		     "many:c.img=3,many,c.img,,\n"
		     "ns/x=2,ns/x,,,\n"
		     "odd:name=1,,,,odd:name\n"
		     "pki=2,pki,,,,signer\n"
		     "src/=1,,,,src\n"
		     "src/a=1,,,,src/a\n");
	d = graph_node(g, "use")->recipe->opts;
	assert_int_equal(d->tree->type, REF_OUTPUT);
	assert_string_equal(d->tree->node, "many");
	assert_string_equal(d->tree->output, "b.tar");
	assert_int_equal(g->order.count, 5);
	assert_string_equal(g->order.items[4]->name, "use");
	assert_int_equal(graph_node(g, "many")->users.count, 1);
	assert_int_equal(graph_node(g, "use")->nblock, 0);
}

static void defects(void **state)
{
	put("recipes/base.yaml", "kind: demo\nmakes: root.tar\n");
	put("recipes/many.yaml", "kind: demo\nmakes: [a, b.tar, c.tar]\n");
	put("recipes/none.yaml", "kind: demo\nmakes: []\n");
	put("recipes/a.yaml",
	    "kind: demo\ntree: bsae\nimage: base\npath: base\nsign: base\n"
	    "inputs: [srcc/a, /etc/passwd, src/../x, out, 'src/a/', 'base:root', 'base:/../x', "
	    "'many:/x', 'none:/x', fifo, src/aa, base:root.tar.gz]\n");
	put("recipes/b.yaml",
	    "kind: demo\ntree: many\nimage: none\npath: 'base:/x'\ninputs: [pki, pki/private/k, "
	    "pki/pub, keys, keys/my.key]\n");
	put("recipes/c.yaml",
	    "kind: demo\nkey: keys/my.key\ntree: zzzzzz\nimage: zzzzzz:x\ninputs: many\n");
	put("recipes/d.yaml", "kind: demo\ntree: c:out\n");
	put("recipes/project.yaml", "schema: 1\nname: p\ndefault: [base, bundel]\n");
	put("src/a", "");
	put("pki/private/k", "");
	put("pki/pub", "");
	put("keys/my.key", "");
	assert_int_equal(symlink("/etc", arena_printf(arena, "%s/out", project_dir)), 0);
	assert_int_equal(mkfifo(arena_printf(arena, "%s/fifo", project_dir), 0600), 0);
	refuse("recipes/a.yaml:2:7: unknown node 'bsae': did you mean 'base'? [unknown-node]\n"
	       "recipes/a.yaml:3:8: 'image' takes an image, but node 'base' makes root.tar (a "
	       "tree) [wrong-input]\n"
	       "recipes/a.yaml:4:7: no file or directory 'base' in the project: it is a node, but "
	       "'path' takes a path [wrong-input]\n"
	       "recipes/a.yaml:5:7: 'sign' takes a signer (kind pki), but 'base' is a node of kind "
	       "demo [wrong-input]\n"
	       "recipes/a.yaml:6:10: no node, file or directory 'srcc/a' in the project "
	       "[file-missing]\n"
	       "recipes/a.yaml:6:18: path '/etc/passwd' is absolute: paths are relative to the "
	       "project's root [invalid-path]\n"
	       "recipes/a.yaml:6:31: path 'src/../x' contains '..': paths are relative to the "
	       "project's root [invalid-path]\n"
	       "recipes/a.yaml:6:41: path 'out' leads out of the project through a link "
	       "[bad-link]\n"
	       "recipes/a.yaml:6:46: no node, file or directory 'src/a/' in the project: did you "
	       "mean 'src/a'? [file-missing]\n"
	       "recipes/a.yaml:6:56: node 'base' has no output 'root' (it makes root.tar) "
	       "[unknown-output]\n"
	       "recipes/a.yaml:6:69: path '/../x' in node 'base' contains '..' [invalid-path]\n"
	       "recipes/a.yaml:6:83: node 'many' makes several trees: '/x' does not say in which "
	       "one [ambiguous-reference]\n"
	       "recipes/a.yaml:6:94: node 'none' (kind demo) makes no tree: nothing is at '/x' "
	       "[wrong-input]\n"
	       "recipes/a.yaml:6:105: path 'fifo' is neither a file nor a directory [not-a-file]\n"
	       "recipes/a.yaml:6:111: no node, file or directory 'src/aa' in the project: did you "
	       "mean 'src/a'? [file-missing]\n"
	       "recipes/a.yaml:6:119: node 'base' has no output 'root.tar.gz' (it makes root.tar) "
	       "[unknown-output]\n"
	       "recipes/b.yaml:2:7: node 'many' has several outputs that fit: name one like "
	       "'many:c.tar' (it makes a, b.tar, c.tar) [ambiguous-reference]\n"
	       "recipes/b.yaml:3:8: node 'none' makes no output, but 'image' takes an image "
	       "[wrong-input]\n"
	       "recipes/b.yaml:4:7: no file or directory 'base:/x' in the project [file-missing]\n"
	       "recipes/b.yaml:5:10: path 'pki' would hand out the private 'pki/private': name "
	       "public files only [private-key-exposed]\n"
	       "recipes/b.yaml:5:15: path 'pki/private/k' would hand out the private "
	       "'pki/private': name public files only [private-key-exposed]\n"
	       "recipes/b.yaml:5:39: path 'keys' would hand out the private 'keys/my.key': name "
	       "public files only [private-key-exposed]\n"
	       "recipes/b.yaml:5:45: path 'keys/my.key' would hand out the private 'keys/my.key': "
	       "name public files only [private-key-exposed]\n"
	       "recipes/c.yaml:3:7: unknown node 'zzzzzz': there is no "
	       "recipes/zzzzzz.yaml [unknown-node]\n"
	       "recipes/c.yaml:4:8: unknown node 'zzzzzz': there is no "
	       "recipes/zzzzzz.yaml [unknown-node]\n"
	       "recipes/d.yaml:2:7: 'tree' takes a tree, but 'c:out' is a file [wrong-input]\n"
	       "recipes/project.yaml:3:17: unknown node 'bundel': there is no "
	       "recipes/bundel.yaml [unknown-node]");
}

static void outputs(void **state)
{
	put("recipes/a.yaml", "kind: demo\nmakes: [x, x, '..', 'a/b', '', b]\n");
	put("recipes/a/b.yaml", "kind: demo\ntree: a:b.tar\n");
	put("recipes/m.yaml", "kind: demo\nmakes: [a.tar, b.tar]\n");
	put("recipes/n.yaml", "kind: demo\ntree: m\ninputs: m\n");
	refuse("recipes/a.yaml:1:1: '' cannot be the name of an output: use one word without '/' "
	       "[invalid-name]\n"
	       "recipes/a.yaml:1:1: '..' cannot be the name of an output: use one word without "
	       "'/' [invalid-name]\n"
	       "recipes/a.yaml:1:1: 'a/b' cannot be the name of an output: use one word without "
	       "'/' [invalid-name]\n"
	       "recipes/a.yaml:1:1: two outputs are named 'x' [duplicate-name]\n"
	       "recipes/a/b.yaml:1:1: node 'a/b' and output 'b' of node 'a' need the same place: "
	       "rename one [duplicate-name]\n"
	       "recipes/a/b.yaml:2:7: node 'a' has no output 'b.tar' (it makes x, x, .., a/b, , "
	       "b) [unknown-output]\n"
	       "recipes/n.yaml:3:9: 'm' means another thing than in recipes/n.yaml:2: name the "
	       "output ('m:...') [ambiguous-reference]");
}

static void cycles(void **state)
{
	put("recipes/a.yaml", "kind: demo\ninputs: b\n");
	put("recipes/b.yaml", "kind: demo\ntext: x\ninputs: [c, e]\n");
	put("recipes/c.yaml", "kind: demo\ninputs: a\n");
	put("recipes/d.yaml", "kind: demo\ninputs: [a, d]\n");
	put("recipes/e.yaml", "kind: demo\n");
	put("recipes/f.yaml", "kind: demo\ninputs: f\n");
	refuse("recipes/a.yaml:2:9: the nodes need each other: a -> b -> c -> a [reference-cycle]\n"
	       "recipes/f.yaml:2:9: the nodes need each other: f -> f [reference-cycle]");
}

static void long_cycle(void **state)
{
	for (int i = 0; i < 1000; i++) {
		char *name cleanup_free = xasprintf("recipes/n%04d.yaml", i);
		char *text cleanup_free = xasprintf("kind: demo\ninputs: n%04d\n", (i + 1) % 1000);

		put(name, text);
	}
	refuse("recipes/n0000.yaml:2:9: the nodes need each other: n0000 -> n0001 -> n0002 -> "
	       "n0003 -> n0004 -> n0005 -> n0006 -> n0007 -> n0008 -> n0009 -> n0010 -> n0011 -> "
	       "(988 more) -> n0000 [reference-cycle]");
}

/* A project made in memory: N nodes, each taking the one before. */
static struct graph *chain(size_t count)
{
	struct project *p = arena_alloc(arena, sizeof(*p));

	p->dir = project_dir;
	p->name = "p";
	p->map = yaml_new(arena, YAML_MAP, (struct pos){"recipes/project.yaml", 1, 1});
	for (size_t i = 0; i < count; i++) {
		struct recipe *r = arena_alloc(arena, sizeof(*r));
		struct demo *d = arena_alloc(arena, sizeof(*d));
		struct ref *ref = arena_alloc(arena, sizeof(*ref)),
			   **items = arena_alloc(arena, sizeof(*items));

		r->name = arena_printf(arena, "n%07zu", i);
		r->file = arena_printf(arena, "recipes/%s.yaml", r->name);
		r->kind = &demo_kind;
		r->map = p->map;
		r->opts = d;
		ref->text = arena_printf(arena, "n%07zu", i - 1);
		ref->pos = (struct pos){r->file, 2, 9};
		ref->accept = ACCEPT_NODE;
		items[0] = ref;
		d->inputs = (struct list){items, i ? 1 : 0};
		map_set(&p->recipes, r->name, r);
	}
	err_list_clear(&errors);
	struct graph *g = graph_build(arena, p, &errors);

	map_clear(&p->recipes);
	return g;
}

static void deep(void **state)
{
	struct strv targets cleanup_strv = {0};
	struct err *err cleanup_err = NULL;
	struct graph *g = chain(100000);

	assert_non_null(g);
	assert_int_equal(g->order.count, 100000);
	strv_push(&targets, "n0050000");
	assert_int_equal(graph_select(g, &targets, &err), 0);
	assert_true(g->nodes.items[0]->wanted);
	assert_false(g->nodes.items[50001]->wanted);
}

static void select_nodes(void **state)
{
	struct strv targets cleanup_strv = {0};
	struct err *err cleanup_err = NULL;
	struct graph *g;

	put("recipes/a.yaml", "kind: demo\n");
	put("recipes/b.yaml", "kind: demo\ninputs: a\n");
	put("recipes/c.yaml", "kind: demo\ninputs: b\n");
	g = good();
	assert_int_equal(graph_select(g, &targets, &err), 0);
	assert_true(graph_node(g, "c")->target && graph_node(g, "a")->target);
	strv_push(&targets, "b");
	assert_int_equal(graph_select(g, &targets, &err), 0);
	assert_true(graph_node(g, "a")->wanted && !graph_node(g, "a")->target);
	assert_true(graph_node(g, "b")->target);
	assert_false(graph_node(g, "c")->wanted);
	strv_push(&targets, "bb");
	assert_int_equal(graph_select(g, &targets, &err), -1);
	assert_string_equal(err->text, "unknown node 'bb': did you mean 'b'?");
	assert_int_equal(err->code->cls, ERR_USER);
	put("recipes/project.yaml", "schema: 1\nname: p\ndefault: a\n");
	g = good();
	assert_int_equal(graph_select(g, NULL, NULL), 0);
	assert_true(graph_node(g, "a")->target);
	assert_false(graph_node(g, "b")->wanted);
}

static void paths_that_come_later(void **state)
{
	struct graph *g;

	put("recipes/a.yaml", "kind: demo\nlater: keys/pub\n");
	put("recipes/b.yaml", "kind: demo\nlater: /keys/pub\n");
	put("recipes/c.yaml", "kind: demo\nkey: keys/k\nlater: keys/k\n");
	refuse("recipes/b.yaml:2:8: path '/keys/pub' is absolute: paths are relative to the "
	       "project's root [invalid-path]\n"
	       "recipes/c.yaml:3:8: path 'keys/k' would hand out the private 'keys/k': name public "
	       "files only [private-key-exposed]");
	put("recipes/b.yaml", "kind: demo\n");
	put("recipes/c.yaml", "kind: demo\n");
	g = good();
	expect_edges(g, "a", "keys/pub=1,,,,keys/pub\n");
	node_missing(g, graph_node(g, "b"), &errors);
	assert_int_equal(errors.count, 0);
	node_missing(g, graph_node(g, "a"), &errors);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.items[0]->text, "'keys/pub' is missing");
	assert_int_equal(errors.items[0]->code->cls, ERR_USER);
	put("keys/pub", "");
	g = good();
	node_missing(g, graph_node(g, "a"), &errors);
	assert_int_equal(errors.count, 0);
}

static void lock_dates(void **state)
{
	struct graph *g;

	put("recipes/a.yaml", "kind: locked\nsize: 100\n");
	put("recipes/b.yaml", "kind: locked\nsize: 300\n");
	put("recipes/c.yaml", "kind: demo\ninputs: [a, b]\n");
	put("recipes/d.yaml", "kind: demo\ninputs: [a]\n");
	put("recipes/e.yaml", "kind: demo\n");
	g = good();
	assert_int_equal(graph_node(g, "c")->lock_date, 300);
	assert_int_equal(graph_node(g, "d")->lock_date, 100);
	assert_int_equal(graph_node(g, "e")->lock_date, 0);
	assert_string_equal(graph_node(g, "a")->lock, "recipes/a.lock");
}

/* What a node demands itself, and what the largest of those that it names lends. */
/* A value is an edge, but none that brings anything but its text. */
static void values(void **state)
{
	struct graph *g;

	put("recipes/l.yaml", "kind: locked\nsize: 99\n");
	put("recipes/l.lock", "");
	put("recipes/a.yaml", "kind: demo\nmakes: [line]\ninputs: [l]\n");
	put("recipes/b.yaml", "kind: demo\nmakes: [x]\n");
	put("recipes/use.yaml", "kind: demo\ntext: '${b:x} $${b:y} ${a:line} ${b:x}'\n"
				"inputs: [src, a:line, b]\n");
	put("recipes/other.yaml", "kind: demo\ntext: '${a:line}'\n");
	put("src", "");
	g = good();
	expect_edges(g, "use",
		     "a:line=3,a,line,,\n"
		     "b=2,b,,,\n"
		     "src=1,,,,src\n"
		     "${a:line}=3,a,line,,\n"
		     "${b:x}=3,b,x,,\n");
	assert_int_equal(graph_node(g, "a")->users.count, 2);
	assert_int_equal(graph_node(g, "use")->lock_date, 99);
	assert_int_equal(graph_node(g, "other")->lock_date, 0);
}

static void demands(void **state)
{
	struct graph *g;

	put("recipes/a.yaml", "kind: locked\nsize: 100\n");
	put("recipes/b.yaml", "kind: locked\nsize: 300\n");
	put("recipes/alone.yaml", "kind: demo\n");
	put("recipes/use.yaml", "kind: demo\ninputs: [a, b, alone]\n");
	put("recipes/a.lock", "");
	put("recipes/b.lock", "");
	g = good();
	assert_int_equal(node_demand(graph_node(g, "alone")).memory_mb, 10);
	assert_int_equal(node_demand(graph_node(g, "use")).memory_mb, 310);
	assert_int_equal(node_demand(graph_node(g, "use")).cpus, 2);
	assert_int_equal(node_demand(graph_node(g, "a")).memory_mb, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(references, setup, teardown),
		cmocka_unit_test_setup_teardown(defects, setup, teardown),
		cmocka_unit_test_setup_teardown(outputs, setup, teardown),
		cmocka_unit_test_setup_teardown(cycles, setup, teardown),
		cmocka_unit_test_setup_teardown(long_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(deep, setup, teardown),
		cmocka_unit_test_setup_teardown(select_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(paths_that_come_later, setup, teardown),
		cmocka_unit_test_setup_teardown(lock_dates, setup, teardown),
		cmocka_unit_test_setup_teardown(values, setup, teardown),
		cmocka_unit_test_setup_teardown(demands, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
