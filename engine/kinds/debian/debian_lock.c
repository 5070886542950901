/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lock file of a debian node as text. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/debian/debian.h"
#include "kinds/debian/lock_sections.h"

#define WORDS 12 /* of a package */
#define SOURCE_WORDS 8
#define VALID_UNTIL_IGNORED "valid-until:ignore"
#define FIRST_LINE "orch-lock 2"
#define FIRST_LINE_1 "orch-lock 1"
#define COMMENT "# Made by 'orch lock'; what the recipe's packages are, exactly."
#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const type_names[] = {"package", "source", "tool"};

const char *debian_dsc_name(struct arena *arena, const char *source, const char *version)
{
	const char *colon = strchr(version, ':');

	return arena_printf(arena, "%s_%s.dsc", source, colon ? colon + 1 : version);
}

const char *debian_lock_path(struct arena *arena, const char *node)
{
	return arena_printf(arena, "recipes/%s.lock", node);
}

/* ---- words ---- */

static bool only(const char *s, const char *allowed)
{
	return *s && s[strspn(s, allowed)] == '\0';
}

static bool is_name(const char *s)
{
	return only(s, ALNUM "._+-");
}

static bool is_version(const char *s)
{
	return only(s, ALNUM "._+-:~");
}

static bool is_list(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

/* What would end a word or begin an escape is written %XX; names of sources' files have commas. */
static void append_word(struct str *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c <= ' ' || c > '~' || c == '%')
			str_printf(out, "%%%02X", c);
		else
			str_append_char(out, *text);
	}
}

