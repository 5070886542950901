/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media.h"

#include <endian.h>

#include "media/disk/blklog.h"
#include "media/disk/match.h"

#define S BLKLOG_SECTOR
#define CARD (64 * 1024)

/* A log that grows entry by entry. */
struct log {
	struct str text;
	uint64_t entries;
};

static void u64(struct str *s, uint64_t v)
{
	v = htole64(v);
	str_append_len(s, &v, 8);
}

static void pad(struct str *s)
{
	while (s->len % S)
		str_append_char(s, '\0');
}

static void entry(struct log *l, uint64_t sector, uint64_t sectors, uint64_t flags, char fill)
{
	u64(&l->text, sector);
	u64(&l->text, sectors);
	u64(&l->text, flags);
	u64(&l->text, 0);
	pad(&l->text);
	for (uint64_t i = 0; !(flags & 4) && i < sectors * S; i++)
		str_append_char(&l->text, fill);
	l->entries++;
}

static struct log *log_new(void)
{
	static struct log l;

	str_release(&l.text);
	l = (struct log){.text = STR_INIT};
	for (int i = 0; i < S; i++)
		str_append_char(&l.text, '\0');
	return &l;
}

static struct blklog *log_open(struct log *l, const char *name)
{
	struct str head cleanup_str = STR_INIT;
	struct blklog *log = NULL;
	struct err *err = NULL;

	u64(&head, UINT64_C(0x6a736677736872));
	u64(&head, 1);
	u64(&head, l->entries);
	u64(&head, S); /* 32 bits and what follows */
	memcpy(l->text.buf, head.buf, head.len);
	ok(file_write(at(name), l->text.buf, l->text.len, 0600, false, &err), &err);
	ok(blklog_open(at(name), &log, &err), &err);
	return log;
}

static int card_new(const char *name, char fill)
{
	int fd = open(at(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *data cleanup_free = xmalloc(CARD);
	struct err *err = NULL;

	memset(data, fill, CARD);
	ok(fd_write_all(fd, name, data, CARD, &err), &err);
	return fd;
}

/* What happened, as one text: "w" written, "c" changed, "0", "1t" states ("!": seen before). */
struct seen {
	struct str text;
	struct replay *replay;
	struct match *match;
};

static int on_wrote(void *arg, uint64_t offset, uint64_t size, struct err **err)
{
	struct seen *s = arg;

	if (s->match && match_update(s->match, offset, size, err) < 0)
		return -1;
	str_printf(&s->text, "w%llu+%llu ", (unsigned long long)(offset / S),
		   (unsigned long long)(size / S));
	return 0;
}

static int on_changed(void *arg, size_t area, struct err **err)
{
	struct seen *s = arg;

	str_printf(&s->text, "c%zu ", area);
	return 0;
}

static int on_state(void *arg, const struct replay_state *st, struct err **err)
{
	struct seen *s = arg;

	str_printf(&s->text, "%zu%s%s@%llu", st->id, st->torn ? "t" : "", st->seen ? "!" : "",
		   (unsigned long long)st->write);
	if (st->lost)
		str_printf(&s->text, "-%u", st->lost);
	str_append(&s->text, " ");
	return 0;
}

static void events_of(struct seen *s, struct replay_events *ret)
{
	s->text = (struct str)STR_INIT;
	*ret = (struct replay_events){
		.arg = s, .changed = on_changed, .state = on_state, .wrote = on_wrote};
}

static void test_log(void **state)
{
	struct log *l = log_new();
	struct blklog *log cleanup_blklog = NULL;
	struct blklog_write w;
	struct err *err = NULL;

	entry(l, 3, 2, 0, 'x');
	entry(l, 0, 0, 1, 0);
	entry(l, 9, 4, 4, 0);
	log = log_open(l, "log");
	assert_int_equal(blklog_count(log), 3);
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.number, 1);
	assert_int_equal(w.offset, 3 * S);
	assert_int_equal(w.size, 2 * S);
	assert_int_equal(w.data[2 * S - 1], 'x');
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.size, 0);
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.size, 4 * S);
	assert_null(w.data);
	assert_int_equal(blklog_next(log, &w, &err), 1);
}

