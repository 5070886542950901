/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/curl_lazy.h"
#include "base/file.h"
#include "base/map.h"
#include "base/path.h"
#include "base/url.h"
#include "base/vec.h"

#define DEFAULT_PARALLEL 4
#define DEFAULT_MAX_SIZE (4ull << 30)
#define TRIES 4 /* rounds over the sources of an item */
#define TIMEOUT_S 30
#define LOW_SPEED_BYTES 1024L /* per second, over the timeout: a slower transfer is dead */
#define SILENCE_S 60          /* all tries of an item together wait so long for nothing */
#define PACE 16384 /* bytes per second on average; a slower one ends after PACE_AFTER_S */
#define PACE_AFTER_S 30
#define MAX_REDIRECTS 10L

enum transfer_state { TRANSFER_WAITING, TRANSFER_RUNNING, TRANSFER_DONE };

struct transfer {
	struct http_item *item;
	struct fetch *fetch;
	enum transfer_state state;
	unsigned rounds;     /* over all sources that are left */
	size_t source;       /* the one that is tried */
	bool *given_up;      /* by source: not to be tried again */
	char **failed;       /* by source: what its last try ended with; NULL: not tried */
	bool refused;        /* one had other bytes */
	bool all_gone;       /* every answer was that there is no such file */
	uint64_t not_before; /* milliseconds, monotonic */
	CURL *easy;
	int fd;
	char *part;
	struct hasher *hasher;
	uint64_t got;                  /* bytes of this try */
	uint64_t started_ms, moved_ms; /* this try; its last bytes */
	uint64_t silent_ms;            /* of all tries that failed */
	uint64_t timeout_ms;           /* of this try */
	char text[CURL_ERROR_SIZE];
	long status;     /* of HTTP, of this try; 0: none */
	bool too_large;  /* of the body callback */
	struct err *err; /* of the body callback: disk full */
};

struct fetch {
	const struct http_opts *opts;
	CURLM *multi;
	struct transfer *transfers;
	size_t count;
	struct arena *arena;
	struct map down; /* servers that could not be reached: not asked while there are others */
	unsigned running;
	uint64_t done_bytes, total_bytes;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t cap_of(const struct http_item *item)
{
	if (item->size)
		return item->size;
	return item->max_size ? item->max_size : DEFAULT_MAX_SIZE;
}

static const struct http_source *source_of(const struct transfer *t)
{
	return &t->item->sources[t->source];
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (t->got + len > cap_of(t->item)) {
		t->too_large = true;
		return 0;
	}
	if (fd_write_all(t->fd, t->part, data, len, &t->err) < 0)
		return 0;
	hasher_update(t->hasher, data, len);
	t->got += len;
	t->moved_ms = now_ms();
	t->fetch->done_bytes += len;
	return len;
}

/* Forgets the current try; a partial file never stays. */
static void transfer_reset(struct transfer *t)
{
	if (t->easy) {
		curl_multi_remove_handle(t->fetch->multi, t->easy);
		curl_easy_cleanup(t->easy);
		t->easy = NULL;
		t->fetch->running--;
	}
	if (t->part)
		unlink(t->part);
	free(t->part);
	t->part = NULL;
	fd_closep(&t->fd);
	hasher_free(t->hasher);
	t->hasher = NULL;
	t->fetch->done_bytes -= t->got;
	t->got = 0;
}

static void set_limits(CURL *easy, const struct transfer *t)
{
	/* Plain http is fine when the digest is known beforehand, and only then. */
	const char *web = t->item->sha256 ? "http,https" : "https";

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
			 str_skip(source_of(t)->url, "http:") ? "http,https" : web);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, MAX_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)cap_of(t->item));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "orch/" ORCH_VERSION);
}

static void set_string(CURL *easy, CURLoption option, const char *value)
{
	if (value)
		curl_easy_setopt(easy, option, value);
}

static unsigned parallel_of(const struct fetch *f)
{
	return f->opts->parallel ? f->opts->parallel : DEFAULT_PARALLEL;
}

