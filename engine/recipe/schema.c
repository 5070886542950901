/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "base/near.h"
#include "base/path.h"
#include "recipe/meant.h"
#include "recipe/schema_priv.h"

static void decode_option(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field);

bool name_valid(const char *text)
{
	size_t len =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-");

	return len && len <= 64 && !text[len] && !str_eq(text, ".") && !str_eq(text, "..");
}

/* For "%s%s": how its value is written. */
#define EXAMPLE_OF(o) (o)->example ? ", as in " : "", (o)->example ? (o)->example : ""

int size_parse(const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, text[len - 1]) : NULL;
	char digits[24];
	uint64_t n;

	if (len >= sizeof(digits))
		return 1;
	memcpy(digits, text, len + 1);
	if (unit)
		digits[len - 1] = 0;
	if (str_u64(digits, &n))
		return 1;
	if (unit) {
		unsigned shift = 10 * (unsigned)(unit - units + 1);

		if (n > UINT64_MAX >> shift)
			return 1;
		n <<= shift;
	}
	*ret = n;
	return 0;
}

const char *decode_map_name(const struct option *o)
{
	return o->flags & OPT_LIST ? "a list of maps" : "a map";
}

const char *decode_type_name(const struct yaml *y)
{
	return y->type == YAML_LIST ? "a list" : y->type == YAML_MAP ? "a map" : "a single value";
}

bool decode_refuse_values(struct decode *d, const char *what, const struct yaml *y)
{
	const struct value_ref *ref = y->values ? y->values->refs : NULL;

	if (ref)
		err_list_at(d->errors, E_VALUE_TOO_EARLY, ref->pos,
			    "'%s' cannot hold the value of '%s:%s', known only when '%s' is "
			    "built: 'cmdline', 'env', the texts of a bundle and templates can; "
			    "write '$${' for a literal '${'",
			    what, ref->node, ref->output, ref->node);
	return ref;
}

bool decode_given(struct decode *d, const char *what, const char *expected, const struct yaml *y)
{
	d->refused += y->refused;
	if (y->refused)
		return false;
	if (y->type != YAML_SCALAR)
		err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be %s, not %s", what,
			    expected, decode_type_name(y));
	else if (!y->quoted && (!*y->text || str_eq(y->text, "~")))
		err_list_at(d->errors, E_EMPTY_VALUE, y->pos,
			    "'%s' has no value: give one or leave the key out", what);
	else
		return !decode_refuse_values(d, what, y);
	return false;
}

static bool abspath_valid(const char *path, const char **ret_why)
{
	if (*path != '/') {
		*ret_why = "is not absolute";
		return false;
	}
	return !path[1] || path_is_project(path + 1, ret_why);
}

/* The rules that flags put on the text of a string or of a dict's value. */
static bool text_allowed(struct decode *d, const struct option *o, const char *text, struct pos pos)
{
	const char *why;

	if ((o->flags & OPT_NAME) && o->type == OPT_STRING && !name_valid(text))
		err_list_at(d->errors, E_INVALID_NAME, pos,
			    "'%s' is not a name: use 1 to 64 of the characters A-Z a-z 0-9 . _ + -",
			    text);
	else if ((o->flags & OPT_ABSPATH) && !abspath_valid(text, &why))
		err_list_at(d->errors, E_INVALID_PATH, pos,
			    "path '%s' %s: '%s' must be an absolute path in normal form", text, why,
			    o->name);
	else
		return true;
	return false;
}

/* The text under KEY, which may wait where the row says so. */
static void decode_text(struct decode *d, const struct option *o, const char *key,
			const struct yaml *y, const char **field)
{
	if ((o->flags & OPT_VALUE) && y->values) {
		struct option_text *t = arena_alloc(d->arena, sizeof(*t));

		*t = (struct option_text){d->waiting, field, y->values};
		d->waiting = t;
	} else if (!decode_given(d, key, "a text", y) || !text_allowed(d, o, y->text, y->pos)) {
		return;
	}
	*field = y->text;
}

