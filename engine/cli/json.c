/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli/json.h"

#include "cli/checkout.h"

json_t *json_text(const char *text)
{
	struct str s cleanup_str = STR_INIT;
	json_t *value;

	if (!text)
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x80)
			str_append_char(&s, (char)*p);
		else
			str_printf(&s, "\\x%02x", *p);
	}
	return json_string(s.buf);
}

json_t *json_digest(const struct digest *d)
{
	static const struct digest none;
	char hex[DIGEST_HEX + 1];

	if (digest_eq(d, &none))
		return json_null();
	return json_sprintf("sha256:%s", digest_hex(d, hex));
}

json_t *json_err(const struct err *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "class", json_string(err_class_name(e->code->cls)));
	json_object_set_new(o, "code", json_string(e->code->name));
	json_object_set_new(o, "text", json_text(e->text));
	if (e->file) {
		json_object_set_new(o, "file", json_text(e->file));
		json_object_set_new(o, "line", json_integer(e->line));
		json_object_set_new(o, "col", json_integer(e->col));
	}
	return o;
}

json_t *json_outputs(const char *node, const struct record *rec)
{
	json_t *list = json_array();

	for (size_t i = 0; rec && i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];
		char *digest cleanup_free = artifact_digest_string(a);
		char *path cleanup_free = checkout_path(node, a->name);
		json_t *o = json_object();

		json_object_set_new(o, "name", json_text(a->name));
		json_object_set_new(o, "path", json_text(path));
		json_object_set_new(o, "digest", json_string(digest));
		json_object_set_new(o, "size", json_integer((json_int_t)a->size));
		json_object_set_new(o, "allocated", json_integer((json_int_t)a->allocated));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *json_change(const struct change *c)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "what", json_text(c->what), "name",
			 json_text(c->name), "before", json_text(c->before), "after",
			 json_text(c->after));
}

/* Within strings, where alone it can be, "##" begins commands of CIs: see str_escape(). */
static void print_text(FILE *to, const char *text)
{
	const char *at;

	while ((at = strstr(text, "##"))) {
		fprintf(to, "%.*s\\u0023", (int)(at - text), text);
		text = at + 1;
	}
	fprintf(to, "%s\n", text);
}

void json_print(FILE *to, json_t *object, bool compact)
{
	char *text cleanup_free =
		json_dumps(object, JSON_ENSURE_ASCII | JSON_PLAIN_REALS |
					   (compact ? JSON_COMPACT : JSON_INDENT(2)));

	json_decref(object);
	print_text(to, text ? text : "null");
}
