/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <jansson.h>

#include "option-lines.h"
#include "recipe/schema.h"
#include "recipe/schema_json.h"

struct part {
	const char *name;
	uint64_t size;
	struct ref *from;
	bool grow;
};

struct demo {
	const char *label, *mount;
	bool fast;
	int64_t count, level;
	uint64_t size;
	int writer, table;
	struct digest sha256;
	struct ref *from, *signer;
	const char *key;
	struct step *before;
	struct part *boot;
	struct list packages, sizes, inputs, run, partitions, outputs, images, archives, words;
	const char *color;
};

static const struct option part_options[] = {
	{"name", OPT_STRING, offsetof(struct part, name), .flags = OPT_REQUIRED | OPT_NAME,
	 .help = "Name."},
	{"size", OPT_SIZE, offsetof(struct part, size), .flags = OPT_POSITIVE, .help = "Size."},
	{"from", OPT_REF, offsetof(struct part, from), .accept = ACCEPT_IMAGE, .help = "Image."},
	{"grow", OPT_BOOL, offsetof(struct part, grow), .help = "Grows."},
};

static void part_check(void *data, const struct yaml *map, struct err_list *errors)
{
	struct part *p = data;

	if (p->size && p->grow)
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_get(map, "grow")->pos,
			    "either 'size' or 'grow'");
}
static const struct schema part_schema = SCHEMA(struct part, part_options, .check = part_check);

static const char *const writers[] = {"direct", "guestfs", NULL};
static const char *const places[] = {"host", NULL};
static const char *const tables[] = {"gpt", "dos", NULL};
#define AT(field) offsetof(struct demo, field)
static const struct option options[] = {
	{"label", OPT_STRING, AT(label), .def = "none", .help = "A label."},
	{"mount", OPT_STRING, AT(mount), .flags = OPT_ABSPATH, .help = "Where."},
	{"fast", OPT_BOOL, AT(fast), .def = "true", .help = "Fast."},
	{"count", OPT_INT, AT(count), .flags = OPT_POSITIVE, .help = "Count."},
	{"level", OPT_INT, AT(level), .help = "Level."},
	{"size", OPT_SIZE, AT(size), .flags = OPT_REQUIRED, .help = "How large.", .example = "4G"},
	{"writer", OPT_ENUM, AT(writer), .words = writers, .def = "direct", .help = "Who writes."},
	{"table", OPT_ENUM, AT(table), .words = tables, .help = "Table."},
	{"sha256", OPT_DIGEST, AT(sha256), .help = "Digest."},
	{"from", OPT_REF, AT(from), .accept = ACCEPT_TREE | ACCEPT_PATH, .words = places,
	 .help = "Tree."},
	{"sign", OPT_REF, AT(signer), .accept = ACCEPT_SIGNER, .help = "Signer."},
	{"key", OPT_SECRET, AT(key), .help = "Key."},
	{"before", OPT_STEP, AT(before), .help = "First."},
	{"boot", OPT_STRUCT, AT(boot), .sub = &part_schema, .help = "Boot partition."},
	{"packages", OPT_STRING, AT(packages), .flags = OPT_LIST, .help = "Packages."},
	{"sizes", OPT_SIZE, AT(sizes), .flags = OPT_LIST, .help = "Sizes."},
	{"inputs", OPT_REF, AT(inputs), .flags = OPT_LIST, .accept = ACCEPT_PATH,
	 .help = "Inputs."},
	{"run", OPT_STEP, AT(run), .flags = OPT_LIST, .help = "Steps."},
	{"partitions", OPT_STRUCT, AT(partitions), .flags = OPT_LIST, .sub = &part_schema,
	 .help = "Parts."},
	{"outputs", OPT_DICT, AT(outputs), .flags = OPT_NAME | OPT_ABSPATH, .help = "Outputs."},
	{"images", OPT_REFDICT, AT(images), .accept = ACCEPT_IMAGE, .help = "Images."},
	{"archives", OPT_DICT, AT(archives), .sub = &part_schema, .help = "Archives."},
	{"words", OPT_DICT, AT(words), .flags = OPT_LIST, .help = "Words."},
	{"color", OPT_STRING, AT(color), .flags = OPT_UNKEYED, .help = "Only looks."},
};
static const struct schema schema = SCHEMA(struct demo, options);

static struct arena *arena;
static struct err_list errors;

static int setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int teardown(void **state)
{
	arena_free(arena);
	err_list_clear(&errors);
	return 0;
}