static void decode_string(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field)
{
	decode_text(d, o, o->name, y, field);
}

static void decode_bool(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	if (!decode_given(d, o->name, "true or false", y))
		return;
	if (str_eq(y->text, "true"))
		*(bool *)field = true;
	else if (str_eq(y->text, "false"))
		*(bool *)field = false;
	else
		err_list_at(d->errors, E_INVALID_VALUE, y->pos,
			    "'%s' must be true or false, not '%s'", o->name, y->text);
}

static void refuse_number(struct decode *d, const struct option *o, const struct yaml *y)
{
	char *seconds cleanup_free = str_skip(o->help, "Seconds ") ? meant_seconds(y->text) : NULL;

	err_list_at(d->errors, E_INVALID_VALUE, y->pos, "'%s' must be a whole number, not '%s'%s%s",
		    o->name, y->text, seconds ? ": it is in seconds, write " : "",
		    seconds ? seconds : "");
}

static void decode_int(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	const char *digits = y->type == YAML_SCALAR && *y->text == '-' ? y->text + 1 : y->text;
	bool minus = digits != y->text;
	uint64_t n;

	if (!decode_given(d, o->name, "a whole number", y))
		return;
	if (str_u64(digits, &n) || n > INT64_MAX)
		refuse_number(d, o, y);
	else if ((o->flags & OPT_POSITIVE) && (minus || !n))
		err_list_at(d->errors, E_INVALID_VALUE, y->pos, "'%s' must be at least 1, not '%s'",
			    o->name, y->text);
	else if ((o->flags & OPT_POSITIVE) && n > OPT_INT_MAX)
		err_list_at(d->errors, E_INVALID_VALUE, y->pos, "'%s' must be at most %d, not '%s'",
			    o->name, OPT_INT_MAX, y->text);
	else
		*(int64_t *)field = minus ? -(int64_t)n : (int64_t)n;
}

static void refuse_size(struct decode *d, const struct option *o, const struct yaml *y)
{
	char *meant cleanup_free = meant_size(y->text);

	err_list_at(d->errors, E_INVALID_VALUE, y->pos,
		    "'%s' must be a size like 512M or 2G (K M G T are powers of 1024) or bytes, "
		    "not '%s'%s%s%s",
		    o->name, y->text, meant ? ": write '" : "", meant ? meant : "",
		    meant ? "'" : "");
}

static void decode_size(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	uint64_t n;

	if (!decode_given(d, o->name, "a size", y))
		return;
	if (o->words && str_eq(y->text, o->words[0])) {
		*(uint64_t *)field = SIZE_AUTO;
		return;
	}
	if (size_parse(y->text, &n))
		refuse_size(d, o, y);
	else if ((o->flags & OPT_POSITIVE) && !n)
		err_list_at(d->errors, E_INVALID_VALUE, y->pos, "'%s' must be larger than zero",
			    o->name);
	else if (n > INT64_MAX)
		err_list_at(d->errors, E_INVALID_VALUE, y->pos,
			    "'%s' must be less than 8388608T, not '%s'", o->name, y->text);
	else
		*(uint64_t *)field = n;
}

static void decode_enum(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	struct str all cleanup_str = STR_INIT;
	size_t count = 0;
	const char *near;

	if (!decode_given(d, o->name, "a word", y))
		return;
	for (; o->words[count]; count++) {
		if (str_eq(o->words[count], y->text)) {
			*(int *)field = (int)count;
			return;
		}
	}
	decode_words(&all, o->words, count);
	near = near_word(y->text, o->words, count);
	if (near)
		err_list_at(d->errors, E_INVALID_VALUE, y->pos,
			    "'%s' cannot be '%s': did you mean '%s'? (one of: %s)", o->name,
			    y->text, near, all.buf);
	else
		err_list_at(d->errors, E_INVALID_VALUE, y->pos, "'%s' cannot be '%s' (one of: %s)",
			    o->name, y->text, all.buf);
}

