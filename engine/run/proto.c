/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run/proto.h"

#include "base/line.h"

static int malformed(const char *what, struct err **err)
{
	return err_set(err, E_INTERNAL, "a %s frame is malformed", what);
}

/* NAME "A" "B"... NULL: one line. */
static __attribute__((sentinel)) void put_line(struct str *s, const char *name, ...)
{
	va_list ap;
	const char *text;

	str_append(s, name);
	va_start(ap, name);
	while ((text = va_arg(ap, const char *))) {
		str_append_char(s, ' ');
		str_quote(s, text);
	}
	va_end(ap);
	str_append_char(s, '\n');
}

/* "NAME" TYPE DIGEST SIZE ALLOCATED */
static void put_words(struct str *s, const struct artifact *a)
{
	char hex[DIGEST_HEX + 1];

	str_quote(s, a->name);
	str_printf(s, " %s %s %ju %ju", output_type_word(a->type), digest_hex(&a->digest, hex),
		   (uintmax_t)a->size, (uintmax_t)a->allocated);
}

static void put_artifact(struct str *s, const struct artifact *a)
{
	put_words(s, a);
	str_append_char(s, '\n');
}

/* The five words that put_words() wrote. 1: malformed. */
static int artifact_words(const char *const *v, struct artifact *ret)
{
	struct artifact a = {.name = v[0]};

	if (output_type_parse(v[1], &a.type) != 0 || digest_parse(v[2], &a.digest) != 0 ||
	    str_u64(v[3], &a.size) != 0 || str_u64(v[4], &a.allocated) != 0)
		return 1;
	*ret = a;
	return 0;
}

static void put_farm(struct str *s, const struct job_farm *f)
{
	const char *const texts[] = {"farm",     f->url,      "farm-instance", f->instance,
				     "farm-ca",  f->ca,       "farm-cert",     f->cert,
				     "farm-key", f->cert_key, "farm-token",    f->token};
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < array_len(texts); i += 2) {
		if (texts[i + 1])
			put_line(s, texts[i], texts[i + 1], NULL);
	}
	for (size_t i = 0; i < f->platform.count; i++)
		put_line(s, "farm-platform", f->platform.items[i].name, f->platform.items[i].value,
			 NULL);
	str_printf(s, "farm-timeout %u\nfarm-again %d\n", f->timeout_s, f->again);
	if (f->leave)
		put_line(s, "farm-leave", digest_hex(&f->key, hex), NULL);
	for (size_t i = 0; i < f->left.count; i++) {
		str_printf(s, "farm-left %s ", digest_hex(&f->left.items[i].key, hex));
		put_artifact(s, &f->left.items[i].artifact);
	}
}

void job_spec_write(const struct job_spec *spec, struct str *ret)
{
	put_line(ret, "store", spec->store, NULL);
	put_line(ret, "project", spec->project_dir, NULL);
	put_line(ret, "out", spec->outdir, NULL);
	put_line(ret, "work", spec->workdir, NULL);
	put_line(ret, "cache", spec->cache_dir, NULL);
	if (spec->pool_dir)
		put_line(ret, "pool", spec->pool_dir, NULL);
	str_printf(ret, "cpus %u\noffline %d\nowner %ld\nbegan %jd\n", spec->cpus, spec->offline,
		   spec->owner, (intmax_t)spec->began_ns);
	for (size_t i = 0; i < spec->outputs.count; i++)
		put_line(ret, "output", spec->outputs.items[i].name,
			 output_type_word(spec->outputs.items[i].type), NULL);
	for (size_t i = 0; i < spec->hash.count; i++) {
		str_append(ret, "hash ");
		put_artifact(ret, &spec->hash.items[i]);
	}
	for (size_t i = 0; i < spec->secrets.count; i++) {
		const struct job_secret *s = &spec->secrets.items[i];

		put_line(ret, "secret", s->node, s->option, s->path, NULL);
	}
	put_line(ret, "manifest", spec->manifest, NULL);
	if (spec->farm.url)
		put_farm(ret, &spec->farm);
}