static struct demo *decode(const char *text)
{
	static const char *const ignore[] = {"kind", NULL};
	struct yaml *y;

	err_list_clear(&errors);
	y = yaml_parse(arena, "a.yaml", text, strlen(text), &errors);
	assert_non_null(y);
	return schema_decode(&schema, arena, y, ignore, &errors);
}

static struct demo *good(const char *text)
{
	struct demo *d = decode(text);

	if (!d)
		fail_msg("%s", errors.items[0]->text);
	return d;
}

static void refuse(const char *text, const char *messages)
{
	struct str s cleanup_str = STR_INIT;

	assert_null(decode(text));
	err_list_sort(&errors);
	for (size_t i = 0; i < errors.count; i++) {
		char *line cleanup_free = err_string(errors.items[i]);

		str_printf(&s, "%s%s", i ? "\n" : "", line);
	}
	assert_string_equal(s.buf, messages);
}

static const char rich[] =
	"kind: demo\n"
	"size: 4G\n"
	"mount: /boot/efi/\n"
	"fast: false\n"
	"count: 7\n"
	"level: -3\n"
	"writer: guestfs\n"
	"table: gpt\n"
	"sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
	"from: system:root.tar\n"
	"sign: pki\n"
	"key: pki/private/signer.key\n"
	"before: [sh, -c, 'a \"b\"']\n"
	"boot: {name: esp, size: 64M}\n"
	"packages: [no, 0o7, 1:30, '']\n"
	"sizes: [1K, 2]\n"
	"inputs: one/file\n"
	"run: [\"a\\nb\", [x, y], c]\n"
	"partitions: [{name: a}, {name: b, grow: true}]\n"
	"outputs: {root.tar: /, '0': /x}\n"
	"images: {rootfs: root, bootloader: boot}\n"
	"archives: {debian: {name: d}}\n"
	"color: red\n";

static const char rich_lines[] =
	"option label \"none\"\n"
	"option mount \"/boot/efi/\"\n"
	"option fast \"false\"\n"
	"option count \"7\"\n"
	"option level \"-3\"\n"
	"option size \"4294967296\"\n"
	"option writer \"guestfs\"\n"
	"option sha256 \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"\n"
	"option from \"system:root.tar\"\n"
	"option sign \"pki\"\n"
	"option key \"pki/private/signer.key\"\n"
	"option before.0 \"sh\"\n"
	"option before.1 \"-c\"\n"
	"option before.2 \"a \\\"b\\\"\"\n"
	"option boot.name \"esp\"\n"
	"option boot.size \"67108864\"\n"
	"option packages.0 \"no\"\n"
	"option packages.1 \"0o7\"\n"
	"option packages.2 \"1:30\"\n"
	"option packages.3 \"\"\n"
	"option sizes.0 \"1024\"\n"
	"option sizes.1 \"2\"\n"
	"option inputs.0 \"one/file\"\n"
	"option run.0 \"a\\nb\"\n"
	"option run.1.0 \"x\"\n"
	"option run.1.1 \"y\"\n"
	"option run.2 \"c\"\n"
	"option partitions.0.name \"a\"\n"
	"option partitions.1.name \"b\"\n"
	"option partitions.1.grow \"true\"\n"
	"option outputs.root\\x2etar \"/\"\n"
	"option outputs.\\x30 \"/x\"\n"
	"option images.rootfs \"root\"\n"
	"option images.bootloader \"boot\"\n"
	"option archives.debian.name \"d\"\n";

static void values(void **state)
{
	struct demo *d = good(rich);

	assert_string_equal(d->label, "none");
	assert_false(d->fast);
	assert_int_equal(d->count, 7);
	assert_int_equal(d->level, -3);
	assert_int_equal(d->size, 4294967296);
	assert_int_equal(d->writer, 1);
	assert_int_equal(d->sha256.b[1], 0x23);
	assert_string_equal(d->from->text, "system:root.tar");
	assert_int_equal(d->from->pos.line, 10);
	assert_int_equal(d->from->accept, ACCEPT_TREE | ACCEPT_PATH);
	assert_int_equal(d->before->argv.count, 3);
	assert_string_equal(d->boot->name, "esp");
	assert_int_equal(d->packages.count, 4);
	assert_string_equal(LIST_AT(d->packages, const char *, 0), "no");
	assert_int_equal(LIST_AT(d->sizes, uint64_t, 0), 1024);
	assert_int_equal(d->inputs.count, 1);
	assert_string_equal(LIST_AT(d->run, struct step *, 0)->script, "a\nb");
	assert_string_equal(LIST_AT(d->run, struct step *, 1)->argv.items[1], "y");
	assert_true(LIST_AT(d->partitions, struct part *, 1)->grow);
	assert_string_equal(LIST_AT(d->outputs, struct pair *, 0)->key, "root.tar");
	assert_string_equal(LIST_AT(d->images, struct named_ref *, 1)->ref->text, "boot");
	assert_string_equal(((struct part *)LIST_AT(d->archives, struct pair *, 0)->data)->name,
			    "d");
	assert_true(good("size: 1\n")->fast);
	assert_null(good("size: 1\n")->packages.items);
	assert_non_null(good("size: 1\npackages: []\n")->packages.items);
}