static void test_refused(void **state)
{
	struct log *l = log_new();
	struct blklog *log = NULL;
	struct blklog_write w;
	struct err *err = NULL;

	put("none", "some text that is long enough to be read");
	refused(blklog_open(at("none"), &log, &err), &err, "is not a log of writes");
	refused(blklog_open(at("missing"), &log, &err), &err, "cannot read");
	entry(l, 0, 8, 0, 'x');
	l->text.len -= S;
	log = log_open(l, "short");
	refused(blklog_next(log, &w, &err), &err, "ends in the middle");
	blklog_free(log);
	log = log_open(log_new(), "empty");
	assert_int_equal(blklog_next(log, &w, &err), 1);
	blklog_free(log);
}

static void test_states(void **state)
{
	struct log *l = log_new();
	struct blklog *log cleanup_blklog = NULL;
	struct replay *r cleanup_replay = NULL;
	struct replay_events events;
	struct seen seen = {0};
	struct err *err = NULL;
	int card cleanup_fd = card_new("card", 'o');
	char byte;

	entry(l, 50, 4, 0, 'x'); /* nowhere near */
	entry(l, 9, 3, 0, 'n');  /* one sector in front, two in the area */
	entry(l, 10, 2, 0, 'n'); /* nothing new */
	entry(l, 10, 2, 0, 'o'); /* back again, sector by sector */
	entry(l, 12, 2, 4, 0);   /* a discard */
	log = log_open(l, "log");
	events_of(&seen, &events);
	replay_new(log, card, &events, &r);
	replay_area(r, 10 * S, 3 * S, true);
	ok(replay_run(r, &err), &err);
	assert_string_equal(seen.text.buf,
			    "0@0 w50+4 w9+1 w10+1 c0 1t@2 w10+1 c0 2@2 w11+1 c0 3t@2 w11+1 c0 4@2 "
			    "w10+1 c0 5t@4 w10+1 c0 6@4 w11+1 c0 7t@4 w11+1 c0 0!@4 "
			    "w12+1 c0 8t@5 w12+1 c0 9@5 w13+1 ");
	assert_int_equal(replay_states(r), 10);
	assert_int_equal(pread(card, &byte, 1, 9 * S), 1);
	assert_int_equal(byte, 'n');
	assert_int_equal(pread(card, &byte, 1, 13 * S), 1);
	assert_int_equal(byte, 0);
	str_release(&seen.text);
}

/* The first byte of sector AT of the card, told with each state that lacks writes. */
struct lost {
	struct str text;
	int card;
	uint64_t sectors[3]; /* 0: no more */
	uint64_t used;       /* this sector matters, though no area has it */
};

static int on_lost(void *arg, const struct replay_state *st, struct err **err)
{
	struct lost *s = arg;

	str_printf(&s->text, "%zu@%llu-%u:", st->id, (unsigned long long)st->write, st->lost);
	for (size_t i = 0; i < array_len(s->sectors) && s->sectors[i]; i++) {
		char byte;

		assert_int_equal(pread(s->card, &byte, 1, (off_t)(s->sectors[i] * S)), 1);
		str_append_char(&s->text, byte ? byte : '.');
	}
	str_append_char(&s->text, ' ');
	return 0;
}

static bool lost_in_use(void *arg, uint64_t offset, uint64_t size)
{
	const struct lost *s = arg;

	return s->used && offset <= s->used * S && s->used * S < offset + size;
}

static void lost_run(struct log *l, struct lost *s, unsigned count)
{
	struct replay_events events = {.arg = s, .state = on_lost, .in_use = lost_in_use};
	struct blklog *log cleanup_blklog = log_open(l, "log");
	struct replay *r cleanup_replay = NULL;
	struct err *err = NULL;
	int card cleanup_fd = card_new("card", 'o');

	s->text = (struct str)STR_INIT;
	s->card = card;
	replay_new(log, card, &events, &r);
	replay_area(r, 10 * S, 3 * S, true);
	replay_keep(r, 20 * S, 4 * S);
	replay_lose(r, count);
	ok(replay_run(r, &err), &err);
}