static int hex_value(char c)
{
	const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* 0, or 1 when TEXT is not what append_word() writes. */
static int decode_word(struct arena *arena, const char *text, const char **ret)
{
	struct str s cleanup_str = STR_INIT, again cleanup_str = STR_INIT;

	for (const char *p = text; *p; p++) {
		int high, low;

		if (*p != '%') {
			str_append_char(&s, *p);
			continue;
		}
		high = hex_value(p[1]);
		low = high < 0 ? -1 : hex_value(p[2]);
		if (low < 0 || !(high | low))
			return 1;
		str_append_char(&s, (char)(high << 4 | low));
		p += 2;
	}
	append_word(&again, s.buf);
	*ret = arena_strdup(arena, s.buf);
	return !str_eq(again.buf, text);
}

/* "-" stands for nothing. */
static const char *list_word(struct arena *arena, const char *word)
{
	return str_eq(word, "-") ? "" : arena_strdup(arena, word);
}

static const char *or_dash(const char *s)
{
	return *s ? s : "-";
}

/* ---- reading ---- */

/* What one line is parsed into. */
struct reading {
	struct arena *arena;
	struct debian_lock *lock;
	unsigned format;
};

/* The words that both formats have. */
static int parse_pin(struct arena *arena, char *words[], struct lock_entry *e)
{
	const char *why;

	if (!is_name(words[1]) || !is_name(words[2]) || !is_version(words[3]) ||
	    !is_name(words[4]) || decode_word(arena, words[5], &e->path) != 0 ||
	    !path_is_project(e->path, &why) || str_u64(words[6], &e->size) != 0 ||
	    digest_parse(words[7], &e->sha256) != 0)
		return 1;
	e->archive = arena_strdup(arena, words[1]);
	e->name = arena_strdup(arena, words[2]);
	e->version = arena_strdup(arena, words[3]);
	e->arch = arena_strdup(arena, words[4]);
	return 0;
}

static int parse_entry(struct reading *r, enum lock_type type, char *words[WORDS], size_t count,
		       unsigned line)
{
	bool whole = r->format != 1 && type != LOCK_SOURCE;
	struct lock_entry e = {.type = type, .line = line};

	if (count != (whole ? WORDS : SOURCE_WORDS) || parse_pin(r->arena, words, &e) != 0 ||
	    (type == LOCK_SOURCE) != str_eq(e.arch, "source"))
		return 1;
	if (whole) {
		if (!is_name(words[8]) || !is_version(words[9]) ||
		    str_u64(words[10], &e.installed) != 0 || !is_list(words[11]))
			return 1;
		e.source = arena_strdup(r->arena, words[8]);
		e.source_version = arena_strdup(r->arena, words[9]);
		e.needs = list_word(r->arena, words[11]);
	}
	lock_entries_push(&r->lock->entries, e);
	return 0;
}

static int parse_archive(struct reading *r, char *words[WORDS], size_t count)
{
	struct lock_archive a = {.alias = arena_strdup(r->arena, words[1])};

	if ((count != 5 && !(count == 6 && str_eq(words[5], VALID_UNTIL_IGNORED))) ||
	    !is_name(words[1]) || decode_word(r->arena, words[2], &a.suites) != 0 ||
	    decode_word(r->arena, words[3], &a.components) != 0)
		return 1;
	a.suite = arena_strndup(r->arena, a.suites, strcspn(a.suites, ","));
	a.keys = arena_strdup(r->arena, words[4]);
	a.own_keys = !str_eq(a.keys, "debian");
	a.valid_until_ignored = count == 6;
	lock_archives_push(&r->lock->archives, a);
	return 0;
}

static int parse_archive_1(struct reading *r, char *words[WORDS], size_t count)
{
	if (!(count == 3 || (count == 4 && str_eq(words[3], "own-keys"))) || !is_name(words[1]))
		return 1;
	lock_archives_push(&r->lock->archives,
			   (struct lock_archive){.alias = arena_strdup(r->arena, words[1]),
						 .suite = arena_strdup(r->arena, words[2]),
						 .own_keys = count == 4});
	return 0;
}

static int parse_want(struct reading *r, char *words[WORDS], size_t count, unsigned line)
{
	if (count != 3 || !is_list(words[1]) || !is_list(words[2]))
		return 1;
	lock_wants_push(&r->lock->wants, (struct lock_want){arena_strdup(r->arena, words[1]),
							    list_word(r->arena, words[2]), line});
	return 0;
}

/* 0, or 1 when the line is none of a lock. */
static int parse_line(struct reading *r, char *line, unsigned number)
{
	char *words[WORDS];
	size_t n = 0;

	for (char *w; (w = strsep(&line, " "));) {
		if (n == WORDS || !*w)
			return 1;
		words[n++] = w;
	}
	if (n == 0)
		return 1;
	if (n == 2 && str_eq(words[0], "request"))
		return digest_parse(words[1], &r->lock->request);
	if (n == 2 && str_eq(words[0], "date"))
		return str_u64(words[1], &r->lock->date);
	if (n == 2 && str_eq(words[0], "arch") && is_name(words[1])) {
		r->lock->arch = arena_strdup(r->arena, words[1]);
		return 0;
	}
	if (n > 2 && str_eq(words[0], "archive"))
		return r->format == 1 ? parse_archive_1(r, words, n) : parse_archive(r, words, n);
	if (r->format != 1 && str_eq(words[0], "want"))
		return parse_want(r, words, n, number);
	for (size_t i = 0; i < array_len(type_names); i++)
		if (str_eq(words[0], type_names[i]))
			return parse_entry(r, (enum lock_type)i, words, n, number);
	return 1;
}

#define REMEDY                                                                            \
	"restore the file, as from version control, or remove it and run 'orch lock' to " \
	"pin what the archives have now"

static int damaged(struct err **err, struct pos pos, const char *what)
{
	return err_at(err, E_LOCK_MALFORMED, pos, "%s: " REMEDY, what);
}

/* A lock as lines without their ends, each ended by NUL; POS is that of the one looked at. */
struct lines {
	char *text; /* heap */
	char **items;
	size_t count;
};

static void lines_clear(struct lines *l)
{
	free(l->text);
	free(l->items);
}

/* A merge leaves lines that begin with seven of these. */
static bool is_conflict(const char *line, size_t len)
{
	static const char *const marks[] = {"<<<<<<<", "|||||||", "=======", ">>>>>>>"};

	for (size_t i = 0; i < array_len(marks); i++)
		if (len >= 7 && memcmp(line, marks[i], 7) == 0)
			return true;
	return false;
}

static int check_conflict(const char *text, size_t len, struct pos *pos, struct err **err)
{
	const char *end = text + len;

	for (const char *line = text; line && line < end; pos->line++) {
		if (is_conflict(line, (size_t)(end - line)))
			return err_at(err, E_LOCK_MALFORMED, *pos,
				      "the lock has the conflict of a merge in it: take one side "
				      "whole ('git checkout --ours' or '--theirs'), then run 'orch "
				      "lock', which keeps its pins");
		line = memchr(line, '\n', (size_t)(end - line));
		if (line)
			line++;
	}
	pos->line = 1;
	return 0;
}

/* Line ends are LF, or all of them CRLF. */
static int split_lines(const char *text, size_t len, struct pos *pos, struct lines *ret,
		       struct err **err)
{
	const char *first = memchr(text, '\n', len);
	bool crlf = first && first > text && first[-1] == '\r';
	struct lines l = {.text = xmalloc(len + 1)};
	size_t cap = 0;

	memcpy(l.text, text, len);
	l.text[len] = '\0';
	*ret = l;
	pos->line = 1;
	for (char *next = l.text, *end; (size_t)(next - l.text) < len;
	     next = end + 1, pos->line++) {
		end = memchr(next, '\n', len - (size_t)(next - l.text));
		if (!end)
			return damaged(err, *pos, "the lock is cut short");
		*end = '\0';
		if (crlf && end > next && end[-1] == '\r')
			end[-1] = '\0';
		else if (crlf)
			return damaged(err, *pos, "malformed line (its end is not CRLF)");
		if (strlen(next) != (size_t)(end - next) - crlf || strchr(next, '\r'))
			return damaged(err, *pos, "malformed line");
		if (l.count == cap) {
			cap = cap ? 2 * cap : 256;
			l.items = xreallocarray(l.items, cap, sizeof(*l.items));
		}
		l.items[l.count++] = next;
		*ret = l;
	}
	return 0;
}

static int check_first_line(const struct lines *l, struct pos *pos, unsigned format,
			    struct err **err)
{
	pos->line = 1;
	if (!l->count)
		return damaged(err, *pos, "the lock is empty");
	if (format == 1 || str_eq(l->items[0], FIRST_LINE))
		return 0;
	if (str_eq(l->items[0], FIRST_LINE_1))
		return err_at(err, E_LOCK_OLD, *pos,
			      "a lock of an older orch: run 'orch lock', which keeps its pins and "
			      "writes them as '" FIRST_LINE "'");
	return damaged(err, *pos,
		       "not a lock of this orch (its first line is not '" FIRST_LINE "')");
}

/* The last line speaks for all bytes above. */
static int check_digest(const struct lines *l, struct pos *pos, struct err **err)
{
	const char *hex = str_skip(l->items[l->count - 1], "digest ");
	struct hasher *h;
	struct digest is;
	char is_hex[DIGEST_HEX + 1];

	pos->line = (unsigned)l->count;
	if (!hex)
		return damaged(err, *pos, "the lock is cut short (its last line is not a digest)");
	h = hasher_new();
	for (size_t i = 0; i + 1 < l->count; i++) {
		hasher_update(h, l->items[i], strlen(l->items[i]));
		hasher_update(h, "\n", 1);
	}
	hasher_finish(h, &is);
	if (str_eq(digest_hex(&is, is_hex), hex))
		return 0;
	return damaged(err, *pos,
		       "the lock is not as 'orch lock' wrote it (its digest differs): lines were "
		       "changed, lost or moved");
}

/* Every line is as debian_lock_format() writes it, where it writes it, once. */
static int check_spelling(struct debian_lock *l, const struct lines *lines, struct pos *pos,
			  struct err **err)
{
	struct str text cleanup_str = STR_INIT;
	char *next;

	pos->line = 1;
	debian_lock_format(l, &text);
	next = text.buf;
	for (size_t i = 0; i < lines->count; i++, pos->line++) {
		char *line = strsep(&next, "\n");

		if (!line || !str_eq(line, lines->items[i]))
			return damaged(err, *pos,
				       "the line is not where or as 'orch lock' writes it");
		if (i && str_eq(lines->items[i], lines->items[i - 1]))
			return damaged(err, *pos, "the line is there twice");
	}
	return 0;
}

/* Format 1 has comments and empty lines anywhere. */
static int parse_lines(struct reading *r, struct lines *lines, struct pos *pos, struct err **err)
{
	size_t last = r->format == 1 ? lines->count : lines->count - 1;
	size_t first = r->format == 1 ? 1 : 2;

	if (r->format != 1 && (last < 2 || !str_eq(lines->items[1], COMMENT))) {
		pos->line = 2;
		return damaged(err, *pos, last < 2 ? "the lock is cut short" : "malformed line");
	}
	for (size_t i = first; i < last; i++) {
		char *line cleanup_free = xstrdup(lines->items[i]);

		pos->line = (unsigned)i + 1;
		if (r->format == 1 && (!*line || *line == '#'))
			continue;
		if (parse_line(r, line, pos->line) != 0)
			return damaged(err, *pos, "malformed line");
	}
	pos->line = (unsigned)lines->count;
	if (!r->lock->arch || !r->lock->date)
		return damaged(err, *pos, "the lock is cut short");
	return 0;
}

static int parse(struct reading *r, const char *file, const char *text, size_t len,
		 struct err **err)
{
	struct lines lines __attribute__((cleanup(lines_clear))) = {0};
	struct pos pos = {.file = file, .line = 1, .col = 1};

	r->lock->format = r->format;
	if (check_conflict(text, len, &pos, err) < 0 ||
	    split_lines(text, len, &pos, &lines, err) < 0 ||
	    check_first_line(&lines, &pos, r->format, err) < 0 ||
	    parse_lines(r, &lines, &pos, err) < 0)
		return -1;
	if (r->format == 1)
		return 0;
	if (check_digest(&lines, &pos, err) < 0)
		return -1;
	return check_spelling(r->lock, &lines, &pos, err);
}

static int parse_format(struct arena *arena, unsigned format, const char *file, const char *text,
			size_t len, struct debian_lock *ret, struct err **err)
{
	struct debian_lock l = {0};
	struct reading r = {.arena = arena, .lock = &l, .format = format};

	if (parse(&r, file, text, len, err) < 0) {
		debian_lock_clear(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

int debian_lock_parse(struct arena *arena, const char *file, const char *text, size_t len,
		      struct debian_lock *ret, struct err **err)
{
	return parse_format(arena, 2, file, text, len, ret, err);
}

/* The line in ERR counts from the section's first. */
static int section_at(const struct lock_section *section, struct err *err)
{
	if (err->line)
		err->line += section->line - 1;
	return -1;
}

static int read_format(struct arena *arena, const struct project *p, const char *node, bool any,
		       struct debian_lock *ret, struct err **err)
{
	const char *file = debian_lock_path(arena, node);
	char *path cleanup_free = path_join(p->dir, file);
	struct str text cleanup_str = STR_INIT;
	struct lock_section section;
	struct stat st;
	bool old, answers;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 1;
	if (file_read(path, LOCK_MAX_BYTES, &text, err) < 0)
		return -1;
	old = any &&
	      (str_skip(text.buf, FIRST_LINE_1 "\n") || str_skip(text.buf, FIRST_LINE_1 "\r"));
	if (lock_section_of(arena, p, node, text.buf, text.len, &section, &answers))
		return 1;
	return parse_format(arena, old ? 1 : 2, file, section.text, section.len, ret, err) < 0
		       ? section_at(&section, *err)
		       : 0;
}

int debian_lock_read(struct arena *arena, const struct project *p, const char *node,
		     struct debian_lock *ret, struct err **err)
{
	return read_format(arena, p, node, false, ret, err);
}

int debian_lock_read_any(struct arena *arena, const struct project *p, const char *node,
			 struct debian_lock *ret, struct err **err)
{
	return read_format(arena, p, node, true, ret, err);
}

/* ---- writing ---- */

static int by_name(const void *a, const void *b)
{
	const struct lock_entry *x = a, *y = b;
	int c = (int)x->type - (int)y->type;

	if (!c)
		c = strcmp(x->name, y->name);
	if (!c)
		c = strcmp(x->arch, y->arch);
	return c ? c : strcmp(x->path, y->path);
}

static int by_alias(const void *a, const void *b)
{
	return strcmp(((const struct lock_archive *)a)->alias,
		      ((const struct lock_archive *)b)->alias);
}

static int by_what(const void *a, const void *b)
{
	return strcmp(((const struct lock_want *)a)->what, ((const struct lock_want *)b)->what);
}

static void sort(void *items, size_t count, size_t size, int (*by)(const void *, const void *))
{
	if (count)
		qsort(items, count, size, by);
}

void debian_lock_sort(struct debian_lock *l)
{
	sort(l->entries.items, l->entries.count, sizeof(*l->entries.items), by_name);
	sort(l->archives.items, l->archives.count, sizeof(*l->archives.items), by_alias);
	sort(l->wants.items, l->wants.count, sizeof(*l->wants.items), by_what);
}

static void append_entry(struct str *out, const struct lock_entry *e)
{
	char hex[DIGEST_HEX + 1];

	str_printf(out, "%s %s %s %s %s ", type_names[e->type], e->archive, e->name, e->version,
		   e->arch);
	append_word(out, e->path);
	str_printf(out, " %llu %s", (unsigned long long)e->size, digest_hex(&e->sha256, hex));
	if (e->type != LOCK_SOURCE)
		str_printf(out, " %s %s %llu %s", e->source, e->source_version,
			   (unsigned long long)e->installed, or_dash(e->needs));
	str_append_char(out, '\n');
}

static void append_archive(struct str *out, const struct lock_archive *a)
{
	str_printf(out, "archive %s ", a->alias);
	append_word(out, or_dash(a->suites));
	str_append_char(out, ' ');
	append_word(out, or_dash(a->components));
	str_printf(out, " %s%s\n", a->keys, a->valid_until_ignored ? " " VALID_UNTIL_IGNORED : "");
}

void debian_lock_format(struct debian_lock *l, struct str *ret)
{
	char hex[DIGEST_HEX + 1];
	struct str text cleanup_str = STR_INIT;
	struct digest d;

	debian_lock_sort(l);
	str_append(&text, FIRST_LINE "\n" COMMENT "\n");
	str_printf(&text, "request %s\narch %s\ndate %llu\n", digest_hex(&l->request, hex), l->arch,
		   (unsigned long long)l->date);
	for (size_t i = 0; i < l->archives.count; i++)
		append_archive(&text, &l->archives.items[i]);
	for (size_t i = 0; i < l->wants.count; i++)
		str_printf(&text, "want %s %s\n", l->wants.items[i].what,
			   or_dash(l->wants.items[i].names));
	for (size_t i = 0; i < l->entries.count; i++)
		append_entry(&text, &l->entries.items[i]);
	digest_data(text.buf, text.len, &d);
	str_append(ret, text.buf);
	str_printf(ret, "digest %s\n", digest_hex(&d, hex));
}
