/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kinds/debian/lock_sections.h"

#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kinds/kinds.h"

#define BEGIN "orch-lock "

void lock_sections_split(const char *text, size_t len, struct lock_sections *ret)
{
	const char *end = text + len, *at = text;
	struct lock_section s = {text, 0, 1};
	unsigned line = 1;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (at > s.text && (size_t)(end - at) > strlen(BEGIN) &&
		    strncmp(at, BEGIN, strlen(BEGIN)) == 0) {
			s.len = (size_t)(at - s.text);
			lock_sections_push(ret, s);
			s = (struct lock_section){at, 0, line};
		}
		at = newline ? newline + 1 : end;
		line++;
	}
	s.len = (size_t)(end - s.text);
	lock_sections_push(ret, s);
}

/* The word after NAME at the beginning of one of the first lines, and its length; NULL: none. */
static const char *word_of(const struct lock_section *s, const char *name, size_t *ret_len)
{
	const char *at = s->text, *end = at + s->len;
	size_t n = strlen(name);

	for (unsigned i = 0; i < 5 && at && at < end; i++) {
		if ((size_t)(end - at) > n && strncmp(at, name, n) == 0 && at[n] == ' ') {
			const char *word = at + n + 1,
				   *newline = memchr(word, '\n', (size_t)(end - word));

			*ret_len = (size_t)((newline ? newline : end) - word);
			*ret_len -= *ret_len && word[*ret_len - 1] == '\r';
			return word;
		}
		at = memchr(at, '\n', (size_t)(end - at));
		at += at != NULL;
	}
	return NULL;
}

static bool says(const struct lock_section *s, const char *name, const char *value)
{
	size_t len;
	const char *word = word_of(s, name, &len);

	return word && strlen(value) == len && memcmp(word, value, len) == 0;
}

bool lock_section_answers(const struct lock_section *s, const struct digest *request)
{
	char hex[DIGEST_HEX + 1];

	return says(s, "request", digest_hex(request, hex));
}

static const struct lock_section *answering(const struct lock_sections *all,
					    const struct digest *request)
{
	for (size_t i = 0; i < all->count; i++)
		if (lock_section_answers(&all->items[i], request))
			return &all->items[i];
	return NULL;
}

/* How many of the recipe's packages the section is there for. */
static size_t likeness(const struct lock_section *s, const struct debian_opts *o)
{
	size_t count = 0;

	for (size_t i = 0; i < o->packages.count; i++) {
		char *line cleanup_free =
			xasprintf("\nwant %s ", LIST_AT(o->packages, const char *, i));

		count += memmem(s->text, s->len, line, strlen(line)) != NULL;
	}
	return count;
}

/* Of the architecture of O, whatever it is of "build", the section with most of its packages. */
static const struct lock_section *nearest(const struct lock_sections *all,
					  const struct debian_opts *o)
{
	bool any = str_eq(o->arch, "build");
	const struct lock_section *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < all->count; i++) {
		size_t count = likeness(&all->items[i], o);

		if ((!any && !says(&all->items[i], "arch", o->arch)) || (best && count <= most))
			continue;
		best = &all->items[i];
		most = count;
	}
	return best;
}

int lock_section_of(struct arena *arena, const struct project *p, const char *node,
		    const char *text, size_t len, struct lock_section *ret, bool *ret_answers)
{
	struct lock_sections all = {0};
	const struct recipe *r = map_get(&p->recipes, node);
	const struct debian_opts *o = r && r->kind == &kind_debian ? r->opts : NULL;
	const struct lock_section *found = NULL;
	struct err *ignored cleanup_err = NULL;
	struct digest request;
	bool plain;

	*ret_answers = false;
	lock_sections_split(text, len, &all);
	plain = all.count == 1 && !p->variant;
	if (plain || !o)
		found = &all.items[0];
	else if (debian_request(arena, p, o, &request, &ignored) == 0)
		found = answering(&all, &request);
	*ret_answers = found != NULL;
	if (!found)
		found = nearest(&all, o);
	if (found)
		*ret = *found;
	lock_sections_clear(&all);
	return found ? 0 : 1;
}

/* ---- writing ---- */

static int by_arch(const void *a, const void *b)
{
	static const char *const names[] = {"arch", "request"};
	int c = 0;

	for (size_t i = 0; i < array_len(names) && !c; i++) {
		size_t x_len = 0, y_len = 0;
		const char *x = word_of(a, names[i], &x_len), *y = word_of(b, names[i], &y_len);

		c = strncmp(x ? x : "", y ? y : "", x_len < y_len ? x_len : y_len);
		if (!c)
			c = (x_len > y_len) - (x_len < y_len);
	}
	return c;
}

static void put_all(struct lock_sections *all, struct str *ret)
{
	if (all->count > 1)
		qsort(all->items, all->count, sizeof(*all->items), by_arch);
	for (size_t i = 0; i < all->count; i++)
		str_append_len(ret, all->items[i].text, all->items[i].len);
}

void lock_sections_replace(const char *old, size_t old_len, const char *now, struct str *ret)
{
	struct lock_sections all = {0};
	struct lock_section section = {now, strlen(now), 1};
	size_t len, kept = 0;
	const char *word = word_of(&section, "request", &len);
	char *request cleanup_free = xstrndup(word ? word : "", word ? len : 0);

	if (old_len)
		lock_sections_split(old, old_len, &all);
	for (size_t i = 0; i < all.count; i++)
		if (!says(&all.items[i], "request", request))
			all.items[kept++] = all.items[i];
	all.count = kept;
	lock_sections_push(&all, section);
	put_all(&all, ret);
	lock_sections_clear(&all);
}

static bool asked(const struct lock_section *s, const struct digest *requests, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lock_section_answers(s, &requests[i]))
			return true;
	return false;
}

int lock_sections_sweep(const char *text, size_t len, const struct digest *requests, size_t count,
			struct str *ret)
{
	struct lock_sections all = {0};
	size_t kept = 0, before;
	bool answered = true;

	lock_sections_split(text, len, &all);
	for (size_t i = 0; i < count; i++)
		answered = answered && answering(&all, &requests[i]);
	before = all.count;
	for (size_t i = 0; i < before && answered; i++)
		if (asked(&all.items[i], requests, count))
			all.items[kept++] = all.items[i];
	all.count = answered ? kept : before;
	put_all(&all, ret);
	lock_sections_clear(&all);
	return !answered || kept == before;
}

int lock_sections_tidy(struct arena *arena, const struct project *const *projects, size_t count,
		       const char *node, struct err **err)
{
	struct digest *requests = arena_alloc(arena, (count + 1) * sizeof(*requests));
	char *path cleanup_free = path_join(projects[0]->dir, debian_lock_path(arena, node));
	struct str text cleanup_str = STR_INIT, now cleanup_str = STR_INIT;
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		const struct recipe *r = map_get(&projects[i]->recipes, node);
		struct err *unknown cleanup_err = NULL;

		if (!r || r->kind != &kind_debian)
			continue;
		if (debian_request(arena, projects[i], r->opts, &requests[known++], &unknown) < 0)
			return 0;
	}
	if (!path_exists(path))
		return 0;
	if (file_read(path, LOCK_MAX_BYTES, &text, err) < 0)
		return -1;
	if (lock_sections_sweep(text.buf, text.len, requests, known, &now) || !now.len)
		return 0;
	return file_write(path, now.buf, now.len, 0644, true, err);
}