static void lost_says(struct log *l, struct lost *s, unsigned count, const char *want)
{
	lost_run(l, s, count);
	assert_string_equal(s->text.buf, want);
	str_release(&s->text);
}

/* Each is lost, and both; what is overwritten comes back as it was; the last never is alone. */
static void test_lost_writes(void **state)
{
	struct log *l = log_new();
	struct lost s = {.sectors = {10, 11, 12}};

	entry(l, 10, 1, 0, 'a');
	entry(l, 11, 1, 0, 'b');
	entry(l, 10, 2, 0, 'c');
	entry(l, 50, 1, 0, 'd'); /* kept by nobody: as if nothing was written, but it was */
	entry(l, 12, 1, 0, 'e');
	lost_says(l, &s, 1,
		  "0@0-0:ooo 1@1-0:aoo 2@1-0:aoo 3@2-0:abo 4@2-0:abo 5@3-0:cbo 6@3-0:cbo "
		  "7@3-0:cco 8@3-0:cco 9@5-0:cce 10@5-0:cce ");
	lost_says(l, &s, 2,
		  "0@0-0:ooo 1@1-0:aoo 2@1-0:aoo 3@2-0:abo 4@2-0:abo 5@2-1:obo 6@3-0:cbo "
		  "7@3-0:cbo 8@3-0:cco 9@3-0:cco 9@3-1:cco 10@5-0:cce 11@5-0:cce ");
	lost_says(l, &s, 3,
		  "0@0-0:ooo 1@1-0:aoo 2@1-0:aoo 3@2-0:abo 4@2-0:abo 5@2-1:obo 6@3-0:cbo "
		  "7@3-0:cbo 8@3-0:cco 9@3-0:cco 9@3-2:cco 9@3-1:cco 9@3-1:cco 10@5-0:cce "
		  "11@5-0:cce 12@5-1:abe ");
}

/* Writes outside of all areas are lost as well, and told when they can matter. */
static void test_lost_in_use(void **state)
{
	struct log *l = log_new();
	struct lost s = {.sectors = {20, 21, 10}};

	entry(l, 20, 1, 0, 'a');
	entry(l, 21, 1, 4, 0); /* a discard */
	entry(l, 22, 1, 0, 'b');
	lost_says(l, &s, 8, "0@0-0:ooo ");
	s.used = 20;
	entry(l, 10, 1, 0, 'x');
	lost_run(l, &s, 8);
	assert_non_null(strstr(s.text.buf, "@3-1:o"));
	assert_non_null(strstr(s.text.buf, "@4-3:oox "));
	str_release(&s.text);
}

/* A disk with a write cache, whose area of SECTORS begins at 10. Returns what was sampled. */
static uint64_t cache_run(struct log *l, struct lost *s, uint64_t sectors, unsigned random)
{
	struct replay_events events = {.arg = s, .state = on_lost, .in_use = lost_in_use};
	struct blklog *log cleanup_blklog = log_open(l, "log");
	struct replay *r cleanup_replay = NULL;
	struct err *err = NULL;
	int card cleanup_fd = card_new("card", 'o');
	char byte;

	s->text = (struct str)STR_INIT;
	s->card = card;
	replay_new(log, card, &events, &r);
	replay_area(r, 10 * S, sectors * S, true);
	replay_keep(r, 40 * S, 4 * S);
	replay_lose_unflushed(r, random, 1);
	ok(replay_run(r, &err), &err);
	assert_int_equal(pread(card, &byte, 1, 10 * S), 1);
	assert_int_not_equal(byte, 'o'); /* nothing stays lost */
	return replay_sampled(r);
}

/* The states of TEXT in which something is lost, as they were told. */
static char *only_lost(const char *text)
{
	struct str ret = STR_INIT;

	for (const char *p = text, *end; *p; p = end + 1) {
		end = strchr(p, ' ');
		if (!strstr(p, "-0:") || strstr(p, "-0:") > end)
			str_append_len(&ret, strchr(p, '@'), (size_t)(end + 1 - strchr(p, '@')));
	}
	return str_steal(&ret);
}

static void cache_says(struct log *l, struct lost *s, const char *want)
{
	char *lost cleanup_free = NULL;

	assert_int_equal(cache_run(l, s, 3, 5), 0);
	lost = only_lost(s->text.buf);
	assert_string_equal(lost, want);
	str_release(&s->text);
}

