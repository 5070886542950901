/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs of the card while the power is off. */
#include <fcntl.h>
#include <inttypes.h>

#include "base/file.h"
#include "kinds/test_run.h"
#include "media/gpt_copy.h"

#define BLOCK (1u << 20)

int test_open_card(const struct test_run *r, const char *path, struct err **err)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(err, ERR_ENV, errno, "cannot open the card");
}

int test_partition(const char *card, const char *name, struct gpt_part *ret, struct err **err)
{
	struct gpt_parts parts = {0};
	int rc = 1;

	if (gpt_read(card, &parts, err) < 0)
		return -1;
	for (size_t i = 0; i < parts.count && rc; i++) {
		if (str_eq(parts.items[i].name, name)) {
			*ret = parts.items[i];
			rc = 0;
		}
	}
	gpt_parts_clear(&parts);
	return rc ? err_set(err, ERR_USER, "there is no partition '%s' on the card", name) : 0;
}

/* -- U-Boot's environment -- */

int test_read_env(const struct test_run *r, const char *card, struct uboot_env *ret,
		  struct err **err)
{
	int fd cleanup_fd = test_open_card(r, card, err);
	uint64_t at[2], size;

	test_environment(r->o, at, &size);
	return fd < 0 ? -1 : uboot_env_read(fd, "the card", at, size, ret, err);
}

int test_write_env(const struct test_run *r, const char *card, const struct uboot_env *e,
		   struct err **err)
{
	int fd cleanup_fd = test_open_card(r, card, err);
	uint64_t at[2], size;

	test_environment(r->o, at, &size);
	return fd < 0 ? -1 : uboot_env_write(fd, "the card", at, size, e, err);
}

static int check_copies(const struct test_step *s, const struct uboot_env *e, struct err **err)
{
	static const int wanted[] = {[COPIES_BOTH] = 2, [COPIES_ONE] = 1, [COPIES_NONE] = 0};
	int valid = e->valid[0] + e->valid[1];

	if (s->copies == COPIES_ANY || wanted[s->copies] == valid)
		return 0;
	return err_set(err, ERR_BUILD, "%d of the environment's copies %s valid, not %d", valid,
		       valid == 1 ? "is" : "are", wanted[s->copies]);
}

int test_env(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct uboot_env e cleanup_uboot_env = {.newer = -1};

	if (test_read_env(r, r->card, &e, err) < 0 || check_copies(s, &e, err) < 0)
		return -1;
	for (size_t i = 0; i < s->environment.count; i++) {
		const struct pair *p = LIST_AT(s->environment, struct pair *, i);
		const char *is = uboot_env_get(&e, p->key);

		if (!str_eq(is ? is : "", p->value))
			return err_set(err, ERR_BUILD, "%s is %s%s%s, not %s%s%s%s", p->key,
				       is ? "'" : "not set", is ? is : "", is ? "'" : "",
				       *p->value ? "'" : "unset", p->value, *p->value ? "'" : "",
				       e.newer < 0 ? " (no copy of the environment is valid)" : "");
	}
	return 0;
}

int test_set_env(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct uboot_env e cleanup_uboot_env = {.newer = -1};

	if (test_read_env(r, r->card, &e, err) < 0)
		return -1;
	for (size_t i = 0; i < s->set_environment.count; i++) {
		const struct pair *p = LIST_AT(s->set_environment, struct pair *, i);

		uboot_env_set(&e, p->key, p->value);
	}
	return test_write_env(r, r->card, &e, err);
}

/* -- damage -- */

