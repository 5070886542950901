/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of manifests: the only place that writes it, and the only one that reads it. */
#include "graph/manifest.h"

#include "base/line.h"

#define MANIFEST_HEAD "orch-manifest 2\n"

static void clear(void *manifest)
{
	struct manifest *m = manifest;

	for (size_t i = 0; i < m->inputs.count; i++) {
		manifest_entries_clear(&m->inputs.items[i].entries);
		manifest_blobs_clear(&m->inputs.items[i].blobs);
	}
	manifest_inputs_clear(&m->inputs);
	option_values_clear(&m->options);
	pins_clear(&m->pins);
	manifest_tools_clear(&m->tools);
}

struct manifest *manifest_new(struct arena *arena)
{
	struct manifest *m = arena_alloc(arena, sizeof(*m));

	arena_defer(arena, clear, m);
	return m;
}

/* ---- printing ---- */

/* NAME "TEXT": a line, or its beginning. */
static void put(struct str *to, const char *name, const char *text)
{
	str_append(to, name);
	str_append_char(to, ' ');
	str_quote(to, text);
}

static void put_line(struct str *to, const char *name, const char *text)
{
	put(to, name, text);
	str_append_char(to, '\n');
}

static const char *mode_word(mode_t mode)
{
	return mode & S_IXUSR ? "0755" : "0644";
}

static void put_entry(struct str *to, const struct manifest_entry *e)
{
	char hex[DIGEST_HEX + 1];

	str_quote(to, e->path);
	if (S_ISREG(e->mode))
		str_printf(to, " %s sha256:%s\n", mode_word(e->mode), digest_hex(&e->digest, hex));
	else if (S_ISLNK(e->mode))
		put_line(to, " link", e->target);
	else
		str_append(to, " folder\n");
}

void manifest_entries_digest(const struct manifest_entries *entries, struct digest *ret)
{
	struct str lines cleanup_str = STR_INIT;

	for (size_t i = 0; i < entries->count; i++)
		put_entry(&lines, &entries->items[i]);
	digest_data(lines.buf, lines.len, ret);
}

static void put_blob(struct str *to, const struct manifest_blob *b, bool whole)
{
	const struct artifact a = {.type = b->type, .digest = b->digest};
	char *digest cleanup_free = artifact_digest_string(&a);

	str_quote(to, b->name);
	str_printf(to, " %s %s %ju\n", output_type_word(b->type), digest, (uintmax_t)b->size);
	if (whole && b->at)
		put_line(to, "at", b->at);
}

static void put_from(struct str *to, const struct manifest_input *in)
{
	put(to, "from", in->node);
	if (in->inside)
		put(to, "", in->inside);
	str_append_char(to, '\n');
}

static void put_input(struct str *to, const struct manifest_input *in, bool whole)
{
	char hex[DIGEST_HEX + 1];

	put(to, "input", in->ref);
	if (in->type == MANIFEST_FILE)
		str_printf(to, " file %s sha256:%s\n", mode_word(in->mode),
			   digest_hex(&in->digest, hex));
	else if (in->type == MANIFEST_FOLDER)
		str_printf(to, " folder sha256:%s\n", digest_hex(&in->digest, hex));
	else if (in->type == MANIFEST_NODE)
		str_append(to, " node\n");
	else
		str_append(to, in->type == MANIFEST_INSIDE ? " inside " : " output ");
	if (whole && in->at)
		put_line(to, "at", in->at);
	if (whole && in->text)
		put_line(to, "text", in->text);
	for (size_t i = 0; i < in->entries.count; i++) {
		put(to, "file", in->ref);
		str_append_char(to, ' ');
		put_entry(to, &in->entries.items[i]);
	}
	for (size_t i = 0; i < in->blobs.count; i++) {
		if (in->type == MANIFEST_NODE) {
			put(to, "output", in->ref);
			str_append_char(to, ' ');
		}
		put_blob(to, &in->blobs.items[i], whole);
	}
	if (whole && in->node)
		put_from(to, in);
}

static void put_option(struct str *to, const struct option_value *v)
{
	if (v->type == VALUE_LINE) {
		str_printf(to, "line %s %u", v->path, v->line);
		put_line(to, "", v->file);
		return;
	}
	str_printf(to, "%s %s ", v->unkeyed ? "unkeyed" : "option", v->path);
	if (v->type == VALUE_TEXT)
		str_quote(to, v->text);
	else
		str_append(to, v->type == VALUE_LIST ? "[]" : "{}");
	str_append_char(to, '\n');
}

static void put_pin(struct str *to, const struct pin *p)
{
	str_printf(to, "pin %s", p->what);
	put(to, "", p->name);
	put_line(to, "", p->value);
}

