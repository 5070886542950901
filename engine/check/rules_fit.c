/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A root slot's FIT image: U-Boot can read one, and starts nothing of it that is not as it was
 * built, because each image in it has a hash. Its source is read by lines, as people write it.
 * Where it is signed, U-Boot knows the key, and no way leads around it.
 */
#include "check/view.h"
#include "kinds/fit/fit_opts.h"
#include "kinds/kinds.h"

#define MAX_DEPTH 8

/* A node of the source, as far as it was read. */
struct fit_node {
	unsigned data; /* line, or 0: the node has none */
	bool hashed;
};

static bool is_fit_source(const struct check_text *t)
{
	return strstr(t->text, "/dts-v1/") && strstr(t->text, "/incbin/");
}

static const char *line_start(const char *p)
{
	return p + strspn(p, " \t\r");
}

static void opened(struct fit_node nodes[MAX_DEPTH], size_t *depth, const char *line)
{
	if (str_skip(line, "hash"))
		nodes[*depth].hashed = true;
	if (*depth + 1 < MAX_DEPTH)
		nodes[++*depth] = (struct fit_node){0};
}

static void closed(struct check_view *v, const struct check_text *t,
		   struct fit_node nodes[MAX_DEPTH], size_t *depth)
{
	const struct fit_node *n = &nodes[*depth];

	if (n->data && !n->hashed)
		check_say(v, CHECK_FIT_IMAGE, (struct pos){t->path, n->data, 1},
			  "this image has no hash, so U-Boot would start it damaged: add 'hash-1 "
			  "{ algo = \"crc32\"; };'");
	if (*depth > 0)
		--*depth;
}

static void images_are_hashed(struct check_view *v, const struct check_text *t)
{
	struct fit_node nodes[MAX_DEPTH] = {{0}};
	size_t depth = 0;
	unsigned line = 0;

	for (const char *p = t->text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		const char *start = line_start(p);

		line++;
		if (str_skip(start, "data =") || str_skip(start, "data="))
			nodes[depth].data = line;
		for (const char *c = start; *c && *c != '\n'; c++) {
			if (*c == '{')
				opened(nodes, &depth, start);
			else if (*c == '}')
				closed(v, t, nodes, &depth);
		}
	}
}

/* Whether TEXT opens a node NAME: "kernel {". */
static bool has_fit_node(const char *text, const char *name, size_t len)
{
	char *want cleanup_free = xstrndup(name, len);

	for (const char *p = text; *want && (p = strstr(p, want)); p++) {
		const char *rest = p + len + strspn(p + len, " \t\r\n");

		if (*rest == '{' && p > text && strchr(" \t\n:", p[-1]))
			return true;
	}
	return false;
}

/* A line of a configuration: 'fdt = "rpi-400", "overlay";'. What it names is in the source. */
static void names_fit_nodes(struct check_view *v, const struct check_text *t, const char *line,
			    unsigned number)
{
	static const char *const keys[] = {"default", "kernel", "ramdisk", "fdt", "loadables"};
	const char *value = NULL, *end = line + strcspn(line, "\n"), *close;

	for (size_t i = 0; i < array_len(keys) && !value; i++) {
		value = str_skip(line, keys[i]);
		value = value ? value + strspn(value, " \t") : NULL;
		value = value && *value == '=' ? value : NULL;
	}
	for (; value && (value = strchr(value, '"')) && value < end; value = close + 1) {
		value++;
		close = strchr(value, '"');
		if (!close)
			return;
		if (!has_fit_node(t->text, value, (size_t)(close - value)))
			check_say(v, CHECK_FIT_IMAGE, (struct pos){t->path, number, 1},
				  "there is no '%.*s' in this image, so U-Boot would start "
				  "nothing with this",
				  (int)(close - value), value);
	}
}

static void names_are_there(struct check_view *v, const struct check_text *t)
{
	unsigned line = 0;

	for (const char *p = t->text; *p; p += strcspn(p, "\n"), p += *p == '\n')
		names_fit_nodes(v, t, line_start(p), ++line);
}

/* The line of SCRIPT that loads or starts such an image, or NULL. */
static const struct conf_entry *takes_fit(const struct check_text *script)
{
	for (size_t i = 0; i < script->lines.count; i++)
		if (strstr(script->lines.items[i].value, ".itb"))
			return &script->lines.items[i];
	return NULL;
}

/* A word that starts a kernel, in a line of commands: not bootm, which verifies what it starts. */
static const char *unverified(const struct conf_entry *e)
{
	static const char *const words[] = {"booti ", "bootz ", "bootefi ", "sysboot "};

	for (size_t i = 0; i < array_len(words); i++) {
		char *word cleanup_free = xstrndup(words[i], strlen(words[i]) - 1);

		if (str_eq(e->key, word) || strstr(e->value, words[i]))
			return words[i];
	}
	return NULL;
}

