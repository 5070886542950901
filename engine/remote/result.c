/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/result.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/line.h"
#include "recipe/kind.h"
#include "remote/reapi.h"
#include "remote/transport.h"

const char result_libraries[] = ORCH_LIBRARIES;

static const char *const form_words[] = {
	[RESULT_NONE] = "none",
	[RESULT_BLOB] = "blob",
	[RESULT_PARTS] = "parts",
};

static void append_hex(struct str *s, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		str_printf(s, "%02x", bytes[i]);
}

static void append_blob(struct str *s, const struct result_blob *b)
{
	char hex[DIGEST_HEX + 1];

	str_printf(s, "%s %" PRIu64, digest_hex(&b->digest, hex), b->size);
}

static void append_output(struct str *s, const struct result_output *o)
{
	char *identity cleanup_free = artifact_digest_string(&o->artifact);

	str_append(s, "output ");
	str_quote(s, o->artifact.name);
	str_printf(s, " %s %s %" PRIu64 " %" PRIu64 " %s", output_type_word(o->artifact.type),
		   identity, o->artifact.size, o->artifact.allocated, form_words[o->form]);
	if (o->form == RESULT_PARTS) {
		str_append(s, " ");
		append_blob(s, &o->directory);
	}
	str_append(s, "\n");
}

static void append_signature(struct str *text, const struct signer *signer)
{
	unsigned char signature[SIGN_BYTES];

	signer_sign(signer, text->buf, text->len, signature);
	str_printf(text, "signature %s ", signer_word(signer));
	append_hex(text, signature, sizeof(signature));
	str_append(text, "\n");
}

static void append_text(struct str *s, const struct result *r, const struct signer *signer)
{
	char hex[DIGEST_HEX + 1];

	str_printf(s, "orch-record 1\nkey sha256:%s\nnode ", digest_hex(&r->key, hex));
	str_quote(s, r->node);
	str_printf(s, "\nseconds %.3f\nbuilt %" PRId64 "\nby ", r->seconds, r->built_at);
	str_quote(s, r->host);
	str_append(s, " ");
	str_quote(s, r->version);
	str_append(s, " ");
	str_quote(s, r->machine);
	str_append(s, " ");
	str_quote(s, r->libraries);
	str_append(s, r->has_log ? "\nlog sha256:" : "\nlog -");
	if (r->has_log)
		append_blob(s, &r->log);
	str_append(s, "\n");
	for (size_t i = 0; i < r->output_count; i++)
		append_output(s, &r->outputs[i]);
	if (signer)
		append_signature(s, signer);
}

void result_encode(const struct result *r, const struct signer *signer, struct str *ret)
{
	struct str text cleanup_str = STR_INIT;

	append_text(&text, r, signer);
	reapi_result_pack(r, &text, ret);
}

/* --- and back ------------------------------------------------------------------------------ */

struct reading {
	struct arena *arena;
	struct result *r;
	const char *why; /* a constant */
	unsigned seen;   /* bits of the lines that may come once */
	size_t room;     /* outputs that there may be, RESULT_OUTPUTS_MAX at most */
};

enum seen {
	SEEN_KEY = 1,
	SEEN_NODE = 2,
	SEEN_SECONDS = 4,
	SEEN_BUILT = 8,
	SEEN_BY = 16,
	SEEN_LOG = 32
};
#define SEEN_ALL 63u

static bool once(struct reading *p, enum seen bit)
{
	bool first = !(p->seen & bit);

	p->seen |= bit;
	return first;
}

static int parse_named(const char *word, const char *prefix, struct digest *ret)
{
	const char *hex = str_skip(word, prefix);

	return hex ? digest_parse(hex, ret) : 1;
}

static int parse_number(const char *word, uint64_t max, uint64_t *ret)
{
	return str_u64(word, ret) != 0 || *ret > max;
}

/* Decimal, without sign, exponent or words; up to 999 years. */
static int parse_seconds(const char *word, double *ret)
{
	uint64_t whole, thousandths;
	char *copy cleanup_free = xstrdup(word), *dot = strchr(copy, '.');

	if (!dot || strlen(dot + 1) != 3)
		return 1;
	*dot = 0;
	if (parse_number(copy, 31536000000, &whole) || parse_number(dot + 1, 999, &thousandths))
		return 1;
	*ret = (double)whole + (double)thousandths / 1000;
	return 0;
}

static int parse_form(const struct line *w, struct result_output *o)
{
	const char *word = w->items[6];

	if (str_eq(word, "none") || str_eq(word, "blob")) {
		o->form = str_eq(word, "blob") ? RESULT_BLOB : RESULT_NONE;
		return w->count != 7 ||
		       (o->form == RESULT_BLOB &&
			(o->artifact.type == OUTPUT_IMAGE || o->artifact.size > RESULT_BLOB_MAX));
	}
	o->form = RESULT_PARTS;
	return !str_eq(word, "parts") || w->count != 9 ||
	       digest_parse(w->items[7], &o->directory.digest) != 0 ||
	       parse_number(w->items[8], REMOTE_BLOB_MAX, &o->directory.size) != 0;
}

