/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/expand.h"

#include "base/str.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "recipe/value.h"

#define EXPAND_MAX_BYTES (1024 * 1024)
#define EXPAND_MAX_CHAIN 32

enum var_state { VAR_RAW, VAR_VISITING, VAR_DONE };

struct var {
	const char *name;
	const struct yaml *raw;
	enum var_state state;
	const char *value;
};

struct expand {
	struct arena *arena;
	const struct map *vars; /* name -> text, final */
	struct map *raw;        /* name -> struct var, while vars are expanded; else NULL */
	struct source source;
	const char *variant; /* as in struct scope */
	const char *remedy;  /* likewise */
	struct err_list *errors;
	unsigned chain;           /* variables in work */
	bool no_nodes;            /* as in struct scope */
	struct value_refs values; /* of the text in work */
	fact_text_fn *fact;       /* NULL: facts have no values yet */
	void *fact_arg;
};

static const char *var_value(struct expand *e, struct var *v);

/* The place of TEXT in the value that begins at POS, or POS. */
static struct pos place_of(const struct expand *e, struct pos pos, const char *text, size_t len)
{
	struct utf8 u = {0};
	bool inside = false;

	if (!e->source.len)
		return pos;
	u = utf8_start(e->source.text, e->source.len);
	while (utf8_next(&u)) {
		inside = inside || (u.line == pos.line && u.col == pos.col);
		if (inside && (size_t)(u.end - u.at) >= len && memcmp(u.at, text, len) == 0)
			return (struct pos){pos.file, u.line, u.col};
	}
	return pos;
}

static const char *nearest(const struct expand *e, const char *name)
{
	size_t count = e->vars->count + (e->raw ? e->raw->count : 0);
	const char **names cleanup_free = xcalloc(count + 1, sizeof(*names));

	for (size_t i = 0; i < e->vars->count; i++)
		names[i] = e->vars->entries[i].key;
	for (size_t i = e->vars->count; i < count; i++)
		names[i] = e->raw->entries[i - e->vars->count].key;
	return str_nearest(name, names, count);
}

static void unknown(struct expand *e, struct pos pos, const char *name)
{
	const char *near = nearest(e, name);
	const char *in = e->variant;
	const char *remedy = e->remedy ? e->remedy : "define it in 'vars' of project.yaml";

	if (near)
		err_list_at(e->errors, E_UNKNOWN_VARIABLE, pos,
			    "unknown variable '%s': did you mean '%s'?", name, near);
	else
		err_list_at(e->errors, E_UNKNOWN_VARIABLE, pos,
			    "unknown variable '%s'%s%s%s: %s, or write $${%s} for a literal ${%s}",
			    name, in ? " in variant '" : "", in ? in : "", in ? "'" : "", remedy,
			    name, name);
}

static const char *lookup(struct expand *e, struct pos pos, const char *at, const char *name)
{
	const char *value = map_get(e->vars, name);
	struct var *v = e->raw ? map_get(e->raw, name) : NULL;

	if (v)
		return var_value(e, v);
	if (!value)
		unknown(e, place_of(e, pos, at, strlen(name) + 2), name);
	return value;
}

/* Bytes at S that can be the name of a variable, or of a node. */
static size_t name_span(const char *s)
{
	return strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-+/@");
}

/* Whether the reference at S names a fact, or a value. */
static bool is_fact(const char *s)
{
	return s[2 + name_span(s + 2)] == '#';
}

static bool is_value(const char *s)
{
	return s[2 + name_span(s + 2)] == ':';
}

static const char *number_text(struct expand *e, const char *filter, uint64_t n)
{
	return str_eq(filter, "hex") ? arena_printf(e->arena, "0x%llx", (unsigned long long)n)
				     : arena_printf(e->arena, "%llu", (unsigned long long)n / 512);
}

/* What the filter ("hex") makes of a fact's VALUE, or NULL after an error. */
static const char *filtered(struct expand *e, struct pos pos, const char *filter, const char *value)
{
	bool sectors = str_eq(filter, "sectors");
	uint64_t n;

	if (!sectors && !str_eq(filter, "hex"))
		err_list_at(e->errors, E_FACT_FILTER, pos,
			    "unknown filter '%s': 'sectors' and 'hex' are known", filter);
	else if (str_u64(value, &n))
		err_list_at(e->errors, E_FACT_FILTER, pos,
			    "'%s' takes a number, and the fact is '%s'", filter, value);
	else if (sectors && n % 512)
		err_list_at(e->errors, E_FACT_FILTER, pos,
			    "%s bytes are not a whole number of sectors of 512", value);
	else
		return number_text(e, filter, n);
	return NULL;
}