static void decode_digest(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field)
{
	struct digest digest;

	if (!decode_given(d, o->name, "a SHA-256 digest", y))
		return;
	if (digest_parse(y->text, &digest))
		err_list_at(d->errors, E_INVALID_VALUE, y->pos,
			    "'%s' must be a SHA-256 digest of 64 hex digits, not '%s'", o->name,
			    y->text);
	else
		*(struct digest *)field = digest;
}

bool decode_is_one_of(const char *word, const char *const *words)
{
	for (; words && *words; words++)
		if (str_eq(*words, word))
			return true;
	return false;
}

static void decode_secret(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field)
{
	const char *why;

	if (!decode_given(d, o->name, "a path", y))
		return;
	if (!path_is_project(y->text, &why))
		err_list_at(d->errors, E_INVALID_PATH, y->pos,
			    "path '%s' %s: paths are relative to the project's root", y->text, why);
	else
		*(const char **)field = y->text;
}

static void decode_argv(struct decode *d, const struct option *o, const struct yaml *y,
			struct step *s)
{
	s->argv.items = arena_alloc(d->arena, (y->count + 1) * sizeof(char *));
	for (size_t i = 0; i < y->count; i++) {
		if (!decode_given(d, o->name, "a script or a list of words", y->items[i]))
			return;
		s->argv.items[s->argv.count++] = y->items[i]->text;
	}
	s->argv.cap = y->count + 1;
	if (!y->count || !*s->argv.items[0])
		err_list_at(d->errors, E_EMPTY_VALUE, y->pos, "a step of '%s' names no program",
			    o->name);
}

static void decode_step(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	struct step *s = arena_alloc(d->arena, sizeof(*s));

	s->pos = y->pos;
	if (y->type == YAML_LIST)
		decode_argv(d, o, y, s);
	else if (decode_given(d, o->name, "a script or a list of words", y))
		s->script = y->text;
	*(struct step **)field = s;
}

static void decode_struct(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field)
{
	if (y->type != YAML_MAP)
		err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be %s, not %s%s%s", o->name,
			    decode_map_name(o), decode_type_name(y), EXAMPLE_OF(o));
	else
		*(void **)field = decode_map(d, o->sub, y, NULL);
	if ((o->flags & OPT_PLACED) && *(struct pos **)field)
		**(struct pos **)field = y->pos;
}

static void decode_gone(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	err_list_at(d->errors, E_REMOVED_KEY, y->pos, "'%s' is gone: %s", o->name, o->help);
}

static bool dict_key_valid(struct decode *d, const struct option *o, const struct yaml *key)
{
	if (!(o->flags & OPT_NAME) || name_valid(key->text))
		return true;
	err_list_at(d->errors, E_INVALID_NAME, key->pos,
		    "'%s' is not a name: use 1 to 64 of the characters A-Z a-z 0-9 . _ + -",
		    key->text);
	return false;
}

/* A text or a list of texts as the value of KEY. */
static struct list *decode_texts(struct decode *d, const struct yaml *key, const struct yaml *y)
{
	struct list *l = arena_alloc(d->arena, sizeof(*l));
	size_t count = y->type == YAML_LIST ? y->count : 1;
	const char **items = arena_alloc(d->arena, (count + 1) * sizeof(*items));

	for (size_t i = 0; i < count; i++) {
		const struct yaml *item = y->type == YAML_LIST ? y->items[i] : y;

		if (decode_given(d, key->text, "a text or a list of texts", item))
			items[l->count++] = item->text;
	}
	l->items = items;
	return l;
}

static void map_expected(struct decode *d, const struct option *o, const struct yaml *key,
			 const struct yaml *y)
{
	struct str words cleanup_str = STR_INIT;

	for (const char *const *w = o->words; w && *w; w++)
		str_printf(&words, " or '%s'", *w);
	d->refused += y->refused;
	if (!y->refused)
		err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be a map%s, not %s",
			    key->text, words.buf ? words.buf : "", decode_type_name(y));
}

