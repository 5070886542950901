/* SPDX-License-Identifier: GPL-3.0-or-later */
/* damage: a part of the card, or of the firmware's variable store, is overwritten. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "scenario/card.h"
#include "scenario/verb.h"

enum damage_with { DAMAGE_ZERO, DAMAGE_RANDOM, DAMAGE_FLIP, DAMAGE_BLANK };
static const char *const with_words[] = {"zero", "random", "flip", "blank", NULL};

/* A range of the card or the variables, or a copy of the card's table. */
struct damage_range {
	struct card_range range;
	const char *gpt; /* "primary", "backup"; NULL: the range */
	bool variables;  /* not of the card */
	int with;        /* enum damage_with */
};

#define AT(field) offsetof(struct damage_range, field)
static const struct option range_options[] = {
	{"partition", OPT_STRING, AT(range.partition), .help = "A partition, by its name.",
	 .example = "data"},
	{"gpt", OPT_STRING, AT(gpt), .help = "A copy of the partition table: primary or backup."},
	{"variables", OPT_BOOL, AT(variables),
	 .help = "Not the card: the variable store of the board's firmware."},
	{"at", OPT_SIZE, AT(range.at),
	 .help = "First byte on the card, in the partition or the variable store."},
	{"size", OPT_SIZE, AT(range.size), OPT_POSITIVE,
	 .help = "Bytes; without it to the end of the partition or the variable store."},
	{"with", OPT_ENUM, AT(with), .def = "zero", .words = with_words,
	 .help = "What is written: zero, random (the same bytes each time), flip (every bit) or "
		 "blank (all ones, as erased flash)."},
};
#undef AT

static void check_range(void *data, const struct yaml *map, struct err_list *errors)
{
	const struct damage_range *d = data;
	const struct card_range *r = &d->range;

	if (d->gpt && !str_eq(d->gpt, "primary") && !str_eq(d->gpt, "backup"))
		err_list_at(errors, E_INVALID_VALUE, yaml_key_pos(map, "gpt"),
			    "'gpt' cannot be '%s' (one of: primary, backup)", d->gpt);
	if (d->gpt && (r->partition || r->at || r->size))
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos, "'gpt' is a range of its own");
	if (d->variables && (d->gpt || r->partition))
		err_list_at(errors, E_CONFLICTING_KEYS, yaml_key_pos(map, "variables"),
			    "'variables' are not on the card: leave 'gpt' and 'partition' out");
	if (!d->gpt && !d->variables && !r->partition && !r->size)
		err_list_at(errors, E_CONFLICTING_KEYS, map->pos,
			    "say what is damaged: 'partition', 'gpt', 'variables', or 'at' and "
			    "'size'");
}

static const struct schema range_schema =
	SCHEMA(struct damage_range, range_options, .check = check_range);

struct damage {
	struct step_head head;
	struct damage_range *range;
};

static const struct option options[] = {
	{"damage", OPT_STRUCT, offsetof(struct damage, range), .sub = &range_schema,
	 .help = "Destroys a part of the card. Power is off.",
	 .example = "{at: 1M, size: 32K, with: random}"},
	STEP_NAME(struct damage),
};
static const struct schema schema = SCHEMA(struct damage, options);

static int open_damaged(const struct stage *s, const struct damage_range *d, struct err **err)
{
	int fd;

	if (!d->variables)
		return card_open(s, err);
	if (!s->variables)
		return err_set(err, E_BOARD_LACKS,
			       "this board has no variable store: give it 'variables'");
	fd = open(s->variables, O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(err, E_READ_FAILED, errno, "cannot open the variables");
}

/* The bytes that are meant of a file of SIZE. GPT: header and entries of one copy. */
static int find_range(const struct stage *s, const struct damage_range *d, uint64_t size,
		      uint64_t *ret_at, uint64_t *ret_size, struct err **err)
{
	struct gpt_slot part = {.size = size};
	const struct card_range *r = &d->range;

	if (d->gpt) {
		*ret_size = 33 * 512;
		*ret_at = str_eq(d->gpt, "primary") ? 512 : s->card_size - *ret_size;
		return 0;
	}
	if (r->partition && card_partition(s, r->partition, &part, err) < 0)
		return -1;
	if (r->at >= part.size || r->size > part.size - r->at)
		return err_set(err, E_CARD_LAYOUT, "that range is not %s",
			       d->variables ? "in the variable store" : "on the card");
	*ret_at = part.start + r->at;
	*ret_size = r->size ? r->size : part.size - r->at;
	return 0;
}

/* Bytes that look random and are the same each time (xorshift64*). */
static void fill_random(unsigned char *buf, size_t len, uint64_t *state)
{
	for (size_t i = 0; i < len; i++) {
		*state ^= *state >> 12;
		*state ^= *state << 25;
		*state ^= *state >> 27;
		buf[i] = (unsigned char)((*state * UINT64_C(2685821657736338717)) >> 56);
	}
}

static int flip(int fd, uint64_t at, unsigned char *buf, size_t len, struct err **err)
{
	if (card_read(fd, at, buf, len, err) < 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)~buf[i];
	return 0;
}

static int run(struct stage *s, const void *opts, struct err **err)
{
	const struct damage_range *d = ((const struct damage *)opts)->range;
	unsigned char *buf cleanup_free = xcalloc(1, CARD_BLOCK);
	int fd cleanup_fd = open_damaged(s, d, err);
	uint64_t at = 0, size = 0, state = UINT64_C(88172645463325252);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_errno(err, E_READ_FAILED, errno, "cannot read what is damaged");
	if (find_range(s, d, (uint64_t)st.st_size, &at, &size, err) < 0)
		return -1;
	if (d->with == DAMAGE_BLANK)
		memset(buf, 0xff, CARD_BLOCK);
	for (uint64_t done = 0, len; done < size; done += len) {
		len = size - done < CARD_BLOCK ? size - done : CARD_BLOCK;
		if (d->with == DAMAGE_RANDOM)
			fill_random(buf, len, &state);
		if (d->with == DAMAGE_FLIP && flip(fd, at + done, buf, len, err) < 0)
			return -1;
		if (fd_pwrite_all(fd, "the card", buf, len, at + done, err) < 0)
			return -1;
	}
	return 0;
}

static unsigned traits_of(const void *opts)
{
	const struct damage *d = opts;

	return STEP_NEEDS_OFF |
	       (d->range->variables ? STEP_NEEDS_BOOT | STEP_NEEDS_QEMU : STEP_CHANGES_CARD);
}

const struct verb verb_damage = {
	.form = {"damage", &schema},
	.traits_of = traits_of,
	.run = run,
};
