/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include <endian.h>

#include "media/disk/gpt.h"
#include "media/disk/gpt_copy.h"
#include "scenario/cuts.h"

#define M ((uint64_t)1 << 20)

static struct target_slot slots[] = {{"A", "root-a"}, {"B", "root-b"}};
static const struct target device = {
	.slots = {slots, 2, 0},
	.areas = {{M, 4096}, {2 * M, 4096}},
	.area_count = 2,
	.boot_partition = "boot",
	.region = {4 * M, 2 * M},
};
#define SIZE (16 * M)
#define ROOT_A (6 * M)
#define ROOT_B (7 * M)

/* A card as the reference project's, but small. HALF: which one entry 1 names. */
static void card_new(const char *name, int half)
{
	static const unsigned char disk[16] = {1}, parts[4][16] = {{1}, {2}, {3}, {4}};
	struct layout l cleanup_layout = {.size = SIZE};
	struct err *err = NULL;

	blank(name, SIZE);
	layout_areas_push(&l.areas, (struct layout_area){"env", 1 * M, 4096});
	layout_areas_push(&l.areas, (struct layout_area){"env2", 2 * M, 4096});
	layout_parts_push(&l.parts,
			  (struct layout_part){"boot", "esp", .at = (half ? 5 : 4) * M, .size = M});
	layout_parts_push(&l.parts,
			  (struct layout_part){"root-a", "root-arm64", .at = ROOT_A, .size = M});
	layout_parts_push(&l.parts,
			  (struct layout_part){"root-b", "root-arm64", .at = ROOT_B, .size = M});
	layout_parts_push(&l.parts,
			  (struct layout_part){"data", "linux-generic", .at = 8 * M, .size = M});
	ok(layout_place(&l, &err), &err);
	l.first = 4 * M;
	ok(gpt_write(at(name), &l, disk, parts, &err), &err);
}

/* An image of 1 MiB that is FILL in its first 4 KiB. */
static const char *image(const char *name, char fill)
{
	struct err *err = NULL;
	char data[4096];
	int fd;

	memset(data, fill, sizeof(data));
	blank(name, M);
	fd = open(at(name), O_WRONLY | O_CLOEXEC);
	ok(fd_pwrite_all(fd, name, data, sizeof(data), 0, &err), &err);
	close(fd);
	return at(name);
}

struct scene {
	int card;        /* the card that the log leads to */
	struct str log;  /* without its head */
	uint64_t writes; /* entries */
	struct strv boots;
	unsigned lost_writes;
	bool write_cache;
	bool unswitched; /* the device has no boot partition that is switched */
};

static void u64(struct str *s, uint64_t v)
{
	v = htole64(v);
	str_append_len(s, &v, 8);
}

static void log_write(struct scene *s, uint64_t offset, const void *data, size_t len)
{
	static const char zeros[480];

	u64(&s->log, offset / 512);
	u64(&s->log, len / 512);
	u64(&s->log, 0);
	u64(&s->log, 0);
	str_append_len(&s->log, zeros, sizeof(zeros));
	str_append_len(&s->log, data, len);
	s->writes++;
}

static void flush(struct scene *s)
{
	static const char zeros[480];

	u64(&s->log, 0);
	u64(&s->log, 0);
	u64(&s->log, 1);
	u64(&s->log, 0);
	str_append_len(&s->log, zeros, sizeof(zeros));
	s->writes++;
}

static void fill(struct scene *s, uint64_t offset, size_t len, char c)
{
	char *data cleanup_free = xmalloc(len);

	memset(data, c, len);
	log_write(s, offset, data, len);
}

/* The environment of these tests: a serial number and the slot. */
static void environment(struct scene *s, int copy, char serial, char slot)
{
	char data[512] = {serial, slot};

	log_write(s, (copy ? 2 : 1) * M, data, sizeof(data));
}

/* Writes the tables of CARD, the backup first. */
static void tables(struct scene *s, const char *card)
{
	static const uint64_t places[][2] = {{SIZE - 33 * 512, 33}, {0, 34}};
	int fd = open(at(card), O_RDONLY | O_CLOEXEC);
	char data[34 * 512];

	for (int i = 0; i < 2; i++) {
		assert_true(pread(fd, data, places[i][1] * 512, (off_t)places[i][0]) > 0);
		log_write(s, places[i][0], data, places[i][1] * 512);
	}
	close(fd);
}

static void log_save(struct scene *s)
{
	struct str text cleanup_str = STR_INIT;
	struct err *err = NULL;

	u64(&text, UINT64_C(0x6a736677736872));
	u64(&text, 1);
	u64(&text, s->writes);
	u64(&text, 512);
	while (text.len < 512)
		str_append_char(&text, '\0');
	str_append_len(&text, s->log.buf, s->log.len);
	ok(file_write(at("log"), text.buf, text.len, 0600, false, &err), &err);
	str_release(&s->log);
}