/* Takes " | WORD" at *S, if it is there: 1, or 0 when something else is. */
static int take_filter(struct expand *e, const char **s, const char **ret)
{
	const char *at = *s + strspn(*s, " ");
	size_t n;

	if (*at != '|')
		return 0;
	at += 1 + strspn(at + 1, " ");
	n = strspn(at, "abcdefghijklmnopqrstuvwxyz");
	if (!n)
		return 0;
	*ret = arena_strndup(e->arena, at, n);
	*s = at + n;
	return 1;
}

/* The text of the fact at S, ${NODE#NAME | FILTER...}, or NULL after an error. */
static const char *expand_fact(struct expand *e, struct pos pos, const char *s, size_t *ret_len)
{
	size_t node = name_span(s + 2), name = name_span(s + 3 + node);
	const char *end = s + 3 + node + name, *filter, *value;
	struct fact_ref ref = {.pos = place_of(e, pos, s, (size_t)(end - s))};

	if (!node || !name) {
		err_list_at(e->errors, E_BAD_REFERENCE, ref.pos,
			    "'${' with a '#' begins a fact like ${node#fact}: write '$${' for a "
			    "literal '${'");
		return NULL;
	}
	if (!e->fact) {
		err_list_at(e->errors, E_VALUE_TOO_EARLY, ref.pos,
			    "project.yaml is read before any node is known: write the fact in the "
			    "recipe that needs it");
		return NULL;
	}
	ref.node = arena_strndup(e->arena, s + 2, node);
	ref.name = arena_strndup(e->arena, s + 3 + node, name);
	value = e->fact(e->fact_arg, &ref);
	while (value && take_filter(e, &end, &filter))
		value = filtered(e, ref.pos, filter, value);
	if (value && *(end += strspn(end, " ")) != '}') {
		err_list_at(e->errors, E_BAD_REFERENCE, ref.pos,
			    "a fact ends in '}', or goes on with '| sectors' or '| hex'");
		return NULL;
	}
	*ret_len = (size_t)(end - s) + 1;
	return value;
}

/* The value at S, ${NODE:OUTPUT}, which stays as it is, AT bytes from the start of the text. */
static const char *expand_value(struct expand *e, struct pos pos, const char *s, size_t at,
				size_t *ret_len)
{
	size_t name = strcspn(s + 2, "}\n");
	struct value_ref ref = {.pos = place_of(e, pos, s, name + 2), .at = at, .len = name + 3};

	if (s[2 + name] != '}' || value_name(e->arena, s + 2, name, &ref)) {
		err_list_at(e->errors, E_BAD_REFERENCE, ref.pos,
			    "'${' with a ':' begins a value like ${node:output}: write '$${' for a "
			    "literal '${'");
		return NULL;
	}
	if (e->no_nodes) {
		err_list_at(e->errors, E_VALUE_TOO_EARLY, ref.pos,
			    "project.yaml is read before any node is known: write the value in the "
			    "recipe that needs it, or '$${' for a literal '${'");
		return NULL;
	}
	value_refs_push(&e->values, ref);
	*ret_len = ref.len;
	return arena_strndup(e->arena, s, ref.len);
}

static const char *expand_var(struct expand *e, struct pos pos, const char *s, size_t *ret_len)
{
	size_t n = strcspn(s + 2, "+/@}");
	char *name cleanup_free = NULL;

	n = n < name_span(s + 2) ? n : name_span(s + 2);
	if (!n || s[2 + n] != '}') {
		err_list_at(e->errors, E_BAD_REFERENCE, place_of(e, pos, s, 2 + n),
			    strchr(s, '}') ? "'${' begins a variable like ${name}: write '$${' for "
					     "a literal '${'"
					   : "'${' has no '}': a variable is written ${name}, and "
					     "a literal '${' as '$${'");
		return NULL;
	}
	name = xstrndup(s + 2, n);
	*ret_len = n + 3;
	return lookup(e, pos, s, name);
}