/* Any sector since the last flush, whatever order they were written in. */
static void test_cache(void **state)
{
	struct log *l = log_new();
	struct lost s = {.sectors = {10, 11, 12}};

	entry(l, 10, 2, 0, 'a');
	entry(l, 0, 0, 1, 0);
	entry(l, 12, 1, 0, 'b');
	entry(l, 12, 1, 0, 'c'); /* two versions of it */
	cache_says(l, &s, "@1-1:oao @1-1:aoo @1-2:ooo @4-1:aac @4-1:aab @4-2:aao ");
	entry(l, 12, 1, 0, 'c'); /* no change */
	cache_says(l, &s, "@1-1:oao @1-1:aoo @1-2:ooo @5-1:aac @5-1:aab @5-2:aao ");
	entry(l, 10, 1, 1, 'd'); /* a flush before a write */
	cache_says(l, &s, "@1-1:oao @1-1:aoo @1-2:ooo @5-1:aac @5-1:aab @5-2:aao @6-1:aac ");
}

/* Of what is not watched the newest write is lost, and told when it can matter. */
static void test_cache_in_use(void **state)
{
	struct log *l = log_new();
	struct lost s = {.sectors = {10, 40, 41}};

	entry(l, 10, 1, 0, 'a');
	entry(l, 0, 0, 1, 0);
	entry(l, 40, 1, 0, 'b');
	entry(l, 41, 1, 0, 'c');
	cache_says(l, &s, "@1-1:ooo ");
	s.used = 41;
	cache_says(l, &s, "@1-1:ooo @4-1:abo ");
	s.used = 0;
	entry(l, 10, 1, 0, 'd');
	cache_says(l, &s, "@1-1:ooo @5-1:dbo @5-1:abc @5-2:abo ");
}

/* So many that not all sets can be told: the same ones each time. */
static void test_cache_sampled(void **state)
{
	struct log *l = log_new();
	struct lost s = {.sectors = {10, 11, 22}};
	char *first cleanup_free = NULL;

	entry(l, 10, 13, 0, 'a');
	assert_int_equal(cache_run(l, &s, 13, 7), 3 * 13 + 7);
	assert_non_null(strstr(s.text.buf, "@1-1:oaa "));
	assert_non_null(strstr(s.text.buf, "@1-12:aoo "));
	assert_non_null(strstr(s.text.buf, "@1-13:ooo "));
	assert_non_null(strstr(s.text.buf, "@1-11:aao "));
	first = str_steal(&s.text);
	assert_int_equal(cache_run(l, &s, 13, 7), 3 * 13 + 7);
	assert_string_equal(s.text.buf, first);
	str_release(&s.text);
}

/* The second area counts from the moment on when the first one says so. */
static int switch_on(void *arg, size_t area, struct err **err)
{
	struct seen *s = arg;

	if (area == 0)
		replay_watch(s->replay, 1, true);
	return 0;
}

static void test_switch(void **state)
{
	struct log *l = log_new();
	struct blklog *log cleanup_blklog = NULL;
	struct replay *r cleanup_replay = NULL;
	struct replay_events events;
	struct seen seen = {0};
	struct err *err = NULL;
	int card cleanup_fd = card_new("card", 0);

	entry(l, 20, 8, 0, 'x');
	entry(l, 2, 1, 0, 'y');
	entry(l, 21, 1, 0, 'z');
	log = log_open(l, "log");
	events_of(&seen, &events);
	events.changed = switch_on;
	events.wrote = NULL;
	replay_new(log, card, &events, &r);
	replay_area(r, 0, 4 * S, true);
	replay_area(r, 20 * S, 8 * S, false);
	seen.replay = r;
	ok(replay_run(r, &err), &err);
	assert_string_equal(seen.text.buf, "0@0 1t@2 2@2 3t@3 4@3 ");
	str_release(&seen.text);
}