static struct pair *decode_pair(struct decode *d, const struct option *o, const struct yaml *key,
				const struct yaml *y)
{
	struct pair *p = arena_alloc(d->arena, sizeof(*p));

	p->key = key->text;
	p->pos = y->pos;
	if (o->sub && y->type == YAML_SCALAR && decode_is_one_of(y->text, o->words))
		p->value = y->text;
	else if (o->sub && y->type != YAML_MAP)
		map_expected(d, o, key, y);
	else if (o->sub)
		p->data = decode_map(d, o->sub, y, NULL);
	else if (o->flags & OPT_LIST)
		p->data = decode_texts(d, key, y);
	else
		decode_text(d, o, key->text, y, &p->value);
	return p;
}

static void decode_dict(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	struct list *l = field;
	void **items;

	if (y->type != YAML_MAP) {
		err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be a map, not %s%s%s",
			    o->name, decode_type_name(y), EXAMPLE_OF(o));
		return;
	}
	items = arena_alloc(d->arena, (y->count + 1) * sizeof(*items));
	for (size_t i = 0; i < y->count; i++) {
		dict_key_valid(d, o, y->keys[i]);
		if (o->type == OPT_DICT) {
			items[i] = decode_pair(d, o, y->keys[i], y->items[i]);
		} else {
			struct named_ref *n = items[i] = arena_alloc(d->arena, sizeof(*n));

			n->key = y->keys[i]->text;
			decode_ref(d, o, y->items[i], &n->ref);
		}
	}
	*l = (struct list){items, y->count};
}

size_t option_width(const struct option *o)
{
	switch (o->type) {
	case OPT_BOOL:
		return sizeof(bool);
	case OPT_INT:
		return sizeof(int64_t);
	case OPT_SIZE:
		return sizeof(uint64_t);
	case OPT_ENUM:
		return sizeof(int);
	case OPT_DIGEST:
		return sizeof(struct digest);
	default:
		return sizeof(void *);
	}
}

/* Whether Y has maps under names that O's maps have no key of: it should be a list of them. */
static bool is_map_of_maps(const struct option *o, const struct yaml *y)
{
	size_t count = 0;

	for (size_t i = 0; i < y->count && o->type == OPT_STRUCT; i++)
		count += y->items[i]->type == YAML_MAP && !schema_option(o->sub, y->keys[i]->text);
	return count && count == y->count;
}

/* A map is no list of one text. */
static bool refuse_map(struct decode *d, const struct option *o, const struct yaml *y)
{
	static const unsigned of_maps = 1 << OPT_STRUCT | 1 << OPT_FORM | 1 << OPT_REF;

	if (y->type != YAML_MAP || (of_maps >> o->type & 1 && !is_map_of_maps(o, y)))
		return false;
	err_list_at(d->errors, E_WRONG_TYPE, y->pos, "'%s' must be a list, not a map%s%s", o->name,
		    EXAMPLE_OF(o));
	return true;
}

static void decode_list(struct decode *d, const struct option *o, const struct yaml *y, void *field)
{
	struct list *l = field;
	size_t width = option_width(o);
	size_t count = y->type == YAML_LIST ? y->count : 1;
	char *items = arena_alloc(d->arena, (count + 1) * width);

	if (refuse_map(d, o, y))
		return;
	for (size_t i = 0; i < count; i++)
		decode_option(d, o, y->type == YAML_LIST ? y->items[i] : y, items + i * width);
	*l = (struct list){items, count};
}