static void defects(void **state)
{
	refuse("sise: 4G\nzzz: 1\nsecrets: []\n",
	       "a.yaml:1:1: key 'size' is missing: How large. [missing-key]\n"
	       "a.yaml:1:1: unknown key 'sise': did you mean 'size'? [unknown-key]\n"
	       "a.yaml:2:1: unknown key 'zzz' (known here: label, mount, fast, count, level, "
	       "size, writer, table, sha256, from, sign, key, before, boot, packages, sizes, "
	       "inputs, run, partitions, outputs, images, archives, words, color) [unknown-key]\n"
	       "a.yaml:3:1: key 'secrets' is reserved for a later release [reserved-key]");
	refuse("size: 4GB\nfast: yes\ncount: 0\nlevel: 1.5\nwriter: other\ntable: [gpt]\nsha256: "
	       "abc\n",
	       "a.yaml:1:7: 'size' must be a size like 512M or 2G (K M G T are powers of 1024) or "
	       "bytes, not '4GB': write '4G' [invalid-value]\n"
	       "a.yaml:2:7: 'fast' must be true or false, not 'yes' [invalid-value]\n"
	       "a.yaml:3:8: 'count' must be at least 1, not '0' [invalid-value]\n"
	       "a.yaml:4:8: 'level' must be a whole number, not '1.5' [invalid-value]\n"
	       "a.yaml:5:9: 'writer' cannot be 'other' (one of: direct, guestfs) [invalid-value]\n"
	       "a.yaml:6:8: 'table' must be a word, not a list [wrong-type]\n"
	       "a.yaml:7:9: 'sha256' must be a SHA-256 digest of 64 hex digits, not 'abc' "
	       "[invalid-value]");
	refuse("size:\nlabel: ~\nfrom: ''\nkey: /etc/key\nmount: boot/../x\nwriter: diret\n",
	       "a.yaml:1:6: 'size' has no value: give one or leave the key out [empty-value]\n"
	       "a.yaml:2:8: 'label' has no value: give one or leave the key out [empty-value]\n"
	       "a.yaml:3:7: 'from' is empty [empty-value]\n"
	       "a.yaml:4:6: path '/etc/key' is absolute: paths are relative to the project's root "
	       "[invalid-path]\n"
	       "a.yaml:5:8: path 'boot/../x' is not absolute: 'mount' must be an absolute path "
	       "in normal form [invalid-path]\n"
	       "a.yaml:6:9: 'writer' cannot be 'diret': did you mean 'direct'? (one of: direct, "
	       "guestfs) [invalid-value]");
	refuse("size: 1\nmount: /a/../b\npackages: {a: b}\nrun: [[]]\nboot: x\npartitions: [{size: "
	       "0}, y]\n"
	       "outputs: {a/b: x}\nimages: [a]\n",
	       "a.yaml:2:8: path '/a/../b' contains '..': 'mount' must be an absolute path in "
	       "normal form [invalid-path]\n"
	       "a.yaml:3:11: 'packages' must be a list, not a map [wrong-type]\n"
	       "a.yaml:4:7: a step of 'run' names no program [empty-value]\n"
	       "a.yaml:5:7: 'boot' must be a map, not a single value [wrong-type]\n"
	       "a.yaml:6:14: key 'name' is missing: Name. [missing-key]\n"
	       "a.yaml:6:21: 'size' must be larger than zero [invalid-value]\n"
	       "a.yaml:6:25: 'partitions' must be a list of maps, not a single value [wrong-type]\n"
	       "a.yaml:7:11: 'a/b' is not a name: use 1 to 64 of the characters A-Z a-z 0-9 . _ + "
	       "- [invalid-name]\n"
	       "a.yaml:7:16: path 'x' is not absolute: 'outputs' must be an absolute path in "
	       "normal form [invalid-path]\n"
	       "a.yaml:8:9: 'images' must be a map, not a list [wrong-type]");
	refuse("size: 1\ncount: 4294967297\n",
	       "a.yaml:2:8: 'count' must be at most 10000000, not '4294967297' [invalid-value]");
	refuse("size: 1\nboot: {name: a, size: 1, grow: true}\n",
	       "a.yaml:2:32: either 'size' or 'grow' [conflicting-keys]");
	refuse("[]\n",
	       "a.yaml:1:1: expected keys with values ('key: value'), not a list [wrong-type]");
}