void manifest_print(const struct manifest *m, bool whole, struct str *ret)
{
	str_printf(ret, MANIFEST_HEAD "kind %s %u\n", m->kind, m->version);
	if (m->named)
		put_line(ret, "project", m->project);
	if (m->named || (whole && m->node))
		put_line(ret, m->named ? "node" : "unkeyed-node", m->node);
	if (m->identity)
		put_line(ret, "identity", m->identity);
	str_printf(ret, "times %ju\n", (uintmax_t)m->times);
	if (m->dated || (whole && m->lock_date))
		str_printf(ret, "%slock-date %ju\n", m->dated ? "" : "unkeyed-",
			   (uintmax_t)m->lock_date);
	if (m->project_version)
		put_line(ret, "project-version", m->project_version);
	for (size_t i = 0; i < m->options.count; i++)
		if (whole || !m->options.items[i].unkeyed)
			put_option(ret, &m->options.items[i]);
	for (size_t i = 0; i < m->pins.count; i++)
		put_pin(ret, &m->pins.items[i]);
	if (whole && m->lock)
		put_line(ret, "lock", m->lock);
	for (size_t i = 0; i < m->inputs.count; i++)
		put_input(ret, &m->inputs.items[i], whole);
	for (size_t i = 0; i < m->tools.count; i++) {
		put(ret, "tool", m->tools.items[i].name);
		put_line(ret, "", m->tools.items[i].version);
	}
}

/* ---- parsing ---- */

struct parser {
	struct manifest *m;
	struct line w;
	bool quoted; /* the last word is */
};

/* Each reads the words of one line. 0, or 1 when it is malformed. */
typedef int line_fn(struct parser *p);

static int number(const char *word, uint64_t max, uint64_t *ret)
{
	return str_u64(word, ret) != 0 || *ret > max;
}

static int sha256(const char *word, struct digest *ret)
{
	const char *hex = str_skip(word, "sha256:");

	return hex ? digest_parse(hex, ret) : 1;
}

static int file_mode(const char *word, mode_t *ret)
{
	*ret = S_IFREG | (str_eq(word, "0755") ? 0755 : 0644);
	return !str_eq(word, mode_word(*ret));
}

static int read_kind(struct parser *p)
{
	uint64_t version;

	if (p->w.count != 3 || number(p->w.items[2], UINT32_MAX, &version))
		return 1;
	p->m->kind = p->w.items[1];
	p->m->version = (unsigned)version;
	return 0;
}

static int read_project(struct parser *p)
{
	p->m->project = p->w.items[1];
	return p->w.count != 2;
}

static int read_project_version(struct parser *p)
{
	p->m->project_version = p->w.items[1];
	return p->w.count != 2;
}

static int read_node(struct parser *p)
{
	p->m->node = p->w.items[1];
	p->m->named = str_eq(p->w.items[0], "node");
	return p->w.count != 2;
}

static int read_identity(struct parser *p)
{
	p->m->identity = p->w.items[1];
	return p->w.count != 2;
}

static int read_times(struct parser *p)
{
	return p->w.count != 2 || number(p->w.items[1], UINT64_MAX, &p->m->times);
}

static int read_lock_date(struct parser *p)
{
	p->m->dated = str_eq(p->w.items[0], "lock-date");
	return p->w.count != 2 || number(p->w.items[1], UINT64_MAX, &p->m->lock_date);
}

static int read_option(struct parser *p)
{
	struct option_value v = {.path = p->w.items[1], .unkeyed = str_eq(*p->w.items, "unkeyed")};

	if (p->w.count != 3)
		return 1;
	v.text = p->w.items[2];
	if (!p->quoted)
		v.type = str_eq(v.text, "[]") ? VALUE_LIST : VALUE_MAP;
	option_values_push(&p->m->options, v);
	return 0;
}

static int read_line(struct parser *p)
{
	uint64_t line;

	if (p->w.count != 4 || number(p->w.items[2], UINT32_MAX, &line))
		return 1;
	option_values_push(&p->m->options, (struct option_value){.path = p->w.items[1],
								 .type = VALUE_LINE,
								 .line = (unsigned)line,
								 .file = p->w.items[3],
								 .unkeyed = true});
	return 0;
}

static int read_pin(struct parser *p)
{
	const char *const *w = p->w.items;

	if (p->w.count != 4)
		return 1;
	pins_push(&p->m->pins, (struct pin){w[1], w[2], w[3]});
	return 0;
}

static int read_lock(struct parser *p)
{
	p->m->lock = p->w.items[1];
	return p->w.count != 2;
}

/* NAME TYPE DIGEST SIZE, the last four words of a line. */
static int read_blob(struct parser *p, struct manifest_input *in)
{
	const char *const *w = &p->w.items[p->w.count - 4];
	struct manifest_blob *b = manifest_blobs_at_end(&in->blobs);
	const char *hex;

	b->name = w[0];
	if (output_type_parse(w[1], &b->type) != 0)
		return 1;
	hex = str_skip(w[2], b->type == OUTPUT_IMAGE ? "chunks:" : "sha256:");
	return !hex || digest_parse(hex, &b->digest) != 0 || number(w[3], UINT64_MAX, &b->size);
}

