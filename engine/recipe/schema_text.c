/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decoded options as flat values and back, and walks over them. All of it follows the option table,
 * so that nothing a kind can read is missing from its manifest.
 */
#include <inttypes.h>
#include <stdio.h>

#include "recipe/schema.h"

struct writer {
	struct arena *arena;
	struct option_values *out;
	struct str path;
	bool unkeyed; /* below an OPT_UNKEYED row */
};

static void write_map(struct writer *w, const struct schema *schema, const void *data);

static struct option_value *write_type(struct writer *w, enum option_value_type type)
{
	struct option_value *v = option_values_at_end(w->out);

	v->path = arena_strndup(w->arena, w->path.buf, w->path.len);
	v->type = type;
	v->unkeyed = w->unkeyed;
	return v;
}

static void write_text(struct writer *w, const char *text)
{
	write_type(w, VALUE_TEXT)->text = arena_strdup(w->arena, text);
}

static size_t enter(struct writer *w, const char *name)
{
	size_t len = w->path.len;

	if (len)
		str_append_char(&w->path, '.');
	str_append(&w->path, name);
	return len;
}

static const char key_bytes[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";

static size_t enter_key(struct writer *w, const char *key)
{
	size_t len = enter(w, "");
	bool number = !key[strspn(key, "0123456789")];

	for (const char *p = key; *p; p++) {
		if (strchr(key_bytes, *p) && !(number && p == key))
			str_append_char(&w->path, *p);
		else
			str_printf(&w->path, "\\x%02x", (unsigned char)*p);
	}
	return len;
}

static size_t enter_index(struct writer *w, size_t i)
{
	char buf[24];

	snprintf(buf, sizeof(buf), "%zu", i);
	return enter(w, buf);
}

static void leave(struct writer *w, size_t len)
{
	w->path.len = len;
	if (w->path.cap)
		w->path.buf[len] = 0;
}

static void write_step(struct writer *w, const struct step *s)
{
	if (s->script) {
		write_text(w, s->script);
		return;
	}
	for (size_t i = 0; i < s->argv.count; i++) {
		size_t len = enter_index(w, i);

		write_text(w, s->argv.items[i]);
		leave(w, len);
	}
}

/* The texts of an entry of an OPT_DICT that is an OPT_LIST, too. */
static void write_texts(struct writer *w, const struct list *texts)
{
	if (!texts->count)
		write_type(w, VALUE_LIST);
	for (size_t i = 0; texts->items && i < texts->count; i++) {
		size_t len = enter_index(w, i);

		write_text(w, LIST_AT(*texts, const char *, i));
		leave(w, len);
	}
}

static void write_dict(struct writer *w, const struct option *o, const struct list *l)
{
	if (!l->items)
		return; /* was not given */
	if (!l->count)
		write_type(w, VALUE_MAP);
	for (size_t i = 0; i < l->count; i++) {
		const struct pair *p = LIST_AT(*l, struct pair *, i);
		const struct named_ref *r = LIST_AT(*l, struct named_ref *, i);
		size_t len = enter_key(w, o->type == OPT_DICT ? p->key : r->key);

		if (o->type == OPT_REFDICT)
			write_text(w, r->ref->text);
		else if (o->sub && p->data)
			write_map(w, o->sub, p->data);
		else if (o->flags & OPT_LIST)
			write_texts(w, p->data);
		else
			write_text(w, p->value);
		leave(w, len);
	}
}

static void write_place(struct writer *w, const struct pos *pos)
{
	struct option_value *v;

	if (!pos->line)
		return;
	v = write_type(w, VALUE_LINE);
	v->file = pos->file;
	v->line = pos->line;
	v->unkeyed = true;
}

static void write_form(struct writer *w, const struct formed *f)
{
	write_map(w, f->form->schema, f->data);
	write_place(w, &f->pos);
}

/* Absent texts and structs are NULL; numbers are written even when zero. */
static void write_value(struct writer *w, const struct option *o, const void *field)
{
	const void *p = o->type == OPT_STRING || o->type == OPT_REF || o->type == OPT_SECRET ||
					o->type == OPT_STEP || o->type == OPT_STRUCT ||
					o->type == OPT_FORM
				? *(void *const *)field
				: NULL;
	char buf[DIGEST_HEX + 1];

	switch (o->type) {
	case OPT_STRING:
	case OPT_SECRET:
		if (p)
			write_text(w, p);
		break;
	case OPT_BOOL:
		write_text(w, *(const bool *)field ? "true" : "false");
		break;
	case OPT_INT:
		snprintf(buf, sizeof(buf), "%" PRId64, *(const int64_t *)field);
		write_text(w, buf);
		break;
	case OPT_SIZE:
		snprintf(buf, sizeof(buf), "%" PRIu64, *(const uint64_t *)field);
		write_text(w,
			   o->words && *(const uint64_t *)field == SIZE_AUTO ? o->words[0] : buf);
		break;
	case OPT_ENUM:
		write_text(w, o->words[*(const int *)field]);
		break;
	case OPT_DIGEST:
		write_text(w, digest_hex(field, buf));
		break;
	case OPT_REF:
		if (p)
			write_text(w, ((const struct ref *)p)->text);
		break;
	case OPT_STEP:
		if (p)
			write_step(w, p);
		if (p)
			write_place(w, &((const struct step *)p)->pos);
		break;
	case OPT_STRUCT:
		if (p)
			write_map(w, o->sub, p);
		if (p && (o->flags & OPT_PLACED))
			write_place(w, p);
		break;
	case OPT_DICT:
	case OPT_REFDICT:
		write_dict(w, o, field);
		break;
	case OPT_FORM:
		if (p)
			write_form(w, p);
		break;
	case OPT_GONE:
		break;
	}
}

/* A single number, bool, enum or digest that is zero without being required or having a default. */
static bool is_absent(const struct option *o, const void *field)
{
	static const struct digest zero;
	size_t width = option_width(o);

	if ((o->flags & OPT_REQUIRED) || o->def)
		return false;
	switch (o->type) {
	case OPT_BOOL:
	case OPT_INT:
	case OPT_SIZE:
	case OPT_ENUM:
	case OPT_DIGEST:
		return memcmp(field, &zero, width) == 0;
	default:
		return false;
	}
}

static void write_list(struct writer *w, const struct option *o, const struct list *l)
{
	size_t width = option_width(o);

	if (!l->items)
		return; /* was not given */
	if (!l->count)
		write_type(w, VALUE_LIST);
	for (size_t i = 0; i < l->count; i++) {
		size_t len = enter_index(w, i);

		write_value(w, o, (const char *)l->items + i * width);
		leave(w, len);
	}
}

static void write_option(struct writer *w, const struct option *o, const void *field)
{
	bool unkeyed = w->unkeyed;
	size_t len = enter(w, o->name);

	w->unkeyed |= (o->flags & OPT_UNKEYED) != 0;
	if ((o->flags & OPT_LIST) && o->type != OPT_DICT)
		write_list(w, o, field);
	else if (!is_absent(o, field))
		write_value(w, o, field);
	leave(w, len);
	w->unkeyed = unkeyed;
}

static bool has_keyed(const struct writer *w, size_t from)
{
	for (size_t i = from; i < w->out->count; i++)
		if (!w->out->items[i].unkeyed)
			return true;
	return false;
}

static void write_map(struct writer *w, const struct schema *schema, const void *data)
{
	size_t start = w->out->count;

	for (size_t i = 0; i < schema->count; i++)
		write_option(w, &schema->options[i],
			     (const char *)data + schema->options[i].offset);
	/* the key does not see what is unkeyed, but that there is a map */
	if (w->path.len && (w->unkeyed ? w->out->count == start : !has_keyed(w, start)))
		write_type(w, VALUE_MAP);
}

void schema_flatten(const struct schema *schema, const void *data, struct arena *arena,
		    struct option_values *ret)
{
	struct writer w = {.arena = arena, .out = ret, .path = STR_INIT};

	write_map(&w, schema, data);
	str_release(&w.path);
}

/* Values to tree. */

struct reader {
	struct arena *arena;
	struct pos pos;
	struct str text;
	struct yaml *root;
};

enum { READ_END, READ_INDEX, READ_KEY, READ_BAD };

/* Appends the key at S, N bytes as enter_key() writes it. 0, or 1 when malformed. */
static int read_key(const char *s, size_t n, struct str *ret)
{
	for (size_t i = 0; i < n; i++) {
		char hex[3] = {0}, *end = hex;

		if (s[i] != '\\') {
			str_append_char(ret, s[i]);
			continue;
		}
		if (n - i < 4 || s[i + 1] != 'x')
			return 1;
		memcpy(hex, s + i + 2, 2);
		str_append_char(ret, (char)strtoul(hex, &end, 16));
		if (end != hex + 2 || !ret->buf[ret->len - 1])
			return 1;
		i += 3;
	}
	return 0;
}

/* The next part of a path at *P: an index or a key (in r->text). */
static int next_part(struct reader *r, const char **p)
{
	const char *s = *p;
	size_t n;

	if (!*s)
		return READ_END;
	if (*s == '.')
		s++;
	n = strcspn(s, ".");
	*p = s + n;
	str_clear(&r->text);
	if (!n || read_key(s, n, &r->text))
		return READ_BAD;
	return strspn(s, "0123456789") == n ? READ_INDEX : READ_KEY;
}

/*
 * The place of a child in PARENT, made when missing; NULL when PARENT is of another type or the
 * index leaves a gap. A child that was just made has type YAML_SCALAR without text.
 */
static struct yaml *child(struct reader *r, struct yaml *parent, int part)
{
	struct yaml *made = NULL;
	uint64_t index;

	if (parent->type == YAML_SCALAR && !parent->text)
		parent->type = part == READ_INDEX ? YAML_LIST : YAML_MAP;
	if (parent->type != (part == READ_INDEX ? YAML_LIST : YAML_MAP))
		return NULL;
	if (part == READ_INDEX) {
		if (str_u64(r->text.buf, &index) || index > parent->count)
			return NULL;
		if (index < parent->count)
			return parent->items[index];
		yaml_push(r->arena, parent, made = yaml_new(r->arena, YAML_SCALAR, r->pos));
		return made;
	}
	/* Lines of one value follow each other: the last key is nearly always the one. */
	if (parent->count && str_eq(parent->keys[parent->count - 1]->text, r->text.buf))
		return parent->items[parent->count - 1];
	made = yaml_get(parent, r->text.buf);
	if (!made) {
		made = yaml_new(r->arena, YAML_SCALAR, r->pos);
		yaml_put(r->arena, parent, arena_strdup(r->arena, r->text.buf), r->pos, made);
	}
	return made;
}

/* The place that PATH names, made when missing; NULL when malformed. */
static struct yaml *read_path(struct reader *r, const char *path)
{
	struct yaml *y = r->root;
	int part;

	while ((part = next_part(r, &path)) == READ_INDEX || part == READ_KEY) {
		y = child(r, y, part);
		if (!y)
			return NULL;
	}
	return part == READ_END && y != r->root ? y : NULL;
}

/* 0, or 1 when it does not fit to what there is. */
static int read_value(struct yaml *y, const struct option_value *v)
{
	bool fresh = y->type == YAML_SCALAR && !y->text;

	switch (v->type) {
	case VALUE_TEXT:
		y->quoted = true;
		y->text = v->text;
		return !fresh;
	case VALUE_LIST:
		y->type = YAML_LIST;
		return !fresh;
	case VALUE_MAP:
		if (!fresh && (y->type != YAML_MAP || !y->count))
			return 1;
		y->type = YAML_MAP;
		return 0;
	case VALUE_LINE:
		y->pos = (struct pos){v->file, v->line, 0};
		return fresh;
	}
	return 1;
}

struct yaml *schema_unflatten(struct arena *arena, const struct option_values *values,
			      struct err **err)
{
	struct reader r = {.arena = arena, .pos = {"manifest", 0, 1}, .text = STR_INIT};
	int rc = 0;

	r.root = yaml_new(arena, YAML_MAP, r.pos);
	for (size_t i = 0; i < values->count && rc == 0; i++) {
		const struct option_value *v = &values->items[i];
		struct yaml *y;

		r.pos.line++;
		y = read_path(&r, v->path);
		if (!y || read_value(y, v))
			rc = err_at(err, E_INVALID_VALUE, r.pos,
				    "option '%s' is malformed or repeated", v->path);
	}
	str_release(&r.text);
	return rc ? NULL : r.root;
}

/* Walks. */

struct walk {
	ref_fn *ref;
	secret_fn *secret;
	void *arg;
	struct writer at; /* for its path only */
};

static int walk_map(struct walk *k, const struct schema *schema, const void *data);

static int walk_value(struct walk *k, const struct option *o, const void *field)
{
	void *p = *(void *const *)field;

	if (!p)
		return 0;
	if (o->type == OPT_REF && k->ref)
		return ((struct ref *)p)->type == REF_WORD ? 0 : k->ref(k->arg, k->at.path.buf, p);
	if (o->type == OPT_SECRET && k->secret)
		return k->secret(k->arg, k->at.path.buf, p);
	if (o->type == OPT_STRUCT)
		return walk_map(k, o->sub, p);
	if (o->type == OPT_FORM) {
		const struct formed *f = p;

		return walk_map(k, f->form->schema, f->data);
	}
	return 0;
}

static int walk_dict(struct walk *k, const struct option *o, const struct list *l)
{
	int rc = 0;

	for (size_t i = 0; i < l->count && !rc; i++) {
		const struct pair *p = LIST_AT(*l, struct pair *, i);
		const struct named_ref *r = LIST_AT(*l, struct named_ref *, i);
		size_t len = enter_key(&k->at, o->type == OPT_DICT ? p->key : r->key);

		if (o->type == OPT_REFDICT && k->ref)
			rc = k->ref(k->arg, k->at.path.buf, r->ref);
		else if (o->type == OPT_DICT && o->sub && p->data)
			rc = walk_map(k, o->sub, p->data);
		leave(&k->at, len);
	}
	return rc;
}

static int walk_option(struct walk *k, const struct option *o, const void *field)
{
	const struct list *l = field;
	int rc = 0;

	if (o->type == OPT_DICT || o->type == OPT_REFDICT)
		return walk_dict(k, o, l);
	if (o->type != OPT_REF && o->type != OPT_SECRET && o->type != OPT_STRUCT &&
	    o->type != OPT_FORM)
		return 0;
	if (!(o->flags & OPT_LIST))
		return walk_value(k, o, field);
	for (size_t i = 0; i < l->count && !rc; i++) {
		size_t len = enter_index(&k->at, i);

		rc = walk_value(k, o, (void **)l->items + i);
		leave(&k->at, len);
	}
	return rc;
}

static int walk_map(struct walk *k, const struct schema *schema, const void *data)
{
	int rc = 0;

	for (size_t i = 0; i < schema->count && !rc; i++) {
		size_t len = enter(&k->at, schema->options[i].name);

		rc = walk_option(k, &schema->options[i],
				 (const char *)data + schema->options[i].offset);
		leave(&k->at, len);
	}
	return rc;
}

const void *schema_field(const struct schema *schema, const void *data, const char *name,
			 enum option_type type)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct option *o = &schema->options[i];

		if (o->type == type && str_eq(o->name, name))
			return (const char *)data + o->offset;
	}
	return NULL;
}

int schema_each_ref(const struct schema *schema, void *data, ref_fn *fn, void *arg)
{
	struct walk k = {.ref = fn, .arg = arg, .at.path = STR_INIT};
	int rc = walk_map(&k, schema, data);

	str_release(&k.at.path);
	return rc;
}

int schema_each_secret(const struct schema *schema, const void *data, secret_fn *fn, void *arg)
{
	struct walk k = {.secret = fn, .arg = arg, .at.path = STR_INIT};
	int rc = walk_map(&k, schema, data);

	str_release(&k.at.path);
	return rc;
}
