/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/http_priv.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/path.h"
#include "base/vec.h"

#define DEFAULT_MAX_SIZE (4ull << 30)
#define LOW_SPEED_BYTES 1024L /* per second, over the timeout: a slower transfer is dead */
#define MAX_REDIRECTS 10
#define PAGE_SIZE (64u << 10)
#define HEADER_LINE_MOST (1 << 20) /* libcurl gives up earlier, as if memory were exhausted */

_Static_assert(HTTP_TEXT_SIZE >= CURL_ERROR_SIZE, "libcurl writes so much");

static uint64_t cap_of(const struct transfer *t)
{
	const struct http_item *item = t->item;
	uint64_t own = item->max_size ? item->max_size : DEFAULT_MAX_SIZE;
	uint64_t most = t->fetch->opts->max_size;

	if (item->size)
		own = item->size;
	return most && most < own ? most : own;
}

/* Whether the answer is that the file is elsewhere, and it is for us to go there. */
static bool leads_on(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status / 100 == 3 && t->at.access && t->at.access->elsewhere;
}

/* Once it has ended: where it leads, NULL: nowhere. */
static const char *redirect_of(const struct transfer *t)
{
	char *url = NULL;

	if (leads_on(t))
		curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &url);
	return url;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t len = size * count;

	if (leads_on(t))
		return len; /* a page about it */
	if (t->got + len > cap_of(t)) {
		t->too_large = true;
		return 0;
	}
	if (fd_write_all(t->fd, t->part, data, len, &t->err) < 0)
		return 0;
	hasher_update(t->hasher, data, len);
	t->got += len;
	t->moved_ms = clock_ms();
	t->fetch->done_bytes += len;
	return len;
}

void transfer_reset(struct transfer *t)
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

/* Plain http is fine when the digest is known beforehand, or it has begun so, and only then. */
static bool may_be_plain(const struct transfer *t)
{
	return t->item->sha256 || str_skip(t->at.url, "http:");
}

static void set_limits(CURL *easy, const struct transfer *t)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
			 may_be_plain(t) ? "http,https" : "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION,
			 t->at.access && t->at.access->elsewhere ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)MAX_REDIRECTS);
	curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	/* Pages that say where the file is may be longer; on_body() is exact. */
	curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
			 (curl_off_t)(cap_of(t) > PAGE_SIZE ? cap_of(t) : PAGE_SIZE));
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "orch/" ORCH_VERSION);
}

static void set_string(CURL *easy, CURLoption option, const char *value)
{
	if (value)
		curl_easy_setopt(easy, option, value);
}

void http_set_access(void *easy, const struct http_access *a)
{
	set_string(easy, CURLOPT_PROXY, a->proxy);
	set_string(easy, CURLOPT_CAINFO, a->ca_file);
	if (a->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	set_string(easy, CURLOPT_CRLFILE, a->crl_file);
	set_string(easy, CURLOPT_SSLCERT, a->client_cert);
	set_string(easy, CURLOPT_SSLKEY, a->client_key ? a->client_key : a->client_cert);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, a->any_peer ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, a->any_peer || a->any_host ? 0L : 2L);
}

/* Who we are to the current source: its access says it, or it was asked for. */
static void set_login(CURL *easy, struct transfer *t, const struct http_access *a)
{
	const struct http_login *l = map_get(&t->fetch->logins, transfer_server(t, t->at.url));
	const struct http_login own = {.user = a->user, .password = a->password};

	if (a->user || !l)
		l = &own;
	t->named = l->user != NULL;
	set_string(easy, CURLOPT_USERNAME, l->user);
	set_string(easy, CURLOPT_PASSWORD, l->password);
}

static void set_access(CURL *easy, struct transfer *t)
{
	static const struct http_access plain;
	const struct http_access *a = t->at.access ? t->at.access : &plain;

	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)(t->timeout_ms / 1000));
	if (a->bytes_per_second)
		curl_easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE,
				 (curl_off_t)(a->bytes_per_second / parallel_of(t->fetch) + 1));
	http_set_access(easy, a);
	set_login(easy, t, a);
}

/* What URL names: 0, the error number of stat(), or -1 when it is not a file: one. */
static int stat_url(const char *url, struct stat *ret)
{
	CURLU *u = str_skip(url, "file:") ? curl_url() : NULL;
	char *path = NULL;
	int rc = -1;

	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK)
		rc = stat(path, ret) == 0 ? 0 : errno;
	curl_free(path);
	curl_url_cleanup(u);
	return rc;
}

/* A pipe or a device would hold us where libcurl opens it, for ever. */
static bool is_special_file(const char *url)
{
	struct stat st;

	return stat_url(url, &st) == 0 && !S_ISREG(st.st_mode);
}

/* One that is there may be unreadable for many reasons; only one that is not is gone. */
static bool is_missing_file(const char *url)
{
	struct stat st;
	int rc = stat_url(url, &st);

	return rc == ENOENT || rc == ENOTDIR;
}