/* The firmware of these tests: the copy with the higher number says the slot. */
static int boot(void *arg, const char *card, bool kernel, size_t *ret_slot, struct err **err)
{
	struct scene *s = arg;
	char copies[2][2];
	int fd cleanup_fd = open(card, O_RDONLY | O_CLOEXEC), newer;

	for (int i = 0; i < 2; i++)
		assert_int_equal(pread(fd, copies[i], 2, (off_t)((i + 1) * M)), 2);
	newer = copies[1][0] > copies[0][0];
	*ret_slot = copies[newer][1] == 'B';
	strv_printf(&s->boots, "%s%s", *ret_slot ? "B" : "A", kernel ? " kernel" : "");
	return 0;
}

static int play(struct scene *s, struct cuts_result *ret, struct err **err)
{
	struct cuts c = {.card = at("card"),
			 .log = at("log"),
			 .target = &device,
			 .torn = true,
			 .lost_writes = s->lost_writes,
			 .write_cache = s->write_cache,
			 .arg = s,
			 .boot = boot};
	struct target unswitched = device;
	int rc;

	unswitched.boot_partition = NULL;
	if (s->unswitched)
		c.target = &unswitched;
	log_save(s);
	strs_push(&c.roots, image("old", 'o'));
	strs_push(&c.roots, image("new", 'n'));
	if (!s->unswitched) {
		strs_push(&c.boots, image("boot-old", 'b'));
		strs_push(&c.boots, image("boot-new", 'c'));
	}
	rc = cuts_run(&c, ret, err);
	strs_clear(&c.roots);
	strs_clear(&c.boots);
	return rc;
}

static void begin(struct scene *s)
{
	char data[4096];
	struct err *err = NULL;
	int fd cleanup_fd = -1;

	*s = (struct scene){.log = STR_INIT};
	card_new("card", 0);
	card_new("switched", 1);
	fd = open(at("card"), O_WRONLY | O_CLOEXEC);
	memset(data, 'o', sizeof(data));
	ok(fd_pwrite_all(fd, "card", data, sizeof(data), ROOT_A, &err), &err);
	memset(data, 'b', sizeof(data));
	ok(fd_pwrite_all(fd, "card", data, sizeof(data), 4 * M, &err), &err);
	ok(fd_pwrite_all(fd, "card", "\1A", 2, M, &err), &err);
}

static void test_good(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	environment(&s, 1, 2, 'A');
	fill(&s, ROOT_B, 4096, 'n');
	fill(&s, 5 * M, 4096, 'c');
	tables(&s, "switched");
	environment(&s, 0, 3, 'B');
	ok(play(&s, &result, &err), &err);
	assert_int_equal(result.writes, 6);
	assert_true(result.states >= 6);
	assert_true(result.moments >= result.states);
	assert_int_equal(result.states, s.boots.count);
	assert_string_equal(s.boots.items[0], "A kernel");
	assert_string_equal(s.boots.items[s.boots.count - 1], "B kernel");
	strv_clear(&s.boots);
}

/* The new slot is named before it is whole. */
static void test_early(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	fill(&s, ROOT_B, 2048, 'n');
	environment(&s, 1, 2, 'B');
	fill(&s, ROOT_B + 2048, 2048, 'n');
	refused(play(&s, &result, &err), &err,
		"cut after write 2, which is torn at byte 2097152: slot 'B' would be used, and is "
		"not a whole image: 4 sectors differ from the nearest, '");
	strv_clear(&s.boots);
}

/* The slot in use is written to, long after its state was told. */
static void test_in_use(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	fill(&s, ROOT_B, 2048, 'n');
	fill(&s, ROOT_A + 8192, 512, 'x');
	refused(play(&s, &result, &err), &err, "write 2: slot 'A' would be used");
	strv_clear(&s.boots);
	begin(&s);
	fill(&s, 4 * M, 512, 'x');
	refused(play(&s, &result, &err), &err, "half of the boot region 'first' would be used");
	strv_clear(&s.boots);
}

/* Of a device that switches no boot partition, slots and tables count, and nothing else. */
static void test_unswitched(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	s.unswitched = true;
	fill(&s, 4 * M, 512, 'x');
	fill(&s, ROOT_B, 4096, 'n');
	environment(&s, 1, 2, 'B');
	ok(play(&s, &result, &err), &err);
	assert_string_equal(s.boots.items[s.boots.count - 1], "B kernel");
	strv_clear(&s.boots);
	begin(&s);
	s.unswitched = true;
	environment(&s, 1, 2, 'B');
	fill(&s, ROOT_B, 4096, 'n');
	refused(play(&s, &result, &err), &err, "slot 'B' would be used");
	strv_clear(&s.boots);
	begin(&s);
	s.unswitched = true;
	fill(&s, 0, 34 * 512, 'x');
	fill(&s, SIZE - 33 * 512, 33 * 512, 'x');
	refused(play(&s, &result, &err), &err, "no copy of the partition table is valid");
	strv_clear(&s.boots);
}