static void text(void **state)
{
	struct err *err cleanup_err = NULL;
	struct demo *d = good(rich);
	const char *whole = lines_of(arena, &schema, d, true);
	struct yaml *y;

	assert_string_equal(lines_of(arena, &schema, d, false), rich_lines);
	assert_true(str_ends(whole, "unkeyed color \"red\"\n"));
	y = read_lines(arena, whole, &err);
	assert_non_null(y);
	d = schema_decode(&schema, arena, y, NULL, &errors);
	assert_non_null(d);
	assert_string_equal(lines_of(arena, &schema, d, true), whole);
}

/* A worker knows the recipe's lines of steps, and no others. */
static void lines_of_steps(void **state)
{
	struct err *err cleanup_err = NULL;
	struct demo *d = good("size: 1\nrun:\n  - a\n  - [b, c]\nbefore: x\n");
	struct step *step;
	struct yaml *y;

	y = read_lines(arena, lines_of(arena, &schema, d, true), &err);
	assert_non_null(y);
	d = schema_decode(&schema, arena, y, NULL, &errors);
	assert_non_null(d);
	step = LIST_AT(d->run, struct step *, 1);
	assert_string_equal(step->pos.file, d->before->pos.file);
	assert_int_equal(step->pos.line, 4);
	assert_int_equal(d->before->pos.line, 5);
	assert_null(read_lines(arena, "line run.0 3 \"a\"\n", &err));
}

struct placed {
	struct pos pos;
	const char *name;
};

static const struct option placed_options[] = {
	{"name", OPT_STRING, offsetof(struct placed, name), .help = "Name."},
};
static const struct schema placed_schema = SCHEMA(struct placed, placed_options);

struct place_demo {
	struct list steps;
};

static const struct option place_options[] = {
	{"steps", OPT_STRUCT, offsetof(struct place_demo, steps), OPT_LIST | OPT_PLACED,
	 .sub = &placed_schema, .help = "Steps."},
};
static const struct schema place_schema = SCHEMA(struct place_demo, place_options);

/* A struct that wants its place has it in the recipe, and in a worker. */
static void places_of_structs(void **state)
{
	static const char text[] = "steps:\n  - {name: a}\n  - {}\n";
	struct err *err cleanup_err = NULL;
	struct yaml *y = yaml_parse(arena, "a.yaml", text, strlen(text), &errors);
	struct place_demo *d = schema_decode(&place_schema, arena, y, NULL, &errors);

	assert_non_null(d);
	assert_string_equal(LIST_AT(d->steps, struct placed *, 1)->pos.file, "a.yaml");
	assert_int_equal(LIST_AT(d->steps, struct placed *, 1)->pos.line, 3);
	assert_string_equal(lines_of(arena, &place_schema, d, true),
			    "option steps.0.name \"a\"\nline steps.0 2 \"a.yaml\"\n"
			    "option steps.1 {}\nline steps.1 3 \"a.yaml\"\n");
	assert_null(strstr(lines_of(arena, &place_schema, d, false), "line"));
	y = read_lines(arena, "option steps.0.name \"a\"\nline steps.0 2 \"b.yaml\"\n", &err);
	d = schema_decode(&place_schema, arena, y, NULL, &errors);
	assert_non_null(d);
	assert_string_equal(LIST_AT(d->steps, struct placed *, 0)->pos.file, "b.yaml");
	assert_int_equal(LIST_AT(d->steps, struct placed *, 0)->pos.line, 2);
}

static void roundtrip(const char *yaml)
{
	struct err *err cleanup_err = NULL;
	struct demo *d = good(yaml);
	const char *lines = lines_of(arena, &schema, d, true);
	struct yaml *y = read_lines(arena, lines, &err);

	assert_non_null(y);
	d = schema_decode(&schema, arena, y, NULL, &errors);
	assert_non_null(d);
	assert_string_equal(lines_of(arena, &schema, d, true), lines);
}