static void set_tls(CURL *easy, const struct http_access *a)
{
	set_string(easy, CURLOPT_CAINFO, a->ca_file);
	if (a->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	set_string(easy, CURLOPT_CRLFILE, a->crl_file);
	set_string(easy, CURLOPT_SSLCERT, a->client_cert);
	set_string(easy, CURLOPT_SSLKEY, a->client_key ? a->client_key : a->client_cert);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, a->any_peer ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, a->any_peer || a->any_host ? 0L : 2L);
}

static unsigned timeout_of(const struct transfer *t)
{
	const struct http_access *a = source_of(t)->access;

	return a && a->timeout_s ? a->timeout_s : TIMEOUT_S;
}

/* What is left of the time in which nothing may come. */
static uint64_t patience_ms(const struct transfer *t)
{
	unsigned most = timeout_of(t) > SILENCE_S ? timeout_of(t) : SILENCE_S;

	return most * 1000ull > t->silent_ms ? most * 1000ull - t->silent_ms : 0;
}

/* This source's part of it: all that are still to be asked in this round get the same. */
static uint64_t try_ms(const struct transfer *t)
{
	uint64_t ms = patience_ms(t), most = timeout_of(t) * 1000ull, sources = 0;

	for (size_t i = t->source; i < t->item->source_count; i++)
		sources += !t->given_up[i];
	if (sources)
		ms /= sources;
	if (ms > most)
		return most;
	return ms < 1000 ? 1000 : ms;
}

static void set_access(CURL *easy, const struct transfer *t)
{
	static const struct http_access plain;
	const struct http_access *a = source_of(t)->access ? source_of(t)->access : &plain;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(t->timeout_ms / 1000));
	if (a->bytes_per_second)
		curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE,
				 (curl_off_t)(a->bytes_per_second / parallel_of(t->fetch) + 1));
	set_string(easy, CURLOPT_PROXY, a->proxy);
	set_tls(easy, a);
	set_string(easy, CURLOPT_USERNAME, a->user);
	set_string(easy, CURLOPT_PASSWORD, a->password);
	if (a->netrc)
		curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
}

static int transfer_start(struct transfer *t, struct err **err)
{
	t->part = xasprintf("%s.XXXXXX.part", t->item->dest);
	t->fd = mkostemps(t->part, 5, O_CLOEXEC);
	if (t->fd < 0) {
		err_errno(err, ERR_ENV, errno, "cannot create a file beside '%s'", t->item->dest);
		free(t->part);
		t->part = NULL;
		return -1;
	}
	t->easy = curl_easy_init();
	if (!t->easy)
		return err_set(err, ERR_RESOURCE, "libcurl cannot start a transfer");
	t->hasher = hasher_new();
	t->text[0] = 0;
	t->too_large = false;
	t->started_ms = t->moved_ms = now_ms();
	t->timeout_ms = try_ms(t);
	set_limits(t->easy, t);
	set_access(t->easy, t);
	curl_easy_setopt(t->easy, CURLOPT_URL, source_of(t)->url);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
	t->fetch->running++;
	t->state = TRANSFER_RUNNING;
	curl_multi_add_handle(t->fetch->multi, t->easy);
	return 0;
}

/* ---- from one source to the next ---- */

/* "scheme://host:port" of a source's URL. */
static const char *server_of(const struct transfer *t, const char *url)
{
	struct url u;

	url_split(t->fetch->arena, url, &u);
	return arena_printf(t->fetch->arena, "%s://%s:%s", u.scheme, u.host, u.port);
}

static bool is_down(const struct transfer *t, size_t source)
{
	return map_get(&t->fetch->down, server_of(t, t->item->sources[source].url)) != NULL;
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
	return err_set(err, t->refused ? ERR_INTEGRITY : ERR_NET, "cannot fetch %s: %s%s",
		       t->item->name, said.buf, t->refused ? "; nothing was kept" : "");
}

