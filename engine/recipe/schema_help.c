/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/schema_json.h"

#define HELP_WIDTH 78

static void words_text(const struct option *o, struct str *ret)
{
	for (const char *const *w = o->words; *w; w++)
		str_printf(ret, "%s%s", w == o->words ? "" : " | ", *w);
}

static void type_text(const struct option *o, struct str *ret)
{
	static const char *const names[] = {
		[OPT_STRING] = "text",
		[OPT_BOOL] = "true | false",
		[OPT_INT] = "number",
		[OPT_SIZE] = "size",
		[OPT_DIGEST] = "sha-256",
		[OPT_SECRET] = "private file",
		[OPT_STEP] = "script or list of words",
		[OPT_STRUCT] = "keys",
		[OPT_DICT] = "name: text",
		[OPT_REFDICT] = "name: ",
		[OPT_FORM] = "",
		[OPT_REF] = "",
	};
	static const struct {
		unsigned bit;
		const char *text;
	} accepts[] = {
		{ACCEPT_PATH, "path"},         {ACCEPT_FILE, "output"},
		{ACCEPT_TREE, "tree"},         {ACCEPT_IMAGE, "image"},
		{ACCEPT_INSIDE, "node:/path"}, {ACCEPT_NODE, "node"},
		{ACCEPT_SIGNER, "signer"},     {ACCEPT_TEMPLATE, "{template: path}"},
	};
	const char *comma = "";

	if ((o->flags & OPT_LIST) && o->type != OPT_DICT)
		str_append(ret, "list of ");
	if (o->type == OPT_ENUM)
		words_text(o, ret);
	else if (o->type == OPT_FORM)
		str_printf(ret, "%s", o->forms->noun);
	else if (o->type == OPT_DICT && (o->flags & OPT_LIST))
		str_append(ret, "name: list of text");
	else if (o->type == OPT_DICT && o->sub)
		str_append(ret, "name: keys");
	else if (o->type == OPT_STRING && (o->flags & OPT_ABSPATH))
		str_append(ret, "absolute path");
	else
		str_append(ret, names[o->type]);
	for (const char *const *w = o->words; o->type == OPT_REF && w && *w; w++) {
		str_printf(ret, "%s%s", comma, *w);
		comma = " | ";
	}
	for (size_t i = 0; i < array_len(accepts); i++) {
		if ((o->type == OPT_REF || o->type == OPT_REFDICT) &&
		    (o->accept & accepts[i].bit)) {
			str_printf(ret, "%s%s", comma, accepts[i].text);
			comma = " | ";
		}
	}
}

/* Whether O is a row of all forms, and means the same in each. */
static bool is_common(const struct forms *forms, const struct option *o)
{
	for (const struct form *const *f = forms->all; *f; f++) {
		const struct option *other = schema_option((*f)->schema, o->name);

		if (!other || !str_eq(other->help, o->help))
			return false;
	}
	return true;
}

static void option_text(const struct option *o, int indent, struct str *ret);

/* The keys of each form, the others below the one that names it; those of all at the end. */
static void forms_text(const struct forms *forms, int indent, struct str *ret)
{
	const struct schema *first = forms->all[0]->schema;

	for (const struct form *const *f = forms->all; *f; f++) {
		struct option own = *schema_option((*f)->schema, (*f)->name);

		own.flags &= ~(unsigned)OPT_REQUIRED;
		option_text(&own, indent, ret);
		for (size_t i = 0; i < (*f)->schema->count; i++) {
			const struct option *o = &(*f)->schema->options[i];

			if (!str_eq(o->name, (*f)->name) && !is_common(forms, o))
				option_text(o, indent + 4, ret);
		}
	}
	for (size_t i = 0; i < first->count; i++)
		if (is_common(forms, &first->options[i]))
			option_text(&first->options[i], indent, ret);
}

static void options_text(const struct schema *schema, int indent, struct str *ret)
{
	for (size_t i = 0; i < schema->count; i++)
		option_text(&schema->options[i], indent, ret);
}

static void option_text(const struct option *o, int indent, struct str *ret)
{
	if (o->type == OPT_GONE)
		return;
	str_printf(ret, "%*s%s: ", indent, "", o->name);
	type_text(o, ret);
	if (o->flags & OPT_VALUE)
		str_append(ret, ", may hold ${node:output}");
	if (o->flags & OPT_REQUIRED)
		str_append(ret, "  (required)");
	else if (o->def)
		str_printf(ret, "  (default: %s)", o->def);
	str_append_char(ret, '\n');
	str_fill(ret, o->help, (size_t)indent + 4, HELP_WIDTH);
	if (o->example)
		str_printf(ret, "%*sExample: %s: %s\n", indent + 4, "", o->name, o->example);
	if (o->sub)
		options_text(o->sub, indent + 4, ret);
	if (o->forms)
		forms_text(o->forms, indent + 4, ret);
}

void schema_help(const struct schema *schema, struct str *ret)
{
	options_text(schema, 2, ret);
}

/* The row NAME of O's maps, of whatever form. */
static const struct option *option_below(const struct option *o, const char *name)
{
	const struct option *ret = o->sub ? schema_option(o->sub, name) : NULL;

	for (const struct form *const *f = o->forms ? o->forms->all : NULL; !ret && f && *f; f++)
		ret = schema_option((*f)->schema, name);
	return ret;
}

const char *schema_help_key(const struct schema *schema, const char *path, struct str *ret)
{
	const struct option *o = NULL;
	size_t len;

	for (;; path += len + 1) {
		char *name cleanup_free = xstrndup(path, len = strcspn(path, "."));

		o = o ? option_below(o, name) : schema_option(schema, name);
		if (!o || o->type == OPT_GONE)
			return path;
		if (!path[len])
			break;
	}
	option_text(o, 2, ret);
	return NULL;
}

/* "${NODE#PART.start}" and what it is, for each. */
static void fact_help_text(const struct fact_help *help, struct str *ret)
{
	str_append(ret, "\nFacts, for scalars of any recipe:\n");
	for (; help->name; help++) {
		str_printf(ret, "  ${NODE#%s}\n", help->name);
		str_fill(ret, help->help, 6, HELP_WIDTH);
	}
}

void kind_help(const struct kind *kind, struct str *ret)
{
	str_printf(ret, "%s: %s\n", kind->name, kind->summary ? kind->summary : "");
	if (kind->manual) {
		str_append_char(ret, '\n');
		str_fill(ret, kind->manual, 0, HELP_WIDTH);
	}
	str_append(ret, "\nKeys:\n");
	options_text(kind->schema, 2, ret);
	if (kind->fact_help)
		fact_help_text(kind->fact_help, ret);
}
