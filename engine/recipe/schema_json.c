/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/schema_json.h"

#include <jansson.h>

#include "recipe/extend.h"

/* A value may always be given by a variable. */
#define VARIABLE "\\$\\{"

static json_t *object_schema(const struct schema *schema);

static json_t *text_pattern(const char *pattern)
{
	char *either cleanup_free = xasprintf("%s|%s", pattern, VARIABLE);

	return json_pack("{s:s, s:s}", "type", "string", "pattern", either);
}

/* Type TYPE, or a text that matches PATTERN (NULL: only one that holds a variable). */
static json_t *type_or_text(const char *type, const char *pattern)
{
	json_t *text = pattern ? text_pattern(pattern)
			       : json_pack("{s:s, s:s}", "type", "string", "pattern", VARIABLE);

	return json_pack("{s:[{s:s}, o]}", "anyOf", "type", type, text);
}

/* A string takes 'no', 1.0 and 0o7 as they stand, whatever an editor makes of them. */
static json_t *text_schema(const struct option *o)
{
	if (o->type == OPT_STRING && (o->flags & OPT_NAME))
		return json_pack("{s:[o, {s:[s, s]}]}", "anyOf",
				 text_pattern("^[A-Za-z0-9._+-]{1,64}$"), "type", "number",
				 "boolean");
	if (o->flags & OPT_ABSPATH)
		return text_pattern("^/");
	return json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");
}

static json_t *enum_schema(const struct option *o)
{
	json_t *words = json_array();

	for (const char *const *w = o->words; *w; w++)
		json_array_append_new(words, json_string(*w));
	return json_pack("{s:[{s:o}, {s:s, s:s}]}", "anyOf", "enum", words, "type", "string",
			 "pattern", VARIABLE);
}

static json_t *step_schema(void)
{
	return json_pack("{s:[{s:[s, s, s]}, {s:s, s:i, s:{s:[s, s, s]}}]}", "anyOf", "type",
			 "string", "number", "boolean", "type", "array", "minItems", 1, "items",
			 "type", "string", "number", "boolean");
}

/* VALUE, or a list of such. */
static json_t *or_list(json_t *value)
{
	json_t *array = json_pack("{s:s, s:O}", "type", "array", "items", value);

	return json_pack("{s:[o, o]}", "anyOf", value, array);
}

static json_t *dict_schema(const struct option *o)
{
	json_t *values = o->sub && o->type == OPT_DICT ? object_schema(o->sub) : text_schema(o);
	json_t *dict;

	if (o->flags & OPT_LIST)
		values = or_list(values);
	if (o->type == OPT_DICT && o->sub && o->words)
		values = json_pack("{s:[o, o]}", "anyOf", values, enum_schema(o));
	dict = json_pack("{s:s, s:o}", "type", "object", "additionalProperties", values);

	if (o->flags & OPT_NAME)
		json_object_set_new(dict, "propertyNames",
				    json_pack("{s:s}", "pattern", "^[A-Za-z0-9._+-]{1,64}$"));
	return dict;
}

static json_t *reference_schema(const struct option *o)
{
	json_t *text = json_pack("{s:s, s:i}", "type", "string", "minLength", 1);

	if (!(o->accept & ACCEPT_TEMPLATE) || o->accept == ACCEPT_TEMPLATE)
		return text;
	return json_pack("{s:[o, {s:s, s:{s:{s:s}}, s:[s], s:b}]}", "anyOf", text, "type", "object",
			 "properties", "template", "type", "string", "required", "template",
			 "additionalProperties", 0);
}

static json_t *form_schema(const struct forms *forms)
{
	json_t *any = json_array();

	for (const struct form *const *f = forms->all; *f; f++) {
		json_t *object = object_schema((*f)->schema);

		if (!(schema_option((*f)->schema, (*f)->name)->flags & OPT_REQUIRED))
			json_array_append_new(json_object_get(object, "required"),
					      json_string((*f)->name));
		json_array_append_new(any, object);
	}
	return json_pack("{s:o}", "anyOf", any);
}

static json_t *value_schema(const struct option *o)
{
	switch (o->type) {
	case OPT_STRING:
		return text_schema(o);
	case OPT_BOOL:
		return type_or_text("boolean", NULL);
	case OPT_INT:
		return type_or_text("integer", "^-?[0-9]+$");
	case OPT_SIZE:
		return type_or_text("integer",
				    o->words ? "^([0-9]+[KMGT]?|auto)$" : "^[0-9]+[KMGT]?$");
	case OPT_ENUM:
		return enum_schema(o);
	case OPT_DIGEST:
		return text_pattern("^[0-9a-fA-F]{64}$");
	case OPT_REF:
		return reference_schema(o);
	case OPT_SECRET:
		return json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
	case OPT_STEP:
		return step_schema();
	case OPT_STRUCT:
		return object_schema(o->sub);
	case OPT_DICT:
	case OPT_REFDICT:
		return dict_schema(o);
	case OPT_FORM:
		return form_schema(o->forms);
	case OPT_GONE:
		return json_false();
	}
	abort();
}

