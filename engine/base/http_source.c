/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/http_priv.h"

#include "base/clock.h"
#include "base/url.h"

#define TRIES 4 /* rounds over the sources of an item */
#define TIMEOUT_S 30
#define SILENCE_S 60 /* all tries of an item together wait so long for nothing */
#define PACE 16384 /* default; bytes per second on average; a slower one ends after PACE_AFTER_S */
#define PACE_AFTER_S 30

/* ---- times ---- */

static unsigned timeout_of(const struct transfer *t)
{
	const struct http_access *a = source_of(t)->access;

	return a && a->timeout_s ? a->timeout_s : TIMEOUT_S;
}

uint64_t transfer_patience_ms(const struct transfer *t)
{
	unsigned most = timeout_of(t) > SILENCE_S ? timeout_of(t) : SILENCE_S;

	return most * 1000ull > t->silent_ms ? most * 1000ull - t->silent_ms : 0;
}

/* This source's part of it: all that are still to be asked in this round get the same. */
uint64_t transfer_try_ms(const struct transfer *t)
{
	uint64_t ms = transfer_patience_ms(t), most = timeout_of(t) * 1000ull, sources = 0;

	for (size_t i = t->source; i < t->item->source_count; i++)
		sources += !t->given_up[i];
	if (sources)
		ms /= sources;
	if (ms > most)
		return most;
	return ms < 1000 ? 1000 : ms;
}

uint64_t transfer_silence_ms(const struct transfer *t, bool timeout)
{
	uint64_t now = clock_ms(), silence = now - t->moved_ms, all = now - t->started_ms;

	if (!timeout || silence >= t->timeout_ms)
		return silence;
	return all < t->timeout_ms ? all : t->timeout_ms;
}

/* ---- from one source to the next ---- */

const char *transfer_server(const struct transfer *t, const char *url)
{
	struct url u;

	url_split(t->fetch->arena, url, &u);
	return arena_printf(t->fetch->arena, "%s://%s:%s", u.scheme, u.host, u.port);
}

static bool is_down(const struct transfer *t, size_t source)
{
	return map_get(&t->fetch->down, transfer_server(t, t->item->sources[source].url)) != NULL;
}

void transfer_server_down(struct transfer *t)
{
	map_set(&t->fetch->down, transfer_server(t, source_of(t)->url), t->fetch);
}

/* The first source from FROM on that may be tried; source_count: none. */
static size_t next_source(const struct transfer *t, size_t from, bool even_down)
{
	while (from < t->item->source_count &&
	       (t->given_up[from] || (!even_down && is_down(t, from))))
		from++;
	return from;
}

/* The sources whose server answers first; the others when there is nothing else. */
static bool choose_source(struct transfer *t, size_t from)
{
	size_t i = next_source(t, from, false);

	if (i == t->item->source_count && from == 0)
		i = next_source(t, 0, true);
	if (i == t->item->source_count)
		return false;
	t->source = i;
	return true;
}

static int all_failed(const struct transfer *t, struct err **err)
{
	struct str said cleanup_str = STR_INIT;

	for (size_t i = 0; i < t->item->source_count; i++) {
		char *url cleanup_free = url_shown(t->item->sources[i].url);

		str_printf(&said, "%s%s: %s", i ? "; " : "", url,
			   t->failed[i] ? t->failed[i] : "not asked, its server was not reached");
	}
	t->item->gone = t->all_gone;
	return err_set(err, t->refused ? E_FETCH_REFUSED : E_FETCH_FAILED, "cannot fetch %s: %s%s",
		       t->item->name, said.buf, t->refused ? "; nothing was kept" : "");
}

int transfer_source_failed(struct transfer *t, const char *why, bool for_good, struct err **err)
{
	struct fetch *f = t->fetch;
	size_t was = t->source;

	free(t->failed[was]);
	t->failed[was] = xstrdup(why);
	t->given_up[was] = for_good;
	t->not_before = 0;
	if (!choose_source(t, was + 1)) {
		if (++t->rounds >= TRIES || !choose_source(t, 0))
			return all_failed(t, err);
		t->not_before = clock_ms() + (500ull << t->rounds);
		t->silent_ms += 500ull << t->rounds;
	}
	if (t->source != was && f->opts->passed_over) {
		char *url cleanup_free = url_shown(t->item->sources[was].url);
		char *text cleanup_free = xasprintf("%s: %s", url, why);

		f->opts->passed_over(f->opts->arg, t->item->name, text);
	}
	transfer_reset(t);
	t->state = TRANSFER_WAITING;
	return 0;
}

int transfer_source_refused(struct transfer *t, const char *why, struct err **err)
{
	t->refused = true;
	t->all_gone = false;
	return transfer_source_failed(t, why, true, err);
}

/* The average that is asked for; whoever limits himself is asked for less. */
static uint64_t pace_of(const struct transfer *t)
{
	const struct http_access *a = source_of(t)->access;
	uint64_t own = a ? a->bytes_per_second / parallel_of(t->fetch) / 2 : 0;
	uint64_t pace = t->fetch->opts->pace ? t->fetch->opts->pace : PACE;

	return own && own < pace ? own : pace;
}

int transfer_check_pace(struct transfer *t, struct err **err)
{
	uint64_t took = clock_ms() - t->started_ms, pace = pace_of(t);
	char *got cleanup_free = NULL, *want cleanup_free = NULL, *why cleanup_free = NULL;

	if (t->state != TRANSFER_RUNNING || took < PACE_AFTER_S * 1000 ||
	    t->got >= (took - PACE_AFTER_S * 1000) * pace / 1000)
		return 0;
	got = str_bytes(t->got);
	want = str_bytes(pace);
	why = xasprintf("too slow: %s in %llu s, and %s a second are asked for", got,
			(unsigned long long)took / 1000, want);
	t->all_gone = false;
	return transfer_source_failed(t, why, true, err);
}