static void test_match(void **state)
{
	struct match *m = NULL;
	struct err *err = NULL;
	int card cleanup_fd = card_new("card", 'a');
	char *data cleanup_free = xmalloc(4 * S);

	memset(data, 'b', 4 * S);
	ok(file_write(at("image"), data, 3 * S + 100, 0600, false, &err), &err);
	ok(match_new(card, 8 * S, at("image"), &m, &err), &err);
	assert_int_equal(match_differing(m), 4);
	ok(fd_pwrite_all(card, "card", data, 2 * S, 7 * S, &err), &err);
	ok(match_update(m, 7 * S, 2 * S, &err), &err);
	assert_int_equal(match_differing(m), 3);
	ok(fd_pwrite_all(card, "card", data, 3 * S, 9 * S, &err), &err);
	ok(match_update(m, 9 * S, 3 * S, &err), &err);
	assert_true(match_equal(m));
	ok(match_update(m, 0, 8 * S, &err), &err);
	ok(match_update(m, 12 * S, 8 * S, &err), &err);
	assert_true(match_equal(m));
	ok(fd_pwrite_all(card, "card", "c", 1, 11 * S + 99, &err), &err);
	ok(match_update(m, 11 * S + 99, 1, &err), &err);
	assert_int_equal(match_differing(m), 1);
	match_free(m);
	refused(match_new(card, 0, at("missing"), &m, &err), &err, "cannot read");
}

/* QEMU's own log of what qemu-io writes. */
static void test_qemu(void **state)
{
	char *program cleanup_free = path_program("qemu-io");
	struct blklog *log cleanup_blklog = NULL;
	struct blklog_write w;
	struct err *err = NULL;
	char *spec cleanup_free = NULL;

	if (!program)
		skip();
	close(card_new("disk", 'o'));
	put("qlog", "");
	spec = xasprintf("driver=blklogwrites,file.driver=file,file.filename=%s,log.driver=file,"
			 "log.filename=%s",
			 at("disk"), at("qlog"));
	RUN(program, "--image-opts", "-c", "write -P 7 1024 1536", "-c", "write -z 4096 512", "-c",
	    "flush", spec);
	ok(blklog_open(at("qlog"), &log, &err), &err);
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.offset, 1024);
	assert_int_equal(w.size, 1536);
	assert_int_equal(w.data[1535], 7);
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.offset, 4096);
	assert_int_equal(w.size, 512);
	assert_int_equal(w.data ? w.data[0] : 0, 0);
	assert_false(w.flush);
	ok(blklog_next(log, &w, &err), &err);
	assert_int_equal(w.size, 0);
	assert_true(w.flush);
	assert_true(blklog_count(log) >= 3); /* closing flushes once more */
}

/* A damaged log may name any place: the card keeps its size, and nobody waits for terabytes. */
static void test_outside(void **state)
{
	static const struct {
		uint64_t sector, sectors, flags;
	} outside[] = {
		{CARD / S, 1, 0},       {CARD / S - 1, 2, 0}, {UINT64_C(1) << 50, 1, 0},
		{0, 0xffffff36, 4},     {CARD / S, 1, 4},     {1, UINT64_MAX / S, 4},
		{UINT64_MAX / S, 2, 4},
	};
	static const struct replay_events none = {0};
	int card cleanup_fd = card_new("card", 'o');

	for (size_t i = 0; i < array_len(outside); i++) {
		struct log *l = log_new();
		struct blklog *log cleanup_blklog = NULL;
		struct replay *r cleanup_replay = NULL;
		struct err *err = NULL;
		struct stat st;

		entry(l, outside[i].sector, outside[i].sectors, outside[i].flags, 'x');
		log = log_open(l, "log");
		replay_new(log, card, &none, &r);
		replay_area(r, 0, S, true);
		refused(replay_run(r, &err), &err, "write 1: it does not lie on the card");
		assert_int_equal(fstat(card, &st), 0);
		assert_int_equal(st.st_size, CARD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log),          cmocka_unit_test(test_refused),
		cmocka_unit_test(test_states),       cmocka_unit_test(test_lost_writes),
		cmocka_unit_test(test_lost_in_use),  cmocka_unit_test(test_switch),
		cmocka_unit_test(test_match),        cmocka_unit_test(test_outside),
		cmocka_unit_test(test_qemu),         cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_in_use), cmocka_unit_test(test_cache_sampled),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