static json_t *option_schema(const struct option *o)
{
	json_t *value = value_schema(o), *ret = value;

	/* a list of words is a list of steps, so a single step is a script */
	if ((o->flags & OPT_LIST) && o->type == OPT_STEP)
		ret = json_pack("{s:[{s:[s, s, s]}, {s:s, s:o}]}", "anyOf", "type", "string",
				"number", "boolean", "type", "array", "items", value);
	else if ((o->flags & OPT_LIST) && o->type != OPT_DICT)
		ret = or_list(value);
	json_object_set_new(ret, "description", json_string(o->help));
	if (o->def)
		json_object_set_new(ret, "default", json_string(o->def));
	if (o->example)
		json_object_set_new(ret, "examples", json_pack("[s]", o->example));
	return ret;
}

static json_t *object_schema(const struct schema *schema)
{
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < schema->count; i++) {
		const struct option *o = &schema->options[i];

		if (o->type == OPT_GONE)
			continue;
		json_object_set_new(properties, o->name, option_schema(o));
		if (o->flags & OPT_REQUIRED)
			json_array_append_new(required, json_string(o->name));
	}
	return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			 "required", required, "additionalProperties", 0);
}

static json_t *kind_schema(const struct kind *k)
{
	json_t *ret = object_schema(k->schema), *properties = json_object_get(ret, "properties");

	json_object_set_new(properties, "kind", json_pack("{s:s}", "const", k->name));
	json_object_set_new(properties, "identity",
			    option_schema(schema_option(&recipe_schema, "identity")));
	json_object_set_new(ret, "description", json_string(k->summary ? k->summary : k->name));
	return ret;
}

/*
 * A recipe that extends another: what its own keys may be depends on a kind that it need not name,
 * and on lists that stand elsewhere.
 */
static json_t *extending_schema(json_t *kinds)
{
	static const char *const changes[] = {"add", "drop"};
	json_t *ret = object_schema(&recipe_schema);
	json_t *properties = json_object_get(ret, "properties");

	json_object_set_new(properties, "kind", json_pack("{s:O}", "enum", kinds));
	for (size_t i = 0; i < array_len(changes); i++)
		json_object_set_new(properties, changes[i],
				    json_pack("{s:[s, s], s:s}", "type", "object", "array",
					      "description",
					      schema_option(&recipe_schema, changes[i])->help));
	json_object_set_new(ret, "required", json_pack("[s]", "extends"));
	json_object_set_new(ret, "additionalProperties", json_true());
	return ret;
}

/* project.yaml; its variants are maps of maps of maps, which no row of a table can say. */
static json_t *project_keys(void)
{
	json_t *ret = object_schema(&project_schema), *set, *variants;

	set = json_pack("{s:s, s:{s:s, s:{s:[s, s, s]}}}", "type", "object", "additionalProperties",
			"type", "object", "additionalProperties", "type", "string", "number",
			"boolean");
	variants = json_pack("{s:s, s:{s:{s:s, s:{s:s}}}, s:o, s:s}", "type", "object",
			     "properties", "exclude", "type", "array", "items", "type", "object",
			     "additionalProperties", set, "description",
			     schema_option(&project_schema, "variants")->help);
	json_object_set_new(json_object_get(ret, "properties"), "variants", variants);
	return ret;
}

/* Appends the text of OBJECT, which it frees. */
static void write_json(json_t *object, struct str *ret)
{
	char *text cleanup_free = json_dumps(object, JSON_INDENT(2));

	str_append(ret, text);
	str_append_char(ret, '\n');
	json_decref(object);
}

void schema_json_keys(const struct schema *schema, struct str *ret)
{
	write_json(object_schema(schema), ret);
}

/* `kind` stands at the top, too: an editor offers it before there is a word that tells a form. */
void schema_json(const struct kind *const *kinds, struct str *ret)
{
	json_t *definitions = json_object(), *names = json_array(), *rules = json_array();
	json_t *kind, *all;

	for (; *kinds; kinds++) {
		const char *name = (*kinds)->name;
		char *target cleanup_free = xasprintf("#/definitions/%s", name);

		json_array_append_new(names, json_string(name));
		json_object_set_new(definitions, name, kind_schema(*kinds));
		json_array_append_new(rules,
				      json_pack("{s:{s:{s:{s:s}}}, s:{s:s}}", "if", "properties",
						"kind", "const", name, "then", "$ref", target));
	}
	json_array_append_new(rules,
			      json_pack("{s:{s:{s:o}}}", "properties", "kind", "enum", names));
	json_object_set_new(definitions, "project.yaml", project_keys());
	json_object_set_new(definitions, "extending", extending_schema(names));
	kind = json_pack("{s:{s:[s]}, s:{s:o}, s:{s:s}}", "if", "required", "kind", "then", "allOf",
			 rules, "else", "$ref", "#/definitions/project.yaml");
	all = json_pack("{s:s, s:s, s:{s:{s:O, s:s}}, s:{s:[s]}, s:{s:s}, s:o, s:o}", "$schema",
			"http://json-schema.org/draft-07/schema#", "title", "orch recipes",
			"properties", "kind", "enum", names, "description",
			schema_option(&recipe_schema, "kind")->help, "if", "required", "extends",
			"then", "$ref", "#/definitions/extending", "else", kind, "definitions",
			definitions);
	write_json(all, ret);
}