/* The range a step names. GPT: header and entries of one copy. */
static int damaged_range(struct test_run *r, const struct test_damage *d, uint64_t *ret_at,
			 uint64_t *ret_size, struct err **err)
{
	struct gpt_part part = {.size = r->o->card_size};

	if (d->gpt) {
		*ret_size = 33 * 512;
		*ret_at = str_eq(d->gpt, "primary") ? 512 : r->o->card_size - *ret_size;
		return 0;
	}
	if (d->partition && test_partition(r->card, d->partition, &part, err) < 0)
		return -1;
	if (d->at >= part.size || d->size > part.size - d->at)
		return err_set(err, ERR_USER, "that range is not on the card");
	*ret_at = part.start + d->at;
	*ret_size = d->size ? d->size : part.size - d->at;
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

static int read_block(int fd, uint64_t at, unsigned char *buf, size_t len, struct err **err)
{
	ssize_t n = pread(fd, buf, len, (off_t)at);

	if (n < 0)
		return err_errno(err, ERR_ENV, errno, "cannot read an image");
	memset(buf + n, 0, len - (size_t)n);
	return 0;
}

int test_damage(struct test_run *r, const struct test_step *s, struct err **err)
{
	unsigned char *buf cleanup_free = xcalloc(1, BLOCK);
	int fd cleanup_fd = test_open_card(r, r->card, err);
	uint64_t at = 0, size = 0, state = UINT64_C(88172645463325252);

	if (fd < 0 || damaged_range(r, s->damage, &at, &size, err) < 0)
		return -1;
	for (uint64_t done = 0, len; done < size; done += len) {
		len = size - done < BLOCK ? size - done : BLOCK;
		if (s->damage->with == DAMAGE_RANDOM)
			fill_random(buf, len, &state);
		if (s->damage->with == DAMAGE_FLIP) {
			if (read_block(fd, at + done, buf, len, err) < 0)
				return -1;
			for (size_t i = 0; i < len; i++)
				buf[i] = (unsigned char)~buf[i];
		}
		if (fd_pwrite_all(fd, "the card", buf, len, at + done, err) < 0)
			return -1;
	}
	return 0;
}

/* -- comparing -- */

int test_compare(const char *a, uint64_t a_at, const char *b, uint64_t b_at, uint64_t size,
		 uint64_t *ret_at, struct err **err)
{
	unsigned char *x cleanup_free = xmalloc(BLOCK), *y cleanup_free = xmalloc(BLOCK);
	int fa cleanup_fd = open(a, O_RDONLY | O_CLOEXEC);
	int fb cleanup_fd = open(b, O_RDONLY | O_CLOEXEC);

	if (fa < 0 || fb < 0)
		return err_errno(err, ERR_ENV, errno, "cannot open '%s'", fa < 0 ? a : b);
	for (uint64_t done = 0, len; done < size; done += len) {
		len = size - done < BLOCK ? size - done : BLOCK;
		if (read_block(fa, a_at + done, x, len, err) < 0 ||
		    read_block(fb, b_at + done, y, len, err) < 0)
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

int test_same(struct test_run *r, const struct test_step *s, struct err **err)
{
	const struct test_same *m = s->same;
	bool start = m->as->type == REF_WORD || str_eq(m->as->text, "start");
	const char *image = start ? r->start : action_input(r->a, m->as)->path;
	struct gpt_part part = {.size = r->o->card_size};
	uint64_t size = m->size, differs;
	struct stat st;
	int rc;

	if (m->partition && test_partition(r->card, m->partition, &part, err) < 0)
		return -1;
	if (stat(image, &st) < 0)
		return err_errno(err, ERR_ENV, errno, "cannot read '%s'", m->as->text);
	if (!size)
		size = start ? part.size : (uint64_t)st.st_size;
	if (m->at >= part.size || size > part.size - m->at)
		return err_set(err, ERR_BUILD, "'%s' is larger than its place on the card",
			       m->as->text);
	rc = test_compare(r->card, part.start + m->at, image,
			  start || !m->partition ? part.start + m->at : m->at, size, &differs, err);
	if (rc == 1)
		return err_set(err, ERR_BUILD,
			       "the card differs from '%s' at byte %" PRIu64 " (%" PRIu64
			       " of the card)",
			       m->as->text, differs, part.start + m->at + differs);
	return rc;
}

/* -- the boot region -- */

/* Whether the copies of the partition table say the same; free both with gpt_slots_clear. */
static bool same_tables(const struct gpt_slots *a, const struct gpt_slots *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (!str_eq(a->items[i].name, b->items[i].name) ||
		    a->items[i].start != b->items[i].start || a->items[i].size != b->items[i].size)
			return false;
	}
	return true;
}

/* The first partition ends where its region's half does: at the next partition, or half before. */
static int check_half(const struct gpt_slots *table, bool second, struct err **err)
{
	const struct gpt_slot *boot = &table->items[0];
	uint64_t next = UINT64_MAX, want;

	for (size_t i = 1; i < table->count; i++) {
		if (table->items[i].start < next)
			next = table->items[i].start;
	}
	want = next - (second ? boot->size : 2 * boot->size);
	if (boot->start == want)
		return 0;
	return err_set(err, ERR_BUILD,
		       "the first partition is at %" PRIu64 ", not at %" PRIu64
		       ", the %s half of its region",
		       boot->start, want, second ? "second" : "first");
}

int test_boot_half(struct test_run *r, const struct test_step *s, struct err **err)
{
	struct gpt_slots primary = {0}, backup = {0};
	int fd cleanup_fd = test_open_card(r, r->card, err);
	int rc;

	if (fd < 0)
		return -1;
	if (gpt_copy_read(fd, 1, &primary) != 0 || !primary.count)
		rc = err_set(err, ERR_BUILD, "the primary partition table is damaged");
	else if (gpt_copy_read(fd, r->o->card_size / GPT_SECTOR - 1, &backup) != 0)
		rc = err_set(err, ERR_BUILD,
			     "there is no valid backup of the partition table at the card's end");
	else if (!same_tables(&primary, &backup))
		rc = err_set(err, ERR_BUILD, "the copies of the partition table differ");
	else
		rc = check_half(&primary, str_eq(s->boot_half, "second"), err);
	gpt_slots_clear(&primary);
	gpt_slots_clear(&backup);
	return rc;
}
