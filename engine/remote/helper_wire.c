/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote/helper_wire.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/line.h"
#include "recipe/kind.h"

static const char *const verbs[] = {
	[HELPER_ASK] = "ask",
	[HELPER_FETCH] = "fetch",
	[HELPER_PUSH] = "push",
};
static const char *const answers[] = {
	[HELPER_RECORD] = "record",   [HELPER_MISS] = "miss",     [HELPER_FETCHED] = "fetched",
	[HELPER_LOST] = "lost",       [HELPER_PUSHED] = "pushed", [HELPER_MOVED] = "moved",
	[HELPER_WARNING] = "warning", [HELPER_FAILED] = "failed",
};

/* 0 and *RET, or 1. */
static int find_word(const char *const *words, size_t count, const char *word, unsigned *ret)
{
	for (unsigned i = 0; i < count; i++) {
		if (!str_eq(words[i], word))
			continue;
		*ret = i;
		return 0;
	}
	return 1;
}

static int malformed(struct err **err)
{
	return err_set(err, E_INTERNAL, "a packet of the helper is malformed");
}

static void put_artifact(struct str *ret, const struct artifact *a, uint64_t moves)
{
	char hex[DIGEST_HEX + 1];

	str_quote(ret, a->name);
	str_printf(ret, " %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", output_type_word(a->type),
		   digest_hex(&a->digest, hex), a->size, a->allocated, moves);
}

static size_t count_lines(const char *p, const char *end)
{
	size_t n = 0;

	for (; p < end; p++)
		n += *p == '\n';
	return n;
}

static int read_artifact(const struct line *w, struct artifact *ret, uint64_t *ret_moves)
{
	ret->name = w->items[0];
	return w->count != 6 || output_type_parse(w->items[1], &ret->type) != 0 ||
	       digest_parse(w->items[2], &ret->digest) != 0 ||
	       str_u64(w->items[3], &ret->size) != 0 ||
	       str_u64(w->items[4], &ret->allocated) != 0 || str_u64(w->items[5], ret_moves) != 0;
}

/* All lines from P on are artifacts. */
static int read_artifacts(struct arena *arena, const char *p, const char *end,
			  struct artifact **ret, uint64_t **ret_moves, size_t *ret_count,
			  struct err **err)
{
	size_t count = count_lines(p, end);
	struct artifact *all = arena_alloc(arena, (count + 1) * sizeof(*all));
	uint64_t *moves = arena_alloc(arena, (count + 1) * sizeof(*moves));
	struct line w;

	memset(all, 0, (count + 1) * sizeof(*all));
	for (size_t i = 0; i < count; i++)
		if (line_read(arena, &p, end, &w) != 0 ||
		    read_artifact(&w, &all[i], &moves[i]) != 0)
			return malformed(err);
	if (p != end)
		return malformed(err);
	*ret = all;
	*ret_moves = moves;
	*ret_count = count;
	return 0;
}

void helper_request_put(struct str *ret, const struct helper_request *q)
{
	char hex[DIGEST_HEX + 1];

	str_printf(ret, "%s %" PRIu64 " %s %zu %zu %zu\n", verbs[q->verb], q->id,
		   digest_hex(&q->key, hex), q->manifest_size, q->output_count, q->output);
	for (size_t i = 0; i < q->count; i++)
		put_artifact(ret, &q->artifacts[i], 0);
}

int helper_request_read(struct arena *arena, const char *data, size_t len,
			struct helper_request *ret, struct err **err)
{
	const char *p = data, *end = data + len;
	uint64_t size, outputs, output, *moves;
	unsigned verb;
	struct line w;

	*ret = (struct helper_request){0};
	if (line_read(arena, &p, end, &w) != 0 || w.count != 6 ||
	    find_word(verbs, array_len(verbs), w.items[0], &verb) != 0 ||
	    str_u64(w.items[1], &ret->id) != 0 || digest_parse(w.items[2], &ret->key) != 0 ||
	    str_u64(w.items[3], &size) != 0 || str_u64(w.items[4], &outputs) != 0 ||
	    str_u64(w.items[5], &output) != 0)
		return malformed(err);
	ret->verb = (enum helper_verb)verb;
	ret->manifest_size = size;
	ret->output_count = outputs;
	ret->output = output;
	if (read_artifacts(arena, p, end, &ret->artifacts, &moves, &ret->count, err) < 0)
		return -1;
	return outputs > ret->count || (verb == HELPER_FETCH && output >= outputs) ? malformed(err)
										   : 0;
}

static void put_text(struct str *ret, const char *text)
{
	char *cut cleanup_free = xstrndup(text ? text : "", HELPER_TEXT_MAX);

	str_quote(ret, cut);
}

void helper_reply_put(struct str *ret, const struct helper_reply *r)
{
	str_printf(ret, "%s %" PRIu64 " %" PRIu64 " %s ", answers[r->type], r->id, r->bytes,
		   r->code ? r->code->name : "-");
	put_text(ret, r->text);
	str_printf(ret, " %a %" PRId64 " ", r->record.seconds, r->record.built_at);
	put_text(ret, r->by);
	str_append_char(ret, '\n');
	for (size_t i = 0; i < r->record.output_count; i++)
		put_artifact(ret, &r->record.outputs[i], r->moves[i]);
}

static int read_head(const struct line *w, struct helper_reply *ret)
{
	unsigned type;
	char *end;

	if (w->count != 8 || find_word(answers, array_len(answers), w->items[0], &type) != 0 ||
	    str_u64(w->items[1], &ret->id) != 0 || str_u64(w->items[2], &ret->bytes) != 0)
		return 1;
	ret->type = (enum helper_answer)type;
	ret->code = err_code_find(w->items[3]);
	ret->text = w->items[4];
	ret->record.seconds = strtod(w->items[5], &end);
	if (*end || !(ret->record.seconds >= 0))
		return 1;
	ret->record.built_at = strtoll(w->items[6], &end, 10);
	ret->by = w->items[7];
	return *end || (ret->type == HELPER_FAILED && !ret->code);
}

int helper_reply_read(struct arena *arena, const char *data, size_t len, struct helper_reply *ret,
		      struct err **err)
{
	const char *p = data, *end = data + len;
	struct record *rec = &ret->record;
	struct line w;

	*ret = (struct helper_reply){0};
	if (line_read(arena, &p, end, &w) != 0 || read_head(&w, ret) != 0)
		return malformed(err);
	if (read_artifacts(arena, p, end, &rec->outputs, &ret->moves, &rec->output_count, err) < 0)
		return -1;
	for (size_t i = 0; i < rec->output_count; i++)
		rec->outputs[i].shared = true;
	return 0;
}

ssize_t helper_receive(int fd, char *buf)
{
	ssize_t n;

	while ((n = recv(fd, buf, HELPER_PACKET_MAX, 0)) < 0 && errno == EINTR)
		;
	if (n < 0 && errno == ECONNRESET)
		return 0;
	if (n >= 0)
		buf[n] = 0;
	return n;
}

int helper_send(int fd, const struct str *packet)
{
	ssize_t n;

	while ((n = send(fd, packet->buf, packet->len, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return n == (ssize_t)packet->len ? 0 : -1;
}
