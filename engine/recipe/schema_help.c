/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/roff.h"
#include "recipe/schema_json.h"

#define HELP_WIDTH 78

/* Where a manual goes, and how: to a terminal, or as a page (base/roff.h). */
struct manual {
	struct str *text;
	int indent;
	bool page;
};

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

static void option_text(struct manual *m, const struct option *o);

static void deeper(struct manual *m)
{
	m->indent += 4;
	if (m->page)
		roff_indent(m->text);
}

static void back(struct manual *m)
{
	m->indent -= 4;
	if (m->page)
		roff_outdent(m->text);
}

/* The keys of form F but its name, and those of all forms. */
static void form_text(struct manual *m, const struct forms *forms, const struct form *f)
{
	bool any = false;

	for (size_t i = 0; i < f->schema->count; i++) {
		const struct option *o = &f->schema->options[i];

		if (str_eq(o->name, f->name) || is_common(forms, o))
			continue;
		if (!any)
			deeper(m);
		any = true;
		option_text(m, o);
	}
	if (any)
		back(m);
}

/* The keys of each form, the others below the one that names it; those of all at the end. */
static void forms_text(struct manual *m, const struct forms *forms)
{
	const struct schema *first = forms->all[0]->schema;

	for (const struct form *const *f = forms->all; *f; f++) {
		struct option own = *schema_option((*f)->schema, (*f)->name);

		own.flags &= ~(unsigned)OPT_REQUIRED;
		option_text(m, &own);
		form_text(m, forms, *f);
	}
	for (size_t i = 0; i < first->count; i++)
		if (is_common(forms, &first->options[i]))
			option_text(m, &first->options[i]);
}

static void options_text(struct manual *m, const struct schema *schema)
{
	for (size_t i = 0; i < schema->count; i++)
		option_text(m, &schema->options[i]);
}

/* "size: size  (required)" */
static void title_text(const struct option *o, const char *mark, struct str *ret)
{
	str_printf(ret, "%s%s%s: ", mark, o->name, mark);
	type_text(o, ret);
	if (o->flags & OPT_VALUE)
		str_append(ret, ", may hold ${node:output}");
	if (o->flags & OPT_REQUIRED)
		str_append(ret, "  (required)");
	else if (o->def)
		str_printf(ret, "  (default: %s)", o->def);
}

static void explain_text(struct manual *m, const struct option *o)
{
	struct str title cleanup_str = STR_INIT;

	title_text(o, m->page ? "`" : "", &title);
	if (m->page) {
		roff_plain_term(m->text, title.buf);
		roff_text(m->text, o->help);
	} else {
		str_printf(m->text, "%*s%s\n", m->indent, "", title.buf);
		str_fill(m->text, o->help, (size_t)m->indent + 4, HELP_WIDTH);
	}
	if (!o->example)
		return;
	str_clear(&title);
	str_printf(&title, "Example: %s: %s", o->name, o->example);
	if (m->page)
		roff_line(m->text, title.buf);
	else
		str_printf(m->text, "%*s%s\n", m->indent + 4, "", title.buf);
}

static void option_text(struct manual *m, const struct option *o)
{
	if (o->type == OPT_GONE)
		return;
	explain_text(m, o);
	if (!o->sub && !o->forms)
		return;
	deeper(m);
	if (o->sub)
		options_text(m, o->sub);
	if (o->forms)
		forms_text(m, o->forms);
	back(m);
}

void schema_help(const struct schema *schema, struct str *ret)
{
	options_text(&(struct manual){ret, 2, false}, schema);
}

void schema_page(const struct schema *schema, struct str *ret)
{
	options_text(&(struct manual){ret, 2, true}, schema);
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
	option_text(&(struct manual){ret, 2, false}, o);
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
	schema_help(kind->schema, ret);
	if (kind->fact_help)
		fact_help_text(kind->fact_help, ret);
}

void kind_page(const struct kind *kind, struct str *ret)
{
	char *heading cleanup_free = xasprintf("KIND %s", kind->name);

	roff_heading(ret, heading);
	roff_sentence(ret, kind->summary ? kind->summary : kind->name);
	if (kind->manual) {
		str_append(ret, ".PP\n");
		roff_text(ret, kind->manual);
	}
	schema_page(kind->schema, ret);
	for (const struct fact_help *f = kind->fact_help; f && f->name; f++) {
		char *term cleanup_free = xasprintf("`${NODE#%s}`", f->name);

		roff_plain_term(ret, term);
		roff_text(ret, f->help);
	}
}