static int parse_output(struct reading *p, const struct line *w)
{
	struct result_output *o = &p->r->outputs[p->r->output_count];
	struct artifact *a = &o->artifact;

	if (p->r->output_count == p->room || w->count < 7)
		return 1;
	a->name = w->items[1];
	if (output_type_parse(w->items[2], &a->type) != 0 ||
	    parse_named(w->items[3], a->type == OUTPUT_IMAGE ? "chunks:" : "sha256:", &a->digest) ||
	    parse_number(w->items[4], INT64_MAX, &a->size) != 0 ||
	    parse_number(w->items[5], INT64_MAX, &a->allocated) != 0 || parse_form(w, o) != 0)
		return 1;
	/* Bytes in blocks that are not all zero. */
	if (a->allocated > a->size)
		return 1;
	for (size_t i = 0; i < p->r->output_count; i++)
		if (str_eq(p->r->outputs[i].artifact.name, a->name))
			return 1;
	o->bytes = o->form == RESULT_NONE ? 0 : a->allocated;
	p->r->output_count++;
	return 0;
}

static int parse_log(struct reading *p, const struct line *w)
{
	struct result *r = p->r;

	if (!once(p, SEEN_LOG))
		return 1;
	if (line_is(w, "log", 2))
		return !str_eq(w->items[1], "-");
	r->has_log = true;
	return w->count != 3 || parse_named(w->items[1], "sha256:", &r->log.digest) != 0 ||
	       parse_number(w->items[2], REMOTE_BLOB_MAX, &r->log.size) != 0;
}

static int parse_line(struct reading *p, const struct line *w)
{
	struct result *r = p->r;
	uint64_t built;

	if (line_is(w, "key", 2))
		return !once(p, SEEN_KEY) || parse_named(w->items[1], "sha256:", &r->key) != 0;
	if (line_is(w, "seconds", 2))
		return !once(p, SEEN_SECONDS) || parse_seconds(w->items[1], &r->seconds) != 0;
	if (line_is(w, "node", 2)) {
		r->node = w->items[1];
		return !once(p, SEEN_NODE);
	}
	if (line_is(w, "built", 2)) {
		if (!once(p, SEEN_BUILT) || parse_number(w->items[1], 1ull << 40, &built) != 0)
			return 1;
		r->built_at = (int64_t)built;
		return 0;
	}
	if (line_is(w, "by", 5)) {
		r->host = w->items[1];
		r->version = w->items[2];
		r->machine = w->items[3];
		r->libraries = w->items[4];
		return !once(p, SEEN_BY);
	}
	if (str_eq(w->items[0], "log"))
		return parse_log(p, w);
	return str_eq(w->items[0], "output") ? parse_output(p, w) : 1;
}

/* The text up to END, which is what a signature covers. */
static int parse_text(struct reading *p, const char *text, const char *end)
{
	const char *at = text;
	struct line w;
	int rc;

	if (line_read(p->arena, &at, end, &w) != 0 || !line_is(&w, "orch-record", 2))
		return 1;
	if (!str_eq(w.items[1], "1")) {
		p->why = "is of a form that this version does not know";
		return 1;
	}
	while ((rc = line_read(p->arena, &at, end, &w)) == 0)
		if (!w.count || parse_line(p, &w) != 0)
			return 1;
	return rc != 1 || p->seen != SEEN_ALL || !p->r->output_count;
}

static int parse_signature(const char *word, unsigned char ret[SIGN_BYTES])
{
	char half[DIGEST_HEX + 1];
	struct digest d;

	if (strlen(word) != 2 * SIGN_BYTES)
		return 1;
	for (size_t i = 0; i < 2; i++) {
		memcpy(half, word + i * DIGEST_HEX, DIGEST_HEX);
		half[DIGEST_HEX] = 0;
		if (digest_parse(half, &d) != 0)
			return 1;
		memcpy(ret + i * DIGEST_LEN, d.b, DIGEST_LEN);
	}
	return 0;
}

static bool is_trusted(const struct trust *trust, const unsigned char key[SIGN_PUBLIC])
{
	for (size_t i = 0; i < trust->count; i++)
		if (memcmp(trust->keys[i], key, SIGN_PUBLIC) == 0)
			return true;
	return false;
}