/* Both tables at once. */
static void test_no_table(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	fill(&s, SIZE - 512, 512, 0);
	fill(&s, 512, 512, 0);
	refused(play(&s, &result, &err), &err, "no copy of the partition table is valid");
	strv_clear(&s.boots);
}

/* The last bytes of the slot are written right before it is named. */
static void test_lost_slot(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	for (unsigned lost = 1; lost <= 3; lost += 2) {
		begin(&s);
		s.lost_writes = lost;
		fill(&s, ROOT_B, 3584, 'n');
		fill(&s, ROOT_B + 3584, 512, 'n');
		fill(&s, 9 * M, 512, 'd'); /* data, between the two */
		environment(&s, 1, 2, 'B');
		if (lost == 1)
			ok(play(&s, &result, &err), &err);
		else
			refused(play(&s, &result, &err), &err,
				"cut after write 4, with 1 of those before it lost: slot 'B' "
				"would be used, and is not a whole image: 1 sectors differ from "
				"the nearest");
		strv_clear(&s.boots);
	}
}

/* Two copies of the environment, or of the table, at the same moment. */
static void test_lost_copies(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	begin(&s);
	s.lost_writes = 8;
	environment(&s, 1, 2, 'A');
	fill(&s, ROOT_B, 4096, 'n');
	for (int i = 0; i < 8; i++)
		fill(&s, (9 * M) + (uint64_t)i * 512, 512, 'd');
	environment(&s, 0, 3, 'B');
	ok(play(&s, &result, &err), &err);
	/* the environment, at the write of the slot; the rest is too far apart */
	assert_int_equal(result.lost, 1);
	strv_clear(&s.boots);
	begin(&s);
	s.lost_writes = 2;
	tables(&s, "switched");
	fill(&s, 5 * M, 4096, 'c');
	refused(play(&s, &result, &err), &err, "half of the boot region");
	strv_clear(&s.boots);
}

/* With a write cache it takes a flush between the slot and its name, however much is written. */
static void test_flush(void **state)
{
	struct scene s;
	struct cuts_result result;
	struct err *err = NULL;

	for (int flushed = 0; flushed < 2; flushed++) {
		begin(&s);
		s.lost_writes = 8;
		s.write_cache = true;
		fill(&s, ROOT_B, 4096, 'n');
		for (int i = 0; i < 20; i++)
			fill(&s, (9 * M) + (uint64_t)i * 512, 512, 'd');
		if (flushed)
			flush(&s);
		environment(&s, 1, 2, 'B');
		if (flushed)
			ok(play(&s, &result, &err), &err);
		else
			refused(play(&s, &result, &err), &err,
				"with 1 of those before it lost: slot 'B' would be used, and is "
				"not a whole image: 8 sectors differ from the nearest");
		strv_clear(&s.boots);
	}
	assert_int_equal(result.sampled, 0);
	assert_true(result.lost > 0);
}

static void test_copies(void **state)
{
	struct gpt_slots table = {0};
	int fd cleanup_fd = -1;

	card_new("card", 1);
	fd = open(at("card"), O_RDWR | O_CLOEXEC);
	assert_int_equal(gpt_copy_read(fd, 1, &table), 0);
	assert_int_equal(table.count, 4);
	assert_int_equal(gpt_slot_named(&table, "boot")->start, 5 * M);
	assert_int_equal(gpt_slot_named(&table, "root-b")->size, M);
	assert_null(gpt_slot_named(&table, "none"));
	gpt_slots_clear(&table);
	assert_int_equal(pwrite(fd, "x", 1, 1024 + 60), 1);
	assert_int_equal(gpt_copy_read(fd, 1, &table), 1);
	assert_int_equal(gpt_copy_any(fd, SIZE, &table), 0);
	gpt_slots_clear(&table);
	assert_int_equal(pwrite(fd, "x", 1, SIZE - 500), 1);
	assert_int_equal(gpt_copy_any(fd, SIZE, &table), 1);
	assert_int_equal(gpt_copy_read(fd, 1 << 20, &table), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),        cmocka_unit_test(test_early),
		cmocka_unit_test(test_in_use),      cmocka_unit_test(test_no_table),
		cmocka_unit_test(test_copies),      cmocka_unit_test(test_lost_slot),
		cmocka_unit_test(test_lost_copies), cmocka_unit_test(test_flush),
		cmocka_unit_test(test_unswitched),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