static void roundtrips(void **state)
{
	struct demo *d;

	roundtrip("size: 0\n");
	roundtrip("size: 0\narchives: {'a b': {name: x}, '12': {name: y}, '\xc3\xa9\"\\.': {name: "
		  "z}}\n");
	roundtrip("size: 0\npackages: []\noutputs: {}\nlabel: ''\n");
	roundtrip("size: 0\nwords: {a.b: [x, 'y z'], '1': one, none: []}\n");
	roundtrip("size: 0\nlabel: '~'\nrun: [\"\", [\"\\u001b\\t\\\\\", '']]\n");
	d = good("size: 1\nrun: []\n");
	assert_non_null(d->run.items);
}

static void bad_lines(void **state)
{
	static const char *const lines[] = {
		"option  \"x\"\n",
		"option a\n",
		"option a x\n",
		"option a \"x\n",
		"option a.1 \"x\"\n",
		"option a. \"x\"\n",
		"option a \"x\"",
		"option a \"x\" \n",
		"option a \"x\"\noption a \"y\"\n",
		"option a.0 \"x\"\noption a.b \"y\"\n",
		"option a \"x\"\noption a.b \"y\"\n",
		"option a\\x \"x\"\n",
		"option a\\x00 \"x\"\n",
		"option a\\xg0 \"x\"\n",
		"option 0 \"x\"\n",
		"option a []x\n",
		"option a.99999999999999999999 \"\"\n",
	};

	for (size_t i = 0; i < array_len(lines); i++) {
		struct err *err cleanup_err = NULL;

		if (read_lines(arena, lines[i], &err))
			fail_msg("accepted: %s", lines[i]);
		assert_non_null(err);
	}
}

static int gather(void *arg, const char *path, struct ref *ref)
{
	str_printf(arg, "%s=%s ", path, ref->text);
	return 0;
}

static int gather_secret(void *arg, const char *path, const char *file)
{
	str_printf(arg, "%s=%s", path, file);
	return 5;
}

static void walks(void **state)
{
	struct str s cleanup_str = STR_INIT;
	struct demo *d = good("size: 1\nfrom: a\ninputs: [b, c]\nkey: k\n"
			      "partitions: [{name: x}, {name: y, from: z}]\nimages: {rootfs: r}\n"
			      "archives: {q: {name: w, from: v}}\n");

	assert_int_equal(schema_each_ref(&schema, d, gather, &s), 0);
	assert_string_equal(s.buf, "from=a inputs.0=b inputs.1=c partitions.1.from=z "
				   "images.rootfs=r archives.q.from=v ");
	str_clear(&s);
	d = good("size: 1\nfrom: host\n"); /* a word of the row: an edge to nothing */
	assert_int_equal(d->from->type, REF_WORD);
	assert_int_equal(schema_each_ref(&schema, d, gather, &s), 0);
	assert_string_equal(s.buf, "");
	d = good("size: 1\nkey: k\n");
	assert_int_equal(schema_each_secret(&schema, d, gather_secret, &s), 5);
	assert_string_equal(s.buf, "key=k");
}

static void sizes(void **state)
{
	uint64_t n = 5;

	assert_int_equal(size_parse("512M", &n), 0);
	assert_int_equal(n, 512u << 20);
	assert_int_equal(size_parse("0", &n), 0);
	assert_int_equal(size_parse("15T", &n), 0);
	assert_int_equal(n, 15ull << 40);
	assert_int_equal(size_parse("18446744073709551615", &n), 0);
	n = 5;
	assert_int_equal(size_parse("18446744073709551616", &n), 1);
	assert_int_equal(size_parse("16777216T", &n), 1);
	assert_int_equal(size_parse("", &n), 1);
	assert_int_equal(size_parse("M", &n), 1);
	assert_int_equal(size_parse("-1M", &n), 1);
	assert_int_equal(size_parse("1.5G", &n), 1);
	assert_int_equal(size_parse("1 G", &n), 1);
	assert_int_equal(size_parse("1m", &n), 1);
	assert_int_equal(n, 5);
	assert_true(name_valid("a.b_c+d-E9"));
	assert_false(name_valid(".."));
	assert_false(name_valid("."));
	assert_false(name_valid(""));
	assert_false(name_valid("a/b"));
	assert_false(
		name_valid("0123456789012345678901234567890123456789012345678901234567890123x"));
}