/* This source has failed, for good or for now: to the next one, or into the next round. */
static int source_failed(struct transfer *t, const char *why, bool for_good, struct err **err)
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
		t->not_before = now_ms() + (500ull << t->rounds);
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

static int source_refused(struct transfer *t, const char *why, struct err **err)
{
	t->refused = true;
	t->all_gone = false;
	return source_failed(t, why, true, err);
}

static int too_large(struct transfer *t, struct err **err)
{
	char *why cleanup_free = xasprintf("larger than the %llu bytes expected",
					   (unsigned long long)cap_of(t->item));

	return source_refused(t, why, err);
}

/* The complete body is there: right size, right digest, then its name. */
static int transfer_accept(struct transfer *t, struct err **err)
{
	struct http_item *item = t->item;
	char want[DIGEST_HEX + 1], have[DIGEST_HEX + 1];
	char *why cleanup_free = NULL;
	struct digest d;

	hasher_finish(steal_ptr(t->hasher), &d);
	if (item->size && t->got != item->size)
		why = xasprintf("has %llu bytes instead of %llu", (unsigned long long)t->got,
				(unsigned long long)item->size);
	else if (item->sha256 && !digest_eq(&d, item->sha256))
		why = xasprintf("has sha256 %s instead of %s", digest_hex(&d, have),
				digest_hex(item->sha256, want));
	if (why)
		return source_refused(t, why, err);
	if (fchmod(t->fd, 0444) < 0 || rename(t->part, item->dest) < 0)
		return err_errno(err, ERR_ENV, errno, "cannot create '%s'", item->dest);
	free(t->part);
	t->part = NULL;
	t->got = 0; /* stays counted in done_bytes */
	transfer_reset(t);
	t->state = TRANSFER_DONE;
	return 0;
}

static bool may_retry(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status >= 500 || status == 408 || status == 429;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_FILE_COULDNT_READ_FILE:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_WRITE_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CRL_BADFILE:
		return false;
	default:
		return true;
	}
}

static bool not_reached(CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_OPERATION_TIMEDOUT;
}

/* How long this try, which failed, has waited for nothing, or for next to nothing. */
static uint64_t silence_of(const struct transfer *t, CURLcode code)
{
	uint64_t now = now_ms(), silence = now - t->moved_ms, all = now - t->started_ms;

	if (code != CURLE_OPERATION_TIMEDOUT || silence >= t->timeout_ms)
		return silence;
	return all < t->timeout_ms ? all : t->timeout_ms;
}

/* The average that is asked for; whoever limits himself is asked for less. */
static uint64_t pace_of(const struct transfer *t)
{
	const struct http_access *a = source_of(t)->access;
	uint64_t own = a ? a->bytes_per_second / parallel_of(t->fetch) / 2 : 0;

	return own && own < PACE ? own : PACE;
}

static int check_pace(struct transfer *t, struct err **err)
{
	uint64_t took = now_ms() - t->started_ms, pace = pace_of(t);
	char *got cleanup_free = NULL, *want cleanup_free = NULL, *why cleanup_free = NULL;

	if (t->state != TRANSFER_RUNNING || took < PACE_AFTER_S * 1000 ||
	    t->got >= (took - PACE_AFTER_S * 1000) * pace / 1000)
		return 0;
	got = str_bytes(t->got);
	want = str_bytes(pace);
	why = xasprintf("too slow: %s in %llu s, and %s a second are asked for", got,
			(unsigned long long)took / 1000, want);
	t->all_gone = false;
	return source_failed(t, why, true, err);
}

static int check_paces(struct fetch *f, struct err **err)
{
	for (size_t i = 0; i < f->count; i++) {
		if (check_pace(&f->transfers[i], err) < 0)
			return -1;
	}
	return 0;
}