static int job_number(const struct line *w, unsigned long max, unsigned long *ret)
{
	uint64_t n;

	if (str_u64(w->items[1], &n) != 0 || n > max)
		return 1;
	*ret = n;
	return 0;
}

/* A line of two words whose second is a text. 1: there is none of that name. */
static int job_text(const struct line *w, struct job_spec *r)
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{"store", offsetof(struct job_spec, store)},
		{"project", offsetof(struct job_spec, project_dir)},
		{"out", offsetof(struct job_spec, outdir)},
		{"work", offsetof(struct job_spec, workdir)},
		{"cache", offsetof(struct job_spec, cache_dir)},
		{"pool", offsetof(struct job_spec, pool_dir)},
		{"manifest", offsetof(struct job_spec, manifest)},
		{"farm", offsetof(struct job_spec, farm.url)},
		{"farm-instance", offsetof(struct job_spec, farm.instance)},
		{"farm-ca", offsetof(struct job_spec, farm.ca)},
		{"farm-cert", offsetof(struct job_spec, farm.cert)},
		{"farm-key", offsetof(struct job_spec, farm.cert_key)},
		{"farm-token", offsetof(struct job_spec, farm.token)},
	};

	for (size_t i = 0; i < array_len(texts); i++) {
		if (str_eq(w->items[0], texts[i].name)) {
			*(const char **)((char *)r + texts[i].offset) = w->items[1];
			return 0;
		}
	}
	return 1;
}

/* One line of a JOB. 1: malformed. */
static int job_line(const struct line *w, struct job_spec *r)
{
	const char *const *v = w->items;
	unsigned long n;

	if (line_is(w, "farm-platform", 3)) {
		farm_words_push(&r->farm.platform, (struct farm_word){v[1], v[2]});
	} else if (line_is(w, "secret", 4)) {
		job_secrets_push(&r->secrets, (struct job_secret){v[1], v[2], v[3]});
	} else if (line_is(w, "hash", 6)) {
		struct artifact a;

		if (artifact_words(v + 1, &a) != 0)
			return 1;
		artifacts_push(&r->hash, a);
	} else if (line_is(w, "farm-left", 7)) {
		struct job_left left;

		if (digest_parse(v[1], &left.key) != 0 ||
		    artifact_words(v + 2, &left.artifact) != 0)
			return 1;
		job_lefts_push(&r->farm.left, left);
	} else if (line_is(w, "output", 3)) {
		struct output_spec spec = {.name = v[1]};

		if (output_type_parse(v[2], &spec.type) != 0)
			return 1;
		output_specs_push(&r->outputs, spec);
	} else if (w->count != 2) {
		return 1;
	} else if (str_eq(v[0], "cpus")) {
		if (job_number(w, 65536, &n) != 0)
			return 1;
		r->cpus = (unsigned)n;
	} else if (str_eq(v[0], "offline")) {
		if (job_number(w, 1, &n) != 0)
			return 1;
		r->offline = n;
	} else if (str_eq(v[0], "owner")) {
		if (job_number(w, INT32_MAX, &n) != 0)
			return 1;
		r->owner = (long)n;
	} else if (str_eq(v[0], "began")) {
		if (job_number(w, INT64_MAX, &n) != 0)
			return 1;
		r->began_ns = (int64_t)n;
	} else if (str_eq(v[0], "farm-timeout")) {
		if (job_number(w, UINT32_MAX, &n) != 0)
			return 1;
		r->farm.timeout_s = (unsigned)n;
	} else if (str_eq(v[0], "farm-again")) {
		if (job_number(w, 1, &n) != 0)
			return 1;
		r->farm.again = n;
	} else if (str_eq(v[0], "farm-leave")) {
		if (digest_parse(v[1], &r->farm.key) != 0)
			return 1;
		r->farm.leave = true;
	} else {
		return job_text(w, r);
	}
	return 0;
}

int job_spec_read(struct arena *arena, const char *data, size_t len, struct job_spec *ret,
		  struct err **err)
{
	struct job_spec r = {.cpus = 1};
	const char *p = data;
	struct line w;
	int rc;