/* The line at SIGNATURE, which ends at END, covers what begins at TEXT. */
static int check_signature(struct reading *p, const struct trust *trust, const char *text,
			   const char *signature, const char *end)
{
	unsigned char key[SIGN_PUBLIC], bytes[SIGN_BYTES];
	const char *at = signature;
	struct line w;

	if (line_read(p->arena, &at, end, &w) != 0 || at != end || !line_is(&w, "signature", 3) ||
	    trust_parse(w.items[1], key) != 0 || parse_signature(w.items[2], bytes) != 0)
		return 1;
	if (trust->count && !is_trusted(trust, key)) {
		p->why = "is signed by somebody whom 'trust:' does not name";
		return 1;
	}
	p->why = "has a signature that is wrong: somebody has changed it";
	if (!sign_verify(key, text, (size_t)(signature - text), bytes))
		return 1;
	p->why = NULL;
	p->r->is_signed = true;
	snprintf(p->r->signer, sizeof(p->r->signer), "%s", w.items[1]);
	return 0;
}

/* Where the last line begins if it is a signature, else END. */
static const char *find_signature(const char *text, const char *end)
{
	const char *p = end;

	if (p > text)
		p--;
	while (p > text && p[-1] != '\n')
		p--;
	return end - p > 10 && memcmp(p, "signature ", 10) == 0 ? p : end;
}

static int read_text(struct reading *p, const struct trust *trust, const char *text, size_t len)
{
	const char *end = text + len, *signature = find_signature(text, end);

	if (len > RESULT_TEXT_MAX || parse_text(p, text, signature) != 0)
		return 1;
	if (signature < end)
		return check_signature(p, trust, text, signature, end);
	if (!trust->count)
		return 0;
	p->why = "is not signed, and 'trust:' says whose signatures count";
	return 1;
}

static int refuse(const struct reading *p, char **ret_why)
{
	*ret_why = xstrdup(p->why ? p->why : "cannot be read");
	return 1;
}

/* Lines of TEXT that may be outputs. */
static size_t count_outputs(const char *text, size_t len)
{
	static const char word[] = "\noutput ";
	const char *end = text + len, *p = text;
	size_t n = 0;

	while (n < RESULT_OUTPUTS_MAX &&
	       (p = memmem(p, (size_t)(end - p), word, sizeof(word) - 1))) {
		p += sizeof(word) - 1;
		n++;
	}
	return n;
}

int result_decode(const void *message, size_t len, const struct digest *key,
		  const struct trust *trust, struct arena *arena, struct result **ret,
		  char **ret_why)
{
	static const struct trust nobody = {0};
	struct reading p = {.arena = arena};
	struct reapi_result *m cleanup_reapi_result = reapi_result_open(message, len);

	p.r = arena_alloc(arena, sizeof(*p.r));
	if (!m || !reapi_result_text(m)) {
		p.why = "is not one of orch";
		return refuse(&p, ret_why);
	}
	p.room = count_outputs(reapi_result_text(m), reapi_result_len(m));
	p.r->outputs = arena_alloc(arena, (p.room + 1) * sizeof(*p.r->outputs));
	if (read_text(&p, trust ? trust : &nobody, reapi_result_text(m), reapi_result_len(m)) != 0)
		return refuse(&p, ret_why);
	if (!digest_eq(&p.r->key, key)) {
		p.why = "is that of another key";
		return refuse(&p, ret_why);
	}
	if (reapi_result_trees(m, arena, p.r) != 0) {
		p.why = "does not say where its parts are";
		return refuse(&p, ret_why);
	}
	*ret = p.r;
	return 0;
}

/* --- compared ------------------------------------------------------------------------------ */

bool result_fits(const struct result *r, const struct artifact *wanted, size_t count)
{
	bool fits = r->output_count == count;

	for (size_t i = 0; fits && i < count; i++)
		fits = str_eq(r->outputs[i].artifact.name, wanted[i].name) &&
		       r->outputs[i].artifact.type == wanted[i].type;
	return fits;
}

bool result_same(const struct result *a, const struct result *b)
{
	bool same = a->output_count == b->output_count;

	for (size_t i = 0; same && i < a->output_count; i++)
		same = str_eq(a->outputs[i].artifact.name, b->outputs[i].artifact.name) &&
		       digest_eq(&a->outputs[i].artifact.digest, &b->outputs[i].artifact.digest);
	return same;
}

void result_to_record(const struct result *r, const char *manifest, const struct digest *log,
		      struct arena *arena, struct record *ret)
{
	struct artifact *outputs = arena_alloc(arena, r->output_count * sizeof(*outputs));

	for (size_t i = 0; i < r->output_count; i++)
		outputs[i] = r->outputs[i].artifact;
	*ret = (struct record){
		.key = r->key,
		.node = r->node,
		.manifest = manifest,
		.outputs = outputs,
		.output_count = r->output_count,
		.seconds = r->seconds,
		.built_at = r->built_at,
	};
	if (log)
		ret->log = *log;
}
