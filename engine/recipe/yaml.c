/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recipe/yaml.h"

#include <yaml.h>

#include "base/map.h"
#include "base/str.h"
#include "base/utf8.h"

/* A list or map that is being filled. */
struct frame {
	struct yaml *into;
	struct yaml *key; /* map: the key whose value comes next */
	bool skip_value;  /* map: the value belongs to a refused key */
	struct map seen;  /* map with many keys: text -> key */
};

struct parse {
	struct arena *arena;
	const char *file, *text;
	size_t len;
	struct err_list *errors;
	size_t events;
	size_t depth;
	struct frame stack[YAML_MAX_DEPTH];
	struct yaml *root;
	size_t documents;
	bool failed; /* no use in reading on */
};

/* Maps up to this size are searched key by key; larger ones through a hash map. */
#define SMALL_MAP 16

struct yaml *yaml_new(struct arena *arena, enum yaml_type type, struct pos pos)
{
	struct yaml *y = arena_alloc(arena, sizeof(*y));

	y->type = type;
	y->pos = pos;
	return y;
}

/* Room for one more pointer: capacities are 4, 8, 16, ... and follow from the count. */
static struct yaml **grown(struct arena *arena, struct yaml **old, size_t count)
{
	struct yaml **items;

	if (count && (count < 4 || (count & (count - 1))))
		return old;
	items = arena_alloc(arena, (count ? 2 * count : 4) * sizeof(struct yaml *));
	if (count)
		memcpy(items, old, count * sizeof(struct yaml *));
	return items;
}

void yaml_push(struct arena *arena, struct yaml *list, struct yaml *item)
{
	list->items = grown(arena, list->items, list->count);
	list->items[list->count++] = item;
}

static void put(struct arena *arena, struct yaml *map, struct yaml *key, struct yaml *item)
{
	map->keys = grown(arena, map->keys, map->count);
	map->keys[map->count] = key;
	yaml_push(arena, map, item);
}

void yaml_put(struct arena *arena, struct yaml *map, const char *key, struct pos key_pos,
	      struct yaml *item)
{
	struct yaml *k = yaml_new(arena, YAML_SCALAR, key_pos);

	k->text = key;
	put(arena, map, k, item);
}

struct yaml *yaml_get(const struct yaml *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (str_eq(map->keys[i]->text, key))
			return map->items[i];
	return NULL;
}

struct yaml *yaml_take(struct yaml *map, const char *key)
{
	struct yaml *found;
	size_t i = 0;

	while (i < map->count && !str_eq(map->keys[i]->text, key))
		i++;
	if (i == map->count)
		return NULL;
	found = map->items[i];
	map->count--;
	memmove(&map->keys[i], &map->keys[i + 1], (map->count - i) * sizeof(*map->keys));
	memmove(&map->items[i], &map->items[i + 1], (map->count - i) * sizeof(*map->items));
	return found;
}

struct pos yaml_key_pos(const struct yaml *map, const char *key)
{
	const struct yaml *value = yaml_get(map, key);

	return value ? value->pos : map->pos;
}