static int transfer_failed(struct transfer *t, CURLcode code, struct err **err)
{
	char *why cleanup_free = xstrdup(t->text[0] ? t->text : curl_easy_strerror(code));
	long status = t->status;

	if (t->err) {
		*err = steal_ptr(t->err);
		return -1;
	}
	if (code == CURLE_OUT_OF_MEMORY)
		out_of_memory(0);
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return too_large(t, err);
	if (status != 404 && status != 410)
		t->all_gone = false;
	if (not_reached(code))
		map_set(&t->fetch->down, server_of(t, source_of(t)->url), t->fetch);
	t->silent_ms += silence_of(t, code);
	return source_failed(t, why, !may_retry(code, status) || !patience_ms(t), err);
}

static int handle_finished(struct fetch *f, struct err **err)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = msg->data.result;
		struct transfer *t = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
		if (code == CURLE_FILE_COULDNT_READ_FILE)
			t->status = 404; /* what a server says of such a file */
		if (code != CURLE_OK) {
			if (transfer_failed(t, code, err) < 0)
				return -1;
			continue;
		}
		if (transfer_accept(t, err) < 0)
			return -1;
	}
	return 0;
}

/* Starts what may start. *ret_left is the number of transfers that are not done. */
static int start_waiting(struct fetch *f, size_t *ret_left, struct err **err)
{
	uint64_t now = now_ms();

	*ret_left = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		if (t->state == TRANSFER_DONE)
			continue;
		++*ret_left;
		if (t->state == TRANSFER_WAITING && f->running < parallel_of(f) &&
		    t->not_before <= now && transfer_start(t, err) < 0)
			return -1;
	}
	return 0;
}

static int fetch_loop(struct fetch *f, struct err **err)
{
	for (;;) {
		CURLMcode mc;
		size_t left;
		int running;

		if (start_waiting(f, &left, err) < 0)
			return -1;
		if (!left)
			return 0;
		mc = curl_multi_perform(f->multi, &running);
		if (handle_finished(f, err) < 0 || check_paces(f, err) < 0)
			return -1;
		/* with nothing under way: the next waits for its turn, or all are done */
		if (mc == CURLM_OK)
			mc = curl_multi_poll(f->multi, NULL, 0, running ? 200 : 5, NULL);
		if (mc != CURLM_OK)
			return err_set(err, ERR_NET, "libcurl: %s", curl_multi_strerror(mc));
		if (f->opts->progress)
			f->opts->progress(f->opts->arg, f->done_bytes, f->total_bytes);
	}
}

static void fetch_begin(struct fetch *f, struct http_item *items)
{
	f->arena = arena_new();
	f->transfers = xcalloc(f->count, sizeof(*f->transfers));
	for (size_t i = 0; i < f->count; i++) {
		size_t n = items[i].source_count;

		items[i].gone = false;
		f->transfers[i] = (struct transfer){.item = &items[i],
						    .fetch = f,
						    .fd = -1,
						    .all_gone = true,
						    .given_up = xcalloc(n, sizeof(bool)),
						    .failed = xcalloc(n, sizeof(char *))};
		f->total_bytes += items[i].size;
	}
}

static void fetch_end(struct fetch *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct transfer *t = &f->transfers[i];

		transfer_reset(t);
		for (size_t k = 0; k < t->item->source_count; k++)
			free(t->failed[k]);
		free(t->failed);
		free(t->given_up);
		err_free(t->err);
	}
	free(f->transfers);
	map_clear(&f->down);
	arena_free(f->arena);
	curl_multi_cleanup(f->multi);
}

int http_fetch(struct http_item *items, size_t count, const struct http_opts *opts,
	       struct err **err)
{
	static const struct http_opts defaults;
	struct fetch f = {.opts = opts ? opts : &defaults, .count = count};
	static bool ready;
	int rc;

	if (!count)
		return 0;
	if (curl_load(err) < 0)
		return -1;
	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_ENV, "libcurl cannot start");
	ready = true;
	f.multi = curl_multi_init();
	if (!f.multi)
		return err_set(err, ERR_RESOURCE, "libcurl cannot start");
	fetch_begin(&f, items);
	rc = fetch_loop(&f, err);
	fetch_end(&f);
	return rc;
}