	while ((rc = line_read(arena, &p, data + len, &w)) == 0) {
		if (job_line(&w, &r) != 0)
			break;
	}
	if (rc != 1 || !r.store || !r.project_dir || !r.outdir || !r.workdir || !r.cache_dir ||
	    !r.manifest) {
		job_spec_clear(&r);
		return malformed("JOB", err);
	}
	*ret = r;
	return 0;
}

void job_spec_clear_lists(struct job_spec *spec)
{
	job_secrets_clear(&spec->secrets);
	artifacts_clear(&spec->hash);
	farm_words_clear(&spec->farm.platform);
	job_lefts_clear(&spec->farm.left);
}

void job_spec_clear(struct job_spec *spec)
{
	output_specs_clear(&spec->outputs);
	job_spec_clear_lists(spec);
}

/* The single line of a frame. */
static int only_line(struct arena *arena, const struct frame *f, struct line *ret, struct err **err)
{
	const char *p = f->data, *end = f->data + f->len;

	if (line_read(arena, &p, end, ret) != 0 || p != end)
		return malformed(frame_name(f->type), err);
	return 0;
}

/* TEXT quoted, at most MAX bytes in all: cut before a character that does not fit. */
static void put_cut(struct str *s, const char *text, size_t max)
{
	size_t n = strlen(text), start = s->len;
	char *copy cleanup_free = NULL;

	str_quote(s, text);
	if (s->len - start <= max)
		return;
	s->len = start;
	/* \xNN is the longest escape: a quarter of the limit always fits. */
	n = n < max / 4 - 2 ? n : max / 4 - 2;
	while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	copy = xstrndup(text, n);
	str_quote(s, copy);
}

void progress_put(struct str *out, const struct job_progress *p)
{
	struct str s cleanup_str = STR_INIT;

	/* -1 travels as 101: numbers have no sign here */
	str_printf(&s, "%d %llu ", p->percent < 0 || p->percent > 100 ? 101 : p->percent,
		   (unsigned long long)p->loaded);
	put_cut(&s, p->text, FRAME_PROGRESS_MAX - 32);
	str_append_char(&s, '\n');
	frame_put(out, FRAME_PROGRESS, &s);
}

int progress_read(struct arena *arena, const struct frame *f, struct job_progress *ret,
		  struct err **err)
{
	struct line w;
	uint64_t n, loaded;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (w.count != 3 || str_u64(w.items[0], &n) != 0 || n > 101 ||
	    str_u64(w.items[1], &loaded) != 0)
		return malformed("PROGRESS", err);
	*ret = (struct job_progress){n == 101 ? -1 : (int)n, loaded, w.items[2]};
	return 0;
}

void warning_put(struct str *out, const char *text)
{
	struct str s cleanup_str = STR_INIT;

	put_cut(&s, text, FRAME_WARNING_MAX - 16);
	str_append_char(&s, '\n');
	frame_put(out, FRAME_WARNING, &s);
}

int warning_read(struct arena *arena, const struct frame *f, const char **ret_text,
		 struct err **err)
{
	struct line w;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (w.count != 1)
		return malformed("WARNING", err);
	*ret_text = w.items[0];
	return 0;
}

void output_put(struct str *out, const struct artifact *a)
{
	struct str s cleanup_str = STR_INIT;

	put_words(&s, a);
	str_append(&s, a->shared ? " left\n" : "\n");
	frame_put(out, FRAME_OUTPUT, &s);
}

int output_read(struct arena *arena, const struct frame *f, struct artifact *ret, struct err **err)
{
	struct line w;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (w.count < 5 || w.count > 6 || artifact_words(w.items, ret) != 0)
		return malformed("OUTPUT", err);
	ret->shared = w.count == 6;
	return ret->shared && !str_eq(w.items[5], "left") ? malformed("OUTPUT", err) : 0;
}