static struct pos pos_of(const struct parse *p, const yaml_mark_t *mark)
{
	return (struct pos){p->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

static bool plain_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
			return false;
	return true;
}

/* Bytes that libyaml would refuse without saying where. */
static bool text_valid(struct parse *p)
{
	struct utf8 u = utf8_start(p->text, p->len);

	if (plain_ascii(p->text, p->len))
		return true;
	while (utf8_next(&u)) {
		struct pos pos = {p->file, u.line, u.col};

		if (u.bad)
			err_list_at(p->errors, E_NOT_TEXT, pos,
				    "byte 0x%02x is not UTF-8: save the file as UTF-8",
				    (unsigned char)*u.at);
		else if (utf8_is_control(u.code) && (!u.code || !strchr("\t\n\r", (int)u.code)))
			err_list_at(p->errors, E_NOT_TEXT, pos,
				    "control character U+%04X is not allowed", u.code);
		else if (u.code == 0xfeff || u.code == 0xfffe || u.code == 0xffff)
			err_list_at(p->errors, E_NOT_TEXT, pos, "character U+%04X is not allowed",
				    u.code);
		else
			continue;
		return false;
	}
	return true;
}

/* The byte at a place, NULL after the end; only for messages. */
static const char *byte_at(const struct parse *p, struct pos pos)
{
	struct utf8 u = utf8_start(p->text, p->len);

	while (utf8_next(&u))
		if (u.line == pos.line && u.col == pos.col)
			return u.at;
	return NULL;
}

/* Whether "${" stands in the line of AT before it. */
static bool behind_variable(const struct parse *p, const char *at)
{
	for (; at > p->text && at[-1] != '\n'; at--)
		if (at[0] == '{' && at[-1] == '$')
			return true;
	return false;
}

/* The innermost list or map in brackets that is open, or NULL; *ret_bracket is '[' or '{'. */
static const struct yaml *open_bracket(const struct parse *p, char *ret_bracket)
{
	const struct yaml *y = p->depth ? p->stack[p->depth - 1].into : NULL;
	const char *at = y ? byte_at(p, y->pos) : NULL;

	*ret_bracket = at ? *at : 0;
	return at && (*at == '[' || *at == '{') ? y : NULL;
}

/* What people mostly did when libyaml says PROBLEM; "" where that says enough. */
static const char *likely_cause(const char *problem)
{
	static const char *const causes[][2] = {
		{"mapping values are not allowed",
		 ": is the line indented too far, or does a value with ': ' in it need quotes?"},
		{"did not find expected '-'", ": does it begin in the column of the items before?"},
		{"did not find expected key", ": does it begin in the column of the keys before?"},
		{"did not find expected ','", ": is a quote or a bracket before it not closed?"},
	};

	for (size_t i = 0; i < array_len(causes); i++) {
		if (str_skip(problem, causes[i][0]))
			return causes[i][1];
	}
	return "";
}

static void syntax_error(struct parse *p, const yaml_parser_t *parser)
{
	const char *problem = parser->problem ? parser->problem : "cannot be read";
	struct pos pos = pos_of(p, &parser->problem_mark);
	const char *place = byte_at(p, pos);
	char at = place ? *place : 0, bracket;
	const struct yaml *open = open_bracket(p, &bracket);

	p->failed = true;
	if (!place && open)
		err_list_at(p->errors, E_NOT_YAML, open->pos, "this '%c' is not closed", bracket);
	else if (place && open && behind_variable(p, place))
		err_list_at(p->errors, E_NOT_YAML, pos,
			    "a value with ${...} between brackets needs quotes");
	else if (at == '\t')
		err_list_at(p->errors, E_NOT_YAML, pos,
			    "a tab may not indent or separate here: use spaces");
	else if (at && strchr("@`%", at) && strstr(problem, "cannot start any token"))
		err_list_at(p->errors, E_NOT_YAML, pos,
			    "a value that begins with '%c' needs quotes", at);
	else if (str_skip(problem, "could not find expected ':'") && parser->context)
		err_list_at(p->errors, E_NOT_YAML, pos_of(p, &parser->context_mark),
			    "not valid YAML: a key has ':' and a space after it");
	else if (parser->context)
		err_list_at(p->errors, E_NOT_YAML, pos,
			    "not valid YAML: %s (%s that begins on line %zu)%s", problem,
			    parser->context, parser->context_mark.line + 1, likely_cause(problem));
	else
		err_list_at(p->errors, E_NOT_YAML, pos, "not valid YAML: %s%s", problem,
			    likely_cause(problem));
}

/* Whether map F has KEY already; remembers it otherwise. */
static struct yaml *seen_before(struct frame *f, struct yaml *key)
{
	struct yaml *old;