static void all_ways_verify(struct check_view *v, const struct check_text *script,
			    const struct node *fit)
{
	struct pos pos = recipe_pos(fit->recipe, "key");

	for (size_t i = 0; i < script->lines.count; i++) {
		const struct conf_entry *e = &script->lines.items[i];
		const char *word = str_eq(e->key, "echo") ? NULL : unverified(e);

		if (word)
			check_say(v, CHECK_FIT_SIGNED, e->pos,
				  "'%.*s' starts a kernel that nobody signed, though the FIT image "
				  "is (%s:%u): take this way out",
				  (int)strlen(word) - 1, word, pos.file, pos.line);
	}
}

static void u_boot_verifies(struct check_view *v, const struct node *fit)
{
	static const struct {
		const char *symbol, *value, *why;
	} wanted[] = {
		{"CONFIG_FIT_SIGNATURE", "y", "without it U-Boot looks at no signature"},
		{"CONFIG_RSA", "y", "a defconfig may turn it off, and then no signature is right"},
		{"CONFIG_LEGACY_IMAGE_FORMAT", "n",
		 "bootm would start an image of that format, which has no signature; the boot "
		 "script becomes a FIT image, too"},
	};
	struct pos pos = recipe_pos(fit->recipe, "key");

	if (!v->kconfig.count)
		check_note(v, CHECK_FIT_SIGNED, pos, "not checked: U-Boot's configuration");
	for (size_t i = 0; v->kconfig.count && i < array_len(wanted); i++) {
		const struct conf_entry *e = conf_find(&v->kconfig, "", wanted[i].symbol);

		if (!e || !str_eq(e->value, wanted[i].value))
			check_say(v, CHECK_FIT_SIGNED, e ? e->pos : pos,
				  "'%s' is signed (%s:%u), but %s is not '%s': %s", fit->name,
				  pos.file, pos.line, wanted[i].symbol, wanted[i].value,
				  wanted[i].why);
	}
}

/* The place where something that ships, but the node FIT, takes OUTPUT of FROM; or NULL. */
static const struct edge *shipped_as(const struct check_view *v, const struct node *from,
				     const char *output, const struct node *fit)
{
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		for (size_t k = 0; n != fit && check_ships(v, n) && k < n->in.count; k++) {
			const struct edge *e = &n->in.items[k];

			if (e->from == from && (!e->output || str_eq(e->output, output)))
				return e;
		}
	}
	return NULL;
}

/* U-Boot asks for no signature of a key that its own device tree does not have. */
static void u_boot_knows_key(struct check_view *v, const struct node *fit)
{
	const struct fit_opts *o = fit->recipe->opts;

	if (!o->device_trees.count)
		check_say(v, CHECK_FIT_SIGNED, recipe_pos(fit->recipe, "key"),
			  "U-Boot does not know this key, and starts what nobody signed: name its "
			  "own device trees in 'device-trees', and ship what comes out");
	for (size_t i = 0; i < o->device_trees.count; i++) {
		const struct ref *tree = LIST_AT(o->device_trees, struct ref *, i);
		const char *name = fit_output_name(tree);
		const struct node *from = check_node_of(v, tree);
		const struct edge *bare = from ? shipped_as(v, from, name, fit) : NULL;

		if (bare)
			check_say(v, CHECK_FIT_SIGNED, bare->pos,
				  "this device tree has no key, so that U-Boot starts what nobody "
				  "signed: take '%s:%s' (%s:%u)",
				  fit->name, name, tree->pos.file, tree->pos.line);
		else if (!shipped_as(v, fit, name, fit))
			check_say(v, CHECK_FIT_SIGNED, tree->pos,
				  "nothing that ships takes '%s:%s', so that U-Boot does not know "
				  "the key",
				  fit->name, name);
	}
}

static void signature_counts(struct check_view *v, const struct node *fit)
{
	u_boot_verifies(v, fit);
	u_boot_knows_key(v, fit);
	for (size_t i = 0; i < v->texts.count; i++)
		if (v->texts.items[i].starts_kernel)
			all_ways_verify(v, &v->texts.items[i], fit);
}

int check_fit_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *can = conf_find(&v->kconfig, "", "CONFIG_FIT");

	for (size_t i = 0; i < v->texts.count; i++) {
		const struct check_text *t = &v->texts.items[i];
		const struct conf_entry *load = takes_fit(t);

		if (is_fit_source(t)) {
			images_are_hashed(v, t);
			names_are_there(v, t);
		}
		if (load && v->kconfig.count && !(can && str_eq(can->value, "y")))
			check_say(v, CHECK_FIT_IMAGE, can ? can->pos : load->pos,
				  "the boot script starts a FIT image, which U-Boot cannot read: "
				  "set CONFIG_FIT=y");
	}
	for (size_t i = 0; i < v->g->nodes.count; i++) {
		const struct node *n = v->g->nodes.items[i];

		if (n->recipe->kind == &kind_fit && check_ships(v, n))
			signature_counts(v, n);
	}
	return 0;
}
