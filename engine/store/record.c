/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static const char *const type_words[] = {
	[OUTPUT_FILE] = "file",
	[OUTPUT_TREE] = "tree",
	[OUTPUT_IMAGE] = "image",
};

#define SHARED_WORD " shared"

static void add_text(struct hasher *h, const char *text)
{
	hasher_update(h, text, strlen(text) + 1);
}

void record_sum(const struct state_record *row, struct digest *ret)
{
	struct hasher *h = hasher_new();
	char numbers[64];

	snprintf(numbers, sizeof(numbers), "%a %" PRId64, row->seconds, row->built_at);
	hasher_update(h, row->key.b, DIGEST_LEN);
	hasher_update(h, row->log.b, DIGEST_LEN);
	add_text(h, row->node);
	add_text(h, row->outputs);
	add_text(h, numbers);
	hasher_finish(h, ret);
}

void record_encode(const struct record *rec, struct str *outputs, struct state_record *row)
{
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < rec->output_count; i++) {
		const struct artifact *a = &rec->outputs[i];

		str_quote(outputs, a->name);
		str_printf(outputs, " %s %s %" PRIu64 " %" PRIu64 "%s\n", type_words[a->type],
			   digest_hex(&a->digest, hex), a->size, a->allocated,
			   a->shared ? SHARED_WORD : "");
	}
	*row = (struct state_record){
		.key = rec->key,
		.log = rec->log,
		.node = rec->node,
		.outputs = outputs->buf,
		.manifest = rec->manifest,
		.seconds = rec->seconds,
		.built_at = rec->built_at,
	};
	record_sum(row, &row->sum);
}

/* Takes the characters before END off *P as a word; NULL when END is not there. */
static char *take_word(char **p, char end)
{
	char *word = *p, *stop = strchr(word, end);

	if (!stop)
		return NULL;
	*stop = 0;
	*p = stop + 1;
	return word;
}

static int parse_type(const char *word, enum output_type *ret)
{
	for (size_t i = 0; i < array_len(type_words); i++) {
		if (str_eq(word, type_words[i])) {
			*ret = (enum output_type)i;
			return 0;
		}
	}
	return 1;
}

/* One line at *P, which is moved after it. 1: malformed. */
static int parse_output(char **p, struct arena *arena, struct artifact *ret)
{
	struct str name cleanup_str = STR_INIT;
	const char *rest = *p;
	char *type, *hex, *size, *allocated, *more;

	if (str_unquote(&rest, &name) != 0 || *rest != ' ')
		return 1;
	*p += rest + 1 - *p;
	type = take_word(p, ' ');
	hex = type ? take_word(p, ' ') : NULL;
	size = hex ? take_word(p, ' ') : NULL;
	allocated = size ? take_word(p, '\n') : NULL;
	more = allocated ? strchr(allocated, ' ') : NULL;
	ret->shared = more && str_eq(more, SHARED_WORD);
	if (ret->shared)
		*more = 0;
	if (!allocated || parse_type(type, &ret->type) != 0 ||
	    digest_parse(hex, &ret->digest) != 0 || str_u64(size, &ret->size) != 0 ||
	    str_u64(allocated, &ret->allocated) != 0)
		return 1;
	ret->name = arena_strdup(arena, name.buf);
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

int record_decode(const struct state_record *row, struct arena *arena, struct record **ret)
{
	size_t count = count_lines(row->outputs);
	struct record *rec;
	struct digest sum;
	char *text;

	record_sum(row, &sum);
	if (!digest_eq(&sum, &row->sum))
		return 1;
	rec = arena_alloc(arena, sizeof(*rec));
	*rec = (struct record){
		.key = row->key,
		.log = row->log,
		.node = arena_strdup(arena, row->node),
		.manifest = arena_strdup(arena, row->manifest),
		.seconds = row->seconds,
		.built_at = row->built_at,
		.output_count = count,
	};
	rec->outputs = arena_alloc(arena, (count ? count : 1) * sizeof(*rec->outputs));
	text = arena_strdup(arena, row->outputs);
	for (size_t i = 0; i < count; i++) {
		if (parse_output(&text, arena, &rec->outputs[i]) != 0)
			return 1;
	}
	if (*text)
		return 1;
	*ret = rec;
	return 0;
}