/* One value, or one element of a list. */
static void decode_option(struct decode *d, const struct option *o, const struct yaml *y,
			  void *field)
{
	static void (*const decoders[])(struct decode * d, const struct option *o,
					const struct yaml *y, void *field) = {
		[OPT_STRING] = decode_string, [OPT_BOOL] = decode_bool,
		[OPT_INT] = decode_int,       [OPT_SIZE] = decode_size,
		[OPT_ENUM] = decode_enum,     [OPT_DIGEST] = decode_digest,
		[OPT_REF] = decode_ref,       [OPT_SECRET] = decode_secret,
		[OPT_STEP] = decode_step,     [OPT_STRUCT] = decode_struct,
		[OPT_DICT] = decode_dict,     [OPT_REFDICT] = decode_dict,
		[OPT_FORM] = decode_form,     [OPT_GONE] = decode_gone,
	};

	decoders[o->type](d, o, y, field);
}

static void decode_field(struct decode *d, const struct option *o, const struct yaml *y,
			 void *field)
{
	if ((o->flags & OPT_LIST) && o->type != OPT_DICT)
		decode_list(d, o, y, field);
	else
		decode_option(d, o, y, field);
}

const struct option *schema_option(const struct schema *schema, const char *name)
{
	for (size_t i = 0; i < schema->count; i++)
		if (str_eq(schema->options[i].name, name))
			return &schema->options[i];
	return NULL;
}

static void unknown_option(struct decode *d, const struct schema *schema, const char *const *more,
			   const struct yaml *key)
{
	struct strs names = {0};

	for (size_t i = 0; i < schema->count; i++)
		if (schema->options[i].type != OPT_GONE)
			strs_push(&names, schema->options[i].name);
	decode_unknown_key(d, &names, more, key);
	strs_clear(&names);
}

/* Absent keys: an error when required, else the default. */
static void decode_absent(struct decode *d, const struct schema *schema, const struct yaml *map,
			  const bool *given, char *data)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct option *o = &schema->options[i];
		struct yaml def = {
			.type = YAML_SCALAR, .pos = map->pos, .quoted = true, .text = o->def};

		if (given[i])
			continue;
		if (o->flags & OPT_REQUIRED)
			err_list_at(d->errors, E_MISSING_KEY, map->pos, "key '%s' is missing%s%s",
				    o->name, o->help ? ": " : "", o->help ? o->help : "");
		else if (o->def)
			decode_field(d, o, &def, data + o->offset);
	}
}

void *decode_map(struct decode *d, const struct schema *schema, const struct yaml *map,
		 const char *const *ignore)
{
	bool given[64] = {false};
	char *data = arena_alloc(d->arena, schema->size);
	size_t before = d->errors->count + d->refused;

	if (schema->count > array_len(given))
		abort();
	for (size_t i = 0; i < map->count; i++) {
		const char *key = map->keys[i]->text;
		const struct option *o = schema_option(schema, key);

		if (o) {
			given[o - schema->options] = true;
			decode_field(d, o, map->items[i], data + o->offset);
		} else if (!decode_is_one_of(key, ignore)) {
			unknown_option(d, schema, ignore, map->keys[i]);
		}
	}
	decode_absent(d, schema, map, given, data);
	if (d->errors->count + d->refused == before && schema->check)
		schema->check(data, map, d->errors);
	return d->errors->count + d->refused == before ? data : NULL;
}

void *schema_decode_waiting(const struct schema *schema, struct arena *arena,
			    const struct yaml *map, const char *const *ignore,
			    struct option_text **ret, struct err_list *errors)
{
	struct decode d = {.arena = arena, .errors = errors};
	void *data;

	if (map->type != YAML_MAP) {
		err_list_at(errors, E_WRONG_TYPE, map->pos,
			    "expected keys with values ('key: value'), not %s",
			    decode_type_name(map));
		return NULL;
	}
	data = decode_map(&d, schema, map, ignore);
	*ret = d.waiting;
	return data;
}

void *schema_decode(const struct schema *schema, struct arena *arena, const struct yaml *map,
		    const char *const *ignore, struct err_list *errors)
{
	struct option_text *waiting;

	return schema_decode_waiting(schema, arena, map, ignore, &waiting, errors);
}