/* Expands the reference at S ("${...") into OUT; the length read, or 0 after an error. */
static size_t expand_one(struct expand *e, struct pos pos, const char *s, struct str *out)
{
	const char *value;
	size_t len;

	if (is_fact(s))
		value = expand_fact(e, pos, s, &len);
	else if (is_value(s))
		value = expand_value(e, pos, s, out->len, &len);
	else
		value = expand_var(e, pos, s, &len);
	if (!value)
		return 0;
	str_append(out, value);
	if (out->len > EXPAND_MAX_BYTES) {
		err_list_at(e->errors, E_TOO_LARGE, pos, "expands to more than %d bytes",
			    EXPAND_MAX_BYTES);
		return 0;
	}
	return len;
}

/* The expanded text, or NULL after an error. */
static const char *expand_text(struct expand *e, const struct yaml *y)
{
	struct str out cleanup_str = STR_INIT;
	const char *s = y->text;

	if (!strstr(s, "${"))
		return s;
	while (*s) {
		size_t n = strcspn(s, "$");

		str_append_len(&out, s, n);
		s += n;
		if (strncmp(s, "$${", 3) == 0) {
			str_append(&out, "${");
			s += 3;
		} else if (strncmp(s, "${", 2) == 0) {
			n = expand_one(e, y->pos, s, &out);
			if (!n)
				return NULL;
			s += n;
		} else if (*s) {
			str_append_char(&out, *s++);
		}
	}
	return arena_strndup(e->arena, out.buf, out.len);
}

static const char *var_value(struct expand *e, struct var *v)
{
	if (v->state == VAR_DONE)
		return v->value;
	if (v->state == VAR_VISITING || e->chain == EXPAND_MAX_CHAIN) {
		err_list_at(e->errors, E_REFERENCE_CYCLE, v->raw->pos,
			    v->state == VAR_VISITING
				    ? "variable '%s' refers to itself"
				    : "variable '%s' ends too long a chain of variables",
			    v->name);
		return NULL;
	}
	v->state = VAR_VISITING;
	e->chain++;
	v->value = expand_text(e, v->raw);
	e->chain--;
	v->state = VAR_DONE;
	return v->value;
}

/* Whether TEXT has the name of a fact in it. */
static bool names_fact(const char *text)
{
	for (const char *s = strstr(text, "${"); s; s = strstr(s + 2, "${")) {
		bool literal = s > text && s[-1] == '$';

		if (!literal && is_fact(s))
			return true;
	}
	return false;
}

/* Y becomes TEXT, what it was expanded to; NULL after an error. */
static void take_text(struct expand *e, struct yaml *y, const char *text)
{
	y->waits = NULL;
	y->values = text ? value_text_new(e->arena, text, &e->values) : NULL;
	value_refs_clear(&e->values);
	if (!text) {
		y->refused = true;
	} else if (text != y->text) {
		y->text = text;
		y->quoted = true; /* an empty result is "", not nothing */
	}
}

/* Whether it, or something in it, waits. */
static bool expand_in(struct expand *e, const struct scope *scope, struct yaml *y)
{
	bool waits = false;

	if (y->type != YAML_SCALAR) {
		for (size_t i = 0; i < y->count; i++)
			waits |= expand_in(e, scope, y->items[i]);
		return waits;
	}
	if (!scope->no_nodes && names_fact(y->text)) {
		y->waits = scope;
		return true;
	}
	take_text(e, y, expand_text(e, y));
	return false;
}

bool expand_tree(struct arena *arena, const struct scope *scope, struct yaml *tree,
		 struct err_list *errors)
{
	struct expand e = {.arena = arena,
			   .vars = scope->vars,
			   .source = scope->source,
			   .variant = scope->variant,
			   .remedy = scope->remedy,
			   .errors = errors,
			   .no_nodes = scope->no_nodes};

	return expand_in(&e, scope, tree);
}

bool expand_has_facts(struct source source)
{
	const char *at = source.text, *end = source.text + source.len;

	while (at && (at = memmem(at, (size_t)(end - at), "${", 2))) {
		if (is_fact(at))
			return true;
		at += 2;
	}
	return false;
}

void expand_waiting(struct arena *arena, struct yaml *y, fact_text_fn *fn, void *arg,
		    struct err_list *errors)
{
	struct expand e = {.arena = arena,
			   .vars = y->waits->vars,
			   .source = y->waits->source,
			   .errors = errors,
			   .fact = fn,
			   .fact_arg = arg};