	if (f->into->count < SMALL_MAP) {
		for (size_t i = 0; i < f->into->count; i++)
			if (str_eq(f->into->keys[i]->text, key->text))
				return f->into->keys[i];
		return NULL;
	}
	for (size_t i = f->seen.count; i < f->into->count; i++)
		map_set(&f->seen, f->into->keys[i]->text, f->into->keys[i]);
	old = map_get(&f->seen, key->text);
	return old;
}

static void take_key(struct parse *p, struct frame *f, struct yaml *y)
{
	struct yaml *old;

	f->key = y;
	f->skip_value = true;
	if (y->type != YAML_SCALAR) {
		err_list_at(p->errors, E_NOT_YAML, y->pos,
			    "a key must be a plain word, not a list or map");
	} else if (!*y->text) {
		err_list_at(p->errors, E_NOT_YAML, y->pos, "key is empty");
	} else if (!y->quoted && str_eq(y->text, "<<")) {
		err_list_at(p->errors, E_YAML_FEATURE, y->pos,
			    "merge key '<<' is not supported: write the keys out");
	} else if ((old = seen_before(f, y))) {
		err_list_at(p->errors, E_DUPLICATE_KEY, y->pos,
			    "key '%s' is given twice (first on line %u)", y->text, old->pos.line);
	} else {
		f->skip_value = false;
	}
}

/* A finished value goes into the innermost list or map, or is the document. */
static void take_value(struct parse *p, struct yaml *y)
{
	struct frame *f = p->depth ? &p->stack[p->depth - 1] : NULL;

	if (!f) {
		p->root = y;
	} else if (f->into->type == YAML_LIST) {
		yaml_push(p->arena, f->into, y);
	} else if (!f->key) {
		take_key(p, f, y);
	} else {
		if (!f->skip_value)
			put(p->arena, f->into, f->key, y);
		f->key = NULL;
	}
}

static void refuse_decoration(struct parse *p, struct pos pos, const yaml_char_t *anchor,
			      const yaml_char_t *tag)
{
	if (anchor)
		err_list_at(p->errors, E_YAML_FEATURE, pos,
			    "anchor '&%s' is not supported: write the value out", anchor);
	if (tag)
		err_list_at(p->errors, E_YAML_FEATURE, pos,
			    "tag '%s' is not supported: values are typed by their key", tag);
}

/* Quotes of a word processor, which to YAML are letters. */
static bool opens_typographic(const char *text)
{
	static const char *const quotes[] = {"\u201c", "\u201d", "\u201e", "\u2018", "\u2019"};

	for (size_t i = 0; i < array_len(quotes); i++)
		if (str_skip(text, quotes[i]))
			return true;
	return false;
}

static void take_scalar(struct parse *p, struct pos pos, const yaml_event_t *ev)
{
	struct yaml *y = yaml_new(p->arena, YAML_SCALAR, pos);
	const char *text = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;

	refuse_decoration(p, pos, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (memchr(text, 0, len))
		err_list_at(p->errors, E_NOT_TEXT, pos,
			    "a value may not contain a NUL character, as '\\0' between double "
			    "quotes is: write '\\\\0', or use single quotes");
	y->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (!y->quoted && opens_typographic(text))
		err_list_at(p->errors, E_NOT_YAML, pos,
			    "typographic quotes are part of the text: write \" or '");
	y->text = arena_strndup(p->arena, text, len);
	take_value(p, y);
}

static void open_container(struct parse *p, enum yaml_type type, struct pos pos)
{
	if (p->depth == YAML_MAX_DEPTH) {
		err_list_at(p->errors, E_TOO_LARGE, pos, "nested deeper than %d levels",
			    YAML_MAX_DEPTH);
		p->failed = true;
		return;
	}
	p->stack[p->depth++] = (struct frame){.into = yaml_new(p->arena, type, pos)};
}

static void close_container(struct parse *p)
{
	struct frame *f = &p->stack[--p->depth];

	map_clear(&f->seen);
	take_value(p, f->into);
}

static void start_document(struct parse *p, struct pos pos, const yaml_event_t *ev)
{
	if (p->documents++) {
		err_list_at(p->errors, E_YAML_FEATURE, pos,
			    "a second document begins here: one file is one document");
		p->failed = true;
	} else if (ev->data.document_start.version_directive ||
		   ev->data.document_start.tag_directives.start !=
			   ev->data.document_start.tag_directives.end) {
		err_list_at(p->errors, E_YAML_FEATURE, pos,
			    "directives (lines that begin with %%) are not supported");
	}
}

static void take_event(struct parse *p, const yaml_event_t *ev)
{
	struct pos pos = pos_of(p, &ev->start_mark);

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		start_document(p, pos, ev);
		break;
	case YAML_ALIAS_EVENT:
		err_list_at(p->errors, E_YAML_FEATURE, pos,
			    "alias '*%s' is not supported: write the value out",
			    ev->data.alias.anchor);
		take_value(p, yaml_new(p->arena, YAML_LIST, pos));
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(p, pos, ev);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse_decoration(p, pos, ev->data.sequence_start.anchor,
				  ev->data.sequence_start.tag);
		open_container(p, YAML_LIST, pos);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse_decoration(p, pos, ev->data.mapping_start.anchor,
				  ev->data.mapping_start.tag);
		open_container(p, YAML_MAP, pos);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		close_container(p);
		break;
	default:
		break;
	}
	if (++p->events > YAML_MAX_EVENTS) {
		err_list_at(p->errors, E_TOO_LARGE, pos, "more than %d values and keys in one file",
			    YAML_MAX_EVENTS);
		p->failed = true;
	}
}

static void read_events(struct parse *p)
{
	yaml_parser_t parser;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		out_of_memory(0);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)p->text, p->len);
	while (!end && !p->failed) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&parser, &ev)) {
			if (parser.error == YAML_MEMORY_ERROR)
				out_of_memory(0);
			syntax_error(p, &parser);
			break;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		take_event(p, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	for (size_t i = 0; i < p->depth; i++)
		map_clear(&p->stack[i].seen);
}

struct yaml *yaml_parse(struct arena *arena, const char *file, const char *text, size_t len,
			struct err_list *errors)
{
	struct parse p = {.arena = arena, .file = file, .text = text, .len = len, .errors = errors};
	struct pos start = {file, 1, 1};
	size_t before = errors->count;

	if (len > YAML_MAX_BYTES) {
		err_list_at(errors, E_TOO_LARGE, start, "larger than %d MiB",
			    YAML_MAX_BYTES / 1024 / 1024);
		return NULL;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		p.text += 3;
		p.len -= 3;
	}
	if (!text_valid(&p))
		return NULL;
	read_events(&p);
	if (errors->count > before)
		return NULL;
	if (!p.root || (p.root->type == YAML_SCALAR && !p.root->quoted && !*p.root->text))
		return yaml_new(arena, YAML_MAP, start);
	return p.root;
}

bool yaml_eq(const struct yaml *a, const struct yaml *b)
{
	if (a->type != b->type || a->count != b->count)
		return false;
	if (a->type == YAML_SCALAR)
		return str_eq(a->text, b->text);
	for (size_t i = 0; i < a->count; i++) {
		const struct yaml *other =
			a->type == YAML_MAP ? yaml_get(b, a->keys[i]->text) : b->items[i];

		if (!other || !yaml_eq(a->items[i], other))
			return false;
	}
	return true;
}