void blob_put(struct str *out, const struct artifact *a, const struct blob_state *state)
{
	const struct blob_stamp *t = &state->stamp;
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%ju %ju %ju %jd %jd ", (uintmax_t)t->dev, (uintmax_t)t->ino,
		   (uintmax_t)t->size, (intmax_t)t->mtime_ns, (intmax_t)t->ctime_ns);
	if (state->why) {
		put_cut(&s, state->why, FRAME_DAMAGED_MAX / 2);
		str_append_char(&s, ' ');
	}
	put_artifact(&s, a);
	frame_put(out, state->why ? FRAME_DAMAGED : FRAME_HASHED, &s);
}

/* A time, which may be before 1970. 1: malformed. */
static int time_word(const char *word, int64_t *ret)
{
	bool before = *word == '-';
	uint64_t n;

	if (str_u64(word + before, &n) != 0 || n > INT64_MAX)
		return 1;
	*ret = before ? -(int64_t)n : (int64_t)n;
	return 0;
}

int blob_read(struct arena *arena, const struct frame *f, struct artifact *ret,
	      struct blob_state *ret_state, struct err **err)
{
	size_t why = f->type == FRAME_DAMAGED;
	struct blob_state state = {0};
	struct blob_stamp *t = &state.stamp;
	struct line w;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (w.count != 10 + why || str_u64(w.items[0], &t->dev) != 0 ||
	    str_u64(w.items[1], &t->ino) != 0 || str_u64(w.items[2], &t->size) != 0 ||
	    time_word(w.items[3], &t->mtime_ns) != 0 || time_word(w.items[4], &t->ctime_ns) != 0 ||
	    artifact_words(w.items + 5 + why, ret) != 0)
		return malformed(frame_name(f->type), err);
	if (why)
		state.why = xstrdup(w.items[5]);
	*ret_state = state;
	return 0;
}

void misused_put(struct str *out, const struct artifact *a, int64_t since)
{
	struct str s cleanup_str = STR_INIT;

	str_printf(&s, "%jd ", (intmax_t)since);
	put_artifact(&s, a);
	frame_put(out, FRAME_MISUSED, &s);
}

void outside_put(struct str *out)
{
	struct str nothing = STR_INIT;

	frame_put(out, FRAME_OUTSIDE, &nothing);
}

int misused_read(struct arena *arena, const struct frame *f, struct artifact *ret,
		 int64_t *ret_since, struct err **err)
{
	struct line w;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (w.count != 6 || time_word(w.items[0], ret_since) != 0 ||
	    artifact_words(w.items + 1, ret) != 0)
		return malformed(frame_name(f->type), err);
	return 0;
}

void result_put(struct str *out, const struct err *e)
{
	struct str s cleanup_str = STR_INIT;

	if (!e) {
		str_append(&s, "ok\n");
	} else {
		str_printf(&s, "error %s %d ", e->code->name, e->errnum < 0 ? 0 : e->errnum);
		put_cut(&s, e->file ? e->file : "", FRAME_RESULT_MAX / 4);
		str_printf(&s, " %u %u ", e->line, e->col);
		put_cut(&s, e->text, FRAME_RESULT_MAX / 2);
		str_append_char(&s, '\n');
	}
	frame_put(out, FRAME_RESULT, &s);
}

int result_read(struct arena *arena, const struct frame *f, struct err **ret_result_err,
		struct err **err)
{
	struct line w;
	const struct err_code *code;
	uint64_t errnum, line, col;

	if (only_line(arena, f, &w, err) < 0)
		return -1;
	if (line_is(&w, "ok", 1))
		return 0;
	if (!line_is(&w, "error", 7) || !(code = err_code_find(w.items[1])) ||
	    str_u64(w.items[2], &errnum) != 0 || str_u64(w.items[4], &line) != 0 ||
	    str_u64(w.items[5], &col) != 0)
		return malformed("RESULT", err);
	err_set(ret_result_err, code, "%s", w.items[6]);
	(*ret_result_err)->errnum = (int)errnum;
	if (*w.items[3])
		(*ret_result_err)->file = xstrdup(w.items[3]);
	(*ret_result_err)->line = (unsigned)line;
	(*ret_result_err)->col = (unsigned)col;
	return 0;
}
