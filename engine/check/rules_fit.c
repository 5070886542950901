/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A root slot's FIT image: U-Boot can read one, and starts nothing of it that is not as it was
 * built, because each image in it has a hash. Its source is read by lines, as people write it.
 */
#include "check/view.h"

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

/* The line of SCRIPT that loads or starts such an image, or NULL. */
static const struct conf_entry *takes_fit(const struct check_text *script)
{
	for (size_t i = 0; i < script->lines.count; i++)
		if (strstr(script->lines.items[i].value, ".itb"))
			return &script->lines.items[i];
	return NULL;
}

int check_fit_rules(struct check_view *v, struct err **err)
{
	const struct conf_entry *can = conf_find(&v->kconfig, "", "CONFIG_FIT");

	for (size_t i = 0; i < v->texts.count; i++) {
		const struct check_text *t = &v->texts.items[i];
		const struct conf_entry *load = takes_fit(t);

		if (is_fit_source(t))
			images_are_hashed(v, t);
		if (load && v->kconfig.count && !(can && str_eq(can->value, "y")))
			check_say(v, CHECK_FIT_IMAGE, can ? can->pos : load->pos,
				  "the boot script starts a FIT image, which U-Boot cannot read: "
				  "set CONFIG_FIT=y");
	}
	return 0;
}