static const struct kind demo_kind = {
	.name = "demo",
	.summary = "for tests",
	.manual = "A manual whose first paragraph is\n"
		  "long enough to be filled to the width that all help has, so that it breaks.\n"
		  "\n"
		  "  verbatim   line\n"
		  "Second paragraph.",
	.schema = &schema,
};

static void help(void **state)
{
	struct str s cleanup_str = STR_INIT;

	kind_help(&demo_kind, &s);
	assert_non_null(strstr(
		s.buf,
		"demo: for tests\n\n"
		"A manual whose first paragraph is long enough to be filled to the width that\n"
		"all help has, so that it breaks.\n\n  verbatim   line\nSecond "
		"paragraph.\n\nKeys:\n"
		"  label: text  (default: none)\n      A label.\n  mount: absolute path\n"));
	assert_non_null(strstr(
		s.buf, "  size: size  (required)\n      How large.\n      Example: size: 4G\n"));
	assert_non_null(strstr(s.buf, "  writer: direct | guestfs  (default: direct)\n"));
	assert_non_null(strstr(s.buf, "  from: host | path | tree\n"));
	assert_non_null(strstr(
		s.buf, "  partitions: list of keys\n      Parts.\n      name: text  (required)\n"));
	assert_non_null(strstr(s.buf, "  images: name: image\n"));
	for (size_t i = 0; i < array_len(options); i++) {
		char *key cleanup_free = xasprintf("\n  %s: ", options[i].name);

		assert_non_null(strstr(s.buf, key));
	}
	for (const char *p = s.buf; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") <= 78);
}

/* A script may be any scalar: 'run: true' is the program of that name. */
static bool takes_scalars(json_t *key)
{
	json_t *first = json_array_get(json_object_get(key, "anyOf"), 0);

	return json_array_size(json_object_get(first, "type")) == 3;
}

static void json_schema(void **state)
{
	static const struct kind *const kinds[] = {&demo_kind, NULL};
	struct str s cleanup_str = STR_INIT;
	const char *name, *pattern;
	json_t *root, *demo, *keys, *number;
	json_error_t error;

	schema_json(kinds, &s);
	root = json_loads(s.buf, 0, &error);
	assert_non_null(root);
	demo = json_object_get(json_object_get(root, "definitions"), "demo");
	assert_true(json_is_false(json_object_get(demo, "additionalProperties")));
	keys = json_object_get(demo, "properties");
	assert_int_equal(json_object_size(keys), array_len(options) + 2); /* kind, identity */
	for (size_t i = 0; i < array_len(options); i++) {
		json_t *key = json_object_get(keys, options[i].name);

		assert_string_equal(json_string_value(json_object_get(key, "description")),
				    options[i].help);
	}
	assert_int_equal(json_unpack(demo, "{s:[s]}", "required", &name), 0);
	assert_string_equal(name, "size");
	assert_int_equal(json_unpack(keys, "{s:{s:[o, {s:s}]}}", "size", "anyOf", &number,
				     "pattern", &pattern),
			 0);
	assert_string_equal(pattern, "^[0-9]+[KMGT]?$|\\$\\{");
	assert_true(takes_scalars(json_object_get(keys, "before")));
	assert_true(takes_scalars(json_object_get(keys, "run")));
	json_decref(root);
}

/* Changed lines: reading and decoding end in a value or an error, never in a crash. */
static void mutated_lines(void **state)
{
	static const char odd[] = "\0\n \".\\x[]{}0a\xff";
	char buf[sizeof(rich_lines)];

	for (size_t i = 0; i < sizeof(rich_lines) - 1; i++) {
		for (size_t c = 0; c < sizeof(odd); c++) {
			struct err *err cleanup_err = NULL;
			struct arena *own cleanup_arena = arena_new();
			struct yaml *y;

			memcpy(buf, rich_lines, sizeof(buf));
			buf[i] = odd[c];
			y = read_lines(own, buf, &err);
			assert_true((y == NULL) == (err != NULL));
			err_list_clear(&errors);
			if (y && !schema_decode(&schema, own, y, NULL, &errors))
				assert_true(errors.count > 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),        cmocka_unit_test(defects),
		cmocka_unit_test(text),          cmocka_unit_test(roundtrips),
		cmocka_unit_test(bad_lines),     cmocka_unit_test(walks),
		cmocka_unit_test(sizes),         cmocka_unit_test(lines_of_steps),
		cmocka_unit_test(help),          cmocka_unit_test(json_schema),
		cmocka_unit_test(mutated_lines), cmocka_unit_test(places_of_structs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