static int transfer_start(struct transfer *t, struct err **err)
{
	if (!t->moved) {
		t->at = *source_of(t);
		t->hops = 0;
	}
	t->moved = false;
	if (is_special_file(t->at.url)) {
		t->all_gone = false;
		return transfer_source_failed(t, "is not a regular file", true, err);
	}
	t->part = xasprintf("%s.XXXXXX.part", t->item->dest);
	t->fd = mkostemps(t->part, 5, O_CLOEXEC);
	if (t->fd < 0) {
		err_errno(err, E_WRITE_FAILED, errno, "cannot create a file beside '%s'",
			  t->item->dest);
		free(t->part);
		t->part = NULL;
		return -1;
	}
	t->easy = curl_easy_init();
	if (!t->easy)
		return err_set(err, E_NO_MEMORY, "libcurl cannot start a transfer");
	t->hasher = hasher_new();
	t->text[0] = 0;
	t->too_large = false;
	t->started_ms = t->moved_ms = clock_ms();
	t->timeout_ms = transfer_try_ms(t);
	set_limits(t->easy, t);
	set_access(t->easy, t);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->at.url);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->text);
	t->fetch->running++;
	t->state = TRANSFER_RUNNING;
	curl_multi_add_handle(t->fetch->multi, t->easy);
	return 0;
}

static int too_large(struct transfer *t, struct err **err)
{
	char *why cleanup_free =
		xasprintf("larger than the %llu bytes expected", (unsigned long long)cap_of(t));

	return transfer_source_refused(t, why, err);
}

/* Whether it came from this machine or from what serves it alone, as a cloud does. */
static bool is_near(const struct transfer *t)
{
	char *ip = NULL;

	if (str_skip(source_of(t)->url, "file:"))
		return true;
	return curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip &&
	       (str_skip(ip, "127.") || str_skip(ip, "169.254.") || str_eq(ip, "::1") ||
		str_skip(ip, "fe80:") || str_skip(ip, "::ffff:"));
}

/*
 * Whoever knows a digest can have the file. A recipe of a stranger may name files and servers that
 * he cannot read himself, and read in a log what they have.
 */
static char *other_digest(const struct transfer *t, const struct digest *d)
{
	char want[DIGEST_HEX + 1], have[DIGEST_HEX + 1];

	digest_hex(t->item->sha256, want);
	if (is_near(t))
		return xasprintf("has another sha256 than %s (which one is not told of what this "
				 "machine alone can read)",
				 want);
	return xasprintf("has sha256 %s instead of %s", digest_hex(d, have), want);
}

/* libcurl takes a failing read() of a file: for its end, and tells no error. */
static bool is_cut_short(const struct transfer *t, curl_off_t *ret_size)
{
	*ret_size = -1;
	return str_skip(t->at.url, "file:") &&
	       curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, ret_size) ==
		       CURLE_OK &&
	       *ret_size > 0 && t->got < (uint64_t)*ret_size;
}

/* The complete body is there: right size, right digest, then its name. */
static int transfer_accept(struct transfer *t, struct err **err)
{
	struct http_item *item = t->item;
	char *why cleanup_free = NULL;
	struct digest d;
	curl_off_t size;

	if (is_cut_short(t, &size)) {
		t->all_gone = false;
		why = xasprintf("could be read for %llu of its %llu bytes only",
				(unsigned long long)t->got, (unsigned long long)size);
		return transfer_source_failed(t, why, false, err);
	}
	hasher_finish(steal_ptr(t->hasher), &d);
	if (item->size && t->got != item->size)
		why = xasprintf("has %llu bytes instead of %llu", (unsigned long long)t->got,
				(unsigned long long)item->size);
	else if (item->sha256 && !digest_eq(&d, item->sha256))
		why = other_digest(t, &d);
	if (why)
		return transfer_source_refused(t, why, err);
	if (fchmod(t->fd, 0444) < 0 || rename(t->part, item->dest) < 0)
		return err_errno(err, E_WRITE_FAILED, errno, "cannot create '%s'", item->dest);
	free(t->part);
	t->part = NULL;
	t->got = 0; /* stays counted in done_bytes */
	transfer_reset(t);
	t->state = TRANSFER_DONE;
	return 0;
}

bool http_may_retry(int code)
{
	switch (code) {
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_FILE_COULDNT_READ_FILE:
	case CURLE_TOO_MANY_REDIRECTS:
	case CURLE_WRITE_ERROR:
	case CURLE_OUT_OF_MEMORY:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CRL_BADFILE:
		return false;
	default:
		return true;
	}
}

static bool may_retry(CURLcode code, long status)
{
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return status >= 500 || status == 408 || status == 429;
	return http_may_retry(code);
}

bool http_not_reached(int code)
{
	return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
	       code == CURLE_COULDNT_RESOLVE_PROXY || code == CURLE_OPERATION_TIMEDOUT;
}