	take_text(&e, y, expand_text(&e, y));
}

static bool var_name_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	size_t n = strspn(name, letters);

	while (n && name[n] && (strchr(letters, name[n]) || strchr("0123456789-", name[n])))
		n++;
	return n && !name[n];
}

static void add_var(struct expand *e, const char *name, const struct yaml *raw)
{
	struct var *v = arena_alloc(e->arena, sizeof(*v));

	if (!raw || raw->type != YAML_SCALAR)
		return;
	v->name = name;
	v->raw = raw;
	map_set(e->raw, name, v);
}

static void collect(struct expand *e, const struct yaml *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		const struct yaml *key = vars->keys[i];

		if (var_name_valid(key->text))
			add_var(e, key->text, vars->items[i]);
		else
			err_list_at(e->errors, E_INVALID_NAME, key->pos,
				    "'%s' is not a variable name: use letters, digits, _ and -, "
				    "first a letter",
				    key->text);
	}
}

/* What the values of a variant are, and their variables. */
static void collect_variant(struct expand *e, const struct variants *variants,
			    const struct variant *v)
{
	for (size_t i = 0; v && i < variants->axes.count; i++)
		add_var(e, LIST_AT(variants->axes, struct axis *, i)->name, v->names[i]);
	for (size_t i = 0; v && i < variants->axes.count; i++)
		if (v->sets[i]->type == YAML_MAP)
			collect(e, v->sets[i]);
}

/* One "name=value" of the command line: its text is taken as it is. */
static void override(struct expand *e, const char *set)
{
	const char *eq = strchr(set, '=');
	char *name = arena_strndup(e->arena, set, eq ? (size_t)(eq - set) : strlen(set));
	struct var *v = strchr(name, '.') ? NULL : map_get(e->raw, name);
	struct pos nowhere = {0};
	const char *near;

	if (v && eq) {
		v->value = arena_strdup(e->arena, eq + 1);
		v->state = VAR_DONE;
		return;
	}
	near = nearest(e, name);
	if (!eq)
		err_list_at(e->errors, E_USAGE, nowhere, "--set '%s': write --set name=value", set);
	else if (near && !strchr(near, '.'))
		err_list_at(e->errors, E_UNKNOWN_VARIABLE, nowhere,
			    "--set '%s': no such variable: did you mean '%s'?", set, near);
	else
		err_list_at(e->errors, E_UNKNOWN_VARIABLE, nowhere,
			    "--set '%s': 'vars' of recipes/project.yaml has no '%s'", set, name);
}

/* The values of project.yaml that are variables of the same name become what they expand to. */
static void take_value(const struct map *raw, const char *name, struct yaml *y)
{
	const struct var *v = map_get(raw, name);

	if (!v || v->raw != y)
		return;
	y->refused = !v->value;
	y->quoted = y->quoted || (v->value && v->value != y->text);
	y->text = v->value ? v->value : "";
}

void expand_vars(struct arena *arena, const struct yaml *project, const struct variants *variants,
		 const struct variant *v, const struct strv *sets, struct source source,
		 struct map *ret, struct err_list *errors)
{
	struct map raw cleanup_map = {0};
	struct expand e = {.arena = arena,
			   .vars = ret,
			   .raw = &raw,
			   .source = source,
			   .errors = errors,
			   .no_nodes = true};
	const struct yaml *vars = yaml_get(project, "vars");
	struct yaml *name = yaml_get(project, "name"), *version = yaml_get(project, "version");

	if (vars && vars->type == YAML_MAP)
		collect(&e, vars);
	collect_variant(&e, variants, v);
	add_var(&e, "project.name", name);
	add_var(&e, "project.version", version);
	for (size_t i = 0; sets && i < sets->count; i++)
		override(&e, sets->items[i]);
	for (size_t i = 0; i < raw.count; i++)
		var_value(&e, raw.entries[i].value);
	for (size_t i = 0; i < raw.count; i++) {
		struct var *var = raw.entries[i].value;

		/* A broken variable has been reported: its users should not be, too. */
		map_set(ret, var->name, (void *)(var->value ? var->value : ""));
	}
	take_value(&raw, "project.name", name);
	take_value(&raw, "project.version", version);
}
