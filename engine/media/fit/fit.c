/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media/fit/fit.h"

#include <endian.h>

#include "base/str.h"
#include "base/vec.h"

#define MAGIC 0xd00dfeed
#define HEADER_BYTES 40
#define MAX_DEPTH 16

enum token { NODE_BEGINS = 1, NODE_ENDS = 2, PROPERTY = 3, NOTHING = 4, TREE_ENDS = 9, DAMAGED };

struct fdt {
	const unsigned char *p, *end; /* of the structure block */
	const char *strings, *strings_end;
	/* of the token that was read */
	const char *name;
	const char *value; /* of a property, VALUE_BYTES long */
	size_t value_bytes;
};

static uint32_t be32_at(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

bool fit_is_external(const unsigned char head[8], uint64_t file_size)
{
	return be32_at(head) == MAGIC && be32_at(head + 4) < file_size;
}

/* The text at P that ends before END, or NULL. */
static const char *text_at(const void *p, const void *end)
{
	const char *from = p, *to = end;

	return from < to && memchr(from, 0, (size_t)(to - from)) ? from : NULL;
}

static bool block_at(const unsigned char *data, size_t n, uint32_t at, uint32_t bytes)
{
	return at <= n && bytes <= n - at;
}

static bool fdt_open(const unsigned char *data, size_t n, struct fdt *ret)
{
	uint32_t at, strings_at, bytes, strings_bytes;

	if (n < HEADER_BYTES || be32_at(data) != MAGIC)
		return false;
	at = be32_at(data + 8);
	strings_at = be32_at(data + 12);
	strings_bytes = be32_at(data + 32);
	bytes = be32_at(data + 36);
	if (!block_at(data, n, at, bytes) || !block_at(data, n, strings_at, strings_bytes))
		return false;
	*ret = (struct fdt){.p = data + at,
			    .end = data + at + bytes,
			    .strings = (const char *)data + strings_at,
			    .strings_end = (const char *)data + strings_at + strings_bytes};
	return true;
}

/* Goes over BYTES, which are followed by what fills them up to a multiple of 4. */
static bool skip(struct fdt *f, size_t bytes)
{
	size_t left = (size_t)(f->end - f->p);

	if (bytes > left)
		return false;
	bytes = (bytes + 3) & ~(size_t)3;
	f->p += bytes < left ? bytes : left;
	return true;
}

static enum token read_property(struct fdt *f)
{
	uint32_t name_at;

	if (f->end - f->p < 8)
		return DAMAGED;
	f->value_bytes = be32_at(f->p);
	name_at = be32_at(f->p + 4);
	f->p += 8;
	f->value = (const char *)f->p;
	if (name_at >= (size_t)(f->strings_end - f->strings) || !skip(f, f->value_bytes))
		return DAMAGED;
	f->name = text_at(f->strings + name_at, f->strings_end);
	return f->name ? PROPERTY : DAMAGED;
}

static enum token fdt_next(struct fdt *f)
{
	enum token t = NOTHING;

	while (t == NOTHING) {
		if (f->end - f->p < 4)
			return DAMAGED;
		t = be32_at(f->p);
		f->p += 4;
	}
	if (t == PROPERTY)
		return read_property(f);
	if (t == NODE_BEGINS) {
		f->name = text_at(f->p, f->end);
		return f->name && skip(f, strlen(f->name) + 1) ? t : DAMAGED;
	}
	return t == NODE_ENDS || t == TREE_ENDS ? t : DAMAGED;
}

struct checker {
	struct fdt fdt;
	const char *name; /* of the file */
	const char *path[MAX_DEPTH];
	size_t depth;
	struct strs strong;      /* images with a hash that holds */
	struct strs started, by; /* images of all configurations; the configuration of each */
	size_t first;            /* of those, of the configuration that is open */
	size_t configurations;
	bool is_signed;        /* it is */
	bool has_signature;    /* it has a node for one */
	const char *uncovered; /* an image that its signature leaves out */
	bool has_value;        /* the signature that is open */
	struct strs covered;
};

static bool strs_have(const struct strs *s, const char *text)
{
	for (size_t i = 0; i < s->count; i++)
		if (str_eq(s->items[i], text))
			return true;
	return false;
}

/* Adds the texts of the property that was read. */
static void add_texts(const struct fdt *f, struct strs *ret)
{
	const char *end = f->value + f->value_bytes;

	for (const char *p = f->value; (p = text_at(p, end)); p += strlen(p) + 1)
		strs_push(ret, p);
}

static bool starts_image(const char *property)
{
	static const char *const names[] = {"kernel",   "ramdisk", "fdt",   "loadables",
					    "firmware", "fpga",    "setup", "script"};

	for (size_t i = 0; i < array_len(names); i++)
		if (str_eq(property, names[i]))
			return true;
	return false;
}

static bool is_strong(const struct fdt *f)
{
	const char *algo = text_at(f->value, f->value + f->value_bytes);

	return algo && (str_eq(algo, "sha256") || str_eq(algo, "sha384") || str_eq(algo, "sha512"));
}

/* Whether the node that is open is the child CHILD (its beginning) of one in /PARENT. */
static bool is_in(const struct checker *c, const char *parent, const char *child)
{
	return c->depth == (child ? 4 : 3) && str_eq(c->path[1], parent) &&
	       (!child || str_skip(c->path[3], child));
}

static void see_property(struct checker *c)
{
	const struct fdt *f = &c->fdt;

	if (is_in(c, "images", "hash") && str_eq(f->name, "algo") && is_strong(f))
		strs_push(&c->strong, c->path[2]);
	if (is_in(c, "configurations", "signature") && str_eq(f->name, "value"))
		c->has_value = f->value_bytes > 0;
	if (is_in(c, "configurations", "signature") && str_eq(f->name, "hashed-nodes"))
		add_texts(f, &c->covered);
	if (is_in(c, "configurations", NULL) && starts_image(f->name)) {
		add_texts(f, &c->started);
		while (c->by.count < c->started.count)
			strs_push(&c->by, c->path[2]);
	}
}

static void begin_node(struct checker *c)
{
	c->path[c->depth++] = c->fdt.name;
	if (is_in(c, "configurations", NULL)) {
		c->configurations++;
		c->first = c->started.count;
		c->is_signed = c->has_signature = false;
		c->uncovered = NULL;
	}
	if (is_in(c, "configurations", "signature")) {
		c->has_signature = true;
		c->has_value = false;
		c->covered.count = 0;
	}
}

static void end_signature(struct checker *c)
{
	bool whole = c->has_value;

	for (size_t i = c->first; c->has_value && i < c->started.count; i++) {
		char *node cleanup_free = xasprintf("/images/%s", c->started.items[i]);

		if (strs_have(&c->covered, node))
			continue;
		c->uncovered = c->started.items[i];
		whole = false;
	}
	c->is_signed |= whole;
}

static int end_configuration(const struct checker *c, struct err **err)
{
	if (c->is_signed)
		return 0;
	if (c->uncovered)
		return err_set(err, E_FIT_UNSIGNED,
			       "the signature of configuration '%s' of '%s' leaves out '%s': name "
			       "in its 'sign-images' each kind of image that the configuration has",
			       c->path[2], c->name, c->uncovered);
	if (c->has_signature)
		return err_set(err, E_FIT_UNSIGNED,
			       "mkimage has not signed configuration '%s' of '%s': is the name of "
			       "the key its 'key-name-hint'?",
			       c->path[2], c->name);
	return err_set(err, E_FIT_UNSIGNED,
		       "configuration '%s' of '%s' has no signature: add 'signature-1 { algo = "
		       "\"sha256,rsa2048\"; key-name-hint = …; sign-images = …; };' to it",
		       c->path[2], c->name);
}

static int end_node(struct checker *c, struct err **err)
{
	if (is_in(c, "configurations", "signature"))
		end_signature(c);
	if (is_in(c, "configurations", NULL) && end_configuration(c, err) < 0)
		return -1;
	c->depth--;
	return 0;
}

static int hashes_hold(const struct checker *c, struct err **err)
{
	if (!c->configurations)
		return err_set(err, E_FIT_UNSIGNED,
			       "'%s' has no configuration, and only those are signed", c->name);
	for (size_t i = 0; i < c->started.count; i++) {
		if (!strs_have(&c->strong, c->started.items[i]))
			return err_set(
				err, E_FIT_UNSIGNED,
				"image '%s' of '%s' (configuration '%s') has no hash that holds, "
				"so that another could take its place under the same signature: "
				"add 'hash-1 { algo = \"sha256\"; };' to it",
				c->started.items[i], c->name, c->by.items[i]);
	}
	return 0;
}

static int walk(struct checker *c, struct err **err)
{
	enum token t;

	while ((t = fdt_next(&c->fdt)) != TREE_ENDS) {
		if (t == DAMAGED || (t == NODE_BEGINS && c->depth == MAX_DEPTH) ||
		    (t != NODE_BEGINS && !c->depth))
			return err_set(err, E_FIT_UNSIGNED, "'%s' is not a whole FIT image",
				       c->name);
		if (t == NODE_BEGINS)
			begin_node(c);
		else if (t == PROPERTY)
			see_property(c);
		else if (end_node(c, err) < 0)
			return -1;
	}
	return hashes_hold(c, err);
}

int fit_check_signed(const unsigned char *data, size_t n, const char *name, struct err **err)
{
	struct checker c = {.name = name};
	int rc;

	if (!fdt_open(data, n, &c.fdt))
		return err_set(err, E_FIT_UNSIGNED, "'%s' is not a FIT image", name);
	rc = walk(&c, err);
	strs_clear(&c.strong);
	strs_clear(&c.started);
	strs_clear(&c.by);
	strs_clear(&c.covered);
	return rc;
}