static int check_paces(struct fetch *f, struct err **err)
{
	for (size_t i = 0; i < f->count; i++) {
		if (transfer_check_pace(&f->transfers[i], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Who we are to the server of the current source, which has answered 401; NULL: it was told, nobody
 * may be asked, or it is another one that wants to know, to which this one redirects.
 */
static const struct http_login *ask_login(struct transfer *t)
{
	const struct http_access *a = t->at.access;
	const char *server = transfer_server(t, t->at.url), *url = NULL;
	struct err *err cleanup_err = NULL;
	struct http_login *l;

	curl_easy_getinfo(t->easy, CURLINFO_EFFECTIVE_URL, &url);
	if (t->named || !a || !a->ask || !url || !str_eq(transfer_server(t, url), server))
		return NULL;
	l = map_get(&t->fetch->logins, server);
	if (l)
		return l;
	l = arena_alloc(t->fetch->arena, sizeof(*l));
	*l = (struct http_login){0};
	if (a->ask(a->ask_arg, t->at.url, &l->user, &l->password, &err) < 0)
		l->why = arena_strdup(t->fetch->arena, err->text);
	map_set(&t->fetch->logins, server, l);
	return l;
}

/* The same source at once, now that it can be told who we are. */
static int transfer_again(struct transfer *t)
{
	transfer_reset(t);
	t->state = TRANSFER_WAITING;
	t->not_before = 0;
	return 0;
}

static const struct http_access *reach(struct transfer *t, const char *url)
{
	const struct http_access *was = t->at.access;
	const struct http_access *a = was->elsewhere(was->elsewhere_arg, url);
	struct http_access *same;

	if (!a || a->user || !str_eq(transfer_server(t, url), transfer_server(t, t->at.url)))
		return a;
	same = arena_alloc(t->fetch->arena, sizeof(*same));
	*same = *a;
	same->user = was->user;
	same->password = was->password;
	same->ask = was->ask;
	same->ask_arg = was->ask_arg;
	return same;
}

static int transfer_follow(struct transfer *t, const char *to, struct err **err)
{
	struct http_source next = {.url = arena_strdup(t->fetch->arena, to)};
	bool plain = str_skip(to, "http:") != NULL;

	if (++t->hops > MAX_REDIRECTS)
		return transfer_source_failed(t, "redirects too often", true, err);
	if (plain ? !may_be_plain(t) : !str_skip(to, "https:"))
		return transfer_source_failed(t, "redirects to another protocol", true, err);
	next.access = reach(t, next.url);
	if (!next.access)
		return transfer_source_failed(t, "redirects to what cannot be reached", true, err);
	t->at = next;
	t->moved = true;
	return transfer_again(t);
}

static int transfer_failed(struct transfer *t, CURLcode code, struct err **err)
{
	char *why cleanup_free = xstrdup(t->text[0] ? t->text : curl_easy_strerror(code));
	long status = t->status;
	const struct http_login *login = status == 401 ? ask_login(t) : NULL;

	if (login && login->user)
		return transfer_again(t);
	if (login && login->why) {
		free(why);
		why = xasprintf("%s; %s", t->text, login->why);
	}
	if (t->err) {
		*err = steal_ptr(t->err);
		return -1;
	}
	if (code == CURLE_OUT_OF_MEMORY) {
		free(xmalloc(HEADER_LINE_MOST)); /* ends this process if that is so */
		free(why);
		why = xstrdup("a line of its answer's header has no end");
	}
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return too_large(t, err);
	if (status != 404 && status != 410)
		t->all_gone = false;
	if (http_not_reached(code))
		transfer_server_down(t);
	t->silent_ms += transfer_silence_ms(t, code == CURLE_OPERATION_TIMEDOUT);
	return transfer_source_failed(t, why, !may_retry(code, status) || !transfer_patience_ms(t),
				      err);
}

static int handle_finished(struct fetch *f, struct err **err)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = msg->data.result;
		struct transfer *t = NULL;
		const char *to;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &t);
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
		if (code == CURLE_FILE_COULDNT_READ_FILE && is_missing_file(t->at.url))
			t->status = 404; /* what a server says of such a file */
		if ((to = redirect_of(t))) {
			if (transfer_follow(t, to, err) < 0)
				return -1;
			continue;
		}
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
	uint64_t now = clock_ms();

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
			return err_set(err, E_FETCH_FAILED, "libcurl: %s", curl_multi_strerror(mc));
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
	map_clear(&f->logins);
	arena_free(f->arena);
	curl_multi_cleanup(f->multi);
}

int http_init(struct err **err)
{
	static bool ready;

	if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, E_WORKER_PROGRAM, "libcurl cannot start");
	ready = true;
	return 0;
}

int http_fetch(struct http_item *items, size_t count, const struct http_opts *opts,
	       struct err **err)
{
	static const struct http_opts defaults;
	struct fetch f = {.opts = opts ? opts : &defaults, .count = count};
	int rc;

	if (!count)
		return 0;
	if (http_init(err) < 0)
		return -1;
	f.multi = curl_multi_init();
	if (!f.multi)
		return err_set(err, E_NO_MEMORY, "libcurl cannot start");
	fetch_begin(&f, items);
	rc = fetch_loop(&f, err);
	fetch_end(&f);
	return rc;
}