static int read_input(struct parser *p)
{
	struct manifest_input *in = manifest_inputs_at_end(&p->m->inputs);
	const char *const *w = p->w.items;
	const char *what = p->w.count > 2 ? w[2] : "";

	in->ref = w[1];
	switch (p->w.count) {
	case 3:
		in->type = MANIFEST_NODE;
		return !str_eq(what, "node");
	case 4:
		in->type = MANIFEST_FOLDER;
		return !str_eq(what, "folder") || sha256(w[3], &in->digest);
	case 5:
		in->type = MANIFEST_FILE;
		return !str_eq(what, "file") || file_mode(w[3], &in->mode) ||
		       sha256(w[4], &in->digest);
	case 7:
		in->type = str_eq(what, "inside") ? MANIFEST_INSIDE : MANIFEST_OUTPUT;
		return read_blob(p, in);
	}
	return 1;
}

/* The input of the lines before. */
static struct manifest_input *last_input(struct parser *p)
{
	struct manifest_inputs *all = &p->m->inputs;

	return all->count ? &all->items[all->count - 1] : NULL;
}

static int read_file(struct parser *p)
{
	struct manifest_input *in = last_input(p);
	const char *const *w = p->w.items;
	struct manifest_entry e = {.mode = S_IFDIR};

	if (!in || in->type != MANIFEST_FOLDER || p->w.count < 4)
		return 1;
	e.path = w[2];
	if (p->w.count == 5 && str_eq(w[3], "link")) {
		e.mode = S_IFLNK;
		e.target = w[4];
	} else if (p->w.count == 5 && (file_mode(w[3], &e.mode) || sha256(w[4], &e.digest))) {
		return 1;
	}
	manifest_entries_push(&in->entries, e);
	return 0;
}

static int read_output(struct parser *p)
{
	struct manifest_input *in = last_input(p);

	return !in || in->type != MANIFEST_NODE || p->w.count != 6 || read_blob(p, in);
}

static int read_at(struct parser *p)
{
	struct manifest_input *in = last_input(p);

	if (!in || p->w.count != 2)
		return 1;
	if (in->blobs.count)
		in->blobs.items[in->blobs.count - 1].at = p->w.items[1];
	else
		in->at = p->w.items[1];
	return 0;
}

static int read_text(struct parser *p)
{
	struct manifest_input *in = last_input(p);

	if (!in || in->type != MANIFEST_FILE || p->w.count != 2)
		return 1;
	in->text = p->w.items[1];
	return 0;
}

static int read_from(struct parser *p)
{
	struct manifest_input *in = last_input(p);

	if (!in || p->w.count < 2)
		return 1;
	in->node = p->w.items[1];
	in->inside = p->w.count > 2 ? p->w.items[2] : NULL;
	return 0;
}

static int read_tool(struct parser *p)
{
	if (p->w.count != 3)
		return 1;
	manifest_tools_push(&p->m->tools, (struct manifest_tool){p->w.items[1], p->w.items[2]});
	return 0;
}

static int read_words(struct parser *p)
{
	static const struct {
		const char *word;
		line_fn *read;
	} lines[] = {
		{"option", read_option},
		{"unkeyed", read_option},
		{"line", read_line},
		{"pin", read_pin},
		{"lock", read_lock},
		{"input", read_input},
		{"file", read_file},
		{"output", read_output},
		{"at", read_at},
		{"text", read_text},
		{"from", read_from},
		{"tool", read_tool},
		{"kind", read_kind},
		{"project", read_project},
		{"node", read_node},
		{"unkeyed-node", read_node},
		{"identity", read_identity},
		{"times", read_times},
		{"lock-date", read_lock_date},
		{"unkeyed-lock-date", read_lock_date},
		{"project-version", read_project_version},
	};

	for (size_t i = 0; i < array_len(lines); i++)
		if (str_eq(p->w.items[0], lines[i].word))
			return p->w.count < 2 || lines[i].read(p);
	return 1;
}

/*
 * The readers above take what they can use. That nothing else was there, and in no other order, is
 * seen by printing again.
 */
static bool is_canonical(const struct manifest *m, const char *text)
{
	struct str again cleanup_str = STR_INIT;

	if (!m->kind || (m->named && !m->project))
		return false;
	manifest_print(m, true, &again);
	return str_eq(again.buf, text);
}

bool manifest_is_of_kind(const char *text, const char *kind)
{
	const char *at = str_skip(text, MANIFEST_HEAD "kind ");

	at = at ? str_skip(at, kind) : NULL;
	return at && *at == ' ';
}

struct manifest *manifest_parse(struct arena *arena, const char *text, struct err **err)
{
	struct parser p = {.m = manifest_new(arena)};
	const char *next = str_skip(text, MANIFEST_HEAD), *end = text + strlen(text);
	unsigned line = 1;
	int rc;

	while (next && (line++, rc = line_read(arena, &next, end, &p.w)) == 0) {
		p.quoted = next[-2] == '"'; /* no bare word has one */
		if (read_words(&p) != 0)
			break;
	}
	if (!next || rc != 1 || !is_canonical(p.m, text)) {
		err_set(err, E_INTERNAL, "line %u of a manifest is malformed", line);
		return NULL;
	}
	return p.m;
}
