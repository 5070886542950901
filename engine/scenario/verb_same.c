/* SPDX-License-Identifier: GPL-3.0-or-later */
/* same: a part of the card is what an image holds. */
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scenario/card.h"
#include "scenario/verb.h"

static const char *const as_words[] = {"start", NULL};

struct same_range {
	struct card_range range;
	struct ref *as; /* an image, or the word "start" */
};

#define AT(field) offsetof(struct same_range, field)
static const struct option range_options[] = {
	{"partition", OPT_STRING, AT(range.partition), .help = "A partition, by its name.",
	 .example = "root-a"},
	{"at", OPT_SIZE, AT(range.at), .help = "First byte on the card, or in the partition."},
	{"size", OPT_SIZE, AT(range.size), OPT_POSITIVE,
	 .help = "Bytes; without it those of the image, or of the partition."},
	{"as", OPT_REF, AT(as), OPT_REQUIRED, .accept = ACCEPT_IMAGE | ACCEPT_FILE | ACCEPT_PATH,
	 .words = as_words,
	 .help = "What is there: an image, or start (the card as it was when the test began). An "
		 "image begins at the partition's start; without a partition it is one of the "
		 "whole card.",
	 .example = "root"},
};
#undef AT

static void check_range(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct card_range *r = data;

	if (!r->partition && !r->size)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "say what is compared: 'partition', or 'at' and 'size'");
}

static const struct schema range_schema =
	SCHEMA(struct same_range, range_options, .check = check_range);

struct same {
	struct step_head head;
	struct same_range *range;
};

static const struct option options[] = {
	{"same", OPT_STRUCT, offsetof(struct same, range), .sub = &range_schema,
	 .help = "A part of the card equals an image. Power is off.",
	 .example = "{partition: root-a, as: root}"},
	STEP_NAME(struct same),
};
static const struct schema schema = SCHEMA(struct same, options);

/*
 * Compares SIZE bytes of two files; what is missing after the end of one is zeros. 1: *RET_AT is
 * where they differ.
 */
static int compare(const char *a, uint64_t a_at, const char *b, uint64_t b_at, uint64_t size,
		   uint64_t *ret_at, struct err **err)
{
	unsigned char *x cleanup_free = xmalloc(CARD_BLOCK), *y cleanup_free = xmalloc(CARD_BLOCK);
	int fa cleanup_fd = open(a, O_RDONLY | O_CLOEXEC);
	int fb cleanup_fd = open(b, O_RDONLY | O_CLOEXEC);

	if (fa < 0 || fb < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot open '%s'", fa < 0 ? a : b);
	for (uint64_t done = 0, len; done < size; done += len) {
		len = size - done < CARD_BLOCK ? size - done : CARD_BLOCK;
		if (card_read(fa, a_at + done, x, len, err) < 0 ||
		    card_read(fb, b_at + done, y, len, err) < 0)
			return -1;
		if (memcmp(x, y, len) == 0)
			continue;
		for (size_t i = 0; i < len; i++) {
			if (x[i] != y[i]) {
				*ret_at = done + i;
				return 1;
			}
		}
	}
	return 0;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct same_range *m = ((const struct same *)opts)->range;
	const struct card_range *range = &m->range;
	bool start = m->as->type == REF_WORD || str_eq(m->as->text, "start");
	const char *image = start ? s->start : stage_path(s, m->as);
	struct gpt_slot part = {.size = s->card_size};
	uint64_t size = range->size, differs = 0;
	struct stat st;
	int rc;

	if (range->partition && card_partition(s, range->partition, &part, err) < 0)
		return -1;
	if (stat(image, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read '%s'", m->as->text);
	if (!size)
		size = start ? part.size : (uint64_t)st.st_size;
	if (range->at >= part.size || size > part.size - range->at)
		return err_set(err, E_SCENARIO_FAILED, "'%s' is larger than its place on the card",
			       m->as->text);
	rc = compare(s->card, part.start + range->at, image,
		     start || !range->partition ? part.start + range->at : range->at, size,
		     &differs, err);
	if (rc == 1)
		return err_set(err, E_SCENARIO_FAILED,
			       "the card differs from '%s' at byte %" PRIu64 " (%" PRIu64
			       " of the card)",
			       m->as->text, differs, part.start + range->at + differs);
	return rc;
}

const struct verb verb_same = {
	.form = {"same", &schema},
	.traits = STEP_NEEDS_OFF | STEP_READS_CARD,
	.run = run,
};
